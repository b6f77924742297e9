//! Reading one host, with as few calls as the wanted objects need.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::{Address, Place};
use fmc_core::secret::RootKeyCheck;

use super::known::{self, Known};
use super::names::Names;
use super::wants::Wants;
use crate::console;
use crate::document::kind;
use crate::link::{
    CallError, DomainRecord, Link, NetworkRecord, NetworksHere, PoolRecord, VolumeFacts, VolumeRecord,
};
use crate::mark::Mark;
use crate::provider::act::lease;
use crate::provider::object::{Owner, is_blank, is_disk, pool_identity};
use crate::provider::path;
use crate::provider::preflight::own_bridge;
use crate::provider::promise::{self, ImageObject, Promises};
use crate::volume::{LEASE, Ours, Seal, VolumeName, own_pool};
use crate::xml::Outline;

/// How many layers of a disk are looked at.
pub(super) const LAYERS: usize = 32;

/// Everything that was read of a host.
#[derive(Debug, Default)]
pub(super) struct HostRead {
    pub(super) domains: Vec<DomainRecord>,
    /// The names in each domain.
    pub(super) names: Vec<Names>,
    /// The mark of each domain.
    pub(super) domain_marks: Vec<Option<Mark>>,
    /// The owner of each domain, by its mark alone.
    pub(super) owners: Vec<Owner>,
    /// The name in the cloud of each domain.
    pub(super) known: Vec<Option<Known>>,
    pub(super) networks: Vec<NetworkRecord>,
    /// The mark of each network.
    pub(super) network_marks: Vec<Option<Mark>>,
    pub(super) pools: Vec<PoolRecord>,
    /// The volumes of each active pool, by name.
    pub(super) volumes: BTreeMap<String, Vec<VolumeRecord>>,
    /// The paths of volumes that have names of ours and that a person made.
    pub(super) strangers: BTreeSet<String>,
    /// The paths of data disks that only their names say to be fmc's. Those that are wanted are no strangers all the same.
    pub(super) unproven: BTreeSet<String>,
    /// Capacities by path.
    pub(super) capacities: BTreeMap<String, u64>,
    /// The networks of ours that are active and whose dnsmasq has ended.
    pub(super) unserved: BTreeSet<String>,
    /// The networks of ours that are active and have no bridge, which somebody deleted.
    pub(super) without_bridge: BTreeSet<String>,
    /// The ports of each active network of a running guest.
    pub(super) ports: BTreeMap<String, BTreeSet<String>>,
    /// Volumes that were read one by one, by pool and name.
    pub(super) details: BTreeMap<(String, String), VolumeFacts>,
    /// The checks of the root keys of boot configurations whose machines have no domain, by path.
    pub(super) root_keys: BTreeMap<String, RootKeyCheck>,
    /// The images that lie on the host.
    pub(super) images: Vec<ImageObject>,
    /// The apply that has the lease of the cloud, in words.
    pub(super) lease: Option<String>,
}

