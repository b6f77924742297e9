//! The rules of K3s clusters by their cases: each violated once, all of them together, and clusters that are right.

use crate::boot::Boot;
use crate::check::tests::{findings, found, yaml};
use crate::cloud::Cloud;
use crate::finding::{Kind, Severity};
use crate::host::Host;
use crate::image::{Arch, Image};
use crate::k3s::{self, Datastore, Endpoint, Install, S3, Snapshots, key};
use crate::machine::{Interface, Machine, Power};
use crate::network::Network;
use crate::secret::Secret;

mod clusters;
mod config;
mod laws;
mod mirror;
mod networks;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

fn flatcar() -> Image {
    Image::flatcar("4593.2.0").path("/i/flatcar.img").digest(DIGEST)
}

/// A machine of which no rule has anything to say.
fn node(name: &str, address: &str) -> Machine {
    Machine::new(name, flatcar())
        .cpus(2)
        .memory("2 GiB")
        .root_disk("20 GiB")
        .disk(crate::disk::Disk::new("k3s", "20 GiB").mount("/var/lib/rancher/k3s"))
        .interface(Interface::on("kube").address(address))
        .user(crate::guest::User::admin("ops").key(KEY))
}

fn install() -> Install {
    Install::binary("https://mirror.example/k3s", DIGEST)
}

fn cluster() -> k3s::Cluster {
    k3s::Cluster::new("prod", "v1.36.3+k3s1").install(install())
}

/// Three servers behind an address that is kept outside of the cloud.
fn three() -> k3s::Cluster {
    cluster().servers(["s1", "s2", "s3"]).endpoint(Endpoint::address("10.17.4.10"))
}

/// Seven machines that can be servers, three that can be agents, and the cluster.
fn cloud(cluster: k3s::Cluster) -> Cloud {
    let servers = (1..=7).map(|n| node(&format!("s{n}"), &format!("10.17.4.2{n}")));
    let agents = (1..=3).map(|n| node(&format!("a{n}"), &format!("10.17.4.3{n}")));
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("kube", "10.17.4.0/24"))
        .machines(servers)
        .machines(agents)
        .cluster(cluster)
}

#[track_caller]
fn finds(cluster: k3s::Cluster, expected: &[&str]) {
    assert_eq!(found(&cloud(cluster)), expected);
}

/// The messages and helps of a kind.
fn says(cloud: &Cloud, kind: Kind) -> Vec<(String, String)> {
    let of_kind = findings(cloud).into_iter().filter(|finding| finding.kind() == kind);
    of_kind.map(|finding| (finding.message(), finding.help())).collect()
}

#[track_caller]
fn one(cluster: k3s::Cluster, kind: Kind, message: &str, help: &str) {
    assert_eq!(says(&cloud(cluster), kind), [(message.to_owned(), help.to_owned())]);
}

#[test]
fn clusters_that_are_right_find_nothing() {
    let nothing: [k3s::Cluster; 10] = [
        cluster().servers(["s1"]),
        three(),
        three().agents(["a1", "a2", "a3"]).initial("s2").ingress(["a1", "s3"]),
        three().servers(["s1", "s2", "s3", "s4", "s5"]),
        three().servers(["s1", "s2", "s3", "s4", "s5", "s6", "s7"]),
        three().endpoint(Endpoint::name("api.example.com")).bootstrap("a3"),
        three().snapshots(Snapshots::every("0 */6 * * *").keep(9).s3(S3::bucket("etcd"))),
        cluster()
            .servers(["s1", "s2"])
            .endpoint(Endpoint::address("10.17.4.10"))
            .datastore(Datastore::endpoint(Secret::environment("dsn", "DSN"))),
        three().upgraded_from("v1.35.9+k3s1").secrets_encryption("secretbox"),
        three().config(
            k3s::Config::new()
                .set(key::WRITE_KUBECONFIG_MODE, "0640")
                .set(key::SERVICE_NODE_PORT_RANGE, "30000-32767")
                .set(
                    key::KUBELET_ARG,
                    [
                        "max-pods=200",
                        "tls-min-version=VersionTLS12",
                        "tls-cipher-suites=TLS_AES_128_GCM_SHA256",
                    ],
                ),
        ),
    ];
    for cluster in nothing {
        let text = format!("{cluster:?}");
        assert_eq!(found(&cloud(cluster.clone())), [""; 0], "{text}");
        // A cloud that passes also compiles.
        let checked = cloud(cluster).check().unwrap();
        let boots = |machine| Boot::of(&checked, machine).is_some_and(|boot| !boot.files().is_empty());
        assert!(checked.machines().iter().all(boots), "{text}");
    }
}

