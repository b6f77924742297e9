//! The state of a simulated hypervisor.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::link::{Filter, HostFacts, RouteRecord, Surroundings};

/// The version of the form in which a simulation is stored.
const VERSION: u64 = 1;

/// The version in a stored simulation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Version(u64);

impl Default for Version {
    fn default() -> Self {
        Self(VERSION)
    }
}

/// The parts of a stored simulation that tell whether it can be read.
#[derive(Deserialize)]
struct Sections {
    version: Option<serde_json::Value>,
    domains: Option<IgnoredAny>,
    networks: Option<IgnoredAny>,
    pools: Option<IgnoredAny>,
    host: Option<IgnoredAny>,
}

/// Why a stored simulation cannot be read: a section that is missing would be read as if all of its objects were gone. A text
/// without a version has all sections: the versions before the first numbered one stored it.
pub(super) fn is_known(text: &str) -> Result<(), String> {
    let sections: Sections = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if let Some(version) = sections.version.filter(|version| *version != VERSION) {
        return Err(format!("its version is {version}, and this fmc reads version {VERSION} only"));
    }
    let has = [
        ("domains", sections.domains.is_some()),
        ("networks", sections.networks.is_some()),
        ("pools", sections.pools.is_some()),
        ("host", sections.host.is_some()),
    ];
    match has.iter().find(|(_, is_there)| !is_there) {
        Some((missing, _)) => Err(format!("its section `{missing}` is missing")),
        None => Ok(()),
    }
}

/// A simulated hypervisor: its objects, and the properties of the host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct State {
    pub(super) version: Version,
    pub(super) domains: BTreeMap<String, Domain>,
    pub(super) networks: BTreeMap<String, Network>,
    pub(super) pools: BTreeMap<String, Pool>,
    pub(super) host: Host,
    /// The domain of each UUID; derived from the domains.
    #[serde(skip)]
    pub(super) domain_uuids: BTreeMap<Uuid, String>,
    /// How many volumes were made by this process.
    #[serde(skip)]
    pub(super) files: u64,
}

/// The properties of the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Host {
    /// Its UUID, by which two connections to it are known.
    pub(super) uuid: Option<String>,
    pub(super) memory_kib: u64,
    pub(super) threads: u32,
    pub(super) domain_types: Vec<String>,
    /// Bridges that libvirt does not manage; with `None` every named bridge exists.
    pub(super) bridges: Option<BTreeSet<String>>,
    /// Whether it counts as another computer, of whose kernel nothing is known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) elsewhere: bool,
    /// Networks whose dnsmasq somebody ended.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) unserved: BTreeSet<String>,
    /// Bridges of active networks that somebody deleted.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) lost_bridges: BTreeSet<String>,
    /// Missing files; every other file outside the pools exists.
    pub(super) missing: BTreeSet<String>,
    /// Files outside the pools of which the content is known. That of the others is what the cloud says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) contents: BTreeMap<String, HostFile>,
    /// Its own routes: the destination, and the interface.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) routes: Vec<(String, String)>,
    /// The filters of forwarded packets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) filters: Vec<Filter>,
    /// The total space of a pool's folder in bytes, by path; unlimited if not set.
    pub(super) room: BTreeMap<String, u64>,
    /// Seconds that a guest takes to shut down; a guest without an operating system never does.
    pub(super) shutdown_seconds: u64,
    /// Seconds from a guest's start until it is up, by domain, `None` for never; 0 if not set.
    pub(super) boots: BTreeMap<String, Option<u64>>,
    /// Seconds after which a guest goes off by itself, by domain.
    pub(super) dies: BTreeMap<String, u64>,
    /// The text that a guest writes to its serial console when it starts, by domain.
    pub(super) says: BTreeMap<String, String>,
    /// Leases of guests that are gone, by network: MAC, address, and end.
    pub(super) old_leases: BTreeMap<String, Vec<(String, IpAddr, u64)>>,
    /// TCP ports that guests ignore.
    pub(super) closed: BTreeSet<u16>,
    /// The files in the folders of undefined pools, by path.
    pub(super) folders: BTreeMap<String, Files>,
    /// The files on file systems that are not mounted, by the path where they were.
    pub(super) unmounted: BTreeMap<String, Files>,
    /// Milliseconds since the hypervisor was made.
    pub(super) now: u64,
    /// The id of the next domain that starts.
    pub(super) next_id: u64,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            uuid: None,
            memory_kib: 1 << 30,
            threads: 128,
            domain_types: vec!["qemu".to_owned(), "kvm".to_owned()],
            bridges: None,
            elsewhere: false,
            unserved: BTreeSet::new(),
            lost_bridges: BTreeSet::new(),
            missing: BTreeSet::new(),
            contents: BTreeMap::new(),
            routes: Vec::new(),
            filters: Vec::new(),
            room: BTreeMap::new(),
            shutdown_seconds: 4,
            boots: BTreeMap::new(),
            dies: BTreeMap::new(),
            says: BTreeMap::new(),
            old_leases: BTreeMap::new(),
            closed: BTreeSet::new(),
            folders: BTreeMap::new(),
            unmounted: BTreeMap::new(),
            now: 0,
            next_id: 1,
        }
    }
}

