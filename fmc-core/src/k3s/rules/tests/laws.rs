//! Laws of clusters: no draft panics, the order of declaration does not matter, and each of ten thousand agents is
//! looked at once.

use proptest::prelude::*;
use proptest::sample::select;

use super::{cloud as ten, flatcar, install, node};
use crate::balancer::Balancer;
use crate::check::tests::findings;
use crate::cloud::Cloud;
use crate::host::Host;
use crate::k3s::{self, Config, Datastore, Endpoint, Key, S3, Snapshots, key};
use crate::machine::{Interface, Machine};
use crate::network::Network;
use crate::secret::Secret;

/// Texts that are right somewhere, and any others.
fn text() -> impl Strategy<Value = String> {
    let known = [
        "s1",
        "s2",
        "a1",
        "a_b",
        "",
        "nobody",
        "10.17.4.21",
        "10.17.4.10",
        "10.43.0.10",
        "fd00::1",
        "10.42.0.0/16",
        "10.17.0.0/16",
        "0.0.0.0/0",
        "255.255.255.255/32",
        "10.43.0.0/31",
        "::/0",
        "fd00:42::/56",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
        "v1.36.3+k3s1",
        "v1.0.0+k3s1",
        "v65534.65534.65534+k3s65534",
        "cluster.local",
        "localhost",
        "host-gw",
        "none",
        "secretbox",
        "traefik",
        "servicelb",
        "disabled",
        "1-65535",
        "0s",
        "0",
        "0644",
        "node-cidr-mask-size=255",
        "node-cidr-mask-size=0",
        "tls-min-version",
        "tls-cipher-suites=,",
        "=",
    ];
    prop_oneof![9 => select(known.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 0..4)
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(text())
}

fn config() -> impl Strategy<Value = Config> {
    let flags = prop::collection::vec(any::<bool>(), 3);
    (flags, prop::collection::vec(text(), 6), prop::collection::vec(any::<bool>(), 6)).prop_map(
        |(flags, texts, has)| {
            let mut config = Config::new();
            let [a, b, c] = flags[..] else { return config };
            if has[0] {
                config = config.set(key::PROTECT_KERNEL_DEFAULTS, a).set(key::DOCKER, b);
            }
            if has[1] {
                config = config.set(key::SERVICE_NODE_PORT_RANGE, &*texts[0]);
            }
            if has[2] {
                config = config.set(key::KUBE_CONTROLLER_MANAGER_ARG, [&*texts[1], &*texts[2]]);
            }
            if has[3] {
                config = config.set(key::WRITE_KUBECONFIG_MODE, &*texts[3]).set(key::DISABLE_SCHEDULER, c);
            }
            if has[4] {
                config = config.set(key::ETCD_S3_TIMEOUT, &*texts[4]).set(key::KUBELET_ARG, [&*texts[5]]);
            }
            if has[5] {
                config = config.set(key::SERVER, &*texts[0]).set(key::CLUSTER_CIDR, [&*texts[1]]);
            }
            config
        },
    )
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    prop_oneof![
        Just(Endpoint::server()),
        text().prop_map(Endpoint::address),
        text().prop_map(Endpoint::name),
        texts().prop_map(|machines| Endpoint::balancer(Balancer::on_all(machines))),
    ]
}

prop_compose! {
    fn cluster()(
        name in text(), version in text(), endpoint in endpoint(), servers in texts(), agents in texts(),
        ingress in texts(), lists in prop::collection::vec(texts(), 4), fields in prop::collection::vec(maybe(), 8),
        configs in prop::collection::vec(config(), 3), flags in prop::collection::vec(any::<bool>(), 5),
    ) -> k3s::Cluster {
        let mut cluster = k3s::Cluster::new(name, version)
            .endpoint(endpoint).servers(servers).agents(agents).ingress(ingress).cis(flags[0]);
        for (index, list) in lists.into_iter().enumerate() {
            for text in list {
                cluster = match index {
                    0 => cluster.pods(text),
                    1 => cluster.services(text),
                    2 => cluster.cluster_dns(text),
                    _ => cluster.disable(text),
                };
            }
        }
        for (index, text) in fields.into_iter().enumerate().filter_map(|(index, text)| Some((index, text?))) {
            cluster = match index {
                0 => cluster.initial(text),
                1 => cluster.cluster_domain(text),
                2 => cluster.flannel(text),
                3 => cluster.secrets_encryption(text),
                4 => cluster.egress(text),
                5 => cluster.bootstrap(text),
                6 => cluster.upgraded_from(text),
                _ => cluster.agent_version(text),
            };
        }
        let mut configs = configs.into_iter();
        let mut next = || configs.next().unwrap_or_default();
        cluster = cluster.config(next()).server_config(next()).agent_config(next());
        if flags[1] { cluster = cluster.install(install()); }
        if flags[2] { cluster = cluster.datastore(Datastore::endpoint(Secret::environment("dsn", "DSN"))); }
        if flags[3] { cluster = cluster.snapshots(Snapshots::off().s3(S3::bucket("b").timeout("0s"))); }
        if flags[4] {
            let token = || Secret::file("t", "t");
            cluster = cluster.credentials(k3s::pki::Credentials::new().server_token(token()).agent_token(token()));
        }
        cluster
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_cluster_panics_and_a_refused_one_has_an_error(one in cluster(), other in cluster()) {
        findings(&ten(one).cluster(other));
    }

    #[test]
    fn the_order_of_declaration_changes_nothing(one in cluster(), other in cluster()) {
        let other = k3s::Cluster { name: "b".into(), ..other };
        let cloud = ten(k3s::Cluster { name: "a".into(), ..one }).cluster(other);
        let mut reversed = cloud.clone();
        reversed.machines = cloud.machines.iter().rev().cloned().collect();
        reversed.networks = cloud.networks.iter().rev().cloned().collect();
        reversed.clusters = cloud.clusters.iter().rev().cloned().collect();
        prop_assert_eq!(findings(&cloud), findings(&reversed));
    }
}

/// Every key that follows from the cluster is refused, and no other one is.
#[test]
fn each_key_that_is_owned_is_refused() {
    let refused = |key: Key| {
        let value = match key.flag_type() {
            key::FlagType::Bool => "true",
            key::FlagType::Int => "1",
            _ => "\"x\"",
        };
        let value = if key.is_secret() { "{name: s, source: {file: s}}" } else { value };
        let config: Config = serde_saphyr::from_str(&format!("{key}: {value}")).unwrap();
        let cloud = ten(super::three().config(config));
        findings(&cloud).iter().any(|finding| finding.kind().as_str() == "k3s-config-owned")
    };
    for key in Key::ALL {
        assert_eq!(refused(*key), key.owner().is_some(), "{key}");
    }
}

/// A cluster of three servers and so many agents, on a network for each two hundred.
fn large(count: usize) -> Cloud {
    let names: Vec<String> = (0..count).map(|n| format!("w{n}")).collect();
    let cluster = super::cluster()
        .servers(["s0", "s1", "s2"])
        .agents(&names)
        .pods("10.128.0.0/9")
        .endpoint(Endpoint::address("172.16.0.250"));
    let mut cloud = Cloud::new("large")
        .host(Host::local())
        .network(Network::routed("kube", "172.16.0.0/24"))
        .cluster(cluster);
    for n in 0..3 {
        cloud =
            cloud.machine(node(&format!("s{n}"), &format!("172.16.0.{}", n + 10)).cpus(16).memory("32 GiB"));
    }
    for (n, name) in names.iter().enumerate() {
        let (net, host) = (n / 200, n % 200);
        let network = format!("n{net}");
        if host == 0 {
            cloud = cloud.network(Network::routed(&*network, format!("10.0.{net}.0/24")));
        }
        cloud = cloud.machine(
            Machine::new(&**name, flatcar())
                .root_disk("9 GiB")
                .interface(Interface::on(&*network).address(format!("10.0.{net}.{}", host + 2)))
                .user(crate::guest::User::admin("ops").key(super::KEY)),
        );
    }
    cloud
}

#[test]
fn ten_thousand_agents_find_nothing() {
    assert_eq!(findings(&large(10_000)), []);
}

#[test]
fn ten_thousand_agents_of_a_wrong_cluster_are_one_finding_each_kind() {
    let mut cloud = large(10_000);
    for cluster in cloud.clusters.iter_mut() {
        *cluster = cluster.clone().pods("fd00:42::/48").services("10.43.0.0/16").services("fd00:43::/112");
        cluster.install = k3s::Install::release();
    }
    let kinds: Vec<_> = findings(&cloud).iter().map(|finding| finding.kind().as_str()).collect();
    assert_eq!(kinds, ["k3s-subnet-family", "k3s-install-unpinned"]);
}
