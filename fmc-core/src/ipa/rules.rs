//! The rules about a FreeIPA of the cloud.

use super::client::package;
use super::{FreeIpa, domain_of};
use crate::checked::{Checked, Machine};
use crate::chrony::Chrony;
use crate::dns::{servers_of, zones_of};
use crate::finding::{NameList, OwnKind};
use crate::given::Given;
use crate::role::{RoleFindings, SpanSite};
use crate::unit::SizeExt as _;

const NO_NAME: OwnKind = OwnKind::error("freeipa-no-name", include_str!("pages/no-name.md")).never_accepted();
const ASKS_ITSELF: OwnKind = OwnKind::error("freeipa-asks-itself", include_str!("pages/asks-itself.md"));
const CANNOT_ENROL: OwnKind =
    OwnKind::error("freeipa-cannot-enrol", include_str!("pages/cannot-enrol.md")).never_accepted();
const MEMORY: OwnKind = OwnKind::warning("freeipa-memory", include_str!("pages/memory.md"));
const RESOLVER: OwnKind = OwnKind::error("freeipa-resolver", include_str!("pages/resolver.md"));
const TIME: OwnKind = OwnKind::warning("freeipa-time", include_str!("pages/time.md"));
const TWO: OwnKind = OwnKind::error("freeipa-two", include_str!("pages/two.md")).never_accepted();
const ZONE: OwnKind = OwnKind::error("freeipa-zone", include_str!("pages/zone.md"));
const VERSION: OwnKind = OwnKind::error("freeipa-version", include_str!("pages/version.md"));

/// The kinds of findings about a FreeIPA.
pub(super) const KINDS: &[OwnKind] =
    &[NO_NAME, ASKS_ITSELF, CANNOT_ENROL, MEMORY, RESOLVER, TIME, TWO, VERSION, ZONE];

/// Everything that is wrong with a FreeIPA.
pub(super) fn check(freeipa: &FreeIpa, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let cloud = site.cloud();
    for (path, machine) in servers(freeipa, cloud) {
        findings.part(&path, |findings| {
            name(machine, freeipa.first_server(cloud).and_then(domain_of), findings);
            version(machine, findings);
            asks_itself(machine, findings);
            memory(machine, findings);
        });
    }
    for (index, client) in freeipa.clients.iter().enumerate() {
        let Some(client) = client.ok().and_then(|name| cloud.machine(name.as_str())) else { continue };
        findings.part(&format!("clients[{index}]"), |findings| {
            enrolment(client, findings);
            resolver(freeipa, cloud, client, findings);
        });
    }
    time(freeipa, site, findings);
    two(freeipa, site, findings);
    zone(freeipa, cloud, findings);
    let forwarders = freeipa.forwarders.iter().filter_map(Given::ok);
    for forwarder in forwarders {
        let own = freeipa.servers(cloud).find(|server| server.addresses().any(|own| own == forwarder.get()));
        if let Some(own) = own {
            findings.find(
                &ASKS_ITSELF,
                format!("the forwarder {forwarder} is {}, a server of this FreeIPA", own.name),
                "name resolvers outside of it, or none",
            );
        }
    }
}

/// The machines of the servers, with their places among the settings.
fn servers<'s>(freeipa: &FreeIpa, cloud: &'s Checked) -> Vec<(String, &'s Machine)> {
    let replicas = freeipa.replicas.iter().enumerate();
    let named = std::iter::once(("server".to_owned(), &freeipa.server))
        .chain(replicas.map(|(index, name)| (format!("replicas[{index}]"), name)));
    named.filter_map(|(path, name)| Some((path, cloud.machine(name.ok()?.as_str())?))).collect()
}

/// The full name of a server's machine, of which the realm follows.
fn name(machine: &Machine, domain: Option<&str>, findings: &mut RoleFindings<'_>) {
    match &machine.fqdn {
        None => findings.find(
            &NO_NAME,
            format!("{} has no full name, from which domain and realm follow", machine.name),
            "give the cloud a `domain`, or the machine an `fqdn`",
        ),
        Some(fqdn) if domain_of(machine).is_none_or(|domain| !domain.contains('.')) => findings.find(
            &NO_NAME,
            format!("the domain of {fqdn} has one label, and FreeIPA takes none like it"),
            "give the cloud a `domain` with a dot, as `lab.example`",
        ),
        Some(fqdn) if fqdn.as_str().len() > 64 || domain_of(machine) != domain => findings.find(
            &NO_NAME,
            format!("{fqdn} is not a name that a server of this FreeIPA can have"),
            "let all servers be in the domain of the first one, with names of at most 64 letters",
        ),
        Some(_) => {}
    }
}

/// A release whose packages the scripts are not written for.
fn version(machine: &Machine, findings: &mut RoleFindings<'_>) {
    let version = &*machine.image.version;
    let is_another =
        version.split('.').next().is_some_and(|major| major.parse::<u8>().is_ok_and(|major| major != 9));
    if is_another {
        let system = machine.image.os.label();
        findings.find(
            &VERSION,
            format!("{} runs {system} {version}, and FreeIPA is installed on release 9", machine.name),
            "give the machine an image of release 9",
        );
    }
}

/// A server that is its own resolver before it is installed.
fn asks_itself(machine: &Machine, findings: &mut RoleFindings<'_>) {
    let own = machine.resolvers.iter().find(|resolver| machine.addresses().any(|own| own == **resolver));
    if let Some(own) = own {
        findings.find(
            &ASKS_ITSELF,
            format!("{} asks itself for names ({own}) before its DNS is installed", machine.name),
            "give the machine a resolver of its own, as `resolvers: [9.9.9.9]`: the installer makes it its own resolver afterwards",
        );
    }
}

