//! A web server made of what is in every image: systemd accepts the connections, and for each of them bash answers one request.
//!
//! It is not a library's, nor a distribution's, because there is none: Fedora CoreOS and Flatcar bring no web server and no
//! interpreter but the shell, and a download to serve downloads with would need a source of its own. It serves what the mirror
//! lists and nothing else, so that the little of HTTP that it knows is enough (RFC 9112; systemd.socket(5), `Accept=yes`).

use super::{PORT, ROOT};
use crate::guest::{File, Guest, Unit};
use crate::program::HARDENED;

/// Where the script is. `/etc` may be written on the first boot of every system.
pub const PATH: &str = "/etc/fmc/mirror.sh";

/// The script that answers a request.
pub const SCRIPT: &str = include_str!("serve.sh");

/// The socket. systemd never gives it up: more connections than it takes are closed, and their clients ask again.
fn socket() -> String {
    format!(
        "[Unit]\nDescription=The mirror of the bootstrap machine\n\n\
         [Socket]\nListenStream={PORT}\nAccept=yes\nMaxConnections=64\nMaxConnectionsPerSource=8\nKeepAlive=yes\n\
         TriggerLimitIntervalSec=0\n\n\
         [Install]\nWantedBy=sockets.target\n"
    )
}

/// A connection: a user that exists as long as it is open, no rights, and an end for a client that takes nothing.
fn service() -> String {
    format!(
        "[Unit]\nDescription=A request to the mirror of the bootstrap machine\nCollectMode=inactive-or-failed\n\n\
         [Service]\nExecStart=/usr/bin/bash {PATH} {ROOT}\n\
         StandardInput=socket\nStandardOutput=socket\nStandardError=journal\nRuntimeMaxSec=1h\nTasksMax=8\n\
         DynamicUser=yes\nCapabilityBoundingSet=\nSystemCallFilter=@system-service\n{HARDENED}\
         RestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX\n"
    )
}

/// The script and its units.
pub(super) fn guest() -> Guest {
    Guest::new()
        .file(File::text(PATH, SCRIPT))
        .unit(Unit::socket("fmc-mirror").enabled().contents(socket()))
        .unit(Unit::service("fmc-mirror@").contents(service()))
}
