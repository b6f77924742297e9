//! The files that PostgreSQL reads: its settings, who may connect, and the statements that make users and databases.

use std::fmt::Write as _;

use super::memory::Memory;
use super::peers;
use super::system::System;
use super::{Database, Postgresql};
use crate::checked::{Checked, Machine, Sources};
use crate::given::Given;
use crate::guest::TextPart;
use crate::k3s::SqlName;
use crate::name::MachineName;
use crate::unit::Size;

/// The user by which standbys follow the primary.
pub(super) const REPLICATION: &str = "fmc_replication";

/// A machine of a PostgreSQL, and what its files are made of.
#[derive(Clone, Copy)]
pub(super) struct Server<'a> {
    pub(super) postgresql: &'a Postgresql,
    pub(super) cloud: &'a Checked,
    pub(super) machine: &'a Machine,
    pub(super) system: System<'a>,
    pub(super) is_primary: bool,
}

impl<'a> Server<'a> {
    /// `None` where the primary is not there, or the version is wrong; each has a finding.
    pub(super) fn of(
        postgresql: &'a Postgresql,
        cloud: &'a Checked,
        machine: &'a Machine,
        is_primary: bool,
    ) -> Option<Self> {
        let system = System::new(&machine.image, *postgresql.version.ok()?);
        let server = Self { postgresql, cloud, machine, system, is_primary };
        server.primary().map(|_| server)
    }

