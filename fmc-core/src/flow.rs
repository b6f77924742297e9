//! Flows: who must reach whom, as declared by roles and machines. A cloud's firewalls are derived from them.
//!
//! A role declares what its machine [accepts](Flows::accept) and what it must [reach](Flows::reach); a
//! machine declares what it [accepts](crate::machine::Machine::accept) beyond that. Peers are named by role,
//! network or machine, so that a new machine need not change the others.
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

/// The end of a flow that its machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The machine listens, and the peer calls.
    Accept,
    /// The machine calls, and the peer listens.
    Reach,
}

/// A flow of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    direction: Direction,
    service: Service,
    peer: Peer,
}

impl Flow {
    /// The end that its machine is.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The service.
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
    /// No flows.
    pub fn new() -> Self {
        Self::default()
    }

    /// The machine listens, and the peer may call.
    #[must_use]
    pub fn accept(mut self, service: Service, peer: Peer) -> Self {
        self.0.push(Flow { direction: Direction::Accept, service, peer });
        self
    }

    /// The machine must reach the peer. If the peer is a machine with a firewall, the peer or one of its
    /// roles must accept the flow.
    #[must_use]
    pub fn reach(mut self, service: Service, peer: Peer) -> Self {
        self.0.push(Flow { direction: Direction::Reach, service, peer });
        self
    }

    /// Adds the flows of another list.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Each flow.
    pub fn iter(&self) -> impl Iterator<Item = &Flow> {
        self.0.iter()
    }
}
