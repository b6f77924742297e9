//! The machines of a checked cloud.

use std::sync::Arc;

use super::image::Images;
use super::names::{domain_of, resolvers};
use super::{Order, each, host_key, optional, or};
use crate::addr::Ip;
use crate::check::view::{Placed, Plugged, View, route_of};
use crate::checked::{self, Addressing, Checked};
use crate::finding::At;
use crate::given::Given;
use crate::guest::{Guest, Parts};
use crate::identity;
use crate::machine::Machine;
use crate::name::{DiskSerial, Fqdn, Hostname, MachineName};
use crate::ready::{Ready, Signal};
use crate::sort;
use crate::unit::{Cpus, Size};

/// Values that machines share.
#[derive(Default)]
pub(super) struct Shared<'a> {
    images: Images<'a>,
    guests: Guests<'a>,
}

/// Equal guests in a row are made once: the machines of a loop have equal ones.
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

pub(super) fn machine<'a>(
    view: &View<'a>,
    placed: &Placed<'a>,
    hosts: &Order<checked::Host>,
    networks: &Order<checked::Network>,
    checked: &Checked,
    shared: &mut Shared<'a>,
) -> Option<checked::Machine> {
    let draft = placed.draft;
    let name = draft.name.ok()?.clone();
    let first_name = match &draft.formerly {
        Some(_) => Given::<MachineName>::text(draft.first_name()?).ok()?.clone(),
        None => name.clone(),
    };
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
        external_addresses: each(&draft.external_addresses)?.into_iter().map(Ip::get).collect(),
        // A role of the machine turns it on later.
        firewall: draft.firewall == Some(true) && draft.image.os.provisioner().is_some(),
        memberships: Vec::new(),
        facts: Arc::default(),
        after: Vec::new(),
        guest: host_key::given(shared.guests.resolve(&draft.guest)?, view.cloud.ssh_host_keys, draft),
        equal_guests: Vec::new(),
        uuid: identity::uuid(checked.owner().as_str(), "domain", first_name.as_str()),
        name,
        first_name,
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
            let (name, volume) = (disk.name.ok()?.clone(), disk.first_name().ok()?.clone());
            Some(checked::Disk {
                size: *disk.size.ok()?,
                serial: match &disk.serial {
                    Some(serial) => serial.ok()?.clone(),
                    None => Given::<DiskSerial>::text(volume.as_str()).ok()?.clone(),
                },
                pool: optional(disk.pool.as_ref())?,
                allocation: disk.allocation,
                filesystem: disk.formatted(),
                mount: optional(disk.mount.as_ref())?,
                luks_key: match &disk.luks_key {
                    Some(secret) => Some(Arc::new(secret.checked(&At::ROOT, &mut Vec::new())?)),
                    None => None,
                },
                name,
                volume,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    // A disk that is called otherwise now keeps its place.
    sort::by(&mut disks, |a, b| a.volume.cmp(&b.volume));
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
    let addressing = |fixed: &Option<Given<Ip>>, reserved: &Option<Given<Ip>>| {
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
    sort::by_key(&mut routes, |route| (route.to.network(), route.to.prefix_len()));
    routes
}
