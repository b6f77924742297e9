//! Custom objects: made after the definition of their kind, waited for, compared and deleted, in a cluster in memory.

use std::collections::BTreeSet;

use fmc::Plan;
use fmc::graph::{Action, Choices, DeleteData, NoteKind};
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_k8s::sim::Sim;
use fmc_k8s::workload::Deployment;
use pollster::block_on;
use serde_json::{Value, json};

use crate::check::{container, kinds, one};
use crate::cloud::{World, deleted, notes, shop, steps, web};

/// A definition of widgets, which have a status.
pub(crate) fn definition() -> Value {
    let schema = json!({ "type": "object", "properties": {
        "spec": { "type": "object", "required": ["size"], "properties": {
            "size": { "type": "integer", "minimum": 1 },
            "parts": { "type": "array", "items": { "type": "string" } },
            "name": { "type": "string", "pattern": "^[a-z]+$" },
            "colour": { "type": "string", "enum": ["red", "blue"], "default": "red" },
        } },
        "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
    } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.example.org" },
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": { "kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList" },
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "schema": { "openAPIV3Schema": schema },
                "subresources": { "status": {} },
            }],
        },
    })
}

/// The same with a newer version, which the server prefers.
pub(crate) fn two_versions() -> Value {
    let mut two = definition();
    let versions = two.pointer_mut("/spec/versions").and_then(Value::as_array_mut).unwrap();
    let mut newer = versions.first().cloned().unwrap();
    let map = newer.as_object_mut().unwrap();
    map.extend([("name".to_owned(), json!("v2")), ("storage".to_owned(), json!(false))]);
    versions.push(newer);
    two
}

pub(crate) fn widget(size: u32) -> Value {
    widget_of(size, json!({ "name": "main" }))
}

/// The same, which an apply does not wait for.
pub(crate) fn unawaited(size: u32) -> Value {
    widget_of(size, json!({ "name": "main", "annotations": { "fmc/ready-within": "0" } }))
}

fn widget_of(size: u32, metadata: Value) -> Value {
    json!({ "apiVersion": "example.org/v1", "kind": "Widget", "metadata": metadata, "spec": { "size": size, "parts": [] } })
}

pub(crate) fn with(definition: Option<Value>, widgets: impl IntoIterator<Item = Value>) -> Platform {
    let shop =
        widgets.into_iter().fold(Namespace::new("shop"), |shop, widget| shop.object(RawObject::of(&widget)));
    let platform = Platform::on("single").namespace(shop);
    definition.iter().fold(platform, |platform, definition| platform.object(RawObject::of(definition)))
}

const WIDGET: &str = "widget.example.org/shop/main";
const DEFINITION: &str = "custom-resource-definition/widgets.example.org";

fn asked(world: &World<Sim>, platform: Platform, name: &str) -> Plan {
    let data = DeleteData::Of(BTreeSet::from([name.to_owned()]));
    let choices = Choices { delete_data: data, ..Choices::default() };
    block_on(world.providers.plan_with(&world.wanted(platform), choices)).unwrap()
}

/// A name that the cloud wants deletes nothing, and the plan says so.
#[test]
fn data_that_is_wanted_is_not_deleted_and_the_plan_says_so() {
    let world = World::new();
    let platform = || with(Some(definition()), [unawaited(1)]);
    world.apply(&platform());
    let plan = asked(&world, platform(), DEFINITION);
    assert_eq!(steps(&plan), []);
    let told = notes(&plan, NoteKind::Notice);
    assert_eq!(
        told,
        ["the cloud wants it, so `--delete-data` deletes nothing of it: leave it out of the cloud first"],
        "{plan}"
    );
}

#[test]
fn an_object_in_a_namespace_that_nothing_makes_waits_for_it_alone() {
    let world = World::new();
    let mut stray = unawaited(1);
    stray["metadata"]["namespace"] = json!("nowhere");
    let platform = || with(Some(definition()), [unawaited(1)]).object(RawObject::of(&stray));
    let outcome = world.run(&world.plan(platform()));
    let told = outcome.converged().unwrap_err().to_string();
    assert!(told.contains("the cluster does not have it, and the cloud makes none"), "{told}");
    assert!(world.cluster.object("widget.example.org", "shop", "main").is_some());
    world.cluster.put(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "nowhere" } }));
    world.apply(&platform());
}

