//! What a machine lets in by itself, beside what its roles accept.
//!
//! It is a flow without a role. It may open a role's port to more peers and clashes with none, because no program listens
//! by it. Its service names a protocol and ports: "anything" would open whatever some program listens on later.

use crate::draft::draft;
use crate::flow::{Peer, Service};
use crate::given::Given;

draft! {
    /// A service of a machine, and who may call it.
    #[derive(Eq)]
    pub struct Opening {
        /// What is let in, as `tcp 5432`, `udp 30000-32767` or `vrrp`.
        #[needed]
        pub service: Given<Service>,
        /// Who may call: `anywhere`, `{network: lan}`, `{subnet: 10.17.3.0/24}`, `{machine: bastion}`,
        /// `{role: {kind: k3s-agent, instance: prod}}`, `{subnet-of-role: {kind: k3s-agent}}`.
        #[needed]
        pub from: Peer,
    }

    arguments;
}
