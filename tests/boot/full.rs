//! More boots: replaced, rebooted, each operating system's way with no data disk, one and two, on two hosts.
