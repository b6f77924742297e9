//! The roles of the machines: primary, standby, and the machine that keeps the backups.

use std::sync::Arc;

use super::config::Server;
use super::repository::{self, PORT as BACKUP_PORT, REPOSITORY};
use super::system::HOME;
use super::{Postgresql, peers, setup};
use crate::checked::Machine;
use crate::disk::Disk;
use crate::flow::{Flows, Peer, Service, tcp};
use crate::given::Given;
use crate::guest::Guest;
use crate::image::Os;
use crate::name::RoleName;
use crate::path::AbsPath;
use crate::role::{After, CustomRole, Facts, Leaving, Needs, Site};
use crate::unit::{Size, SizeExt as _};

/// The kind of a primary's role.
pub const PRIMARY: RoleName = RoleName::literal("postgresql-primary");

/// The kind of a standby's role.
pub const STANDBY: RoleName = RoleName::literal("postgresql-standby");

/// The kind of the role of the machine that keeps the backups.
pub const BACKUP: RoleName = RoleName::literal("postgresql-backup");

const SYSTEMS: &[Os] = &[Os::Debian, Os::Rocky, Os::Almalinux];

/// The machine that takes changes.
#[derive(Clone, Debug)]
pub struct PostgresqlPrimary(Arc<Postgresql>);

/// A machine that follows the primary.
#[derive(Clone, Debug)]
pub struct PostgresqlStandby(Arc<Postgresql>);

/// The machine that keeps the backups.
#[derive(Clone, Debug)]
pub struct PostgresqlBackup(Arc<Postgresql>);

impl PostgresqlPrimary {
    pub(super) fn of(postgresql: &Arc<Postgresql>) -> Self {
        Self(Arc::clone(postgresql))
    }
}

impl PostgresqlStandby {
    pub(super) fn of(postgresql: &Arc<Postgresql>) -> Self {
        Self(Arc::clone(postgresql))
    }
}

impl PostgresqlBackup {
    pub(super) fn of(postgresql: &Arc<Postgresql>) -> Self {
        Self(Arc::clone(postgresql))
    }
}

impl Postgresql {
    /// The size of its data disk, unless the machine has one of its own.
    pub(super) fn data_size(&self) -> Size {
        self.size.as_ref().and_then(Given::ok).copied().unwrap_or_else(|| 20.gib())
    }

    fn data_disk(&self) -> Disk {
        Disk::new("postgresql", self.data_size()).mount(HOME)
    }

    fn backup_disk(&self) -> Option<Disk> {
        let size = self.backup.as_ref()?.size.clone();
        Some(Disk::new("postgresql-backup", size.unwrap_or_else(|| 40.gib().into())).mount(REPOSITORY))
    }

    fn keeps_here(&self) -> bool {
        self.backup.as_ref().is_some_and(super::Backup::is_here)
    }

    /// What both kinds of servers accept and reach.
    fn server_flows(&self, site: &Site<'_>) -> Flows {
        let port = tcp(self.tcp_port());
        let callers = peers::all(self, site.cloud());
        let flows = callers.into_iter().fold(Flows::new(), |flows, peer| flows.accept(port, peer));
        let backup = self.backup.as_ref();
        match backup.and_then(|backup| backup.machine.as_ref()) {
            Some(keeper) => {
                let peer = || Peer::machine(keeper.clone());
                flows.accept(tcp(BACKUP_PORT), peer()).reach(tcp(BACKUP_PORT), peer())
            }
            None if backup.is_some_and(|backup| backup.s3.is_some()) => flows.reach(tcp(443), Peer::Anywhere),
            None => flows,
        }
    }

    fn facts_of(&self, site: &Site<'_>) -> Facts {
        let version = self.version.to_string();
        let name = site.machine().name.to_string();
        let wanted = version.clone();
        let why = format!(
            "a database keeps the major version that it was made with, and {name} would not start with {wanted}: write the version that it \
             has, or make another PostgreSQL and move the data by `pg_dumpall`"
        );
        let kept_here = self.backup.as_ref().filter(|backup| backup.machine.is_none());
        let facts = Facts::new().fixed("version", version, why);
        let facts = match kept_here {
            Some(backup) => backup.facts(facts),
            None => facts,
        };
        facts.bound_to_instance(
            "the data on the disk belongs to another PostgreSQL: its users, its secrets and its backups have other names",
        )
    }

    fn server_needs() -> Needs {
        Needs::new().systems(SYSTEMS).memory(512.mib()).address()
    }
}

impl CustomRole for PostgresqlPrimary {
    fn kind(&self) -> Given<RoleName> {
        PRIMARY.into()
    }

