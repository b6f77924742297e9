//! The libvirt objects of a checked cloud: every object with its document and its needs.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use fmc_core::boot::{Boot, Born, BornSecrets, Digests};
use fmc_core::checked::{Addressing, Checked, Disk, Host, Idx, Image, Machine, Network, Source};
use fmc_core::graph::{Address, Carries, Edge, Node, Wanted};
use fmc_core::name::PoolName;
use fmc_core::path::AbsPath;
use fmc_core::secret::SecretScope;
use fmc_core::unit::Size;

use crate::document::{
    self, BaseImage, Content, DataDisk, Document, DomainDocument, HostImage, ImageSource, NetworkDocument,
    PoolDocument, Readiness, VolumeDocument, kind,
};
use crate::domain;
use crate::grow;
use crate::image::header::Stated;
use crate::network;
use crate::pool;
use crate::volume::{self, Backing, FirstBoot, OnDisk, Ours};

/// Every object of a cloud. It cannot fail and gives the same bytes each time. An object's document depends
/// only on the things that it names: a new machine does not change other documents.
pub fn documents(checked: &Checked) -> Wanted<Document> {
    let mut hosts: Vec<OnHost<'_>> = checked.hosts().iter().map(OnHost::new).collect();
    for network in checked.networks() {
        for host in &network.hosts {
            if let Some(on) = hosts.get_mut(host.position()) {
                on.networks.push(network);
            }
        }
    }
    for machine in checked.machines() {
        if let Some(on) = hosts.get_mut(machine.host.position()) {
            on.machines.push(machine);
        }
    }
    let owner = checked.owner().as_str();
    let mut all = Documents {
        checked,
        nodes: BTreeMap::new(),
        digests: Digests::new(),
        images: BTreeSet::new(),
        scope: checked.secret_scope(),
    };
    let mut places = BTreeSet::new();
    let mut nodes = Vec::new();
    // Host by host: what the objects of a host share is looked up among few. A map that is made of a sorted list at once has
    // no room to spare in it, where one that grows is half empty.
    for on in &hosts {
        let place = Place::new(owner, on.host);
        places.insert(place.pool_address.place().clone());
        on.networks.iter().for_each(|network| all.network(&place, network));
        on.machines.iter().for_each(|machine| all.machine(&place, machine));
        nodes.extend(std::mem::take(&mut all.nodes));
    }
    Wanted { nodes: nodes.into_iter().collect(), places, ..Wanted::nothing(owner) }
}

/// The objects of a cloud on a host.
struct OnHost<'a> {
    host: &'a Host,
    networks: Vec<&'a Network>,
    machines: Vec<&'a Machine>,
}

impl<'a> OnHost<'a> {
    fn new(host: &'a Host) -> Self {
        Self { host, networks: Vec::new(), machines: Vec::new() }
    }
}

/// A host, with the values that all objects on it share.
struct Place<'a> {
    host: &'a Host,
    owner: &'a str,
    pool: Arc<str>,
    pool_path: String,
    pool_address: Address,
}

impl<'a> Place<'a> {
    fn new(owner: &'a str, host: &'a Host) -> Self {
        let pool: Arc<str> = volume::own_pool(owner).into();
        let pool_path = format!("{}/{pool}", host.base.as_str().trim_end_matches('/'));
        let pool_address = Address::new(document::place(&host.name), kind::POOL, Arc::clone(&pool));
        Self { host, owner, pool, pool_path, pool_address }
    }

    fn address(&self, kind: &'static str, name: impl Into<Arc<str>>) -> Address {
        self.pool_address.beside(kind, name)
    }

    fn volume_address(&self, pool: &str, name: &str) -> Address {
        self.address(kind::VOLUME, [pool, "/", name].concat())
    }

    /// The path of a volume of the cloud's own pool.
    fn path(&self, name: &str) -> String {
        [&self.pool_path, "/", name].concat()
    }
}

/// The documents of a host so far.
struct Documents<'a> {
    checked: &'a Checked,
    nodes: BTreeMap<Address, Node<Document>>,
    /// Whose secrets are made from the root key.
    scope: SecretScope,
    /// The digests of parts that machines share.
    digests: Digests,
    /// The images that machines share.
    images: BTreeSet<Arc<HostImage>>,
}

