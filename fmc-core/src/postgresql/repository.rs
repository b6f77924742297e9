//! pgBackRest: its files on the servers and on a machine that keeps the backups, and the units that make backups.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::Postgresql;
use super::backup::Backup;
use super::config::Server;
use super::setup::{FOLDER, head, oneshot};
use crate::checked::{Checked, Machine};
use crate::given::Given;
use crate::guest::{Guest, GuestFile, TextPart, Unit, UnitFile, UnitSection};
use crate::k3s::BucketLookup;
use crate::secret::{CertificateUsage, LeafCertificate};
use crate::unit::FileMode;

/// Where a machine keeps backups.
pub(super) const REPOSITORY: &str = "/var/lib/pgbackrest";
/// The port of pgBackRest's own server.
pub(super) const PORT: u16 = 8432;

const SETTINGS: &str = "/etc/pgbackrest/pgbackrest.conf";
/// The unit that makes backups, and its script.
const BACKUP: &str = "fmc-postgresql-backup";
/// The unit of the first backup.
const FIRST: &str = "fmc-postgresql-first-backup";

/// The machine that keeps the backups of a PostgreSQL, if another one does.
pub(super) fn keeper<'s>(postgresql: &Postgresql, cloud: &'s Checked) -> Option<&'s Machine> {
    let name = postgresql.backup.as_ref()?.machine.as_ref()?.ok()?;
    cloud.machine(name.as_str())
}

/// pgBackRest on a server.
pub(super) fn of_server(server: &Server<'_>, backup: &Backup) -> Guest {
    let postgresql = server.postgresql;
    let mut global = global(postgresql);
    let mut secrets: Vec<TextPart> = Vec::new();
    let mut guest = Guest::new();
    if let Some(keeper) = keeper(postgresql, server.cloud) {
        let (own, other) = (between(server.machine, keeper), between(keeper, server.machine));
        let (Some(own), Some(other)) = (own, other) else { return guest };
        global += &format!("repo1-host={other}\nrepo1-host-type=tls\n{}", tls("repo1-host", ""));
        global += &listening(postgresql, &[other]);
        guest = guest.with(known(postgresql, own));
    } else {
        let _ = write!(global, "repo1-retention-full={}\nstart-fast=y\n", backup.kept());
        if let Some(bucket) = &backup.s3 {
            let text = |given: &Option<Given<_>>| given.as_ref().map(ToString::to_string).unwrap_or_default();
            let folder = bucket.folder.as_ref().map_or_else(|| "pgbackrest".to_owned(), ToString::to_string);
            let _ = write!(
                global,
                "repo1-type=s3\nrepo1-path=/{}\nrepo1-s3-bucket={}\nrepo1-s3-endpoint={}\nrepo1-s3-region={}\n",
                folder.trim_matches('/'),
                bucket.bucket,
                text(&bucket.endpoint),
                text(&bucket.region)
            );
            if bucket.lookup.as_ref().and_then(Given::ok) == Some(&BucketLookup::Path) {
                global += "repo1-s3-uri-style=path\n";
            }
            if let Some(ca) = &bucket.ca {
                global += "repo1-storage-ca-file=/etc/pgbackrest/bucket.pem\n";
                let file = GuestFile::secret("/etc/pgbackrest/bucket.pem", ca.clone());
                guest = guest.file(file.mode(FileMode::new(0o644)));
            }
            if let Some(secret) = &bucket.secret_key {
                let key = format!("repo1-s3-key={}\nrepo1-s3-key-secret=", text(&bucket.access_key));
                secrets.extend([key.into(), secret.clone().into(), "\n".into()]);
            }
        } else {
            let _ = writeln!(global, "repo1-path={REPOSITORY}");
        }
        if backup.encrypted {
            global += "repo1-cipher-type=aes-256-cbc\n";
            secrets.extend(["repo1-cipher-pass=".into(), postgresql.backup_key().into(), "\n".into()]);
        }
        if server.is_primary {
            guest = guest.with(schedule(postgresql, backup, &format!("{}.service", server.system.unit())));
        }
    }
    let stanza = format!(
        "\n[{}]\npg1-path={}\npg1-port={}\npg1-socket-path=/run/postgresql\n",
        postgresql.name,
        server.system.data(),
        postgresql.tcp_port()
    );
    guest.file(GuestFile::text(SETTINGS, format!("{global}{stanza}"))).with(secret_settings(secrets))
}