#[test]
fn a_slip_in_a_kind_and_a_second_definition_of_one_are_found() {
    let mut slip = unawaited(1);
    slip["kind"] = json!("widget");
    let found = kinds(with(Some(definition()), [slip]));
    assert_eq!(
        found,
        [("platform-schema".to_owned(), "roles[0].platform.namespaces[0].objects[0].kind".to_owned())]
    );
    let mut second = definition();
    second["metadata"]["name"] = json!("wids.example.org");
    second["spec"]["names"]["plural"] = json!("wids");
    let found = kinds(with(Some(definition()), []).object(RawObject::of(&second)));
    assert_eq!(found, [("platform-twice".to_owned(), "roles[0].platform.objects[1]".to_owned())]);
}

#[test]
fn a_custom_object_is_made_after_its_definition_compared_and_deleted_before_it() {
    let platform = |size| with(Some(definition()), [unawaited(size)]);
    assert_eq!(kinds(platform(1)), []);
    let world = World::new();
    let plan = world.apply(&platform(1));
    let order = |plan: &Plan| -> Vec<String> {
        let all = steps(plan).into_iter().map(|(_, name)| name);
        all.filter(|name| [WIDGET, DEFINITION].contains(&&**name)).collect()
    };
    assert_eq!(order(&plan), [DEFINITION, WIDGET], "{plan}");
    let widget = world.cluster.object("widget.example.org", "shop", "main").unwrap();
    assert_eq!(widget["spec"]["parts"], json!([]), "an empty list of a custom object says something");

    let plan = world.apply(&platform(2));
    assert_eq!(steps(&plan), [(Action::Update, WIDGET.to_owned())], "{plan}");
    assert!(plan.to_string().contains("spec.size 1 -> 2"), "{plan}");

    // A controller owns the fields that it adds; a plan tells changes of ours.
    let mut widget = world.cluster.object("widget.example.org", "shop", "main").unwrap();
    widget["spec"]["colour"] = json!("blue");
    world.cluster.put(widget.clone());
    let plan = world.plan(platform(2));
    assert!(plan.is_empty() && plan.drift().drift.is_empty(), "{plan}");
    widget["spec"]["size"] = json!(3);
    world.cluster.put(widget);
    let plan = world.plan(platform(2));
    assert!(notes(&plan, NoteKind::Held)[0].contains("spec.size (by "), "{plan}");
    assert_eq!(plan.drift().drift.len(), 1, "{plan}");
    let forced = world.plan(platform(2)).force_conflicts(WIDGET);
    world.run(&forced).converged().unwrap_or_else(|error| panic!("{error}\n{forced}"));

    let plan = world.apply(&with(Some(definition()), []));
    assert_eq!(deleted(&plan), [WIDGET], "{plan}");
    world.apply(&platform(2));
    let plan = world.apply(&Platform::on("single"));
    assert_eq!(order(&plan), [WIDGET, DEFINITION], "{plan}");
    assert!(world.cluster.is_empty());
}

/// A kind in two versions: the cloud writes the older one, and the server prefers the newer one.
#[test]
fn an_object_goes_whatever_version_of_its_kind_it_was_written_in() {
    let two = two_versions();
    let mut other = unawaited(1);
    other["metadata"]["name"] = json!("other");
    let world = World::new();
    world.apply(&with(Some(two.clone()), [unawaited(1), other]));
    let plan = world.apply(&with(Some(two.clone()), [unawaited(1)]));
    assert_eq!(deleted(&plan), ["widget.example.org/shop/other"], "{plan}");
    let plan = world.apply(&with(Some(two), []));
    assert_eq!(deleted(&plan), [WIDGET], "{plan}");
}

/// The cloud does not have the definition, so that only the server knows the scope.
#[test]
fn an_object_in_the_wrong_scope_is_told_at_once() {
    let mut wide = definition();
    wide["spec"]["scope"] = json!("Cluster");
    let world = World::new();
    world.cluster.put(wide);
    let told = world.run(&world.plan(with(None, [unawaited(1)]))).converged().unwrap_err().to_string();
    assert!(
        told.contains("Widget is of the whole cluster: write it below `objects` of the platform"),
        "{told}"
    );
}

#[test]
fn a_custom_object_can_be_chosen_by_its_name() {
    let world = World::new();
    let mut other = unawaited(1);
    other["metadata"]["name"] = json!("other");
    let platform = || with(Some(definition()), [unawaited(1), other.clone()]);
    for name in ["widget.example.org/main", WIDGET, "kubernetes/single/widget.example.org/shop/main"] {
        let plan = world.plan(platform()).only(name);
        let made: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
        assert!(made.contains(&WIDGET.to_owned()) && made.contains(&DEFINITION.to_owned()), "{name}: {plan}");
        assert!(!made.contains(&"widget.example.org/shop/other".to_owned()), "{name}: {plan}");
    }
}

