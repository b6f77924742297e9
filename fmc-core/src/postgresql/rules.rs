//! The rules about a PostgreSQL of the cloud.

use std::collections::{BTreeMap, BTreeSet};

use super::memory::most_connections;
use super::repository::{PORT as BACKUP_PORT, REPOSITORY};
use super::system::{self, HOME};
use super::{BACKUP, Database, PRIMARY, Packages, Postgresql, STANDBY, config, peers};
use crate::checked::{Checked, CheckedGroup, Machine};
use crate::count::counted;
use crate::finding::OwnKind;
use crate::given::{Given, Leaf as _};
use crate::image::Os;
use crate::k3s::SqlName;
use crate::name::MachineName;
use crate::path::AbsPath;
use crate::role::{Membership, RoleFindings, SpanSite};
use crate::unit::SizeExt as _;

const VERSION: OwnKind = OwnKind::error("postgresql-version", include_str!("pages/version.md"));
const NO_DISK: OwnKind = OwnKind::error("postgresql-no-disk", include_str!("pages/no-disk.md"));
const ONE_DISK: OwnKind = OwnKind::warning("postgresql-one-disk", include_str!("pages/one-disk.md"));
const NO_BACKUP: OwnKind = OwnKind::warning("postgresql-no-backup", include_str!("pages/no-backup.md"));
const RETENTION: OwnKind =
    OwnKind::error("postgresql-retention", include_str!("pages/retention.md")).never_accepted();
const MEMBERS: OwnKind =
    OwnKind::error("postgresql-members", include_str!("pages/members.md")).never_accepted();
const NO_CLIENTS: OwnKind = OwnKind::warning("postgresql-no-clients", include_str!("pages/no-clients.md"));
const MEMORY: OwnKind = OwnKind::error("postgresql-memory", include_str!("pages/memory.md"));
const NO_USER: OwnKind =
    OwnKind::error("postgresql-no-user", include_str!("pages/no-user.md")).never_accepted();
const QUOTED: OwnKind = OwnKind::warning("postgresql-quoted-name", include_str!("pages/quoted-name.md"));
const RESERVED: OwnKind =
    OwnKind::error("postgresql-reserved-name", include_str!("pages/reserved-name.md")).never_accepted();
const NO_DATABASE: OwnKind =
    OwnKind::error("postgresql-no-database", include_str!("pages/no-database.md")).never_accepted();
const PORT: OwnKind = OwnKind::error("postgresql-port", include_str!("pages/port.md")).never_accepted();

/// The kinds of findings about a PostgreSQL.
pub(super) const KINDS: &[OwnKind] = &[
    VERSION,
    NO_DISK,
    ONE_DISK,
    NO_BACKUP,
    RETENTION,
    MEMBERS,
    NO_CLIENTS,
    MEMORY,
    NO_USER,
    QUOTED,
    RESERVED,
    NO_DATABASE,
    PORT,
];

/// What is wrong with the settings by themselves.
pub(super) fn settings(postgresql: &Postgresql, findings: &mut RoleFindings<'_>) {
    findings.leaf("name", &postgresql.name);
    findings.leaf("version", &postgresql.version);
    if let Some(port) = &postgresql.port {
        findings.leaf("port", port);
    }
    if let Some(size) = &postgresql.size
        && let Some(size) = findings.leaf("size", size)
        && *size < 1.gib()
    {
        findings.refuse(
            format!("a data disk of {size} has no room for a database"),
            "write `size: 1 GiB` or more",
        );
    }
    let mut seen = BTreeSet::new();
    for user in postgresql.users.iter() {
        findings.part(&format!("users.{}", user.name), |findings| {
            named("user", &user.name, is_reserved_user, findings);
            if !seen.insert(user.name.to_string()) {
                findings.refuse(format!("the user {} is there twice", user.name), "keep one of them");
            }
        });
    }
    let mut seen = BTreeSet::new();
    for database in postgresql.databases.iter() {
        findings.part(&format!("databases.{}", database.name), |findings| {
            named("database", &database.name, is_reserved_database, findings);
            if !seen.insert(database.name.to_string()) {
                findings.refuse(format!("the database {} is there twice", database.name), "keep one of them");
            }
            users(postgresql, database, findings);
        });
    }
    if let Some(backup) = &postgresql.backup {
        findings.part("backup", |findings| {
            backup.settings(findings);
            if backup.keep == Some(0) {
                findings.find(
                    &RETENTION,
                    "`keep` is 0: each backup would be deleted as soon as it is made",
                    "keep one or more, as `keep: 2`",
                );
            }
        });
    }
}