/// Less memory than FreeIPA's makers recommend.
fn memory(machine: &Machine, findings: &mut RoleFindings<'_>) {
    let enough = 4.gib();
    if machine.memory < enough {
        findings.find(
            &MEMORY,
            format!("{} has {}, and FreeIPA wants {enough}", machine.name, machine.memory),
            "give it `memory: 4 GiB`",
        );
    }
}

/// A client whose system cannot be enrolled.
fn enrolment(client: &Machine, findings: &mut RoleFindings<'_>) {
    if package(client.image.os).is_none() {
        findings.find(
            &CANNOT_ENROL,
            format!("{} runs {}, which has no program that enrols it", client.name, client.image.os.label()),
            "take it out of `clients`: its users stand in its guest",
        );
    } else if client.fqdn.is_none() {
        findings.find(
            &NO_NAME,
            format!("{} has no full name, by which FreeIPA knows it", client.name),
            "give the cloud a `domain`, or the machine an `fqdn`",
        );
    }
}

/// A client that does not ask the DNS of its FreeIPA.
fn resolver(freeipa: &FreeIpa, cloud: &Checked, client: &Machine, findings: &mut RoleFindings<'_>) {
    let servers: Vec<&Machine> = freeipa.servers(cloud).collect();
    let is_server = |resolver: &std::net::IpAddr| {
        servers.iter().any(|server| server.addresses().any(|own| own == *resolver))
    };
    let Some(server) = servers.first().and_then(|server| server.address()) else { return };
    // The forwarder of its network may ask the server in its place.
    let asks_forwarder =
        client.interfaces.iter().filter_map(|interface| cloud.at(interface.network)).any(|network| {
            let families = [&network.ipv4, &network.ipv6].into_iter().flatten();
            let mut gateways = families.filter_map(|family| family.gateway);
            gateways.any(|gateway| client.resolvers.contains(&gateway))
                && network.forwarders.iter().any(|forwarder| is_server(&forwarder.server))
        });
    // Nothing boots in a lab, and its networks ask no server.
    if !cloud.is_lab() && !asks_forwarder && !client.resolvers.iter().any(is_server) {
        findings.find(
            &RESOLVER,
            format!(
                "{} does not ask the DNS of its FreeIPA, which has the names of its servers",
                client.name
            ),
            format!(
                "name a server among its resolvers: `resolvers: [{server}]` of its network, or of the cloud"
            ),
        );
    }
}

/// Clocks that nothing keeps together. Kerberos needs them, and fmc tells FreeIPA's installers to leave them alone.
fn time(freeipa: &FreeIpa, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    // Where there is chrony, it tells which machines it leaves out.
    if site.stated::<Chrony>().next().is_some() {
        return;
    }
    let cloud = site.cloud();
    let clients = freeipa.clients.iter().filter_map(Given::ok);
    let clients = clients.filter_map(|name| cloud.machine(name.as_str()));
    let machines = NameList::new(freeipa.servers(cloud).chain(clients).map(|machine| machine.name.as_str()));
    findings.find(
        &TIME,
        format!("nothing in the cloud keeps the clocks of {machines} together, and Kerberos refuses a ticket that is 5 minutes off"),
        "add the role `chrony` with a server, and these machines as its clients",
    );
}

/// Two FreeIPA of one domain would be two realms of one name.
fn two(freeipa: &FreeIpa, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let cloud = site.cloud();
    let domain = |one: &FreeIpa| one.first_server(cloud).and_then(domain_of).map(str::to_owned);
    let Some(own) = domain(freeipa) else { return };
    let mut others = site.stated::<FreeIpa>().map(|(_, other)| other);
    // The first of them tells.
    let is_first = others.next().is_some_and(|first| std::ptr::eq(first, freeipa));
    if let Some(other) = others.find(|other| is_first && domain(other).as_ref() == Some(&own)) {
        findings.find(
            &TWO,
            format!("{} and {} are servers of two FreeIPA in the domain {own}", freeipa.server, other.server),
            format!(
                "let {} be one of the `replicas`, or give its machine an `fqdn` in another domain",
                other.server
            ),
        );
    }
}

/// The zone of its domain is its own: the installer makes it there, and the names of its servers with it.
fn zone(freeipa: &FreeIpa, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let Some(first) = freeipa.first_server(cloud) else { return };
    let Some(domain) = domain_of(first) else { return };
    let zones = zones_of(cloud);
    let Some(zone) = zones.iter().find(|zone| zone.name.bare() == domain) else { return };
    let Some(server) =
        servers_of(cloud).into_iter().find(|server| zone.server.as_ref() == Some(&server.name))
    else {
        return;
    };
    let is_its = freeipa.servers(cloud).any(|own| {
        server.machine.as_deref() == Some(own.name.as_str())
            || own.addresses().any(|address| address == server.address)
            // One behind a tunnel is known by its name.
            || (server.fqdn.is_some() && server.fqdn == own.fqdn)
    });
    if !is_its {
        findings.find(
            &ZONE,
            format!(
                "{} has its own DNS with the zone {domain}, and the cloud keeps {domain} in the server {}",
                first.name, server.name
            ),
            format!(
                "name {} among the servers of `dns` with its login (`ipa`), and give it the zone; or give the machines of FreeIPA a domain of \
                 their own",
                first.name
            ),
        );
    }
}