#[test]
fn an_object_whose_kind_the_server_does_not_have_waits_for_it_alone() {
    let world = World::new();
    let shop = Namespace::new("shop").deployment(web(1)).object(RawObject::of(&unawaited(1)));
    let platform = Platform::on("single").namespace(shop);
    let plan = world.plan(platform.clone());
    let outcome = world.run(&plan);
    assert!(!outcome.is_converged());
    assert!(world.cluster.object("deployment", "shop", "web").is_some(), "{plan}");
    let told = outcome.converged().unwrap_err().to_string();
    assert!(
        told.contains("the server has no kind Widget of example.org/v1, and the cloud adds none"),
        "{told}"
    );
    // Objects that the cloud left out go all the same.
    let without =
        Platform::on("single").namespace(Namespace::new("shop").object(RawObject::of(&unawaited(1))));
    let plan = world.plan(without);
    assert!(deleted(&plan).contains(&"deployment/shop/web".to_owned()), "{plan}");

    // An object of the cluster's own kind: somebody else added the definition.
    world.cluster.put(definition());
    world.apply(&platform);
    assert!(world.cluster.object("widget.example.org", "shop", "main").is_some());
    // It is found and pruned although nothing of its kind is wanted any more, and the definition is another's.
    let plan = world.apply(&shop_without());
    assert_eq!(deleted(&plan), [WIDGET], "{plan}");
    assert!(world.cluster.object("custom-resource-definition", "", "widgets.example.org").is_some());
}

fn shop_without() -> Platform {
    shop([web(1)])
}

#[test]
fn an_apply_waits_for_the_status_of_a_custom_object_and_tells_why_it_is_not_ready() {
    let world = World::new();
    let platform = || with(Some(definition()), [widget(1)]);
    world.cluster.reports("widget.example.org", "shop", "main", json!(null));
    let outcome = world.run(&world.plan(platform()));
    let told = outcome.converged().unwrap_err().to_string();
    assert!(
        told.contains("it was not ready within 300 s: no controller has reported its status yet"),
        "{told}"
    );
    let condition = |kind: &str, status: &str, message: &str| {
        let status = json!({ "conditions": [{ "type": kind, "status": status, "reason": "Parts", "message": message }] });
        world.cluster.reports("widget.example.org", "shop", "main", status);
    };
    condition("Ready", "False", "2 of 3 parts are there");
    let plan = world.plan(platform());
    assert!(plan.to_string().contains("status not ready -> ready (Parts: 2 of 3 parts are there)"), "{plan}");
    assert!(!world.run(&plan).is_converged());
    // Waiting for one that is stuck is in vain, and ends at once.
    condition("Stalled", "True", "no such part");
    let told = world.run(&world.plan(platform())).converged().unwrap_err().to_string();
    assert!(told.ends_with("widget.example.org/shop/main: Parts: no such part"), "{told}");
    condition("Ready", "True", "");
    assert!(world.plan(platform()).is_empty());
}

#[test]
fn a_webhook_that_does_not_answer_yet_is_waited_for_and_told_in_the_end() {
    let world = World::new();
    let platform = |size| with(Some(definition()), [unawaited(size)]);
    world.cluster.silences("widget.example.org", 20);
    world.run(&world.plan(platform(1))).converged().unwrap();
    world.cluster.silences("widget.example.org", 20);
    let plan = world.plan(platform(2));
    assert!(plan.to_string().contains("its webhook does not answer now"), "{plan}");
    world.run(&plan).converged().unwrap();
    world.cluster.silences("widget.example.org", 10_000);
    let outcome = world.run(&world.plan(with(Some(definition()), [unawaited(3)])));
    let told = outcome.converged().unwrap_err().to_string();
    assert!(told.contains("waited 180 s in vain until its webhook answers"), "{told}");
}