impl Host {
    pub(super) fn surroundings(&self) -> Surroundings {
        let route = |(to, device): &(String, String)| {
            Some(RouteRecord { to: to.parse().ok()?, device: device.clone() })
        };
        Surroundings { routes: self.routes.iter().filter_map(route).collect(), filters: self.filters.clone() }
    }

    pub(super) fn facts(&self) -> HostFacts {
        HostFacts {
            uuid: self.uuid.clone(),
            memory_kib: self.memory_kib,
            threads: self.threads,
            domain_types: self.domain_types.clone(),
        }
    }
}

/// A file outside the pools.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HostFile {
    pub(super) length: u64,
    /// The capacity of the disk in it.
    pub(super) capacity: u64,
    /// How often its content was changed.
    pub(super) changed: u64,
    /// The hexadecimal digits of its SHA-256 and its SHA-512.
    pub(super) sha256: String,
    pub(super) sha512: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backing: Option<String>,
}

/// A domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Domain {
    pub(super) uuid: Uuid,
    pub(super) xml: String,
    #[serde(default)]
    pub(super) live: Option<Live>,
    #[serde(default)]
    pub(super) autostart: bool,
    /// Whether it was undefined while it ran: it is gone once it stops.
    #[serde(default)]
    pub(super) transient: bool,
    /// The guest whose memory was saved to a file: the next start goes on with it.
    #[serde(default)]
    pub(super) saved: Option<Live>,
    /// The names of the snapshots that are inside its disks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) snapshots: Vec<String>,
    /// The files of its definition; derived from it.
    #[serde(skip)]
    pub(super) files: Vec<String>,
}

impl Domain {
    /// Another file takes the place of one, in the definition and in the running guest.
    pub(super) fn now_names(&mut self, file: &str, other: &str) {
        self.xml = self.xml.replace(file, other);
        if let Some(live) = &mut self.live {
            live.xml = live.xml.replace(file, other);
        }
        self.files = super::domain::files_of(&self.xml);
    }
}

/// A running guest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Live {
    pub(super) xml: String,
    /// Whether the guest reacts to a request to shut down.
    pub(super) answers: bool,
    /// When it is up, so that its interfaces have leases and its agent and its ports answer; `None` for
    /// never.
    #[serde(default)]
    pub(super) up_at: Option<u64>,
    /// Its id, unique among all starts.
    #[serde(default)]
    pub(super) id: u64,
    /// Why it is paused, if it is.
    #[serde(default)]
    pub(super) paused: Option<String>,
    /// When it goes off, once it was asked to shut down and reacts.
    #[serde(default)]
    pub(super) off_at: Option<u64>,
    /// The networks that it is plugged into, each with the UUID of the port.
    #[serde(default)]
    pub(super) ports: Vec<(String, Uuid)>,
}

/// A network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    pub(super) uuid: Uuid,
    pub(super) xml: String,
    #[serde(default)]
    pub(super) live: Option<String>,
    #[serde(default)]
    pub(super) autostart: bool,
    /// Whether it was undefined while it was active.
    #[serde(default)]
    pub(super) transient: bool,
    /// The port of each interface that is plugged into it.
    #[serde(default)]
    pub(super) ports: BTreeSet<Uuid>,
}

