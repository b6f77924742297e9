//! Operators from files: their objects, the order around them, and what is wrong with a file.

use fmc::Plan;
use fmc::graph::{Action, NoteKind};
use fmc_k8s::operator::Operator;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use serde_json::{Value, json};

use crate::check::{every_kind, kinds, one};
use crate::cloud::{World, deleted, notes, steps};
use crate::custom::{definition, unawaited};

const IMAGE: &str = "registry.example.org/widgets/operator:1.2.0";

fn document(api: &str, kind: &str, name: &str, namespace: Option<&str>, rest: Value) -> String {
    let metadata = match namespace {
        Some(namespace) => json!({ "name": name, "namespace": namespace }),
        None => json!({ "name": name }),
    };
    let mut value = json!({ "apiVersion": api, "kind": kind, "metadata": metadata });
    let rest = rest.as_object().cloned().unwrap_or_default();
    value.as_object_mut().unwrap().extend(rest);
    value.to_string()
}

fn pods(image: &str) -> Value {
    let template = json!({
        "metadata": { "labels": { "app": "widgets" } },
        "spec": { "serviceAccountName": "widgets", "containers": [{ "name": "operator", "image": image }] },
    });
    json!({ "spec": { "selector": { "matchLabels": { "app": "widgets" } }, "template": template } })
}

/// A file as a project publishes it, in any order.
pub(crate) fn file(image: &str) -> String {
    let rule = json!({ "rules": [{ "apiGroups": ["example.org"], "resources": ["widgets"], "verbs": ["get", "list", "watch"] }] });
    let bound = json!({
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "widgets" },
        "subjects": [{ "kind": "ServiceAccount", "name": "widgets", "namespace": "widgets" }],
    });
    const RBAC: &str = "rbac.authorization.k8s.io/v1";
    let documents = [
        document("apps/v1", "Deployment", "widgets", Some("widgets"), pods(image)),
        document("v1", "Namespace", "widgets", None, json!({})),
        document(RBAC, "ClusterRoleBinding", "widgets", None, bound),
        document(RBAC, "ClusterRole", "widgets", None, rule),
        definition().to_string(),
        document("v1", "ServiceAccount", "widgets", Some("widgets"), json!({})),
    ];
    documents.join("\n---\n")
}

fn operator() -> Operator {
    Operator::new("widgets").manifests(&file(&format!("{IMAGE}@sha256:{}", "0".repeat(64))))
}

fn platform(operator: Operator, widgets: impl IntoIterator<Item = Value>) -> Platform {
    let shop =
        widgets.into_iter().fold(Namespace::new("shop"), |shop, widget| shop.object(RawObject::of(&widget)));
    Platform::on("single").operator(operator).namespace(shop)
}

fn at(plan: &Plan, name: &str) -> usize {
    let all = steps(plan);
    all.iter().position(|(_, one)| one == name).unwrap_or_else(|| panic!("{name}: {plan}"))
}

const PODS: &str = "deployment/widgets/widgets";
const WIDGET: &str = "widget.example.org/shop/main";
const DEFINITION: &str = "custom-resource-definition/widgets.example.org";

#[test]
fn the_objects_of_an_operator_come_before_those_of_its_kinds_and_go_after_them() {
    assert_eq!(kinds(platform(operator(), [unawaited(1)])), []);
    let world = World::new();
    let plan = world.apply(&platform(operator(), [unawaited(1)]));
    let others = [
        "namespace/widgets",
        "cluster-role/widgets",
        "cluster-role-binding/widgets",
        "service-account/widgets/widgets",
        DEFINITION,
    ];
    for other in others {
        assert!(at(&plan, other) < at(&plan, PODS), "{other}: {plan}");
    }
    assert!(at(&plan, PODS) < at(&plan, WIDGET), "{plan}");
    let labels = &world.cluster.object("deployment", "widgets", "widgets").unwrap()["metadata"]["labels"];
    assert_eq!(labels["fmc/operator"], "widgets");

    let plan = world.apply(&Platform::on("single"));
    assert_eq!(deleted(&plan).len(), 10, "{plan}");
    assert!(at(&plan, WIDGET) < at(&plan, PODS), "{plan}");
    for other in others {
        assert!(at(&plan, PODS) < at(&plan, other), "{other}: {plan}");
    }
    assert!(world.cluster.is_empty());
}