impl Documents<'_> {
    fn network(&mut self, place: &Place<'_>, wanted: &Network) {
        let address = place.address(kind::NETWORK, wanted.name.as_str());
        let (name, on_host) = self.names(wanted.name.as_str());
        let document = Document::Network(NetworkDocument {
            xml: network::xml(place.owner, &address, &on_host, wanted).into(),
            name,
            former: wanted.former_name.as_ref().map(|name| name.as_str().into()),
            on_host,
            autostart: wanted.autostart,
        });
        self.add(address, document, Vec::new(), None);
    }

    fn machine(&mut self, place: &Place<'_>, machine: &Machine) {
        let (name, first) = (machine.name.as_str(), machine.first_name.as_str());
        let part_of: Arc<str> = ["machine/", name].concat().into();
        let boot = Boot::of(self.checked, machine).map(Arc::new);
        let first_boot =
            FirstBoot::of(&machine.image, boot.as_ref().map(|boot| boot.digest_for(&self.scope)));
        let equal = Boot::equal(self.checked, machine)
            .map(|boot| FirstBoot::of(&machine.image, Some(boot.digest_for(&self.scope))).hash);
        let equal_roots: Arc<[String]> = equal.collect();
        let secrets = BornSecrets::of(boot.as_deref(), &self.scope);
        let mut needs = Vec::new();
        let root = machine.root.map(|root| {
            let base = self.base(place, &machine.image, name, root.size);
            let name = Ours::Root { machine: first.to_owned(), hash: first_boot.hash.clone() }.to_string();
            let format = volume::root_format(&machine.image);
            let backing = base.as_ref().map(|(path, _)| Backing { path, format: machine.image.format });
            let xml = volume::blank_xml(&name, root.size, root.allocation, format, backing);
            let over = self.over(&machine.image);
            let document = VolumeDocument {
                over,
                xml: xml.into(),
                pool: Arc::clone(&place.pool),
                name: name.into(),
                capacity: root.size.as_bytes(),
                content: Content::Empty,
                grown: Some(grow::root(machine.image.os).into()),
                data: None,
            };
            let below = base.and_then(|(_, address)| address);
            self.volume(place, document, below, Carries::Content, &part_of, &mut needs)
        });
        let boot = boot.map(|boot| {
            let name = Ours::Boot { machine: first.to_owned(), hash: first_boot.hash.clone() }.to_string();
            let document = upload(place, name.into(), Content::Boot(boot));
            self.volume(place, document, None, Carries::Content, &part_of, &mut needs)
        });
        let disks: Vec<String> = machine
            .disks
            .iter()
            .map(|disk| self.disk(place, machine, disk, (&part_of, secrets), &mut needs))
            .collect();
        self.domain(
            place,
            machine,
            Volumes { first_boot, equal_roots, secrets, root, boot, disks },
            part_of,
            needs,
        );
    }

    fn domain(
        &mut self,
        place: &Place<'_>,
        machine: &Machine,
        volumes: Volumes,
        part_of: Arc<str>,
        mut needs: Vec<Edge>,
    ) {
        let Volumes { first_boot, equal_roots, secrets, root, boot, disks } = volumes;
        let networks = machine.interfaces.iter().filter_map(|at| self.checked.at(at.network));
        needs.extend(networks.map(|network| {
            let to = self.shared(place.address(kind::NETWORK, network.name.as_str()));
            Edge { to, carries: Carries::Attached }
        }));
        // The machines that it starts after, on any host.
        let before = machine.after.iter().filter_map(|&at| self.checked.at(at));
        needs.extend(before.filter_map(|before| {
            let host = self.checked.at(before.host)?;
            let to = Address::new(document::place(&host.name), kind::DOMAIN, before.name.as_str());
            Some(Edge { to, carries: Carries::Exists })
        }));
        let console = place.host.console_log.then(|| {
            // The console file is made in the pool's folder when the machine starts.
            needs.push(self.own_pool(place));
            let console = Ours::Console { machine: machine.first_name.to_string(), full: None };
            Arc::<str>::from(console.to_string())
        });
        // Two interfaces may be on one network.
        needs.sort_by(|a, b| a.to.cmp(&b.to));
        needs.dedup();
        let address = place.address(kind::DOMAIN, machine.name.as_str());
        let path = |name: &Option<Arc<str>>| name.as_ref().map(|name| place.path(name));
        let (root_path, boot_path, console_path) = (path(&root), path(&boot), path(&console));
        let sizes = machine.disks.iter().map(|disk| (disk.volume.to_string(), disk.size.as_bytes()));
        let born = Born::of(self.checked, machine, secrets, &mut self.digests);
        let xml = domain::xml(&domain::Parts {
            owner: place.owner,
            address: &address,
            host: place.host,
            checked: self.checked,
            machine,
            first_boot: &first_boot,
            born: &born,
            root: root_path.as_deref(),
            boot: boot_path.as_deref(),
            disks: &disks,
            console: console_path.as_deref(),
        });
        let in_pool = |name: Arc<str>| (Arc::clone(&place.pool), name);
        let (name, on_host) = self.names(machine.name.as_str());
        let document = Document::Domain(Box::new(DomainDocument {
            xml: xml.into(),
            first: if machine.first_name == machine.name {
                Arc::clone(&name)
            } else {
                machine.first_name.as_str().into()
            },
            name,
            on_host,
            root: root.map(in_pool),
            boot: boot.map(in_pool),
            console: console.map(in_pool),
            image_digest: first_boot.image.into(),
            config_digest: first_boot.config.unwrap_or_default().into(),
            equal_roots,
            born: Some(Arc::new(born)),
            sizes: Arc::new(sizes.collect()),
            returns: false,
            power: machine.power,
            autostart: machine.autostart,
            shutdown: machine.shutdown,
            memory: machine.memory,
            ready: self.readiness(machine).map(Box::new),
        }));
        self.add(address, document, needs, Some(part_of));
    }

    /// An object's name, and its name on the host: one shared text if they are the same.
    fn names(&self, name: &str) -> (Arc<str>, Arc<str>) {
        let own: Arc<str> = name.into();
        let on_host = if self.checked.is_prefixed() {
            self.checked.name_on_host(name).into()
        } else {
            Arc::clone(&own)
        };
        (own, on_host)
    }

    fn readiness(&self, machine: &Machine) -> Option<Readiness> {
        let network = |at: Idx<Network>| {
            let network = self.checked.at(at)?;
            Some(Arc::from(self.checked.name_on_host(network.name.as_str())))
        };
        Some(Readiness {
            ready: machine.ready?,
            interfaces: machine
                .interfaces
                .iter()
                .filter_map(|interface| Some((network(interface.network)?, interface.mac)))
                .collect(),
            addresses: known_addresses(machine).collect(),
        })
    }

    /// Adds a data disk, and returns its path.
    fn disk(
        &mut self,
        place: &Place<'_>,
        machine: &Machine,
        disk: &Disk,
        (part_of, secrets): (&Arc<str>, BornSecrets),
        needs: &mut Vec<Edge>,
    ) -> String {
        let ours = Ours::Disk { machine: machine.first_name.to_string(), disk: disk.volume.to_string() };
        let foreign = disk.pool.as_ref().and_then(|pool: &PoolName| place.host.pool(pool));
        let (pool, name, path): (Arc<str>, String, String) = match foreign {
            None => {
                let name = ours.to_string();
                let path = place.path(&name);
                (Arc::clone(&place.pool), name, path)
            }
            Some(pool) => {
                let name = format!("{}{ours}", volume::foreign_prefix(place.owner));
                let path = format!("{}/{name}", pool.path.as_str().trim_end_matches('/'));
                (pool.name.as_str().into(), name, path)
            }
        };
        let document = VolumeDocument {
            over: None,
            xml: volume::blank_xml(&name, disk.size, disk.allocation, volume::DISK_FORMAT, None).into(),
            pool,
            name: name.into(),
            capacity: disk.size.as_bytes(),
            content: Content::Empty,
            grown: Some(grow::disk(disk, machine.image.os).into()),
            data: Some(Box::new(DataDisk {
                name: disk.name.as_str().into(),
                serial: disk.serial.to_string().into(),
                on: Some(
                    OnDisk::new(disk.made().as_deref(), disk.mount.as_ref().map(AbsPath::as_str))
                        .derivation(secrets.derivation()),
                ),
            })),
        };
        self.volume(place, document, None, Carries::Attached, part_of, needs);
        path
    }

    /// The image on the host that roots lie over, if it is one.
    fn over(&mut self, image: &Image) -> Option<Arc<HostImage>> {
        let (Source::Path(path) | Source::Volume { path, .. }) = &image.source else { return None };
        let over = HostImage { path: path.clone(), digest: image.digest };
        if let Some(known) = self.images.get(&over) {
            return Some(Arc::clone(known));
        }
        let over = Arc::new(over);
        self.images.insert(Arc::clone(&over));
        Some(over)
    }

    /// The base of a root's layer: the path, and the address if the base is ours.
    fn base(
        &mut self,
        place: &Place<'_>,
        image: &Image,
        machine: &str,
        root: Size,
    ) -> Option<(String, Option<Address>)> {
        let (source, digest) = match (&image.source, image.digest) {
            (Source::Blank, _) => return None,
            (Source::Path(path) | Source::Volume { path, .. }, _) => {
                return Some((path.as_str().to_owned(), None));
            }
            (Source::File(path), Some(digest)) => (ImageSource::File(path.clone()), digest),
            (Source::Url(url), Some(digest)) => (ImageSource::Url(url.clone()), digest),
            // `check` refuses an upload without a digest, because the name is made from it.
            (Source::File(_) | Source::Url(_), None) => return None,
        };
        let name = Ours::Base { digest: volume::hex(digest.bytes(), 6) }.to_string();
        let (path, address) = (place.path(&name), place.volume_address(&place.pool, &name));
        match self.nodes.get_mut(&address).map(|node| Arc::make_mut(&mut node.document)) {
            Some(document) => smallest_root(document, machine, root),
            None => {
                let stated = Stated {
                    format: image.format,
                    minimum: image.minimum,
                    root: Some((machine.to_owned(), root)),
                };
                let unpacked_digest = image.unpacked_digest;
                let content = Content::Image(Box::new(BaseImage { source, digest, unpacked_digest, stated }));
                let needs = vec![self.own_pool(place)];
                self.add(address.clone(), Document::Volume(upload(place, name.into(), content)), needs, None);
            }
        }
        Some((path, Some(address)))
    }

    /// Adds a volume of a machine, also to the needs of its domain, and returns its name.
    fn volume(
        &mut self,
        place: &Place<'_>,
        document: VolumeDocument,
        below: Option<Address>,
        carries: Carries,
        part_of: &Arc<str>,
        needs: &mut Vec<Edge>,
    ) -> Arc<str> {
        let address = place.volume_address(&document.pool, &document.name);
        let mut own = Vec::new();
        if document.pool == place.pool {
            own.push(self.own_pool(place));
        }
        own.extend(below.map(|to| Edge { to, carries: Carries::Content }));
        needs.push(Edge { to: address.clone(), carries });
        let name = Arc::clone(&document.name);
        self.add(address, Document::Volume(document), own, Some(Arc::clone(part_of)));
        name
    }

    /// The need of the host's own pool; it adds the pool the first time.
    fn own_pool(&mut self, place: &Place<'_>) -> Edge {
        let address = place.pool_address.clone();
        if !self.nodes.contains_key(&address) {
            let uuid = pool::uuid(place.owner, &place.pool);
            let xml = pool::xml(&place.pool, &uuid, &place.pool_path).into();
            let document =
                Document::Pool(PoolDocument { xml, name: Arc::clone(&place.pool), uuid, build: true });
            self.add(address.clone(), document, Vec::new(), None);
        }
        Edge { to: address, carries: Carries::Exists }
    }

    /// The address of an already wanted object, sharing its memory.
    fn shared(&self, address: Address) -> Address {
        self.nodes.get_key_value(&address).map_or(address, |(known, _)| known.clone())
    }

    fn add(&mut self, address: Address, document: Document, mut needs: Vec<Edge>, part_of: Option<Arc<str>>) {
        needs.shrink_to_fit();
        self.nodes.insert(address, Node { document: Arc::new(document), needs, part_of });
    }
}

