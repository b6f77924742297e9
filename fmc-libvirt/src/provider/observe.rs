//! Reading hypervisors: one pass over each, several at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::graph::{Address, Carries, Edge, ObserveError, Place, Seen, State, Wanted};
use fmc_core::name::HostName;
use futures_util::future::join_all;

use super::object::{
    DomainObject, Naming, NetworkObject, Object, Owner, PoolObject, VolumeObject, domain_fingerprint,
    is_disk, is_uploaded, network_fingerprint, pool_fingerprint, pool_identity, volume_fingerprint,
    volume_name,
};
use super::{Libvirt, run};
use crate::document::{self, Document, PROVIDER, kind};
use crate::link::{
    CallError, CallErrorKind, DomainRecord, Link, NetworkRecord, PoolRecord, VolumeFacts, VolumeRecord,
};
use crate::mark::Mark;
use crate::pool;
use crate::volume::{Ours, own_pool};
use crate::xml::outline::{Node, Outline};

/// Reads every host. A host that does not answer is unknown if there are others.
pub(super) async fn observe<L: Link>(
    provider: &Libvirt<L>,
    wanted: &Wanted<Document>,
) -> Result<Seen<Object>, ObserveError> {
    let wants = Arc::new(Wants::of(wanted));
    // The wanted objects' own place, if there is one: addresses that share a place are compared faster.
    let place_of = |host: &HostName| {
        let place = document::place(host);
        wanted.places.get(&place).cloned().unwrap_or(place)
    };
    let reads = provider.hosts.iter().map(|(host, link)| {
        let (wants, link, place) = (Arc::clone(&wants), Arc::clone(link), place_of(host));
        let instant = link.is_instant();
        async move {
            let read = run::off_thread(instant, move || HostRead::read(&*link, &place, &wants)).await;
            let lost = || CallError::new("read the host", CallErrorKind::Failed, "its thread ended early");
            (host, read.unwrap_or_else(|| Err(lost())))
        }
    });
    let reads = join_all(reads).await;
    let single = reads.len() + provider.unreachable.len() == 1;
    let mut seen = Seen::default();
    // By host, and in order: a map of all is made at once, where growing one by each object costs a search in it.
    let mut objects = Vec::new();
    for (host, cause) in &provider.unreachable {
        if single {
            return Err(ObserveError::Unreachable { what: host.to_string(), cause: cause.clone() });
        }
        seen.unknown.insert(document::place(host), cause.clone());
    }
    for (host, read) in reads {
        match read {
            Ok(read) => {
                let place = place_of(host);
                provider.remember(
                    host,
                    Remembered {
                        networks: read.networks.clone(),
                        pools: read.pools.clone(),
                        images: images(&read),
                        called: called(&place, &read, &wants),
                    },
                );
                let mut here = BTreeMap::new();
                See { place, read, wants: &wants }.objects(&mut here);
                objects.extend(here);
            }
            Err(error) => {
                let uri = provider.hosts.get(host).map(|link| link.uri().to_owned()).unwrap_or_default();
                let cause = error.message;
                let unreachable =
                    matches!(error.kind, CallErrorKind::Unreachable | CallErrorKind::Deadline { .. });
                if single && unreachable {
                    return Err(ObserveError::Unreachable { what: uri, cause });
                }
                if single || !unreachable {
                    return Err(ObserveError::Read { what: uri, cause });
                }
                seen.unknown.insert(document::place(host), cause);
            }
        }
    }
    seen.objects = objects.into_iter().collect();
    let is_given = |place: &Place| place.name().is_some_and(|host| provider.hosts.contains_key(host));
    for place in wanted.nodes.keys().map(Address::place).chain(&wanted.places) {
        if place.provider() == PROVIDER && !is_given(place) && !seen.unknown.contains_key(place) {
            seen.unknown.insert(place.clone(), "it has no connection".into());
        }
    }
    Ok(seen)
}

/// The inputs that decide how much has to be read.
pub(super) struct Wants {
    owner: String,
    addresses: BTreeSet<Address>,
    /// The domains and networks that have another name on their host: by host, kind and that name.
    called: BTreeMap<(Place, &'static str, String), String>,
}

impl Wants {
    fn of(wanted: &Wanted<Document>) -> Self {
        let called = wanted.nodes.iter().filter_map(|(address, node)| {
            let (name, on_host) = match &*node.document {
                Document::Domain(domain) => (&domain.name, &domain.on_host),
                Document::Network(network) => (&network.name, &network.on_host),
                Document::Pool(_) | Document::Volume(_) => return None,
            };
            let key = (address.place().clone(), address.kind(), on_host.to_string());
            (name != on_host).then(|| (key, name.to_string()))
        });
        Self {
            owner: wanted.owner.to_string(),
            called: called.collect(),
            addresses: wanted.nodes.keys().cloned().collect(),
        }
    }