#[test]
fn several_violations_are_all_found() {
    let cluster = k3s::Cluster::new("prod", "v1.36.3+k3s1")
        .servers(["s1", "s2"])
        .agents(["s2", "a1"])
        .pods("10.17.0.0/16")
        .cluster_dns("10.44.0.1")
        .ingress(["s7"])
        .bootstrap("a1")
        .upgraded_from("v1.34.1+k3s1");
    finds(
        cluster,
        &[
            "k3s-member-duplicate clusters.prod.agents[0]",
            "k3s-bootstrap-member clusters.prod.bootstrap",
            "k3s-cluster-dns clusters.prod.cluster_dns[0]",
            "k3s-endpoint-single clusters.prod.endpoint",
            "k3s-ingress-outside clusters.prod.ingress[0]",
            "k3s-subnet-overlap clusters.prod.pods[0]",
            "k3s-server-count clusters.prod.servers",
            "k3s-upgrade clusters.prod.version",
            "k3s-install-unpinned clusters.prod.install",
        ],
    );
}

#[test]
fn a_machine_is_one_node() {
    finds(three().agents(["a1", "a1"]), &["k3s-member-duplicate clusters.prod.agents[1]"]);
    finds(three().agents(["s3"]), &["k3s-member-duplicate clusters.prod.agents[0]"]);
    let two =
        cloud(three()).cluster(k3s::Cluster::new("test", "v1.36.3+k3s1").servers(["s3"]).install(install()));
    assert_eq!(found(&two), ["k3s-member-duplicate clusters.test.servers[0]"]);
    let (message, _) = says(&two, Kind::K3sMemberDuplicate).remove(0);
    assert_eq!(message, "s3 is in the clusters prod and test");
}

#[test]
fn an_etcd_is_odd_and_not_large() {
    for (count, message, help) in [
        (2, "prod has 2 servers, which tolerate no failure, as 1 would", "have 1 or 3 servers"),
        (4, "prod has 4 servers, which tolerate the failure of 1, as 3 would", "have 3 or 5 servers"),
        (6, "prod has 6 servers, which tolerate the failure of 2, as 5 would", "have 5 or 7 servers"),
    ] {
        let names: Vec<String> = (1..=count).map(|n| format!("s{n}")).collect();
        one(three().servers(&names), Kind::K3sServerCount, message, help);
    }
    let nine = three().servers(["s1", "s2", "s3", "s4", "s5", "s6", "s7", "a1", "a2"]);
    one(
        nine,
        Kind::K3sServerCount,
        "prod has 9 servers, and each change waits for 5 of them",
        "have 3 or 5 servers, and make the others agents",
    );
}

#[test]
fn the_bootstrap_machine_is_no_node() {
    finds(three().bootstrap("s2"), &["k3s-bootstrap-member clusters.prod.bootstrap"]);
    finds(three().agents(["a1"]).bootstrap("a1"), &["k3s-bootstrap-member clusters.prod.bootstrap"]);
}

