//! Secrets: filled in by an apply alone, never shown, and noticed when somebody changes them.

use std::sync::Arc;

use fmc::Providers;
use fmc::graph::{Action, NoteKind};
use fmc::libvirt::image::Images;
use fmc::libvirt::sim::Sim as Hypervisor;
use fmc::prelude::*;
use fmc::secret::{NoSecrets, SecretBytes, SecretError, SecretRef, Secrets};
use fmc_core::provider::DriftKind;
use fmc_k8s::container::{Container, Probe};
use fmc_k8s::platform::Platform;
use fmc_k8s::provider::Kubernetes;
use fmc_k8s::sim::Sim;
use fmc_k8s::workload::Deployment;
use serde_json::json;

use crate::check::{container, kinds, of, one};
use crate::cloud::{Cluster, World, notes, shop, steps, web};

const CONTAINER: &str = "namespaces[0].deployments[0].containers[0]";

/// A database with a password in a variable and a certificate's key in a file.
pub(crate) fn db(generation: u32) -> Deployment {
    let container = container("db")
        .port("sql", 5432)
        .ready(Probe::tcp("sql"))
        .secret_variable("PASSWORD", Secret::password("db-password").generation(generation))
        .secret_files("/etc/tls", [("key.pem", Secret::file("db-tls", "tls.pem"))]);
    Deployment::new("db", container).expose(5432, "sql")
}

/// Secrets whose bytes are a text, as a file with a line break at its end.
struct Said(&'static str);

impl Secrets for Said {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(format!("{} {}\n", self.0, secret.name).into_bytes()))
    }
}

/// Knows the secrets of machines alone.
struct Blind;

impl Secrets for Blind {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        if secret.name.as_str().starts_with("db-") {
            return NoSecrets.bytes(secret);
        }
        fmc::sim::StandIns.bytes(secret)
    }
}

/// The same cluster, seen with other secrets.
pub(crate) fn with_secrets<C: Cluster>(
    cluster: C,
    secrets: impl Secrets + Send + Sync + 'static,
) -> World<C> {
    let providers = Providers::new()
        .host(HostName::literal("local"), Hypervisor::new())
        .secrets(Arc::new(secrets))
        .images(Images::stand_ins())
        .with(Kubernetes::new().cluster("single", cluster.link()));
    World { cluster, providers }
}

fn told(plan: &fmc::Plan) -> (Vec<String>, Vec<String>) {
    let drift = plan.drift();
    let lines = |list: &[fmc_core::provider::Drifted]| {
        let line = |one: &fmc_core::provider::Drifted| {
            let changes: Vec<String> = one.changes.iter().map(ToString::to_string).collect();
            format!("{} {}: {}", one.kind.as_str(), one.address.short(), changes.join("; "))
        };
        list.iter().map(line).collect()
    };
    (lines(&drift.drift), lines(&drift.unclear))
}

