//! Static programs that distributions do not package: the first boot fetches them and verifies their hash.

use crate::digest::Digest;
use crate::given::Given;
use crate::guest::{Guest, GuestFile, Unit, UnitFile, UnitSection};
use crate::image::Os;
use crate::path::HttpUrl;
use crate::unit::FileMode;

/// Privileges that a unit of a network service gives up: almost all (systemd.exec(5)).
pub(crate) const HARDENED: &[(&str, &str)] = &[
    ("NoNewPrivileges", "yes"),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateDevices", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ("RestrictNamespaces", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("SystemCallArchitectures", "native"),
];

/// A drop-in for a service that starts after the network is there, and again whenever it ends: a name that is not known at first,
/// or an address that comes late, ends it.
pub(crate) fn lasting() -> UnitFile {
    let unit = UnitSection::new("Unit")
        .set("Wants", "network-online.target")
        .set("After", "network-online.target")
        .set("StartLimitIntervalSec", "0");
    UnitFile::new().section(unit).section(UnitSection::new("Service").set_all(RESTARTS))
}

/// How a service that must last is started again.
pub(crate) const RESTARTS: &[(&str, &str)] = &[("Restart", "always"), ("RestartSec", "2")];

/// Where archives are fetched to.
const ARCHIVES: &str = "/var/lib/fmc-programs";

/// A static program, by itself or in a `.tar.gz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    name: String,
    /// The path in its archive.
    member: String,
    url: Given<HttpUrl>,
    digest: Given<Digest>,
    folder: &'static str,
}

impl Program {
    /// A program for an operating system, which decides the folder of programs that no package owns. A unit may run
    /// them under `SELinux` too.
    pub(crate) fn new(name: &str, url: Given<HttpUrl>, digest: Given<Digest>, os: Os) -> Self {
        let folder = if os == Os::Flatcar { "/opt/bin" } else { "/usr/local/bin" };
        Self { name: name.to_owned(), member: name.to_owned(), url, digest, folder }
    }

    /// With a path of its own in its archive.
    pub(crate) fn member(self, path: &str) -> Self {
        Self { member: path.to_owned(), ..self }
    }

    /// Where it is once it is there.
    pub fn path(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }

    fn is_packed(&self) -> bool {
        let name = self.url.ok().map(HttpUrl::file_name).unwrap_or_default();
        [".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end))
    }

    fn unpack(&self) -> String {
        format!("fmc-unpack-{}.service", self.name)
    }

    /// The first section of its own unit: after the network and after it was unpacked, however often it ends.
    pub(crate) fn described(&self, description: &'static str) -> UnitSection {
        let unit =
            UnitSection::new("Unit").set("Description", description).set("Wants", "network-online.target");
        let unit = if self.is_packed() {
            let unpack = self.unpack();
            unit.set("After", format!("network-online.target {unpack}")).set("Requires", unpack)
        } else {
            unit.set("After", "network-online.target")
        };
        unit.set("StartLimitIntervalSec", "0")
    }

    /// The file that fetches it, and the unit that unpacks it.
    pub(crate) fn guest(&self) -> Guest {
        let (name, member, path) = (&self.name, &self.member, self.path());
        let file = |path: String| GuestFile::remote(path, self.url.clone(), self.digest.clone());
        if !self.is_packed() {
            return Guest::new().file(file(path).mode(FileMode::new(0o755)));
        }
        let archive = format!("{ARCHIVES}/{name}.tar.gz");
        let folder = self.folder;
        // Moved to its place as a whole, so that an interrupted boot leaves all of it or nothing.
        let moved = UnitSection::new("Service").set("Type", "oneshot").set("RemainAfterExit", "yes").set_each(
            "ExecStart",
            [
                format!("/usr/bin/mkdir -p {folder}"),
                format!(
                    "/usr/bin/tar --extract --gzip --no-same-owner --file={archive} --directory={ARCHIVES} {member}"
                ),
                format!("/usr/bin/install --mode=0755 {ARCHIVES}/{member} {folder}/.{name}"),
                format!("/usr/bin/mv {folder}/.{name} {path}"),
            ],
        );
        let unit = UnitFile::new()
            .section(
                UnitSection::new("Unit")
                    .set("Description", format!("Unpack {name}"))
                    .set("ConditionPathExists", format!("!{path}")),
            )
            .section(moved)
            .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"));
        Guest::new().file(file(archive)).unit(Unit::new(self.unpack()).enabled().contents(unit))
    }
}