#[test]
fn releases_go_forward_one_by_one() {
    for from in ["v1.34.9+k3s1", "v1.36.4+k3s1", "v1.37.0+k3s1"] {
        finds(three().upgraded_from(from), &["k3s-upgrade clusters.prod.version"]);
    }
    for from in ["v1.35.1+k3s1", "v1.36.3+k3s1", "v1.36.1+k3s2"] {
        finds(three().upgraded_from(from), &[]);
    }
    let skew = |agents: &str| three().agents(["a1"]).agent_version(agents);
    finds(skew("v1.36.4+k3s1"), &["k3s-version-skew clusters.prod.agent_version"]);
    finds(skew("v1.32.9+k3s1"), &["k3s-version-skew clusters.prod.agent_version"]);
    finds(skew("v1.36.3+k3s1"), &[]);
    finds(skew("v1.35.1+k3s1"), &["k3s-install-missing clusters.prod.install"]);
    finds(skew("v1.35.1+k3s1").agent_install(install()), &[]);
    finds(
        skew("v1.35.1+k3s1").agent_install(Install::release()),
        &["k3s-install-unpinned clusters.prod.agent_install"],
    );
    finds(three().agent_install(install()), &["k3s-unused clusters.prod.agent_install"]);
    finds(skew("v1.33.1+k3s1").install(Install::release()), &["k3s-install-unpinned clusters.prod.install"]);
    let secretbox = |version: &str| {
        k3s::Cluster::new("prod", version).servers(["s1"]).install(install()).secrets_encryption("secretbox")
    };
    for old in ["v1.29.15+k3s1", "v1.30.11+k3s1", "v1.31.7+k3s1", "v1.32.3+k3s1"] {
        finds(secretbox(old), &["k3s-version-feature clusters.prod.secrets_encryption"]);
    }
    let dropin = |version: &str| {
        let cluster = k3s::Cluster::new("prod", version).servers(["s1"]).install(install());
        cluster.kubelet(k3s::kubelet::Dropin::new("50-pods.conf").max_pods(200))
    };
    finds(dropin("v1.31.9+k3s1"), &["k3s-version-feature clusters.prod.kubelet"]);
    finds(dropin("v1.32.0+k3s1"), &[]);
    for new in ["v1.30.12+k3s1", "v1.31.8+k3s1", "v1.32.4+k3s1", "v1.33.0+k3s1"] {
        finds(secretbox(new), &[]);
    }
}

#[test]
fn the_state_outlives_the_root_disk() {
    let without = |cluster: k3s::Cluster| {
        let mut cloud = cloud(cluster);
        for machine in cloud.machines.iter_mut() {
            machine.disks.clear();
        }
        cloud
    };
    let of = |cloud: &Cloud| -> Vec<(Severity, String)> {
        let all = findings(cloud).into_iter().filter(|finding| finding.kind() == Kind::K3sDataOnRoot);
        all.map(|finding| (finding.severity(), finding.message())).collect()
    };
    let lost = "the state of s1 is on the root disk: replacing the machine loses the cluster".to_owned();
    let one = without(cluster().servers(["s1"]));
    assert_eq!(of(&one), [(Severity::Error, lost.clone())]);
    assert_eq!(of(&one.clone().accept("k3s-data-on-root", "a trial")).len(), 1);
    assert!(one.clone().accept("k3s-data-on-root", "a trial").check().is_ok());
    assert_eq!(of(&one.lab()), [(Severity::Warning, lost)]);
    let again = "the state of s1 and 2 other servers is on the root disk: a replaced machine has to be let into etcd again";
    assert_eq!(of(&without(three())), [(Severity::Warning, again.to_owned())]);
    let database = three().datastore(Datastore::endpoint(Secret::environment("dsn", "DSN")));
    assert_eq!(of(&without(database)), []);
    for (mount, right) in [
        ("/var/lib/rancher", true),
        ("/var/lib/rancher/k3s/server", true),
        ("/var/lib/rancher/k3s/agent", false),
    ] {
        let mut cloud = without(cluster().servers(["s1"]));
        for machine in cloud.machines.iter_mut() {
            machine.disks.push(crate::disk::Disk::new("d", "9 GiB").mount(mount));
        }
        assert_eq!(of(&cloud).is_empty(), right, "{mount}");
    }
}

#[test]
fn machines_that_a_cluster_names_are_there() {
    finds(
        three().agents(["a9", "a9x"]).initial("a1").ingress(["b1"]).bootstrap("c1"),
        &[
            "reference-unknown clusters.prod.agents[0]",
            "reference-unknown clusters.prod.agents[1]",
            "reference-unknown clusters.prod.bootstrap",
            "reference-unknown clusters.prod.ingress[0]",
            "reference-unknown clusters.prod.initial",
        ],
    );
    let [(message, help)] = says(&cloud(three().agents(["a9"])), Kind::ReferenceUnknown).try_into().unwrap();
    assert_eq!(message, "there is no machine a9");
    assert!(help.starts_with("did you mean a"), "{help}");
    finds(cluster(), &["value-invalid clusters.prod.servers"]);
}

