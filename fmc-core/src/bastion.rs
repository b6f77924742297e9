//! A bastion: the one machine by which people come to the others by SSH.
//!
//! # The one way in
//!
//! The role says a [`WayIn`] of the cloud, and every path reads that one value: the firewalls of the other machines accept SSH from the
//! bastion alone, `ssh` and `ssh-config` jump through it, and a wait for a port that only the bastion may call is refused.
//!
//! # What it forwards
//!
//! A login, and TCP connections from the client to the SSH ports of the machines that a user may go to (`PermitOpen`). sshd compares the
//! address that a client asks for with the one in its file, without looking up names. So a machine needs an address that is known
//! beforehand, and the configuration of clients has addresses.
//!
//! # The port
//!
//! sshd listens on 22, the port that `SELinux` lets it have and that Flatcar's socket listens on. Another port is one of the router in
//! front of it.

mod config;
mod rules;

use std::net::IpAddr;
use std::sync::Arc;

use crate::addr::Ip;
use crate::checked::{Checked, Idx, Machine, WayIn};
use crate::draft::{Setting as _, draft};
use crate::finding::OwnKind;
use crate::flow::{Flows, Peer, Service, tcp};
use crate::given::Given;
use crate::guest::Guest;
use crate::guest::checked::User;
use crate::image::Os;
use crate::name::{MachineName, RoleName, UserName};
use crate::named::Named;
use crate::ready::TcpPort;
use crate::role::{CustomRole, FileRole, Leaving, Needs, Role, RoleFindings, Site, rust_of_json};
use crate::rust::{Expr, Names, Unsaid};
use crate::unit::Size;

/// The port of SSH.
const SSH: u16 = 22;

draft! {
    /// The one machine by which people come to the others by SSH.
    ///
    /// ```
    /// use fmc_core::bastion::{Bastion, BastionUser};
    ///
    /// let bastion = Bastion::new()
    ///     .public("198.51.100.7")
    ///     .nat()
    ///     .user(BastionUser::new("ops"))
    ///     .user(BastionUser::new("ana").to(["web"]));
    /// # let _ = bastion;
    /// ```
    ///
    /// In a file it is `bastion`, or a map with its settings:
    ///
    /// ```yaml
    /// roles:
    ///   - bastion: {public: 198.51.100.7, nat: true, users: {ops: {}, ana: {to: [web]}}}
    /// ```
    #[derive(Default)]
    pub struct Bastion {
        /// The address that people dial, as the Internet knows it. Without it they dial the machine's own address.
        pub(crate) public: Option<Given<Ip>>,
        /// A router has the address in `public`, and forwards the connections to the machine (NAT).
        #[switch(nat)]
        pub(crate) nat: bool,
        /// The TCP port that people dial at the router, which forwards it to 22 of the machine; 22 by default.
        pub(crate) port: Option<Given<TcpPort>>,
        /// The peers that may dial it; anyone by default, and nobody if the list is empty.
        #[list]
        pub(crate) from: Option<Vec<Peer>>,
        /// The users whom it lets in, by name. By default all of its machine's that have a key, each to all machines.
        #[each(user)]
        pub(crate) users: Named<BastionUser>,
        /// How much of the disk the kept log may take; 1 GiB by default.
        pub(crate) log_size: Option<Given<Size>>,
    }

    /// At its machine's own address.
    pub fn new(..);
}

draft! {
    /// A user whom a bastion lets in.
    #[derive(Eq)]
    pub struct BastionUser {
        /// Its name: a user of the bastion's machine, who has a key there.
        #[key]
        pub(crate) name: Given<UserName>,
        /// The machines that the user may go on to; all of the cloud by default, and none if the list is empty.
        #[by_hand]
        pub(crate) to: Option<Vec<Given<MachineName>>>,
    }

    /// A user who may go on to all machines.
    pub fn new(..);
    in "bastion::";
}

impl BastionUser {
    /// The machines that the user may go on to.
    #[must_use]
    pub fn to(mut self, machines: impl IntoIterator<Item = impl Into<Given<MachineName>>>) -> Self {
        self.to = Some(machines.into_iter().map(Into::into).collect());
        self
    }
}

impl Bastion {
    /// The address that people dial.
    fn dialled(&self) -> Option<(IpAddr, u16)> {
        let address = self.public.as_ref()?.ok()?.get();
        Some((address, self.port.as_ref().and_then(Given::ok).map_or(SSH, |port| port.get())))
    }