impl HostRead {
    /// Reads a host with as few calls as possible for the wanted objects.
    pub(super) fn read(
        link: &impl Link,
        place: &Place,
        wants: &Wants,
        promises: &Promises,
    ) -> Result<Self, CallError> {
        let mut read = Self {
            domains: link.domains()?,
            networks: link.networks()?,
            pools: link.pools()?,
            ..Self::default()
        };
        let folders = read.folders();
        read.names = read.domains.iter().map(|domain| Names::of(domain, &folders, &wants.owner)).collect();
        read.domain_marks = read.domains.iter().map(|domain| Mark::read(&domain.xml)).collect();
        read.network_marks = read.networks.iter().map(|network| Mark::read(&network.xml)).collect();
        let owners = read.domains.iter().zip(&read.domain_marks).map(|(record, mark)| {
            Owner::of(mark.as_ref(), &wants.owner, kind::DOMAIN, &record.name, &record.xml)
        });
        read.owners = owners.collect();
        read.known = known::domains(place, &read, wants);
        read.look_for_bridges(link, wants);
        let plugged = read.with_ports();
        for network in
            read.networks.iter().filter(|network| network.active && plugged.contains(&network.name))
        {
            if let Some(ports) = link.network_ports(&network.name)? {
                read.ports.insert(network.name.clone(), ports);
            }
        }
        for pool in read.pools.iter().filter(|pool| pool.active) {
            read.volumes.insert(pool.name.clone(), listed(link, &pool.name)?);
        }
        read.look_for_strangers(place, wants);
        let own = own_pool(&wants.owner);
        if read.has_volume(&own, LEASE) {
            read.lease = lease::read(link, &own)?.map(|found| found.holder());
        }
        let disks = read.ours(&wants.owner).any(|(_, _, ours)| is_disk(&ours));
        if disks {
            read.capacities = link.disk_capacities()?;
        }
        let bereft = read.bereft(link, place, wants)?;
        let mut old_lists = read.mislisted(link, wants)?;
        old_lists.extend(bereft.iter().cloned().chain(read.with_orphans(place, wants)));
        if !old_lists.is_empty() {
            for pool in &old_lists {
                console::refresh(link, pool)?;
                read.volumes.insert(pool.clone(), listed(link, pool)?);
            }
            read.strangers.clear();
            read.look_for_strangers(place, wants);
        }
        let worth = read.worth_a_look(place, wants, !bereft.is_empty());
        let records = read.records_of(&worth, &wants.owner);
        let in_doubt = read.doubtful_records(place, wants);
        let worth: BTreeSet<_> =
            worth.into_iter().chain(records).chain(read.doubtful(wants)).chain(in_doubt.clone()).collect();
        for (pool, name) in &worth {
            if let Some(mut facts) = link.volume(pool, name)? {
                facts.backing = facts.backing.as_deref().map(path::plain);
                read.capacities.insert(facts.path.clone(), facts.capacity);
                read.details.insert((pool.clone(), name.clone()), facts);
            }
        }
        let no_records = read.with_content(&in_doubt);
        // A volume that looked like a record may have vouched for a disk.
        if !no_records.is_empty() || !read.strangers.is_empty() {
            read.strangers.extend(no_records);
            read.look_for_strangers(place, wants);
        }
        read.strangers.extend(read.roots_by_hand(place, wants));
        read.strangers.extend(read.consoles_by_hand(place, wants));
        read.look_under_ours(link, wants)?;
        read.look_below(link, wants)?;
        read.look_for_root_keys(link, place, wants)?;
        read.look_at_images(link, place, wants, promises)?;
        Ok(read)
    }

    /// The images that lie on the host.
    fn look_at_images(
        &mut self,
        link: &impl Link,
        place: &Place,
        wants: &Wants,
        promises: &Promises,
    ) -> Result<(), CallError> {
        let volumes = self.volumes.get(&own_pool(&wants.owner)).into_iter().flatten();
        let seals = volumes.filter_map(|record| match VolumeName::parse(&record.name)?.ours {
            Ours::Image(seal) => Some(seal),
            _ => None,
        });
        let seals: Vec<Seal> = seals.collect();
        for ((_, image), roots) in wants.images.iter().filter(|((at, _), _)| at == place) {
            let is_there = |root: &Address| {
                root.name().split_once('/').is_some_and(|(pool, name)| self.has_volume(pool, name))
            };
            let is_awaited = !roots.iter().all(is_there);
            let image = ImageObject::look(link, place, image.clone(), &seals, is_awaited, promises)?;
            self.images.push(image);
        }
        Ok(())
    }

    /// libvirt notices neither that the bridge of an active network was deleted nor that its dnsmasq has ended. The kernel of this
    /// computer knows both. For a host elsewhere libvirt's list of interfaces tells of bridges, if it has the bridge of another
    /// network: some drivers list none.
    fn look_for_bridges(&mut self, link: &impl Link, wants: &Wants) {
        let networks = self.networks.iter().zip(&self.network_marks);
        let is_ours = |mark: &Option<Mark>| mark.as_ref().is_some_and(|mark| mark.owner == wants.owner);
        let live = networks.filter(|(network, _)| network.active).filter_map(|(network, mark)| {
            let live = network.live_xml.as_deref()?;
            Some((network.name.as_str(), live, is_ours(mark)))
        });
        let live: Vec<(&str, &str, bool)> = live.collect();
        let ours = || live.iter().filter(|(.., is_ours)| *is_ours).map(|(name, live, _)| (*name, *live));
        if ours().next().is_none() {
            return;
        }
        let here = link.networks_here();
        let bridges: Vec<String> = live.iter().filter_map(|(_, live, _)| own_bridge(live)).collect();
        let interfaces: BTreeSet<String> = match here {
            Some(NetworksHere { served, interfaces }) => {
                let lost = ours().filter(|(name, live)| is_served(live) && !served.contains(*name));
                self.unserved = lost.map(|(name, _)| name.to_owned()).collect();
                interfaces
            }
            None if bridges.len() < 2 => return,
            None => {
                let Ok(Some(interfaces)) = link.interfaces() else { return };
                let interfaces: BTreeSet<String> = interfaces.into_iter().collect();
                if !bridges.iter().any(|bridge| interfaces.contains(bridge)) {
                    return;
                }
                interfaces
            }
        };
        let lost = ours().filter(|(_, live)| own_bridge(live).is_some_and(|own| !interfaces.contains(&own)));
        self.without_bridge = lost.map(|(name, _)| name.to_owned()).collect();
    }