#[test]
fn one_refused_object_holds_up_only_what_needs_it() {
    let world = World::new();
    world.cluster.refuses("service/shop/web", "spec.ports[0].port: Invalid value: 80");
    let outcome = world.run(&world.plan(shop([web(1)])));
    assert!(!outcome.is_converged());
    assert!(world.cluster.object("deployment", "shop", "web").is_some());
    let told = outcome.converged().unwrap_err().to_string();
    assert!(
        told.contains("service/shop/web: ") && told.contains("spec.ports[0].port: Invalid value: 80"),
        "{told}"
    );
    // One that is there and cannot be changed: the plan says so, and the rest is done.
    world.cluster.refuses("service/shop/web", "");
    world.apply(&shop([web(1)]));
    world.cluster.refuses("config-map/shop/settings", "data: Too long");
    let mut settings = world.cluster.object("config-map", "shop", "settings").unwrap();
    settings["data"] = json!({});
    world.cluster.put(settings);
    let plan = world.plan(shop([web(2)]));
    assert_eq!(notes(&plan, NoteKind::Held), ["the server refuses it: data: Too long"], "{plan}");
    assert_eq!(notes(&plan, NoteKind::Deferred), ["needs config-map/shop/settings, which is held"], "{plan}");
    assert_eq!(steps(&plan), [(Action::Create, "pod-disruption-budget/shop/web".to_owned())], "{plan}");
    assert!(!world.run(&plan).is_converged());
    assert!(world.cluster.object("pod-disruption-budget", "shop", "web").is_some());
    world.cluster.refuses("config-map/shop/settings", "");
    world.apply(&shop([web(2)]));
}

#[test]
fn a_definition_that_would_take_along_objects_of_others_stays_until_a_person_names_it() {
    let world = World::new();
    world.apply(&with(Some(definition()), [unawaited(1)]));
    let mut other = widget(7);
    other["metadata"] = json!({ "name": "other", "namespace": "default" });
    world.cluster.put(other);
    let gone = || with(None, []);
    let plan = world.plan(gone());
    let kept = notes(&plan, NoteKind::Kept);
    assert_eq!(
        kept,
        [format!(
            "1 object of its kind go with it (default/other): `--delete-data {DEFINITION}` deletes all of them"
        )],
        "{plan}"
    );
    assert_eq!(deleted(&plan), [WIDGET], "{plan}");
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.object("widget.example.org", "default", "other").is_some());
    let plan = asked(&world, gone(), DEFINITION);
    assert!(plan.to_string().contains("(default/other)"), "{plan}");
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.object("custom-resource-definition", "", "widgets.example.org").is_none());
}

#[test]
fn a_custom_object_that_holds_data_stays_until_a_person_names_it() {
    let mut clusters = definition();
    clusters["metadata"]["name"] = json!("clusters.postgresql.cnpg.io");
    clusters["spec"]["group"] = json!("postgresql.cnpg.io");
    clusters["spec"]["names"] = json!({ "kind": "Cluster", "plural": "clusters", "singular": "cluster" });
    let mut db = unawaited(1);
    db["apiVersion"] = json!("postgresql.cnpg.io/v1");
    db["kind"] = json!("Cluster");
    let world = World::new();
    world.apply(&with(Some(clusters.clone()), [db]));
    let named = "cluster.postgresql.cnpg.io/shop/main";
    let plan = world.plan(Platform::on("single"));
    let kept = notes(&plan, NoteKind::Kept);
    assert!(
        kept.iter().any(|text| text.contains(&format!("`--delete-data {named}` deletes both"))),
        "{plan}"
    );
    assert!(!deleted(&plan).iter().any(|name| name.starts_with("custom-resource-definition")), "{plan}");
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.object("cluster.postgresql.cnpg.io", "shop", "main").is_some());
    let plan = asked(&world, Platform::on("single"), named);
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert!(world.cluster.is_empty());
}

/// A plan of such needs could never begin.
#[test]
fn a_workload_that_waits_for_itself_by_way_of_others_is_found() {
    let deployment = |name: &str| Deployment::new(name.to_owned(), container(name)).ready_within(0);
    let shop = |needed: &str| {
        let a = deployment("a").needs("deployment/b");
        shop([a, deployment("b").needs("deployment/c"), deployment("c").needs(needed)])
    };
    let found = kinds(shop("deployment/a"));
    let at = |index: usize| {
        (
            "platform-value".to_owned(),
            format!("roles[0].platform.namespaces[0].deployments[{index}].needs[0]"),
        )
    };
    assert_eq!(found, [at(0), at(1), at(2)]);
    one(shop("deployment/c"), "platform-value", "namespaces[0].deployments[2].needs[0]");
    // An object of another namespace is named with it.
    let two = |needed: &str| {
        Platform::on("single")
            .namespace(Namespace::new("data").deployment(deployment("db")))
            .namespace(Namespace::new("shop").deployment(deployment("web").needs(needed)))
    };
    assert_eq!(kinds(two("deployment/data/db")), []);
    one(two("deployment/db"), "platform-value", "namespaces[1].deployments[0].needs[0]");
    let world = World::new();
    let plan = world.apply(&two("deployment/data/db"));
    let at =
        |name: &str| plan.steps.iter().position(|step| step.address.short().to_string() == name).unwrap();
    assert!(at("deployment/data/db") < at("deployment/shop/web"), "{plan}");
}

