//! A machine with BIND: what it reads, and what is refused. `tests/roles` runs it.

#![cfg(feature = "ignition")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use fmc_core::bind::BindServer;
use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::dns::{Dns, DnsServer, TsigKey};
use fmc_core::finding::Finding;
use fmc_core::flow::{tcp, udp};
use fmc_core::given::Given;
use fmc_core::guest::checked::Contents;
use fmc_core::host::Host;
use fmc_core::image::{Image, Os};
use fmc_core::machine::{self, Interface};
use fmc_core::network;
use fmc_core::role::Role;
use fmc_core::secret::{Generated, Secret};
use fmc_core::unit::SizeExt as _;

fn machine(name: &str, os: Os, address: &str) -> machine::Machine {
    let image = Image::new(os, "12").path("/images/root.qcow2").digest(Digest::sha256(b""));
    machine::Machine::new(name, image).root_disk(20.gib()).interface(Interface::on("lab").address(address))
}

fn server() -> DnsServer {
    let key = TsigKey::new("fmc-key", Secret::generated("dns-key", Generated::Token));
    DnsServer::on("ns1", "ns1").key(key)
}

fn cloud(os: Os, server: DnsServer, bind: BindServer) -> Cloud {
    Cloud::new("first")
        .domain("lab.example")
        .host(Host::local())
        .network(network::Network::routed("lab", "10.17.3.0/24").resolvers(["10.17.3.11"]))
        .dns(Dns::new().server(server))
        .machine(machine("ns1", os, "10.17.3.11").resolvers(["9.9.9.9"]).role(bind))
        .machine(machine("web", Os::Debian, "10.17.3.12"))
}

/// The findings about BIND.
fn found(cloud: &Cloud) -> Vec<String> {
    let all: Vec<Finding> = match cloud.check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => report.findings().to_vec(),
    };
    let own = all.iter().filter(|finding| finding.kind().as_str().starts_with("bind"));
    own.map(|finding| format!("{} {}: {}", finding.kind(), finding.at(), finding.message())).collect()
}

fn text(checked: &Checked, path: &str) -> String {
    let guest = &checked.machine("ns1").unwrap().guest;
    let file = guest.files.iter().find(|file| file.path.as_str() == path);
    match &file.unwrap_or_else(|| panic!("{path}")).contents {
        Contents::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_has_its_zones_and_answers_the_cloud() {
    let bind = || BindServer::new().forwarders(["9.9.9.9"]);
    let checked = cloud(Os::Debian, server(), bind()).check().unwrap_or_else(|report| panic!("{report}"));
    let config = text(&checked, "/etc/bind/named.conf");
    for line in [
        "acl cloud {\n\t127.0.0.0/8;\n\t::1;\n\t10.17.3.0/24;\n};",
        "allow-recursion { cloud; };",
        "allow-transfer { none; };",
        "forwarders { 9.9.9.9; };\n\tforward only;",
        "zone \"lab.example\" {\n\ttype primary;\n\tfile \"/var/lib/bind/lab.example.zone\";\n\
         \tupdate-policy { grant fmc-key zonesub ANY; };\n\tallow-transfer { key fmc-key; };\n};",
        "zone \"3.17.10.in-addr.arpa\"",
    ] {
        assert!(config.contains(line), "{line}: {config}");
    }
    // Another machine changes nothing here.
    assert_eq!(
        text(&checked, "/etc/fmc/zones/lab.example.zone"),
        "$ORIGIN lab.example.\n$TTL 3600\nlab.example. 3600 IN SOA ns1.lab.example. hostmaster.lab.example. 1 3600 900 1209600 300\n\
         lab.example. 3600 IN NS ns1.lab.example.\nns1.lab.example. 3600 IN A 10.17.3.11\n"
    );
    let more = cloud(Os::Debian, server(), bind()).machine(machine("mail", Os::Debian, "10.17.3.13"));
    let guest = |checked: &Checked| checked.machine("ns1").unwrap().guest.files.clone();
    assert_eq!(guest(&more.check().unwrap()), guest(&checked));
    let keys = checked.machine("ns1").unwrap().guest.secrets().map(|secret| secret.name.to_string());
    assert_eq!(keys.collect::<Vec<_>>(), ["dns-key"]);
    let web = Given::<fmc_core::name::MachineName>::from("web");
    for service in [udp(53), tcp(53)] {
        assert!(checked.flows().into("ns1").from(web.ok().unwrap().clone()).allows(service), "{service}");
    }
    assert_eq!(found(&cloud(Os::Debian, server(), bind())), [""; 0]);
    let rocky = cloud(Os::Rocky, server(), bind()).check().unwrap();
    assert!(text(&rocky, "/etc/named.conf").contains("file \"/var/named/dynamic/lab.example.zone\""));
}

#[test]
fn mistakes_are_findings() {
    let mut none = cloud(Os::Debian, server(), BindServer::new());
    none.dns = None;
    assert!(found(&none)[0].starts_with("bind-no-zones machines.ns1.roles[0]"), "{:?}", found(&none));
    let no_key = DnsServer::on("ns1", "ns1");
    let said = found(&cloud(Os::Debian, no_key, BindServer::new()));
    assert!(said.len() == 1 && said[0].contains("bind-no-key"), "{said:?}");
    let port = found(&cloud(Os::Debian, server().port(5353), BindServer::new()));
    assert!(port.len() == 1 && port[0].contains("bind-port"), "{port:?}");
    let circle = found(&cloud(Os::Debian, server(), BindServer::new().forwarders(["10.17.3.11"])));
    assert!(circle.len() == 1 && circle[0].ends_with("the forwarder 10.17.3.11 is ns1 itself"), "{circle:?}");
    let mut own = cloud(Os::Debian, server(), BindServer::new());
    for machine in own.machines.iter_mut() {
        machine.resolvers.clear();
    }
    let said = found(&own);
    assert!(said.len() == 1 && said[0].contains("bind-asks-itself"), "{said:?}");
    let wrong =
        cloud(Os::Debian, server(), BindServer::new().forwarders(["dns.example"])).check().unwrap_err();
    assert!(wrong.to_string().contains("machines.ns1.roles[0].bind.forwarders[0]"), "{wrong}");
    let flatcar = cloud(Os::Flatcar, server(), BindServer::new()).check().unwrap_err();
    assert!(flatcar.to_string().contains("Flatcar"), "{flatcar}");
}

#[test]
fn it_is_said_in_rust() {
    let said = Role::said(BindServer::new().forwarders(["9.9.9.9"]).without_validation());
    let rust = "Role::said(BindServer::new().forwarders([\"9.9.9.9\"]).without_validation())";
    assert_eq!(said.to_rust(), Some(rust));
}