#[test]
fn an_operator_whose_pods_do_not_get_ready_holds_up_the_objects_of_its_kinds_alone() {
    let world = World::new();
    world.cluster.breaks("widgets/widgets", "the image cannot be pulled");
    let platform = || {
        let beside = Namespace::new("other").deployment(crate::cloud::web(1));
        platform(operator(), [unawaited(1)]).namespace(beside)
    };
    let outcome = world.run(&world.plan(platform()));
    let told = outcome.converged().unwrap_err().to_string();
    let why = format!("{WIDGET}: its operator widgets is not ready: the image cannot be pulled");
    assert!(told.contains(&why), "{told}");
    assert!(world.cluster.object("deployment", "other", "web").is_some());
    assert!(world.cluster.object("widget.example.org", "shop", "main").is_none());
    world.cluster.mends("widgets/widgets");
    world.apply(&platform());
    // With `ready_within: 0` its objects do not wait for it.
    let world = World::new();
    world.cluster.breaks("widgets/widgets", "the image cannot be pulled");
    let plan = world.plan(self::platform(operator().ready_within(0), [unawaited(1)]));
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.object("widget.example.org", "shop", "main").is_some());
}

#[test]
fn a_new_version_of_an_operator_changes_what_its_file_changes() {
    let world = World::new();
    world.apply(&platform(operator(), [unawaited(1)]));
    let text = file(&format!("{IMAGE}@sha256:{}", "1".repeat(64)));
    let newer = text.replace("\"watch\"", "\"watch\",\"patch\"");
    let plan = world.apply(&platform(Operator::new("widgets").manifests(&newer), [unawaited(1)]));
    let mut changed = steps(&plan);
    changed.sort_by(|(_, one), (_, other)| one.cmp(other));
    let update = |name: &str| (Action::Update, name.to_owned());
    assert_eq!(changed, [update("cluster-role/widgets"), update(PODS)], "{plan}");
}

#[test]
fn a_namespace_that_only_the_setting_names_is_made() {
    let text = document("v1", "ServiceAccount", "widgets", None, json!({}));
    let operator = || Operator::new("widgets").namespace("tools").manifests(&text);
    let world = World::new();
    let plan = world.apply(&Platform::on("single").operator(operator()));
    assert!(at(&plan, "namespace/tools") < at(&plan, "service-account/tools/widgets"), "{plan}");
    let world = World::new();
    let both = Platform::on("single").operator(operator()).namespace(Namespace::new("tools"));
    assert_eq!(kinds(both.clone()), []);
    world.apply(&both);
}

#[test]
fn the_digests_of_a_lock_are_in_the_images_of_an_operator() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let unpinned = || platform(Operator::new("widgets").manifests(&file(IMAGE)), []);
    one(unpinned(), "platform-unpinned", "operators[0].manifests[0]");
    let used = unpinned().images();
    assert_eq!(used.len(), 1);
    assert_eq!((used[0].namespace.as_str(), used[0].workload.as_str()), ("widgets", "widgets"));
    let pinned = unpinned().image_lock(&*format!("{IMAGE} {digest}\n"));
    assert_eq!(kinds(pinned.clone()), []);
    let made = pinned.manifests().into_iter().find(|one| one.kind().name == "Deployment").unwrap();
    let image = &made.content()["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(*image, json!(format!("{IMAGE}@{digest}")));
}

