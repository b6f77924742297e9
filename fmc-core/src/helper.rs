//! A helper: the machine on which people administrate the cloud, with tools and with credentials in the homes of named users.
//!
//! # Credentials
//!
//! They are derived, and each file of them is below the home of one named user, belongs to that user and has mode 0600. Other users of the
//! machine have none. A kubeconfig has a client certificate of the user's own name that ends on a day that the cloud states, because a
//! cluster cannot revoke one: the model has no clock, and the helper has not the key that would sign a new one.

mod day;
mod files;
mod rules;
mod tool;

use crate::checked::{Machine, WayIn};
use crate::draft::{Setting as _, draft};
use crate::finding::OwnKind;
use crate::flow::{Flows, Peer, tcp};
use crate::given::Given;
use crate::guest::Guest;
use crate::guest::checked::User;
use crate::image::Os;
use crate::k3s::SqlName;
use crate::name::{ClusterName, RoleName, UserName};
use crate::named::Named;
use crate::postgresql::Postgresql;
use crate::role::{CustomRole, FileRole, Needs, RoleFindings, Site, rust_of_json};
use crate::rust::{Expr, Names, Unsaid};

pub use day::Day;
pub use tool::Tool;

draft! {
    /// The machine on which people administrate the cloud.
    ///
    /// ```
    /// use fmc_core::helper::{Helper, HelperDatabase, Tool};
    ///
    /// let helper = Helper::new()
    ///     .users(["ops"])
    ///     .tool(Tool::new("psql"))
    ///     .cluster("prod")
    ///     .until("2027-06-30")
    ///     .database(HelperDatabase::new("shop", "main"));
    /// # let _ = helper;
    /// ```
    ///
    /// In a file it is a map with its settings:
    ///
    /// ```yaml
    /// roles:
    ///   - helper: {users: [ops], tools: {psql: {}}, cluster: prod, until: 2027-06-30, databases: {shop: {postgresql: main}}}
    /// ```
    #[derive(Default)]
    pub struct Helper {
        /// The users of the machine who get credentials, by name.
        #[list]
        pub(crate) users: Vec<Given<UserName>>,
        /// The tools, by the names of their programs.
        #[each(tool)]
        pub(crate) tools: Named<Tool>,
        /// The cluster of K3s whose administrators the users are: each has a kubeconfig.
        pub(crate) cluster: Option<Given<ClusterName>>,
        /// The last day on which the kubeconfigs let anybody in, as `2027-06-30`, until midnight UTC. Needed with a cluster.
        pub(crate) until: Option<Given<Day>>,
        /// The databases that `psql` knows, by the names of their services.
        #[each(database)]
        pub(crate) databases: Named<HelperDatabase>,
    }

    /// Without users and tools.
    pub fn new(..);
}

draft! {
    /// A database that `psql` knows by a name: `psql service=NAME`. The user is the owner of the database.
    #[derive(Eq)]
    pub struct HelperDatabase {
        /// The name of the service.
        #[key]
        pub(crate) name: Given<SqlName>,
        /// The PostgreSQL of the cloud, by name.
        #[needed]
        pub(crate) postgresql: Given<RoleName>,
        /// The database in it; by default the one of the service's name.
        pub(crate) database: Option<Given<SqlName>>,
    }

    /// A database of a PostgreSQL, of the service's name.
    pub fn new(..);
    in "helper::";
}

impl HelperDatabase {
    fn database_name(&self) -> Option<&SqlName> {
        self.database.as_ref().unwrap_or(&self.name).ok()
    }
}

impl Helper {
    /// The users of its machine who get credentials.
    fn people<'s>(&self, site: &Site<'s>) -> impl Iterator<Item = &'s User> + use<'s, '_> {
        let known = &site.machine().guest.users;
        let named = self.users.iter().filter_map(Given::ok);
        named.filter_map(move |name| known.iter().find(|user| user.name == *name).map(|user| &**user))
    }

    fn expression(&self) -> Result<Expr, Unsaid> {
        self.rust(&Names::new())
    }
}

/// The cloud's way in, unless the helper is it.
fn way_in<'s>(site: &Site<'s>) -> Option<(&'s WayIn, &'s Machine)> {
    let way = site.cloud().way_in()?;
    let machine = site.cloud().at(way.machine)?;
    (machine.name != site.machine().name).then_some((way, machine))
}

/// The machines that people go on to from the helper: those that have a login and an address that is known beforehand.
fn targets<'s>(site: &Site<'s>) -> impl Iterator<Item = &'s Machine> {
    let own = &site.machine().name;
    let others = site.cloud().machines().iter().filter(move |machine| machine.name != *own);
    others.filter(|machine| {
        machine.is_provisioned() && machine.guest.has_login() && machine.address().is_some()
    })
}

impl CustomRole for Helper {
    fn kind(&self) -> Given<RoleName> {
        Given::text(Self::KIND)
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        files::guest(self, site)
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        let mut flows = Flows::new();
        if !self.users.is_empty() {
            let machine = |machine: &Machine| Peer::machine(Given::from(machine.name.clone()));
            flows = match way_in(site) {
                Some((_, bastion)) => flows.reach(tcp(22), machine(bastion)),
                None => targets(site).fold(flows, |flows, target| flows.reach(tcp(22), machine(target))),
            };
        }
        let cluster =
            self.cluster.as_ref().and_then(Given::ok).and_then(|name| site.cloud().cluster(name.as_str()));
        for machine in cluster.into_iter().flat_map(|cluster| &cluster.endpoint.machines) {
            let name = site.cloud().at(*machine).map(|machine| Given::from(machine.name.clone()));
            flows = name.into_iter().fold(flows, |flows, name| flows.reach(tcp(6443), Peer::machine(name)));
        }
        for database in self.databases.iter() {
            let found =
                database.postgresql.ok().and_then(|name| Postgresql::named(site.cloud(), name.as_str()));
            let primary =
                found.and_then(|found| Some((found.tcp_port(), found.primary_machine(site.cloud())?)));
            flows = primary.into_iter().fold(flows, |flows, (port, primary)| {
                flows.reach(tcp(port), Peer::machine(Given::from(primary.name.clone())))
            });
        }
        flows
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().systems(&[Os::Debian, Os::Rocky, Os::Almalinux, Os::FedoraCoreos, Os::Flatcar])
    }

    fn check(&self, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
        rules::check(self, site, findings);
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        Self::FINDINGS
    }
}

impl FileRole for Helper {
    const KIND: &'static str = "helper";
    const FINDINGS: &'static [OwnKind] = rules::KINDS;

    fn to_rust(&self) -> String {
        match self.expression() {
            Ok(made) => format!("Role::said({})", made.line()),
            Err(_) => rust_of_json("Role", self),
        }
    }
}
