//! The networks of a cluster, its endpoint and its ports.

use super::{KEY, cloud, finds, flatcar, node, one, says, three};
use crate::check::tests::{findings, found};
use crate::cloud::Cloud;
use crate::finding::Kind;
use crate::host::Host;
use crate::k3s::{self, Endpoint, key};
use crate::machine::{Interface, Machine};
use crate::network::Network;

#[test]
fn nodes_have_a_default_route() {
    let mut cloud = cloud(three());
    for machine in cloud.machines.iter_mut() {
        machine.interfaces = vec![machine.interfaces.remove(0).default_route(false)];
    }
    assert_eq!(found(&cloud), ["k3s-default-route clusters.prod"]);
    let (message, _) = says(&cloud, Kind::K3sDefaultRoute).remove(0);
    assert_eq!(message, "s1 and 2 other nodes have no default route, and K3s does not start without one");
}

/// A program of the user's own that listens for HTTP.
struct Web;

impl crate::role::CustomRole for Web {
    fn flows(&self, _: &crate::role::Site<'_>) -> crate::flow::Flows {
        crate::flow::Flows::new().accept(crate::flow::tcp(80), crate::flow::Peer::Anywhere)
    }
}

#[test]
fn the_load_balancer_of_services_takes_http_on_each_node() {
    let with = |cluster: k3s::Cluster, label: Option<&str>| {
        let mut cloud = cloud(cluster.agents(["a1", "a2", "a3"]));
        for machine in cloud.machines.iter_mut() {
            let name = machine.name.to_string();
            if name == "s1" {
                machine.roles.push(Web.into());
            }
            if let Some(label) = label.filter(|_| name == "a1") {
                machine.labels.push(label.into());
            }
        }
        let found = findings(&cloud);
        let ours = found.iter().filter(|one| one.kind().as_str().starts_with("role-"));
        ours.map(|one| format!("{} {}: {}", one.kind().as_str(), one.at(), one.message())).collect::<Vec<_>>()
    };
    let taken = "role-warning machines.s1.roles[0]: k3s-server takes tcp 80 of the machine, so that nobody reaches web there";
    assert_eq!(with(three(), None), [taken]);
    // It is on nodes with its label alone, as soon as there are some.
    assert_eq!(with(three(), Some("svccontroller.k3s.cattle.io/enablelb=true")), [""; 0]);
    for part in [k3s::Component::Servicelb, k3s::Component::Traefik] {
        assert_eq!(with(three().disable(part), None), [""; 0]);
    }
    // Where Traefik is told to be, it accepts callers itself.
    let clash = with(three().ingress(["s1"]), None);
    assert!(clash.len() == 1 && clash[0].starts_with("role-clash"), "{clash:?}");
}

#[test]
fn an_endpoint_leads_to_the_servers() {
    let at = |endpoint| three().endpoint(endpoint);
    // The document's design: three masters, one address, no balancer (S13).
    finds(at(Endpoint::server()), &["k3s-endpoint-single clusters.prod.endpoint"]);
    finds(at(Endpoint::address("10.17.4.21")), &["k3s-endpoint-single clusters.prod.endpoint.address"]);
    finds(
        at(Endpoint::name("s1")),
        &[
            "k3s-endpoint-nowhere clusters.prod.endpoint.name",
            "k3s-endpoint-single clusters.prod.endpoint.name",
        ],
    );
    finds(
        at(Endpoint::address("10.17.4.22")).initial("s2"),
        &["k3s-endpoint-single clusters.prod.endpoint.address"],
    );
    finds(at(Endpoint::address("10.17.4.23")), &["k3s-endpoint-self clusters.prod.endpoint.address"]);
    finds(
        at(Endpoint::address("10.17.4.31")).agents(["a1"]),
        &["k3s-endpoint-self clusters.prod.endpoint.address"],
    );
    finds(at(Endpoint::address("10.17.4.255")), &["k3s-endpoint-nowhere clusters.prod.endpoint.address"]);
    finds(at(Endpoint::address("10.9.9.9")), &["k3s-endpoint-nowhere clusters.prod.endpoint.address"]);
    for name in ["localhost", "api", "api.cluster.local", "cluster.local"] {
        finds(at(Endpoint::name(name)), &["k3s-endpoint-nowhere clusters.prod.endpoint.name"]);
    }
    let mut leased = cloud(three());
    for network in leased.networks.iter_mut() {
        network.dhcp = Some("10.17.4.2-10.17.4.19".into());
    }
    assert_eq!(found(&leased), ["k3s-endpoint-leased clusters.prod.endpoint.address"]);
    let public = cloud(at(Endpoint::address("8.8.4.4"))).public_address("8.8.4.4");
    assert_eq!(found(&public), [""; 0]);
    let named = cloud(at(Endpoint::name("s2.example.com"))).domain("example.com");
    assert_eq!(found(&named), ["k3s-endpoint-self clusters.prod.endpoint.name"]);
    let short = cloud(at(Endpoint::name("api"))).domain("example.com");
    assert_eq!(found(&short), [""; 0]);
    // The addresses of a host bridge without a subnet are not known.
    let lan = Cloud::new("first")
        .host(Host::local().bridge("br0"))
        .network(Network::bridge("lan", "br0"))
        .machines(["s1", "s2", "s3"].map(|name| {
            Machine::new(name, flatcar())
                .cpus(2)
                .memory("2 GiB")
                .root_disk("20 GiB")
                .disk(crate::disk::Disk::new("k3s", "20 GiB").mount("/var/lib/rancher"))
                .interface(Interface::on("lan"))
                .user(crate::guest::User::admin("ops").key(KEY))
        }))
        .cluster(at(Endpoint::address("192.168.0.40")));
    assert!(found(&lan).iter().all(|found| !found.starts_with("k3s-")), "{:?}", found(&lan));
}

