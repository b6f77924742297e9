//! Workloads that keep data: their volumes grow, and outlive them until a person says otherwise.

use fmc::graph::{Action, Choices, DeleteData, Impact, NoteKind};
use fmc::prelude::*;
use fmc_k8s::container::{Container, Probe};
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_k8s::sim::Sim;
use fmc_k8s::stateful::{Stateful, VolumeClaim};
use fmc_k8s::workload::Deployment;
use pollster::block_on;
use serde_json::json;

use crate::check::{container, kinds, of, one};
use crate::cloud::{World, cloud, cloud_on, deleted, notes, steps};

const SET: &str = "namespaces[0].stateful_sets[0]";

fn keeper() -> Container {
    container("db").port("sql", 5432).ready(Probe::tcp("sql")).user(1000).volume("/var/lib/db", "data")
}

pub(crate) fn set(claim: VolumeClaim) -> Stateful {
    Stateful::new("db", keeper()).replicas(2).claim_of(claim).expose(5432, "sql")
}

pub(crate) fn shelf(sets: impl IntoIterator<Item = Stateful>) -> Platform {
    shelf_of(sets.into_iter().fold(Namespace::new("shop"), Namespace::stateful))
}

/// The same without a class of volumes, where another hand makes it.
#[cfg(all(feature = "client", feature = "full"))]
pub(crate) fn shelf_without_class(sets: impl IntoIterator<Item = Stateful>) -> Platform {
    Platform::on("single").namespace(sets.into_iter().fold(Namespace::new("shop"), Namespace::stateful))
}

/// A namespace in a platform that makes the class `block`.
pub(crate) fn shelf_of(namespace: Namespace) -> Platform {
    let class = json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": { "name": "block" },
        "provisioner": "block.example.org",
        "allowVolumeExpansion": true,
    });
    Platform::on("single").object(RawObject::of(&class)).namespace(namespace)
}

fn block(size: Size) -> VolumeClaim {
    VolumeClaim::new("data", size).class("block")
}

fn size(world: &World<Sim>, claim: &str) -> String {
    let object = world.cluster.object("claim", "shop", claim).unwrap();
    object.pointer("/spec/resources/requests/storage").unwrap().as_str().unwrap().to_owned()
}

#[test]
fn a_set_has_its_service_its_group_and_its_claims() {
    let world = World::new();
    world.apply(&shelf([set(block(1.gib()))]));
    let db = world.cluster.object("stateful-set", "shop", "db").unwrap();
    assert_eq!(db["spec"]["serviceName"], "db-pods");
    let stays = json!({ "whenDeleted": "Retain", "whenScaled": "Retain" });
    assert_eq!(db["spec"]["persistentVolumeClaimRetentionPolicy"], stays);
    let pod = &db["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["fsGroup"], 1000);
    assert_eq!(
        pod["containers"][0]["volumeMounts"][0],
        json!({ "name": "data", "mountPath": "/var/lib/db" })
    );
    assert!(pod.get("volumes").is_none(), "{pod}");
    let service = world.cluster.object("service", "shop", "db-pods").unwrap();
    assert_eq!(service["spec"]["clusterIP"], "None");
    assert!(world.cluster.object("pod-disruption-budget", "shop", "db").is_some());
    assert_eq!(size(&world, "data-db-1"), "1Gi");
}

#[test]
fn data_stays_until_a_person_names_its_set() {
    let world = World::new();
    world.apply(&shelf([set(block(1.gib()))]));
    let plan = world.apply(&shelf([]));
    assert_eq!(
        deleted(&plan),
        ["pod-disruption-budget/shop/db", "service/shop/db", "service/shop/db-pods", "stateful-set/shop/db"],
        "{plan}"
    );
    let kept = notes(&plan, NoteKind::Kept);
    let told = "stateful-set/shop/db left its data: `--delete-data stateful-set/shop/db` deletes it";
    assert_eq!(kept, [told, told], "{plan}");
    // The namespace holds the data.
    let plan = world.apply(&Platform::on("single"));
    assert!(!deleted(&plan).contains(&"namespace/shop".to_owned()), "{plan}");
    assert!(world.cluster.object("claim", "shop", "data-db-0").is_some());
    // The set finds its data again.
    world.apply(&shelf([set(block(1.gib()))]));

    let wanted = world.wanted(Platform::on("single"));
    let of = |name: &str| DeleteData::Of([name.to_owned()].into());
    let choices = Choices { delete_data: of("stateful-set/shop/db"), ..Choices::default() };
    let plan = block_on(world.providers.plan_with(&wanted, choices)).unwrap();
    let gone = deleted(&plan);
    assert!(
        gone.contains(&"claim/shop/data-db-0".to_owned()) && gone.contains(&"namespace/shop".to_owned()),
        "{plan}"
    );
    let order: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    let at = |name: &str| order.iter().position(|one| one == name).unwrap();
    assert!(at("stateful-set/shop/db") < at("claim/shop/data-db-0"), "{plan}");
    assert!(at("claim/shop/data-db-1") < at("namespace/shop"), "{plan}");
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.object("namespace", "", "shop").is_none());
}

