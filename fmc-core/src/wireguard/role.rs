//! The roles of the machines: the gateway of a tunnel, and its other machines.

use std::sync::Arc;

use super::config::Member;
use super::{Wireguard, table};
use crate::flow::{Flows, Peer, udp};
use crate::given::Given;
use crate::guest::Guest;
use crate::image::Os;
use crate::name::RoleName;
use crate::role::{CustomRole, Needs, Site};

/// The kind of a gateway's role.
pub const GATEWAY: RoleName = RoleName::literal("wireguard-gateway");

/// The kind of the role of a tunnel's other machines.
pub const PEER: RoleName = RoleName::literal("wireguard-peer");

const SYSTEMS: &[Os] = &[Os::Debian, Os::Rocky, Os::Almalinux, Os::FedoraCoreos, Os::Flatcar];

/// The machine that all peers of a tunnel come to.
#[derive(Clone, Debug)]
pub struct WireguardGateway(Arc<Wireguard>);

/// A machine of a mesh, or one that comes to a gateway.
#[derive(Clone, Debug)]
pub struct WireguardPeer(Arc<Wireguard>);

impl WireguardGateway {
    pub(super) fn of(tunnel: &Arc<Wireguard>) -> Self {
        Self(Arc::clone(tunnel))
    }
}

impl WireguardPeer {
    pub(super) fn of(tunnel: &Arc<Wireguard>) -> Self {
        Self(Arc::clone(tunnel))
    }
}

impl Wireguard {
    fn guest_of(&self, site: &Site<'_>) -> Guest {
        let Some(who) = self.member(site.machine()) else { return Guest::new() };
        let (cloud, os) = (site.cloud(), site.os());
        Member { tunnel: self, who, cloud }.guest(os).with(table::guest(self, who, cloud, os))
    }
}

impl CustomRole for WireguardGateway {
    fn kind(&self) -> Given<RoleName> {
        GATEWAY.into()
    }

    fn instance(&self) -> Option<&str> {
        Some(self.0.instance_name())
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        self.0.guest_of(site)
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        let port = udp(self.0.udp_port());
        if let Some(from) = &self.0.from {
            return from.iter().fold(Flows::new(), |flows, peer| flows.accept(port, peer.clone()));
        }
        if self.0.people.is_empty() {
            // By their subnets: who may speak is decided by keys, and one more machine changes no firewall.
            return Flows::new().accept(port, Peer::subnet_of_role(PEER).of(self.0.instance_name()));
        }
        Flows::new().accept(port, Peer::Anywhere)
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().systems(SYSTEMS).address()
    }
}

impl CustomRole for WireguardPeer {
    fn kind(&self) -> Given<RoleName> {
        PEER.into()
    }

    fn instance(&self) -> Option<&str> {
        Some(self.0.instance_name())
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        self.0.guest_of(site)
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        let port = udp(self.0.udp_port());
        let instance = self.0.instance_name();
        match &self.0.gateway {
            Some(gateway) => {
                let gateway = || Peer::machine(gateway.clone());
                Flows::new().accept(port, gateway()).reach(port, gateway())
            }
            None => Flows::new()
                .accept(port, Peer::subnet_of_role(PEER).of(instance))
                .reach(port, Peer::role(PEER).of(instance)),
        }
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        let needs = Needs::new().systems(SYSTEMS);
        // The machines of a mesh are found by their addresses; one with a gateway begins by itself.
        if self.0.gateway.is_none() { needs.address() } else { needs }
    }
}
