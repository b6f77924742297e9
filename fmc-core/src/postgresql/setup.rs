//! The scripts that make, restore or copy a database before its server starts, and that make users and databases after it.

use super::config::{REPLICATION, Server, known_as};
use super::repository::{self, REPOSITORY};
use super::system::HOME;
use crate::guest::{Guest, GuestFile, TextPart, Unit, UnitFile, UnitSection};
use crate::unit::FileMode;

/// The folder of secrets, which only root reads.
pub(super) const FOLDER: &str = "/etc/fmc/postgresql";
/// The unit before the server, and its script.
const BEFORE: &str = "fmc-postgresql";
/// The unit after the server, and its script.
const AFTER: &str = "fmc-postgresql-databases";

/// The first lines of each script.
pub(super) fn head(purpose: &str) -> String {
    format!("#!/bin/bash\n# {purpose}\nset -euo pipefail\numask 0077\n")
}

/// A script, and the unit that runs it once at every boot.
pub(super) fn oneshot(
    name: &'static str,
    description: &'static str,
    script: &str,
    order: &[(&'static str, &'static str)],
) -> Guest {
    let path = format!("/usr/local/sbin/{name}");
    let unit = UnitSection::new("Unit").set("Description", description).set_all(order);
    let service = UnitSection::new("Service")
        .set("Type", "oneshot")
        .set("RemainAfterExit", "yes")
        .set("ExecStart", path.clone())
        .set("TimeoutStartSec", "infinity");
    let install = UnitSection::new("Install").set("WantedBy", "multi-user.target");
    Guest::new().file(GuestFile::text(path, script).mode(FileMode::new(0o755))).unit(
        Unit::service(name)
            .enabled()
            .contents(UnitFile::new().section(unit).section(service).section(install)),
    )
}

/// The guest of a server.
pub(super) fn guest(server: &Server<'_>) -> Guest {
    let (postgresql, system) = (server.postgresql, server.system);
    let config = system.config();
    let names = server.machine.addresses().map(|address| address.to_string());
    let names = server.machine.fqdn.iter().map(ToString::to_string).chain(names);
    let own = postgresql
        .authority()
        .server(server.machine.hostname.as_str(), names.chain([server.machine.hostname.to_string()]));
    let public =
        |name: &str, secret| GuestFile::secret(format!("{config}/{name}"), secret).mode(FileMode::new(0o644));
    let waits = UnitSection::new("Unit")
        .set("Requires", format!("{BEFORE}.service"))
        .set("After", format!("{BEFORE}.service network-online.target"))
        .set("Wants", "network-online.target");
    let starts = system
        .starts()
        .into_iter()
        .fold(UnitSection::new("Service"), |section, (key, value)| section.set(key, value));
    let mut dropin = UnitFile::new().section(waits);
    if !system.is_debian() {
        dropin = dropin.section(starts);
    }
    let mut guest = system
        .packages(
            postgresql.packages.unwrap_or_default() == super::Packages::Pgdg,
            postgresql.backup.is_some(),
        )
        .file(GuestFile::text(format!("{config}/postgresql.conf"), server.settings()))
        .file(GuestFile::text(format!("{config}/pg_hba.conf"), server.hba()))
        .file(GuestFile::text(
            format!("{config}/pg_ident.conf"),
            "# No user of the system has another name here.\n",
        ))
        .file(public("ca.pem", postgresql.authority().certificate()))
        .file(public("server.pem", own.certificate()))
        .file(GuestFile::secret(format!("{FOLDER}/server.key"), own.key()))
        .unit(Unit::service(&system.unit()).enabled().dropin("50-fmc.conf", dropin));
    if let Some(backup) = &postgresql.backup {
        guest = guest.with(repository::of_server(server, backup));
    }
    let script = if server.is_primary {
        guest = guest
            .file(GuestFile::parts(format!("{FOLDER}/databases.sql"), server.statements()))
            .with(after(server));
        primary(server)
    } else {
        // The fields of a line are host, port, database, user and password.
        let password = [
            TextPart::from(format!("*:*:*:{REPLICATION}:")),
            postgresql.replication_password().into(),
            "\n".into(),
        ];
        guest = guest.file(GuestFile::parts(format!("{FOLDER}/replication.pgpass"), password));
        standby(server)
    };
    guest.with(oneshot(
        BEFORE,
        "Database of PostgreSQL",
        &script,
        &[("Wants", "network-online.target"), ("After", "network-online.target")],
    ))
}

