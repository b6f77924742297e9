//! The room that pods find on the nodes of their cluster, as the check judges it.

mod objects;

use fmc::finding::Finding;
use fmc::k3s::kubelet::Dropin;
use fmc::prelude::*;
use fmc_k8s::budget::{ClusterBudget, Short};
use fmc_k8s::container::Container;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::quantity::CpuExt as _;
use fmc_k8s::redis::Redis;
use fmc_k8s::stateful::Stateful;
use fmc_k8s::workload::Deployment;

use crate::check::container;

/// A node to be: its name, its vCPUs, its memory in MiB.
pub(crate) type Size3<'a> = (&'a str, u32, u32);

/// A cloud with one cluster, `single`, of these servers and agents.
pub(crate) fn cloud_of(servers: &[Size3<'_>], agents: &[Size3<'_>]) -> Cloud {
    shaped(servers, agents, |cluster| cluster, |machine| machine)
}

/// The same with another cluster, and other machines.
pub(crate) fn shaped(
    servers: &[Size3<'_>],
    agents: &[Size3<'_>],
    cluster: impl Fn(k3s::Cluster) -> k3s::Cluster,
    shape: impl Fn(Machine) -> Machine,
) -> Cloud {
    let machines = servers.iter().chain(agents).enumerate().map(|(index, (name, cpus, memory))| {
        let machine = Machine::new(*name, Image::debian("12").path("/images/debian-12.qcow2"))
            .cpus(*cpus)
            .memory(memory.mib())
            .root_disk(20.gib())
            .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
            .interface(Interface::on("lab").address(format!("10.17.{}.{}", index / 200, 10 + index % 200)));
        shape(machine)
    });
    let names = |of: &[Size3<'_>]| of.iter().map(|(name, ..)| (*name).to_owned()).collect::<Vec<_>>();
    let k3s = k3s::Cluster::new("single", "v1.36.2+k3s1").servers(names(servers)).agents(names(agents));
    // Several servers are reached by an address that outlives each of them.
    let k3s = if servers.len() > 1 { k3s.endpoint(k3s::Endpoint::address("10.17.255.10")) } else { k3s };
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.0.0/16"))
        .machines(machines)
        .cluster(cluster(k3s))
}

pub(crate) fn asks(name: &str, replicas: u16, millicores: u32, memory: u32) -> Deployment {
    Deployment::new(name, sized(name, millicores, memory)).replicas(replicas)
}

pub(crate) fn sized(name: &str, millicores: u32, memory: u32) -> Container {
    let image = format!("registry.example.org/web:1@sha256:{}", "0".repeat(64));
    Container::new(name, image, millicores.millicores(), memory.mib()).user(1000)
}

pub(crate) fn shop(deployments: impl IntoIterator<Item = Deployment>) -> Platform {
    let shop = deployments.into_iter().fold(Namespace::new("shop"), Namespace::deployment);
    Platform::on("single").namespace(shop)
}

/// The findings about room.
pub(crate) fn found(cloud: Cloud, platform: Platform) -> Vec<Finding> {
    let kinds = [
        "platform-too-large",
        "platform-no-room",
        "platform-may-wait",
        "platform-change-waits",
        "platform-crowded",
        "platform-limit-above-node",
    ];
    let all = match cloud.role(platform).check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => report.into_findings(),
    };
    all.into_iter().filter(|one| kinds.contains(&one.kind().as_str())).collect()
}

#[track_caller]
fn one(cloud: Cloud, platform: Platform, kind: &str, path: &str, message: &str) {
    // It comes after the roles that the cloud has.
    let at = format!("roles[{}].platform.{path}", cloud.roles.len());
    let found = found(cloud, platform);
    let told: Vec<_> =
        found.iter().map(|one| (one.kind().as_str(), one.at(), one.message().to_string())).collect();
    assert_eq!(told, [(kind, at.as_str(), message.to_owned())]);
}

/// Three nodes, each with 2 CPUs and 3918 MiB for pods.
fn three() -> Cloud {
    cloud_of(&[("one", 2, 4096)], &[("two", 2, 4096), ("three", 2, 4096)])
}

fn budget(cloud: Cloud, platform: &Platform) -> ClusterBudget {
    let checked = cloud.role(platform.clone()).check().unwrap_or_else(|report| panic!("{report}"));
    ClusterBudget::of(platform, &checked).unwrap()
}

#[test]
fn a_platform_that_fits_has_no_finding_and_a_table() {
    let mut namespace = Namespace::new("shop").deployment(asks("web", 3, 250, 512));
    namespace = namespace.redis(Redis::new(
        "cache",
        format!("docker.io/valkey/valkey:9.1.0@sha256:{}", "0".repeat(64)),
        256.mib(),
    ));
    namespace = namespace.stateful(Stateful::new("db", sized("db", 500, 1024)));
    let platform = Platform::on("single").namespace(namespace);
    assert_eq!(found(three(), platform.clone()), []);
    let budget = budget(three(), &platform);
    let table = budget.table("single");
    let all = table.rows().last().unwrap();
    // K3s's own pods are four and one on each node; they ask for 200m and 140 MiB.
    assert_eq!(all.join(" | "), "all |  | 2956 MiB | 11754 MiB | 1550m | 6 | 12 | 330");
    let names: Vec<&str> = table.rows().iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["one", "two", "three", "all"]);
    assert!(table.rows().iter().take(3).all(|row| row[1] == "any pod"), "{table:?}");
}

/// Services such as the seed names them, in its cluster.
pub(crate) fn seed_services() -> Platform {
    let image = format!("docker.io/valkey/valkey:9.1.0@sha256:{}", "0".repeat(64));
    let redis = |name: &str| Redis::new(name, image.clone(), 256.mib());
    let prometheus = sized("prometheus", 500, 1536).volume("/prometheus", "data");
    let jenkins = sized("jenkins", 500, 2048).volume("/var/jenkins_home", "home");
    let kafka = sized("kafka", 250, 1024).volume("/data", "log");
    Platform::on("prod").namespace(
        Namespace::new("seed")
            .stateful(Stateful::new("prometheus", prometheus).claim("data", 10.gib()))
            .stateful(Stateful::new("jenkins", jenkins).claim("home", 10.gib()))
            .stateful(Stateful::new("kafka", kafka).replicas(3).claim("log", 5.gib()))
            .deployment(asks("grafana", 1, 100, 256))
            .deployment(asks("alertmanager", 1, 50, 128))
            .redis(redis("cache"))
            .redis(redis("sessions").keep(1.gib())),
    )
}

/// S19: the seed gives its services no sizes, and later Jenkins a limit above a whole worker.
#[test]
fn the_seeds_services_find_room_and_its_jenkins_does_not() {
    assert_eq!(found(crate::seed::cloud(), seed_services()), []);
    let budget = budget(crate::seed::cloud(), &seed_services());
    let table = budget.table("prod");
    let lines = std::iter::once(table.columns()).chain(table.rows().iter().map(Vec::as_slice));
    let text: String = lines.map(|line| line.join(" | ") + "\n").collect();
    expect_test::expect![[r#"
        node | takes | memory | of | CPU | of | pods | of
        master1 | any pod | 1350 MiB | 3918 MiB | 450m | 2 | 4 | 110
        master2 | any pod | 1606 MiB | 3918 MiB | 600m | 2 | 3 | 110
        master3 | any pod | 2 GiB | 3918 MiB | 500m | 2 | 3 | 110
        worker1 | any pod | 1 GiB | 3416 MiB | 250m | 2 | 3 | 110
        worker2 | any pod | 512 MiB | 3416 MiB | 200m | 2 | 3 | 110
        worker3 | any pod | 1152 MiB | 3416 MiB | 300m | 2 | 3 | 110
        all |  | 7692 MiB | 22002 MiB | 2300m | 12 | 19 | 660
    "#]]
    .assert_eq(&text);
    let cloud = crate::seed::cloud().role(seed_services());
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    let view = fmc::json::CheckedView::of(&checked).with_tables(&cloud, &checked);
    let json = serde_json::to_string(&view).unwrap();
    let read: fmc::json::CheckedView = serde_json::from_str(&json).unwrap();
    assert_eq!(read.tables, [table]);

    let jenkins = |container: Container| {
        Platform::on("prod").namespace(Namespace::new("seed").stateful(Stateful::new("jenkins", container)))
    };
    let limited = jenkins(sized("jenkins", 500, 1024).memory_limit(4.gib()));
    let path = "namespaces[0].stateful_sets[0]";
    let message = "the limit of 4 GiB is above the 3918 MiB that the largest node, master3, gives";
    one(
        crate::seed::machines(),
        limited,
        "platform-limit-above-node",
        &format!("{path}.containers[0].memory_limit"),
        message,
    );
    let message = "a pod of seed/jenkins asks for 4 GiB of memory and 500m of CPU; the largest node, master3, gives 3918 MiB of memory and 2 of CPU";
    one(crate::seed::machines(), jenkins(sized("jenkins", 500, 4096)), "platform-too-large", path, message);
}

#[test]
fn a_pod_that_fits_on_no_node_is_found_with_the_largest() {
    let message = "a pod of shop/web asks for 4 GiB of memory and 100m of CPU; the largest node, big, gives 3918 MiB of memory and 2 of CPU";
    let cloud = || cloud_of(&[("small", 2, 2048)], &[("big", 2, 4096)]);
    one(
        cloud(),
        shop([asks("web", 1, 100, 4096)]),
        "platform-too-large",
        "namespaces[0].deployments[0]",
        message,
    );
    let message = "a pod of shop/web asks for 64 MiB of memory and 2001m of CPU; the largest node, big, gives 3918 MiB of memory and 2 of CPU";
    one(
        cloud(),
        shop([asks("web", 1, 2001, 64)]),
        "platform-too-large",
        "namespaces[0].deployments[0]",
        message,
    );
    // Each of the two is there, on different nodes.
    let cloud = cloud_of(&[("one", 8, 2048)], &[("two", 2, 8192)]);
    let message = "a pod of shop/web asks for 4 GiB of memory and 4 of CPU, and no node gives both: two gives 7932 MiB of memory and 2 of CPU";
    one(
        cloud,
        shop([asks("web", 1, 4000, 4096)]),
        "platform-too-large",
        "namespaces[0].deployments[0]",
        message,
    );
    // A service has its settings itself, and its containers count together.
    let redis =
        Redis::new("cache", format!("docker.io/valkey/valkey:9.1.0@sha256:{}", "0".repeat(64)), 5.gib());
    let found = found(three(), Platform::on("single").namespace(Namespace::new("shop").redis(redis)));
    assert_eq!(found[0].at(), "roles[0].platform.namespaces[0].redis[0]");
    let two = Deployment::new("web", sized("a", 100, 2048)).container(sized("b", 100, 2048));
    let found = self::found(three(), shop([two]));
    assert_eq!(found[0].kind().as_str(), "platform-too-large");
}

#[test]
fn pods_that_do_not_all_fit_are_found_by_their_sum_and_by_their_number() {
    let message = "the pods ask for 12140 MiB of memory, with K3s's own, and the 3 nodes that take them give 11754 MiB; most ask shop/web 12000 MiB (12 pods)";
    one(three(), shop([asks("web", 12, 100, 1000)]), "platform-no-room", "namespaces", message);
    let message = "the pods ask for 6100m of CPU, with K3s's own, and the 3 nodes that take them give 6; most ask shop/web 5900m (59 pods)";
    one(three(), shop([asks("web", 59, 100, 10)]), "platform-no-room", "namespaces", message);
    let message = "there are 332 pods, with K3s's own, and the 3 nodes that take them have room for 327";
    one(three(), shop([asks("web", 328, 1, 1)]), "platform-no-room", "namespaces", message);
    // Less than there is, but each node takes one of them.
    let message = "shop/web has 4 pods, and the 3 nodes that take them have room for 3 of them";
    one(
        three(),
        shop([asks("web", 4, 100, 2000)]),
        "platform-no-room",
        "namespaces[0].deployments[0].replicas",
        message,
    );
    let several = || shop([asks("a", 2, 100, 2200), asks("small", 1, 100, 100), asks("b", 2, 100, 2000)]);
    let message = "4 pods ask for 2000 MiB of memory or more, as those of shop/b do, and the 3 nodes that take them have room for 3 of them";
    one(three(), several(), "platform-no-room", "namespaces[0].deployments[2]", message);
    // One more node is enough.
    let four = cloud_of(&[("one", 2, 4096)], &[("two", 2, 4096), ("three", 2, 4096), ("four", 2, 4096)]);
    assert!(found(four, several()).iter().all(|one| !one.refuses()));
}

#[test]
fn pods_that_wait_although_the_sum_fits_are_a_warning() {
    // Small pods spread over both nodes, and leave no node to the large one.
    let cloud = || cloud_of(&[("one", 4, 4096)], &[("two", 4, 4096)]);
    let platform = shop([asks("small", 2, 100, 1400), asks("large", 1, 100, 3000)]);
    let found = found(cloud(), platform);
    let told: Vec<_> = found.iter().map(|one| (one.kind().as_str(), one.message().to_string())).collect();
    let message = "a pod of shop/large may find no node with 3000 MiB of memory and 100m of CPU left, although the nodes give more than all pods ask for";
    assert!(told.contains(&("platform-may-wait", message.to_owned())), "{told:?}");
    assert!(found.iter().all(|one| !one.refuses()));
}

#[test]
fn a_change_that_finds_no_room_for_a_new_pod_is_a_warning() {
    // A server uses much of its memory itself, so that the pods are on agents.
    let cloud = || {
        let config = k3s::Config::new().set(k3s::key::NODE_TAINT, ["CriticalAddonsOnly=true:NoExecute"]);
        let shape = move |cluster: k3s::Cluster| cluster.server_config(config.clone());
        shaped(&[("one", 2, 4096)], &[("two", 2, 4096), ("three", 2, 4096)], shape, |machine| machine)
    };
    let message = "a change of shop/web starts a new pod before it ends an old one, and no node has 2000 MiB of memory and 100m of CPU left for it";
    one(
        cloud(),
        shop([asks("web", 2, 100, 2000)]),
        "platform-change-waits",
        "namespaces[0].deployments[0]",
        message,
    );
    assert_eq!(found(cloud(), shop([asks("web", 2, 100, 1500)])), []);
    // A set ends its pod first, and so does a deployment of four pods.
    let set = Namespace::new("shop").stateful(Stateful::new("web", sized("web", 100, 2000)).replicas(2));
    assert_eq!(found(cloud(), Platform::on("single").namespace(set)), []);
    assert_eq!(found(cloud(), shop([asks("web", 4, 100, 1600)])), []);
}

#[test]
fn k3s_and_the_system_use_memory_that_no_kubelet_keeps() {
    let cloud = |keeps: Option<&str>| {
        let kept = |cluster: k3s::Cluster| match keeps {
            Some(memory) => {
                cluster.kubelet(Dropin::new("50-reserve.conf").system_reserved([("memory", memory)]))
            }
            None => cluster,
        };
        shaped(&[("one", 2, 4096)], &[], kept, |machine| machine)
    };
    let web = |memory| {
        Platform::on("single")
            .namespace(Namespace::new("shop").stateful(Stateful::new("web", sized("web", 100, memory))))
    };
    let message = "the pods ask for 2640 MiB of memory, and the nodes have 2258 MiB beside K3s and their systems, which use 1659 MiB that no kubelet keeps for them";
    one(cloud(None), web(2500), "platform-crowded", "namespaces", message);
    assert_eq!(found(cloud(None), web(2100)), []);
    // What is kept is not promised to pods, so that the large one finds no room at all.
    let message = "a pod of shop/web asks for 2500 MiB of memory and 100m of CPU; the largest node, one, gives 2218 MiB of memory and 2 of CPU";
    one(cloud(Some("1700Mi")), web(2500), "platform-too-large", "namespaces[0].stateful_sets[0]", message);
}

#[test]
fn a_limit_above_every_node_is_a_warning() {
    let limited = Deployment::new("jenkins", sized("jenkins", 500, 1024).memory_limit(4.gib()));
    let message = "the limit of 4 GiB is above the 3918 MiB that the largest node, three, gives";
    one(
        three(),
        shop([limited]),
        "platform-limit-above-node",
        "namespaces[0].deployments[0].containers[0].memory_limit",
        message,
    );
}

#[test]
fn taints_keep_pods_away_and_k3s_own_pods_tolerate_theirs() {
    let tainted = |taint: &'static str| {
        shaped(&[("one", 2, 4096)], &[], |cluster| cluster, move |machine| machine.taint(taint))
    };
    let message = "a pod of shop/web asks for 64 MiB of memory and 100m of CPU, and each node of the cluster has a taint that keeps it away";
    let web = || shop([asks("web", 1, 100, 64)]);
    one(
        tainted("CriticalAddonsOnly=true:NoExecute"),
        web(),
        "platform-too-large",
        "namespaces[0].deployments[0]",
        message,
    );
    assert_eq!(found(tainted("example.com/slow:PreferNoSchedule"), web()), []);
    // K3s's own pods are let in on the server, and the shop's on the agent alone.
    let server = k3s::Config::new().set(k3s::key::NODE_TAINT, ["CriticalAddonsOnly=true:NoExecute"]);
    let cloud = shaped(
        &[("one", 2, 4096)],
        &[("two", 2, 4096)],
        move |cluster| cluster.server_config(server.clone()),
        |machine| machine,
    );
    let budget = budget(cloud, &shop([asks("web", 2, 100, 1000)]));
    let rows = budget.table("single");
    assert_eq!([&rows.rows()[0][1], &rows.rows()[1][1]], ["K3s's own", "any pod"]);
    assert!(budget.nodes[1].asked.memory >= 2000.mib(), "{budget:?}");
    assert!(budget.fit.is_right(), "{budget:?}");
}

#[test]
fn a_machine_that_is_off_gives_nothing_and_a_lab_is_not_judged() {
    let off = shaped(
        &[("one", 2, 4096)],
        &[("two", 2, 8192)],
        |cluster| cluster,
        |machine| if machine.name.to_string() == "two" { machine.power(Power::Stopped) } else { machine },
    );
    let found_off = found(off, shop([asks("web", 1, 100, 6000)]));
    assert_eq!(found_off[0].kind().as_str(), "platform-too-large");
    let mut lab = three().role(shop([asks("web", 12, 100, 1000)]));
    lab.lab = true;
    let found: Vec<String> = match lab.check() {
        Ok(checked) => checked.findings().iter().map(|one| one.kind().to_string()).collect(),
        Err(report) => panic!("{report}"),
    };
    assert!(!found.iter().any(|kind| kind.contains("room") || kind.contains("too-large")), "{found:?}");
}

#[test]
fn a_node_whose_machine_is_wrong_is_not_missed() {
    let wrong = shaped(
        &[("one", 2, 4096)],
        &[("two", 2, 8192)],
        |cluster| cluster,
        |machine| if machine.name.to_string() == "two" { machine.memory("8 GB") } else { machine },
    );
    let report = wrong.clone().role(shop([])).check().unwrap_err();
    assert!(report.findings().iter().any(|one| one.at() == "machines.two.memory"), "{report}");
    assert_eq!(found(wrong, shop([asks("web", 1, 100, 6000)])), []);
}

#[test]
fn what_k3s_leaves_out_asks_for_nothing() {
    use fmc::k3s::Component;

    let bare = |cluster: k3s::Cluster| {
        [Component::Coredns, Component::MetricsServer, Component::Traefik, Component::LocalStorage]
            .into_iter()
            .fold(cluster, k3s::Cluster::disable)
    };
    let cloud = shaped(&[("one", 2, 4096)], &[], bare, |machine| machine);
    let budget = budget(cloud, &shop([]));
    assert_eq!(budget.nodes[0].asked.pods, 0);
}

#[test]
fn a_finding_about_room_is_accepted_with_a_reason() {
    let cloud = three().accept("platform-no-room", "the cluster gets further nodes by hand");
    let platform = shop([asks("web", 4, 100, 2000)]);
    let budget = budget(cloud, &platform);
    assert!(matches!(budget.fit.short, Some(Short::Workload { pods: 4, room: 3, .. })), "{budget:?}");
}

#[test]
fn ten_thousand_pods_on_a_hundred_nodes_are_judged() {
    let names: Vec<String> = (0..100).map(|index| format!("node{index}")).collect();
    let sizes: Vec<Size3<'_>> = names.iter().map(|name| (name.as_str(), 16, 32768)).collect();
    let (servers, agents) = sizes.split_at(3);
    let cloud = cloud_of(servers, agents);
    let many = Deployment::new("many", container("many")).replicas(2000);
    let own = (0..8000).map(|index| asks(&format!("own{index}"), 1, 50 + index % 100, 100 + index % 300));
    let platform = shop([many].into_iter().chain(own));
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    let budget = ClusterBudget::of(&platform, &checked).unwrap();
    assert!(budget.fit.too_large.is_empty() && budget.fit.short.is_none(), "{:?}", budget.fit.short);
    assert_eq!(budget.nodes.iter().map(|one| one.asked.pods).sum::<u64>(), 10_104);
}
