//! Zones that follow from a cloud, and the mistakes of their authors.

use super::*;
use crate::check::tests::found;
use crate::cloud::Cloud;
use crate::given::Leaf as _;
use crate::given::tests::{reads_back, refused_or_reads_back};
use crate::host::Host;
use crate::image::Image;
use crate::machine::{Interface, Machine};
use crate::network::Network;

fn lab(dns: Dns) -> Cloud {
    let web = Machine::new("web", Image::blank())
        .interface(Interface::on("lab").address("10.17.3.10"))
        .interface(Interface::on("back").address("192.0.2.70"));
    Cloud::new("first")
        .domain("lab.example")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .network(Network::routed("back", "192.0.2.64/26"))
        .machine(web)
        .machine(Machine::new("ns1", Image::blank()).interface(Interface::on("lab").address("10.17.3.11")))
        .dns(dns)
}

fn dns() -> Dns {
    Dns::new().server(DnsServer::on("ns1", "ns1"))
}

fn file(cloud: &Cloud, name: &str) -> String {
    let zones = zones_of(&cloud.check().unwrap());
    let names: Vec<String> = zones.iter().map(|zone| zone.name.to_string()).collect();
    let zone = zones.iter().find(|zone| zone.name.bare() == name);
    zone.unwrap_or_else(|| panic!("{name}: {names:?}")).file()
}

/// The records of a zone without its SOA, each without its class.
fn records(cloud: &Cloud, name: &str) -> Vec<String> {
    let file = file(cloud, name);
    file.lines().skip(3).map(|line| line.replacen(" IN ", " ", 1)).collect()
}

#[test]
fn zones_follow_from_machines() {
    let cloud = lab(dns());
    assert_eq!(
        records(&cloud, "lab.example"),
        [
            "lab.example. 3600 NS ns1.lab.example.",
            "web.back.lab.example. 3600 A 192.0.2.70",
            "ns1.lab.example. 3600 A 10.17.3.11",
            "web.lab.example. 3600 A 10.17.3.10",
        ]
    );
    assert_eq!(
        records(&cloud, "3.17.10.in-addr.arpa"),
        [
            "3.17.10.in-addr.arpa. 3600 NS ns1.lab.example.",
            "10.3.17.10.in-addr.arpa. 3600 PTR web.lab.example.",
            "11.3.17.10.in-addr.arpa. 3600 PTR ns1.lab.example.",
        ]
    );
    // Others have the zone of the whole /24 (RFC 2317).
    assert_eq!(
        records(&cloud, "64-127.2.0.192.in-addr.arpa"),
        [
            "64-127.2.0.192.in-addr.arpa. 3600 NS ns1.lab.example.",
            "70.64-127.2.0.192.in-addr.arpa. 3600 PTR web.back.lab.example.",
        ]
    );
}

#[test]
fn a_serial_follows_from_the_content() {
    let serial = |cloud: &Cloud| file(cloud, "lab.example").lines().nth(2).unwrap().to_owned();
    let cloud = lab(dns());
    assert_eq!(serial(&cloud), serial(&lab(dns())));
    let other = lab(dns().zone(Zone::new("lab.example").records("www", ["CNAME web"])));
    assert_ne!(serial(&cloud), serial(&other));
}

#[test]
fn own_records_are_added() {
    let zone = Zone::new("lab.example")
        .ttl(300)
        .records("www", ["60 CNAME web"])
        .records("*.apps", ["A 10.17.3.10"])
        .records("printer", ["A 10.17.3.200"])
        .records("@", ["MX 10 web", "TXT v=spf1 -all"])
        .records("_ldap._tcp", ["SRV 0 100 389 ns1"]);
    let cloud = lab(dns().zone(zone));
    assert_eq!(found(&cloud), [""; 0]);
    let records_of = |name: &str| -> Vec<String> {
        let all = records(&cloud, "lab.example");
        all.into_iter().filter(|line| line.split(' ').next() == Some(name)).collect()
    };
    assert_eq!(records_of("www.lab.example."), ["www.lab.example. 60 CNAME web.lab.example."]);
    assert_eq!(records_of("*.apps.lab.example."), ["*.apps.lab.example. 300 A 10.17.3.10"]);
    assert_eq!(
        records_of("_ldap._tcp.lab.example."),
        ["_ldap._tcp.lab.example. 300 SRV 0 100 389 ns1.lab.example."]
    );
    assert_eq!(
        records_of("lab.example.")[1..],
        ["lab.example. 300 MX 10 web.lab.example.", "lab.example. 300 TXT \"v=spf1 -all\"",]
    );
    // An address without a machine has a name too, and a wildcard is none.
    let reverse = records(&cloud, "3.17.10.in-addr.arpa");
    assert!(
        reverse.contains(&"200.3.17.10.in-addr.arpa. 3600 PTR printer.lab.example.".to_owned()),
        "{reverse:?}"
    );
    assert!(!reverse.iter().any(|line| line.contains('*')));
}

