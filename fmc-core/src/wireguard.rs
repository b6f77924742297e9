//! `WireGuard` tunnels (wireguard.com, *Protocol*): a mesh of machines, or a gateway by which people and machines come in.
//!
//! # What is derived
//!
//! A tunnel names its subnets and its peers. Keys follow from the root key, addresses from the names, routes and `AllowedIPs` from what each
//! peer may reach. A peer's address follows from its own name, so that it stays when another peer leaves. Two names may lead to
//! one address: that is a finding.
//!
//! # How answers find their way back
//!
//! The gateway masquerades what it forwards: reached machines see the gateway's own address, and answer it. The other way, a route back on
//! every reached machine or on the host, would change all of them with each tunnel, and be lost where the host is not the cloud's.
//! So a reached machine lets people in by accepting the gateway (`from: {machine: vpn}`), and the gateway alone decides
//! who of them gets where: the source is bound to a key by `AllowedIPs`, and the gateway's own table has the pairs of source and target.
//!
//! # What the machines run
//!
//! The kernel's `WireGuard`, set up by the system's own network program: systemd-networkd on Flatcar and Debian, `NetworkManager` on Fedora
//! CoreOS and Enterprise Linux. A gateway forwards only once its rules are loaded.

mod address;
mod client;
mod config;
mod leaf;
mod peer;
mod role;
mod rules;
mod table;
mod text;

use std::sync::Arc;

use crate::addr::{Ip, Subnet};
use crate::draft::{Setting as _, draft};
use crate::finding::OwnKind;
use crate::flow::Peer;
use crate::given::Given;
use crate::name::{BridgeName, MachineName, RoleName};
use crate::named::Named;
use crate::ready::TcpPort;
use crate::role::{FileSpanningRole, RoleFindings, SpanMembers, SpanSite, SpanningRole, rust_of_json};
use crate::rust::{Expr, Names, Unsaid};
use crate::unit::Mtu;

pub use leaf::TunnelEndpoint;
pub use peer::{TunnelMachine, TunnelPerson};
pub use role::{GATEWAY, PEER, WireguardGateway, WireguardPeer};

draft! {
    /// A `WireGuard` tunnel: a gateway by which people and machines come in, or, without one, a mesh of machines.
    ///
    /// ```
    /// use fmc_core::flow::Peer;
    /// use fmc_core::wireguard::{TunnelMachine, TunnelPerson, Wireguard};
    ///
    /// let office = Wireguard::new("office")
    ///     .subnets(["10.8.0.0/24"])
    ///     .gateway("vpn")
    ///     .endpoint("vpn.example.com")
    ///     .person(TunnelPerson::new("ana").reach(Peer::network("core")));
    /// let mesh = Wireguard::new("mesh")
    ///     .subnets(["10.9.0.0/24"])
    ///     .machine(TunnelMachine::new("db"))
    ///     .machine(TunnelMachine::new("vault"));
    /// # let _ = (office, mesh);
    /// ```
    ///
    /// In a file it stands among the `roles` of the cloud:
    ///
    /// ```yaml
    /// roles:
    ///   - wireguard:
    ///       name: office
    ///       subnets: [10.8.0.0/24]
    ///       gateway: vpn
    ///       endpoint: vpn.example.com
    ///       people:
    ///         ana: {reach: [{network: core}]}
    /// ```
    pub struct Wireguard {
        /// Its name. The names of its keys and of its interface are made of it.
        #[needed]
        pub(crate) name: Given<RoleName>,
        /// The subnets of the addresses inside the tunnel: one of IPv4, one of IPv6, or both. They overlap nothing else.
        #[list]
        pub(crate) subnets: Vec<Given<Subnet>>,
        /// The machine that all peers come to. It has the first address of each subnet. Without it the machines are a mesh.
        pub(crate) gateway: Option<Given<MachineName>>,
        /// The machines that come to the gateway, or that are the mesh, by name.
        #[each(machine)]
        pub(crate) machines: Named<TunnelMachine>,
        /// The people who come to the gateway, by login. `fmc vpn LOGIN` writes the configuration of one.
        #[each(person)]
        pub(crate) people: Named<TunnelPerson>,
        /// Where people come to the gateway: an address or a name, without the port.
        pub(crate) endpoint: Option<Given<TunnelEndpoint>>,
        /// The resolvers that people ask while the tunnel is up. They must be among what people reach.
        #[list]
        pub(crate) dns: Vec<Given<Ip>>,
        /// Who may come to the gateway's UDP port: everyone by default if there are people, and otherwise its machines. Nobody may
        /// if the list is empty.
        #[list]
        pub(crate) from: Option<Vec<Peer>>,
        /// The UDP port of all its machines; 51820 by default.
        pub(crate) port: Option<Given<TcpPort>>,
        /// The name of the interface on its machines, of at most 15 characters; `wg-NAME` by default.
        pub(crate) interface: Option<Given<BridgeName>>,
        /// The MTU inside the tunnel, in bytes. By default the smallest MTU below it, less 60 over IPv4 and 80 over IPv6.
        pub(crate) mtu: Option<Given<Mtu>>,
        /// Raise it to give the gateway another key; 1 by default. All people need their configurations again.
        pub(crate) generation: Option<u32>,
    }

    /// A tunnel of a name, without peers.
    pub fn new(..);
}

