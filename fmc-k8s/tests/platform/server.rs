//! Platforms in a real control plane: what is slow about `plane`, and what a server alone decides.

mod admitted;
mod cloudnative_pg;
mod custom;
mod definitions;
mod gateway;
mod job;
mod kinds;
mod operated;
mod operator;
mod ready;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fmc::Providers;
use fmc::graph::{Action, Choices, DeleteData, NoteKind};
use fmc::k3s::pki::{Ca, Credentials};
use fmc::keys::RootKey;
use fmc::kubeconfig::Administrator;
use fmc::libvirt::image::Images;
use fmc::libvirt::sim::Sim as Hypervisor;
use fmc::prelude::*;
use fmc::secret::{ClusterAccess, Kubeconfigs, SecretBytes, SecretError, SecretRef, Secrets};
use fmc_k8s::platform::Platform;
use fmc_k8s::provider::Kubernetes;
use fmc_k8s::stateful::VolumeClaim;
use fmc_testkit::kube::ControlPlane;
use pollster::block_on;
use serde_json::{Value, json};

use crate::cloud::{Cluster as _, World, cloud_with, deleted, notes, shop, steps, web};
use crate::ingress::{host, open, with_certificate};
use crate::plane::{Plane, start, unawaited};
use crate::stateful::{set, shelf_without_class};
use crate::value::{edges, refused_by_the_server};

#[test]
fn secrets_are_filled_in_compared_and_never_shown() {
    let world = start();
    let platform = |generation| shop([unawaited(crate::secret::db(generation))]);
    world.apply(&platform(1));
    let bytes = world.cluster.read("secret/db-password")["data"]["line"].clone();
    let pods = || world.cluster.kubectl(&["get", "pods", "--namespace=shop", "--output=name"]);
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while pods().lines().count() < 1 && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(pods().lines().count(), 1, "its pods are admitted");

    let patch = r#"{"data": {"line": "c3dvcmRmaXNo"}}"#;
    world.cluster.kubectl(&["patch", "secret/db-password", "--namespace=shop", "--patch", patch]);
    let plan = world.plan(platform(1));
    let drift = plan.drift();
    let changes: Vec<String> =
        drift.drift.iter().flat_map(|one| &one.changes).map(ToString::to_string).collect();
    assert_eq!(changes, ["data.line (not shown) -> (not shown)"], "{plan}");
    let forced = world.plan(platform(1)).force_conflicts("secret/shop/db-password");
    assert!(forced.to_string().contains("taken from kubectl-patch"), "{forced}");
    world.run(&forced).converged().unwrap();
    assert_eq!(world.cluster.read("secret/db-password")["data"]["line"], bytes);

    world.apply(&platform(2));
    assert_ne!(world.cluster.read("secret/db-password")["data"]["line"], bytes);
    world.apply(&shop([]));
    assert!(world.cluster.0.kubectl(&["get", "secret/db-password", "--namespace=shop"]).is_err());
}

#[test]
fn a_set_grows_is_made_again_and_leaves_its_data() {
    let world = start();
    let put = |object: &Value| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), object.to_string()).unwrap();
        world.cluster.kubectl(&["create", "--filename", file.path().to_str().unwrap()]);
    };
    put(&json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "block" },
        "provisioner": "kubernetes.io/no-provisioner", "allowVolumeExpansion": true }));
    for disk in ["a", "b", "c", "d"] {
        put(&json!({ "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": disk }, "spec": {
            "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "storageClassName": "block",
            "hostPath": { "path": format!("/disks/{disk}") } } }));
    }
    let sized = |size| VolumeClaim::new("data", size).class("block");
    // The pods are not ready without nodes, and the set makes one after the other: one is enough.
    let platform = |claim: VolumeClaim| shelf_without_class([set(claim).replicas(1).ready_within(0)]);
    world.apply(&platform(sized(1.gib())));
    let until = std::time::Instant::now() + Duration::from_secs(60);
    let is_bound = || {
        let claim = world.cluster.0.kubectl(&[
            "get",
            "persistentvolumeclaim/data-db-0",
            "--namespace=shop",
            "--output=jsonpath={.status.phase}",
        ]);
        claim.is_ok_and(|phase| phase == "Bound")
    };
    while !is_bound() && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(is_bound(), "the set's controller made no claim, or nothing bound it");
    let pod = || world.cluster.read("pod/db-0")["metadata"]["uid"].clone();
    let before = pod();

    let plan = world.apply(&platform(sized(2.gib())));
    assert_eq!(steps(&plan), [(Action::Update, "stateful-set/shop/db".to_owned())], "{plan}");
    let claim = world.cluster.read("persistentvolumeclaim/data-db-0");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "2Gi");
    assert_eq!(pod(), before, "its pod went on");

    let further = shelf_without_class([set(sized(2.gib()))
        .claim_of(VolumeClaim::new("log", 1.gib()).class("block"))
        .replicas(1)
        .ready_within(0)]);
    let plan = world.apply(&further);
    assert_eq!(steps(&plan), [(Action::Replace, "stateful-set/shop/db".to_owned())], "{plan}");

    let plan = world.apply(&shelf_without_class([]));
    assert!(deleted(&plan).contains(&"stateful-set/shop/db".to_owned()), "{plan}");
    let kept = notes(&world.plan(Platform::on("single")), NoteKind::Kept);
    assert!(kept.iter().any(|text| text.contains("--delete-data stateful-set/shop/db")), "{kept:?}");
    assert_eq!(
        world.cluster.read("persistentvolumeclaim/data-db-0")["metadata"]["uid"],
        claim["metadata"]["uid"]
    );
    let choices = Choices { delete_data: DeleteData::All, ..Choices::default() };
    let wanted = world.wanted(Platform::on("single"));
    let plan = block_on(world.providers.plan_with(&wanted, choices)).unwrap();
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert!(world.cluster.0.kubectl(&["get", "namespace/shop"]).is_err());
}