/// pgBackRest on the machine that keeps the backups.
pub(super) fn of_keeper(postgresql: &Postgresql, cloud: &Checked, keeper: &Machine) -> Guest {
    let Some(backup) = &postgresql.backup else { return Guest::new() };
    let (Some(version), Some(primary)) = (
        postgresql.version.ok(),
        postgresql.primary.ok().and_then(|primary| cloud.machine(primary.as_str())),
    ) else {
        return Guest::new();
    };
    let servers: Vec<IpAddr> =
        postgresql.machines().filter_map(|name| between(cloud.machine(name.as_str())?, keeper)).collect();
    let (Some(own), Some(first)) = (between(keeper, primary), between(primary, keeper)) else {
        return Guest::new();
    };
    let mut global = global(postgresql);
    let _ = write!(global, "repo1-path={REPOSITORY}\nrepo1-retention-full={}\nstart-fast=y\n", backup.kept());
    let mut secrets: Vec<TextPart> = Vec::new();
    if backup.encrypted {
        global += "repo1-cipher-type=aes-256-cbc\n";
        secrets.extend(["repo1-cipher-pass=".into(), postgresql.backup_key().into(), "\n".into()]);
    }
    global += &listening(postgresql, &servers);
    let data = super::system::System::new(&primary.image, *version).data();
    let stanza = format!(
        "\n[{}]\npg1-host={first}\npg1-host-type=tls\n{}pg1-path={data}\npg1-port={}\npg1-socket-path=/run/postgresql\n",
        postgresql.name,
        tls("pg1-host", ""),
        postgresql.tcp_port()
    );
    let script = format!(
        "{}install -d -o postgres -g postgres -m 0750 {REPOSITORY}\n{}",
        head("Gives pgBackRest its key and its folder."),
        installs(true, backup.encrypted)
    );
    Guest::new()
        .package("pgbackrest")
        .file(GuestFile::text(SETTINGS, format!("{global}{stanza}")))
        .with(secret_settings(secrets))
        .with(known(postgresql, own))
        .with(oneshot(
            "fmc-pgbackrest",
            "pgBackRest's key and folder",
            &script,
            &[("Before", "pgbackrest.service")],
        ))
        .with(schedule(postgresql, backup, "pgbackrest.service"))
}

/// The address of a machine by which another one knows it.
fn between(machine: &Machine, other: &Machine) -> Option<IpAddr> {
    machine.address_towards(other)
}

fn global(postgresql: &Postgresql) -> String {
    format!(
        "# The backups of {}, written by fmc.\n[global]\nlog-level-file=off\nlock-path=/run/postgresql/pgbackrest\n",
        postgresql.name
    )
}

/// The files by which one end of a connection proves itself and knows the other one.
fn tls(prefix: &str, suffix: &str) -> String {
    format!(
        "{prefix}-ca-file{suffix}=/etc/pgbackrest/ca.pem\n{prefix}-cert-file{suffix}=/etc/pgbackrest/own.pem\n{prefix}-key-file{suffix}=/etc/pgbackrest/own.key\n"
    )
}

/// pgBackRest's own server, and the addresses whose certificates it believes.
fn listening(postgresql: &Postgresql, others: &[IpAddr]) -> String {
    // `*` is IPv4 alone.
    let is_ipv6 = !others.is_empty() && others.iter().all(IpAddr::is_ipv6);
    let all = if is_ipv6 { "::" } else { "*" };
    let mut text = format!("tls-server-address={all}\ntls-server-port={PORT}\n{}", tls("tls-server", ""));
    for other in others {
        let _ = writeln!(text, "tls-server-auth={other}={}", postgresql.name);
    }
    text
}

