//! Users' roles: their parts, claims and findings.

use std::net::IpAddr;

use super::found;
use crate::checked::Checked;
use crate::cloud::Cloud;
use crate::dns::{Dns, DnsServer};
use crate::flow::{Flows, Peer, tcp, udp};
use crate::given::Given;
use crate::guest::{Guest, GuestFile, Unit, User};
use crate::host::Host;
use crate::image::Image;
use crate::machine::{Interface, Machine};
use crate::name::{MachineName, NetworkName, RoleName};
use crate::network::Network;
use crate::node_exporter::NodeExporter;
use crate::role::{CustomRole, Names, Needs, Site};
use crate::unit::SizeExt;

const LAB: NetworkName = NetworkName::literal("lab");
const WEB: MachineName = MachineName::literal("web");

struct Exporter;

impl CustomRole for Exporter {
    fn guest(&self, site: &Site<'_>) -> Guest {
        let name = &site.machine().name;
        Guest::new()
            .file(GuestFile::text("/etc/default/exporter", format!("NAME={name}\n")).owner("exporter"))
            .user(User::new("exporter"))
            .unit(Unit::service("exporter").enabled())
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        Flows::new().accept(tcp(9100), Peer::role("prometheus"))
    }
}

struct Prometheus;

impl CustomRole for Prometheus {
    fn flows(&self, site: &Site<'_>) -> Flows {
        let each = site.with_role("exporter").map(|machine| machine.name.clone());
        each.fold(Flows::new(), |flows, name| flows.reach(tcp(9100), Peer::machine(name)))
            .accept(tcp(9090), Peer::network(LAB))
    }
}

/// A role whose parts a test chooses.
#[derive(Default)]
struct Other {
    kind: &'static str,
    guest: Guest,
    flows: Flows,
    needs: Needs,
    names: Names,
}

impl CustomRole for Other {
    fn kind(&self) -> Given<RoleName> {
        self.kind.into()
    }

    fn guest(&self, _: &Site<'_>) -> Guest {
        self.guest.clone()
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        self.flows.clone()
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        self.needs.clone()
    }

    fn names(&self, _: &Site<'_>) -> Names {
        self.names.clone()
    }
}

fn machine(name: impl Into<Given<MachineName>>, address: &str) -> Machine {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";
    let image =
        Image::debian("12").path("/images/debian-12.qcow2").digest(crate::digest::Digest::sha256(b""));
    Machine::new(name, image)
        .root_disk(2.gib())
        .interface(Interface::on(LAB).address(address))
        .user(User::admin("ops").key(KEY))
}

fn cloud(machines: impl IntoIterator<Item = Machine>) -> Cloud {
    Cloud::new("first").host(Host::local()).network(Network::nat(LAB, "10.17.3.0/24")).machines(machines)
}

fn web(role: Other) -> Cloud {
    let web = machine(WEB, "10.17.3.10").role(Exporter).role(role);
    cloud([web, machine("watch", "10.17.3.11").role(Prometheus)])
}

fn checked() -> Checked {
    let web = machine(WEB, "10.17.3.10").role(Exporter);
    cloud([web, machine("watch", "10.17.3.11").role(Prometheus)]).check().unwrap()
}

#[test]
fn what_a_role_adds_is_in_its_machine_beside_the_users_own() {
    let checked = checked();
    let guest = &checked.machine("web").unwrap().guest;
    let paths: Vec<_> = guest.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["/etc/default/exporter", crate::firewall::PATH]);
    assert_eq!(guest.users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["exporter", "ops"]);
    let units: Vec<_> =
        checked.machine("watch").unwrap().guest.units.iter().map(|unit| unit.name.as_str()).collect();
    assert_eq!(units, [crate::firewall::UNIT]);
}

#[test]
fn flows_are_asked_by_machine_and_origin() {
    let checked = checked();
    assert_eq!(checked.flows().into(WEB).ports(), [22, 9100]);
    assert_eq!(checked.flows().into("watch").from(LAB).ports(), [22, 9090]);
    let elsewhere: IpAddr = "192.0.2.1".parse().unwrap();
    assert_eq!(checked.flows().into(WEB).from(elsewhere).ports(), [22]);
    assert!(checked.flows().into(WEB).from(MachineName::literal("watch")).allows(tcp(9100)));
    assert!(!checked.flows().into(WEB).allows(udp(9100)));
    assert!(checked.flows().into("nobody").ports().is_empty());
}

