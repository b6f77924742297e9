//! The units that run the installers, and what their scripts have in common.

use crate::guest::{Guest, GuestFile, TextPart, Unit, UnitFile, UnitSection};
use crate::secret::Secret;
use crate::unit::FileMode;

/// The folder of the passwords.
pub(super) const FOLDER: &str = "/etc/fmc/freeipa";

/// The mark of an installation that came to its end.
pub(super) const DONE: &str = "/var/lib/fmc/freeipa.installed";

/// The first lines of each script: it does nothing after an installation that came to its end.
pub(super) fn head(purpose: &str) -> String {
    format!("#!/bin/bash\n# {purpose}\nset -euo pipefail\numask 0022\n[ -e {DONE} ] && exit 0\n")
}

/// The last lines of each script.
pub(super) fn tail() -> String {
    format!("mkdir -p /var/lib/fmc\ntouch {DONE}\n")
}

/// A file with a password that only root reads.
pub(super) fn password(name: &str, secret: Secret) -> GuestFile {
    GuestFile::parts(format!("{FOLDER}/{name}"), [TextPart::from(secret), "\n".into()])
}

/// A script that an installer is run by, and its unit. A run that fails is repeated after a minute.
pub(super) fn installer(name: &'static str, description: &'static str, script: String) -> Guest {
    let path = format!("/usr/local/sbin/{name}");
    let contents = UnitFile::new()
        .section(
            UnitSection::new("Unit")
                .set("Description", description)
                .set("Wants", "network-online.target")
                .set("After", "network-online.target")
                .set("ConditionPathExists", format!("!{DONE}")),
        )
        .section(
            UnitSection::new("Service")
                .set("Type", "oneshot")
                .set("RemainAfterExit", "yes")
                .set("ExecStart", path.clone())
                .set("TimeoutStartSec", "3600")
                .set("Restart", "on-failure")
                .set("RestartSec", "60"),
        )
        .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"));
    Guest::new()
        .file(GuestFile::text(path, script).mode(FileMode::new(0o755)))
        .unit(Unit::service(name).enabled().contents(contents))
}