    /// Reads the files below the disks of foreign domains that are off. libvirt writes them only into the document of a running
    /// domain.
    fn look_below(&mut self, link: &impl Link, wants: &Wants) -> Result<(), CallError> {
        let is_ours = |mark: &Option<Mark>| mark.as_ref().is_some_and(|mark| mark.owner == wants.owner);
        let mut domains = self.domains.iter().zip(&self.domain_marks);
        let may_lie_under = |ours: &Ours| matches!(ours, Ours::Base { .. } | Ours::Root { .. });
        if !domains.any(|(domain, mark)| !domain.active && !is_ours(mark))
            || !self.ours(&wants.owner).any(|(_, _, ours)| may_lie_under(&ours))
        {
            return Ok(());
        }
        let known: BTreeSet<String> =
            self.ours(&wants.owner).map(|(_, record, _)| record.path.clone()).collect();
        for ((domain, mark), names) in self.domains.iter().zip(&self.domain_marks).zip(&mut self.names) {
            if domain.active || is_ours(mark) {
                continue;
            }
            for file in names.files.clone() {
                let mut layer = Some(file);
                for _ in 0..LAYERS {
                    let Some(above) = layer.filter(|layer| !known.contains(layer)) else { break };
                    layer = promise::seen(link.file(&above))?
                        .and_then(|facts| facts.backing.as_deref().map(path::plain));
                    names.below.extend(layer.clone());
                }
            }
        }
        Ok(())
    }

    /// The networks of running guests.
    fn with_ports(&self) -> BTreeSet<String> {
        self.names.iter().flat_map(|names| &names.ports).map(|(network, _)| network.clone()).collect()
    }

    /// The pools by folder.
    pub(super) fn folders(&self) -> BTreeMap<String, String> {
        let folder = |pool: &PoolRecord| pool_identity(&pool.xml).1;
        self.pools.iter().filter_map(|pool| Some((folder(pool)?, pool.name.clone()))).collect()
    }

