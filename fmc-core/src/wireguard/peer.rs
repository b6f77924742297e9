//! The peers of a tunnel: machines and people.

use crate::addr::Ip;
use crate::draft::draft;
use crate::flow::Peer;
use crate::given::Given;
use crate::name::{IpaLoginName, MachineName};

draft! {
    /// A machine of a tunnel.
    ///
    /// ```
    /// use fmc_core::flow::Peer;
    /// use fmc_core::wireguard::TunnelMachine;
    ///
    /// let branch = TunnelMachine::new("branch").addresses(["10.8.0.40"]).reach(Peer::network("core"));
    /// # let _ = branch;
    /// ```
    pub struct TunnelMachine {
        /// The machine.
        #[key]
        pub(crate) name: Given<MachineName>,
        /// Its addresses in the tunnel, at most one of each subnet. By default they follow from its name.
        #[list]
        pub(crate) addresses: Vec<Given<Ip>>,
        /// What it reaches by the gateway: networks, subnets and machines. In a mesh, machines reach each other and nothing else.
        #[each(reach)]
        pub(crate) reach: Vec<Peer>,
        /// Raise it to give the machine another key; 1 by default.
        pub(crate) generation: Option<u32>,
    }

    /// A machine that reaches nothing behind the gateway yet.
    pub fn new(..);
    in "wireguard::";
}

draft! {
    /// A person of a tunnel with one device. Another device is another name, as `ana-phone`.
    ///
    /// ```
    /// use fmc_core::flow::Peer;
    /// use fmc_core::wireguard::TunnelPerson;
    ///
    /// // The first laptop was lost: generation 2 makes its key worthless.
    /// let ana = TunnelPerson::new("ana").reach(Peer::network("core")).reach(Peer::machine("db")).generation(2);
    /// # let _ = ana;
    /// ```
    pub struct TunnelPerson {
        /// The login.
        #[key]
        pub(crate) name: Given<IpaLoginName>,
        /// Their addresses in the tunnel, at most one of each subnet. By default they follow from the login.
        #[list]
        pub(crate) addresses: Vec<Given<Ip>>,
        /// What they reach by the gateway: networks, subnets and machines.
        #[each(reach)]
        pub(crate) reach: Vec<Peer>,
        /// Raise it to give the person another key: the one before is worth nothing once the gateway has the change. 1 by default.
        pub(crate) generation: Option<u32>,
    }

    /// A person who reaches nothing yet.
    pub fn new(..);
    in "wireguard::";
}
