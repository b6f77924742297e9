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
mod service;

pub use peer::{Group, Peer};
pub use service::{Protocol, Service, anything, tcp, udp, vrrp};

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

impl Flow {
    /// Which end its machine is.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// What flows.
    pub fn service(&self) -> Service {
        self.service
    }

    /// The other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }
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
}