    /// Our volumes, without their commits.
    pub(super) fn ours<'a>(
        &'a self,
        owner: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a VolumeRecord, Ours)> {
        self.volumes.iter().flat_map(move |(pool, volumes)| {
            volumes.iter().filter_map(move |record| {
                let name = self.name_of(pool, record, owner)?;
                (!name.is_commit).then_some((pool.as_str(), record, name.ours))
            })
        })
    }

    /// The pools with disks of wanted machines that ran and have no domain. An overlay over such a disk is in no domain's
    /// document, and libvirt lists a file that a snapshot made only after a refresh.
    fn bereft(&self, link: &impl Link, place: &Place, wants: &Wants) -> Result<BTreeSet<String>, CallError> {
        let marks = self.domain_marks.iter().zip(&self.owners);
        let marks = marks.filter_map(|(mark, owner)| mark.as_ref().filter(|_| *owner == Owner::Us));
        let defined: BTreeSet<&str> = marks.map(Mark::first).collect();
        let is_bereft = |ours: &Ours| {
            let machine = ours.machine().filter(|_| is_disk(ours));
            machine.is_some_and(|first| !defined.contains(first) && wants.renamed(place, first).is_some())
        };
        let mut pools = BTreeSet::new();
        for (pool, record, _) in self.ours(&wants.owner).filter(|(_, _, ours)| is_bereft(ours)) {
            if !pools.contains(pool)
                && link.volume(pool, &record.name)?.is_some_and(|facts| !is_blank(facts.allocation))
            {
                pools.insert(pool.to_owned());
            }
        }
        Ok(pools)
    }

    /// The cloud's own pool, if it has the root of a machine that is neither there nor wanted: somebody removed its domain, and the
    /// list of the pool may lack the file of its console.
    fn with_orphans(&self, place: &Place, wants: &Wants) -> Option<String> {
        let own = own_pool(&wants.owner);
        let is_orphan = |ours: Ours| match ours {
            Ours::Root { machine, hash } => {
                !self.has_domain(&machine)
                    && wants.renamed(place, &machine).is_none()
                    && self.has_boot(&own, &machine, &hash)
            }
            _ => false,
        };
        let has_orphans = self.ours(&wants.owner).any(|(pool, _, ours)| pool == own && is_orphan(ours));
        has_orphans.then_some(own)
    }

    /// Volumes that have to be read one by one: disks whose capacity is not known yet, and all volumes that could have a volume
    /// as backing store which may be deleted. For a base image or a disk that is not wanted, for disks that have lost their
    /// domain, and for the root of a machine that a person wants to be made anew, these are those of all pools.
    fn worth_a_look(&self, place: &Place, wants: &Wants, is_bereft: bool) -> BTreeSet<(String, String)> {
        let mut look = BTreeSet::new();
        let (mut bases_in_doubt, mut has_unwanted) = (false, false);
        let mut in_doubt: BTreeSet<&str> = BTreeSet::new();
        for (pool, record, ours) in self.ours(&wants.owner) {
            if matches!(ours, Ours::Base { .. }) {
                let address = format!("{pool}/{}", record.name);
                let committed = self.has_volume(pool, &crate::volume::commit_name(&record.name));
                bases_in_doubt |= !committed || !wants.has(place, kind::VOLUME, &address);
            }
            // Capacities come with the domains that have the disks. An unwanted one may be an overlay.
            let is_unwanted =
                is_disk(&ours) && !wants.has(place, kind::VOLUME, &format!("{pool}/{}", record.name));
            let is_replaced = || match &ours {
                Ours::Root { machine, .. } => wants.is_replaced(place, machine),
                _ => false,
            };
            has_unwanted |= is_unwanted || is_replaced();
            let is_unknown = is_disk(&ours) && !self.capacities.contains_key(&record.path);
            if is_unwanted || is_unknown {
                look.insert((pool.to_owned(), record.name.clone()));
            }
            if is_unwanted || is_unknown || matches!(ours, Ours::Root { .. }) {
                in_doubt.insert(pool);
            }
        }
        for (pool, volumes) in &self.volumes {
            if !bases_in_doubt && !has_unwanted && !is_bereft && !in_doubt.contains(pool.as_str()) {
                continue;
            }
            let names = volumes.iter().filter(|record| {
                let ours = self.name_of(pool, record, &wants.owner);
                ours.is_none_or(|name| bases_in_doubt && is_disk(&name.ours))
            });
            look.extend(names.map(|record| (pool.clone(), record.name.clone())));
        }
        // The message about a disk in doubt tells its size.
        let doubtful = self.volumes.iter().flat_map(|(pool, volumes)| {
            let unproven = volumes.iter().filter(|record| self.unproven.contains(&record.path));
            unproven.map(|record| (pool.clone(), record.name.clone()))
        });
        look.extend(doubtful);
        look
    }

    pub(super) fn has_volume(&self, pool: &str, name: &str) -> bool {
        let volumes = self.volumes.get(pool).map(Vec::as_slice).unwrap_or_default();
        volumes.binary_search_by(|record| record.name.as_str().cmp(name)).is_ok()
    }
}

/// The volumes of a pool, sorted by name.
fn listed(link: &impl Link, pool: &str) -> Result<Vec<VolumeRecord>, CallError> {
    let mut volumes = link.volumes(pool)?;
    volumes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(volumes)
}

/// Whether libvirt runs a dnsmasq for an active network (`networkStartDhcpDaemon`).
fn is_served(live: &str) -> bool {
    let Some(outline) = Outline::read(live) else { return false };
    let root = outline.root();
    let is_off = root.at("dns").is_some_and(|dns| dns.attribute("enable") == Some("no"));
    let mut subnets = root.children_named("ip").peekable();
    own_bridge(live).is_some()
        && subnets.peek().is_some()
        && (!is_off || subnets.any(|ip| ip.at("dhcp").is_some()))
}