#[test]
fn a_claim_grows_in_one_step_where_its_class_allows_it_and_never_shrinks() {
    let world = World::new();
    world.apply(&shelf([set(block(1.gib()))]));
    let plan = world.apply(&shelf([set(block(2.gib()))]));
    assert_eq!(steps(&plan), [(Action::Update, "stateful-set/shop/db".to_owned())], "{plan}");
    let part = plan.step("stateful-set/shop/db").unwrap();
    assert_eq!(part.impact(), Impact::Live, "{plan}");
    assert!(
        part.details()[0].contains("1Gi -> 2Gi (its claims grow with their data"),
        "{:?}",
        part.details()
    );
    assert_eq!((size(&world, "data-db-0"), size(&world, "data-db-1")), ("2Gi".to_owned(), "2Gi".to_owned()));

    let refused = notes(&world.plan(shelf([set(block(1.gib()))])), NoteKind::Held);
    assert!(refused[0].contains("the claim data cannot shrink from 2Gi to 1Gi"), "{refused:?}");

    let world = World::new();
    world.apply(&shelf([set(VolumeClaim::new("data", 1.gib()))]));
    let refused = notes(&world.plan(shelf([set(VolumeClaim::new("data", 2.gib()))])), NoteKind::Held);
    let why = "its storage class makes volumes that do not grow, as that of K3s does: it refuses data-db-0 from 1Gi to 2Gi";
    assert!(refused[0].starts_with(why), "{refused:?}");
    assert_eq!(size(&world, "data-db-0"), "1Gi");
}

#[test]
fn a_growth_that_was_cut_off_goes_on() {
    let patched = |world: &World<Sim>, pod: u8| {
        let mut claim = world.cluster.object("claim", "shop", &format!("data-db-{pod}")).unwrap();
        claim["spec"]["resources"]["requests"]["storage"] = json!("2Gi");
        world.cluster.put(claim);
    };
    for (patches, is_set_gone) in [(1, false), (2, false), (2, true)] {
        let world = World::new();
        world.apply(&shelf([set(block(1.gib()))]));
        (0..patches).for_each(|pod| patched(&world, pod));
        if is_set_gone {
            world.cluster.delete("stateful-set", "shop", "db");
        }
        let plan = world.apply(&shelf([set(block(2.gib()))]));
        let action = if is_set_gone { Action::Create } else { Action::Update };
        assert_eq!(steps(&plan), [(action, "stateful-set/shop/db".to_owned())], "{plan}");
        assert_eq!(
            (size(&world, "data-db-0"), size(&world, "data-db-1")),
            ("2Gi".to_owned(), "2Gi".to_owned())
        );
    }
}