#[test]
fn a_zone_inside_another_one_is_delegated() {
    let dns = Dns::new()
        .server(DnsServer::on("ns1", "ns1").default(true))
        .server(DnsServer::at("ns2", "10.17.3.12").fqdn("ns2.sub.lab.example"))
        .zone(Zone::new("sub.lab.example").server("ns2").records("a", ["AAAA fd00::a"]));
    let cloud = lab(dns);
    let parent = records(&cloud, "lab.example");
    assert!(parent.contains(&"sub.lab.example. 3600 NS ns2.sub.lab.example.".to_owned()), "{parent:?}");
    assert!(parent.contains(&"ns2.sub.lab.example. 3600 A 10.17.3.12".to_owned()), "{parent:?}");
    assert_eq!(
        records(&cloud, "sub.lab.example"),
        [
            "sub.lab.example. 3600 NS ns2.sub.lab.example.",
            "a.sub.lab.example. 3600 AAAA fd00::a",
            "ns2.sub.lab.example. 3600 A 10.17.3.12",
        ]
    );
}

#[test]
fn ipv6_networks_have_zones_at_nibbles() {
    let network = Network::routed("six", "10.1.0.0/16").ipv6("fd00:0:0:10::/62");
    let six = Machine::new("six", Image::blank())
        .interface(Interface::on("six").address("10.1.2.3").address("fd00:0:0:11::5"));
    let cloud = lab(dns()).network(network).machine(six);
    let line =
        "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. 3600 PTR six.lab.example.";
    let records_of = |name| records(&cloud, name);
    assert!(records_of("1.1.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa").contains(&line.to_owned()));
    assert!(
        records_of("1.10.in-addr.arpa")
            .contains(&"3.2.1.10.in-addr.arpa. 3600 PTR six.lab.example.".to_owned())
    );
}

#[test]
fn a_network_between_two_octets_has_all_its_zones() {
    let network = |prefix: &str| Network::routed("wide", format!("10.32.0.0/{prefix}"));
    let zones = |prefix: &str| -> Vec<String> {
        let cloud = lab(dns()).network(network(prefix));
        let zones = zones_of(&cloud.check().unwrap()).into_iter().map(|zone| zone.name.bare().to_owned());
        zones.filter(|name| name.contains("32.10.")).collect()
    };
    assert_eq!(zones("23"), ["0.32.10.in-addr.arpa", "1.32.10.in-addr.arpa"]);
    assert_eq!(zones("20").len(), 16);
    // Of more than 16, those that have names.
    assert_eq!(zones("19"), [""; 0]);
    assert_eq!(zones("16"), ["32.10.in-addr.arpa"]);
}

