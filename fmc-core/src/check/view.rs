//! The draft with its references looked up: what the rules read.
//!
//! A leaf or a reference that is wrong is `None` here; a rule that needs it skips the value, since another rule reports
//! it.
//!
//! A wrong name still refers: two values that share it are matched by their text, so that a cloud with underscores in its
//! names gets the findings about its addresses too.

mod subnets;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::addr::{IpRange, Mac, Subnet};
use crate::checked::Family;
use crate::cloud::Cloud;
use crate::given::Given;
use crate::host::Host;
use crate::identity;
use crate::machine::{Interface, Machine};
use crate::name::{HostName, OwnerId};
use crate::named::{Keyed, Named};
use crate::network::{Network, NetworkMode};
use crate::role::Stated;
use subnets::Subnets;

/// The draft with its references looked up.
pub(crate) struct View<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) owner: Option<OwnerId>,
    pub(crate) hosts: Vec<&'a Host>,
    pub(crate) networks: Vec<Net<'a>>,
    pub(crate) machines: Vec<Placed<'a>>,
    pub(crate) host_index: BTreeMap<&'a str, usize>,
    pub(crate) network_index: BTreeMap<&'a str, usize>,
    pub(crate) machine_index: BTreeMap<&'a str, usize>,
    /// The roles that span machines.
    pub(crate) spans: &'a [Stated<'a>],
    /// The machines that a spanning role gives a role to, by name.
    spanned: BTreeSet<&'a str>,
    /// The networks' subnets.
    pub(crate) subnets: Subnets,
    /// The networks that a host routes to, by host.
    routed: Vec<Vec<usize>>,
    /// The hosts that list a bridge, by its name.
    bridged: BTreeMap<&'a str, Vec<usize>>,
}

/// A network with its families.
pub(crate) struct Net<'a> {
    pub(crate) draft: &'a Network,
    /// The host that it is on; `None` for a host bridge, which is on many, and if the name is wrong.
    pub(crate) host: Option<usize>,
    pub(crate) ipv4: Option<Family>,
    pub(crate) ipv6: Option<Family>,
}

/// A machine with its host and its interfaces' networks.
pub(crate) struct Placed<'a> {
    pub(crate) draft: &'a Machine,
    pub(crate) host: Option<usize>,
    pub(crate) links: Vec<Plugged<'a>>,
}

/// An interface with its network.
pub(crate) struct Plugged<'a> {
    pub(crate) draft: &'a Interface,
    pub(crate) network: Option<usize>,
    /// The MAC: the user's if that is right, else the derived one; `None` if a name that it derives from is wrong.
    pub(crate) mac: Option<Mac>,
}

impl<'a> View<'a> {
    /// The owner whose name precedes the names of domains and networks on their hosts.
    pub(crate) fn prefix(&self) -> Option<&str> {
        self.owner.as_ref().filter(|_| self.cloud.prefixed).map(OwnerId::as_str)
    }

    /// Looks up the references of a draft with these spanning roles.
    pub(crate) fn new(cloud: &'a Cloud, spans: &'a [Stated<'a>]) -> Self {
        let owner = match &cloud.owner {
            Some(owner) => owner.ok().cloned(),
            None => cloud.name.ok().and_then(|name| Given::<OwnerId>::text(name.as_str()).ok().cloned()),
        };
        let hosts: Vec<_> = cloud.hosts.iter().collect();
        let host_index = index(&cloud.hosts);
        let network_index = index(&cloud.networks);
        let machine_index = index(&cloud.machines);
        let host_of = |given: Option<&Given<HostName>>| match given {
            Some(name) => host_index.get(text(name)).copied(),
            None if hosts.len() == 1 => Some(0),
            None => None,
        };
        let networks: Vec<Net<'a>> =
            cloud.networks.iter().map(|draft| Net::new(draft, host_of(draft.host.as_ref()))).collect();
        let mut routed = vec![Vec::new(); hosts.len()];
        for (at, net) in networks.iter().enumerate().filter(|(_, net)| net.is_routed()) {
            if let Some(routed) = net.host.and_then(|host| routed.get_mut(host)) {
                routed.push(at);
            }
        }
        let mut bridged: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, host) in hosts.iter().enumerate() {
            for bridge in bridges_of(host) {
                bridged.entry(bridge).or_default().push(at);
            }
        }
        let machines = cloud
            .machines
            .iter()
            .map(|draft| Placed {
                draft,
                host: host_of(draft.host.as_ref()),
                links: links(draft, &networks, &network_index, owner.as_ref()),
            })
            .collect();
        let spanned = spans.iter().flat_map(|stated| {
            let members = stated.role().members();
            let lists = members.lists().iter().filter(|list| list.role.is_some());
            lists.flat_map(|list| list.names).map(text).collect::<Vec<_>>()
        });
        let spanned = spanned.collect();
        Self {
            cloud,
            owner,
            hosts,
            subnets: Subnets::of(&networks),
            networks,
            machines,
            host_index,
            network_index,
            machine_index,
            spans,
            spanned,
            routed,
            bridged,
        }
    }

    /// Whether a spanning role gives a machine a role.
    pub(crate) fn is_spanned(&self, machine: &Machine) -> bool {
        self.spanned.contains(text(&machine.name))
    }

    /// The networks that a host routes to.
    pub(crate) fn routed(&self, host: usize) -> impl Iterator<Item = (usize, &Net<'a>)> {
        let networks = self.routed.get(host).into_iter().flatten();
        networks.filter_map(|&at| Some((at, self.networks.get(at)?)))
    }

    /// The hosts that list a bridge, by index.
    pub(crate) fn bridged(&self, bridge: &str) -> &[usize] {
        self.bridged.get(bridge).map_or(&[], Vec::as_slice)
    }