#[test]
fn two_that_claim_the_same_are_told_with_both_names() {
    let cases = [
        Other { guest: Guest::new().file(GuestFile::text("/etc/default/exporter", "")), ..Other::default() },
        Other { guest: Guest::new().user(User::new("exporter")), ..Other::default() },
        Other { guest: Guest::new().unit(Unit::service("exporter")), ..Other::default() },
        Other { flows: Flows::new().accept(tcp(9000).to(9200), Peer::Anywhere), ..Other::default() },
        Other { kind: "exporter", ..Other::default() },
    ];
    for role in cases {
        let kind = if role.kind.is_empty() { "other" } else { role.kind };
        let report = web(Other { kind, ..role }).check().unwrap_err();
        let [finding] = report.findings() else { panic!("{report}") };
        assert_eq!(finding.kind().as_str(), "role-clash", "{finding}");
        assert!(finding.message().contains("exporter"), "{finding}");
        assert!(finding.at().starts_with("machines.web.roles[1]"), "{finding}");
        assert!(finding.also_at().iter().any(|at| at.starts_with("machines.web.roles[0]")), "{finding}");
    }
    let own = Other { kind: "other", guest: Guest::new().user(User::new("ops")), ..Other::default() };
    let report = web(own).check().unwrap_err();
    assert!(report.to_string().contains("and machines.web.guest.users.ops"), "{report}");
}

#[test]
fn what_is_wrong_in_a_role_is_told_at_the_role() {
    let file = |file| Other { kind: "other", guest: Guest::new().file(file), ..Other::default() };
    let cases = [
        (web(file(GuestFile::text("etc/x", ""))), "value-invalid machines.web.roles[1].guest.files.etc/x"),
        (web(file(GuestFile::text("/tmp/x", ""))), "guest-path machines.web.roles[1].guest.files./tmp/x"),
        (
            web(file(GuestFile::text("/etc/x", "").owner("nobody-knows"))),
            "guest-reference machines.web.roles[1].guest.files./etc/x.owner",
        ),
        (
            web(Other { kind: "other", needs: Needs::new().memory(2.gib()), ..Other::default() }),
            "role-needs machines.web.roles[1]",
        ),
        (
            web(Other {
                kind: "other",
                flows: Flows::new().reach(tcp(1), Peer::network("nowhere")),
                ..Other::default()
            }),
            "reference-unknown machines.web.roles[1].flows[0]",
        ),
        (web(Other { kind: "no kind", ..Other::default() }), "name-invalid machines.web.roles[1]"),
    ];
    for (cloud, expected) in cases {
        assert_eq!(found(&cloud), [expected]);
    }
}

#[test]
fn names_that_begin_alike_keep_their_own_origins() {
    let wrong = |path| GuestFile::text(path, "").owner("nobody-knows");
    let role = |guest| Other { kind: "other", guest, ..Other::default() };
    // `/etc/x.conf` is the user's own, although it begins with a role's path and a dot.
    let own = machine(WEB, "10.17.3.10")
        .file(wrong("/etc/x.conf"))
        .role(Exporter)
        .role(role(Guest::new().file(GuestFile::text("/etc/x", ""))));
    let own = cloud([own, machine("watch", "10.17.3.11").role(Prometheus)]);
    assert_eq!(found(&own), ["guest-reference machines.web.guest.files./etc/x.conf.owner"]);
    // `/etc/x-y` is sorted between `/etc/x` and `/etc/x.owner`.
    let two = Guest::new().file(wrong("/etc/x")).file(GuestFile::text("/etc/x-y", ""));
    assert_eq!(found(&web(role(two))), ["guest-reference machines.web.roles[1].guest.files./etc/x.owner"]);
}