/// A directory pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pool {
    pub(super) uuid: Uuid,
    pub(super) xml: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) active: bool,
    #[serde(default)]
    pub(super) autostart: bool,
    /// Whether it was undefined while it was active.
    #[serde(default)]
    pub(super) transient: bool,
    #[serde(default)]
    pub(super) volumes: BTreeMap<String, Volume>,
    /// The serial consoles of guests, by the file's name.
    #[serde(default)]
    pub(super) consoles: BTreeMap<String, Console>,
}

/// The files in a folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Files {
    pub(super) volumes: BTreeMap<String, Volume>,
    pub(super) consoles: BTreeMap<String, Console>,
}

/// A file that records a guest's serial console.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Console {
    pub(super) text: String,
    /// Whether the pool was refreshed since the file was made: before, its list lacks the file.
    #[serde(default)]
    pub(super) listed: bool,
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Volume {
    pub(super) capacity: u64,
    /// The bytes that it takes in its pool's folder.
    pub(super) takes: u64,
    #[serde(default)]
    pub(super) format: String,
    #[serde(default)]
    pub(super) backing: Option<String>,
    /// Whether a guest that ran had it as a disk.
    #[serde(default)]
    pub(super) used: bool,
    /// The number of bytes that were sent to it, and their SHA-256; the bytes themselves are not stored.
    #[serde(default)]
    pub(super) sent: Option<(u64, String)>,
    /// The text of a lease or of a commit; the bytes of other volumes are not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// A text that stands for what guests wrote to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) written: Option<String>,
    /// Whether it is an overlay that a snapshot made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) snapshot: bool,
    /// Whether its pool's list lacks it until the next refresh.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unlisted: bool,
    /// When its content was changed for the last time, in seconds since 1970. The simulation has no clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) changed: Option<u64>,
    /// Which of the volumes of its name it is: an upload goes on into the one that it began with, as into a deleted file.
    #[serde(skip)]
    pub(super) file: u64,
}

impl Live {
    /// Its document without what only this run of it has.
    pub(super) fn unplugged(&self) -> String {
        let text = self.xml.replacen(&format!("<domain id='{}' ", self.id), "<domain ", 1);
        self.ports.iter().fold(text, |text, (_, port)| text.replace(&format!(" portid='{port}'"), ""))
    }
}

impl State {
    /// Computes the derived fields, after the state was read from a file.
    pub(super) fn restored(mut self) -> Self {
        for domain in self.domains.values_mut() {
            domain.files = super::domain::files_of(&domain.xml);
        }
        self.domain_uuids = self.domains.iter().map(|(name, domain)| (domain.uuid, name.clone())).collect();
        self
    }

    /// The volume at a path, if the path is in the folder of a pool: `Some(None)` if there is no such volume. The files of
    /// a pool that was undefined are there for guests all the same.
    pub(super) fn volume_at(&self, path: &str) -> Option<Option<&Volume>> {
        let (folder, name) = path.rsplit_once('/')?;
        let pool = self.pools.values().find(|pool| pool.path == folder).map(|pool| &pool.volumes);
        let volumes = pool.or_else(|| Some(&self.host.folders.get(folder)?.volumes))?;
        Some(volumes.get(name))
    }

    pub(super) fn volume_at_mut(&mut self, path: &str) -> Option<&mut Volume> {
        let (folder, name) = path.rsplit_once('/')?;
        self.volumes_in(folder)?.get_mut(name)
    }

    /// The volumes in the folder of a pool, which may be undefined.
    pub(super) fn volumes_in(&mut self, folder: &str) -> Option<&mut BTreeMap<String, Volume>> {
        let pool = self.pools.values_mut().find(|pool| pool.path == folder).map(|pool| &mut pool.volumes);
        pool.or_else(|| Some(&mut self.host.folders.get_mut(folder)?.volumes))
    }

    /// Whether a file exists: a volume of a pool, or any other file that is not set as missing.
    pub(super) fn has_file(&self, path: &str) -> bool {
        match self.volume_at(path) {
            Some(volume) => volume.is_some(),
            None => !self.host.missing.contains(path),
        }
    }
}
