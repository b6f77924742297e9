//! Caddy's configuration (*Caddy Documentation*, version 2) and unit, for systems whose distribution has no web server.

use super::{PORT, ROOT};
use crate::guest::{UnitFile, UnitSection};
use crate::program::{HARDENED, Program, RESTARTS};

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
pub fn unit(program: &Program) -> UnitFile {
    let service = UnitSection::new("Service")
        .set("ExecStart", format!("{} run --config {PATH} --adapter caddyfile", program.path()))
        .set_all(RESTARTS)
        .set("DynamicUser", "yes")
        .set("User", "caddy")
        .set("StateDirectory", "caddy")
        .set("Environment", "HOME=/var/lib/caddy")
        .set("CapabilityBoundingSet", "")
        .set_all(HARDENED);
    UnitFile::new()
        .section(program.described("The mirror of the bootstrap machine"))
        .section(service)
        .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"))
}
