//! Where the systems have PostgreSQL: packages, programs, units, and which major versions each of them has.

use super::leaf::Major;
use crate::checked::Image;
use crate::guest::{Guest, GuestFile};
use crate::image::Os;

/// The folder of all data, which the data disk is mounted at. It has its SELinux label on Enterprise Linux too.
pub(super) const HOME: &str = "/var/lib/postgresql";

/// The public key of apt.postgresql.org, as Debian's own package `postgresql-common` has it.
const PGDG_KEY: &str = include_str!("pgdg.asc");

/// PostgreSQL of a major version on a system.
#[derive(Clone, Copy, Debug)]
pub(super) struct System<'a> {
    image: &'a Image,
    version: Major,
}

impl<'a> System<'a> {
    pub(super) const fn new(image: &'a Image, version: Major) -> Self {
        Self { image, version }
    }

    pub(super) const fn is_debian(self) -> bool {
        matches!(self.image.os, Os::Debian)
    }

    /// The folder of the programs.
    pub(super) fn programs(self) -> String {
        if self.is_debian() {
            format!("/usr/lib/postgresql/{}/bin", self.version)
        } else {
            "/usr/bin".to_owned()
        }
    }

    /// The folder of the configuration.
    pub(super) fn config(self) -> String {
        format!("/etc/postgresql/{}/main", self.version)
    }

    /// The folder of the data.
    pub(super) fn data(self) -> String {
        format!("{HOME}/{}/main", self.version)
    }

    /// The stem of the server's unit.
    pub(super) fn unit(self) -> String {
        if self.is_debian() { format!("postgresql@{}-main", self.version) } else { "postgresql".to_owned() }
    }

    /// What the unit's drop-in says of the server beside its order. Enterprise Linux's own unit has its configuration in the data.
    pub(super) fn starts(self) -> Vec<(&'static str, String)> {
        if self.is_debian() {
            return Vec::new();
        }
        let (data, config) = (self.data(), self.config());
        let start = format!("{}/postgres -D {data} -c config_file={config}/postgresql.conf", self.programs());
        vec![
            ("Environment", format!("PGDATA={data}")),
            ("ExecStartPre", String::new()),
            ("ExecStart", String::new()),
            ("ExecStart", start),
        ]
    }

    /// The packages, and the files by which the system finds them.
    pub(super) fn packages(self, is_pgdg: bool, has_backup: bool) -> Guest {
        let version = self.version;
        let mut guest = Guest::new();
        if self.is_debian() {
            if let Some(suite) = suite(self.image).filter(|_| is_pgdg) {
                guest = guest.file(GuestFile::text("/etc/apt/sources.list.d/pgdg.sources", sources(suite)));
            }
            guest = guest.package(format!("postgresql-{version}").as_str());
            return if has_backup { guest.package("pgbackrest") } else { guest };
        }
        // What `dnf module enable postgresql:15` writes. 13 is no module in release 9, and release 10 has none.
        if !matches!((release(self.image), version.get()), ("9", 13) | ("10", _)) {
            let module =
                format!("[postgresql]\nname=postgresql\nstream={version}\nprofiles=\nstate=enabled\n");
            guest = guest.file(GuestFile::text("/etc/dnf/modules.d/postgresql.module", module));
        }
        // pgBackRest is in EPEL, which the unit before the server installs it from.
        let guest = guest.package("postgresql-server");
        if has_backup { guest.package("epel-release") } else { guest }
    }
}

fn release(image: &Image) -> &str {
    image.version.split('.').next().unwrap_or_default()
}

/// The suite of PGDG's packages for a release of Debian, if it has one.
pub(super) fn suite(image: &Image) -> Option<&'static str> {
    match (image.os, release(image)) {
        (Os::Debian, "11") => Some("bullseye-pgdg"),
        (Os::Debian, "12") => Some("bookworm-pgdg"),
        (Os::Debian, "13") => Some("trixie-pgdg"),
        _ => None,
    }
}

/// PGDG's packages for Debian, which the key in the file alone signs.
fn sources(suite: &str) -> String {
    let key: String = PGDG_KEY
        .lines()
        .map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
        .collect();
    format!(
        "Types: deb\nURIs: https://apt.postgresql.org/pub/repos/apt\nSuites: {suite}\nComponents: main\nSigned-By:\n{key}"
    )
}

/// The major versions that a release has in its own packages; `None` of a release that is not known here.
pub(super) fn own(image: &Image) -> Option<&'static [u8]> {
    match (image.os, release(image)) {
        (Os::Debian, "11") => Some(&[13]),
        (Os::Debian, "12") => Some(&[15]),
        (Os::Debian, "13") => Some(&[17]),
        (Os::Rocky | Os::Almalinux, "8" | "9") => Some(&[13, 15, 16]),
        (Os::Rocky | Os::Almalinux, "10") => Some(&[16]),
        _ => None,
    }
}
