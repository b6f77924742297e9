//! What a guest says of itself, at the end of each boot.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::k3s::Start;

/// How the line begins that has the report, on the serial log.
const MARK: &str = "guest-report ";

/// What a guest is when it has booted: one for each boot.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// The kernel's identifier of this boot.
    pub boot_id: String,
    /// The identifier that the first boot gave the machine.
    pub machine_id: String,
    /// systemd's word: `running`, or `degraded` when a unit failed.
    pub state: String,
    /// The name that the kernel has.
    pub hostname: String,
    /// The name in `/etc/hostname`.
    pub static_hostname: String,
    /// The time zone that `/etc/localtime` points to.
    pub time_zone: String,
    /// What makes the network: the units that are active.
    pub network: Vec<String>,
    /// The network interfaces, by MAC.
    pub interfaces: BTreeMap<String, Interface>,
    /// The routes with a gateway.
    pub routes: Vec<Route>,
    /// Whom it asks for names, by systemd-networkd or `/etc/resolv.conf`.
    pub resolvers: Vec<String>,
    /// The users that are people, by name.
    pub users: BTreeMap<String, User>,
    /// All below `/opt` and `/srv`, by path; data disks mounted there included.
    pub files: BTreeMap<String, Entry>,
    /// The disks that have a serial, by it.
    pub disks: BTreeMap<String, Disk>,
    /// The units that failed, each with the end of its journal.
    pub failed: BTreeMap<String, String>,
    /// Units by whose times one sees who waited for whom, where the guest has them: `network-online.target`, `time-sync.target`,
    /// `systemd-time-wait-sync.service`, `k3s.service`, `k3s-agent.service`.
    #[serde(default)]
    pub units: BTreeMap<String, Unit>,
    /// The starts of K3s's stand-in so far, over all boots.
    #[serde(default)]
    pub k3s: Vec<Start>,
}

/// A network interface.
#[derive(Clone, Debug, Deserialize)]
pub struct Interface {
    /// The kernel's name of it.
    pub name: String,
    /// Its MTU, in bytes.
    pub mtu: u32,
    /// Its addresses that are valid beyond the link.
    pub addresses: Vec<InterfaceAddress>,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InterfaceAddress {
    /// With the prefix length: `10.0.0.7/24`.
    pub address: String,
    /// Whether it is a lease.
    pub dynamic: bool,
}

/// A route with a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Route {
    /// Where to; `default` for all that has no other.
    pub to: String,
    /// The gateway.
    pub via: String,
    /// The kernel's name of the interface.
    pub interface: String,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// The user's number.
    pub uid: u32,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
    /// The groups beside the user's own.
    pub groups: Vec<String>,
    /// The public keys that sshd lets in.
    pub keys: Vec<String>,
}

/// A file, folder or link.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// The permissions.
    pub mode: u32,
    /// The owner's name.
    pub owner: String,
    /// The group's name.
    pub group: String,
    /// A file's size in bytes.
    #[serde(default)]
    pub size: Option<u64>,
    /// A file's first 4 KiB.
    #[serde(default)]
    pub contents: Option<String>,
    /// A link's target.
    #[serde(default)]
    pub target: Option<String>,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Disk {
    /// Its size in bytes.
    pub size: u64,
    /// The type of the file system on it.
    pub fstype: Option<String>,
    /// The file system's identifier: another one after each time that it is made.
    pub uuid: Option<String>,
    /// The file system's label.
    pub label: Option<String>,
    /// Where it is mounted.
    pub mountpoint: Option<String>,
}

/// A unit of systemd, in this boot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Unit {
    /// systemd's word: `active`, `failed`.
    pub state: String,
    /// When it began to start, in microseconds since the kernel's start; 0 when it did not.
    pub began: u64,
    /// When it had started, likewise: for a service that notifies, when it said that it was ready.
    pub started: u64,
    /// How often systemd started it again.
    pub restarts: u32,
}

impl Report {
    /// The reports in a serial log, one for each boot that was finished.
    ///
    /// # Errors
    ///
    /// The line that is a report and cannot be read.
    pub fn read_all(log: &str) -> Result<Vec<Self>, String> {
        // The last line may still be on its way.
        log.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .filter_map(|line| line.split_once(MARK))
            .map(|(_, json)| serde_json::from_str(json.trim()).map_err(|error| format!("{error}: {json}")))
            .collect()
    }
}