/// What both kinds of servers do first.
fn begin(server: &Server<'_>, purpose: &str) -> String {
    let system = server.system;
    let (data, config, programs) = (system.data(), system.config(), system.programs());
    let version = server.postgresql.version.to_string();
    let backup = server.postgresql.backup.as_ref();
    let mut text = head(purpose);
    text += &format!("data={data}\nprograms={programs}\nas() {{ cd / && runuser -u postgres -- \"$@\"; }}\n");
    if !system.is_debian() && backup.is_some() {
        text += "rpm -q pgbackrest >/dev/null || dnf -y install pgbackrest\n";
    }
    text += &format!(
        "install -d -o postgres -g postgres -m 0755 {HOME} {HOME}/{version}\n\
         install -o root -g postgres -m 0640 {FOLDER}/server.key {config}/server.key\n"
    );
    if !server.is_primary {
        text += &format!(
            "install -o postgres -g postgres -m 0600 {FOLDER}/replication.pgpass {config}/replication.pgpass\n"
        );
    }
    if let Some(backup) = backup {
        let has_secrets = (backup.encrypted && backup.machine.is_none()) || backup.s3.is_some();
        text += &repository::installs(backup.machine.is_some(), has_secrets);
        if backup.is_here() {
            text += &format!("install -d -o postgres -g postgres -m 0750 {REPOSITORY}\n");
        }
    }
    if !system.is_debian() {
        text +=
            &format!("if command -v restorecon >/dev/null; then restorecon -R {HOME} /etc/postgresql; fi\n");
    }
    text += &format!(
        "if [ ! -e \"$data/PG_VERSION\" ]; then\n\
         \x20   for other in {HOME}/*/main/PG_VERSION; do\n\
         \x20       [ -e \"$other\" ] || continue\n\
         \x20       echo \"the data disk has a database of PostgreSQL $(cat \"$other\"), and this machine has {version}: it is left as it is\" >&2\n\
         \x20       exit 1\n\
         \x20   done\n\
         fi\n"
    );
    text
}

/// Data that was made beside its place is moved there once it is whole.
const END: &str = "sync\nmv -T -- \"$data.new\" \"$data\"\n";

/// A folder that an interrupted start may have left.
const AGAIN: &str = "rm -rf -- \"$data.new\"\n";

