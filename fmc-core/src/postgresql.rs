//! PostgreSQL on machines of the cloud: a primary with its databases and users, standbys that follow it, and its backups.
//!
//! # What a machine does on its first start
//!
//! A script runs before the server. Data that is there is kept; a primary without data restores its last backup, or, if
//! there is no backup, makes a new database; a standby without data copies the primary's. Everything is made beside its place and moved
//! there when it is whole, so that a start that was interrupted begins again. A backup that cannot be asked for is waited for: an empty
//! database beside a backup would be a loss that nobody sees.
//!
//! # Who may connect
//!
//! A database names its callers once. The firewall, the listen addresses and `pg_hba.conf` are made of the same peers, and a
//! cluster of K3s that names the database adds its servers.

mod backup;
mod config;
mod database;
mod handle;
mod leaf;
mod memory;
mod peers;
mod repository;
mod role;
mod rules;
mod setup;
mod system;

use std::sync::Arc;

use crate::draft::{Setting as _, choice, draft};
use crate::finding::OwnKind;
use crate::given::Given;
use crate::k3s::SqlName;
use crate::name::{MachineName, RoleName};
use crate::named::Named;
use crate::ready::TcpPort;
use crate::role::{FileSpanningRole, RoleFindings, SpanMembers, SpanSite, SpanningRole, rust_of_json};
use crate::rust::{Expr, Names, Unsaid};
use crate::secret::{Authority, Generated, Secret};
use crate::unit::Size;

pub use backup::{Backup, Weekday};
pub use database::{Database, DatabaseUser};
pub use leaf::{Major, TimeOfDay};
pub use role::{BACKUP, PRIMARY, PostgresqlBackup, PostgresqlPrimary, PostgresqlStandby, STANDBY};

/// Where the packages of PostgreSQL come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Packages {
    /// The distribution.
    #[default]
    Distribution,
    /// The PostgreSQL Global Development Group, at apt.postgresql.org: on Debian alone.
    Pgdg,
}

choice!(in "postgresql::"; Packages);

draft! {
    /// A PostgreSQL of the cloud: its primary, the standbys that follow it, its databases, users and backups.
    ///
    /// ```
    /// use fmc_core::flow::Peer;
    /// use fmc_core::postgresql::{Backup, Database, DatabaseUser, Postgresql};
    ///
    /// let main = Postgresql::new("main", 15, "db1")
    ///     .standbys(["db2"])
    ///     .user(DatabaseUser::new("shop"))
    ///     .database(Database::new("shop", "shop").from(Peer::machine("web")))
    ///     .backup(Backup::new());
    /// # let _ = main;
    /// ```
    ///
    /// In a file it stands among the `roles` of the cloud:
    ///
    /// ```yaml
    /// roles:
    ///   - postgresql:
    ///       name: main
    ///       version: 15
    ///       primary: db1
    ///       standbys: [db2]
    ///       users: {shop: {}}
    ///       databases:
    ///         shop: {owner: shop, from: [{machine: web}]}
    ///       backup: {}
    /// ```
    pub struct Postgresql {
        /// Its name, by which others in the cloud refer to it. The names of its secrets are made of it.
        #[needed]
        pub(crate) name: Given<RoleName>,
        /// The major version. A database keeps the one that it was made with.
        #[needed]
        pub(crate) version: Given<Major>,
        /// The machine that takes changes: Debian, Rocky Linux or `AlmaLinux`.
        #[needed]
        pub(crate) primary: Given<MachineName>,
        /// Machines that follow the primary and answer queries. Each has a replication slot there.
        #[list]
        pub(crate) standbys: Vec<Given<MachineName>>,
        /// The users who log in, by name.
        #[each(user)]
        pub(crate) users: Named<DatabaseUser>,
        /// The databases, by name.
        #[each(database)]
        pub(crate) databases: Named<Database>,
        /// The TCP port; 5432 by default.
        pub(crate) port: Option<Given<TcpPort>>,
        /// The size of the data disk `postgresql`; 20 GiB by default. A disk of that name on the machine replaces it.
        pub(crate) size: Option<Given<Size>>,
        /// How many clients may be connected at once; 100 by default, and fewer on a machine with less than 2 GiB of memory.
        pub(crate) max_connections: Option<u32>,
        /// The backups; none by default, which is a warning.
        pub(crate) backup: Option<Backup>,
        /// Where the packages come from: `distribution` by default, or `pgdg`.
        pub(crate) packages: Option<Packages>,
    }

    /// A PostgreSQL of a name and a major version, whose primary is on a machine.
    pub fn new(..);
}