#[test]
fn networks_do_not_overlap_and_each_pair_is_told_once() {
    finds(three().pods("10.17.4.0/22"), &["k3s-subnet-overlap clusters.prod.pods[0]"]);
    finds(three().services("10.17.0.0/16"), &["k3s-subnet-overlap clusters.prod.services[0]"]);
    finds(three().services("10.42.128.0/17"), &["k3s-subnet-overlap clusters.prod.services[0]"]);
    finds(three().pods("10.43.0.0/17"), &["k3s-subnet-overlap clusters.prod.services"]);
    let defaults = cloud(three()).network(Network::nat("other", "10.42.8.0/24"));
    let [(message, _)] = says(&defaults, Kind::K3sSubnetOverlap).try_into().unwrap();
    assert_eq!(message, "10.42.0.0/16 of pods (the default) overlaps 10.42.8.0/24 of the network other");
    let resolver = cloud(three()).resolvers(["10.43.0.10"]);
    assert!(found(&resolver).contains(&"k3s-subnet-overlap clusters.prod.services".to_owned()));
    // Those of the nodes' network, and of a node.
    let mut of_network = cloud(three());
    for network in of_network.networks.iter_mut() {
        *network = network.clone().resolvers(["10.43.0.10"]);
    }
    let mut of_node = cloud(three());
    for machine in of_node.machines.iter_mut().take(1) {
        *machine = machine.clone().resolvers(["10.42.0.53"]);
    }
    for (cloud, resolver) in [(of_network, "10.43.0.10"), (of_node, "10.42.0.53")] {
        let said = says(&cloud, Kind::K3sSubnetOverlap);
        assert!(said.iter().any(|(message, _)| message.contains(resolver)), "{said:?}");
    }
}

#[test]
fn families_agree() {
    let twice = three().pods("10.42.0.0/16").pods("10.52.0.0/16");
    finds(twice, &["k3s-subnet-family clusters.prod.pods[1]"]);
    let unequal = three().pods("10.42.0.0/16").pods("fd00:42::/56");
    finds(unequal, &["k3s-subnet-family clusters.prod.pods"]);
    let turned =
        three().pods("10.42.0.0/16").pods("fd00:42::/56").services("fd00:43::/112").services("10.43.0.0/16");
    one(
        turned,
        Kind::K3sSubnetFamily,
        "pods have IPv4, then IPv6, but Services have IPv6, then IPv4",
        "give both a network of each family that nodes have, in the same order",
    );
    let dual = || {
        three().pods("10.42.0.0/16").pods("fd00:42::/56").services("10.43.0.0/16").services("fd00:43::/112")
    };
    finds(dual(), &["k3s-subnet-family clusters.prod.pods[1]"]);
    let mut right = cloud(dual());
    for network in right.networks.iter_mut() {
        network.ipv6 = Some("fd00:17::/64".into());
    }
    // The network has IPv6, but K3s is given the fixed addresses of the nodes' interfaces, which are only IPv4.
    assert_eq!(found(&right), ["k3s-subnet-family clusters.prod.pods[1]"]);
    let [(message, help)] = says(&right, Kind::K3sSubnetFamily).try_into().unwrap();
    assert_eq!(message, "pods have IPv6, but s1 and 2 other nodes of prod have no address of it");
    assert_eq!(
        help,
        "give the first interface of each node an address of IPv6 with `address6`, on a network that has IPv6, or leave \
         the network of pods out"
    );
    let only_second = |mut cloud: Cloud| {
        cloud.networks.push(Network::nat("more", "10.17.5.0/24").ipv6("fd00:18::/64"));
        for (last, machine) in cloud.machines.iter_mut().enumerate() {
            machine.interfaces.push(Interface::on("more").address(format!("fd00:18::{}", last + 16)));
        }
        cloud
    };
    // An address on another interface does not make the node's: flannel uses one interface.
    assert_eq!(found(&only_second(right.clone())), ["k3s-subnet-family clusters.prod.pods[1]"]);
    for (last, machine) in right.machines.iter_mut().enumerate() {
        let interface = machine.interfaces.remove(0);
        machine.interfaces.push(match last % 2 {
            0 => interface.address(format!("fd00:17::{}", last + 16)),
            _ => interface.reserved(format!("fd00:17::{}", last + 16)),
        });
    }
    assert_eq!(found(&right), [""; 0]);
    // Without fixed addresses a node takes what its networks give it.
    let mut leased = cloud(dual());
    for network in leased.networks.iter_mut() {
        *network = network.clone().ipv6("fd00:17::/64").dhcp("10.17.4.100-10.17.4.200");
    }
    for machine in leased.machines.iter_mut() {
        machine.interfaces = vec![Interface::on("kube")];
    }
    assert_eq!(says(&leased, Kind::K3sSubnetFamily), []);
}