impl Wireguard {
    /// The port that `WireGuard`'s own examples have.
    const PORT: u16 = 51820;

    /// The UDP port.
    pub fn udp_port(&self) -> u16 {
        self.port.as_ref().and_then(Given::ok).map_or(Self::PORT, |port| port.get())
    }

    /// The name of the interface.
    pub fn interface_name(&self) -> String {
        match self.interface.as_ref().and_then(Given::ok) {
            Some(said) => said.to_string(),
            None => format!("wg-{}", self.instance_name()),
        }
    }

    /// Its people who are written rightly, by login.
    pub fn logins(&self) -> impl Iterator<Item = &str> {
        self.people.iter().filter_map(|person| Some(person.name.ok()?.as_str()))
    }

    /// Its name.
    pub fn instance_name(&self) -> &str {
        self.name.ok().map_or("", RoleName::as_str)
    }

    fn generation_of_gateway(&self) -> u32 {
        self.generation.unwrap_or(1)
    }

    fn gateway_name(&self) -> Option<&MachineName> {
        self.gateway.as_ref().and_then(Given::ok)
    }

    fn expression(&self) -> Result<Expr, Unsaid> {
        self.rust(&Names::new())
    }
}

impl SpanningRole for Wireguard {
    fn instance(&self) -> Option<&str> {
        self.name.ok().map(RoleName::as_str)
    }

    fn members(&self) -> SpanMembers<'_> {
        // One copy for all of its machines.
        let shared = Arc::new(self.clone());
        let members = match &self.gateway {
            Some(gateway) => SpanMembers::new().one("gateway", gateway, WireguardGateway::of(&shared)),
            None => SpanMembers::new(),
        };
        let role = crate::role::Role::from(WireguardPeer::of(&shared));
        self.machines
            .iter()
            .fold(members, |members, machine| members.each("machines", &machine.name, role.clone()))
    }

    fn settings(&self, findings: &mut RoleFindings<'_>) {
        rules::settings(self, findings);
    }

    fn check(&self, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
        rules::check(self, site, findings);
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        Self::FINDINGS
    }
}

impl FileSpanningRole for Wireguard {
    const KIND: &'static str = "wireguard";
    const FINDINGS: &'static [OwnKind] = rules::KINDS;

    fn to_rust(&self) -> String {
        match self.expression() {
            Ok(made) => format!("Spanning::said({})", made.line()),
            Err(_) => rust_of_json("Spanning", self),
        }
    }
}