#[test]
fn mistakes_are_found_where_they_are() {
    let in_zone = |name: &str, records: &[&str]| {
        let zone = Zone::new("lab.example").records(name, records.iter().copied());
        found(&lab(dns().zone(zone)))
    };
    let at = |kind: &str, at: &str| vec![format!("{kind} dns.zones.lab.example.records.{at}")];
    assert_eq!(in_zone("www.example.org.", &["A 192.0.2.1"]), at("dns-record-outside", "www.example.org."));
    assert_eq!(in_zone("web", &["CNAME ns1"]), at("dns-cname-beside", "web"));
    assert_eq!(in_zone("www", &["CNAME web", "CNAME ns1"]), at("dns-cname-beside", "www"));
    assert_eq!(in_zone("@", &["CNAME web"]), at("dns-cname-beside", "@"));
    assert_eq!(in_zone("www", &["CNAME www.example.org"]), at("dns-target-unknown", "www[0]"));
    assert_eq!(in_zone("www", &["CNAME www.example.org."]), [""; 0]);
    assert_eq!(in_zone("@", &["MX 10 mail"]), at("dns-target-unknown", "@[0]"));
    assert_eq!(in_zone("www", &["A 192.0.2.1", "60 A 192.0.2.2"]), at("dns-ttl-mixed", "www[1]"));
    assert_eq!(in_zone("_web", &["A 192.0.2.1"]), at("dns-host-name", "_web"));
    assert_eq!(in_zone("helper_node", &["A 192.0.2.1"]), at("value-invalid", "helper_node"));
    assert_eq!(in_zone("www", &["A 192.0.2"]), at("value-invalid", "www[0]"));
    // What a server refuses, or passes over.
    assert_eq!(in_zone("www._fmc", &["TXT ours"]), at("dns-host-name", "www._fmc"));
    assert_eq!(in_zone("_any.apps", &["TXT ours"]), at("dns-host-name", "_any.apps"));
    assert_eq!(in_zone("*.x", &["NS ns1"]), at("dns-record-outside", "*.x"));
    assert_eq!(in_zone("y", &["DNAME a.example.org.", "DNAME b.example.org."]), at("dns-cname-beside", "y"));
    assert_eq!(in_zone("www", &["CNAME www"]), at("dns-target-unknown", "www[0]"));
    assert_eq!(in_zone("www", &["SSHFP 4 2 0011"]), at("value-invalid", "www[0]"));
    let below =
        Zone::new("lab.example").records("d", ["DNAME other.example.org."]).records("x.d", ["A 192.0.2.1"]);
    assert_eq!(found(&lab(dns().zone(below))), at("dns-cname-beside", "x.d"));
    let kept = || {
        DnsServer::on("ns1", "ns1").key(TsigKey::new("fmc-key", Secret::environment("dns-key", "DNS_KEY")))
    };
    let apex = Zone::new("lab.example").records("@", ["NS ns1"]);
    assert_eq!(found(&lab(Dns::new().server(kept()).zone(apex))), at("dns-record-outside", "@"));
    // Of two servers none is the default.
    let second = DnsServer::at("ns2", "192.0.2.53").fqdn("ns2.example.org");
    assert_eq!(found(&lab(Dns::new().server(kept()).server(second))), ["dns-server-missing dns"]);
    // Nothing is read without a key.
    assert_eq!(
        found(&lab(Dns::new().server(DnsServer::on("ns1", "ns1").read_by(ReadBy::Queries)))),
        ["dns-server-missing dns.servers.ns1.read_by"]
    );
    assert_eq!(in_zone("0._fmc-names", &["TXT ours"]), at("dns-host-name", "0._fmc-names"));
    let long = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(45));
    let zone = || Zone::new("lab.example").records(&*long, ["A 192.0.2.1"]);
    assert_eq!(found(&lab(dns().zone(zone()))), [""; 0]);
    assert_eq!(found(&lab(Dns::new().server(kept()).zone(zone()))), ["dns-host-name dns"]);
    assert_eq!(found(&lab(dns().reverse(["lab"]).without_reverse())), ["dns-reverse-double dns.reverse"]);
    let names: Vec<String> = zones_of(&lab(dns().without_reverse()).check().unwrap())
        .iter()
        .map(|zone| zone.name.bare().to_owned())
        .collect();
    assert_eq!(names, ["lab.example"]);
    let without = lab(Dns::new());
    assert_eq!(found(&without), ["dns-server-missing dns"]);
    let tunnelled = DnsServer::at("ns", "127.0.0.1").fqdn("ns.lab.example");
    assert_eq!(found(&lab(Dns::new().server(tunnelled))), ["dns-server-missing dns"]);
    let unknown = lab(dns().zone(Zone::new("lab.example").server("ns7")));
    assert!(found(&unknown).contains(&"reference-unknown dns.zones.lab.example.server".to_owned()));
}

