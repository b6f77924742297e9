//! BIND's files, by system, and the script that gives it the zones that it does not have yet.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{BindServer, networks, port_on, servers_on, zones_at};
use crate::checked::Checked;
use crate::dns::{TsigKey, ZoneContent};
use crate::given::Given;
use crate::guest::{Guest, GuestFile, TextPart, Unit, UnitFile, UnitSection};
use crate::image::Os;
use crate::role::Site;
use crate::unit::FileMode;

/// Where a system's BIND has its files.
struct System {
    package: &'static str,
    user: &'static str,
    config: &'static str,
    keys: &'static str,
    /// The folder that it writes its zones into.
    zones: &'static str,
    /// The folder that it works in.
    work: &'static str,
    /// Further options that its unit needs.
    options: &'static str,
}

const DEBIAN: System = System {
    package: "bind9",
    user: "bind",
    config: "/etc/bind/named.conf",
    keys: "/etc/bind/fmc.keys",
    zones: "/var/lib/bind",
    work: "/var/cache/bind",
    options: "",
};

const ENTERPRISE: System = System {
    package: "bind",
    user: "named",
    config: "/etc/named.conf",
    keys: "/etc/named/fmc.keys",
    zones: "/var/named/dynamic",
    work: "/var/named/dynamic",
    options: "\tpid-file \"/run/named/named.pid\";\n\tsession-keyfile \"/run/named/session.key\";\n",
};

/// The folder with the zones as they are before the first update.
const FIRST: &str = "/etc/fmc/zones";
const SCRIPT: &str = "/usr/local/sbin/fmc-zones";
/// The unit that runs the script before BIND starts.
const UNIT: &str = "fmc-zones";
const NAMED: &str = "named";

/// The guest of a machine with BIND.
pub(super) fn guest(bind: &BindServer, site: &Site<'_>) -> Guest {
    let cloud = site.cloud();
    let system = if site.os() == Os::Debian { &DEBIAN } else { &ENTERPRISE };
    let mut guest = Guest::new().package(system.package);
    let mut zones = String::new();
    let mut keys: Vec<&TsigKey> = Vec::new();
    for server in servers_on(cloud, site.machine()) {
        let Some(update) = &server.key else { continue };
        let transfer = server.transfer_key.as_ref().unwrap_or(update);
        for zone in zones_at(cloud, server) {
            zones += &zone_text(&zone, system, update, transfer);
            let path = format!("{FIRST}/{}.zone", file_name(&zone));
            guest = guest.file(GuestFile::text(path, zone.first_file()));
        }
        keys.extend([update, transfer]);
    }
    let text = format!("{}{zones}", options(bind, cloud, port_on(cloud, site.machine()), system));
    guest
        .file(GuestFile::text(system.config, text))
        .file(GuestFile::parts(system.keys, key_parts(keys)))
        .file(GuestFile::text(SCRIPT, script(system)).mode(FileMode::new(0o755)))
        .unit(Unit::service(UNIT).enabled().contents(zones_unit()))
        .unit(Unit::service(NAMED).enabled().dropin("50-fmc.conf", waits()))
}

/// The options: who is answered, and who is asked.
fn options(bind: &BindServer, cloud: &Checked, port: u16, system: &System) -> String {
    let families = networks(cloud).flat_map(|network| [&network.ipv4, &network.ipv6]).flatten();
    let subnets: BTreeSet<_> = families.map(|family| family.subnet).collect();
    let subnets: String = subnets.iter().map(|subnet| format!("\t{subnet};\n")).collect();
    let forwarders: Vec<String> =
        bind.forwarders.iter().filter_map(Given::ok).map(|forwarder| format!("{forwarder}; ")).collect();
    let mut text = format!(
        "// The DNS of this cloud, written by fmc.\ninclude \"{}\";\n\nacl cloud {{\n\t127.0.0.0/8;\n\t::1;\n{subnets}}};\n\n\
         options {{\n\tdirectory \"{}\";\n{}\tlisten-on port {port} {{ any; }};\n\tlisten-on-v6 port {port} {{ any; }};\n\
         \tallow-query {{ cloud; }};\n\tallow-recursion {{ cloud; }};\n\tallow-transfer {{ none; }};\n\tnotify no;\n",
        system.keys, system.work, system.options
    );
    if !forwarders.is_empty() {
        // Writing to a text cannot fail.
        let _ = write!(text, "\tforwarders {{ {}}};\n\tforward only;\n", forwarders.concat());
    }
    if bind.without_validation {
        text.push_str("\tdnssec-validation no;\n");
    }
    text + "};\n"
}

fn zone_text(zone: &ZoneContent, system: &System, update: &TsigKey, transfer: &TsigKey) -> String {
    let name = zone.name.bare();
    format!(
        "\nzone \"{name}\" {{\n\ttype primary;\n\tfile \"{}/{}.zone\";\n\tupdate-policy {{ grant {} zonesub ANY; }};\n\
         \tallow-transfer {{ key {}; }};\n}};\n",
        system.zones,
        file_name(zone),
        update.name,
        transfer.name
    )
}

/// The name of a zone's file. A classless reverse zone has a `/` in its name where others have `-`.
fn file_name(zone: &ZoneContent) -> String {
    zone.name.bare().replace('/', "_")
}

/// The keys, each once.
fn key_parts(keys: Vec<&TsigKey>) -> Vec<TextPart> {
    let mut seen = BTreeSet::new();
    let each = keys.into_iter().filter(|key| seen.insert(key.name.to_string())).collect::<Vec<_>>();
    let parts = each.into_iter().flat_map(|key| {
        let head = format!("key \"{}\" {{ algorithm {}; secret \"", key.name, key.algorithm.as_str());
        [TextPart::from(head), key.secret.clone().into(), "\"; };\n".into()]
    });
    parts.collect()
}

fn script(system: &System) -> String {
    let System { user, keys, zones, .. } = system;
    format!(
        "#!/bin/sh\n\
         # Gives BIND the zones that it does not have. One that it has is kept, with what updates made of it.\n\
         set -eu\n\
         for first in {FIRST}/*.zone; do\n\
         \x20   [ -e \"$first\" ] || continue\n\
         \x20   zone={zones}/${{first##*/}}\n\
         \x20   [ -e \"$zone\" ] && continue\n\
         \x20   install -o {user} -g {user} -m 0640 \"$first\" \"$zone.new\"\n\
         \x20   mv \"$zone.new\" \"$zone\"\n\
         done\n\
         chgrp {user} {keys}\n\
         chmod 0640 {keys}\n"
    )
}

fn zones_unit() -> UnitFile {
    UnitFile::new()
        .section(
            UnitSection::new("Unit")
                .set("Description", "Zones that BIND does not have yet")
                .set("Before", format!("{NAMED}.service")),
        )
        .section(UnitSection::new("Service").set_all(&[
            ("Type", "oneshot"),
            ("RemainAfterExit", "yes"),
            ("ExecStart", SCRIPT),
        ]))
        .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"))
}

/// BIND starts after its zones are there, also when the package starts it.
fn waits() -> UnitFile {
    let unit = format!("{UNIT}.service");
    UnitFile::new().section(UnitSection::new("Unit").set("Requires", unit.clone()).set("After", unit))
}