    /// The wanted volumes of a host: one contiguous range of the addresses.
    fn volumes<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a Address> {
        let first = Address::new(place.clone(), kind::VOLUME, "");
        let is_one = move |address: &&Address| address.place() == place && address.kind() == kind::VOLUME;
        self.addresses.range(first..).take_while(is_one)
    }

    /// The cloud's name of an existing domain or network that is ours or has a name of ours.
    fn known_as<'a>(
        &'a self,
        place: &Place,
        kind: &'static str,
        on_host: &'a str,
        mark: Option<&'a Mark>,
    ) -> Option<&'a str> {
        if let Some(mark) = mark.filter(|mark| mark.owner == self.owner) {
            return Some(mark.name_of(on_host).unwrap_or(on_host));
        }
        if let Some(name) = self.called.get(&(place.clone(), kind, on_host.to_owned())) {
            return Some(name);
        }
        // If ours have other names on the host, the plain names are free for others.
        (self.called.is_empty() && self.has(place, kind, on_host)).then_some(on_host)
    }

    fn has(&self, place: &Place, kind: &'static str, name: &str) -> bool {
        self.addresses.contains(&Address::new(place.clone(), kind, name))
    }
}

/// The part of an observation that the preflight uses.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) networks: Vec<NetworkRecord>,
    pub(super) pools: Vec<PoolRecord>,
    /// The names of volumes that commit an uploaded image.
    pub(super) images: BTreeSet<String>,
    /// The names of domains and networks on the host, where they differ.
    pub(super) called: BTreeMap<Address, Arc<str>>,
}

/// The names of our domains and networks on their host, where they differ.
fn called(place: &Place, read: &HostRead, wants: &Wants) -> BTreeMap<Address, Arc<str>> {
    let domains = read.domains.iter().map(|domain| (kind::DOMAIN, &domain.name)).zip(&read.domain_marks);
    let networks =
        read.networks.iter().map(|network| (kind::NETWORK, &network.name)).zip(&read.network_marks);
    let named = domains.chain(networks).filter_map(|((kind, on_host), mark)| {
        let mark = mark.as_ref().filter(|mark| mark.owner == wants.owner)?;
        let name = mark.name_of(on_host).filter(|name| name != on_host)?;
        Some((Address::new(place.clone(), kind, name), Arc::from(on_host.as_str())))
    });
    named.collect()
}

fn images(read: &HostRead) -> BTreeSet<String> {
    let volumes = read.volumes.values().flatten();
    volumes.map(|volume| &volume.name).filter(|name| name.starts_with("base.")).cloned().collect()
}

/// Everything that was read of a host.
#[derive(Debug, Default)]
struct HostRead {
    domains: Vec<DomainRecord>,
    /// The names in each domain.
    names: Vec<Names>,
    /// The mark of each domain.
    domain_marks: Vec<Option<Mark>>,
    networks: Vec<NetworkRecord>,
    /// The mark of each network.
    network_marks: Vec<Option<Mark>>,
    pools: Vec<PoolRecord>,
    /// The volumes of each active pool.
    volumes: BTreeMap<String, Vec<VolumeRecord>>,
    /// Capacities by path.
    capacities: BTreeMap<String, u64>,
    /// The ports of each active network of a running guest.
    ports: BTreeMap<String, BTreeSet<String>>,
    /// Volumes that were read one by one, by pool and name.
    details: BTreeMap<(String, String), VolumeFacts>,
}

impl HostRead {
    /// Reads a host with as few calls as possible for the wanted objects.
    fn read(link: &impl Link, place: &Place, wants: &Wants) -> Result<Self, CallError> {
        let mut read = Self {
            domains: link.domains()?,
            networks: link.networks()?,
            pools: link.pools()?,
            ..Self::default()
        };
        let folders = read.folders();
        read.names = read.domains.iter().map(|domain| Names::of(domain, &folders)).collect();
        read.domain_marks = read.domains.iter().map(|domain| Mark::read(&domain.xml)).collect();
        read.network_marks = read.networks.iter().map(|network| Mark::read(&network.xml)).collect();
        let plugged = read.with_ports();
        for network in
            read.networks.iter().filter(|network| network.active && plugged.contains(&network.name))
        {
            if let Some(ports) = link.network_ports(&network.name)? {
                read.ports.insert(network.name.clone(), ports);
            }
        }
        for pool in read.pools.iter().filter(|pool| pool.active) {
            read.volumes.insert(pool.name.clone(), link.volumes(&pool.name)?);
        }
        let disks = read.ours(&wants.owner).any(|(_, _, ours)| is_disk(&ours));
        if disks {
            read.capacities = link.disk_capacities()?;
        }
        for (pool, name) in read.worth_a_look(place, wants) {
            if let Some(facts) = link.volume(&pool, &name)? {
                read.capacities.insert(facts.path.clone(), facts.capacity);
                read.details.insert((pool, name), facts);
            }
        }
        Ok(read)
    }

