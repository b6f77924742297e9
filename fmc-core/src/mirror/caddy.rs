//! Caddy's configuration (*Caddy Documentation*, version 2) and unit, for systems whose distribution brings no web server.

use super::{PORT, ROOT};
use crate::program::{HARDENED, Program};

/// Where the configuration is.
pub const PATH: &str = "/etc/caddy/Caddyfile";

/// The configuration: files, read-only, no certificates, and no interface to change it.
pub fn configuration() -> String {
    format!(
        "# The mirror of the bootstrap machine, written by fmc.\n\
         {{\n\tadmin off\n\tauto_https off\n\tpersist_config off\n}}\n\n\
         http://:{PORT} {{\n\troot * {ROOT}\n\tfile_server\n}}\n"
    )
}

/// The unit: a user that exists as long as it runs, and no rights.
pub fn unit(program: &Program) -> String {
    format!(
        "[Unit]\nDescription=The mirror of the bootstrap machine\nWants=network-online.target\n\
         After=network-online.target{after}\n{requires}StartLimitIntervalSec=0\n\n\
         [Service]\nExecStart={path} run --config {PATH} --adapter caddyfile\nRestart=always\nRestartSec=2\n\
         DynamicUser=yes\nUser=caddy\nStateDirectory=caddy\nEnvironment=HOME=/var/lib/caddy\nCapabilityBoundingSet=\n{HARDENED}\n\
         [Install]\nWantedBy=multi-user.target\n",
        after = program.after(),
        requires = program.requires(),
        path = program.path(),
    )
}
