//! The files that chrony and systemd-timesyncd read, by system.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::addr::Subnet;
use crate::guest::{Guest, GuestFile, TextPart, Unit, UnitFile, UnitSection};
use crate::image::Os;
use crate::secret::Secret;
use crate::unit::FileMode;

/// Where the program of a system has its files.
struct Chronyd {
    config: &'static str,
    keys: &'static str,
    drift: &'static str,
    unit: &'static str,
    /// The group that reads the keys, where the image has it. Debian's package changes the group of its own file.
    group: Option<&'static str>,
    package: Option<&'static str>,
}

const DEBIAN: Chronyd = Chronyd {
    config: "/etc/chrony/chrony.conf",
    keys: "/etc/chrony/chrony.keys",
    drift: "/var/lib/chrony/chrony.drift",
    unit: "chrony",
    group: None,
    package: Some("chrony"),
};

const FEDORA: Chronyd = Chronyd {
    config: "/etc/chrony.conf",
    keys: "/etc/chrony.keys",
    drift: "/var/lib/chrony/drift",
    unit: "chronyd",
    group: Some("chrony"),
    package: None,
};

/// Where systemd-timesyncd reads the cloud's servers, after all that the image says.
const TIMESYNCD: &str = "/etc/systemd/timesyncd.conf.d/90-fmc.conf";

/// The unit that makes a running program read its sources, once.
const RESTART: &str = "fmc-time-sources";

/// A source that chrony asks.
pub(super) enum Asked {
    Server(String),
    Pool(String),
}

/// The parts of a machine that chrony's file is made of.
pub(super) struct Time<'a> {
    pub(super) os: Os,
    pub(super) asked: Vec<Asked>,
    pub(super) local_stratum: Option<u8>,
    /// The networks that may ask; none on a client.
    pub(super) allowed: Vec<Subnet>,
    pub(super) key: Option<&'a Secret>,
    /// Whether the sources have the key.
    pub(super) is_proved: bool,
}

impl Time<'_> {
    /// The guest that chrony makes of it.
    pub(super) fn chrony(&self) -> Guest {
        let system = if self.os == Os::Debian { DEBIAN } else { FEDORA };
        let mut guest = Guest::new().file(GuestFile::text(system.config, self.text(&system)));
        if let Some(key) = self.key {
            let parts = [TextPart::from("1 SHA256 HEX:"), key.clone().into(), "\n".into()];
            let keys = GuestFile::parts(system.keys, parts);
            guest = guest.file(match system.group {
                Some(group) => keys.owner("root").group(group).mode(FileMode::new(0o640)),
                None => keys,
            });
        }
        if let Some(package) = system.package {
            guest = guest.package(package);
        }
        let guest = guest.unit(Unit::service(system.unit).enabled());
        // The package starts it with this file, and Ignition writes the file before anything starts.
        if self.os.is_enterprise_linux() { guest.unit(restart(system.unit)) } else { guest }
    }

    fn text(&self, system: &Chronyd) -> String {
        let mut text = String::from("# The time of this cloud, written by fmc.\n");
        let proved = if self.is_proved && self.key.is_some() { " key 1" } else { "" };
        // Writing to a text cannot fail.
        for asked in &self.asked {
            let _ = match asked {
                Asked::Server(server) => writeln!(text, "server {server} iburst{proved}"),
                Asked::Pool(pool) => writeln!(text, "pool {pool} iburst{proved}"),
            };
        }
        if let Some(stratum) = self.local_stratum {
            let _ = writeln!(text, "local stratum {stratum}");
        }
        for subnet in &self.allowed {
            let _ = writeln!(text, "allow {subnet}");
        }
        if self.key.is_some() {
            let _ = writeln!(text, "keyfile {}", system.keys);
        }
        let _ = writeln!(text, "driftfile {}", system.drift);
        // A clock that is wrong by more than a second is set at once after a start, and never later.
        text.push_str("makestep 1 3\nrtcsync\n");
        text
    }
}

/// The guest of a client with systemd-timesyncd.
pub(super) fn timesyncd(os: Os, servers: &[IpAddr]) -> Guest {
    const UNIT: &str = "systemd-timesyncd";
    let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
    let text = format!(
        "# The time of this cloud, written by fmc.\n[Time]\nNTP=\nNTP={}\nFallbackNTP=\n",
        servers.join(" ")
    );
    let guest = Guest::new().file(GuestFile::text(TIMESYNCD, text)).unit(Unit::service(UNIT).enabled());
    if os == Os::Debian { guest.unit(restart(UNIT)) } else { guest }
}

/// cloud-init writes files while the system starts, so that the program may have started with those of the image.
fn restart(unit: &'static str) -> Unit {
    const DONE: &str = "/var/lib/fmc/time-sources";
    let contents = UnitFile::new()
        .section(
            UnitSection::new("Unit")
                .set("Description", "Read the time servers of the cloud")
                .set("ConditionPathExists", format!("!{DONE}"))
                .set("After", format!("{unit}.service")),
        )
        .section(
            UnitSection::new("Service")
                .set("Type", "oneshot")
                .set("ExecStart", format!("/usr/bin/systemctl restart {unit}.service"))
                .set("ExecStart", "/usr/bin/mkdir -p /var/lib/fmc")
                .set("ExecStart", format!("/usr/bin/touch {DONE}")),
        )
        .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"));
    Unit::service(RESTART).enabled().contents(contents)
}