#[test]
fn another_change_of_what_the_server_keeps_is_a_replacement_that_loses_nothing() {
    let world = World::new();
    world.apply(&shelf([set(block(1.gib()))]));
    let further = set(block(1.gib())).claim_of(VolumeClaim::new("log", 1.gib()).class("block"));
    let plan = world.apply(&shelf([further]));
    assert_eq!(steps(&plan), [(Action::Replace, "stateful-set/shop/db".to_owned())], "{plan}");
    let lines = plan.step("stateful-set/shop/db").unwrap().details();
    assert!(lines.iter().any(|line| line.contains("its claims stay with their data")), "{lines:?}");
    assert!(world.cluster.object("claim", "shop", "data-db-0").is_some());
    assert!(world.cluster.object("claim", "shop", "log-db-1").is_some());
}

#[test]
fn an_apply_waits_until_the_pods_of_a_set_are_ready() {
    let world = World::new();
    world.apply(&shelf([set(block(1.gib()))]));
    world.cluster.breaks("shop/db", "no node has room");
    let plan = world.plan(shelf([set(block(1.gib())).ready_within(1)]));
    assert!(plan.to_string().contains("pods not ready -> ready"), "{plan}");
    assert!(!world.run(&plan).is_converged());
    world.cluster.mends("shop/db");
    world.apply(&shelf([set(block(1.gib()))]));
}

#[test]
fn each_mistake_with_a_claim_is_found_where_it_stands() {
    let find = |set: Stateful, kind: &str, path: &str| one(shelf([set]), kind, &format!("{SET}{path}"));
    let right = || set(block(1.gib()));
    find(right().claim("data", 1.gib()), "platform-twice", ".claims[1]");
    let lost = VolumeClaim::new("data", 1.gib()).survives_node();
    find(set(lost), "platform-lost-with-node", ".claims[0]");
    let other = Stateful::new("db", keeper()).claim("log", 1.gib());
    find(other, "platform-no-claim", ".containers[0].mounts[0].from.claim");
    find(right().group(0), "platform-root", ".group");
    let unsaid = Stateful::new("db", container("db").volume("/a", "data")).claim_of(block(1.gib()));
    find(unsaid, "platform-no-writer", "");
    let long = "a".repeat(53);
    find(Stateful::new(long.as_str(), keeper()).claim_of(block(1.gib())), "platform-value", ".name");
    find(Stateful::new("1db", keeper()).claim_of(block(1.gib())), "platform-value", ".name");
    let nothing = set(VolumeClaim::new("data", Size::bytes(0)).class("block"));
    assert_eq!(kinds(shelf([nothing]))[0].1, format!("roles[0].platform.{SET}.claims[0].size"));
    one(
        of(container("web").volume("/a", "data")),
        "platform-no-claim",
        "namespaces[0].deployments[0].containers[0].mounts[0].from.claim",
    );
    let named =
        Namespace::new("shop").stateful(right()).deployment(Deployment::new("db-pods", container("a")));
    one(shelf_of(named), "platform-twice", SET);
    let named = Namespace::new("shop").stateful(right()).deployment(Deployment::new("db", container("a")));
    one(shelf_of(named), "platform-twice", SET);
    assert_eq!(kinds(shelf([right()])), []);
}

#[test]
fn a_folder_of_one_node_is_told_in_a_cluster_of_several() {
    let agent = Machine::new("agent", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
        .interface(Interface::on("lab").address("10.17.3.11"));
    let cluster = k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]).agents(["agent"]);
    let of =
        |claim| crate::cloud::cloud_with(cluster.clone()).machine(agent.clone()).role(shelf([set(claim)]));
    let told = |cloud: Cloud| -> Vec<String> {
        let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
        let ours = checked.findings().iter().filter(|one| one.at().contains(".claims"));
        ours.map(|one| format!("{} {}", one.kind(), one.message())).collect()
    };
    let local = told(of(VolumeClaim::new("data", 1.gib())));
    assert_eq!(
        local,
        [
            "platform-node-local data is of the class local-path: a folder on one node, and its pod can start on no other of the 2 nodes"
        ]
    );
    assert_eq!(told(of(block(1.gib()))), [""; 0]);
    assert_eq!(told(cloud().role(shelf([set(VolumeClaim::new("data", 1.gib()))]))), [""; 0]);
}