#[test]
fn a_broken_peer_is_told_once() {
    let with =
        |role: NodeExporter| cloud([machine(WEB, "10.17.3.10").role(role), machine("watch", "10.17.3.11")]);
    assert_eq!(
        found(&with(NodeExporter::new().from(Peer::machine("wtch")))),
        ["reference-unknown machines.web.roles[0].flows[0]"]
    );
    let warned = with(NodeExporter::new()).check().unwrap();
    assert!(
        warned.findings().iter().any(|finding| finding.kind().as_str() == "role-warning"),
        "{:?}",
        warned.findings()
    );
    // Nor is the role told of beside a broken opening of its machine.
    let broken =
        machine(WEB, "10.17.3.10").role(NodeExporter::new()).accept(tcp(9100), Peer::machine("wtch"));
    let found = found(&cloud([broken]));
    assert!(
        found.len() == 1 && found[0].starts_with("reference-unknown machines.web.accept[0]"),
        "{found:?}"
    );
}

#[test]
fn roles_speak_beside_findings_about_other_machines() {
    let needy = Other { kind: "other", needs: Needs::new().memory(8.gib()), ..Other::default() };
    let cloud = cloud([machine(WEB, "10.17.3.10").role(needy), machine("no_name", "10.17.3.11")]);
    let found = found(&cloud);
    assert!(found.contains(&"role-needs machines.web.roles[0]".to_owned()), "{found:?}");
    assert!(found.contains(&"name-invalid machines.no_name".to_owned()), "{found:?}");
}

#[test]
fn a_lab_takes_what_is_small_as_a_warning() {
    let needy = Other { kind: "other", needs: Needs::new().memory(8.gib()), ..Other::default() };
    let checked = cloud([machine(WEB, "10.17.3.10").role(needy)]).lab().check().unwrap();
    assert!(checked.findings().iter().any(|finding| finding.kind().as_str() == "role-needs"));
}

#[test]
fn names_are_published_by_the_networks_that_the_machine_asks() {
    let names = Names::new()
        .name("web.example.org", "10.17.3.10")
        .name("all.example.org", "10.17.3.10")
        .name("all.example.org", "10.17.3.11")
        .name("printer.example.org", "192.0.2.1");
    let other = || Other { kind: "other", names: names.clone(), ..Other::default() };
    let published = |cloud: Cloud| -> Vec<String> {
        let checked = cloud.domain("example.org").check().unwrap();
        let names = &checked.network("lab").unwrap().names;
        let each = names.iter().map(|one| {
            let names: Vec<_> = one.names.iter().map(ToString::to_string).collect();
            format!("{} {}", one.address, names.join(" "))
        });
        each.collect()
    };
    // An address's first name is its machine's own, whether or not a role says it.
    assert_eq!(
        published(web(other())),
        [
            "10.17.3.10 web.example.org all.example.org",
            "10.17.3.11 watch.example.org all.example.org",
            "192.0.2.1 printer.example.org",
        ]
    );
    let asks_another = web(other()).machine(machine("dns", "10.17.3.12")).resolvers(["10.17.3.12"]);
    assert_eq!(published(asks_another), [""; 0]);
    // What the cloud's own DNS serves stands there alone, and the network asks for it; what a file is made of alone stays.
    let with_dns = |server| web(other()).dns(Dns::new().server(server));
    let server = || DnsServer::at("ns1", "192.0.2.53").fqdn("ns.example.net");
    assert_eq!(published(with_dns(server())), [""; 0]);
    assert_eq!(published(with_dns(server().port(5353))).len(), 3, "libvirt asks at port 53 alone");
    let checked = with_dns(server()).domain("example.org").check().unwrap();
    let forwarders = &checked.network("lab").unwrap().forwarders;
    let zones: Vec<&str> = forwarders.iter().map(|one| one.zone.bare()).collect();
    assert_eq!(zones, ["3.17.10.in-addr.arpa", "example.org"]);
    let wrong = Names::new().name("one_label", "10.17.3.10").name("web.example.org", "127.0.0.1");
    assert_eq!(
        found(&web(Other { kind: "other", names: wrong, ..Other::default() })),
        [
            "name-invalid machines.web.roles[1].names[0].name",
            "address-invalid machines.web.roles[1].names[1].address"
        ]
    );
}
