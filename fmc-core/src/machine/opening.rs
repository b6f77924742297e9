//! Peers that a machine accepts in addition to those of its roles.
//!
//! It is a flow without a role. It may open a role's port to more peers and clashes with no role, because no program
//! listens because of it. Its service names a protocol and ports: "anything" would also open the ports of programs that
//! come later.

use crate::draft::draft;
use crate::flow::{Peer, Service};
use crate::given::Given;

draft! {
    /// A service of a machine, and the peer that may call it.
    #[derive(Eq)]
    pub struct Opening {
        /// The accepted service, as `tcp 5432`, `udp 30000-32767` or `vrrp`.
        #[needed]
        pub service: Given<Service>,
        /// The peer that may call it: `anywhere`, `{network: lan}`, `{subnet: 10.17.3.0/24}`, `{machine: bastion}`,
        /// `{role: {kind: k3s-agent, instance: prod}}`, `{subnet-of-role: {kind: k3s-agent}}`.
        #[needed]
        pub from: Peer,
    }

    arguments;
}