/// The controller names a volume by the claim and the set, and the two can be divided in two ways.
#[test]
fn two_sets_do_not_share_a_volume() {
    let of = |name: &'static str, claim: &'static str| {
        let container = container(name).user(1000).volume("/var/lib/db", claim);
        Stateful::new(name, container).claim_of(VolumeClaim::new(claim, 1.gib()).class("block"))
    };
    one(
        shelf([of("db-x", "data"), of("x", "data-db")]),
        "platform-twice",
        "namespaces[0].stateful_sets[1].claims[0]",
    );
    assert_eq!(kinds(shelf([of("db-x", "data"), of("x", "data")])), []);
}

#[test]
fn a_new_set_that_takes_over_data_is_said_to_and_makes_it_as_large_as_wanted() {
    let world = World::new();
    world.apply(&shelf([set(block(1.gib()))]));
    world.apply(&shelf([]));
    let plan = world.plan(shelf([set(block(3.gib()))]));
    let said = notes(&plan, NoteKind::Notice);
    let taken = said.iter().filter(|text| text.starts_with("the new set takes over its data")).count();
    assert_eq!(taken, 2, "{plan}");
    assert!(said.iter().any(|text| text.ends_with("and grows from 1Gi to 3Gi")), "{plan}");
    world.apply(&shelf([set(block(3.gib()))]));
    assert_eq!((size(&world, "data-db-0"), size(&world, "data-db-1")), ("3Gi".to_owned(), "3Gi".to_owned()));
}

/// A claim is compared by itself too: its set may be as wanted.
#[test]
fn a_claim_that_is_smaller_than_its_set_wants_grows_and_one_that_differs_otherwise_is_told() {
    let world = World::new();
    world.apply(&shelf([set(block(2.gib()))]));
    let put = |claim: &str, pointer: &str, value: &str| {
        let mut object = world.cluster.object("claim", "shop", claim).unwrap();
        *object.pointer_mut(pointer).unwrap() = json!(value);
        world.cluster.delete("claim", "shop", claim);
        world.cluster.put(object);
    };
    put("data-db-0", "/spec/resources/requests/storage", "1Gi");
    put("data-db-1", "/spec/resources/requests/storage", "5Gi");
    let plan = world.apply(&shelf([set(block(2.gib()))]));
    assert_eq!(steps(&plan), [(Action::Update, "stateful-set/shop/db".to_owned())], "{plan}");
    let lines = plan.step("stateful-set/shop/db").unwrap().details();
    let grows = "claims[data-db-0].spec.resources.requests.storage 1Gi -> 2Gi (it grows with its data)";
    assert_eq!(lines, [grows]);
    let larger = "it has 5Gi and not 2Gi: a claim never shrinks";
    assert_eq!(notes(&plan, NoteKind::Notice), [larger], "{plan}");
    assert_eq!(size(&world, "data-db-0"), "2Gi");

    put("data-db-1", "/spec/storageClassName", "other");
    let said = notes(&world.plan(shelf([set(block(2.gib()))])), NoteKind::Left);
    assert!(said[0].contains("it is of the class other and stays so, block is for new ones"), "{said:?}");
}

