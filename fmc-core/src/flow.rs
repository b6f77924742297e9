//! Flows: who must reach whom, as roles say it. Nobody writes them by hand, and a cloud's firewalls follow from them.
//!
//! A role says for its machine what it [accepts](Flows::accept) and what it must [reach](Flows::reach). Peers are named by
//! role, network or machine, so that one more machine changes no other.
//!
//! ```
//! use fmc_core::flow::{Flows, Peer, tcp, udp};
//!
//! let flows = Flows::new()
//!     .accept(tcp(6443), Peer::role("k3s-agent"))
//!     .accept(udp(8472), Peer::members("k3s-server"))
//!     .reach(tcp(443), Peer::Anywhere);
//! assert_eq!(flows.iter().count(), 3);
//! ```

mod query;
mod source;

use std::fmt;
use std::sync::Arc;

use crate::addr::Subnet;
use crate::check::leaf;
use crate::checked::Checked;
use crate::finding::{At, Finding, Kind};
use crate::given::Given;
use crate::name::{MachineName, NetworkName, RoleName};

pub use query::{Origin, Query};
pub use source::Sources;

/// What carries a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// VRRP, IP protocol 112 (RFC 5798), which has no ports.
    Vrrp,
}

impl Protocol {
    /// Its name, as nft writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Vrrp => "vrrp",
        }
    }
}

/// A service: a protocol and the ports that it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    /// What carries it.
    pub protocol: Protocol,
    /// The first port; 0 for a protocol that has none.
    pub first: u16,
    /// The last port, which is the first for a service on one port.
    pub last: u16,
}

/// A service on a TCP port.
pub const fn tcp(port: u16) -> Service {
    Service { protocol: Protocol::Tcp, first: port, last: port }
}

/// A service on a UDP port.
pub const fn udp(port: u16) -> Service {
    Service { protocol: Protocol::Udp, first: port, last: port }
}

/// The routers' protocol by which two machines share an address.
pub const fn vrrp() -> Service {
    Service { protocol: Protocol::Vrrp, first: 0, last: 0 }
}

impl Service {
    /// The service on all ports up to this one.
    #[must_use]
    pub const fn to(self, last: u16) -> Self {
        Self { last, ..self }
    }

    /// Whether the two have a port in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.protocol == other.protocol && self.first <= other.last && other.first <= self.last
    }

    /// Whether the other is a part of this one.
    pub fn contains(self, other: Self) -> bool {
        self.protocol == other.protocol && self.first <= other.first && other.last <= self.last
    }
}

/// `tcp 6443`, `udp 30000-32767`, `vrrp`.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol.as_str())?;
        match (self.protocol, self.first == self.last) {
            (Protocol::Vrrp, _) => Ok(()),
            (_, true) => write!(f, " {}", self.first),
            (_, false) => write!(f, " {}-{}", self.first, self.last),
        }
    }
}

/// The other end of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Whoever can.
    Anywhere,
    /// Whoever has an address of a network's subnets.
    Network(Given<NetworkName>),
    /// Whoever has an address of a subnet.
    Subnet(Given<Subnet>),
    /// One machine, by its addresses.
    Machine(Given<MachineName>),
    /// The machines of a role, by the subnets that they are in: one more of them changes nothing.
    Role(Group),
    /// The machines of a role, by their addresses.
    Members(Group),
}

/// The machines of a role: all of them, or those of one instance, as the servers of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The role's kind.
    pub kind: Given<RoleName>,
    /// The instance, if one is meant.
    pub instance: Option<String>,
}

impl Peer {
    /// The machines of a role, by the subnets that they are in.
    pub fn role(kind: impl Into<Given<RoleName>>) -> Self {
        Self::Role(Group { kind: kind.into(), instance: None })
    }

    /// The machines of a role, by their addresses: a new one changes those that accept them.
    pub fn members(kind: impl Into<Given<RoleName>>) -> Self {
        Self::Members(Group { kind: kind.into(), instance: None })
    }

    /// A network, by its subnets.
    pub fn network(name: impl Into<Given<NetworkName>>) -> Self {
        Self::Network(name.into())
    }

    /// A machine, by its addresses.
    pub fn machine(name: impl Into<Given<MachineName>>) -> Self {
        Self::Machine(name.into())
    }

    /// A subnet.
    pub fn subnet(subnet: impl Into<Given<Subnet>>) -> Self {
        Self::Subnet(subnet.into())
    }

