//! The objects of a host, made from what was read of it.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::{Address, Carries, Edge, Fingerprint, Place, State};

use super::known::Known;
use super::names::Names;
use super::overlays::lies_over;
use super::read::HostRead;
use super::shared;
use super::wants::Wants;
use crate::document::kind;
use crate::mark::Mark;
use crate::pool;
use crate::provider::guard::StrangeDisk;
use crate::provider::object::{
    DomainObject, ImageObject, Naming, NetworkObject, Object, Owner, PoolObject, VolumeObject,
    domain_fingerprint, is_disk, is_uploaded, network_fingerprint, pool_fingerprint, pool_identity,
    volume_fingerprint, volume_name,
};
use crate::provider::settle::twin;
use crate::volume::{Ours, own_pool};

/// The wanted objects and ours, as far as a host shows them.
pub(super) struct See<'a> {
    pub(super) place: Place,
    pub(super) read: HostRead,
    pub(super) wants: &'a Wants,
}

impl See<'_> {
    /// The networks that no longer have a guest's ports, because they were stopped while it ran. One that is gone is
    /// made again only if it is wanted.
    fn unplugged(&self, ports: Vec<(String, String)>) -> Vec<String> {
        let is_gone = |network: &str| {
            !self.read.networks.iter().any(|record| record.name == network)
                && self.wants.known_as(&self.place, kind::NETWORK, network, None).is_some()
        };
        let lost = |(network, port): &(String, String)| match self.read.ports.get(network) {
            Some(there) => !there.contains(port),
            None => is_gone(network),
        };
        ports.into_iter().filter(lost).map(|(network, _)| network).collect()
    }

    pub(super) fn objects(mut self, objects: &mut BTreeMap<Address, State<Object>>) {
        let owned = self.pools(objects);
        let folders = self.read.folders();
        let mut named: BTreeMap<String, Vec<Naming>> = BTreeMap::new();
        let mut plugged: BTreeSet<String> = BTreeSet::new();
        let mut covered = Covered::default();
        let ours = self.read.disks_by_path(&self.wants.owner);
        let networks = self.networks();
        let recorded = self.read.recorded(&self.wants.owner);
        let known = std::mem::take(&mut self.read.known);
        let owners = std::mem::take(&mut self.read.owners);
        let domains = std::mem::take(&mut self.read.domains).into_iter();
        let marks = std::mem::take(&mut self.read.domain_marks);
        // The machines of our domains, by the names that they had first.
        let mut called: BTreeMap<String, String> = BTreeMap::new();
        let names = std::mem::take(&mut self.read.names);
        for ((((record, mark), names), known), owner) in domains.zip(marks).zip(names).zip(known).zip(owners)
        {
            let owner = self.here(owner, mark.as_ref());
            if record.active {
                plugged.extend(names.networks.iter().cloned());
            }
            let is_ours = owner == Owner::Us;
            // The volumes of a disk of ours tell the files under it.
            for file in names.files.iter().chain(names.below.iter().filter(|_| !is_ours)) {
                let naming = Naming { domain: record.name.clone(), ours: is_ours };
                named.entry(file.clone()).or_default().push(naming);
            }
            if let Some(Known { name, awaits }) = known {
                if let Some(mark) = mark.as_ref().filter(|_| is_ours) {
                    called.insert(mark.first().to_owned(), name.clone());
                    covered.add(mark.first(), &names.strange, &ours);
                }
                let fingerprint = domain_fingerprint(&record);
                let needs = self.needs(&names, &folders, &networks);
                let address = self.address(kind::DOMAIN, &name);
                let own_mark = mark.as_ref().filter(|_| is_ours);
                let unrecordable =
                    own_mark.map(|mark| self.read.unrecordable(mark, &names, &recorded, &folders));
                let unplugged = self.unplugged(names.ports);
                let Names { files, below, strange, copying, .. } = names;
                let object = DomainObject {
                    record,
                    mark,
                    owner,
                    files,
                    below,
                    unplugged,
                    strange,
                    copying,
                    awaits,
                    unrecordable: unrecordable.unwrap_or_default(),
                    needs,
                };
                objects.insert(address, State::present(Object::Domain(object), fingerprint));
            }
        }
        for (record, mark) in self.read.networks.iter().zip(&self.read.network_marks) {
            let owner = Owner::of(mark.as_ref(), &self.wants.owner, kind::NETWORK, &record.name, &record.xml);
            let owner = self.here(owner, mark.as_ref());
            if let Some(name) = networks.get(&record.name) {
                let fingerprint = network_fingerprint(record);
                let object = Object::Network(NetworkObject {
                    record: record.clone(),
                    owner,
                    plugged: plugged.contains(&record.name),
                    is_served: !self.read.unserved.contains(&record.name),
                    has_bridge: !self.read.without_bridge.contains(&record.name),
                });
                objects.insert(self.address(kind::NETWORK, name), State::present(object, fingerprint));
            }
        }
        for image in std::mem::take(&mut self.read.images) {
            let fingerprint = Fingerprint::of(format!("{:?} {}", image.bytes, image.is_swapped).as_bytes());
            let address = ImageObject::address(&self.place, &image.image);
            objects.insert(address, State::present(Object::Image(image), fingerprint));
        }
        if owned {
            self.volumes(&named, &called, &covered, &folders, objects);
        }
        self.other_pools(&own_pool(&self.wants.owner), objects);
    }

    /// The owner of an object. Two hosts of one cloud may be one hypervisor, and then each sees the other's objects.
    fn here(&self, owner: Owner, mark: Option<&Mark>) -> Owner {
        let host = mark.filter(|_| owner == Owner::Us).and_then(|mark| mark.host());
        match host.filter(|host| self.place.name() != Some(*host) && self.wants.hosts.contains(*host)) {
            Some(host) => Owner::Elsewhere(host.to_owned()),
            None => owner,
        }
    }

    /// The host's networks that are ours or wanted: their names there, with the cloud's names.
    fn networks(&self) -> BTreeMap<String, String> {
        let known = self.read.networks.iter().zip(&self.read.network_marks).filter_map(|(record, mark)| {
            let name = self.wants.known_as(&self.place, kind::NETWORK, &record.name, mark.as_ref())?;
            Some((record.name.clone(), name.to_owned()))
        });
        known.collect()
    }

    /// Wanted volumes in a foreign pool that cannot be listed.
    fn other_pools(&self, own: &str, objects: &mut BTreeMap<Address, State<Object>>) {
        for address in self.wants.volumes(&self.place) {
            let Some((pool, _)) = address.name().split_once('/') else { continue };
            if pool == own || self.read.volumes.contains_key(pool) {
                continue;
            }
            let defined = self.read.pools.iter().any(|record| record.name == pool);
            let cause = if defined {
                format!("the pool {pool} is not active: `virsh pool-start {pool}` starts it")
            } else {
                format!("the host has no pool {pool}")
            };
            objects.insert(address.clone(), State::Unknown { cause });
        }
    }

    /// The pools that are ours or wanted. It returns whether the pool with our own name is ours or absent.
    fn pools(&self, objects: &mut BTreeMap<Address, State<Object>>) -> bool {
        let own = own_pool(&self.wants.owner);
        let mut owned = true;
        for record in self.read.pools.iter().filter(|record| record.name == own) {
            let uuid = pool::uuid(&self.wants.owner, &own).to_string();
            let is_ours = pool_identity(&record.xml).0.is_some_and(|found| found.eq_ignore_ascii_case(&uuid));
            owned = is_ours;
            let strangers = self
                .read
                .volumes
                .get(&record.name)
                .into_iter()
                .flatten()
                .filter(|volume| self.read.name_of(&own, volume, &self.wants.owner).is_none())
                // A name that somebody else gave must not look like two lines.
                .map(|volume| volume.name.replace(char::is_control, "?"))
                .collect();
            let fingerprint = pool_fingerprint(record);
            let owner = if is_ours { Owner::Us } else { Owner::Unmarked };
            let applied_by = self.read.lease.clone();
            let object = Object::Pool(PoolObject { record: record.clone(), owner, strangers, applied_by });
            objects.insert(self.address(kind::POOL, &own), State::present(object, fingerprint));
            if is_ours && !record.active {
                self.hidden(&own, "started", objects);
            }
        }
        let is_there = self.read.pools.iter().any(|record| record.name == own);
        let has_domains = || {
            let mut marks = self.read.domain_marks.iter().flatten();
            marks.any(|mark| mark.owner == self.wants.owner)
        };
        if !is_there && has_domains() {
            // The pool's definition was removed by hand, but its files still exist.
            self.hidden(&own, "defined again", objects);
        }
        owned
    }

    /// The wanted volumes of our own pool, which cannot be listed yet.
    fn hidden(&self, own: &str, what: &str, objects: &mut BTreeMap<Address, State<Object>>) {
        for address in self.wants.volumes(&self.place) {
            if address.name().strip_prefix(own).is_some_and(|name| name.starts_with('/')) {
                let phase = format!("the pool {own} is {what}");
                objects.insert(address.clone(), State::NotYet { phase, is_new: false });
            }
        }
    }

    fn volumes(
        &self,
        named: &BTreeMap<String, Vec<Naming>>,
        called: &BTreeMap<String, String>,
        covered: &Covered,
        folders: &BTreeMap<String, String>,
        objects: &mut BTreeMap<Address, State<Object>>,
    ) {
        let mut used: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((pool, name), facts) in &self.read.details {
            if let Some(backing) = &facts.backing {
                used.entry(backing).or_default().push(format!("{pool}/{name}"));
            }
        }
        let later = called.iter().filter(|(first, name)| first != name);
        let later: BTreeSet<&str> = later.map(|(_, name)| name.as_str()).collect();
        let own = own_pool(&self.wants.owner);
        for (pool, volumes) in &self.read.volumes {
            let names: BTreeSet<&str> = volumes.iter().map(|record| record.name.as_str()).collect();
            let missing = self.missing_roots(pool, &names, named, folders);
            let records = self.read.records(pool, &self.wants.owner);
            let storage = self.read.pools.iter().find(|record| record.name == *pool);
            let storage = storage.and_then(|record| shared::storage(&record.xml));
            for record in volumes {
                let doubtful = self.read.is_doubtful(pool, record, &self.wants.owner);
                let name = match doubtful {
                    true => volume_name(pool, &record.name, &self.wants.owner),
                    false => self.read.name_of(pool, record, &self.wants.owner),
                };
                let Some(name) = name else { continue };
                // Applies give it back, or take it over.
                if matches!(name.ours, Ours::Lease | Ours::Image(_)) {
                    continue;
                }
                // It is deleted with its domain, and only chance decides whether it is listed: libvirt
                // refreshes a pool from time to time.
                if matches!(&name.ours, Ours::Console { machine, .. } if called.contains_key(machine)) {
                    continue;
                }
                // It is part of its disk. One without a disk is the rest of a deletion, and does not block a new disk.
                if let Ours::OnDisk { record: on, .. } = &name.ours
                    && !doubtful
                {
                    let disk = record.name.strip_suffix(on).and_then(|name| name.strip_suffix('.'));
                    let disk = disk.unwrap_or_default();
                    let at = format!("{pool}/{disk}");
                    if names.contains(disk) || self.wants.has(&self.place, kind::VOLUME, &at) {
                        continue;
                    }
                }
                let plain = if name.is_commit { record.name.trim_end_matches(".ok") } else { &record.name };
                if name.is_commit && names.contains(plain) {
                    continue;
                }
                let at = format!("{pool}/{plain}");
                // The rest of a deletion does not block the new volume.
                if name.is_commit && self.wants.has(&self.place, kind::VOLUME, &at) {
                    continue;
                }
                let whole = !name.is_commit
                    && (!is_uploaded(&name.ours)
                        || names.contains(crate::volume::commit_name(plain).as_str()));
                let capacity = self.read.capacities.get(&record.path).copied();
                let capacity = capacity.filter(|_| is_disk(&name.ours));
                let mut needs = Vec::new();
                if *pool == own {
                    needs.push(Edge { to: self.address(kind::POOL, &own), carries: Carries::Exists });
                }
                let details = self.read.details.get(&(pool.clone(), record.name.clone()));
                if let Some(below) = details.and_then(|facts| facts.backing.as_deref())
                    && let Some(to) = self.volume_at(below, folders)
                {
                    needs.push(Edge { to, carries: Carries::Content });
                }
                // It goes before its boot configuration, which shows whose it is if an apply is cut.
                if let Ours::Root { machine, hash } = &name.ours {
                    let boots =
                        [hash.clone(), twin(hash)].map(|hash| Ours::Boot { machine: machine.clone(), hash });
                    let boots = boots.into_iter().map(|boot| boot.to_string());
                    let boots = boots.filter(|boot| names.contains(boot.as_str()));
                    needs.extend(boots.map(|boot| Edge {
                        to: self.address(kind::VOLUME, &format!("{pool}/{boot}")),
                        carries: Carries::Exists,
                    }));
                }
                // And so does its console, of which nothing else shows that.
                if let Ours::Console { machine, .. } = &name.ours
                    && self.wants.renamed(&self.place, machine).is_none()
                {
                    let of_machine = [format!("{machine}.root."), format!("{machine}.boot.")];
                    let all =
                        names.iter().filter(|name| of_machine.iter().any(|start| name.starts_with(start)));
                    needs.extend(all.map(|name| Edge {
                        to: self.address(kind::VOLUME, &format!("{pool}/{name}")),
                        carries: Carries::Exists,
                    }));
                }
                let fingerprint = volume_fingerprint(&record.path, capacity, whole);
                let machine = name.ours.machine().filter(|_| is_disk(&name.ours));
                let is_named = named.contains_key(&record.path);
                let under = machine.and_then(|machine| covered.by(machine, &record.path, is_named));
                let over = details.and_then(|facts| facts.backing.clone());
                let over = over.filter(|below| lies_over(&record.name, below));
                let is_root = matches!(name.ours, Ours::Root { .. });
                let missing = name.ours.machine().filter(|_| is_root).and_then(|first| missing.get(first));
                let own = records.as_ref().map(|records| {
                    let of_disk = records.get(record.name.as_str()).map(Vec::as_slice).unwrap_or_default();
                    self.read.with_times(pool, of_disk)
                });
                let first = name.ours.machine();
                let is_free = |first: &str| !later.contains(first) && self.wants.is_free(first);
                let machine = first.and_then(|first| {
                    let here = called.get(first).map(String::as_str);
                    let here = here.or_else(|| self.wants.renamed(&self.place, first));
                    let known = || self.wants.called_now(first);
                    here.or_else(|| known().filter(|name| *name != first || is_free(first)))
                });
                let machine = machine.map(str::to_owned);
                let former = first.filter(|first| is_free(first) && machine.as_deref() != Some(*first));
                let former = former.map(str::to_owned);
                let used_by_machine = first.and_then(|first| called.get(first));
                let forgotten = used_by_machine.filter(|name| {
                    let is_same = first.and_then(|first| self.wants.renamed(&self.place, first)).is_some();
                    !is_same && self.wants.has(&self.place, kind::DOMAIN, name)
                });
                let object = VolumeObject {
                    forgotten: forgotten.cloned(),
                    missing: missing.cloned(),
                    records: own.filter(|_| matches!(name.ours, Ours::Disk { .. })),
                    root_key: self.read.root_keys.get(&record.path).filter(|_| !name.is_commit).cloned(),
                    written: details.and_then(|facts| facts.changed),
                    machine,
                    former,
                    pool: pool.clone(),
                    name: plain.to_owned(),
                    ours: name.ours,
                    path: record.path.clone(),
                    capacity,
                    doubtful,
                    storage: storage.clone(),
                    elsewhere: None,
                    whole,
                    only_commit: name.is_commit,
                    applied_by: self.read.lease.clone().filter(|_| !whole),
                    allocation: details.and_then(|facts| facts.allocation),
                    format: details.and_then(|facts| facts.format.clone()),
                    over,
                    under: under.cloned(),
                    used_by: used.get(record.path.as_str()).cloned().unwrap_or_default(),
                    named_by: named.get(&record.path).cloned().unwrap_or_default(),
                    needs,
                };
                let state = State::present(Object::Volume(object), fingerprint);
                objects.insert(self.address(kind::VOLUME, &at), state);
            }
        }
    }

    /// The roots in a pool that domains of ours name and that are not there, by the first names of their machines.
    fn missing_roots(
        &self,
        pool: &str,
        there: &BTreeSet<&str>,
        named: &BTreeMap<String, Vec<Naming>>,
        folders: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let ours = named.iter().filter(|(_, by)| by.iter().any(|naming| naming.ours));
        ours.filter_map(|(path, _)| {
            let (folder, name) = path.rsplit_once('/')?;
            let is_missing = folders.get(folder).is_some_and(|at| at == pool) && !there.contains(name);
            let known = volume_name(pool, name, &self.wants.owner).filter(|_| is_missing)?;
            let machine = known.ours.machine().filter(|_| matches!(known.ours, Ours::Root { .. }))?;
            Some((machine.to_owned(), path.clone()))
        })
        .collect()
    }

    fn needs(
        &self,
        names: &Names,
        folders: &BTreeMap<String, String>,
        networks: &BTreeMap<String, String>,
    ) -> Vec<Edge> {
        let volumes = names.files.iter().filter_map(|file| self.volume_at(file, folders));
        let volumes = volumes.map(|to| Edge { to, carries: Carries::Content });
        let networks = names
            .networks
            .iter()
            .map(|name| networks.get(name).unwrap_or(name))
            .map(|name| Edge { to: self.address(kind::NETWORK, name), carries: Carries::Attached });
        let folder = names.console.as_ref().and_then(|path| folders.get(path.rsplit_once('/')?.0));
        let console =
            folder.map(|pool| Edge { to: self.address(kind::POOL, pool), carries: Carries::Exists });
        volumes.chain(networks).chain(console).collect()
    }

    fn volume_at(&self, path: &str, folders: &BTreeMap<String, String>) -> Option<Address> {
        let (folder, name) = path.rsplit_once('/')?;
        let pool = folders.get(folder)?;
        Some(self.address(kind::VOLUME, &format!("{pool}/{name}")))
    }

    fn address(&self, kind: &'static str, name: &str) -> Address {
        Address::new(self.place.clone(), kind, name)
    }
}

/// The disks that lie over volumes of ours, or hide them.
#[derive(Debug, Default)]
struct Covered {
    /// By the path of the volume.
    known: BTreeMap<String, String>,
    /// Disks of which it is not known what lies under them, by the first name of their machine.
    unknown: BTreeMap<String, String>,
}

impl Covered {
    fn add(&mut self, machine: &str, strange: &[StrangeDisk], ours: &BTreeMap<String, String>) {
        for disk in strange.iter().filter(|disk| disk.covers) {
            let own = disk.below.iter().filter(|path| ours.contains_key(*path));
            let before = self.known.len();
            self.known.extend(own.map(|path| (path.clone(), disk.source.clone())));
            if self.known.len() == before {
                self.unknown.entry(machine.to_owned()).or_insert_with(|| disk.source.clone());
            }
        }
    }

    /// The disk that lies over a volume.
    fn by(&self, machine: &str, path: &str, is_named: bool) -> Option<&String> {
        let unknown = || self.unknown.get(machine).filter(|_| !is_named);
        self.known.get(path).or_else(unknown)
    }
}
