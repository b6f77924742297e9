//! Balancers: their machines, and the address that they share.

use crate::balancer::{Balancer, BalancerRole, Nodes, Software, Target};
use crate::check::tests::found;
use crate::checked::PublishedName;
use crate::cloud::Cloud;
use crate::digest::Digest;
use crate::disk::Disk;
use crate::dns::{Dns, DnsServer, zones_of};
use crate::guest::User;
use crate::host::Host;
use crate::image::Image;
use crate::k3s::{Cluster, Endpoint, Install};
use crate::machine::{Interface, Machine};
use crate::network::{Network, Reservation};
use crate::role::Site;
use crate::unit::SizeExt;

const AT: &str = "clusters.prod.endpoint.balancer";

fn machine(name: &str, interface: Interface) -> Machine {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";
    let image = Image::debian("12").path("/images/debian-12.qcow2").digest(Digest::sha256(b""));
    Machine::new(name, image)
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .interface(interface)
        .user(User::admin("ops").key(KEY))
}

fn cloud(lb2: Interface, balancer: Balancer) -> Cloud {
    let edge = |address: &str| Interface::on("edge").address(address);
    Cloud::new("first")
        .host(Host::local())
        .network(
            Network::routed("edge", "10.17.5.0/24")
                .dhcp("10.17.5.100-10.17.5.199")
                .reservation(Reservation::new("52:54:00:00:00:01", "10.17.5.50")),
        )
        .network(Network::routed("far", "10.17.6.0/24"))
        .machine(
            machine("master1", edge("10.17.5.21"))
                .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s")),
        )
        .machine(machine("lb1", edge("10.17.5.11")))
        .machine(machine("lb2", lb2))
        .cluster(
            Cluster::new("prod", "v1.36.3+k3s1")
                .servers(["master1"])
                .endpoint(Endpoint::balancer(balancer))
                .install(Install::binary("https://mirror.example/k3s", Digest::sha256(b""))),
        )
}

fn two(address: &str) -> Cloud {
    let balancer = Balancer::on_all(["lb1", "lb2"]).virtual_address(address);
    cloud(Interface::on("edge").address("10.17.5.12"), balancer)
}

#[test]
fn two_that_share_a_free_address_are_right() {
    let cloud = two("10.17.5.10");
    assert_eq!(found(&cloud), Vec::<String>::new());
    let checked = cloud.check().unwrap();
    let units = |name| checked.machine(name).unwrap().guest.units.iter().map(|unit| unit.name.to_string());
    assert_eq!(
        units("lb2").collect::<Vec<_>>(),
        ["fmc-firewall.service", "haproxy.service", "keepalived.service"]
    );
}

#[test]
fn a_shared_address_that_is_in_use() {
    for taken in ["10.17.5.1", "10.17.5.12", "10.17.5.21", "10.17.5.50", "10.17.5.150"] {
        assert_eq!(found(&two(taken)), [format!("balancer-address-taken {AT}.virtual_address")], "{taken}");
    }
}

#[test]
fn an_address_of_another_network() {
    let expected = [format!("balancer-address-outside {AT}.virtual_address")];
    for outside in ["10.17.6.10", "10.17.5.255", "192.0.2.1", "fd00::10"] {
        assert_eq!(found(&two(outside)), expected, "{outside}");
    }
    let shared = || Balancer::on_all(["lb1", "lb2"]).virtual_address("10.17.5.10");
    assert_eq!(found(&cloud(Interface::on("far").address("10.17.6.12"), shared())), expected);
    // The first machine would not know the second one's address.
    let found = found(&cloud(Interface::on("edge"), shared()));
    assert!(found.contains(&expected[0]), "{found:?}");
}

#[test]
fn members_are_one_to_eight_and_each_once() {
    let lb2 = || Interface::on("edge").address("10.17.5.12");
    let none = cloud(lb2(), Balancer::on_all(Vec::<&str>::new()));
    assert!(found(&none).contains(&format!("balancer-members {AT}.machines")), "{:?}", found(&none));
    let many = Balancer::on_all((1..=9).map(|n| format!("lb{n}"))).virtual_address("10.17.5.10");
    let many = found(&cloud(lb2(), many));
    assert!(many.contains(&format!("balancer-members {AT}.machines")), "{many:?}");
    let without = cloud(lb2(), Balancer::on_all(["lb1", "lb2"]));
    assert_eq!(found(&without), [format!("balancer-address-missing {AT}")]);
}

#[test]
fn a_server_is_no_balancer() {
    let lb2 = Interface::on("edge").address("10.17.5.12");
    let found = found(&cloud(lb2, Balancer::on("master1")));
    assert!(found.iter().any(|finding| finding.starts_with("role-clash")), "{found:?}");
}

#[test]
fn wrong_leaves_are_found_where_they_are() {
    let wrong = Balancer::on("load_balancer1")
        .virtual_address("10.17.5.0/24")
        .virtual_router(0)
        .ingress_ports(0, 65_536)
        .ingress_node_ports("http", 443);
    let found = found(&cloud(Interface::on("edge").address("10.17.5.12"), wrong));
    for at in [
        "machines[0]",
        "virtual_address",
        "virtual_router",
        "ingress.http",
        "ingress.https",
        "ingress.node_http",
    ] {
        let end = format!(" {AT}.{at}");
        assert!(found.iter().any(|finding| finding.ends_with(&end)), "{at}: {found:?}");
    }
}