    /// The networks of running guests.
    fn with_ports(&self) -> BTreeSet<String> {
        self.names.iter().flat_map(|names| &names.ports).map(|(network, _)| network.clone()).collect()
    }

    /// The pools by folder.
    fn folders(&self) -> BTreeMap<String, String> {
        let folder = |pool: &PoolRecord| pool_identity(&pool.xml).1;
        self.pools.iter().filter_map(|pool| Some((folder(pool)?, pool.name.clone()))).collect()
    }

    /// Our volumes, without their commits.
    fn ours<'a>(&'a self, owner: &'a str) -> impl Iterator<Item = (&'a str, &'a VolumeRecord, Ours)> {
        self.volumes.iter().flat_map(move |(pool, volumes)| {
            volumes.iter().filter_map(move |record| {
                let name = volume_name(pool, &record.name, owner)?;
                (!name.is_commit).then_some((pool.as_str(), record, name.ours))
            })
        })
    }

    /// Volumes that have to be read one by one: disks whose capacity is not known yet, and, if a base image
    /// may be deleted or its upload was cut, all volumes that could have it as backing store.
    fn worth_a_look(&self, place: &Place, wants: &Wants) -> BTreeSet<(String, String)> {
        let mut look = BTreeSet::new();
        let mut bases_in_doubt = false;
        for (pool, record, ours) in self.ours(&wants.owner) {
            if matches!(ours, Ours::Base { .. }) {
                let address = format!("{pool}/{}", record.name);
                let committed = self.has_volume(pool, &crate::volume::commit_name(&record.name));
                bases_in_doubt |= !committed || !wants.has(place, kind::VOLUME, &address);
            }
            if is_disk(&ours) && !self.capacities.contains_key(&record.path) {
                look.insert((pool.to_owned(), record.name.clone()));
            }
        }
        if bases_in_doubt {
            for (pool, volumes) in &self.volumes {
                let names = volumes.iter().filter(|record| {
                    volume_name(pool, &record.name, &wants.owner).is_none_or(|name| is_disk(&name.ours))
                });
                look.extend(names.map(|record| (pool.clone(), record.name.clone())));
            }
        }
        look
    }

    fn has_volume(&self, pool: &str, name: &str) -> bool {
        self.volumes.get(pool).is_some_and(|volumes| volumes.iter().any(|record| record.name == name))
    }
}

/// The wanted objects and ours, as far as a host shows them.
struct See<'a> {
    place: Place,
    read: HostRead,
    wants: &'a Wants,
}

