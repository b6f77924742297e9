//! Names that roles publish, on a real libvirtd: its dnsmasq answers them, they change while everything runs,
//! and `HAProxy` reads them.
#![expect(clippy::panic, reason = "helpers of tests: a failure here is the test's")]

use std::time::{Duration, Instant};

use fmc_core::balancer::{Balancer, BalancerRole, haproxy};
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::dns::{Dns, DnsServer, Zone, zones_of};
use fmc_core::flow::{Flows, Peer, tcp};
use fmc_core::given::Given;
use fmc_core::graph::{Action, Choices, Impact};
use fmc_core::guest::checked::Contents;
use fmc_core::host::Host;
use fmc_core::image::{Format, Image};
use fmc_core::machine::{Interface, Machine, Shutdown};
use fmc_core::name::RoleName;
use fmc_core::network::Network;
use fmc_core::role::{CustomRole, Names, Site};
use fmc_core::unit::SizeExt as _;

use crate::host::{Hypervisor, wanted};

/// A node of the cluster, with the parts that a balancer sees.
struct Node(&'static str);

impl CustomRole for Node {
    fn kind(&self) -> Given<RoleName> {
        self.0.into()
    }

    fn instance(&self) -> Option<&str> {
        Some("prod")
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        [80, 443, 6443].into_iter().fold(Flows::new(), |flows, port| flows.accept(tcp(port), Peer::Anywhere))
    }
}

/// A user's own role that publishes a name for an address outside of the cloud.
struct Mail;

impl CustomRole for Mail {
    fn names(&self, _: &Site<'_>) -> Names {
        Names::new().name("mail.example.org", "10.74.2.50").name("imap.example.org", "10.74.2.50")
    }
}

fn machine(name: &str, network: &str, address: String) -> Machine {
    Machine::new(name, Image::debian("12").path("/srv/debian-12.qcow2"))
        .root_disk(2.gib())
        .interface(Interface::on(network).address(address))
}

/// A balancer on one network, and a server and some agents on another. In a lab, 10.202 becomes
/// 10.74, so the user's own role writes 10.74.
fn cloud(agents: &[u8], mail: bool) -> Cloud {
    let balancer = BalancerRole::new("prod", Balancer::on("lb1").ingress_ports(8080, 8443), []);
    let lb1 = machine("lb1", "edge", "10.202.2.10".to_owned()).role(balancer);
    let lb1 = if mail { lb1.role(Mail) } else { lb1 };
    let agents = agents
        .iter()
        .map(|n| machine(&format!("worker{n}"), "kube", format!("10.202.1.3{n}")).role(Node("k3s-agent")));
    Cloud::new("names")
        .domain("example.org")
        .host(Host::local())
        .network(Network::routed("edge", "10.202.2.0/24"))
        .network(Network::routed("kube", "10.202.1.0/24"))
        .machine(lb1)
        .machine(machine("master1", "kube", "10.202.1.21".to_owned()).role(Node("k3s-server")))
        .machines(agents)
        .lab()
}

/// `HAProxy`'s configuration on the balancer.
fn configuration(cloud: &Cloud) -> String {
    let checked = cloud.check().unwrap();
    let guest = &checked.machine("lb1").unwrap().guest;
    let file = guest.files.iter().find(|file| file.path.as_str() == haproxy::PATH).unwrap();
    let Contents::Text(text) = &file.contents else { panic!("{file:?}") };
    text.to_string()
}

const NAME: &str = "ingress.prod.example.org";
const EDGE: &str = "10.74.2.1";

#[test]
fn a_node_more_is_published_while_everything_runs_and_haproxy_finds_it() {
    let hypervisor = Hypervisor::named("local");
    let own = &hypervisor.own;
    hypervisor.converge(&cloud(&[1], false), &Choices::default());
    own.expect_names(EDGE, NAME, "A", &["10.74.1.31"]);
    let (wires, dnsmasq) =
        (hypervisor.wires(), own.inside("cat /run/libvirt/network/names-lab-edge.pid").unwrap());

    // The nodes are addresses of the hypervisor here, because the test is about name resolution only.
    let bridge = cloud(&[1], false).check().unwrap().network("kube").unwrap().bridge.clone();
    own.inside("mount -t tmpfs tmpfs /var/lib/haproxy").unwrap();
    for n in [1, 2] {
        own.inside(&format!("ip address add 10.74.1.3{n}/24 dev {bridge}")).unwrap();
        own.inside(&format!("mkdir -p /run/worker{n} && echo worker{n} >/run/worker{n}/index.html")).unwrap();
        let serve = format!("python3 -m http.server --directory /run/worker{n} --bind 10.74.1.3{n} 80");
        own.start_inside(&format!("worker{n}"), &serve);
    }
    let file = own.path().join("haproxy.cfg");
    std::fs::write(&file, configuration(&cloud(&[1], false))).unwrap();
    own.start_inside("haproxy", &format!("haproxy -db -f {}", file.display()));
    let who = || {
        let asked = "for n in 1 2 3 4; do curl -s --max-time 2 http://127.0.0.1:8080/; done | sort -u";
        own.inside(asked).unwrap()
    };
    let found = |expected: &str| {
        let start = Instant::now();
        while who() != expected {
            let said = own.said("haproxy");
            assert!(start.elapsed() < Duration::from_secs(30), "{:?}, not {expected:?}:\n{said}", who());
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    found("worker1\n");

    // One more agent: the balancer's boot configuration stays, nothing restarts, and the name gets one more
    // address.
    assert_eq!(configuration(&cloud(&[1, 2], false)), configuration(&cloud(&[1], false)));
    let plan = hypervisor.converge(&cloud(&[1, 2], false), &Choices::default());
    assert!(plan.impact() <= Impact::Live, "{plan:?}");
    let edge = plan.steps.iter().find(|step| step.address.short().to_string() == "network/edge").unwrap();
    assert_eq!((edge.action, edge.changes.len()), (Action::Update, 1), "{edge:?}");
    assert_eq!(
        edge.changes[0].to.as_deref(),
        Some("10.74.1.32 worker2.example.org ingress.prod.example.org")
    );
    let grown = hypervisor.wires();
    assert!(wires.iter().all(|wire| grown.contains(wire)), "{wires:?} in {grown:?}");
    own.expect_names(EDGE, NAME, "A", &["10.74.1.31", "10.74.1.32"]);
    assert_eq!(
        own.inside("cat /run/libvirt/network/names-lab-edge.pid").unwrap(),
        dnsmasq,
        "it read its names again"
    );
    found("worker1\nworker2\n");
    // An address resolves to its machine.
    own.expect_names(EDGE, "10.74.1.32", "PTR", &["worker2.example.org"]);

    // One agent less.
    let plan = hypervisor.converge(&cloud(&[2], false), &Choices::default());
    assert!(plan.steps.iter().all(|step| step.address.short().to_string() != "machine/lb1"), "{plan:?}");
    own.expect_names(EDGE, NAME, "A", &["10.74.1.32"]);
}

#[test]
fn names_of_a_users_own_role_come_and_go() {
    let hypervisor = Hypervisor::named("local");
    let expect = |name, expected: &[&str]| hypervisor.own.expect_names(EDGE, name, "A", expected);
    hypervisor.converge(&cloud(&[], false), &Choices::default());
    // Without agents, the servers take the traffic.
    expect(NAME, &["10.74.1.21"]);
    expect("mail.example.org", &[]);
    let plan = hypervisor.plan(&wanted(&cloud(&[], true)), &Choices::default());
    let edge = plan.steps.iter().find(|step| step.address.short().to_string() == "network/edge").unwrap();
    assert_eq!(edge.impact, Impact::Live, "{edge:?}");
    hypervisor.converge(&cloud(&[], true), &Choices::default());
    for name in ["mail.example.org", "imap.example.org"] {
        expect(name, &["10.74.2.50"]);
        // Only the networks of the role's own machine publish the name.
        hypervisor.own.expect_names("10.74.1.1", name, "A", &[]);
    }

    // Changes by hand are undone.
    let virsh = |command: &str, xml: &str| {
        hypervisor.own.virsh(&[
            "net-update",
            "names-lab-edge",
            command,
            "dns-host",
            xml,
            "--live",
            "--config",
        ]);
    };
    virsh("delete", "<host ip='10.74.1.21'/>");
    virsh("add-last", "<host ip='10.74.1.21'><hostname>mine.example.org</hostname></host>");
    virsh("add-last", "<host ip='10.74.1.77'><hostname>more.example.org</hostname></host>");
    let plan = hypervisor.converge(&cloud(&[], true), &Choices::default());
    assert_eq!(plan.impact(), Impact::Live, "{plan:?}");
    expect(NAME, &["10.74.1.21"]);
    expect("more.example.org", &[]);

    // A network that is off gets the names from its document.
    hypervisor.own.virsh(&["net-destroy", "names-lab-edge"]);
    hypervisor.converge(&cloud(&[1], false), &Choices::default());
    expect(NAME, &["10.74.1.31"]);
    expect("mail.example.org", &[]);
}

/// A machine with a role that publishes names, on a network of its own; with a DNS server, which runs on the hypervisor here.
fn with_dns(hypervisor: &Hypervisor, has_dns: bool) -> Cloud {
    let image = hypervisor.own.path().join("root.raw");
    std::fs::write(&image, b"no system").unwrap();
    let image =
        Image::debian("12").format(Format::Raw).file(image.to_str().unwrap(), Digest::sha256(b"no system"));
    let relay = Machine::new("relay", image)
        .memory(256.mib())
        .root_disk(2.gib())
        .shutdown(Shutdown::force_now())
        .interface(Interface::on("edge").address("10.74.2.11"))
        .role(Mail);
    let cloud = Cloud::new("names")
        .domain("example.org")
        .host(Host::local().emulated())
        .network(Network::routed("edge", "10.74.2.0/24"))
        .machine(relay);
    let server = DnsServer::at("ns1", "192.0.2.53").fqdn("ns1.example.org");
    let zone = Zone::new("example.org").records("ns1", ["A 192.0.2.53"]);
    if has_dns { cloud.dns(Dns::new().server(server).zone(zone)) } else { cloud }
}

/// Starts BIND with the zones of a cloud, at port 53 of the address of its server.
fn serve(hypervisor: &Hypervisor, cloud: &Cloud) {
    let own = &hypervisor.own;
    let folder = own.path().display().to_string();
    let mut configuration = format!(
        "options {{ directory \"{folder}\"; pid-file none; session-keyfile none; listen-on {{ 192.0.2.53; }}; \
         listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; }};\ncontrols {{ }};\n"
    );
    for zone in zones_of(&cloud.check().unwrap()) {
        let name = zone.name.bare();
        std::fs::write(own.path().join(format!("{name}.zone")), zone.file()).unwrap();
        configuration += &format!("zone \"{name}\" {{ type primary; file \"{name}.zone\"; }};\n");
    }
    std::fs::write(own.path().join("named.conf"), configuration).unwrap();
    own.inside("ip address add 192.0.2.53/32 dev lo").unwrap();
    own.start_inside("named", &format!("named -u root -f -c {folder}/named.conf"));
    let start = Instant::now();
    while own.inside("dig +time=1 +tries=1 @192.0.2.53 ns1.example.org").is_err() {
        assert!(start.elapsed() < Duration::from_secs(30), "{}", own.said("named"));
    }
}

/// Where the cloud has its own DNS, the names stand there, and every network asks it.
#[test]
fn the_networks_ask_the_dns_of_the_cloud_for_its_zones() {
    const MAIL: &str = "mail.example.org";
    let hypervisor = Hypervisor::named("local");
    let own = &hypervisor.own;
    hypervisor.converge(&with_dns(&hypervisor, false), &Choices::default());
    own.expect_names(EDGE, MAIL, "A", &["10.74.2.50"]);

    // A DNS of its own: the network is started again, and says so.
    let plan = hypervisor.plan(&wanted(&with_dns(&hypervisor, true)), &Choices::default());
    let edge = plan.steps.iter().find(|step| step.address.short().to_string() == "network/edge").unwrap();
    assert_eq!(edge.impact, Impact::Restart, "{edge:?}");
    hypervisor.converge(&with_dns(&hypervisor, true), &Choices::default());
    serve(&hypervisor, &with_dns(&hypervisor, true));
    own.expect_names(EDGE, MAIL, "A", &["10.74.2.50"]);
    own.expect_names(EDGE, "relay.example.org", "A", &["10.74.2.11"]);
    own.expect_names(EDGE, "10.74.2.11", "PTR", &["relay.example.org"]);
    hypervisor.expect_nothing_to_do(&with_dns(&hypervisor, true));

    // Without it, the network answers again; a lab never asks a server.
    hypervisor.converge(&with_dns(&hypervisor, false), &Choices::default());
    own.expect_names(EDGE, MAIL, "A", &["10.74.2.50"]);
    let lab = with_dns(&hypervisor, true).lab().check().unwrap();
    assert!(lab.networks().iter().all(|network| network.forwarders.is_empty() && !network.names.is_empty()));
}