    fn instance(&self) -> Option<&str> {
        Some(self.0.instance_name())
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        Server::of(&self.0, site.cloud(), site.machine(), true)
            .map(|server| setup::guest(&server))
            .unwrap_or_default()
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        let standbys = self.0.standbys.iter().cloned();
        standbys.fold(self.0.server_flows(site), |flows, standby| {
            flows.accept(tcp(self.0.tcp_port()), Peer::machine(standby))
        })
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Postgresql::server_needs()
    }

    fn disks(&self) -> Vec<Disk> {
        let backup = if self.0.keeps_here() { self.0.backup_disk() } else { None };
        std::iter::once(self.0.data_disk()).chain(backup).collect()
    }

    /// Whether there is a backup to restore is asked of the machine that would have it.
    fn after(&self, _: &Site<'_>) -> After {
        let has_keeper = self.0.backup.as_ref().is_some_and(|backup| backup.machine.is_some());
        // A database that is there starts while the keeper of its backups is down; the script waits where there is none.
        let after = After::new().machines_only();
        if has_keeper { after.role_of(BACKUP, self.0.instance_name()) } else { after }
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(self.0.tcp_port()))
    }

    fn state(&self) -> Option<AbsPath> {
        Some(AbsPath::literal(HOME))
    }

    fn facts(&self, site: &Site<'_>) -> Facts {
        self.0.facts_of(site).begins_instance()
    }

    fn leaving(&self, site: &Site<'_>) -> Leaving {
        let name = &site.machine().name;
        let leaving = Leaving::new();
        match self.0.standbys.first() {
            Some(standby) => leaving.removed(format!(
                "promote a standby before {name} goes: `SELECT pg_promote()` on {standby} as `postgres`, and name it as the primary"
            )),
            None => leaving.removed(format!(
                "the databases of {name} go with it: `pg_dumpall` on it, and keep a copy"
            )),
        }
    }
}

impl CustomRole for PostgresqlStandby {
    fn kind(&self) -> Given<RoleName> {
        STANDBY.into()
    }

    fn instance(&self) -> Option<&str> {
        Some(self.0.instance_name())
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        Server::of(&self.0, site.cloud(), site.machine(), false)
            .map(|server| setup::guest(&server))
            .unwrap_or_default()
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        self.0.server_flows(site).reach(tcp(self.0.tcp_port()), Peer::machine(self.0.primary.clone()))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Postgresql::server_needs()
    }

    fn disks(&self) -> Vec<Disk> {
        // A standby that is promoted goes on with backups of its own.
        let backup = if self.0.keeps_here() { self.0.backup_disk() } else { None };
        std::iter::once(self.0.data_disk()).chain(backup).collect()
    }

    fn after(&self, _: &Site<'_>) -> After {
        // A standby with its data starts without its primary, so that it can be promoted.
        After::new().role_of(PRIMARY, self.0.instance_name()).machines_only()
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(self.0.tcp_port()))
    }

    fn state(&self) -> Option<AbsPath> {
        Some(AbsPath::literal(HOME))
    }

    fn facts(&self, site: &Site<'_>) -> Facts {
        self.0.facts_of(site)
    }

    fn leaving(&self, site: &Site<'_>) -> Leaving {
        let slot = super::config::slot(&site.machine().name);
        Leaving::new().removed(format!(
            "stop PostgreSQL on {}, and run `SELECT pg_drop_replication_slot('{slot}')` on {}: the slot would keep changes for ever",
            site.machine().name,
            self.0.primary
        ))
    }
}

impl CustomRole for PostgresqlBackup {
    fn kind(&self) -> Given<RoleName> {
        BACKUP.into()
    }

    fn instance(&self) -> Option<&str> {
        Some(self.0.instance_name())
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        repository::of_keeper(&self.0, site.cloud(), site.machine())
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        let servers = self.0.machines().filter_map(|name| site.cloud().machine(name.as_str()));
        servers.fold(Flows::new(), |flows, server: &Machine| {
            let peer = || Peer::machine(Given::from(server.name.clone()));
            flows.accept(tcp(BACKUP_PORT), peer()).reach(tcp(BACKUP_PORT), peer())
        })
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().systems(&[Os::Debian]).address()
    }

    fn disks(&self) -> Vec<Disk> {
        self.0.backup_disk().into_iter().collect()
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(BACKUP_PORT))
    }

    fn state(&self) -> Option<AbsPath> {
        Some(AbsPath::literal(REPOSITORY))
    }

    fn facts(&self, _: &Site<'_>) -> Facts {
        let facts = match &self.0.backup {
            Some(backup) => backup.facts(Facts::new()),
            None => Facts::new(),
        };
        facts.bound_to_instance("the backups on the disk are of another PostgreSQL")
    }

    fn leaving(&self, site: &Site<'_>) -> Leaving {
        let name = &site.machine().name;
        Leaving::new()
            .removed(format!(
                "nothing reads the backups of {} on the disk of {name} any more: copy {REPOSITORY} to where they are kept next",
                self.0.name
            ))
    }
}
