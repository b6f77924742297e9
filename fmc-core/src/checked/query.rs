//! Questions about a cloud's flows, for unit tests of a cloud.

use std::net::IpAddr;

use super::source::{addresses_of, subnets_of};
use super::{Checked, CheckedFlow, Idx, Machine, Sources};
use crate::addr::Subnet;
use crate::flow::{Direction, Protocol, Service};
use crate::name::{MachineName, NetworkName};
use crate::sort;

/// The flows that a cloud's machines accept, narrowed by [`into`](Self::into) and [`from`](Self::from).
///
/// A machine or network that the cloud does not have has no flows.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    cloud: &'a Checked,
    /// The machine that listens; `None` for all.
    into: Option<Option<Idx<Machine>>>,
    /// Where calls come from; `None` for wherever.
    from: Option<Vec<Subnet>>,
}

/// Where a call comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Any address of a network.
    Network(NetworkName),
    /// A machine.
    Machine(MachineName),
    /// An address.
    Address(IpAddr),
}

impl From<NetworkName> for Origin {
    fn from(name: NetworkName) -> Self {
        Self::Network(name)
    }
}

impl From<MachineName> for Origin {
    fn from(name: MachineName) -> Self {
        Self::Machine(name)
    }
}

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl<'a> Query<'a> {
    pub(crate) fn new(cloud: &'a Checked) -> Self {
        Self { cloud, into: None, from: None }
    }

    /// Those that this machine accepts.
    #[must_use]
    pub fn into(self, machine: impl AsRef<str>) -> Self {
        let machine = machine.as_ref();
        let at = self.cloud.find(machine);
        Self { into: Some(at), ..self }
    }

    /// Those that are open to all of this origin.
    #[must_use]
    pub fn from(self, origin: impl Into<Origin>) -> Self {
        let cloud = self.cloud;
        let from = match origin.into() {
            Origin::Network(name) => {
                let at = cloud.find(name.as_str());
                at.map(|at| subnets_of(cloud, at)).unwrap_or_default()
            }
            Origin::Machine(name) => {
                cloud.machine(name.as_str()).map(|machine| addresses_of(cloud, machine)).unwrap_or_default()
            }
            Origin::Address(address) => [Subnet::single(address)].into(),
        };
        Self { from: Some(from.into_iter().collect()), ..self }
    }

    /// The flows themselves.
    pub fn iter(&self) -> impl Iterator<Item = &'a CheckedFlow> {
        let (cloud, into, from) = (self.cloud, self.into, self.from.clone());
        let accepted = cloud.flows.iter().filter(|flow| flow.direction == Direction::Accept);
        let here = accepted.filter(move |flow| into.is_none_or(|into| into == Some(flow.machine)));
        here.filter(move |flow| {
            from.as_ref().is_none_or(|from| {
                let sources = Sources::of(cloud, &flow.peer);
                // A caller uses one of several addresses, depending on its route.
                from.iter().any(|subnet| sources.covers(*subnet))
            })
        })
    }

    /// The services, in order, each once.
    pub fn services(&self) -> Vec<Service> {
        let mut services: Vec<Service> = self.iter().map(|flow| flow.service).collect();
        sort::all(&mut services);
        services.dedup();
        services
    }

    /// The ports, in order, each once, for all protocols; a range by its first and last.
    pub fn ports(&self) -> Vec<u16> {
        let services = self.services();
        let ported =
            services.iter().filter(|service| matches!(service.protocol, Protocol::Tcp | Protocol::Udp));
        let mut ports: Vec<u16> = ported.flat_map(|service| [service.first, service.last]).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Whether this service is among them.
    pub fn allows(&self, service: Service) -> bool {
        self.iter().any(|flow| flow.service.contains(service))
    }
}