    /// A machine by index.
    pub(crate) fn machine(&self, index: usize) -> Option<&Placed<'a>> {
        self.machines.get(index)
    }

    /// The name of a machine by index.
    pub(crate) fn machine_name(&self, index: usize) -> &'a str {
        self.machines.get(index).map_or("", |placed| text(&placed.draft.name))
    }

    /// A network by index.
    pub(crate) fn network(&self, index: usize) -> Option<&Net<'a>> {
        self.networks.get(index)
    }
}

impl<'a> Net<'a> {
    fn new(draft: &'a Network, host: Option<usize>) -> Self {
        let bridged = draft.mode == NetworkMode::Bridge;
        let family = |v4: bool,
                      subnet: &Option<Given<Subnet>>,
                      gateway: &Option<Given<crate::addr::Ip>>,
                      dhcp: &Option<Given<IpRange>>| {
            let subnet = *subnet.as_ref()?.ok().filter(|subnet| subnet.is_ipv4() == v4)?;
            let gateway = match gateway {
                Some(gateway) => gateway.ok().map(|ip| ip.get()),
                None if bridged => None,
                None => Some(subnet.first_host()),
            };
            Some(Family { subnet, gateway, dhcp: dhcp.as_ref().and_then(|range| range.ok().copied()) })
        };
        Self {
            draft,
            host: if bridged { None } else { host },
            ipv4: family(true, &draft.subnet, &draft.gateway, &draft.dhcp),
            ipv6: family(false, &draft.ipv6, &draft.gateway6, &draft.dhcp6),
        }
    }

    /// The family that an address belongs to.
    pub(crate) fn family(&self, address: IpAddr) -> Option<&Family> {
        if address.is_ipv4() { self.ipv4.as_ref() } else { self.ipv6.as_ref() }
    }

    /// Whether machines on it reach what is behind its gateway.
    pub(crate) fn is_forwarded(&self) -> bool {
        self.draft.mode != NetworkMode::Isolated
    }

    /// Whether the host routes to it, in both directions.
    pub(crate) fn is_routed(&self) -> bool {
        matches!(self.draft.mode, NetworkMode::Routed | NetworkMode::Open)
    }

    /// Whether libvirt gives it a bridge, a gateway and DHCP of its own.
    pub(crate) fn is_own(&self) -> bool {
        self.draft.mode != NetworkMode::Bridge
    }
}

impl Plugged<'_> {
    /// The addresses that it is given, with the field that says each.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&'static str, IpAddr)> {
        let Interface { network: _, address, address6, reserved, reserved6, mac: _, default_route: _ } =
            self.draft;
        [("address", address), ("address6", address6), ("reserved", reserved), ("reserved6", reserved6)]
            .into_iter()
            .filter_map(|(field, given)| Some((field, given.as_ref()?.ok()?.get())))
    }
}

/// The bridges of a host: those that it has already, and those that fmc makes on it.
pub(crate) fn bridges_of(host: &Host) -> impl Iterator<Item = &str> {
    let made = host.uplinks.iter().map(|uplink| text(&uplink.bridge));
    let made = made.filter(|made| host.bridges.iter().all(|bridge| text(bridge) != *made));
    host.bridges.iter().map(text).chain(made)
}

/// The interface that the default route goes through, by index.
pub(crate) fn route_of(view: &View<'_>, placed: &Placed<'_>) -> Option<usize> {
    if let Some(at) = placed.links.iter().position(|link| link.draft.default_route == Some(true)) {
        return Some(at);
    }
    placed.links.iter().position(|link| {
        link.draft.default_route.is_none()
            && link.network.and_then(|at| view.network(at)).is_some_and(|net| {
                let gateway = |family: &Option<Family>| family.as_ref().is_some_and(|f| f.gateway.is_some());
                net.is_forwarded() && (gateway(&net.ipv4) || gateway(&net.ipv6) || !net.is_own())
            })
    })
}

/// The text of a name, right or wrong: a wrong name still refers to a value of that wrong name, so the rules about both
/// still apply.
pub(crate) fn text<T: AsRef<str>>(name: &Given<T>) -> &str {
    match name {
        Given::Right(name) => name.as_ref(),
        Given::Wrong { text, .. } => text,
    }
}

fn index<T: Keyed>(values: &Named<T>) -> BTreeMap<&str, usize>
where
    T::Name: AsRef<str>,
{
    // References mean the first of two values of one name; the second is a finding.
    let mut map = BTreeMap::new();
    for (at, value) in values.iter().enumerate() {
        map.entry(text(value.name())).or_insert(at);
    }
    map
}

fn links<'a>(
    draft: &'a Machine,
    nets: &[Net<'_>],
    networks: &BTreeMap<&str, usize>,
    owner: Option<&OwnerId>,
) -> Vec<Plugged<'a>> {
    let mut links: Vec<Plugged<'a>> = Vec::with_capacity(draft.interfaces.len());
    for interface in &draft.interfaces {
        let network = networks.get(text(&interface.network)).copied();
        let twins = links.iter().filter(|other| other.draft.network == interface.network).count();
        let mac = match &interface.mac {
            Some(mac) => mac.ok().copied(),
            None => {
                let first = match network.and_then(|at| nets.get(at)?.draft.formerly.as_ref()) {
                    Some(formerly) => formerly.ok().map(|name| name.as_str()),
                    None => interface.network.ok().map(|name| name.as_str()),
                };
                owner.zip(draft.first_name()).zip(first).map(|((owner, machine), network)| {
                    identity::interface(owner.as_str(), machine, network, twins)
                })
            }
        };
        links.push(Plugged { draft: interface, network, mac });
    }
    links
}