#[test]
fn an_ingress_with_its_certificate_is_taken_mended_and_pruned() {
    let world = start();
    let platform = open(with_certificate().route("/db", "db", 5432));
    world.apply(&platform);
    let secret = world.cluster.read("secret/tls.shop.example.org");
    assert_eq!(secret["type"], "kubernetes.io/tls");

    // Another hand adds a rule: the server takes the list as a whole, so the other hand decides it.
    let patch = r#"[{"op": "add", "path": "/spec/rules/-", "value": {"host": "other.example.org"}}]"#;
    let name = "ingress/shop.example.org";
    world.cluster.kubectl(&["patch", name, "--namespace=shop", "--type=json", "--patch", patch]);
    let refused = world.plan(platform.clone()).to_string();
    assert!(refused.contains("spec.rules (by kubectl-patch)"), "{refused}");
    let forced = world.plan(platform.clone()).force_conflicts("ingress/shop/shop.example.org");
    world.run(&forced).converged().unwrap_or_else(|error| panic!("{error}\n{forced}"));
    assert!(world.plan(platform).is_empty());
    assert_eq!(world.cluster.read(name)["spec"]["rules"].as_array().map(Vec::len), Some(1));

    let pruned = world.apply(&open(host()));
    let gone = ["network-policy/shop/db-from-outside-sql", "secret/shop/tls.shop.example.org"];
    assert_eq!(deleted(&pruned), gone, "{pruned}");
}

#[test]
fn an_object_that_is_not_ours_is_refused_and_left_alone() {
    let world = start();
    world.cluster.kubectl(&["create", "namespace", "shop"]);
    let plan = world.plan(shop([unawaited(web(1))]));
    let refused: Vec<&str> =
        plan.notes.iter().filter(|note| note.kind == NoteKind::Held).map(|note| note.text.as_str()).collect();
    assert!(refused.iter().any(|text| text.contains("fmc did not make it")), "{plan}");
    assert!(!world.run(&plan).is_converged());
    assert_eq!(world.cluster.kubectl(&["get", "deployments", "--all-namespaces", "--output=name"]), "");
    let labels = world.cluster.kubectl(&["get", "namespace", "shop", "--output=jsonpath={.metadata.labels}"]);
    assert!(!labels.contains("fmc/owner"), "{labels}");
}

#[test]
fn a_server_that_is_away_is_waited_for_and_nothing_is_half_known() {
    let mut world = start();
    let platform = shop([unawaited(web(1))]);
    world.apply(&platform);
    world.cluster.0.kill_api_server();
    let plan = world.plan(platform.clone());
    assert!(!plan.is_empty(), "{plan}");
    assert_eq!(steps(&plan), [(Action::Create, "api/single".to_owned())], "{plan}");
    world.cluster.0.revive();
    world.apply(&platform);
}

#[test]
fn values_at_the_edges_are_taken_and_those_beyond_are_refused() {
    let world = start();
    world.apply(&edges());
    let mut taken = Vec::new();
    for (path, platform) in refused_by_the_server() {
        let tried = platform.manifests().into_iter().filter(|one| one.namespace().is_some()).map(|one| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), one.to_yaml().unwrap()).unwrap();
            let name = file.path().to_str().unwrap();
            world.cluster.0.kubectl(&["apply", "--server-side", "--dry-run=server", "--filename", name])
        });
        if tried.collect::<Vec<_>>().iter().all(Result::is_ok) {
            taken.push(path);
        }
    }
    assert_eq!(taken, [""; 0]);
}

