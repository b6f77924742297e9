//! Static programs that no distribution's package brings: fetched on the first boot, by hash.

use crate::digest::Digest;
use crate::given::Given;
use crate::guest::{File, Guest, Unit};
use crate::image::Os;
use crate::path::HttpUrl;
use crate::unit::Mode;

/// What a unit of a network service may do without: almost everything (systemd.exec(5)).
pub(crate) const HARDENED: &str = "\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
";

/// After the network is there, and again and again: a name that is not known at first, or an address that comes late, ends it.
pub(crate) const LASTING: &str = "[Unit]\nWants=network-online.target\nAfter=network-online.target\nStartLimitIntervalSec=0\n\n\
                       [Service]\nRestart=always\nRestartSec=2\n";

/// Where archives are fetched to.
const ARCHIVES: &str = "/var/lib/fmc-programs";

/// A static program, by itself or in a `.tar.gz` that has it at its top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    name: &'static str,
    url: Given<HttpUrl>,
    digest: Given<Digest>,
    folder: &'static str,
}

impl Program {
    /// A program for an operating system, which says where programs of nobody's package belong: what is there may be run by a
    /// unit under `SELinux` too.
    pub(crate) fn new(name: &'static str, url: Given<HttpUrl>, digest: Given<Digest>, os: Os) -> Self {
        let folder = if os == Os::Flatcar { "/opt/bin" } else { "/usr/local/bin" };
        Self { name, url, digest, folder }
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

    /// What its unit comes after, with a space before it.
    pub(crate) fn after(&self) -> String {
        if self.is_packed() { format!(" {}", self.unpack()) } else { String::new() }
    }

    /// What its unit needs, as a line.
    pub(crate) fn requires(&self) -> String {
        if self.is_packed() { format!("Requires={}\n", self.unpack()) } else { String::new() }
    }

    /// What fetches it, and what unpacks it.
    pub(crate) fn guest(&self) -> Guest {
        let (name, path) = (self.name, self.path());
        let file = |path: String| File::remote(path, self.url.clone(), self.digest.clone());
        if !self.is_packed() {
            return Guest::new().file(file(path).mode(Mode::new(0o755)));
        }
        let archive = format!("{ARCHIVES}/{name}.tar.gz");
        let folder = self.folder;
        // Moved to its place as a whole, so that a boot that is cut leaves none or all of it.
        let unit = format!(
            "[Unit]\nDescription=Unpack {name}\nConditionPathExists=!{path}\n\n\
             [Service]\nType=oneshot\nRemainAfterExit=yes\n\
             ExecStart=/usr/bin/mkdir -p {folder}\n\
             ExecStart=/usr/bin/tar --extract --gzip --no-same-owner --file={archive} --directory={ARCHIVES} {name}\n\
             ExecStart=/usr/bin/install --mode=0755 {ARCHIVES}/{name} {folder}/.{name}\n\
             ExecStart=/usr/bin/mv {folder}/.{name} {path}\n\n\
             [Install]\nWantedBy=multi-user.target\n"
        );
        Guest::new().file(file(archive)).unit(Unit::new(self.unpack()).enabled().contents(unit))
    }
}