/// A name that PostgreSQL keeps for itself, or that people have to quote.
fn named(what: &str, given: &Given<SqlName>, is_reserved: fn(&str) -> bool, findings: &mut RoleFindings<'_>) {
    // The path ends in the name: a wrong one is told of there.
    let Some(name) = given.ok().map(SqlName::as_str) else {
        if let Err(error) = SqlName::parse(&given.to_string()) {
            findings.refuse(
                format!("{given} is not a name of a {what}: {error}"),
                "name it otherwise, as `shop`",
            );
        }
        return;
    };
    if is_reserved(name) {
        findings.find(
            &RESERVED,
            format!("{name} is a {what} that PostgreSQL or fmc makes itself"),
            "name it otherwise, as `shop`",
        );
    }
    let is_plain =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && !name.starts_with(|first: char| first.is_ascii_digit());
    if !is_plain {
        findings.find(
            &QUOTED,
            format!("whoever writes SQL has to quote the {what} \"{name}\" everywhere"),
            format!("name it {}", plain(name)),
        );
    }
}

/// A name like this one that needs no quotes.
fn plain(name: &str) -> String {
    let plain = name.to_ascii_lowercase().replace('-', "_");
    if plain.starts_with(|first: char| first.is_ascii_digit()) { format!("db_{plain}") } else { plain }
}

fn is_reserved_user(name: &str) -> bool {
    name.starts_with("pg_") || ["postgres", "public", "none", config::REPLICATION].contains(&name)
}

fn is_reserved_database(name: &str) -> bool {
    ["postgres", "template0", "template1"].contains(&name)
}

/// The owner and the users of a database.
fn users(postgresql: &Postgresql, database: &Database, findings: &mut RoleFindings<'_>) {
    let lists = std::iter::once(("owner".to_owned(), &database.owner))
        .chain(database.users.iter().enumerate().map(|(index, user)| (format!("users[{index}]"), user)));
    for (key, given) in lists {
        let Some(user) = findings.leaf(&key, given) else { continue };
        if postgresql.user_of(user).is_none() {
            findings.find(
                &NO_USER,
                format!("`{key}` names {user}, which is not a user of this PostgreSQL"),
                format!("add the user: `users: {{{user}: {{}}}}`"),
            );
        }
    }
}

/// Everything that is wrong with a PostgreSQL in its cloud.
pub(super) fn check(postgresql: &Postgresql, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let cloud = site.cloud();
    members(postgresql, cloud, findings);
    for (path, machine) in servers(postgresql, cloud) {
        findings.part(&path, |findings| {
            version(postgresql, machine, findings);
            disks(postgresql, machine, findings);
        });
    }
    memory(postgresql, cloud, findings);
    releases(postgresql, cloud, findings);
    ports(postgresql, findings);
    clients(postgresql, cloud, findings);
    datastores(postgresql, cloud, findings);
    if postgresql.backup.is_none() {
        let message = if postgresql.standbys.is_empty() {
            "nothing copies the databases elsewhere"
        } else {
            "a standby repeats a mistake at once, and nothing keeps what was there before"
        };
        findings.find(&NO_BACKUP, message, "add backups: `backup: {}`, or `backup: {machine: vault}`");
    }
}

/// The machines of the servers, with their places among the settings.
fn servers<'s>(postgresql: &Postgresql, cloud: &'s Checked) -> Vec<(String, &'s Machine)> {
    let standbys = postgresql.standbys.iter().enumerate();
    let named = std::iter::once(("primary".to_owned(), &postgresql.primary))
        .chain(standbys.map(|(index, name)| (format!("standbys[{index}]"), name)));
    named.filter_map(|(path, name)| Some((path, cloud.machine(name.ok()?.as_str())?))).collect()
}

