//! From a draft without errors to the checked cloud: bare leaves, sorted by name, references as indices.
//!
//! Routes between the routed networks of a host are derived for a machine whose default route leads elsewhere: a balancer
//! on the LAN reaches the cluster's network without a route in the cloud.

mod host_key;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::view::{Net, Placed, Plugged, View, route_of};
use crate::checked::build::{Building, index};
use crate::checked::{self, Addressing, Checked, Forward, Idx, OfRoles, on_host};
use crate::finding::At;
use crate::given::{Given, Leaf};
use crate::guest::{Guest, Parts};
use crate::host::{Host, LibvirtUri};
use crate::identity;
use crate::image::{Image, Source};
use crate::machine::Machine;
use crate::name::{BridgeName, DiskSerial, DomainName, Fqdn, Hostname};
use crate::named::{Keyed, Named};
use crate::network::NetworkMode;
use crate::path::AbsPath;
use crate::ready::{Ready, Signal};
use crate::roles::ROOMS;
use crate::unit::{Cpus, Size};

/// The default memory that machines may not use: as measured on an idle host.
pub(crate) const RESERVE: Size = Size::gib(1);

/// A resolved draft.
pub(crate) struct Resolved {
    /// The right part of it: hosts, networks and machines with a wrong leaf or reference are left out.
    pub(crate) cloud: Building,
    /// Whether nothing is left out.
    pub(crate) is_whole: bool,
}

/// Resolves the right part of a draft; `None` if the owner's name is wrong.
pub(crate) fn resolve(view: &View<'_>) -> Option<Resolved> {
    let hosts: Vec<Option<checked::Host>> = view.hosts.iter().map(|draft| host(draft)).collect();
    let (order, hosts) = Order::of(hosts, &view.cloud.hosts);
    let name = view.cloud.name.ok()?.clone();
    let mut cloud = Building::new(name, view.owner.clone()?, view.cloud.lab, hosts);
    cloud.set_prefixed(view.cloud.prefixed);
    let networks = view.networks.iter().map(|net| network(view, net, &order, &cloud)).collect();
    let (networks, resolved) = Order::of(networks, &view.cloud.networks);
    cloud.set_networks(resolved);
    let mut shared = Shared::default();
    let machines = view.machines.iter();
    let machines =
        machines.map(|placed| machine(view, placed, &order, &networks, &cloud, &mut shared)).collect();
    let (machines, resolved) = Order::of(machines, &view.cloud.machines);
    cloud.set_machines(resolved);
    attach(&mut cloud);
    let mut of_roles = OfRoles::default();
    let mut rooms_are_whole = true;
    for room in ROOMS {
        rooms_are_whole &= room.resolve(view.cloud, &cloud, &mut of_roles);
    }
    cloud.set_of_roles(of_roles);
    let is_whole = rooms_are_whole && order.is_whole && networks.is_whole && machines.is_whole;
    let is_whole = is_whole && optional(view.cloud.time_zone.as_ref()).is_some();
    Some(Resolved { cloud, is_whole })
}

/// Where the values of a draft went, which are sorted by name.
struct Order<T> {
    /// The new index of each value of the draft; `None` for one that is left out.
    rank: Vec<Option<Idx<T>>>,
    /// Whether none is left out.
    is_whole: bool,
}

impl<T> Order<T> {
    /// Sorts what is resolved.
    fn of<D: Keyed>(resolved: Vec<Option<T>>, drafts: &Named<D>) -> (Self, Vec<T>)
    where
        D::Name: AsRef<str>,
    {
        let mut rank = vec![None; resolved.len()];
        let is_whole = resolved.iter().all(Option::is_some);
        let named = resolved.into_iter().zip(drafts).enumerate();
        let mut order: Vec<(&str, usize, T)> = named
            .filter_map(|(old, (value, draft))| Some((draft.name().ok()?.as_ref(), old, value?)))
            .collect();
        order.sort_by_key(|(name, old, _)| (*name, *old));
        let values = order.into_iter().enumerate().map(|(new, (_, old, value))| {
            if let Some(rank) = rank.get_mut(old) {
                *rank = Some(index(new));
            }
            value
        });
        let values = values.collect();
        (Self { rank, is_whole }, values)
    }