/// A primary keeps its data, or restores its backup, or makes a new database.
fn primary(server: &Server<'_>) -> String {
    let mut text = begin(
        server,
        "Makes the database of this machine, or restores it from its backup. One that is there is kept.",
    );
    text += "if [ -e \"$data/PG_VERSION\" ]; then\n\
        \x20   if [ -e \"$data/standby.signal\" ]; then\n\
        \x20       echo \"the database follows another machine, and the cloud says that this one is the primary: promote it first\" >&2\n\
        \x20       exit 1\n\
        \x20   fi\n\
        \x20   exit 0\n\
        fi\n";
    text += AGAIN;
    let new = "as \"$programs/initdb\" --pgdata=\"$data.new\" --encoding=UTF8 --locale=C.UTF-8 --data-checksums \\\n\
        \x20   --auth-local=peer --auth-host=reject --no-instructions >/dev/null\n";
    if server.postgresql.backup.is_some() {
        let stanza = &server.postgresql.name;
        text += &format!(
            "# A repository that does not answer may have a backup: an empty database beside it would be a loss.\n\
             # Of the codes of `info` only 1, a missing path, and 2, no valid backup, say that there is none.\n\
             while :; do\n\
             \x20   found=$(as pgbackrest --stanza={stanza} info --output=json || :)\n\
             \x20   case $found in\n\
             \x20   *'\"backup\":[{{'*) break ;;\n\
             \x20   *'\"status\":{{\"code\":1,'*|*'\"status\":{{\"code\":2,'*)\n\
             \x20       if as pgbackrest --stanza={stanza} repo-ls backup/{stanza} >/dev/null; then break; fi ;;\n\
             \x20   esac\n\
             \x20   echo 'the repository cannot be read, and may have a backup: see pgbackrest --stanza={stanza} info' >&2\n\
             \x20   sleep 10\n\
             done\n\
             case $found in\n\
             *'\"backup\":[{{'*)\n\
             \x20   install -d -o postgres -g postgres -m 0700 \"$data.new\"\n\
             \x20   as pgbackrest --stanza={stanza} --pg1-path=\"$data.new\" \\\n\
             \x20       --recovery-option='restore_command=pgbackrest --stanza={stanza} archive-get %f \"%p\"' restore\n\
             \x20   ;;\n\
             *)\n{}    ;;\nesac\n",
            new.lines().map(|line| format!("    {line}\n")).collect::<String>()
        );
    } else {
        text += new;
    }
    text + END
}

/// A standby keeps its data, or copies its primary's.
fn standby(server: &Server<'_>) -> String {
    let Some(primary) = server.primary() else { return String::new() };
    let mut text = begin(server, "Copies the primary's database to this machine. One that is there is kept.");
    text += "if [ -e \"$data/PG_VERSION\" ]; then\n\
        \x20   if [ ! -e \"$data/standby.signal\" ]; then\n\
        \x20       echo \"the database was a primary's, and the cloud says that this machine is a standby: move $data away first\" >&2\n\
        \x20       exit 1\n\
        \x20   fi\n\
        \x20   exit 0\n\
        fi\n";
    text += &format!(
        "# {} may not answer yet, or not have the slot.\n\
         until rm -rf -- \"$data.new\" && as \"$programs/pg_basebackup\" --dbname='{}' --pgdata=\"$data.new\" \\\n\
         \x20   --slot={} --wal-method=stream --checkpoint=fast --no-password; do\n\
         \x20   sleep 5\n\
         done\n\
         as touch \"$data.new/standby.signal\"\n",
        known_as(primary),
        server.towards(primary),
        super::config::slot(&server.machine.name)
    );
    text + END
}

/// Users and databases, once the server takes changes.
fn after(server: &Server<'_>) -> Guest {
    let port = server.postgresql.tcp_port();
    let script = format!(
        "{}query() {{ cd / && runuser -u postgres -- psql --no-psqlrc --port={port} --tuples-only --no-align \"$@\"; }}\n\
         until [ \"$(query --command='SELECT NOT pg_is_in_recovery()' || :)\" = t ]; do sleep 2; done\n\
         query --quiet --set=ON_ERROR_STOP=1 <{FOLDER}/databases.sql >/dev/null\n",
        head("Makes users and databases that are not there, and gives users their passwords.")
    );
    let unit = server.system.unit();
    let order = UnitSection::new("Unit")
        .set("Description", "Users and databases of PostgreSQL")
        .set("Requires", format!("{unit}.service"))
        .set("After", format!("{unit}.service"));
    let path = format!("/usr/local/sbin/{AFTER}");
    let service = UnitSection::new("Service")
        .set("Type", "oneshot")
        .set("RemainAfterExit", "yes")
        .set("ExecStart", path.clone())
        .set("TimeoutStartSec", "infinity");
    // A server that was stopped and started again, as after a restore, has it run again.
    let install = UnitSection::new("Install").set("WantedBy", format!("multi-user.target {unit}.service"));
    Guest::new().file(GuestFile::text(path, script).mode(FileMode::new(0o755))).unit(
        Unit::service(AFTER)
            .enabled()
            .contents(UnitFile::new().section(order).section(service).section(install)),
    )
}
