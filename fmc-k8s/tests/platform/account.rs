//! Accounts: the rights of a workload at the API, its token, and its way there.

use std::collections::BTreeSet;

use fmc::graph::{Action, Choices, DeleteData, NoteKind};
use fmc::prelude::*;
use fmc_k8s::account::{Account, AccountRule};
use fmc_k8s::container::Probe;
use fmc_k8s::kube_state_metrics::KubeStateMetrics;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::prometheus::Prometheus;
use fmc_k8s::raw::RawObject;
use fmc_k8s::stateful::Stateful;
use fmc_k8s::workload::Deployment;
use pollster::block_on;
use serde_json::{Value, json};

use crate::check::{container, kinds, one};
use crate::cloud::{World, cloud, deleted, notes, shop, steps};

const IMAGE: &str =
    "registry.example.org/x:1@sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn reads() -> AccountRule {
    AccountRule::of(["get", "list", "watch"], ["pods", "pods/log"])
}

fn sees() -> AccountRule {
    AccountRule::of(["list"], ["nodes"])
}

/// A program that reads the pods of its namespace and the nodes of the cluster.
fn agent(account: Account) -> Deployment {
    Deployment::new("agent", container("agent")).account(account).ready_within(0)
}

pub(crate) fn watching() -> Platform {
    shop([agent(Account::new().may(reads()).may_in_cluster(sees()))])
}

/// What the cluster knows of its objects, and a Prometheus that asks for it and asks the nodes.
pub(crate) fn counted() -> Platform {
    let monitoring = Namespace::new("monitoring")
        .prometheus(Prometheus::new("prometheus", IMAGE, 1.gib(), 10.gib()).ready_within(0))
        .kube_state_metrics(KubeStateMetrics::new("objects", IMAGE, 128.mib()).ready_within(0));
    Platform::on("single").namespace(monitoring)
}

#[test]
fn a_workload_with_an_account_has_a_token_its_rights_and_a_way_to_the_api() {
    let world = World::new();
    let plan = world.apply(&watching());
    let rights = ["cluster-role/shop:agent", "cluster-role-binding/shop:agent", "role/shop/agent"];
    for name in [rights[0], rights[1], rights[2], "role-binding/shop/agent", "service-account/shop/agent"] {
        assert!(steps(&plan).contains(&(Action::Create, name.to_owned())), "{name}: {plan}");
    }
    let read = |kind: &str, namespace: &str, name: &str| world.cluster.object(kind, namespace, name).unwrap();
    let pod = read("deployment", "shop", "agent")["spec"]["template"]["spec"].clone();
    assert_eq!(
        (&pod["serviceAccountName"], &pod["automountServiceAccountToken"]),
        (&json!("agent"), &json!(true))
    );
    let account = read("service-account", "shop", "agent");
    assert_eq!(account["automountServiceAccountToken"], false, "no other pod gets its token");
    let rules =
        json!([{ "apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"] }]);
    assert_eq!(read("role", "shop", "agent")["rules"], rules);
    let subjects = json!([{ "kind": "ServiceAccount", "name": "agent", "namespace": "shop" }]);
    let binding = read("cluster-role-binding", "", "shop:agent");
    assert_eq!((&binding["subjects"], &binding["roleRef"]["name"]), (&subjects, &json!("shop:agent")));
    let way = read("network-policy", "shop", "agent-to-api")["spec"]["egress"].clone();
    let server = json!([{ "to": [{ "ipBlock": { "cidr": "10.17.3.10/32" } }], "ports": [{ "port": 6443, "protocol": "TCP" }] }]);
    assert_eq!(way, server);

    // Who has none has no token, whatever the namespace's own account may do.
    let plan = world.apply(&shop([Deployment::new("agent", container("agent")).ready_within(0)]));
    let mut gone = deleted(&plan);
    gone.sort();
    let mut all = rights.map(str::to_owned).to_vec();
    all.extend(
        ["network-policy/shop/agent-to-api", "role-binding/shop/agent", "service-account/shop/agent"]
            .map(str::to_owned),
    );
    all.sort();
    assert_eq!(gone, all, "{plan}");
    let pod = read("deployment", "shop", "agent")["spec"]["template"]["spec"].clone();
    assert_eq!((pod.get("serviceAccountName"), &pod["automountServiceAccountToken"]), (None, &json!(false)));
}

#[test]
fn rights_that_somebody_added_are_drift_and_go() {
    let world = World::new();
    world.apply(&watching());
    let mut role = world.cluster.object("cluster-role", "", "shop:agent").unwrap();
    role["rules"][0]["verbs"] = json!(["*"]);
    role["rules"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }));
    world.cluster.put(role);
    let mut binding = world.cluster.object("role-binding", "shop", "agent").unwrap();
    binding["subjects"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "kind": "ServiceAccount", "name": "web", "namespace": "shop" }));
    world.cluster.put(binding);
    let plan = world.plan(watching());
    let told = notes(&plan, NoteKind::Held).join("\n");
    assert!(told.contains("rules (by ") && told.contains("subjects (by "), "{plan}");
    let forced = plan.force_conflicts("cluster-role/shop:agent").force_conflicts("role-binding/shop/agent");
    world.run(&forced).converged().unwrap_or_else(|error| panic!("{error}\n{forced}"));
    assert!(world.plan(watching()).is_empty());
    let role = world.cluster.object("cluster-role", "", "shop:agent").unwrap();
    assert_eq!(role["rules"], json!([{ "apiGroups": [""], "resources": ["nodes"], "verbs": ["list"] }]));
}