    fn new_index(&self, old: usize) -> Option<Idx<T>> {
        self.rank.get(old).copied().flatten()
    }
}

/// A leaf that may be left out: `Some(None)` when it is, `None` when it is wrong.
fn optional<T: Leaf>(given: Option<&Given<T>>) -> Option<Option<T>> {
    given.map_or(Some(None), |given| given.ok().cloned().map(Some))
}

/// A leaf with a default.
fn or<T: Leaf>(given: Option<&Given<T>>, default: T) -> Option<T> {
    optional(given).map(|value| value.unwrap_or(default))
}

/// Leaves of which all must be right, sorted, each once.
fn each<T: Leaf + Ord>(given: &[Given<T>]) -> Option<Vec<T>> {
    let mut values = given.iter().map(|given| given.ok().cloned()).collect::<Option<Vec<_>>>()?;
    values.sort();
    values.dedup();
    Some(values)
}

fn host(draft: &Host) -> Option<checked::Host> {
    let Host {
        name,
        uri,
        topology,
        memory,
        reserve,
        acceleration,
        machine_type,
        cpu,
        base,
        capacity,
        pools,
        bridges: _,
        console_log,
    } = draft;
    let mut pools = pools
        .iter()
        .map(|pool| {
            Some(checked::Pool {
                name: pool.name.ok()?.clone(),
                path: pool.path.ok()?.clone(),
                capacity: optional(pool.capacity.as_ref())?,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    Some(checked::Host {
        name: name.ok()?.clone(),
        uri: match uri {
            Some(uri) => uri.ok()?.clone(),
            None => Given::<LibvirtUri>::text("qemu:///system").ok()?.clone(),
        },
        topology: topology.clone(),
        memory: optional(memory.as_ref())?,
        reserve: or(reserve.as_ref(), RESERVE)?,
        acceleration: *acceleration,
        machine_type: optional(machine_type.as_ref())?.unwrap_or_default(),
        cpu: cpu.clone(),
        base: match base {
            Some(base) => base.ok()?.clone(),
            None => Given::<AbsPath>::text("/var/lib/libvirt/images").ok()?.clone(),
        },
        capacity: optional(capacity.as_ref())?,
        pools,
        console_log: *console_log,
    })
}

fn network(
    view: &View<'_>,
    net: &Net<'_>,
    hosts: &Order<checked::Host>,
    checked: &Checked,
) -> Option<checked::Network> {
    let draft = net.draft;
    let name = draft.name.ok()?.clone();
    let uuid = identity::uuid(checked.owner().as_str(), "network", name.as_str());
    let mut reservations = draft
        .reservations
        .iter()
        .map(|reservation| {
            Some(checked::Reservation {
                mac: *reservation.mac.ok()?,
                address: reservation.address.ok()?.get(),
                hostname: optional(reservation.hostname.as_ref())?,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    reservations.sort_by_key(|reservation| reservation.address);
    Some(checked::Network {
        hosts: net.host.and_then(|host| hosts.new_index(host)).into_iter().collect(),
        forward: match draft.mode {
            NetworkMode::Nat => Forward::Nat,
            NetworkMode::Routed => Forward::Routed,
            NetworkMode::Open => Forward::Open,
            NetworkMode::Isolated => Forward::Isolated,
            NetworkMode::Bridge => Forward::Bridge,
        },
        bridge: match &draft.bridge {
            Some(bridge) => bridge.ok()?.clone(),
            None => bridge_of(&on_host(view.prefix(), name.as_str()))?,
        },
        ipv4: net.ipv4.clone(),
        ipv6: net.ipv6.clone(),
        domain: match &draft.domain {
            Some(domain) => Some(domain.ok()?.clone()),
            None => optional(view.cloud.domain.as_ref())?,
        },
        mtu: optional(draft.mtu.as_ref())?,
        reservations,
        names: Vec::new(),
        uuid,
        mac: identity::mac(&uuid),
        autostart: draft.autostart,
        name,
    })
}

/// The bridge of a network that does not name one. A name that leaves no room for the prefix is hashed, since the
/// kernel takes 15 characters (`IFNAMSIZ`).
pub(crate) fn bridge_of(network: &str) -> Option<BridgeName> {
    let plain = format!("br-{network}");
    if let Some(name) = Given::<BridgeName>::text(&plain).ok() {
        return Some(name.clone());
    }
    let hash = identity::uuid("", "bridge", network).simple().to_string();
    Given::text(&format!("br-{}", hash.get(..12)?)).ok().cloned()
}

/// Values that machines share.
#[derive(Default)]
struct Shared<'a> {
    images: Images<'a>,
    guests: Guests<'a>,
}

/// Equal images are held once: a thousand machines share a handful.
#[derive(Default)]
struct Images<'a> {
    by_draft: Vec<(&'a Image, Idx<checked::Host>, Arc<checked::Image>)>,
}

impl<'a> Images<'a> {
    fn resolve(
        &mut self,
        draft: &'a Image,
        host: Idx<checked::Host>,
        checked: &Checked,
    ) -> Option<Arc<checked::Image>> {
        // Machines of one loop have equal images one after another, so the search is short from the end.
        let known = self.by_draft.iter().rev().find(|(other, on, _)| *on == host && **other == *draft);
        if let Some((_, _, image)) = known {
            return Some(Arc::clone(image));
        }
        let image = Arc::new(image(draft, checked.at(host)?)?);
        if self.by_draft.len() < 64 {
            self.by_draft.push((draft, host, Arc::clone(&image)));
        }
        Some(image)
    }
}

/// Equal guests are held once; a loop's machines have equal ones, and come one after another.
#[derive(Default)]
struct Guests<'a> {
    last: Option<(&'a Guest, Arc<Parts>)>,
}

impl<'a> Guests<'a> {
    fn resolve(&mut self, draft: &'a Guest) -> Option<Arc<Parts>> {
        if let Some((_, parts)) = self.last.as_ref().filter(|(last, _)| *last == draft) {
            return Some(Arc::clone(parts));
        }
        let parts = Arc::new(draft.parts(&At::ROOT, &mut Vec::new())?);
        self.last = Some((draft, Arc::clone(&parts)));
        Some(parts)
    }
}

fn image(draft: &Image, host: &checked::Host) -> Option<checked::Image> {
    let Image { os, version, architecture, source, digest, unpacked_digest, format, minimum, kernel } = draft;
    let mut known = optional(digest.as_ref())?;
    let source = match source {
        Source::Path(path) => checked::Source::Path(path.ok()?.clone()),
        Source::File { path, digest } => {
            known = Some(*digest.ok()?);
            checked::Source::File(path.ok()?.clone())
        }
        Source::Url { url, digest } => {
            known = Some(*digest.ok()?);
            checked::Source::Url(url.ok()?.clone())
        }
        Source::Volume { pool, name } => {
            let (pool, name) = (pool.ok()?.clone(), name.ok()?.clone());
            let path = Given::<AbsPath>::text(&format!("{}/{name}", host.pool(&pool)?.path)).ok()?.clone();
            checked::Source::Volume { pool, name, path }
        }
        Source::Blank => checked::Source::Blank,
    };
    Some(checked::Image {
        os: *os,
        version: version.as_str().into(),
        arch: *architecture,
        source,
        digest: known,
        unpacked_digest: optional(unpacked_digest.as_ref())?,
        format: *format,
        minimum: optional(minimum.as_ref())?,
        kernel: match kernel {
            Some(kernel) => Some(checked::DirectKernel {
                kernel: kernel.kernel.ok()?.clone(),
                initrd: optional(kernel.initrd.as_ref())?,
                command_line: kernel.command_line.as_str().into(),
            }),
            None => None,
        },
    })
}

fn machine<'a>(
    view: &View<'a>,
    placed: &Placed<'a>,
    hosts: &Order<checked::Host>,
    networks: &Order<checked::Network>,
    checked: &Checked,
    shared: &mut Shared<'a>,
) -> Option<checked::Machine> {
    let draft = placed.draft;
    let name = draft.name.ok()?.clone();
    let host = hosts.new_index(placed.host?)?;
    let hostname = match &draft.hostname {
        Some(hostname) => hostname.ok()?.clone(),
        None => Given::<Hostname>::text(name.as_str()).ok()?.clone(),
    };
    let route = route_of(view, placed);
    let interfaces = placed
        .links
        .iter()
        .enumerate()
        .map(|(at, link)| {
            let routes = if route == Some(at) { Vec::new() } else { routes(view, placed, link) };
            interface(view, link, networks, route == Some(at), routes)
        })
        .collect::<Option<Vec<_>>>()?;
    let domain = domain_of(view, placed);
    Some(checked::Machine {
        host,
        image: shared.images.resolve(&draft.image, host, checked)?,
        cpus: or(draft.cpus.as_ref(), Cpus::ONE)?,
        memory: or(draft.memory.as_ref(), Size::gib(1))?,
        root: match &draft.root_disk {
            Some(root) => Some(checked::Root { size: *root.size.ok()?, allocation: root.allocation }),
            None => None,
        },
        disks: disks(draft)?,
        interfaces,
        fqdn: match &draft.fqdn {
            Some(fqdn) => Some(fqdn.ok()?.clone()),
            None => {
                domain.and_then(|domain| Given::<Fqdn>::text(&format!("{hostname}.{domain}")).ok().cloned())
            }
        },
        hostname,
        time_zone: match &draft.time_zone {
            Some(zone) => Some(*zone.ok()?),
            None => optional(view.cloud.time_zone.as_ref())?,
        },
        resolvers: resolvers(view, placed)?.0,
        power: draft.power,
        autostart: draft.autostart,
        shutdown: draft.shutdown,
        ready: match &draft.ready {
            Some(ready) => Some(self::ready(ready)?),
            None => None,
        },
        labels: each(&draft.labels)?,
        taints: each(&draft.taints)?,
        // A machine with roles has one too, which is decided once they are known.
        firewall: draft.firewall == Some(true) && draft.image.os.provisioner().is_some(),
        memberships: Vec::new(),
        after: Vec::new(),
        guest: host_key::given(shared.guests.resolve(&draft.guest)?, view.cloud.ssh_host_keys, draft),
        uuid: identity::uuid(checked.owner().as_str(), "domain", name.as_str()),
        name,
    })
}

fn ready(draft: &Ready) -> Option<checked::Ready> {
    let signal = match &draft.signal {
        Signal::Lease => checked::Signal::Lease,
        Signal::Arp => checked::Signal::Arp,
        Signal::Agent => checked::Signal::Agent,
        Signal::Tcp(port) => checked::Signal::Tcp(*port.ok()?),
    };
    Some(checked::Ready { signal, within: draft.seconds()? })
}

fn disks(draft: &Machine) -> Option<Vec<checked::Disk>> {
    let mut disks = draft
        .disks
        .iter()
        .map(|disk| {
            let name = disk.name.ok()?.clone();
            Some(checked::Disk {
                size: *disk.size.ok()?,
                serial: match &disk.serial {
                    Some(serial) => serial.ok()?.clone(),
                    None => Given::<DiskSerial>::text(name.as_str()).ok()?.clone(),
                },
                pool: optional(disk.pool.as_ref())?,
                allocation: disk.allocation,
                filesystem: disk.formatted(),
                mount: optional(disk.mount.as_ref())?,
                name,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    disks.sort_by(|a, b| a.name.cmp(&b.name));
    Some(disks)
}

fn interface(
    view: &View<'_>,
    link: &Plugged<'_>,
    networks: &Order<checked::Network>,
    route: bool,
    routes: Vec<checked::Route>,
) -> Option<checked::Interface> {
    let at = link.network?;
    let net = view.network(at)?;
    let draft = link.draft;
    let addressing = |fixed: &Option<Given<crate::addr::Ip>>, reserved: &Option<Given<crate::addr::Ip>>| {
        Some(match (fixed, reserved) {
            (Some(fixed), _) => Addressing::Static(fixed.ok()?.get()),
            (None, Some(reserved)) => Addressing::Reserved(reserved.ok()?.get()),
            (None, None) => Addressing::Dynamic,
        })
    };
    Some(checked::Interface {
        network: networks.new_index(at)?,
        mac: link.mac?,
        ipv4: match net.ipv4 {
            Some(_) => Some(addressing(&draft.address, &draft.reserved)?),
            // A LAN without a stated subnet still answers DHCP.
            None if !net.is_own() => Some(Addressing::Dynamic),
            None => None,
        },
        ipv6: match net.ipv6 {
            Some(_) => Some(addressing(&draft.address6, &draft.reserved6)?),
            None => None,
        },
        default_route: route,
        routes,
    })
}

/// The routes to a host's other routed networks through an interface that the default route does not take.
fn routes(view: &View<'_>, placed: &Placed<'_>, link: &Plugged<'_>) -> Vec<checked::Route> {
    let attached = |at: usize| placed.links.iter().any(|link| link.network == Some(at));
    let Some(net) = link.network.and_then(|at| view.network(at)).filter(|net| net.is_routed()) else {
        return Vec::new();
    };
    let mut routes = Vec::new();
    let others = net.host.into_iter().flat_map(|host| view.routed(host));
    for (_, other) in others.filter(|(at, _)| !attached(*at)) {
        for (own, far) in [(&net.ipv4, &other.ipv4), (&net.ipv6, &other.ipv6)] {
            if let (Some(own), Some(far)) = (own, far)
                && let Some(via) = own.gateway
            {
                routes.push(checked::Route { to: far.subnet, via });
            }
        }
    }
    routes.sort_by_key(|route| (route.to.network(), route.to.prefix_len()));
    routes
}

/// The resolvers of a machine, and the path of the value that sets them.
pub(crate) fn resolvers(view: &View<'_>, placed: &Placed<'_>) -> Option<(Vec<IpAddr>, ResolversFrom)> {
    let right = |given: &[Given<crate::addr::Ip>]| {
        given.iter().map(|ip| ip.ok().map(|ip| ip.get())).collect::<Option<Vec<_>>>()
    };
    if !placed.draft.resolvers.is_empty() {
        return Some((right(&placed.draft.resolvers)?, ResolversFrom::Machine));
    }
    for link in &placed.links {
        let Some(at) = link.network else { continue };
        let net = view.network(at)?;
        if !net.draft.resolvers.is_empty() {
            return Some((right(&net.draft.resolvers)?, ResolversFrom::Network(at)));
        }
    }
    if !view.cloud.resolvers.is_empty() {
        return Some((right(&view.cloud.resolvers)?, ResolversFrom::Cloud));
    }
    // libvirt's dnsmasq answers on the gateway of every network that is its own.
    let gateway = route_of(view, placed)
        .or(if placed.links.is_empty() { None } else { Some(0) })
        .and_then(|at| placed.links.get(at)?.network)
        .and_then(|at| view.network(at))
        .filter(|net| net.is_own())
        .and_then(|net| net.ipv4.as_ref().or(net.ipv6.as_ref())?.gateway);
    Some((gateway.into_iter().collect(), ResolversFrom::Gateway))
}

/// The value that sets a machine's resolvers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResolversFrom {
    /// The machine's own list.
    Machine,
    /// The list of this network.
    Network(usize),
    /// The cloud's list.
    Cloud,
    /// None: the gateway answers.
    Gateway,
}

pub(crate) fn domain_of<'a>(view: &View<'a>, placed: &Placed<'a>) -> Option<&'a DomainName> {
    placed
        .links
        .iter()
        .filter_map(|link| view.networks.get(link.network?)?.draft.domain.as_ref()?.ok())
        .next()
        .or_else(|| view.cloud.domain.as_ref()?.ok())
}

/// The parts of networks that follow from their machines: the hosts of a bridge, and reservations.
fn attach(checked: &mut Building) {
    let mut hosts: BTreeMap<Idx<checked::Network>, Vec<Idx<checked::Host>>> = BTreeMap::new();
    let mut reservations: BTreeMap<Idx<checked::Network>, Vec<checked::Reservation>> = BTreeMap::new();
    for machine in checked.machines() {
        for interface in &machine.interfaces {
            hosts.entry(interface.network).or_default().push(machine.host);
            let known =
                [interface.ipv4, interface.ipv6].into_iter().flatten().filter_map(Addressing::address);
            reservations.entry(interface.network).or_default().extend(known.map(|address| {
                checked::Reservation { mac: interface.mac, address, hostname: Some(machine.hostname.clone()) }
            }));
        }
    }
    for (at, network) in checked.networks_mut() {
        if network.forward == Forward::Bridge {
            let mut on = hosts.remove(&at).unwrap_or_default();
            on.sort_unstable();
            on.dedup();
            network.hosts = on;
        } else if let Some(more) = reservations.remove(&at) {
            network.reservations.extend(more);
            network.reservations.sort_by_key(|reservation| reservation.address);
        }
    }
}