#[test]
fn a_claim_of_another_name_leaves_the_old_one_with_its_data_and_says_so() {
    let world = World::new();
    world.apply(&shelf([set(block(1.gib()))]));
    let other = || {
        let container = container("db").port("sql", 5432).ready(Probe::tcp("sql")).user(1000);
        let container = container.volume("/var/lib/db", "store");
        let store = VolumeClaim::new("store", 1.gib()).class("block");
        shelf([Stateful::new("db", container).replicas(2).claim_of(store).expose(5432, "sql")])
    };
    let kept = |pod: u8| {
        format!("no pod uses it any more: `--delete-data claim/shop/data-db-{pod}` deletes it with its data")
    };
    let plan = world.apply(&other());
    assert_eq!(notes(&plan, NoteKind::Kept), [kept(0), kept(1)], "{plan}");
    let begins =
        "store-db-0 and store-db-1 begin empty: the data of data-db-0 and data-db-1 stays where it is";
    assert_eq!(notes(&plan, NoteKind::Notice), [begins], "{plan}");
    assert_eq!(notes(&world.plan(other()), NoteKind::Notice), Vec::<String>::new());
    assert!(world.cluster.object("claim", "shop", "data-db-0").is_some());

    let of = DeleteData::Of(["claim/shop/data-db-0".to_owned()].into());
    let choices = Choices { delete_data: of, ..Choices::default() };
    let plan = block_on(world.providers.plan_with(&world.wanted(other()), choices)).unwrap();
    assert_eq!(deleted(&plan), ["claim/shop/data-db-0"], "{plan}");
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.object("claim", "shop", "data-db-0").is_none());
    assert!(world.cluster.object("claim", "shop", "data-db-1").is_some());
}

#[test]
fn a_set_of_another_name_begins_empty_and_one_with_fewer_pods_leaves_data() {
    let world = World::new();
    world.apply(&shelf([set(block(1.gib()))]));
    let renamed = shelf([Stateful::new("store", keeper()).claim_of(block(1.gib())).expose(5432, "sql")]);
    let plan = world.plan(renamed);
    let begins = "data-store-0 begins empty: the data of data-db-0 and data-db-1 stays where it is";
    assert_eq!(notes(&plan, NoteKind::Notice), [begins], "{plan}");
    // So does a namespace of another name.
    let moved = Platform::on("single").namespace(Namespace::new("store").stateful(set(block(1.gib()))));
    let begins = "data-db-0 and data-db-1 begin empty: the data of shop/data-db-0 and shop/data-db-1 stays where it is";
    assert_eq!(notes(&world.plan(moved), NoteKind::Notice), [begins]);
    let other = Stateful::new("other", keeper()).claim_of(block(1.gib())).expose(5432, "sql");
    let other = Platform::on("single").namespace(Namespace::new("store").stateful(other));
    assert_eq!(notes(&world.plan(other), NoteKind::Notice), Vec::<String>::new());

    let plan = world.apply(&shelf([set(block(1.gib())).replicas(1)]));
    let lines = plan.step("stateful-set/shop/db").unwrap().details();
    assert_eq!(lines, ["spec.replicas 2 -> 1"], "no pod starts anew");
    let kept =
        "no pod uses it while db has 1 pod: `--delete-data claim/shop/data-db-1` deletes it with its data";
    assert_eq!(notes(&plan, NoteKind::Kept), [kept], "{plan}");
    assert!(world.cluster.object("claim", "shop", "data-db-1").is_some());
    // It is used again, without a word about an empty one.
    let plan = world.apply(&shelf([set(block(1.gib()))]));
    assert_eq!((notes(&plan, NoteKind::Kept), notes(&plan, NoteKind::Notice)), (Vec::new(), Vec::new()));
}