fn base64(world: &World<Sim>, name: &str, key: &str) -> String {
    let object = world.cluster.object("secret", "shop", name).unwrap();
    object.pointer(&format!("/data/{key}")).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn an_apply_fills_secrets_in_and_nothing_shows_them() {
    let world = with_secrets(Sim::new(), Said("hunter2"));
    let plan = world.apply(&shop([db(1)]));
    // `hunter2 db-password` without the line break, and `hunter2 db-tls` with it.
    assert_eq!(base64(&world, "db-password", "line"), "aHVudGVyMiBkYi1wYXNzd29yZA==");
    assert_eq!(base64(&world, "db-tls", "bytes"), "aHVudGVyMiBkYi10bHMK");
    let deployment = world.cluster.object("deployment", "shop", "db").unwrap();
    let pod = &deployment["spec"]["template"];
    assert_eq!(pod["metadata"]["annotations"]["fmc/generations"], "db-password/1 db-tls/1");
    let from = &pod["spec"]["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"];
    assert_eq!(*from, json!({ "name": "db-password", "key": "line" }));
    let source = &pod["spec"]["volumes"][0]["projected"]["sources"][0]["secret"];
    assert_eq!(*source, json!({ "name": "db-tls", "items": [{ "key": "bytes", "path": "key.pem" }] }));
    // A secret is made before the pods that read it.
    let order: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    let at = |name: &str| order.iter().position(|one| one == name).unwrap();
    assert!(at("secret/shop/db-password") < at("deployment/shop/db"), "{plan}");
    assert!(at("secret/shop/db-tls") < at("deployment/shop/db"), "{plan}");

    let wanted = world.wanted(shop([db(1)]));
    let files: Vec<String> = wanted
        .artifacts()
        .filter(|file| file.kind == "secret")
        .map(|file| {
            assert!(file.is_private() && file.plain().is_none());
            String::from_utf8(file.render(&Said("hunter2")).unwrap().expose().to_vec()).unwrap()
        })
        .collect();
    assert!(files[0].ends_with("stringData:\n  line: \"hunter2 db-password\"\n"), "{}", files[0]);
    assert!(files[1].ends_with("data:\n  bytes: aHVudGVyMiBkYi10bHMK\n"), "{}", files[1]);
    let all = format!("{plan} {plan:?} {wanted:?} {:?} {:?}", world.providers, shop([db(1)]).manifests());
    for shown in ["hunter2", "aHVudGVyMi"] {
        assert!(!all.contains(shown), "{all}");
    }
}

#[test]
fn a_new_generation_is_new_bytes_and_new_pods() {
    let world = World::new();
    world.apply(&shop([db(1)]));
    let before = base64(&world, "db-password", "line");
    let plan = world.apply(&shop([db(2)]));
    let mut changed = steps(&plan);
    changed.sort_by(|(_, one), (_, other)| one.cmp(other));
    let of = |name: &str| (Action::Update, name.to_owned());
    assert_eq!(changed, [of("deployment/shop/db"), of("secret/shop/db-password")], "{plan}");
    let line = "spec.template.metadata.annotations[fmc/generations] db-password/1 db-tls/1 -> db-password/2 db-tls/1 (its pods are replaced)";
    let lines = plan.step("deployment/shop/db").unwrap().details();
    assert!(lines.contains(&line.to_owned()), "{lines:?}");
    assert_ne!(base64(&world, "db-password", "line"), before);
    world.apply(&shop([web(1)]));
    assert!(world.cluster.object("secret", "shop", "db-password").is_none());
}

#[test]
fn a_secret_that_another_hand_changed_is_told_and_taken_over_by_name() {
    let world = with_secrets(Sim::new(), Said("hunter2"));
    world.apply(&shop([db(1)]));
    let mut object = world.cluster.object("secret", "shop", "db-password").unwrap();
    object["data"]["line"] = json!("c3dvcmRmaXNo");
    object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
        json!("{\"data\":{\"line\":\"c3dvcmRmaXNo\"}}");
    world.cluster.put(object);

    let changed = "changed secret/shop/db-password: data.line (not shown) -> (not shown)".to_owned();
    let plan = world.plan(shop([db(1)]));
    assert_eq!(told(&plan), (vec![changed.clone()], vec![]));
    let refused = notes(&plan, NoteKind::Held);
    assert!(refused[0].contains("data.line (by kubectl-create)"), "{plan}");
    assert!(refused[0].contains("--force-conflicts secret/shop/db-password"), "{plan}");
    // Without the bytes our own entry in the object tells it too.
    let blind = with_secrets(world.cluster.clone(), Blind);
    let plan = blind.plan(shop([db(1)]));
    assert_eq!(told(&plan).0, [changed], "{plan}");

    let forced = world.plan(shop([db(1)])).force_conflicts("secret/shop/db-password");
    let lines = forced.step("secret/shop/db-password").unwrap().details();
    assert!(
        lines.contains(&"data.line (not shown) -> (not shown) (taken from kubectl-create)".to_owned()),
        "{lines:?}"
    );
    // Somebody is faster: the plan did not see that value.
    let mut object = world.cluster.object("secret", "shop", "db-password").unwrap();
    object["data"]["line"] = json!("b3RoZXI=");
    world.cluster.put(object);
    assert!(!world.run(&forced).is_converged());
    let forced = world.plan(shop([db(1)])).force_conflicts("secret/shop/db-password");
    world.run(&forced).converged().unwrap();
    assert_eq!(base64(&world, "db-password", "line"), "aHVudGVyMiBkYi1wYXNzd29yZA==");
    assert!(world.plan(shop([db(1)])).is_empty());
    assert!(!format!("{forced} {forced:?}").contains("c3dvcmRmaXNo"));
}

#[test]
fn bytes_that_are_not_known_are_said_to_be_and_other_bytes_ask_for_a_generation() {
    let world = with_secrets(Sim::new(), Said("hunter2"));
    world.apply(&shop([db(1)]));
    let blind = with_secrets(world.cluster.clone(), Blind);
    let plan = blind.plan(shop([db(1)]));
    assert_eq!(steps(&plan), [], "{plan}");
    let said = notes(&plan, NoteKind::Notice);
    assert!(
        said.iter().any(|text| text.contains("whether its bytes are the wanted ones is not known")),
        "{plan}"
    );
    let unknown = plan.drift().unknown;
    assert!(unknown.keys().any(|at| at == "kubernetes/single/secret/shop/db-password"), "{unknown:?}");
    // A step that needs them fails and names the secret, and one that does not goes on.
    let outcome = blind.run(&blind.plan(shop([db(2)])));
    let failed = outcome.converged().unwrap_err().to_string();
    assert!(failed.contains("secret db-password generation 2"), "{failed}");

    let other = with_secrets(world.cluster.clone(), Said("swordfish"));
    let plan = other.plan(shop([db(1)]));
    let lines = plan.step("secret/shop/db-password").unwrap().details();
    assert!(lines[0].contains("raise the secret's generation"), "{lines:?}");
    let drift = plan.drift();
    assert_eq!(drift.drift, []);
    assert!(drift.unclear.iter().any(|one| one.kind == DriftKind::Edited), "{drift:?}");
    other.run(&plan).converged().unwrap();
    assert!(other.plan(shop([db(1)])).is_empty());
}

#[test]
fn a_secret_that_is_not_ours_is_refused_unread() {
    let world = World::new();
    world.apply(&shop([web(1)]));
    let foreign = json!({ "apiVersion": "v1", "kind": "Secret", "data": { "line": "c3dvcmRmaXNo" },
        "metadata": { "name": "db-password", "namespace": "shop" } });
    world.cluster.put(foreign);
    let plan = world.plan(shop([web(1), db(1)]));
    let refused = notes(&plan, NoteKind::Held);
    assert!(refused.iter().any(|text| text.contains("fmc did not make it: give shop/db-password")), "{plan}");
}

#[test]
fn a_secret_that_is_gone_is_told() {
    let world = World::new();
    world.apply(&shop([db(1)]));
    world.cluster.delete("secret", "shop", "db-tls");
    let plan = world.plan(shop([db(1)]));
    assert_eq!(told(&plan).0, ["missing secret/shop/db-tls: "], "{plan}");
    world.apply(&shop([db(1)]));
}

#[test]
fn each_mistake_with_a_secret_is_found_where_it_stands() {
    let find = |container: Container, kind: &str, path: &str| {
        one(of(container), kind, &format!("{CONTAINER}.{path}"));
    };
    let db = || Secret::password("db");
    find(container("web").secret_variable("", db()), "platform-value", "secret_environment[0].name");
    let twice = container("web").variable("A", "x").secret_variable("A", db());
    find(twice, "platform-twice", "secret_environment[0]");
    let other = container("web").secret_variable("A", db()).secret_variable("B", db().generation(2));
    find(other, "platform-twice", "secret_environment[1].secret");
    let none: [(&str, Secret); 0] = [];
    find(container("web").secret_files("/a", none), "platform-value", "mounts[0].from.secrets");
    // The bytes follow from the name, and these are those of the cluster's own authority.
    let of_cluster = Secret::password("k3s-single-client-ca-key");
    find(container("web").secret_variable("A", of_cluster), "platform-value", "secret_environment[0].secret");
    find(container("web").secret_files("/a", [("a/b", db())]), "platform-value", "mounts[0].from.secrets");
    let wrong = container("web")
        .secret_variable("A", Secret::file("Db", ""))
        .secret_files("/a", [("a", Secret::environment("db", ""))]);
    let paths: Vec<String> = kinds(of(wrong)).into_iter().map(|(_, path)| path).collect();
    let at = format!("roles[0].platform.{CONTAINER}");
    for key in [
        "secret_environment[0].secret.name",
        "secret_environment[0].secret.source.file",
        "mounts[0].from.secrets.a.source.environment",
    ] {
        assert!(paths.contains(&format!("{at}.{key}")), "{paths:?}");
    }
    let _: Platform = of(container("web"));
}

/// Pods that still run with a secret, a text or an account must not lose it before they are replaced.
#[test]
fn what_pods_name_goes_after_they_are_there_without_it() {
    let with = shop([db(1)]);
    let without =
        shop([Deployment::new("db", container("db").port("sql", 5432).ready(Probe::tcp("sql")))
            .expose(5432, "sql")]);
    let world = World::new();
    world.apply(&with);
    let plan = world.apply(&without);
    let at =
        |name: &str| plan.steps.iter().position(|step| step.address.short().to_string() == name).unwrap();
    assert!(at("deployment/shop/db") < at("secret/shop/db-password"), "{plan}");
    let deletion =
        plan.steps.iter().find(|step| step.address.short().to_string() == "secret/shop/db-password");
    assert!(!deletion.unwrap().after.is_empty(), "{plan}");
}
