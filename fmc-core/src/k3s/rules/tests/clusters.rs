//! Leaves and references of K3s clusters, each at its path.

use crate::balancer::Balancer;
use crate::cloud::Cloud;
use crate::digest::Digest;
use crate::host::Host;
use crate::image::Image;
use crate::k3s::pki::Credentials;
use crate::k3s::{
    Cluster, Config, Datastore, Endpoint, Install, S3, Snapshots, Updates, key, kubelet::Dropin, registries,
};
use crate::machine::{Interface, Machine};
use crate::mirror::Mirror;
use crate::network::Network;
use crate::secret::Secret;
use crate::unit::SizeExt as _;

fn cloud(cluster: Cluster) -> Cloud {
    let machine = |name: &str, last: u8| {
        Machine::new(name, Image::flatcar("4593.2.0"))
            .cpus(2)
            .memory(4.gib())
            .root_disk(20.gib())
            .interface(Interface::on("kube").address(format!("10.17.4.{last}")))
    };
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("kube", "10.17.4.0/24"))
        .machine(machine("master1", 21))
        .machine(machine("worker1", 24))
        .machine(machine("lb1", 10))
        .cluster(cluster)
}

/// The paths of findings below the clusters, except those of the K3s rules, which have their own tests.
fn paths(cluster: Cluster) -> Vec<String> {
    let report = cloud(cluster).check().unwrap_err();
    let mut paths: Vec<String> = report
        .findings()
        .iter()
        .filter(|finding| !finding.kind().as_str().starts_with("k3s-"))
        .map(|finding| finding.at().to_owned())
        .filter(|at| at.starts_with("clusters."))
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_wrong_leaf_is_found_where_it_is() {
    let bad = || Secret::file("No_Name", "x");
    let balancer = Balancer::on_all(["l b"]).virtual_address("10.17.4.300");
    let cluster = Cluster::new("prod", "stable")
        .endpoint(Endpoint::balancer(balancer))
        .servers(["m 1"])
        .agents(["w 1"])
        .initial("m 1")
        .pods("10.42.0.0/99")
        .services("x")
        .cluster_dns("x")
        .cluster_domain("a b")
        .flannel("vxlam")
        .secrets_encryption("aes")
        .disable("treafik")
        .egress("agents")
        .datastore(Datastore::endpoint(bad()).ca(bad()).certificate(bad(), bad()))
        .snapshots(
            Snapshots::every("sometimes").keep(0).s3(S3::bucket("")
                .endpoint("")
                .region("")
                .folder("")
                .keys("", bad())
                .ca(bad())
                .lookup("x")
                .timeout("soon")),
        )
        .registries(registries::Registries::new().mirror(registries::Mirror::of("*").endpoint("x")))
        .kubelet(Dropin::new("no"))
        .sysctl("no name", "1")
        .module("no/name")
        .config(Config::new().set(key::V, "x"))
        .server_config(Config::new().set(key::V, "x"))
        .agent_config(Config::new().set(key::V, "x"))
        .install(
            Install::binary("x", "y")
                .sysext_for(crate::image::Arch::Aarch64, "x", "y")
                .images("x", "y")
                .selinux_policy("x", "y"),
        )
        .bootstrap("b 1")
        .ingress(["i 1"])
        .credentials(Credentials::new().server_token(bad()))
        .upgraded_from("1.35")
        .agent_version("1.35")
        .updates(Updates::weekly("4 o'clock"));
    let expected = [
        "agent_config.v",
        "agent_version",
        "agents[0]",
        "bootstrap",
        "cluster_dns[0]",
        "cluster_domain",
        "config.v",
        "credentials.server_token.name",
        "datastore.ca.name",
        "datastore.certificate.name",
        "datastore.endpoint.name",
        "datastore.key.name",
        "disable[0]",
        "egress",
        "endpoint.balancer.machines[0]",
        "endpoint.balancer.virtual_address",
        "flannel",
        "ingress[0]",
        "initial",
        "install.binary.x86_64.digest",
        "install.binary.x86_64.url",
        "install.images.x86_64.digest",
        "install.images.x86_64.url",
        "install.selinux_policy.digest",
        "install.selinux_policy.url",
        "install.sysext.aarch64.digest",
        "install.sysext.aarch64.url",
        "kubelet.no",
        "pods[0]",
        "registries.mirrors.*.endpoints[0]",
        "secrets_encryption",
        "server_config.v",
        "servers[0]",
        "services[0]",
        "snapshots.s3.access_key",
        "snapshots.s3.bucket",
        "snapshots.s3.ca.name",
        "snapshots.s3.endpoint",
        "snapshots.s3.folder",
        "snapshots.s3.lookup",
        "snapshots.s3.region",
        "snapshots.s3.secret_key.name",
        "snapshots.s3.timeout",
        "snapshots.schedule",
        "tuning.modules[0]",
        "tuning.sysctls.no name",
        "updates.weekly",
        "upgraded_from",
        "version",
    ]
    .map(|at| format!("clusters.prod.{at}"));
    assert_eq!(paths(cluster), expected);
    let wrong = Mirror::on("b 1").file("x", "y").server("https://example.org/caddy", "y");
    assert_eq!(
        paths(Cluster::new("a", "v1.36.3+k3s1").servers(["master1"]).bootstrap(wrong)),
        ["files[0].digest", "files[0].url", "machine", "server.digest"]
            .map(|at| format!("clusters.a.bootstrap.{at}"))
    );
    let wrong = Endpoint::address("x");
    assert_eq!(
        paths(Cluster::new("a_b", "v1.36.3+k3s1").servers(["master1"]).endpoint(wrong)),
        ["clusters.a_b", "clusters.a_b.endpoint.address"]
    );
    let wrong = Endpoint::name("a b");
    assert_eq!(
        paths(Cluster::new("a", "v1.36.3+k3s1").servers(["master1"]).endpoint(wrong)),
        ["clusters.a.endpoint.name"]
    );
}

#[test]
fn machines_that_are_not_there_are_found_where_they_are_named() {
    let cluster = Cluster::new("prod", "v1.36.3+k3s1")
        .endpoint(Endpoint::balancer(
            Balancer::on_all(["lb1", "lb2"]).virtual_address("10.17.4.10").ingress_nodes(["worker2"]),
        ))
        .servers(["master1", "master2"])
        .agents(["worker1", "worker2"])
        .initial("worker1")
        .bootstrap("boot")
        .ingress(["worker3"]);
    let expected = [
        "agents[1]",
        "bootstrap",
        "endpoint.balancer.ingress.nodes[0]",
        "endpoint.balancer.machines[1]",
        "ingress[0]",
        "initial",
        "servers[1]",
    ]
    .map(|at| format!("clusters.prod.{at}"));
    assert_eq!(paths(cluster), expected);
    assert_eq!(paths(Cluster::new("prod", "v1.36.3+k3s1")), ["clusters.prod.servers"]);
    let more = Mirror::on("boot").file("https://example.org/helm", Digest::sha256(b""));
    assert_eq!(
        paths(Cluster::new("prod", "v1.36.3+k3s1").servers(["master1"]).bootstrap(more)),
        ["clusters.prod.bootstrap.machine"]
    );
}

#[test]
fn what_a_server_and_an_agent_need_is_told_at_the_cluster() {
    let cluster = Cluster::new("prod", "v1.36.3+k3s1").servers(["small"]).agents(["dynamic", "blank"]);
    let small = Machine::new("small", Image::flatcar("4593.2.0")).root_disk(20.gib());
    let cloud = cloud(cluster)
        .machine(small.interface(Interface::on("kube").address("10.17.4.30")))
        .machine(
            Machine::new("dynamic", Image::flatcar("4593.2.0"))
                .root_disk(20.gib())
                .interface(Interface::on("kube")),
        )
        .machine(
            Machine::new("blank", Image::blank())
                .root_disk(20.gib())
                .interface(Interface::on("kube").address("10.17.4.31")),
        );
    let report = cloud.check().unwrap_err();
    let needs: Vec<String> = report
        .findings()
        .iter()
        .filter(|finding| finding.kind().as_str() == "role-needs")
        .map(|finding| format!("{}: {}", finding.at(), finding.message()))
        .collect();
    assert_eq!(
        needs,
        [
            "clusters.prod.agents[0]: dynamic has no fixed address, by which other machines find k3s-agent",
            "clusters.prod.agents[1]: blank has no operating system, so it cannot run k3s-agent",
            "clusters.prod.servers[0]: small has 1 GiB of memory, but k3s-server needs 2 GiB",
            "clusters.prod.servers[0]: small has 1 virtual processors, but k3s-server needs 2",
        ]
    );
    // In a lab a small machine is worth a word only.
    let lab =
        self::cloud(Cluster::new("prod", "v1.36.3+k3s1").servers(["master1"]).agents(["worker1"])).lab();
    let checked = lab.check().unwrap();
    assert_eq!(checked.cluster("prod").unwrap().servers.len(), 1);
    assert!(checked.findings().iter().any(|finding| finding.at() == "clusters.prod.servers[0]"));
}

#[test]
fn a_machine_that_is_named_twice_has_one_role() {
    let twice = Cluster::new("prod", "v1.36.3+k3s1").servers(["master1"]).agents(["master1"]);
    let report = cloud(twice).check().unwrap_err();
    let kinds: Vec<&str> = report.findings().iter().map(|finding| finding.kind().as_str()).collect();
    assert!(kinds.contains(&"k3s-member-duplicate") && !kinds.contains(&"role-clash"), "{report}");
}

#[test]
fn a_file_says_the_same() {
    let cluster = Cluster::new("prod", "v1.36.3+k3s1")
        .endpoint(Endpoint::balancer(Balancer::on("lb1")))
        .servers(["master1"])
        .disable("traefik")
        .updates(Updates::off());
    let file = serde_json::to_value(cloud(cluster.clone())).unwrap();
    let expected = serde_json::json!({"prod": {
        "version": "v1.36.3+k3s1",
        "endpoint": {"balancer": {"machines": ["lb1"]}},
        "servers": ["master1"],
        "disable": ["traefik"],
        "updates": "off",
    }});
    assert_eq!(file["clusters"], expected);
    // As text it keeps its order.
    let text = serde_json::to_string(&cloud(cluster.clone())).unwrap();
    assert_eq!(serde_json::from_str::<Cloud>(&text).unwrap(), cloud(cluster));
}
