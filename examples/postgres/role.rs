//! PostgreSQL as a program's own role, built only on public items: one room that is independent of the other
//! files.

use fmc::prelude::*;
use fmc::secret::Authority;
use fmc::unit::FileMode;
use serde::{Deserialize, Serialize};

/// A warning that the data has no copy: a kind of finding that belongs to this role.
const NO_BACKUP: OwnKind = OwnKind::warning(
    "postgres-no-backup",
    "## What it means\n\nNothing copies the database elsewhere. The data disk outlives the machine, and not itself.\n\n\
     ## How to mend it\n\nName a machine: `backup: vault`; or accept the finding with a reason.",
);

/// A PostgreSQL server with one database, whose user logs in by a password.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Postgres {
    /// The database, and the user who owns it.
    database: Given<UserName>,
    /// The size of its data disk; 20 GiB by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<Given<Size>>,
    /// The peers that may connect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    from: Vec<Peer>,
    /// The machine that fetches its backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backup: Option<Given<MachineName>>,
}

impl Postgres {
    /// The port of the server.
    pub(crate) const PORT: u16 = 5432;

    /// The password of the database's user: made from the root key, and the same for every client.
    pub(crate) fn password(&self) -> Secret {
        Secret::password(format!("postgres-{}", self.database))
    }

    /// The authority of the server's certificate.
    pub(crate) fn authority(&self) -> Authority {
        Authority::named(&format!("postgres-{}", self.database))
    }
}

impl CustomRole for Postgres {
    fn guest(&self, site: &Site<'_>) -> Guest {
        let database = &self.database;
        let machine = site.machine();
        let names = machine.address().map(|address| address.to_string());
        let server = self.authority().server(machine.hostname.as_ref(), names);
        let settings = format!(
            "listen_addresses = '*'\nport = {}\nhba_file = '/etc/postgresql-common/fmc.hba'\nssl = on\n\
             ssl_cert_file = '/etc/postgresql-common/fmc.pem'\nssl_key_file = '/run/postgresql/fmc.key'\n",
            Self::PORT
        );
        Guest::new()
            .package("postgresql-15")
            .file(GuestFile::text("/etc/postgresql-common/createcluster.d/fmc.conf", settings))
            .file(GuestFile::text(
                "/etc/postgresql-common/fmc.hba",
                "local all postgres peer\nhostssl all all all scram-sha-256\n",
            ))
            .file(GuestFile::secret("/etc/postgresql-common/fmc.pem", server.certificate()).mode(FileMode::new(0o644)))
            .file(GuestFile::secret("/etc/postgresql-common/fmc.key", server.key()))
            .file(GuestFile::parts(
                "/etc/postgresql-common/fmc.sql",
                [
                    TextPart::from(format!(
                        "SELECT 'CREATE ROLE \"{database}\" LOGIN' WHERE NOT EXISTS \
                         (SELECT FROM pg_roles WHERE rolname = '{database}') \\gexec\n\
                         SELECT 'CREATE DATABASE \"{database}\" OWNER \"{database}\"' WHERE NOT EXISTS \
                         (SELECT FROM pg_database WHERE datname = '{database}') \\gexec\n\
                         ALTER ROLE \"{database}\" PASSWORD '"
                    )),
                    TextPart::Secret(self.password().scram()),
                    TextPart::from("';\n".to_owned()),
                ],
            ))
            // The package makes the server's user only after files are written, so the unit installs the key
            // for it.
            .unit(Unit::service("postgresql@15-main").dropin(
                "50-fmc.conf",
                "[Service]\nExecStartPre=+/usr/bin/install -o postgres -g postgres -m 0600 /etc/postgresql-common/fmc.key \
                 /run/postgresql/fmc.key\n",
            ))
            .unit(Unit::service("fmc-postgres").enabled().contents(
                "[Unit]\nDescription=The user and the database\nRequires=postgresql.service\nAfter=postgresql.service\n\n\
                 [Service]\nType=oneshot\nRemainAfterExit=yes\n\
                 ExecStart=/bin/sh -c 'exec runuser -u postgres -- psql --set=ON_ERROR_STOP=1 </etc/postgresql-common/fmc.sql'\n\n\
                 [Install]\nWantedBy=multi-user.target\n",
            ))
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        self.from.iter().fold(Flows::new(), |flows, peer| flows.accept(tcp(Self::PORT), peer.clone()))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().memory(512.mib()).systems(&[Os::Debian]).address()
    }

    fn disks(&self) -> Vec<Disk> {
        let size = self.size.clone().unwrap_or_else(|| 20.gib().into());
        vec![Disk::new("postgres", size).mount("/var/lib/postgresql")]
    }

    fn state(&self) -> Option<AbsPath> {
        Some(AbsPath::literal("/var/lib/postgresql"))
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(Self::PORT))
    }

    fn leaving(&self, site: &Site<'_>) -> Leaving {
        let name = &site.machine().name;
        Leaving::new()
            .removed(format!("`pg_dump {}` on {name}: nothing starts its disk again", self.database))
    }

    fn check(&self, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
        findings.leaf("database", &self.database);
        match &self.backup {
            Some(backup) => {
                findings.machine(site, "backup", backup);
            }
            None => {
                findings.find(&NO_BACKUP, "nothing copies the database elsewhere", "name a machine: `backup`")
            }
        }
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        Self::FINDINGS
    }

    fn lab(&self) -> Option<Role> {
        Some(Role::said(Self { size: Some(1.gib().into()), ..self.clone() }))
    }
}

impl FileRole for Postgres {
    const KIND: &'static str = "postgres";
    const FINDINGS: &'static [OwnKind] = &[NO_BACKUP];
}

/// A program that keeps all its data in another machine's database.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Shop {}

impl CustomRole for Shop {
    fn guest(&self, site: &Site<'_>) -> Guest {
        let Some((machine, postgres)) = site.roles::<Postgres>().next() else { return Guest::new() };
        let Some(address) = machine.address_towards(site.machine()) else { return Guest::new() };
        let database = &postgres.database;
        Guest::new()
            .file(GuestFile::secret("/etc/shop/ca.pem", postgres.authority().certificate()))
            .file(GuestFile::parts(
                "/etc/shop/environment",
                [
                    TextPart::from(format!("DATABASE_URL=postgres://{database}:")),
                    TextPart::Secret(postgres.password()),
                    TextPart::from(format!("@{address}:{}/{database}\n", Postgres::PORT)),
                ],
            ))
            .unit(Unit::service("shop").enabled().contents(
                "[Service]\nEnvironmentFile=/etc/shop/environment\nExecStart=/usr/bin/sleep infinity\n\n\
                 [Install]\nWantedBy=multi-user.target\n",
            ))
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        Flows::new().reach(tcp(Postgres::PORT), Peer::role("postgres"))
    }

    fn after(&self, _: &Site<'_>) -> After {
        After::new().role("postgres")
    }
}

impl FileRole for Shop {
    const KIND: &'static str = "shop";
}
