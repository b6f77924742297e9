//! A web server made of parts that every image has: systemd accepts the connections, and for each of them bash answers
//! one request.
//!
//! It is hand-written because Fedora CoreOS and Flatcar have no web server and no interpreter but the shell, and
//! downloading a server would need another source. It serves only the files that the mirror lists, so the little of
//! HTTP that it knows is enough (RFC 9112; systemd.socket(5), `Accept=yes`).

use super::{PORT, ROOT};
use crate::guest::{Guest, GuestFile, Unit, UnitFile, UnitSection};
use crate::program::HARDENED;

/// The path of the script. Every system can write `/etc` on its first boot.
pub const PATH: &str = "/etc/fmc/mirror.sh";

/// The script that answers a request.
pub const SCRIPT: &str = include_str!("serve.sh");

/// The socket. systemd never stops listening: it closes connections above the limit, and their clients try again.
fn socket() -> UnitFile {
    let socket = UnitSection::new("Socket")
        .set("ListenStream", PORT.to_string())
        .set("Accept", "yes")
        .set("MaxConnections", "64")
        .set("MaxConnectionsPerSource", "8")
        .set("KeepAlive", "yes")
        .set("TriggerLimitIntervalSec", "0");
    UnitFile::new()
        .section(UnitSection::new("Unit").set("Description", "The mirror of the bootstrap machine"))
        .section(socket)
        .section(UnitSection::new("Install").set("WantedBy", "sockets.target"))
}

/// A connection: a user that exists while it is open, no rights, and a timeout for a client that reads nothing.
fn service() -> UnitFile {
    let unit = UnitSection::new("Unit")
        .set("Description", "A request to the mirror of the bootstrap machine")
        .set("CollectMode", "inactive-or-failed");
    let service = UnitSection::new("Service")
        .set("ExecStart", format!("/usr/bin/bash {PATH} {ROOT}"))
        .set("StandardInput", "socket")
        .set("StandardOutput", "socket")
        .set("StandardError", "journal")
        .set("RuntimeMaxSec", "1h")
        .set("TasksMax", "8")
        .set("DynamicUser", "yes")
        .set("CapabilityBoundingSet", "")
        .set("SystemCallFilter", "@system-service")
        .set_all(HARDENED)
        // An empty value takes away what the list above has.
        .set_each("RestrictAddressFamilies", ["", "AF_UNIX"]);
    UnitFile::new().section(unit).section(service)
}

/// The script and its units.
pub(super) fn guest() -> Guest {
    Guest::new()
        .file(GuestFile::text(PATH, SCRIPT))
        .unit(Unit::socket("fmc-mirror").enabled().contents(socket()))
        .unit(Unit::service("fmc-mirror@").contents(service()))
}