#[test]
fn what_others_did_is_told_and_a_namespace_with_strangers_stays() {
    let world = start();
    let platform = shop([unawaited(web(1))]);
    world.apply(&platform);

    // A copy of ours with its mark, as by `kubectl get`, an editor and `kubectl apply`.
    let mut copy = world.cluster.read("configmap/settings");
    let labels = copy["metadata"]["labels"].clone();
    copy["metadata"] = json!({ "name": "copy", "namespace": "shop", "labels": labels });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), copy.to_string()).unwrap();
    world.cluster.kubectl(&["apply", "--filename", file.path().to_str().unwrap()]);
    let plan = world.plan(platform.clone());
    assert!(plan.is_empty(), "{plan}");
    let told = |plan: &fmc::Plan| -> Vec<String> {
        let drift = plan.drift();
        drift.drift.iter().map(|one| format!("{} {}", one.kind.as_str(), one.address.short())).collect()
    };
    assert_eq!(told(&plan), ["extra config-map/shop/copy"]);

    // What others changed and took away.
    world.cluster.kubectl(&["scale", "deployment/web", "--namespace=shop", "--replicas=5"]);
    world.cluster.kubectl(&["delete", "networkpolicy/nothing", "--namespace=shop"]);
    let plan = world.plan(platform.clone());
    assert_eq!(
        told(&plan),
        ["extra config-map/shop/copy", "changed deployment/shop/web", "missing network-policy/shop/nothing"]
    );
    world.cluster.kubectl(&["scale", "deployment/web", "--namespace=shop", "--replicas=1"]);
    world.apply(&platform);

    // Strangers keep the namespace; without them it goes, with the pods that ours had.
    world.cluster.kubectl(&[
        "create",
        "secret",
        "generic",
        "token",
        "--namespace=shop",
        "--from-literal=a=b",
    ]);
    let plan = world.plan(Platform::on("single"));
    let left = notes(&plan, NoteKind::Left);
    assert_eq!(
        left,
        [
            "it has what fmc did not make: configmaps/copy, secrets/token: move that or delete it, and apply again"
        ],
        "{plan}"
    );
    world.cluster.kubectl(&["delete", "secret/token", "configmap/copy", "--namespace=shop"]);
    let gone = world.apply(&Platform::on("single"));
    assert!(deleted(&gone).contains(&"namespace/shop".to_owned()), "{gone}");
}

#[test]
fn an_apply_that_waits_in_vain_is_asked_again_and_changes_nothing() {
    let world = start();
    let platform = shop([web(1).ready_within(1)]);
    let outcome = world.run(&world.plan(platform.clone()));
    assert!(!outcome.is_converged(), "{outcome:?}");
    let before = world.cluster.written();
    for _ in 0..2 {
        let plan = world.plan(platform.clone());
        assert_eq!(steps(&plan), [(Action::Update, "deployment/shop/web".to_owned())], "{plan}");
        assert!(plan.to_string().contains("pods not ready -> ready"), "{plan}");
        assert!(!world.run(&plan).is_converged());
        assert_eq!(world.cluster.written(), before);
    }
    assert!(world.plan(shop([unawaited(web(1))])).is_empty());
}

/// The authority of a control plane, as secrets of the user's own.
struct Authority(String, String);

impl Secrets for Authority {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        let text = if secret.name.as_str().ends_with("-key") { &self.1 } else { &self.0 };
        Ok(SecretBytes::new(text.clone().into_bytes()))
    }
}

/// The administrator of a control plane that is not where the cloud has its server.
struct Elsewhere(Administrator, String);

impl Kubeconfigs for Elsewhere {
    fn kubeconfig(&self, access: &ClusterAccess) -> Result<SecretBytes, String> {
        assert_eq!(access.server, "https://10.17.3.10:6443");
        let mut there = access.clone();
        there.server.clone_from(&self.1);
        self.0.kubeconfig(&there)
    }
}

/// Nobody gives fmc a kubeconfig: it computes its own.
#[test]
fn a_cluster_that_the_cloud_makes_is_entered_by_the_root_key() {
    let plane = Plane(ControlPlane::start());
    let own = |name: &'static str| Secret::file(name, "not read");
    let credentials = Credentials::new()
        .authority(Ca::Server, own("server-ca"), own("server-ca-key"))
        .authority(Ca::Client, own("client-ca"), own("client-ca-key"));
    let cluster = k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]).credentials(credentials);
    let cloud = || cloud_with(cluster.clone()).role(shop([unawaited(web(2))]));
    let providers = || {
        Providers::new()
            .host(HostName::literal("local"), Hypervisor::new())
            .secrets(Arc::new(fmc::sim::StandIns))
            .images(Images::stand_ins())
            .with(Kubernetes::new())
    };
    let locked_out = World { cluster: plane, providers: providers() };
    let plan = locked_out.plan_of(&locked_out.compile(cloud()));
    let why = notes(&plan, NoteKind::Deferred);
    assert!(why.iter().any(|text| text.contains("by the root key that its secrets are made from")), "{plan}");
    assert!(!plan.is_empty());

    let (certificate, key) = locked_out.cluster.0.authority();
    let day = Duration::from_secs(86_400);
    let own = Arc::new(Authority(certificate, key));
    let administrator = Administrator::new(RootKey::sample(), own, SystemTime::now(), day);
    let administrator = Elsewhere(administrator, locked_out.cluster.0.url());
    let world =
        World { cluster: locked_out.cluster, providers: providers().kubeconfigs(Arc::new(administrator)) };
    let wanted = world.compile(cloud());
    let plan = world.plan_of(&wanted);
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert_eq!(world.cluster.read("deployment/web")["spec"]["replicas"], json!(2));
    assert!(world.plan_of(&wanted).is_empty());
}