#[test]
fn tokens_of_the_users_own_differ() {
    let tokens = |server: Secret, agent: Secret| {
        three().credentials(k3s::pki::Credentials::new().server_token(server).agent_token(agent))
    };
    let file = |name: &str, path: &str| Secret::file(name, path);
    finds(
        tokens(file("a", "t"), file("b", "t")),
        &["k3s-token-shared clusters.prod.credentials.agent_token"],
    );
    finds(tokens(file("a", "t"), file("b", "u")), &[]);
    finds(tokens(Secret::password("a"), Secret::password("b")), &[]);
}

#[test]
fn every_machine_has_something_to_install() {
    let mut arm =
        cloud(three().agents(["a1", "a2"]).install(install().images("https://m.example/i", DIGEST)));
    for machine in arm.machines.iter_mut().filter(|machine| machine.name.to_string().starts_with('a')) {
        machine.image = flatcar().architecture(Arch::Aarch64);
    }
    let of = |cloud: &Cloud| {
        let all = found(cloud).into_iter().filter(|found| found.starts_with("k3s-"));
        all.collect::<Vec<_>>()
    };
    assert_eq!(
        of(&arm),
        [
            "k3s-install-missing clusters.prod.install.binary",
            "k3s-install-missing clusters.prod.install.images"
        ]
    );
    let [(message, help), _] = says(&arm, Kind::K3sInstallMissing).try_into().unwrap();
    assert_eq!(message, "there is no binary for aarch64, which a1 and 1 other machine have");
    assert_eq!(help, "give one: `.binary_for(Arch::Aarch64, URL, \"sha256:…\")`");
    let sysext = Install::sysext("https://m.example/k3s.raw", DIGEST);
    finds(three().install(sysext), &[]);
    finds(three().install(Install::release()), &["k3s-install-unpinned clusters.prod.install"]);
    let mut fcos = cloud(three());
    for machine in fcos.machines.iter_mut() {
        machine.image = Image::fedora_coreos("44.20260802.3.1").path("/i/fcos.qcow2").digest(DIGEST);
    }
    assert_eq!(of(&fcos), ["k3s-selinux-policy clusters.prod.install"]);
    let mut lab = cloud(three().install(Install::release())).lab();
    for machine in lab.machines.iter_mut() {
        machine.image = Image::fedora_coreos("44.20260802.3.1").path("/i/fcos.qcow2").digest(DIGEST);
    }
    assert!(of(&lab).is_empty(), "{:?}", of(&lab));
}

#[test]
fn most_servers_are_not_on_one_host() {
    let spread = |hosts: usize, of: [usize; 3]| {
        let mut cloud = Cloud::new("first").cluster(three());
        for host in 0..hosts {
            cloud = cloud
                .host(Host::new(format!("h{host}")).uri(format!("qemu+ssh://h{host}/system")).bridge("br0"));
        }
        cloud = cloud.network(Network::bridge("kube", "br0").subnet("10.17.4.0/24").gateway("10.17.4.1"));
        for (at, host) in of.into_iter().enumerate() {
            let (name, address) = (format!("s{}", at + 1), format!("10.17.4.2{at}"));
            cloud = cloud.machine(node(&name, &address).host(format!("h{host}")));
        }
        let all = found(&cloud).into_iter().filter(|found| found.starts_with("k3s-"));
        all.collect::<Vec<_>>()
    };
    assert_eq!(spread(3, [0, 1, 2]), [""; 0]);
    assert_eq!(spread(3, [0, 0, 2]), ["k3s-quorum-host clusters.prod.servers"]);
    assert_eq!(spread(2, [0, 0, 1]), [""; 0]);
    assert_eq!(spread(2, [1, 1, 1]), ["k3s-quorum-host clusters.prod.servers"]);
    assert_eq!(spread(1, [0, 0, 0]), [""; 0]);
}