    /// Of a role's machines, those of one instance.
    #[must_use]
    pub fn of(self, instance: &str) -> Self {
        let of = |group: Group| Group { instance: Some(instance.to_owned()), ..group };
        match self {
            Self::Role(group) => Self::Role(of(group)),
            Self::Members(group) => Self::Members(of(group)),
            other => other,
        }
    }
}

/// Which end of a flow a role is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// It listens, and the peer calls.
    Accept,
    /// It calls, and the peer listens.
    Reach,
}

/// A flow, as a role says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    direction: Direction,
    service: Service,
    peer: Peer,
}

/// The flows of a role on one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows(Vec<Flow>);

impl Flows {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The machine listens, and the peer may call.
    #[must_use]
    pub fn accept(mut self, service: Service, peer: Peer) -> Self {
        self.0.push(Flow { direction: Direction::Accept, service, peer });
        self
    }

    /// The machine must reach the peer. Where the peer is a machine with a firewall, its own role accepts it.
    #[must_use]
    pub fn reach(mut self, service: Service, peer: Peer) -> Self {
        self.0.push(Flow { direction: Direction::Reach, service, peer });
        self
    }

    /// All that others have, behind what these have.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Flow> {
        self.0.iter()
    }

    /// The flows with every leaf right and every name known; a finding for each that is not.
    pub(crate) fn checked(
        &self,
        cloud: &Checked,
        machine: usize,
        role: &RoleName,
        at: &At<'_>,
        findings: &mut Vec<Finding>,
    ) -> Vec<CheckedFlow> {
        let at = at.key("flows");
        let each = self.0.iter().enumerate().filter_map(|(index, flow)| {
            let peer = flow.peer.checked(cloud, &at.index(index), findings)?;
            Some(CheckedFlow {
                machine,
                direction: flow.direction,
                service: flow.service,
                peer,
                role: role.clone(),
            })
        });
        each.collect()
    }
}

impl Peer {
    fn checked(&self, cloud: &Checked, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedPeer> {
        let mut group = |group: &Group| {
            let kind = leaf(&group.kind, at, findings)?.clone();
            Some(CheckedGroup { kind, instance: group.instance.as_deref().map(Into::into) })
        };
        Some(match self {
            Self::Anywhere => CheckedPeer::Anywhere,
            Self::Subnet(subnet) => CheckedPeer::Subnet(*leaf(subnet, at, findings)?),
            Self::Role(role) => CheckedPeer::Role(group(role)?),
            Self::Members(role) => CheckedPeer::Members(group(role)?),
            Self::Network(name) => {
                let name = leaf(name, at, findings)?;
                match cloud.networks.iter().position(|network| network.name == *name) {
                    Some(index) => CheckedPeer::Network(index),
                    None => return unknown("network", name.as_str(), at, findings),
                }
            }
            Self::Machine(name) => {
                let name = leaf(name, at, findings)?;
                match cloud.machines.binary_search_by(|machine| machine.name.cmp(name)) {
                    Ok(index) => CheckedPeer::Machine(index),
                    Err(_) => return unknown("machine", name.as_str(), at, findings),
                }
            }
        })
    }
}

fn unknown(what: &str, name: &str, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedPeer> {
    findings.push(Finding::new(
        Kind::ReferenceUnknown,
        at,
        format!("a role's flow names the {what} {name}, which is not there"),
        format!("name a {what} of the cloud, or add it"),
    ));
    None
}

/// A [`Flow`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedFlow {
    /// The machine whose role says it, by index.
    pub machine: usize,
    /// Which end that machine is.
    pub direction: Direction,
    /// What flows.
    pub service: Service,
    /// The other end.
    pub peer: CheckedPeer,
    /// The role that says it.
    pub role: RoleName,
}

/// The other end of a [`CheckedFlow`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckedPeer {
    /// Whoever can.
    Anywhere,
    /// Whoever has an address of a network's subnets; by index.
    Network(usize),
    /// Whoever has an address of a subnet.
    Subnet(Subnet),
    /// One machine; by index.
    Machine(usize),
    /// The machines of a role, by their subnets.
    Role(CheckedGroup),
    /// The machines of a role, by their addresses.
    Members(CheckedGroup),
}

/// A [`Group`] whose kind is right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckedGroup {
    /// The role's kind.
    pub kind: RoleName,
    /// The instance, if one is meant.
    pub instance: Option<Arc<str>>,
}