#[test]
fn files_are_read_by_the_program_and_what_cannot_be_read_is_found() {
    let with_file = || Platform::on("single").operator(Operator::new("widgets").file("widgets.yaml"));
    one(with_file(), "platform-value", "operators[0].files[0]");
    let read = with_file().read_files(|path| match path {
        "widgets.yaml" => Ok(file(&format!("{IMAGE}@sha256:{}", "0".repeat(64)))),
        other => Err(other.to_owned()),
    });
    assert_eq!(kinds(read.clone()), []);
    assert_eq!(read.manifests().len(), 6);
    let refused = with_file().read_files(|_| Err("it is outside the folder for local files".to_owned()));
    one(refused, "platform-value", "operators[0].files[0]");
}

#[test]
fn each_mistake_in_a_file_is_found() {
    let of = |text: &str| Platform::on("single").operator(Operator::new("widgets").manifests(text));
    let wrong = |text: &str| one(of(text), "platform-value", "operators[0].manifests[0]");
    wrong("kind: [");
    wrong("- a\n- b\n");
    wrong("{ apiVersion: v1, kind: ServiceAccount }");
    wrong("{ apiVersion: v1, kind: ServiceAccount, metadata: { name: a } }");
    wrong("{ apiVersion: v1, kind: ServiceAcount, metadata: { name: a } }");
    wrong("{ apiVersion: v1, kind: Secret, metadata: { name: a, namespace: b }, data: { a: YQ== } }");
    wrong("{ apiVersion: v1, kind: PersistentVolumeClaim, metadata: { name: a, namespace: b } }");
    one(Platform::on("single").operator(Operator::new("widgets")), "platform-value", "operators[0].files");
    let text = "{ apiVersion: v1, kind: ConfigMap, metadata: { name: a, namespace: b } }";
    let twice = every_kind(of(&format!("{text}\n---\n{text}\n")));
    assert!(twice.iter().all(|(kind, _)| kind == "platform-twice") && !twice.is_empty(), "{twice:?}");
    let two = of(text).operator(Operator::new("widgets").manifests(&text.replace("name: a", "name: c")));
    assert!(kinds(two).iter().any(|(kind, at)| kind == "platform-twice" && at.ends_with("operators[1]")));
    // Rights that are more than they seem are told with the document.
    let admin = "{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: { name: a }, roleRef: { name: cluster-admin } }";
    one(of(admin), "platform-rights", "operators[0].manifests[0]");
}

/// A warning about rights hides nothing that the platform as a whole is told.
#[test]
fn a_warning_hides_no_other_finding() {
    let text = file(IMAGE).replace("\"list\"", "\"*\"");
    let found = kinds(platform(Operator::new("widgets").manifests(&text), []));
    let told: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(told, ["platform-rights", "platform-unpinned"]);
}

#[test]
fn a_custom_object_stands_where_its_definition_says() {
    let mut wide = definition();
    wide["spec"]["scope"] = json!("Cluster");
    let of = |definition: Value| Platform::on("single").object(RawObject::of(&definition));
    let inside = of(wide.clone()).namespace(Namespace::new("shop").object(RawObject::of(&unawaited(1))));
    one(inside, "platform-value", "namespaces[0].objects[0].kind");
    one(of(definition()).object(RawObject::of(&unawaited(1))), "platform-value", "objects[1].metadata");
    assert_eq!(kinds(of(wide).object(RawObject::of(&unawaited(1)))), []);
}

#[test]
fn an_operator_that_is_left_out_stays_with_its_kinds_while_data_is_there() {
    let world = World::new();
    world.apply(&platform(operator(), [unawaited(1)]));
    let mut other = unawaited(1);
    other["metadata"] = json!({ "name": "other", "namespace": "default" });
    world.cluster.put(other);
    let plan = world.plan(Platform::on("single").namespace(Namespace::new("shop")));
    let kept = notes(&plan, NoteKind::Kept);
    assert!(kept.iter().any(|text| text.contains("(default/other)")), "{plan}");
    assert!(!deleted(&plan).contains(&DEFINITION.to_owned()), "{plan}");
}