#[test]
fn the_disks_of_nodes_are_compared_with_what_their_folders_are_claimed_for() {
    let local = |size: Size| shelf([set(VolumeClaim::new("data", size))]);
    let found = |cloud: Cloud| -> Vec<String> {
        let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
        let ours = checked.findings().iter().filter(|one| {
            let kind = one.kind().to_string();
            kind.starts_with("platform-") && kind != "platform-closed"
        });
        ours.map(|one| format!("{} {}: {}", one.kind(), one.at(), one.message())).collect()
    };
    let all = "roles[0].platform.namespaces";
    assert_eq!(found(cloud().role(local(10.gib()))), Vec::<String>::new());
    let over = format!(
        "platform-volume-too-large {all}: the volumes of local-path take 22 GiB together, and the disks of the nodes have 20 GiB"
    );
    assert_eq!(found(cloud().role(local(11.gib()))), [over]);
    let larger = "a volume of 21 GiB is a folder on a node's disk, and the largest, that of node, has 20 GiB";
    let at = format!("{all}[0].stateful_sets[0].claims[0]");
    assert_eq!(found(cloud().role(local(21.gib()))), [format!("platform-volume-too-large {at}: {larger}")]);
    assert_eq!(found(cloud().role(shelf([set(block(1.tib()))]))), Vec::<String>::new());

    let on_root = |cluster: k3s::Cluster| {
        let state = Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s/server");
        cloud_on([state, Disk::new("data", 30.gib()).mount("/srv")], cluster)
    };
    let cluster = || k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]);
    let told = "the volumes of local-path are on the root disk of node, which a replacement makes anew";
    let told = format!("platform-data-on-root {all}: {told}");
    assert_eq!(found(on_root(cluster()).role(local(1.gib()))), [told]);
    assert_eq!(found(on_root(cluster()).role(shelf([]))), Vec::<String>::new());
    let elsewhere = cluster().server_config(
        k3s::Config::new().set(k3s::key::DEFAULT_LOCAL_STORAGE_PATH, AbsPath::literal("/srv/volumes")),
    );
    assert_eq!(found(on_root(elsewhere).role(local(15.gib()))), Vec::<String>::new());
    let without = cluster().disable(k3s::Component::LocalStorage);
    let told = format!(
        "platform-no-class {at}: single leaves out `local-storage`, which makes the volumes of local-path"
    );
    assert_eq!(found(on_root(without).role(local(1.gib()))), [told]);
}

#[test]
fn a_set_that_is_made_again_over_claims_that_cannot_grow_is_refused() {
    let world = World::new();
    world.apply(&shelf([set(VolumeClaim::new("data", 1.gib()))]));
    world.apply(&shelf([]));
    let plan = world.plan(shelf([set(VolumeClaim::new("data", 2.gib()))]));
    let refused = notes(&plan, NoteKind::Held);
    assert!(refused.len() == 2 && refused[0].contains("it refuses data-db-0 from 1Gi to 2Gi"), "{plan}");
    world.apply(&shelf([set(VolumeClaim::new("data", 1.gib()))]));
}

#[test]
fn a_claim_that_somebody_deletes_is_told_while_its_pod_runs() {
    let world = World::new();
    world.apply(&shelf([set(block(1.gib()))]));
    let mut claim = world.cluster.object("claim", "shop", "data-db-0").unwrap();
    claim["metadata"]["deletionTimestamp"] = json!("2026-11-30T12:00:00Z");
    world.cluster.put(claim);
    let plan = world.plan(shelf([set(block(1.gib()))]));
    let told =
        "somebody deletes it: its data goes as soon as no pod uses it. Copy the data while its pod runs";
    assert_eq!(notes(&plan, NoteKind::Left), [told], "{plan}");
    assert!(!plan.is_empty());
}

/// A growth beside a change that needs a new set is not forgotten.
#[test]
fn a_replaced_set_has_its_claims_grown_too() {
    let world = World::new();
    world.apply(&shelf([set(block(1.gib()))]));
    let further = set(block(2.gib())).claim_of(VolumeClaim::new("log", 1.gib()).class("block"));
    let plan = world.apply(&shelf([further]));
    assert_eq!(steps(&plan), [(Action::Replace, "stateful-set/shop/db".to_owned())], "{plan}");
    assert_eq!((size(&world, "data-db-0"), size(&world, "log-db-0")), ("2Gi".to_owned(), "1Gi".to_owned()));
}
