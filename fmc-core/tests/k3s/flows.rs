//! The flows that a cluster needs.

use fmc_core::balancer::Balancer;
use fmc_core::checked::Checked;
use fmc_core::firewall::ruleset;
use fmc_core::flow::{tcp, udp};
use fmc_core::image::Os;
use fmc_core::k3s::{Cluster, Component, Config, Datastore, Endpoint, FlannelBackend, key};
use fmc_core::name::MachineName;
use fmc_core::secret::Secret;

use crate::cluster;

/// The ports that one machine accepts from another.
fn ports(cloud: &Checked, into: &str, from: &'static str) -> Vec<u16> {
    let mut ports = cloud.flows().into(into).from(MachineName::literal(from)).ports();
    ports.sort_unstable();
    ports
}

#[test]
fn the_seed_s_cluster_opens_what_it_needs_and_no_more() {
    let cloud = cluster::cloud(Os::Flatcar, cluster::seed());
    let rows = [
        ("master1", "master2", vec![2379, 2380, 6443, 8472, 10250]),
        ("master1", "loadbalancer1", vec![6443]),
        ("worker1", "master1", vec![8472, 10250]),
        ("worker1", "worker2", vec![8472, 10250]),
    ];
    for (into, from, expected) in rows {
        let of = ports(&cloud, into, from);
        for port in expected {
            assert!(of.contains(&port), "{from} to {into} port {port}: {of:?}");
        }
    }
    let from_worker = ports(&cloud, "master1", "worker1");
    assert!(from_worker.contains(&6443) && !from_worker.contains(&2379), "{from_worker:?}");
    assert!(ports(&cloud, "worker1", "loadbalancer1").contains(&80));
    assert!(!ports(&cloud, "worker1", "master1").contains(&80));
}

#[test]
fn flows_follow_from_what_the_cluster_says() {
    let accepts = |cluster: Cluster, into: &str, from: &'static str| {
        ports(&cluster::cloud(Os::Flatcar, cluster), into, from)
    };
    let wireguard = accepts(cluster::seed().flannel(FlannelBackend::WireguardNative), "worker1", "worker2");
    assert!(wireguard.contains(&51820) && !wireguard.contains(&8472), "{wireguard:?}");
    let routes = accepts(cluster::seed().flannel(FlannelBackend::HostGw), "worker1", "worker2");
    assert!(!routes.contains(&8472), "{routes:?}");
    let own = cluster::cloud(Os::Flatcar, cluster::seed().flannel(FlannelBackend::None));
    let allows = |into: &str, from: &'static str, service| {
        own.flows().into(into).from(MachineName::literal(from)).allows(service)
    };
    // Geneve of Cilium, BGP of Calico: nodes talk freely, and nobody else on another network does.
    for service in [udp(6081), tcp(179), tcp(4240)] {
        assert!(allows("worker1", "worker2", service) && allows("master1", "worker1", service), "{service}");
    }
    let rules = ruleset(&own, own.machine("worker1").unwrap());
    // IP in IP has no port, and a pod's packets come in by an interface of its own.
    assert!(
        rules.contains("\t\tip saddr { 10.17.4.0/24, 10.42.0.0/16 } accept comment \"k3s-agent\"\n"),
        "{rules}"
    );
    assert!(!rules.contains("flannel"), "{rules}");
    let database = Datastore::endpoint(Secret::environment("dsn", "DSN"));
    let database = accepts(cluster::seed().datastore(database), "master1", "master2");
    assert!(database.contains(&6443) && !database.contains(&2379), "{database:?}");
    let images = cluster::seed().server_config(Config::new().set(key::EMBEDDED_REGISTRY, true));
    // An agent serves images on the API's port, to servers and agents.
    for from in ["worker2", "master1"] {
        let of = accepts(images.clone(), "worker1", from);
        assert!(of.contains(&5001) && of.contains(&6443), "{of:?}");
    }
    assert!(!accepts(cluster::seed(), "worker1", "worker2").contains(&6443));
    let kept = cluster::seed().endpoint(Endpoint::address("10.17.4.9"));
    assert!(accepts(kept.clone(), "master2", "loadbalancer1").contains(&6443));
    assert!(accepts(kept.clone(), "worker1", "loadbalancer1").contains(&443));
    assert!(!accepts(kept.disable(Component::Traefik), "worker1", "loadbalancer1").contains(&443));
    let other = Balancer::on("loadbalancer1").ingress_node_ports(30080, 30443);
    let other = accepts(cluster::seed().endpoint(Endpoint::balancer(other)), "worker1", "loadbalancer1");
    assert!(other.contains(&30080) && !other.contains(&80), "{other:?}");
}