impl See<'_> {
    /// The networks that no longer have a guest's ports, because they were restarted while it ran.
    fn unplugged(&self, ports: Vec<(String, String)>) -> Vec<String> {
        let lost = |(network, port): &(String, String)| {
            self.read.ports.get(network).is_some_and(|there| !there.contains(port))
        };
        ports.into_iter().filter(lost).map(|(network, _)| network).collect()
    }

    fn objects(mut self, objects: &mut BTreeMap<Address, State<Object>>) {
        let owned = self.pools(objects);
        let folders = self.read.folders();
        let mut named: BTreeMap<String, Vec<Naming>> = BTreeMap::new();
        let mut plugged: BTreeSet<String> = BTreeSet::new();
        let mut machines: BTreeSet<String> = BTreeSet::new();
        let networks = self.networks();
        let domains = std::mem::take(&mut self.read.domains).into_iter();
        let marks = std::mem::take(&mut self.read.domain_marks);
        for ((record, mark), names) in domains.zip(marks).zip(std::mem::take(&mut self.read.names)) {
            let owner = Owner::of(mark.as_ref(), &self.wants.owner);
            if record.active {
                plugged.extend(names.networks.iter().cloned());
            }
            for file in &names.files {
                let naming = Naming { domain: record.name.clone(), ours: owner == Owner::Us };
                named.entry(file.clone()).or_default().push(naming);
            }
            let name = self.wants.known_as(&self.place, kind::DOMAIN, &record.name, mark.as_ref());
            if let Some(name) = name.map(str::to_owned) {
                if owner == Owner::Us {
                    machines.insert(name.clone());
                }
                let fingerprint = domain_fingerprint(&record);
                let needs = self.needs(&names, &folders, &networks);
                let address = self.address(kind::DOMAIN, &name);
                let unplugged = self.unplugged(names.ports);
                let object = DomainObject { record, mark, owner, files: names.files, unplugged, needs };
                objects.insert(address, State::present(Object::Domain(object), fingerprint));
            }
        }
        for (record, mark) in self.read.networks.iter().zip(&self.read.network_marks) {
            let owner = Owner::of(mark.as_ref(), &self.wants.owner);
            if let Some(name) = networks.get(&record.name) {
                let fingerprint = network_fingerprint(record);
                let object = Object::Network(NetworkObject {
                    record: record.clone(),
                    owner,
                    plugged: plugged.contains(&record.name),
                });
                objects.insert(self.address(kind::NETWORK, name), State::present(object, fingerprint));
            }
        }
        if owned {
            self.volumes(&named, &machines, &folders, objects);
        }
        self.other_pools(&own_pool(&self.wants.owner), objects);
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
                .filter(|volume| volume_name(&own, &volume.name, &self.wants.owner).is_none())
                .map(|volume| volume.name.clone())
                .collect();
            let fingerprint = pool_fingerprint(record);
            let owner = if is_ours { Owner::Us } else { Owner::Unmarked };
            let object = Object::Pool(PoolObject { record: record.clone(), owner, strangers });
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
        machines: &BTreeSet<String>,
        folders: &BTreeMap<String, String>,
        objects: &mut BTreeMap<Address, State<Object>>,
    ) {
        let mut used: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((pool, name), facts) in &self.read.details {
            if let Some(backing) = &facts.backing {
                used.entry(backing).or_default().push(format!("{pool}/{name}"));
            }
        }
        let own = own_pool(&self.wants.owner);
        for (pool, volumes) in &self.read.volumes {
            let names: BTreeSet<&str> = volumes.iter().map(|record| record.name.as_str()).collect();
            for record in volumes {
                let Some(name) = volume_name(pool, &record.name, &self.wants.owner) else { continue };
                // It is deleted with its domain, and only chance decides whether it is listed: libvirt
                // refreshes a pool from time to time.
                if matches!(&name.ours, Ours::Console { machine, .. } if machines.contains(machine)) {
                    continue;
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
                let fingerprint = volume_fingerprint(&record.path, capacity, whole);
                let object = VolumeObject {
                    pool: pool.clone(),
                    name: plain.to_owned(),
                    ours: name.ours,
                    path: record.path.clone(),
                    capacity,
                    whole,
                    only_commit: name.is_commit,
                    used_by: used.get(record.path.as_str()).cloned().unwrap_or_default(),
                    named_by: named.get(&record.path).cloned().unwrap_or_default(),
                    needs,
                };
                let state = State::present(Object::Volume(object), fingerprint);
                objects.insert(self.address(kind::VOLUME, &at), state);
            }
        }
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

/// The names in a domain.
#[derive(Debug, Default)]
struct Names {
    files: Vec<String>,
    networks: BTreeSet<String>,
    /// Each interface that was plugged in when the guest started: its network and its port there.
    ports: Vec<(String, String)>,
    /// The file that records its serial console.
    console: Option<String>,
}

impl Names {
    /// From its document and, if it runs, from the document with which it was started. A volume that is named
    /// by its pool is resolved to its path.
    fn of(record: &DomainRecord, folders: &BTreeMap<String, String>) -> Self {
        let mut names = Self::default();
        for xml in [Some(&record.xml), record.live_xml.as_ref()].into_iter().flatten() {
            if let Some(outline) = Outline::read(xml) {
                names.read(outline.root(), folders);
            }
        }
        names
    }

    fn read(&mut self, root: Node<'_>, folders: &BTreeMap<String, String>) {
        for device in root.at("devices").into_iter().flat_map(Node::children) {
            let source = device.at("source");
            match (device.name(), source) {
                ("disk", Some(source)) => {
                    self.file(source.attribute("file"));
                    if let (Some(pool), Some(volume)) = (source.attribute("pool"), source.attribute("volume"))
                        && let Some((folder, _)) = folders.iter().find(|(_, name)| *name == pool)
                    {
                        self.file(Some(&format!("{folder}/{volume}")));
                    }
                }
                ("interface", Some(source)) => {
                    let network = source.attribute("network").map(str::to_owned);
                    self.ports.extend(network.clone().zip(source.attribute("portid").map(str::to_owned)));
                    self.networks.extend(network);
                }
                ("serial", _) => {
                    let log = device.at("log").and_then(|log| log.attribute("file"));
                    self.console = self.console.take().or_else(|| log.map(str::to_owned));
                }
                _ => {}
            }
        }
        for entry in root.children().filter(|child| child.name() == "sysinfo").flat_map(Node::children) {
            self.file(entry.attribute("file"));
        }
        for path in ["os/kernel", "os/initrd"] {
            self.file(root.at(path).and_then(Node::text));
        }
    }

    fn file(&mut self, path: Option<&str>) {
        if let Some(path) = path
            && !self.files.iter().any(|known| known == path)
        {
            self.files.push(path.to_owned());
        }
    }
}
