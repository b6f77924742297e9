//! Flows: who must reach whom, as roles and machines say it. A cloud's firewalls follow from them.
//!
//! A role says for its machine what it [accepts](Flows::accept) and what it must [reach](Flows::reach); a machine says itself what
//! else it [accepts](crate::machine::Machine::accept). Peers are named by role, network or machine, so that one more machine
//! changes no other.
//!
//! ```
//! use fmc_core::flow::{Flows, Peer, tcp, udp};
//!
//! let flows = Flows::new()
//!     .accept(tcp(6443), Peer::subnet_of_role("k3s-agent"))
//!     .accept(udp(8472), Peer::role("k3s-server"))
//!     .reach(tcp(443), Peer::Anywhere);
//! assert_eq!(flows.iter().count(), 3);
//! ```

mod peer;
mod query;
mod service;
mod source;

use std::fmt;

use crate::checked::Checked;
use crate::finding::{At, Finding};
use crate::name::RoleName;

pub use peer::{CheckedGroup, CheckedPeer, Group, Peer};
pub use query::{Origin, Query};
pub use service::{Protocol, Service, anything, tcp, udp, vrrp};
pub use source::Sources;
pub(crate) use source::subnets_of;

/// Which end of a flow its machine is.
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

    /// The machine must reach the peer. Where the peer is a machine with a firewall, a role of its or it itself accepts it.
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
                by: By::Role(role.clone()),
            })
        });
        each.collect()
    }
}

/// A [`Flow`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedFlow {
    /// The machine that says it, itself or by a role, by index.
    pub machine: usize,
    /// Which end that machine is.
    pub direction: Direction,
    /// What flows.
    pub service: Service,
    /// The other end.
    pub peer: CheckedPeer,
    /// Who says it there.
    pub by: By,
}

/// Who says a flow of a machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A role of the machine. What every machine has is said by `ssh`, `ready`, `dns` and `ntp`, which are no roles.
    Role(RoleName),
    /// The machine itself, by what it [accepts](crate::machine::Machine::accept); by index there.
    Machine(usize),
}

impl By {
    /// The role, if a role says it.
    pub fn role(&self) -> Option<&RoleName> {
        match self {
            Self::Role(role) => Some(role),
            Self::Machine(_) => None,
        }
    }
}

/// The role's kind, or `machine`.
impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => fmt::Display::fmt(role, f),
            Self::Machine(_) => f.pad("machine"),
        }
    }
}