/// A machine has one part in one PostgreSQL, and a name is that of one.
fn members(postgresql: &Postgresql, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let primaries = CheckedGroup { kind: PRIMARY, instance: Some(postgresql.instance_name().into()) };
    if cloud.roles().get(&primaries).is_some_and(|members| members.machines.len() > 1) {
        findings.find(
            &MEMBERS,
            format!("two PostgreSQL of the cloud are called {}", postgresql.name),
            "give one of them another name: its secrets are made of it",
        );
    }
    let keeper = postgresql.backup.as_ref().and_then(|backup| backup.machine.as_ref()?.ok());
    let mut told: BTreeSet<&MachineName> = BTreeSet::new();
    for name in postgresql.machines().chain(keeper) {
        let Some(machine) = cloud.machine(name.as_str()) else { continue };
        let parts: Vec<String> = machine.memberships.iter().filter_map(part).collect();
        if parts.len() > 1 && told.insert(name) {
            findings.find(
                &MEMBERS,
                format!("{name} is {}", parts.join(" and ")),
                "name another machine: each has one part in one PostgreSQL",
            );
        }
    }
}

/// What a machine is by a membership, in words; `None` if that is not of a PostgreSQL.
fn part(membership: &Membership) -> Option<String> {
    let kind = membership.kind();
    let what = if *kind == PRIMARY {
        "the primary"
    } else if *kind == STANDBY {
        "a standby"
    } else if *kind == BACKUP {
        "the keeper of backups"
    } else {
        return None;
    };
    Some(format!("{what} of {}", membership.instance().unwrap_or_default()))
}

/// A version that the system does not have.
fn version(postgresql: &Postgresql, machine: &Machine, findings: &mut RoleFindings<'_>) {
    let Some(version) = postgresql.version.ok() else { return };
    let (os, release) = (machine.image.os, &machine.image.version);
    let is_pgdg = postgresql.packages == Some(Packages::Pgdg);
    if is_pgdg && system::suite(&machine.image).is_none() {
        return findings.find(
            &VERSION,
            format!(
                "{} runs {} {release}, for which PGDG's packages are not set up here",
                machine.name,
                os.label()
            ),
            "leave `packages: pgdg` out, or give the machine Debian 11 to 13",
        );
    }
    let Some(own) = system::own(&machine.image).filter(|own| !is_pgdg && !own.contains(&version.get()))
    else {
        return;
    };
    let own: Vec<String> = own.iter().map(ToString::to_string).collect();
    let help = if os == Os::Debian { ", or take PGDG's packages: `packages: pgdg`" } else { "" };
    findings.find(
        &VERSION,
        format!("{} {release} has PostgreSQL {}, and not {version}", os.label(), own.join(", ")),
        format!("write `version: {}`{help}", own.last().map_or("15", String::as_str)),
    );
}

/// The data and its backups are on disks that outlive the root, and not on the same one.
fn disks(postgresql: &Postgresql, machine: &Machine, findings: &mut RoleFindings<'_>) {
    let data = machine.disk_at(&AbsPath::literal(HOME));
    if data.is_none() {
        findings.find(
            &NO_DISK,
            format!(
                "no data disk of {} is mounted at {HOME}, so the databases would be on its root disk",
                machine.name
            ),
            format!("leave the disk `postgresql` of the machine out, or give it `mount: {HOME}`"),
        );
    }
    let is_here = postgresql.backup.as_ref().is_some_and(super::Backup::is_here);
    if is_here {
        let copy = machine.disk_at(&AbsPath::literal(REPOSITORY));
        if copy.map(|disk| &disk.name) == data.map(|disk| &disk.name) {
            findings.find(
                &ONE_DISK,
                format!("the data of {} and its backups are on one disk, and are lost with it", machine.name),
                format!("give the disk `postgresql-backup` the mount {REPOSITORY}, or name a machine: `backup: {{machine: vault}}`"),
            );
        }
    }
}

/// More connections than the memory of the primary holds.
fn memory(postgresql: &Postgresql, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let Some(wanted) = postgresql.max_connections else { return };
    if wanted < 10 {
        return findings.refuse(
            format!("`max_connections` is {wanted}, and PostgreSQL keeps some of them for itself: nobody could connect"),
            "leave it out, or write 10 or more",
        );
    }
    // A lab's machines are small copies.
    for (_, machine) in servers(postgresql, cloud).into_iter().filter(|_| !cloud.is_lab()) {
        let most = most_connections(machine.memory);
        if wanted > most {
            findings.find(
                &MEMORY,
                format!(
                    "{} has {} of memory, which holds {}, and `max_connections` is {wanted}",
                    machine.name,
                    machine.memory,
                    counted(usize::try_from(most).unwrap_or(usize::MAX), "connection")
                ),
                "give the machine more memory, or let clients share connections by a pooler",
            );
        }
    }
}

