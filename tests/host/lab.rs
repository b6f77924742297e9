//! A hypervisor on a LAN: its network is systemd-networkd's, and it has an sshd.

use std::time::Duration;

use fmc_testkit::netns::{Daemon, Lab, Nic, Port};

/// The time that a daemon or a link may take; nothing waits for it to pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What Debian's installer would have left: an address on the card.
const INSTALLED: &str = "[Match]\nName=eno1\n\n[Network]\nAddress=192.168.0.10/24\nGateway=192.168.0.1\n\
                         LinkLocalAddressing=no\nIPv6AcceptRA=no\n";

/// A system bus that activates no services: there is no systemd to start them.
const BUS: &str = "<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>\
                   <auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\
                   <allow send_type=\"method_call\"/><allow send_type=\"signal\"/>\
                   <allow send_requested_reply=\"true\" send_type=\"method_return\"/>\
                   <allow send_requested_reply=\"true\" send_type=\"error\"/><allow receive_type=\"method_call\"/>\
                   <allow receive_type=\"signal\"/><allow receive_type=\"method_return\"/>\
                   <allow receive_type=\"error\"/></policy></busconfig>";

pub(crate) struct Site {
    pub(crate) lab: Lab,
}

impl Site {
    pub(crate) fn start() -> Self {
        let lab = Lab::start();
        lab.network("lan", "192.168.0.1/24");
        lab.host("hv", &[Nic::new("lan", "192.168.0.10/24").name("eno1")]);
        lab.host("admin", &[Nic::new("lan", "192.168.0.2/24")]);
        lab.write("hv", "/etc/systemd/network/90-installed.network", INSTALLED, 0o644);
        // Without udev, as in a container: networkd takes links as they are.
        for host in ["hv", "admin"] {
            let script = "mount -o remount,bind,ro /sys && mkdir -p /run/dbus /run/sshd /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp && chown -R systemd-network: /run/systemd/netif && rm -f /etc/systemd/network/*-fmc-*";
            lab.run(host, &["sh", "-c", script]).unwrap();
        }
        Self { lab }
    }

    /// Starts the bus and systemd-networkd.
    pub(crate) fn networkd(&self) -> [Daemon<'_>; 2] {
        // networkd gives the card its address itself.
        self.on_hv("ip address flush dev eno1");
        self.lab.write("hv", "/etc/fmc-bus.conf", BUS, 0o644);
        let words = ["dbus-daemon", "--config-file=/etc/fmc-bus.conf", "--nofork", "--nopidfile"];
        let mut bus = self.lab.daemon("hv", &words);
        let there = |path: &str| self.lab.run("hv", &["test", "-e", path]).is_ok();
        bus.until(PATIENCE, |_| there("/run/dbus/system_bus_socket")).unwrap();
        let words = ["env", "SYSTEMD_LOG_LEVEL=info", "/lib/systemd/systemd-networkd"];
        let mut networkd = self.lab.daemon("hv", &words);
        let is_up = || {
            let list = self.lab.run("hv", &["networkctl", "list", "--no-legend", "eno1"]);
            list.is_ok_and(|list| list.trim_end().ends_with("configured"))
        };
        networkd.until(PATIENCE, |_| is_up()).unwrap_or_else(|refused| {
            panic!("{refused}\n{:?}", self.lab.run("hv", &["networkctl", "status", "-a"]))
        });
        [bus, networkd]
    }

    /// Runs fmc on a host of the lab, and gives its exit code and output.
    pub(crate) fn fmc(&self, on: &str, cloud: &str, arguments: &str) -> (u8, String) {
        let file = self.lab.path().join("cloud.yaml");
        std::fs::write(&file, cloud).unwrap();
        let program = env!("CARGO_BIN_EXE_fmc");
        let script =
            format!("HOME=/root {program} -f {} {arguments} 2>&1; echo \"ended with $?\"", file.display());
        let said = self.lab.run_for(on, PATIENCE, &["sh", "-c", &script]).unwrap();
        let (said, code) = said.trim_end().rsplit_once("ended with ").unwrap();
        (code.parse().unwrap(), said.to_owned())
    }

    pub(crate) fn on_hv(&self, script: &str) -> String {
        self.lab.run("hv", &["sh", "-c", script]).unwrap()
    }

    /// The interface that has the host's address.
    pub(crate) fn holder(&self) -> String {
        let list = self.on_hv("ip -o -4 address show to 192.168.0.10/32 | awk '{print $2}'");
        list.trim().to_owned()
    }

    /// Whether the LAN reaches the host.
    pub(crate) fn is_reached(&self) -> bool {
        let _listener = self.lab.listen("hv", &[Port::tcp(7777)]);
        self.lab.reaches("admin", "192.168.0.10", Port::tcp(7777))
    }
}