#[test]
fn networks_have_room_and_are_not_too_large() {
    finds(three().services("10.96.0.0/11"), &["k3s-subnet-size clusters.prod.services[0]"]);
    finds(three().services("10.96.0.0/12"), &[]);
    finds(three().pods("10.42.0.0/25"), &["k3s-subnet-size clusters.prod.pods[0]"]);
    one(
        three().agents(["a1", "a2"]).pods("10.42.0.0/22"),
        Kind::K3sSubnetSize,
        "10.42.0.0/22 of pods has room for 4 nodes with a /24 each, but there are 5",
        "write a /21 or a larger one",
    );
    let masked = k3s::Config::new().set(key::KUBE_CONTROLLER_MANAGER_ARG, ["node-cidr-mask-size=26"]);
    finds(three().agents(["a1", "a2"]).pods("10.42.0.0/22").server_config(masked), &[]);
    let wide = three().pods("fd00:42::/40").services("fd00:43::/100");
    let found = found(&cloud(wide));
    assert!(found.contains(&"k3s-subnet-size clusters.prod.pods[0]".to_owned()), "{found:?}");
    assert!(found.contains(&"k3s-subnet-size clusters.prod.services[0]".to_owned()), "{found:?}");
}

#[test]
fn the_dns_of_a_cluster_is_a_service() {
    let dns = |address: &str| three().cluster_dns(address);
    finds(dns("10.43.0.53"), &[]);
    for wrong in ["10.43.0.1", "10.43.0.0", "10.43.255.255", "10.42.0.10", "fd00:43::a"] {
        finds(dns(wrong), &["k3s-cluster-dns clusters.prod.cluster_dns[0]"]);
    }
    finds(dns("10.43.0.10").cluster_dns("10.43.0.11"), &["k3s-cluster-dns clusters.prod.cluster_dns[1]"]);
    finds(three().services("10.43.0.0/29"), &["k3s-cluster-dns clusters.prod.services[0]"]);
    finds(three().services("10.43.0.0/29").cluster_dns("10.43.0.5"), &[]);
}

#[test]
fn ports_domains_and_flannel() {
    let ports = |range: &str| three().config(k3s::Config::new().set(key::SERVICE_NODE_PORT_RANGE, range));
    finds(ports("6000-7000"), &["k3s-node-ports clusters.prod.config.service-node-port-range"]);
    finds(ports("10260-51819"), &[]);
    let domain = |inside: &str, outside: &str| found(&cloud(three().cluster_domain(inside)).domain(outside));
    assert_eq!(
        domain("example.com", "kube.example.com"),
        ["k3s-cluster-domain clusters.prod.cluster_domain"]
    );
    assert_eq!(domain("kube.example.com", "example.com"), [""; 0]);
    assert_eq!(domain("ample.com", "example.com"), [""; 0]);
    finds(three().flannel("none"), &["k3s-network-missing clusters.prod.flannel"]);
    finds(three().flannel("host-gw"), &[]);
    let far = cloud(three().agents(["a9"]).flannel("host-gw"))
        .network(Network::nat("far", "10.17.9.0/24"))
        .machine(Machine {
            interfaces: vec![Interface::on("far").address("10.17.9.9")],
            ..node("a9", "10.17.4.39")
        });
    // Two masqueraded networks carry no flow between them either, independent of flannel.
    let far = found(&far);
    assert_eq!(far.last().map(String::as_str), Some("k3s-host-gateway clusters.prod.flannel"));
    assert!(far.iter().rev().skip(1).all(|other| other.starts_with("flow-unreachable ")), "{far:?}");
}