impl Postgresql {
    /// The port of PostgreSQL.
    const PORT: u16 = 5432;

    /// The kind of the role, and the first word of the names of its secrets.
    const NAME: &'static str = "postgresql";

    /// The TCP port that it answers at.
    pub fn tcp_port(&self) -> u16 {
        self.port.as_ref().and_then(Given::ok).map_or(Self::PORT, |port| port.get())
    }

    fn instance_name(&self) -> &str {
        self.name.ok().map_or("", RoleName::as_str)
    }

    fn machines(&self) -> impl Iterator<Item = &MachineName> {
        std::iter::once(&self.primary).chain(&self.standbys).filter_map(Given::ok)
    }

    fn database_of(&self, name: &str) -> Option<&Database> {
        self.databases.iter().find(|database| database.name.ok().is_some_and(|own| own.as_str() == name))
    }

    fn user_of(&self, name: &SqlName) -> Option<&DatabaseUser> {
        self.users.iter().find(|user| user.name.ok() == Some(name))
    }

    fn expression(&self) -> Result<Expr, Unsaid> {
        self.rust(&Names::new())
    }
}

impl SpanningRole for Postgresql {
    fn kind(&self) -> Given<RoleName> {
        Given::text(Self::NAME)
    }

    fn instance(&self) -> Option<&str> {
        self.name.ok().map(RoleName::as_str)
    }

    fn members(&self) -> SpanMembers<'_> {
        // One copy for all of its machines.
        let shared = Arc::new(self.clone());
        let members = SpanMembers::new().one("primary", &self.primary, PostgresqlPrimary::of(&shared)).list(
            "standbys",
            &self.standbys,
            PostgresqlStandby::of(&shared),
        );
        match self.backup.as_ref().and_then(|backup| backup.machine.as_ref()) {
            Some(machine) => members.one("backup.machine", machine, PostgresqlBackup::of(&shared)),
            None => members,
        }
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

impl FileSpanningRole for Postgresql {
    const KIND: &'static str = Self::NAME;
    const FINDINGS: &'static [OwnKind] = rules::KINDS;

    fn to_rust(&self) -> String {
        match self.expression() {
            Ok(made) => format!("Spanning::said({})", made.line()),
            Err(_) => rust_of_json("Spanning", self),
        }
    }
}

/// The secrets that are made from the root key.
impl Postgresql {
    /// The password of one of its users.
    pub fn password(&self, user: &str) -> Secret {
        let user = Given::<SqlName>::text(user);
        let generation = user.ok().and_then(|user| self.user_of(user)).and_then(|user| user.generation);
        self.shared_secret(&format!("user-{user}"), Generated::Password).generation(generation.unwrap_or(1))
    }

    /// The authority of its servers' certificates. A client verifies by it the name and the address that it connected to.
    pub fn authority(&self) -> Authority {
        Authority::named(&format!("{}-{}", Self::NAME, self.instance_name()))
    }

    /// The password by which standbys follow the primary.
    fn replication_password(&self) -> Secret {
        self.shared_secret("replication", Generated::Password)
    }

    /// The key of encrypted backups.
    fn backup_key(&self) -> Secret {
        self.shared_secret("backup-key", Generated::Password)
    }

    /// The authority by which the machine with the backups and the servers know each other.
    fn backup_authority(&self) -> Authority {
        Authority::named(&format!("{}-{}-backup", Self::NAME, self.instance_name()))
    }
}
