//! What there is on a simulated hypervisor.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::link::HostFacts;

/// A simulated hypervisor: its objects, and what is said of the host beneath.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct State {
    pub(super) domains: BTreeMap<String, Domain>,
    pub(super) networks: BTreeMap<String, Network>,
    pub(super) pools: BTreeMap<String, Pool>,
    pub(super) host: Host,
    /// Which domain has a UUID; follows from the domains.
    #[serde(skip)]
    pub(super) domain_uuids: BTreeMap<Uuid, String>,
}

/// What is said of the host beneath.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Host {
    pub(super) memory_kib: u64,
    pub(super) threads: u32,
    pub(super) domain_types: Vec<String>,
    /// Its bridges that are no network's of libvirt; `None`: whichever is named is there.
    pub(super) bridges: Option<BTreeSet<String>>,
    /// Files that are not there; every other file outside the pools is.
    pub(super) missing: BTreeSet<String>,
    /// Bytes that a pool's folder has room for, by path; no limit if none is said.
    pub(super) room: BTreeMap<String, u64>,
    /// Seconds that a guest takes to shut down; a guest without an operating system never does.
    pub(super) shutdown_seconds: u64,
    /// Seconds that a guest takes from its start until it is up, by domain, `None` for never; 0 if nothing is said.
    pub(super) boots: BTreeMap<String, Option<u64>>,
    /// Seconds after which a guest goes off by itself, by domain.
    pub(super) dies: BTreeMap<String, u64>,
    /// What a guest writes to its serial console when it starts, by domain.
    pub(super) says: BTreeMap<String, String>,
    /// Leases of guests that are gone, by network: MAC, address, and when each ends.
    pub(super) old_leases: BTreeMap<String, Vec<(String, IpAddr, u64)>>,
    /// TCP ports that no guest answers at.
    pub(super) closed: BTreeSet<u16>,
    /// Milliseconds since it was made.
    pub(super) now: u64,
    /// The id of the next domain that starts.
    pub(super) next_id: u64,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            memory_kib: 1 << 30,
            threads: 128,
            domain_types: vec!["qemu".to_owned(), "kvm".to_owned()],
            bridges: None,
            missing: BTreeSet::new(),
            room: BTreeMap::new(),
            shutdown_seconds: 4,
            boots: BTreeMap::new(),
            dies: BTreeMap::new(),
            says: BTreeMap::new(),
            old_leases: BTreeMap::new(),
            closed: BTreeSet::new(),
            now: 0,
            next_id: 1,
        }
    }
}

impl Host {
    pub(super) fn facts(&self) -> HostFacts {
        HostFacts {
            memory_kib: self.memory_kib,
            threads: self.threads,
            domain_types: self.domain_types.clone(),
        }
    }
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
    /// The files that its definition names; they follow from that.
    #[serde(skip)]
    pub(super) files: Vec<String>,
}

/// A running guest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Live {
    pub(super) xml: String,
    /// Whether something inside answers a request to shut down.
    pub(super) answers: bool,
    /// When it is up: its interfaces have leases, its agent and its ports answer; never if `None`.
    #[serde(default)]
    pub(super) up_at: Option<u64>,
    /// Its id, which no other start has.
    #[serde(default)]
    pub(super) id: u64,
    /// When it is off, once it was asked to shut down and answers.
    #[serde(default)]
    pub(super) off_at: Option<u64>,
    /// The networks that it was plugged into, each with the UUID of the port.
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
    #[serde(default)]
    pub(super) volumes: BTreeMap<String, Volume>,
    /// What guests wrote to their serial consoles, by the file's name.
    #[serde(default)]
    pub(super) consoles: BTreeMap<String, Console>,
}

/// A file that keeps what a guest wrote to its serial console.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Console {
    pub(super) text: String,
    /// Whether the pool was read anew since it was made: before, its list does not have it.
    #[serde(default)]
    pub(super) listed: bool,
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Volume {
    pub(super) capacity: u64,
    /// Bytes that it takes in its pool's folder.
    pub(super) takes: u64,
    #[serde(default)]
    pub(super) format: String,
    #[serde(default)]
    pub(super) backing: Option<String>,
    /// Bytes that were sent to it, and what they hash to (SHA-256); the bytes themselves are not kept.
    #[serde(default)]
    pub(super) sent: Option<(u64, String)>,
}

impl State {
    /// Makes what follows from the rest, after it was read from a file.
    pub(super) fn restored(mut self) -> Self {
        for domain in self.domains.values_mut() {
            domain.files = super::domain::files_of(&domain.xml);
        }
        self.domain_uuids = self.domains.iter().map(|(name, domain)| (domain.uuid, name.clone())).collect();
        self
    }

    /// The volume at a path, if the path lies in a pool: `Some(None)` if the pool has no such volume.
    pub(super) fn volume_at(&self, path: &str) -> Option<Option<&Volume>> {
        let (folder, name) = path.rsplit_once('/')?;
        let pool = self.pools.values().find(|pool| pool.path == folder)?;
        Some(pool.volumes.get(name))
    }

    /// Whether a file is there: a volume of a pool, or any other file that is not said to be missing.
    pub(super) fn has_file(&self, path: &str) -> bool {
        match self.volume_at(path) {
            Some(volume) => volume.is_some(),
            None => !self.host.missing.contains(path),
        }
    }
}