/// The cluster behind one balancer, in a domain, on machines with resolvers.
fn named(balancer: Balancer, resolvers: &[&str]) -> Cloud {
    let mut cloud = cloud(Interface::on("edge").address("10.17.5.12"), balancer).domain("example.org");
    let resolvers: Vec<_> = resolvers.iter().map(|address| (*address).into()).collect();
    let lb1 = cloud.machines.iter_mut().find(|machine| machine.name == "lb1".into()).unwrap();
    lb1.resolvers = resolvers;
    cloud
}

fn traefik() -> Software {
    Software::Traefik { url: "https://example.org/traefik".into(), digest: Digest::sha256(b"").into() }
}

/// The balancer's configuration of the nodes, and the names that its network publishes.
fn nodes(cloud: &Cloud) -> (Nodes, Vec<String>) {
    let checked = cloud.check().unwrap();
    let Endpoint::Balancer(balancer) = &checked.cluster("prod").unwrap().said().endpoint else { panic!() };
    let named: Vec<_> = balancer.ingress.nodes.iter().filter_map(|name| name.ok().cloned()).collect();
    let role = BalancerRole::new("prod", balancer.clone(), named);
    let setup = role.setup(&Site::new(&checked, checked.machine("lb1").unwrap(), &[]));
    let names = &checked.network("edge").unwrap().names;
    let line = |one: &PublishedName| {
        let names: Vec<_> = one.names.iter().map(ToString::to_string).collect();
        format!("{} {}", one.address, names.join(" "))
    };
    assert_eq!(checked.network("far").unwrap().names, []);
    (setup.ingress.unwrap().nodes, names.iter().map(line).collect())
}

#[test]
fn nodes_are_found_by_a_name_that_a_network_publishes() {
    let by_name = |resolvers: &[&str]| Nodes::Resolved {
        name: "ingress.prod.example.org".to_owned(),
        resolvers: resolvers.iter().map(|address| address.parse().unwrap()).collect(),
    };
    let master1 = || vec!["10.17.5.21 master1.example.org ingress.prod.example.org".to_owned()];
    let listed = Nodes::Listed(vec![Target { name: "master1".to_owned(), address: [10, 17, 5, 21].into() }]);

    // By default it is the gateway.
    let one = || Balancer::on("lb1");
    for resolvers in [&[][..], &["10.17.5.1"]] {
        let cloud = named(one(), resolvers);
        assert_eq!(found(&cloud), [""; 0]);
        assert_eq!(nodes(&cloud), (by_name(&["10.17.5.1"]), master1()));
    }
    // With several resolvers, only those that know the name are asked.
    let both = ["10.17.5.12", "10.17.5.1"];
    assert_eq!(nodes(&named(one(), &both)), (by_name(&["10.17.5.1"]), master1()));
    // Traefik asks the resolvers of its machine.
    assert_eq!(nodes(&named(one().software(traefik()), &[])).0, by_name(&["10.17.5.1"]));
    assert_eq!(nodes(&named(one().software(traefik()), &both)).0, listed);
    // Another resolver would have to publish the name.
    let cloud = named(one(), &["10.17.5.12"]);
    assert_eq!(found(&cloud), [format!("k3s-ingress-unpublished {AT}")]);
    assert_eq!(nodes(&cloud), (by_name(&["10.17.5.12"]), vec![]));
    // The cloud's own DNS publishes it, at a server that the machine asks.
    let cloud = named(one(), &["10.17.5.12"]).dns(Dns::new().server(DnsServer::on("ns", "lb2")));
    assert_eq!(found(&cloud), [""; 0]);
    let zones = zones_of(&cloud.check().unwrap());
    let zone = zones.iter().find(|zone| zone.name.bare() == "example.org").unwrap();
    assert!(zone.file().contains("\ningress.prod.example.org. 3600 IN A 10.17.5.21\n"), "{}", zone.file());
    // Named nodes are listed, and no name is published.
    let cloud = named(one().ingress_nodes(["master1"]), &["10.17.5.12"]);
    assert_eq!(found(&cloud), [""; 0]);
    assert_eq!(nodes(&cloud), (listed, vec![]));
    assert_eq!(found(&named(one().without_ingress(), &["10.17.5.12"])), [""; 0]);
}

#[test]
fn two_machines_with_another_resolver_are_one_finding() {
    let pair = Balancer::on_all(["lb1", "lb2"]).virtual_address("10.17.5.10");
    let dns = machine("dns", Interface::on("edge").address("10.17.5.31"));
    let cloud = named(pair, &[]).machine(dns).resolvers(["10.17.5.31"]);
    assert_eq!(found(&cloud), [format!("k3s-ingress-unpublished {AT}")]);
}

/// `HAProxy` takes nothing of an answer that does not fit.
#[test]
fn as_many_nodes_are_published_as_fit_into_an_answer() {
    let agents: Vec<String> = (1..=70).map(|n| format!("agent{n}")).collect();
    let mut cloud = named(Balancer::on("lb1"), &[]);
    for (agent, n) in agents.iter().zip(1..) {
        let interface = Interface::on("far").address(format!("10.17.6.{}", 100 + n));
        cloud = cloud.machine(machine(agent, interface).memory(512.mib()));
    }
    let prod = cloud.clusters.iter_mut().next().unwrap();
    prod.agents = agents.iter().map(|agent| agent.as_str().into()).collect();
    let (_, names) = nodes(&cloud);
    assert_eq!(names.len(), 64);
    assert!(names.iter().all(|line| line.contains(" agent") && line.ends_with(" ingress.prod.example.org")));
}