/// A binding of another hand is no object of ours: an apply leaves it alone, and `drift` tells of it.
#[test]
fn rights_that_another_binding_gives_to_our_accounts_are_told() {
    let world = World::new();
    world.apply(&watching());
    let binding = |name: &str, namespace: Option<&str>, subject: Value| {
        let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
        json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
            "metadata": { "name": name, "namespace": namespace },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
            "subjects": [subject] })
    };
    let account = |name: &str, namespace: &str| json!({ "kind": "ServiceAccount", "name": name, "namespace": namespace });
    let group =
        |name: &str| json!({ "kind": "Group", "name": name, "apiGroup": "rbac.authorization.k8s.io" });
    world.cluster.put(binding("all", None, account("agent", "shop")));
    world.cluster.put(binding("more", Some("shop"), group("system:serviceaccounts:shop")));
    // Those of other accounts and of everybody are not ours to tell.
    world.cluster.put(binding("other", None, account("agent", "default")));
    world.cluster.put(binding("basic", None, group("system:authenticated")));
    let mut owned = binding("owned", None, account("agent", "shop"));
    owned["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "1" }]);
    world.cluster.put(owned);
    let plan = world.plan(watching());
    assert!(plan.is_empty(), "{plan}");
    let told: Vec<String> = plan
        .drift()
        .drift
        .iter()
        .map(|one| {
            format!(
                "{} {} {}",
                one.kind.as_str(),
                one.address.short(),
                one.changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            )
        })
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("extra cluster-role-binding/all subjects shop/agent"), "{told:?}");
    assert!(told[0].contains("cluster-admin"), "{told:?}");
    assert!(
        told[1].starts_with("extra role-binding/shop/more subjects system:serviceaccounts:shop"),
        "{told:?}"
    );
}

#[test]
fn a_role_that_gathers_the_rights_of_others_is_filled_in_by_the_cluster() {
    let world = World::new();
    let role = |more: Value| {
        let mut role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "watchers" } });
        role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Platform::on("single").object(RawObject::of(&role))
    };
    let by_label = json!({ "clusterRoleSelectors": [{ "matchLabels": { "example.org/watches": "true" } }] });
    let gathering = || role(json!({ "aggregationRule": by_label }));
    assert_eq!(kinds(gathering()), []);
    world.apply(&gathering());
    let mut filled = world.cluster.object("cluster-role", "", "watchers").unwrap();
    filled["rules"] = json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["watch"] }]);
    world.cluster.put(filled);
    let plan = world.plan(gathering());
    assert!(plan.is_empty() && plan.drift().is_empty(), "{plan}");
    let rules = json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }]);
    let both = role(json!({ "aggregationRule": by_label, "rules": rules }));
    one(both, "platform-value", "objects[0].rules");
    let all = role(json!({ "aggregationRule": { "clusterRoleSelectors": [{}] } }));
    one(all, "platform-rights", "objects[0].aggregationRule");
    // A rule that another hand added fills in the rights of a role that has its own.
    let world = World::new();
    let plain = || role(json!({ "rules": rules }));
    world.apply(&plain());
    let mut gathered = world.cluster.object("cluster-role", "", "watchers").unwrap();
    gathered["aggregationRule"] = by_label.clone();
    world.cluster.put(gathered);
    let plan = world.plan(plain());
    assert_eq!(plan.drift().drift.len(), 1, "{plan}");
    assert!(plan.to_string().contains("aggregationRule"), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    let role = world.cluster.object("cluster-role", "", "watchers").unwrap();
    assert_eq!(role.get("aggregationRule"), None);
}

#[test]
fn rights_in_the_cluster_go_with_their_platform_and_count_with_their_namespace() {
    let world = World::new();
    world.apply(&watching());
    // One line for the namespace and all that follows from it.
    let left = notes(&world.plan_of(&world.compile(cloud())), NoteKind::Left);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].contains("with the 9 objects in it"), "{left:?}");
    let asked = Choices {
        delete_data: DeleteData::Of(BTreeSet::from(["cluster/single".to_owned()])),
        ..Choices::default()
    };
    let plan = block_on(world.providers.plan_with(&world.compile(cloud()), asked)).unwrap();
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.is_empty());
}

