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

mod peer;
mod query;
mod source;

use std::fmt;

use crate::checked::Checked;
use crate::finding::{At, Finding};
use crate::name::RoleName;

pub use peer::{CheckedGroup, CheckedPeer, Group, Peer};
pub use query::{Origin, Query};
pub use source::Sources;
pub(crate) use source::subnets_of;

/// What carries a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// VRRP, IP protocol 112 (RFC 5798), which has no ports.
    Vrrp,
    /// Whatever there is.
    Any,
}

impl Protocol {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Vrrp => "vrrp",
            Self::Any => "anything",
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

/// Whatever there is: what comes from inside of the machine itself, as from its pods.
pub const fn anything() -> Service {
    Service { protocol: Protocol::Any, first: 0, last: 0 }
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
        self.protocol == Protocol::Any
            || (self.protocol == other.protocol && self.first <= other.first && other.last <= self.last)
    }
}

/// `tcp 6443`, `udp 30000-32767`, `vrrp`.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol.as_str())?;
        match (self.protocol, self.first == self.last) {
            (Protocol::Vrrp | Protocol::Any, _) => Ok(()),
            (_, true) => write!(f, " {}", self.first),
            (_, false) => write!(f, " {}-{}", self.first, self.last),
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
