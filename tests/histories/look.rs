//! What is on the hosts, as a person finds it: nothing of it is read through fmc's provider.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fmc::libvirt::link::{DomainRecord, Link as _};
use fmc::libvirt::mark::Mark;
use fmc::libvirt::sim::Sim;

use crate::words::{H, M};

/// What is in the name of a domain that a person cloned.
pub(crate) const COPY: &str = "-copy";

/// A volume: its host, and its path.
pub(crate) type At = (H, String);

/// A domain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Guest {
    pub(crate) record: DomainRecord,
    /// Its disks, each with what its guest reads there.
    pub(crate) disks: Vec<(String, Option<String>)>,
}

impl Guest {
    /// The number that tells one run of it from another.
    pub(crate) fn run(&self) -> Option<&str> {
        self.record.live_xml.as_deref()?.split(" id='").nth(1)?.split('\'').next()
    }
}

/// All hosts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) guests: BTreeMap<(H, String), Guest>,
    pub(crate) networks: BTreeMap<(H, String), String>,
    pub(crate) pools: BTreeMap<(H, String), String>,
    /// What was written to each volume.
    pub(crate) volumes: BTreeMap<At, Option<String>>,
}

impl Look {
    pub(crate) fn at(hosts: &[(H, Sim); 2]) -> Self {
        let mut look = Self {
            guests: BTreeMap::new(),
            networks: BTreeMap::new(),
            pools: BTreeMap::new(),
            volumes: BTreeMap::new(),
        };
        for (host, sim) in hosts {
            for record in sim.domains().unwrap() {
                let disks = sim.disks(&record.name);
                look.guests.insert((*host, record.name.clone()), Guest { record, disks });
            }
            for network in sim.networks().unwrap() {
                look.networks.insert((*host, network.name.clone()), format!("{network:?}"));
            }
            for pool in sim.pools().unwrap() {
                let state = format!("{} {} {}", pool.active, pool.autostart, pool.persistent);
                look.pools.insert((*host, pool.name), state);
            }
            // What fmc notes in its pool beside volumes: which apply works, what an image was, and what is on a data disk.
            let is_record =
                |name: &str| name.contains(".disk.") && (name.contains(".v1.") || name.contains(".v2."));
            let is_note = |path: &str| {
                let name = name_of(path);
                name == "lease" || name.starts_with("image.") || is_record(name)
            };
            let written = sim.contents().into_iter().filter(|(path, _)| !is_note(path));
            look.volumes.extend(written.map(|(path, text)| ((*host, path), text)));
        }
        look
    }

    /// The domain of the machine that was called so first, by its mark.
    pub(crate) fn guest(&self, host: H, first: M) -> Option<&Guest> {
        let ours = self.guests.iter().filter(|((at, _), guest)| *at == host && !guest.is_foreign());
        ours.map(|(_, guest)| guest).find(|guest| guest.first().as_deref() == Some(first.name()))
    }

    /// All that is not of the cloud, in full, but for what a person did to it.
    pub(crate) fn foreign(&self) -> String {
        let mut files: BTreeSet<&At> = BTreeSet::new();
        let mut text = String::new();
        for (at, guest) in self.guests.iter().filter(|(_, guest)| guest.is_foreign()) {
            let _ = writeln!(text, "{at:?} {guest:?}");
            files.extend(
                self.volumes.keys().filter(|(_, path)| guest.disks.iter().any(|(disk, _)| disk == path)),
            );
        }
        for ((host, name), network) in self.networks.iter().filter(|((_, name), _)| name == "default") {
            let _ = writeln!(text, "{host:?} {name} {network}");
        }
        let is_default = |at: &&At| at.1.starts_with("/srv/pool/");
        files.extend(self.volumes.keys().filter(is_default));
        for at in files {
            let _ = writeln!(text, "{at:?} {:?}", self.volumes.get(at));
        }
        text
    }
}

impl Guest {
    pub(crate) fn is_foreign(&self) -> bool {
        self.record.name.contains(COPY) || self.first().is_none()
    }

    /// What its mark says that its machine was called first.
    pub(crate) fn first(&self) -> Option<String> {
        let mark = Mark::read(&self.record.xml)?;
        mark.first.or_else(|| Some(mark.address.rsplit('/').next()?.to_owned()))
    }
}

/// The name of a volume in its pool.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The machine and the purpose in a volume's name: `root` or `disk`.
pub(crate) fn parts_of(path: &str) -> Option<(M, &str)> {
    let mut parts = name_of(path).split('.');
    Some((M::of(parts.next()?)?, parts.next()?))
}