    /// The machine of the primary.
    pub(super) fn primary(&self) -> Option<&'a Machine> {
        self.cloud.machine(self.postgresql.primary.ok()?.as_str())
    }

    /// The machines of the standbys.
    pub(super) fn standbys(&self) -> impl Iterator<Item = &'a Machine> + use<'a> {
        let cloud = self.cloud;
        let names = self.postgresql.standbys.iter().filter_map(Given::ok);
        names.filter_map(move |name| cloud.machine(name.as_str()))
    }

    /// The size of the disk with the data.
    fn room(&self) -> Size {
        let path = self.system.data().parse().ok();
        let disk = path.and_then(|path| self.machine.disk_at(&path));
        disk.map_or_else(|| self.postgresql.data_size(), |disk| disk.size)
    }

    /// `postgresql.conf`.
    pub(super) fn settings(&self) -> String {
        let Postgresql { name, version, .. } = self.postgresql;
        let (data, config) = (self.system.data(), self.system.config());
        // A standby needs as many connections as its primary has.
        let most = self.primary().map_or(self.machine.memory, |primary| primary.memory);
        let connections = Memory::of(most, self.postgresql.max_connections).connections;
        let memory = Memory::of(self.machine.memory, Some(connections)).lines();
        let gib = self.room().as_bytes() >> 30;
        // Each standby takes one, and another one while it is made.
        let senders = (2 * self.postgresql.standbys.len() + 4).max(10);
        let mut text = format!(
            "# PostgreSQL {version} of {name}, written by fmc.\n\
             data_directory = '{data}'\nhba_file = '{config}/pg_hba.conf'\nident_file = '{config}/pg_ident.conf'\n\
             external_pid_file = '/run/postgresql/{version}-main.pid'\nunix_socket_directories = '/run/postgresql'\n\
             cluster_name = '{version}/main'\nlisten_addresses = '{}'\nport = {}\n\
             password_encryption = 'scram-sha-256'\nssl = on\nssl_cert_file = '{config}/server.pem'\nssl_key_file = '{config}/server.key'\n\
             timezone = 'UTC'\nlog_timezone = 'UTC'\n{memory}max_wal_size = {}GB\n\
             wal_level = replica\nmax_wal_senders = {senders}\nmax_replication_slots = {senders}\n",
            self.listened(),
            self.postgresql.tcp_port(),
            (gib / 10).clamp(1, 4)
        );
        // Writing to a text cannot fail.
        if self.postgresql.backup.is_some() {
            let _ = write!(
                text,
                "archive_mode = on\narchive_command = 'pgbackrest --stanza={name} archive-push %p'\narchive_timeout = '1min'\n"
            );
        }
        if !self.postgresql.standbys.is_empty() {
            // A standby that is gone must not fill the disk of the primary.
            let _ = writeln!(text, "max_slot_wal_keep_size = {}GB", (gib / 4).max(1));
        }
        if !self.is_primary
            && let Some(primary) = self.primary()
        {
            let _ = write!(
                text,
                "primary_conninfo = '{}'\nprimary_slot_name = '{}'\n",
                self.towards(primary).replace('\'', "''"),
                slot(&self.machine.name)
            );
        }
        text
    }

    fn listened(&self) -> String {
        let callers: Vec<Sources> = self.callers().into_iter().flat_map(|(_, sources)| sources).collect();
        let mut addresses = peers::listened(self.machine, self.cloud, &callers);
        if self.is_primary {
            addresses.extend(self.standbys().filter_map(|standby| self.machine.address_towards(standby)));
        }
        let all = std::iter::once("localhost".to_owned()).chain(addresses.iter().map(ToString::to_string));
        all.collect::<Vec<_>>().join(",")
    }

    /// The connection of a standby to its primary, without the word `dbname`.
    pub(super) fn towards(&self, primary: &Machine) -> String {
        let config = self.system.config();
        let address = primary.address_towards(self.machine).map(|address| address.to_string());
        format!(
            "host={} hostaddr={} port={} user={REPLICATION} application_name={} sslmode=verify-full sslrootcert={config}/ca.pem passfile={config}/replication.pgpass",
            known_as(primary),
            address.unwrap_or_default(),
            self.postgresql.tcp_port(),
            slot(&self.machine.name)
        )
    }

    /// Each database with the addresses that may connect to it.
    fn callers(&self) -> Vec<(&'a Database, Vec<Sources>)> {
        let each = self.postgresql.databases.iter().map(|database| {
            let peers = peers::of_database(self.postgresql, database, self.cloud);
            (database, peers.iter().filter_map(|peer| Sources::said(self.cloud, peer)).collect())
        });
        each.collect()
    }

    /// `pg_hba.conf`: the first line that fits decides, and nobody else gets in.
    pub(super) fn hba(&self) -> String {
        let mut text = String::from("# Who may connect, written by fmc.\nlocal all postgres peer\n");
        let mut line = |database: &str, users: &str, sources: &Sources| match sources {
            Sources::Anywhere => {
                text += &format!("hostssl {database} {users} all scram-sha-256\n");
            }
            Sources::Subnets(subnets) => {
                for subnet in subnets {
                    text += &format!("hostssl {database} {users} {subnet} scram-sha-256\n");
                }
            }
        };
        for (database, callers) in self.callers() {
            let users: Vec<String> = database.all_users().map(quoted).collect();
            let Some(name) = database.name.ok() else { continue };
            for sources in callers {
                line(&quoted(name), &users.join(","), &sources);
            }
        }
        for server in self.standbys().chain(self.primary()) {
            if server.name != self.machine.name {
                let addresses = server.addresses().map(crate::addr::Subnet::single).collect();
                line("replication", REPLICATION, &Sources::Subnets(addresses));
            }
        }
        text
    }

    /// The statements that make users, databases and slots. They change nothing the second time, and drop nothing.
    pub(super) fn statements(&self) -> Vec<TextPart> {
        // A statement that fails is not written into the log with the verifier in it.
        let mut parts =
            vec![TextPart::from("SET log_min_error_statement = panic;\nSET log_statement = 'none';\n")];
        let mut user = |name: &str, more: &str, verifier: TextPart| {
            let head = format!(
                "SELECT 'CREATE ROLE \"{name}\"' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec\n\
                 ALTER ROLE \"{name}\" LOGIN {more} PASSWORD '"
            );
            parts.extend([TextPart::from(head), verifier, TextPart::from("';\n")]);
        };
        for name in self.postgresql.users.iter().filter_map(|user| user.name.ok()) {
            let verifier = self.postgresql.password(name.as_str()).scram();
            user(name.as_str(), "NOSUPERUSER NOREPLICATION", verifier.into());
        }
        if !self.postgresql.standbys.is_empty() {
            let verifier = self.postgresql.replication_password().scram();
            user(REPLICATION, "NOSUPERUSER REPLICATION", verifier.into());
        }
        let mut text = String::new();
        for database in self.postgresql.databases.iter() {
            let (Some(name), Some(owner)) = (database.name.ok(), database.owner.ok()) else { continue };
            // Writing to a text cannot fail.
            let _ = write!(
                text,
                "SELECT 'CREATE DATABASE \"{name}\" OWNER \"{owner}\"' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec\n\
                 ALTER DATABASE \"{name}\" OWNER TO \"{owner}\";\nREVOKE ALL ON DATABASE \"{name}\" FROM PUBLIC;\n"
            );
            for user in database.users.iter().filter_map(Given::ok) {
                let _ = writeln!(text, "GRANT CONNECT, TEMPORARY ON DATABASE \"{name}\" TO \"{user}\";");
            }
        }
        for standby in self.standbys() {
            let slot = slot(&standby.name);
            let _ = writeln!(
                text,
                "SELECT FROM pg_create_physical_replication_slot('{slot}', true) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{slot}');"
            );
        }
        parts.push(text.into());
        parts
    }
}

/// A name as `pg_hba.conf` takes it literally: without quotes `all` or `replication` would be keywords.
fn quoted(name: &SqlName) -> String {
    format!("\"{name}\"")
}

/// The replication slot of a standby, whose name has letters, digits and `_` (postgresql.org, *Replication Slots*).
pub(super) fn slot(machine: &MachineName) -> String {
    machine.as_str().replace('-', "_")
}

/// The name by which clients verify a server: its full name, or its host name.
pub(super) fn known_as(machine: &Machine) -> &str {
    machine.fqdn.as_ref().map_or(machine.hostname.as_str(), |fqdn| fqdn.as_str())
}
