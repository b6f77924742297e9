//! The report that a guest writes at the end of each boot.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::k3s::Start;

/// The beginning of the report's line on the serial log.
const MARK: &str = "guest-report ";

/// The state of a guest after a boot; one for each boot.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// The kernel's identifier of this boot.
    pub boot_id: String,
    /// The machine's identifier, which the first boot made.
    pub machine_id: String,
    /// systemd's state of the system: `running`, or `degraded` if a unit failed.
    pub state: String,
    /// The kernel's host name.
    pub hostname: String,
    /// The name in `/etc/hostname`.
    pub static_hostname: String,
    /// The time zone that `/etc/localtime` points to.
    pub time_zone: String,
    /// The active units that configure the network.
    pub network: Vec<String>,
    /// The network interfaces, by MAC.
    pub interfaces: BTreeMap<String, Interface>,
    /// The routes with a gateway.
    pub routes: Vec<Route>,
    /// The name servers, from systemd-networkd or `/etc/resolv.conf`.
    pub resolvers: Vec<String>,
    /// The users who are people, by name.
    pub users: BTreeMap<String, User>,
    /// Everything below `/opt` and `/srv`, by path, including data disks that are mounted there.
    pub files: BTreeMap<String, Entry>,
    /// The disks with a serial, by serial.
    pub disks: BTreeMap<String, Disk>,
    /// The failed units, each with the end of its journal.
    pub failed: BTreeMap<String, String>,
    /// The units whose times show which unit waited for which, if the guest has them:
    /// `network-online.target`, `time-sync.target`, `systemd-time-wait-sync.service`, `k3s.service`,
    /// `k3s-agent.service`.
    #[serde(default)]
    pub units: BTreeMap<String, Unit>,
    /// The starts of K3s's stand-in, over all boots so far.
    #[serde(default)]
    pub k3s: Vec<Start>,
}

/// A network interface.
#[derive(Clone, Debug, Deserialize)]
pub struct Interface {
    /// The name that the kernel gives it.
    pub name: String,
    /// Its MTU, in bytes.
    pub mtu: u32,
    /// The addresses with more than link scope.
    pub addresses: Vec<InterfaceAddress>,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InterfaceAddress {
    /// With the prefix length: `10.0.0.7/24`.
    pub address: String,
    /// Whether it comes from a lease.
    pub dynamic: bool,
}

/// A route with a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Route {
    /// The destination; `default` for everything without another route.
    pub to: String,
    /// The gateway.
    pub via: String,
    /// The kernel's name of the interface.
    pub interface: String,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// The user's id.
    pub uid: u32,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
    /// The groups, without the user's own.
    pub groups: Vec<String>,
    /// The public keys that sshd accepts.
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
    /// The file system's identifier. Each new file system gets another one.
    pub uuid: Option<String>,
    /// The file system's label.
    pub label: Option<String>,
    /// Where it is mounted.
    pub mountpoint: Option<String>,
}

/// A unit of systemd, in this boot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Unit {
    /// systemd's state of the unit: `active`, `failed`.
    pub state: String,
    /// The time at which it began to start, in microseconds since the kernel's start; 0 if it did not.
    pub began: u64,
    /// The time at which it had started, likewise: for a service that notifies, the time of its notification.
    pub started: u64,
    /// The number of restarts by systemd.
    pub restarts: u32,
}

impl Report {
    /// The reports in a serial log, one for each boot that finished.
    ///
    /// # Errors
    ///
    /// The line of a report that cannot be parsed.
    pub fn read_all(log: &str) -> Result<Vec<Self>, String> {
        // The last line may be incomplete yet.
        log.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .filter_map(|line| line.split_once(MARK))
            .map(|(_, json)| serde_json::from_str(json.trim()).map_err(|error| format!("{error}: {json}")))
            .collect()
    }
}