/// PostgreSQL at a port that pgBackRest's own server has.
fn ports(postgresql: &Postgresql, findings: &mut RoleFindings<'_>) {
    if postgresql.tcp_port() < 1024 {
        findings.find(
            &PORT,
            format!(
                "only root listens at ports below 1024, and PostgreSQL at {} is not root",
                postgresql.tcp_port()
            ),
            "leave the `port` out, or write one from 1024 on",
        );
    }
    let has_keeper = postgresql.backup.as_ref().is_some_and(|backup| backup.machine.is_some());
    if has_keeper && postgresql.tcp_port() == BACKUP_PORT {
        findings.find(
            &PORT,
            format!("pgBackRest's server listens at {BACKUP_PORT}, where PostgreSQL would be"),
            "leave the `port` out",
        );
    }
}

/// Both ends of a connection of pgBackRest must be of one release, or they do not speak with each other.
fn releases(postgresql: &Postgresql, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let Some(backup) = &postgresql.backup else { return };
    let keeper = backup.machine.as_ref().and_then(Given::ok);
    let Some(keeper) = keeper.and_then(|name| cloud.machine(name.as_str())) else { return };
    let release = |machine: &Machine| format!("{} {}", machine.image.os.label(), machine.image.version);
    let other =
        servers(postgresql, cloud).into_iter().find(|(_, machine)| release(machine) != release(keeper));
    let cause = match other {
        Some((_, server)) => {
            format!("{} runs {}, and {} runs {}", server.name, release(server), keeper.name, release(keeper))
        }
        None if postgresql.packages == Some(Packages::Pgdg) => {
            format!("the servers have PGDG's pgBackRest, and {} has that of {}", keeper.name, release(keeper))
        }
        None if keeper.image.version.split('.').next() == Some("11") => {
            format!("pgBackRest of {} has no server for TLS", release(keeper))
        }
        None => return,
    };
    findings.part("backup.machine", |findings| {
        findings.find(
            &VERSION,
            format!("{cause}, and both ends of pgBackRest must be of one release"),
            "give all of them one release of Debian from 12 on with its own packages, or keep the backups on a disk or in a bucket",
        );
    });
}

/// Databases to which nobody may connect, and peers that are no callers.
fn clients(postgresql: &Postgresql, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    for database in postgresql.databases.iter() {
        let peers = peers::of_database(postgresql, database, cloud);
        findings.part(&format!("databases.{}", database.name), |findings| {
            if peers.is_empty() {
                findings.find(
                    &NO_CLIENTS,
                    format!("nobody may connect to {}: firewall and pg_hba.conf let no peer in", database.name),
                    "name who may: `from: [{machine: web}]`",
                );
            }
            if peers.iter().any(|peer| matches!(peer, crate::flow::Peer::Inside { .. })) {
                findings.refuse(
                    "programs inside of the machine connect by no network: `inside` is no caller of a database",
                    "name a machine, a role, a network or a subnet",
                );
            }
        });
    }
}

/// Datastores of K3s in a database that is not there.
fn datastores(postgresql: &Postgresql, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for (cluster, database) in peers::clusters(postgresql, cloud) {
        if let Some(other) = taken.insert(database.to_string(), cluster.name.to_string()) {
            findings.find(
                &NO_DATABASE,
                format!("the clusters {other} and {} keep their state in one database, {database}: they would be one", cluster.name),
                format!("give {} a database of its own: `datastore: {{postgresql: {}, database: NAME}}`", cluster.name, postgresql.name),
            );
        }
        if postgresql.database_of(&database).is_none() {
            findings.find(
                &NO_DATABASE,
                format!(
                    "the datastore of the cluster {} is the database {database}, which is not there",
                    cluster.name
                ),
                format!("add it: `databases: {{{database}: {{owner: {}}}}}`", plain(&database)),
            );
        }
    }
}