#[test]
fn a_freeipa_server_has_its_own_rules() {
    let login = || {
        IpaLogin::new("admin", Secret::environment("ipa-password", "IPA_PASSWORD"))
            .ca(Secret::environment("ipa-ca", "IPA_CA"))
    };
    let with = |server: DnsServer, zone: Zone| found(&lab(Dns::new().server(server).zone(zone)));
    let server = || DnsServer::on("ns1", "ns1").ipa(login());
    let zone = || Zone::new("lab.example");
    assert_eq!(with(server(), zone().records("www", ["CNAME web"])), [""; 0]);
    let caa = zone().records("@", ["TXT ours", "CAA 0 issue \"ca.example\""]);
    assert_eq!(with(server(), caa), ["dns-ipa-record dns.zones.lab.example.records.@[1]"]);
    let ttls = zone().records("www", ["60 TXT ours", "A 192.0.2.1"]);
    assert_eq!(with(server(), ttls), ["dns-ttl-mixed dns.zones.lab.example.records.www"]);
    // The address of a machine has the zone's time.
    let beside = zone().records("web", ["60 TXT ours"]);
    assert_eq!(with(server(), beside), ["dns-ttl-mixed dns.zones.lab.example.records.web"]);
    let key = TsigKey::new("fmc-key", Secret::environment("dns-key", "DNS_KEY"));
    assert_eq!(with(server().key(key), zone()), ["dns-ipa-login dns.servers.ns1"]);
    let without = IpaLogin::new("admin", Secret::environment("ipa-password", "IPA_PASSWORD"));
    assert_eq!(with(DnsServer::on("ns1", "ns1").ipa(without), zone()), ["dns-ipa-login dns.servers.ns1.ipa"]);
    let ticket = || IpaLogin::kerberos().ca(Secret::environment("ipa-ca", "IPA_CA"));
    assert_eq!(with(DnsServer::on("ns1", "ns1").ipa(ticket()), zone()), [""; 0]);
    let both = IpaLogin { kerberos: true, ..login() };
    assert_eq!(with(DnsServer::on("ns1", "ns1").ipa(both), zone()), ["dns-ipa-login dns.servers.ns1.ipa"]);
    let without_password = IpaLogin { password: None, ..login() };
    let half = with(DnsServer::on("ns1", "ns1").ipa(without_password), zone());
    assert!(half.contains(&"dns-ipa-login dns.servers.ns1.ipa".to_owned()), "{half:?}");
    let nameless = DnsServer::at("ns1", "192.0.2.10").ipa(login());
    let named = zone().name_servers(["ipa.example.org"]);
    assert!(with(nameless, named).contains(&"dns-ipa-login dns.servers.ns1".to_owned()));
    let corp = || ForwardZone::new("corp.example").forwarders(["192.0.2.53"]);
    let forwards =
        |server: DnsServer, zone: ForwardZone| found(&lab(Dns::new().server(server).forward_zone(zone)));
    assert_eq!(forwards(server().forwarders(["192.0.2.1"]), corp()), [""; 0]);
    assert_eq!(forwards(DnsServer::on("ns1", "ns1"), corp()), ["dns-forward dns.forward_zones.corp.example"]);
    let nowhere = ForwardZone::new("corp.example");
    assert_eq!(forwards(server(), nowhere), ["dns-forward dns.forward_zones.corp.example"]);
    let own = ForwardZone::new("lab.example").forwarders(["192.0.2.53"]);
    assert_eq!(forwards(server(), own), ["dns-forward dns.forward_zones.lab.example"]);
    let other = DnsServer::on("ns1", "ns1").forwarders(["192.0.2.1"]);
    assert_eq!(with(other, zone()), ["dns-forward dns.servers.ns1.forwarders"]);
    let wrong = IpaLogin::new("Admin", Secret::environment("ipa-password", "IPA_PASSWORD"));
    assert!(
        with(DnsServer::on("ns1", "ns1").ipa(wrong), zone())
            .contains(&"name-invalid dns.servers.ns1.ipa.user".to_owned())
    );
}

#[test]
fn records_read_back() {
    for text in [
        "A 10.17.3.80",
        "300 AAAA fd00::80",
        "CAA 0 issue \"ca.example\"",
        "CNAME web",
        "DNAME www.example.org.",
        "MX 10 mail",
        "NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.org!\" .",
        "NS ns1",
        "PTR web.lab.example.",
        "SRV 0 100 389 ldap1",
        "SSHFP 4 2 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
        "TLSA 3 1 1 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
        "TXT \"v=spf1 -all\" \"second\"",
        "URI 10 1 \"https://www.example.org/\"",
    ] {
        let record = Record::parse(text).unwrap();
        assert_eq!(record.to_string(), text);
        reads_back(&record);
    }
    let long = format!("TXT \"{}\"", "ä".repeat(300));
    let record = Record::parse(&long).unwrap();
    reads_back(&record);
    let RecordData::Txt(texts) = record.data() else { panic!() };
    assert_eq!(texts.iter().map(String::len).collect::<Vec<_>>(), [254, 254, 92]);
    for text in [
        "",
        "A",
        "a 10.0.0.1",
        "MX mail",
        "TXT \"open",
        "TXT",
        "A 1.2.3.4 5",
        "9999999999 A 1.2.3.4",
        "SRV 1 2 3",
        "TXT \"\\999\"",
    ] {
        refused_or_reads_back::<Record>(text);
        assert!(Record::parse(text).is_err(), "{text}");
    }
}

#[test]
fn names_are_checked_and_sorted() {
    let name = |text: &str| DnsName::parse(text).unwrap();
    assert!(name("a.lab.example").is_within(&name("lab.example.")));
    assert!(!name("alab.example").is_within(&name("lab.example")));
    assert!(name("lab.example") < name("a.lab.example") && name("z.a.lab.example") < name("b.lab.example"));
    assert_eq!(name("www.lab.example").relative_to(&name("lab.example")), "www");
    assert_eq!(name("a.b").wire(), b"\x01a\x01b\0");
    let long = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "a".repeat(61));
    assert!(DnsName::parse(&long).is_ok());
    for wrong in
        ["", "a..b", "A.b", "a_b", "-a", "a-", "a.*.b", "é.example", &"a".repeat(64), &format!("{long}a")]
    {
        assert!(DnsName::parse(wrong).is_err(), "{wrong}");
        refused_or_reads_back::<RecordName>(wrong);
    }
}
