//! What FreeIPA checks of records. What it does not check is written as it came.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::directory::{Node, is_reverse};
use super::refusal::Refusal;
use super::state::State;

/// How many fields the values of a type have.
const FIELDS: &[(&str, usize)] = &[
    ("cnamerecord", 1),
    ("dnamerecord", 1),
    ("dsrecord", 4),
    ("kxrecord", 2),
    ("mxrecord", 2),
    ("naptrrecord", 6),
    ("nsrecord", 1),
    ("ptrrecord", 1),
    ("srvrecord", 4),
    ("sshfprecord", 3),
    ("tlsarecord", 4),
    ("urirecord", 3),
];

/// Checks one value by itself.
pub(super) fn check_value(attribute: &str, value: &str, zone: &str, name: &str) -> Result<(), Refusal> {
    let wrong = |why: &str| Err(Refusal::validation(attribute, why));
    match attribute {
        "arecord" if value.parse::<Ipv4Addr>().is_err() => return wrong("invalid IP address format"),
        "aaaarecord" if value.parse::<Ipv6Addr>().is_err() => return wrong("invalid IP address format"),
        "ptrrecord" if is_reverse(zone) => check_labels(attribute, zone, name)?,
        _ => {}
    }
    let fields = FIELDS.iter().find(|(kind, _)| *kind == attribute).map(|(_, fields)| *fields);
    if fields.is_some_and(|fields| value.split_whitespace().count() != fields) {
        return wrong("format must be specified as the type's parts say");
    }
    Ok(())
}

/// Checks the records of a name beside each other.
pub(super) fn check_node(
    state: &State,
    zone: &str,
    name: &str,
    node: &Node,
    force: bool,
) -> Result<(), Refusal> {
    let count = |attribute: &str| node.values.get(attribute).map_or(0, Vec::len);
    let others = |allowed: &[&str]| node.values.keys().any(|kind| !allowed.contains(&kind.as_str()));
    if count("cnamerecord") > 1 {
        return Err(Refusal::validation(
            "cnamerecord",
            "only one CNAME record is allowed per name (RFC 2136, section 1.1.5)",
        ));
    }
    if count("cnamerecord") == 1 && others(&["cnamerecord"]) {
        let why = "CNAME record is not allowed to coexist with any other record (RFC 1034, section 3.6.2)";
        return Err(Refusal::validation("cnamerecord", why));
    }
    if count("dnamerecord") > 1 {
        return Err(Refusal::validation(
            "dnamerecord",
            "only one DNAME record is allowed per name (RFC 6672, section 2.4)",
        ));
    }
    if count("dsrecord") > 0 && (name == "@" || count("nsrecord") == 0) {
        let why =
            "DS record requires to coexist with an NS record (RFC 4592 section 4.6, RFC 4035 section 2.4)";
        return Err(Refusal::validation("dsrecord", why));
    }
    if count("nsrecord") > 0 && name != "@" && others(&["nsrecord", "arecord", "aaaarecord", "dsrecord"]) {
        let why = "NS record is not allowed to coexist with an other record except when located in a zone root record (RFC 2181, section 6.1)";
        return Err(Refusal::validation("nsrecord", why));
    }
    if name.starts_with('*') && ["nsrecord", "dsrecord", "dnamerecord"].iter().any(|kind| count(kind) > 0) {
        return Err(Refusal::validation(
            "idnsname",
            "owner of DNAME, DS, NS records should not be a wildcard domain name (RFC 4592 section 4)",
        ));
    }
    let directory = state.directory();
    let servers = node.values.get("nsrecord").into_iter().flatten();
    match servers.filter(|_| !force).find(|server| !directory.resolves(server, zone)) {
        Some(server) => Err(Refusal::not_found(&format!(
            "Nameserver '{server}' does not have a corresponding A/AAAA record"
        ))),
        None => Ok(()),
    }
}

/// A PTR record in a reverse zone is of a whole address. Labels of a classless delegation are exempt.
fn check_labels(attribute: &str, zone: &str, name: &str) -> Result<(), Refusal> {
    let (suffix, needed) =
        if zone.ends_with(".ip6.arpa.") { (".ip6.arpa.", 32) } else { (".in-addr.arpa.", 4) };
    let above = zone.strip_suffix(suffix).unwrap_or_default();
    if format!("{name}.{above}").contains(['/', '-']) || name == "@" {
        return Ok(());
    }
    let given = name.split('.').count() + above.split('.').count();
    if given == needed {
        return Ok(());
    }
    let why = format!(
        "Reverse zone {} requires exactly {needed} IP address components, {given} given",
        suffix.trim_start_matches('.')
    );
    Err(Refusal::validation(attribute, &why))
}