/// The certificate of a machine towards the other end, which knows it by its address, and the unit of pgBackRest's server.
fn known(postgresql: &Postgresql, own: IpAddr) -> Guest {
    let authority = postgresql.backup_authority();
    // pgBackRest compares an address with the common name, and only where the certificate has no other names.
    let leaf: LeafCertificate = authority.leaf(&own.to_string(), [""; 0], CertificateUsage::Both);
    let public = |path: &str, secret| GuestFile::secret(path, secret).mode(FileMode::new(0o644));
    let contents = UnitFile::new()
        .section(
            UnitSection::new("Unit")
                .set("Description", "pgBackRest's server")
                .set("Wants", "network-online.target")
                .set("After", "network-online.target fmc-postgresql.service fmc-pgbackrest.service"),
        )
        .section(UnitSection::new("Service").set_all(&[
            ("User", "postgres"),
            ("Group", "postgres"),
            ("ExecStart", "/usr/bin/pgbackrest server"),
            ("Restart", "always"),
            ("RestartSec", "5"),
        ]))
        .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"));
    Guest::new()
        .file(public("/etc/pgbackrest/ca.pem", authority.certificate()))
        .file(public("/etc/pgbackrest/own.pem", leaf.certificate()))
        .file(GuestFile::secret(format!("{FOLDER}/backup.key"), leaf.key()))
        .unit(Unit::service("pgbackrest").enabled().contents(contents))
}

/// The settings that are secrets, which only root reads until they are installed for the server's user.
fn secret_settings(secrets: Vec<TextPart>) -> Guest {
    if secrets.is_empty() {
        return Guest::new();
    }
    let parts = std::iter::once(TextPart::from("[global]\n")).chain(secrets);
    Guest::new().file(GuestFile::parts(format!("{FOLDER}/backup.conf"), parts))
}

/// The lines of a script that install what the server's user reads: the package makes that user after files are written.
pub(super) fn installs(has_key: bool, has_secrets: bool) -> String {
    let mut text = String::new();
    if has_key {
        let _ =
            writeln!(text, "install -o root -g postgres -m 0640 {FOLDER}/backup.key /etc/pgbackrest/own.key");
    }
    if has_secrets {
        let _ = write!(
            text,
            "install -d -m 0755 /etc/pgbackrest/conf.d\ninstall -o root -g postgres -m 0640 {FOLDER}/backup.conf /etc/pgbackrest/conf.d/secret.conf\n"
        );
    }
    text
}

/// The first backup, and those by the clock.
fn schedule(postgresql: &Postgresql, backup: &Backup, after: &str) -> Guest {
    let stanza = &postgresql.name;
    let day = backup.full_on.unwrap_or_default().number();
    let script = format!(
        "{}pgbackrest() {{ cd / && runuser -u postgres -- /usr/bin/pgbackrest --stanza={stanza} \"$@\"; }}\n\
         # The server may not answer yet.\n\
         until pgbackrest stanza-create; do sleep 10; done\n\
         found=$(pgbackrest info --output=json)\n\
         if [ \"${{1:-}}\" = first ]; then\n\
         \x20   case $found in *'\"backup\":[{{'*) exit 0 ;; esac\n\
         fi\n\
         kind=\"diff\"\nif [ \"$(date +%u)\" = {day} ]; then kind=full; fi\n\
         pgbackrest --type=\"$kind\" backup\n",
        head("Makes a backup; with the word `first` only if there is none.")
    );
    let path = format!("/usr/local/sbin/{BACKUP}");
    let unit = |description: &'static str, start: String| {
        UnitFile::new()
            .section(UnitSection::new("Unit").set("Description", description).set("After", after.to_owned()))
            .section(
                UnitSection::new("Service")
                    .set("Type", "oneshot")
                    .set("ExecStart", start)
                    .set("TimeoutStartSec", "infinity"),
            )
    };
    let first = unit("First backup of PostgreSQL", format!("{path} first"))
        .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"));
    let at = backup.at.as_ref().and_then(Given::ok).map_or_else(|| "02:30".to_owned(), ToString::to_string);
    let timer = UnitFile::new()
        .section(UnitSection::new("Unit").set("Description", "Backup of PostgreSQL every day"))
        .section(
            UnitSection::new("Timer").set("OnCalendar", format!("*-*-* {at}:00")).set("Persistent", "true"),
        )
        .section(UnitSection::new("Install").set("WantedBy", "timers.target"));
    Guest::new()
        .file(GuestFile::text(path.clone(), script).mode(FileMode::new(0o755)))
        .unit(Unit::service(BACKUP).contents(unit("Backup of PostgreSQL", path.clone())))
        .unit(Unit::service(FIRST).enabled().contents(first))
        .unit(Unit::timer(BACKUP).enabled().contents(timer))
}
