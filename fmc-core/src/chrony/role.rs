//! The roles of the machines: those that serve time, and those that take it.

use std::net::IpAddr;

use super::config::{Asked, Time, timesyncd};
use super::{Chrony, TimeSource};
use crate::addr::Subnet;
use crate::checked::{Checked, Machine, Network};
use crate::flow::{Flows, Peer, udp};
use crate::given::Given;
use crate::guest::Guest;
use crate::image::Os;
use crate::name::{MachineName, NetworkName, RoleName};
use crate::role::{CustomRole, Needs, Site};

/// The kind of a server's role.
pub const SERVER: RoleName = RoleName::literal("chrony-server");

/// The kind of a client's role.
pub const CLIENT: RoleName = RoleName::literal("chrony-client");

/// The role of a machine that is enrolled in FreeIPA. Debian's package for it refuses systemd-timesyncd.
const ENROLLED: RoleName = RoleName::literal("freeipa-client");

/// The port of NTP.
const NTP: u16 = 123;

/// Serves time to the clients of a cloud.
#[derive(Clone, Debug)]
pub struct ChronyServer(Chrony);

/// Takes its time from the servers of a cloud.
#[derive(Clone, Debug)]
pub struct ChronyClient(Chrony);

impl ChronyServer {
    pub(super) fn of(chrony: &Chrony) -> Self {
        Self(chrony.clone())
    }

    fn sources(&self) -> Vec<Asked> {
        let right = |sources: &[Given<TimeSource>]| -> Vec<String> {
            sources.iter().filter_map(Given::ok).map(ToString::to_string).collect()
        };
        let servers = right(&self.0.upstreams).into_iter().map(Asked::Server);
        servers.chain(right(&self.0.pools).into_iter().map(Asked::Pool)).collect()
    }

    /// The networks that may ask it, by name.
    fn networks<'s>(&self, site: &Site<'s>) -> Vec<&'s Network> {
        let cloud = site.cloud();
        let clients = named(cloud, &self.0.clients);
        let mut networks: Vec<&Network> =
            clients.flat_map(|client| networks_of(cloud, client, site.machine())).collect();
        networks.extend(
            self.0.networks.iter().filter_map(Given::ok).filter_map(|name| cloud.network(name.as_str())),
        );
        networks.sort_by(|one, other| one.name.cmp(&other.name));
        networks.dedup_by(|one, other| one.name == other.name);
        networks
    }
}

impl ChronyClient {
    pub(super) fn of(chrony: &Chrony) -> Self {
        Self(chrony.clone())
    }

    /// The addresses at which it asks the servers.
    fn servers(&self, site: &Site<'_>) -> Vec<IpAddr> {
        let servers = named(site.cloud(), &self.0.servers);
        servers.filter_map(|server| server.address_towards(site.machine())).collect()
    }
}

/// Whether a client of a system runs chrony.
pub(super) const fn has_chrony(os: Os, is_authenticated: bool) -> bool {
    match os {
        Os::Flatcar | Os::None => false,
        Os::Debian => is_authenticated,
        Os::FedoraCoreos | Os::Rocky | Os::Almalinux => true,
    }
}

/// The machines of a list.
pub(super) fn named<'s>(
    cloud: &'s Checked,
    names: &[Given<MachineName>],
) -> impl Iterator<Item = &'s Machine> {
    names.iter().filter_map(Given::ok).filter_map(|name| cloud.machine(name.as_str()))
}

/// The networks by which a client comes to a server: one that both are on, or else that of the client's address, or else, where
/// its address is not known beforehand, all of its own.
pub(super) fn networks_of<'s>(cloud: &'s Checked, client: &Machine, server: &Machine) -> Vec<&'s Network> {
    let is_shared = |network| server.interfaces.iter().any(|theirs| theirs.network == network);
    let shared = client.interfaces.iter().find(|own| is_shared(own.network) && own.address().is_some());
    let own = || client.interfaces.iter().find(|own| own.address().is_some());
    match shared.or_else(own) {
        Some(interface) => cloud.at(interface.network).into_iter().collect(),
        None => client.interfaces.iter().filter_map(|own| cloud.at(own.network)).collect(),
    }
}

/// The subnets of a network.
pub(super) fn subnets_of(network: &Network) -> impl Iterator<Item = Subnet> + '_ {
    [&network.ipv4, &network.ipv6].into_iter().flatten().map(|family| family.subnet)
}

impl CustomRole for ChronyServer {
    fn kind(&self) -> Given<RoleName> {
        SERVER.into()
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        let key = self.0.key();
        let time = Time {
            os: site.os(),
            asked: self.sources(),
            local_stratum: self.0.local_stratum.as_ref().and_then(Given::ok).map(|stratum| stratum.get()),
            allowed: self.networks(site).into_iter().flat_map(subnets_of).collect(),
            key: key.as_ref(),
            is_proved: false,
        };
        time.chrony()
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        let networks = self.networks(site);
        let flows = networks.into_iter().fold(Flows::new(), |flows, network| {
            flows.accept(udp(NTP), Peer::network(Given::<NetworkName>::from(network.name.clone())))
        });
        let sources = self.0.upstreams.iter().filter_map(Given::ok);
        let mut flows = sources.fold(flows, |flows, source| {
            let length = |address: &IpAddr| if address.is_ipv4() { 32 } else { 128 };
            let peer = match source {
                TimeSource::Address(address) => {
                    Peer::subnet(Given::<Subnet>::text(&format!("{address}/{}", length(address))))
                }
                TimeSource::Name(_) => Peer::Anywhere,
            };
            flows.reach(udp(NTP), peer)
        });
        if !self.0.pools.is_empty() {
            flows = flows.reach(udp(NTP), Peer::Anywhere);
        }
        flows
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().systems(&[Os::Debian, Os::Rocky, Os::Almalinux, Os::FedoraCoreos]).address()
    }
}

impl CustomRole for ChronyClient {
    fn kind(&self) -> Given<RoleName> {
        CLIENT.into()
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        let (os, servers) = (site.os(), self.servers(site));
        let is_enrolled = || site.with_role(ENROLLED).any(|machine| machine.name == site.machine().name);
        let has_chrony = has_chrony(os, self.0.authenticated) || (os == Os::Debian && is_enrolled());
        if !has_chrony {
            return timesyncd(os, &servers);
        }
        let key = self.0.key();
        let time = Time {
            os,
            asked: servers.iter().map(|server| Asked::Server(server.to_string())).collect(),
            local_stratum: None,
            allowed: Vec::new(),
            key: key.as_ref(),
            is_proved: true,
        };
        time.chrony()
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        let servers = self.0.servers.iter().filter_map(Given::ok);
        servers.fold(Flows::new(), |flows, server| flows.reach(udp(NTP), Peer::machine(server.clone())))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().systems(&[Os::Debian, Os::Rocky, Os::Almalinux, Os::FedoraCoreos, Os::Flatcar])
    }
}