    /// The users whom it lets in, each with the machines that they may go on to.
    fn way(&self, site: &Site<'_>) -> Option<WayIn> {
        let cloud = site.cloud();
        let way = WayIn::new(cloud.find::<Machine>(site.machine().name.as_str())?);
        let way = self.dialled().into_iter().fold(way, |way, (address, port)| way.dialled(address, port));
        let all: Arc<[Idx<Machine>]> = targets(site).map(|(at, _)| at).collect();
        if self.users.is_empty() {
            let users = with_key(site.machine());
            return Some(users.fold(way, |way, user| way.user(user.name.clone(), Arc::clone(&all))));
        }
        let said = self.users.iter().filter_map(|user| Some((user.name.ok()?.clone(), &user.to)));
        let chosen = |to: &Option<Vec<_>>| match to {
            None => Arc::clone(&all),
            Some(to) => named(cloud, &all, to),
        };
        Some(said.fold(way, |way, (user, to)| way.user(user, chosen(to))))
    }

    fn expression(&self) -> Result<Expr, Unsaid> {
        self.rust(&Names::new())
    }
}

/// The machines that people may go on to from the bastion: those that have a login.
fn targets<'s>(site: &Site<'s>) -> impl Iterator<Item = (Idx<Machine>, &'s Machine)> {
    let own = &site.machine().name;
    let all = site.cloud().each::<Machine>();
    all.filter(move |(_, machine)| {
        machine.name != *own && machine.is_provisioned() && machine.guest.has_login()
    })
}

/// The users of a machine who can log in by a key.
fn with_key(machine: &Machine) -> impl Iterator<Item = &Arc<User>> {
    // sshd of a bastion lets root in by no key.
    let is_root = |user: &User| user.name.as_str() == "root";
    machine.guest.users.iter().filter(move |user| !user.keys.is_empty() && user.has_shell() && !is_root(user))
}

/// Those of all machines that are named.
fn named(cloud: &Checked, all: &[Idx<Machine>], to: &[Given<MachineName>]) -> Arc<[Idx<Machine>]> {
    let named = to.iter().filter_map(|name| cloud.find::<Machine>(name.ok()?.as_str()));
    let mut named: Vec<Idx<Machine>> = named.filter(|at| all.binary_search(at).is_ok()).collect();
    named.sort_unstable();
    named.dedup();
    named.into()
}

impl CustomRole for Bastion {
    fn kind(&self) -> Given<RoleName> {
        Given::text(Self::KIND)
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        self.way(site).map(|way| config::guest(self, &way, site)).unwrap_or_default()
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        let callers = self.from.clone().unwrap_or_else(|| vec![Peer::Anywhere]);
        let flows = callers.into_iter().fold(Flows::new(), |flows, peer| flows.accept(tcp(SSH), peer));
        let reached = targets(site).map(|(_, machine)| Peer::machine(Given::from(machine.name.clone())));
        reached.fold(flows, |flows, machine| flows.reach(tcp(SSH), machine))
    }

    fn way_in(&self, site: &Site<'_>) -> Option<WayIn> {
        self.way(site)
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().systems(&[Os::Debian, Os::Rocky, Os::Almalinux, Os::FedoraCoreos, Os::Flatcar]).address()
    }

    fn check(&self, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
        rules::check(self, site, findings);
    }

    fn check_flows(&self, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
        rules::check_flows(site, findings);
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(SSH))
    }

    fn leaving(&self, site: &Site<'_>) -> Leaving {
        let name = &site.machine().name;
        Leaving::new().removed(format!(
            "nobody comes to the machines by SSH once {name} is gone, until they are made new: their firewalls accept it alone; copy its log \
             first: `journalctl -t sshd`"
        ))
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        Self::FINDINGS
    }

    /// The public address is the cloud's, and not that of its small copy.
    fn lab(&self) -> Option<Role> {
        Some(Self { public: None, nat: false, port: None, ..self.clone() }.into())
    }
}

impl FileRole for Bastion {
    const KIND: &'static str = "bastion";
    const FINDINGS: &'static [OwnKind] = rules::KINDS;

    fn to_rust(&self) -> String {
        match self.expression() {
            Ok(made) => format!("Role::said({})", made.line()),
            Err(_) => rust_of_json("Role", self),
        }
    }
}