#[test]
fn a_cluster_tells_of_its_objects_and_nodes_to_its_prometheus() {
    assert_eq!(kinds(counted()), []);
    let world = World::new();
    world.apply(&counted());
    let object =
        |kind: &str, namespace: &str, name: &str| world.cluster.object(kind, namespace, name).unwrap();
    let text = object("config-map", "monitoring", "prometheus-config")["data"]["prometheus.yml"].clone();
    let text = text.as_str().unwrap();
    for wanted in [
        "job_name: kubelet",
        "metrics_path: /metrics/cadvisor",
        "10.17.3.10:10250",
        "scheme: https",
        "job_name: monitoring/objects/http",
        "honor_labels: true",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    // It may ask kubelets, and has no way to the API.
    let rules = json!([{ "apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"] }]);
    assert_eq!(object("cluster-role", "", "monitoring:prometheus")["rules"], rules);
    assert!(world.cluster.object("network-policy", "monitoring", "prometheus-to-api").is_none());
    assert!(world.cluster.object("network-policy", "monitoring", "objects-to-api").is_some());
    let asks = object("network-policy", "monitoring", "prometheus-asks");
    let ports: Vec<&Value> =
        asks["spec"]["egress"].as_array().unwrap().iter().map(|rule| &rule["ports"][0]["port"]).collect();
    assert_eq!(ports, [&json!("http"), &json!(10250)], "{asks}");
    // Nothing of it reads secrets.
    let role = object("cluster-role", "", "monitoring:objects").to_string();
    assert!(!role.contains("secrets") && !role.contains("configmaps"), "{role}");

    let quiet = Prometheus::new("prometheus", IMAGE, 1.gib(), 10.gib()).ready_within(0).without_nodes();
    world.apply(&Platform::on("single").namespace(Namespace::new("monitoring").prometheus(quiet)));
    assert!(world.cluster.object("service-account", "monitoring", "prometheus").is_none());
    let text = object("config-map", "monitoring", "prometheus-config").to_string();
    assert!(!text.contains("job_name: kubelet"), "{text}");
}

#[test]
fn each_mistake_in_an_account_is_found_where_it_stands() {
    assert_eq!(kinds(watching()), []);
    let at = |path: &str| format!("namespaces[0].deployments[0].account.{path}");
    let of = |rule: AccountRule| shop([agent(Account::new().may(rule))]);
    let in_cluster = |rule: AccountRule| shop([agent(Account::new().may_in_cluster(rule))]);
    let nothing = Vec::<String>::new;
    one(of(AccountRule::of(nothing(), ["pods"])), "platform-value", &at("rules[0].verbs"));
    one(of(AccountRule::of(["read"], ["pods"])), "platform-value", &at("rules[0].verbs[0]"));
    one(of(AccountRule::of(["get"], nothing())), "platform-value", &at("rules[0].resources"));
    one(of(AccountRule::of_paths(["get"], ["/metrics"])), "platform-value", &at("rules[0].paths"));
    one(
        in_cluster(AccountRule::of_paths(["get"], ["metrics"])),
        "platform-value",
        &at("cluster_rules[0].paths[0]"),
    );
    one(of(reads().groups(nothing())), "platform-value", &at("rules[0].groups"));
    one(of(AccountRule::of(["create"], ["pods"]).names(["a"])), "platform-value", &at("rules[0].names"));
    one(of(AccountRule::of(["get"], ["deployments"])), "platform-value", &at("rules[0].resources[0]"));
    one(
        of(AccountRule::of(["get"], ["services"]).groups(["apps"])),
        "platform-value",
        &at("rules[0].resources[0]"),
    );
    assert_eq!(kinds(of(AccountRule::of(["get"], ["deployments/scale"]).groups(["apps"]))), []);
    one(of(AccountRule::of(["*"], ["pods"])), "platform-rights", &at("rules[0].verbs"));
    one(of(AccountRule::of(["get"], ["*"])), "platform-rights", &at("rules[0].resources"));
    one(
        of(AccountRule::of(["bind"], ["roles"]).groups(["rbac.authorization.k8s.io"])),
        "platform-rights",
        &at("rules[0].verbs"),
    );
    one(
        in_cluster(AccountRule::of(["get"], ["nodes/proxy"])),
        "platform-rights",
        &at("cluster_rules[0].resources"),
    );
    one(
        in_cluster(AccountRule::of(["list"], ["secrets"])),
        "platform-rights",
        &at("cluster_rules[0].resources"),
    );
    assert_eq!(kinds(of(AccountRule::of(["get"], ["secrets"]).names(["own"]))), []);
    assert_eq!(kinds(in_cluster(AccountRule::of_paths(["get"], ["/metrics"]))), []);
    one(
        in_cluster(AccountRule::of(["create"], ["pods/exec"])),
        "platform-rights",
        &at("cluster_rules[0].resources"),
    );
    let named = Deployment::new("default", container("web")).account(Account::new());
    one(shop([named]), "platform-value", "namespaces[0].deployments[0].name");
    let set = Stateful::new("db", container("db").port("sql", 1).ready(Probe::tcp("sql")))
        .account(Account::new().may(AccountRule::of(["read"], ["pods"])));
    let set = Platform::on("single").namespace(Namespace::new("shop").stateful(set));
    one(set, "platform-value", "namespaces[0].stateful_sets[0].account.rules[0].verbs[0]");
}