/// The volumes of a machine in the cloud's own pool, and its data disks as paths.
struct Volumes {
    first_boot: FirstBoot,
    equal_roots: Arc<[String]>,
    secrets: BornSecrets,
    root: Option<Arc<str>>,
    boot: Option<Arc<str>>,
    disks: Vec<String>,
}

/// The image must fit on the smallest root of its machines; among equal ones, the first machine by name is
/// recorded.
fn smallest_root(document: &mut Document, machine: &str, root: Size) {
    if let Document::Volume(VolumeDocument { content: Content::Image(image), .. }) = document
        && image.stated.root.as_ref().is_none_or(|(_, smallest)| root < *smallest)
    {
        image.stated.root = Some((machine.to_owned(), root));
    }
}

/// The addresses of a machine that are known in advance, IPv4 before IPv6 on each interface.
pub(crate) fn known_addresses(machine: &Machine) -> impl Iterator<Item = IpAddr> {
    let each = machine.interfaces.iter().flat_map(|interface| [interface.ipv4, interface.ipv6]);
    each.flatten().filter_map(Addressing::address)
}

/// A volume for an upload; the length is not known yet.
fn upload(place: &Place<'_>, name: Arc<str>, content: Content) -> VolumeDocument {
    VolumeDocument {
        over: None,
        xml: volume::upload_xml(&name, 0).into(),
        pool: Arc::clone(&place.pool),
        name,
        capacity: 0,
        content,
        grown: None,
        data: None,
    }
}