#[test]
fn servers_run() {
    let mut off = cloud(three());
    for machine in off.machines.iter_mut().filter(|machine| machine.name.to_string() == "s2") {
        machine.power = Power::Stopped;
    }
    assert_eq!(found(&off), ["k3s-server-off clusters.prod.servers[1]"]);
}

#[test]
fn many_agents_want_large_servers() {
    let names: Vec<String> = (0..901).map(|n| format!("w{n}")).collect();
    let large = cloud(three().agents(&names).pods("10.128.0.0/12"));
    let [(message, help)] = says(&large, Kind::K3sServerSize).try_into().unwrap();
    assert_eq!(
        message,
        "s1 and 2 other servers of prod have less than 8 processors and 16 GiB for 901 agents"
    );
    assert_eq!(help, "give each server at least `.cpus(8)` and `.memory(\"16 GiB\")`");
    finds(three().agents(["a1"]), &[]);
}

#[test]
fn labels_of_nodes() {
    let mut cloud = cloud(three());
    for machine in cloud.machines.iter_mut().filter(|machine| machine.name.to_string() == "s1") {
        *machine = machine.clone().label("a=b").label("c=d").taint("x=y:NoSchedule").taint("x=z:NoExecute");
    }
    assert_eq!(found(&cloud), [""; 0]);
    for machine in cloud.machines.iter_mut().filter(|machine| machine.name.to_string() == "s1") {
        *machine = machine.clone().label("a=e").taint("x=w:NoSchedule");
    }
    for machine in cloud.machines.iter_mut().filter(|machine| machine.name.to_string() == "a3") {
        *machine = machine.clone().taint("x=w:NoSchedule");
    }
    assert_eq!(
        found(&cloud),
        [
            "k3s-label-duplicate machines.s1.labels[2]",
            "k3s-label-duplicate machines.s1.taints[2]",
            "k3s-label-unused machines.a3.taints",
        ]
    );
}

#[test]
fn external_addresses_are_those_of_a_node() {
    let mut cloud = cloud(three());
    for machine in cloud.machines.iter_mut().filter(|one| ["s1", "a3"].contains(&&*one.name.to_string())) {
        *machine = machine.clone().external_address("203.0.113.7");
    }
    assert_eq!(found(&cloud), ["k3s-label-unused machines.a3.external_addresses"]);
}

#[test]
fn nodes_of_a_cluster_have_names_of_their_own() {
    let named = |names: [(&str, &str); 2]| {
        let mut cloud = cloud(three().agents(["a1"]));
        for (machine, domain) in names {
            for machine in cloud.machines.iter_mut().filter(|one| one.name.to_string() == machine) {
                machine.hostname = Some("s2".into());
                machine.fqdn = Some(format!("s2.{domain}").into());
            }
        }
        cloud
    };
    // In two domains they are two names in DNS, but one node.
    let two = named([("a1", "north.example.com"), ("s3", "south.example.com")]);
    assert_eq!(found(&two), ["k3s-node-name machines.s3.hostname"]);
    let [(message, _)] = says(&two, Kind::K3sNodeName).try_into().unwrap();
    assert_eq!(message, "a1, s2 and s3 would be the node s2 of prod: K3s refuses every one but the first");
    // A machine of no cluster may have the name.
    let elsewhere = named([("a2", "north.example.com"), ("a3", "south.example.com")]);
    assert_eq!(found(&elsewhere), [""; 0]);
}

#[test]
fn wrong_leaves_are_passed_over() {
    let text = "
name: first
hosts: {local: {}}
clusters:
  a_b:
    version: latest
    servers: [m_1, m_1]
    agents: [m_1]
    endpoint: {address: x}
    pods: [y]
    services: [z]
    cluster_dns: [u]
    upgraded_from: v
    agent_version: w
";
    let found = found(&yaml(text));
    assert!(
        found.iter().all(|found| !found.starts_with("k3s-") || found.starts_with("k3s-cluster-dns")),
        "{found:?}"
    );
    assert!(!found.iter().any(|found| found.starts_with("k3s-cluster-dns")), "{found:?}");
}