#[test]
fn a_workload_waits_for_the_objects_that_it_needs() {
    let platform = |needed: &str| {
        let shop = Namespace::new("shop").deployment(web(1).needs(needed)).object(RawObject::of(&widget(1)));
        Platform::on("single").object(RawObject::of(&definition())).namespace(shop)
    };
    let right = || platform("widget.example.org/main");
    assert_eq!(kinds(right()), []);
    one(platform("widget.example.org/mian"), "platform-value", "namespaces[0].deployments[0].needs[0]");
    one(platform("widget"), "value-invalid", "namespaces[0].deployments[0].needs[0]");
    let world = World::new();
    let waiting =
        json!({ "conditions": [{ "type": "Ready", "status": "False", "message": "no parts yet" }] });
    world.cluster.reports("widget.example.org", "shop", "main", waiting);
    let outcome = world.run(&world.plan(right()));
    let told = outcome.converged().unwrap_err().to_string();
    let why = "deployment/shop/web: widget.example.org/main, which it needs, is not ready within 300 s: no parts yet";
    assert!(told.contains(why), "{told}");
    assert!(world.cluster.object("service", "shop", "web").is_some());
    assert!(world.cluster.object("deployment", "shop", "web").is_none());
    world.cluster.reports("widget.example.org", "shop", "main", json!({}));
    let ready = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
    world.cluster.reports("widget.example.org", "shop", "main", ready);
    let plan = world.apply(&right());
    assert!(steps(&plan).contains(&(Action::Create, "deployment/shop/web".to_owned())), "{plan}");
}

/// The schema of a definition that the cloud has tells mistakes before an apply.
#[test]
fn a_field_that_the_schema_of_a_definition_refuses_is_found_where_it_stands() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut widget = unawaited(1);
        change(&mut widget);
        with(Some(definition()), [widget])
    };
    let found = |change: &dyn Fn(&mut Value), path: &str| one(with(change), "platform-schema", path);
    found(&|widget| widget["spec"]["size"] = json!("3"), "namespaces[0].objects[0].spec.size");
    found(&|widget| widget["spec"]["size"] = json!(0), "namespaces[0].objects[0].spec.size");
    found(&|widget| widget["spec"]["szie"] = json!(3), "namespaces[0].objects[0].spec.szie");
    found(&|widget| widget["spec"]["parts"] = json!(["a", 1]), "namespaces[0].objects[0].spec.parts[1]");
    found(&|widget| widget["spec"]["colour"] = json!("green"), "namespaces[0].objects[0].spec.colour");
    found(&|widget| widget["spec"] = json!({}), "namespaces[0].objects[0].spec");
    found(&|widget| widget["apiVersion"] = json!("example.org/v2"), "namespaces[0].objects[0].apiVersion");
}

#[test]
fn a_simulation_keeps_custom_objects() {
    let world = World::new();
    world.apply(&with(Some(definition()), [unawaited(1)]));
    let again = Sim::of_state(&world.cluster.state()).unwrap();
    assert_eq!(again.state(), world.cluster.state());
    assert!(again.object("widget.example.org", "shop", "main").is_some());
}

/// The server refuses a definition without a version in which it keeps objects.
#[test]
fn a_version_in_which_objects_are_stored_does_not_leave_its_definition() {
    let world = World::new();
    world.apply(&with(Some(definition()), [unawaited(1)]));
    let mut newer = definition();
    newer["spec"]["versions"][0]["name"] = json!("v2");
    let mut object = unawaited(1);
    object["apiVersion"] = json!("example.org/v2");
    let plan = world.plan(with(Some(newer), [object]));
    assert_eq!(steps(&plan), [], "{plan}");
    let held = notes(&plan, NoteKind::Held);
    assert!(
        held.iter()
            .any(|note| note
                .starts_with("it leaves out the version v1, in which the server still keeps objects")),
        "{plan}"
    );
}
