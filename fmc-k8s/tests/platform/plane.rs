//! A platform in a real cluster's control plane: planned, applied, planned again, changed by others, pruned. `server` has what is slower.

use std::time::Duration;

use fmc::graph::Action;
use fmc_k8s::account::{Account, AccountRule};
use fmc_k8s::client::Server;
use fmc_k8s::link::ApiLink;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_k8s::workload::Deployment;
use fmc_testkit::kube::ControlPlane;
use pollster::block_on;
use serde_json::{Value, json};

use crate::check::kinds;
use crate::cloud::{Cluster, World, db, shop, steps, web};
use crate::custom::{self, definition, with};
use crate::raw::restricted;
use crate::secret;

/// A control plane without nodes.
pub(crate) struct Plane(pub(crate) ControlPlane);

impl Cluster for Plane {
    fn link(&self) -> impl ApiLink {
        Server::of_kubeconfig(&self.0.kubeconfig()).unwrap()
    }

    fn written(&self) -> String {
        self.kubectl(&[
            "get",
            "namespaces,configmaps,secrets,deployments,statefulsets,services,ingresses,networkpolicies,poddisruptionbudgets,\
             jobs,cronjobs,daemonsets,horizontalpodautoscalers,limitranges,resourcequotas,priorityclasses,customresourcedefinitions,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings",
            "--all-namespaces",
            "--selector=fmc/owner",
            "--output=jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.generation}{\"\\n\"}{end}",
        ])
    }
}

impl Plane {
    pub(crate) fn kubectl(&self, words: &[&str]) -> String {
        self.0.kubectl(words).unwrap_or_else(|refused| panic!("{refused}"))
    }

    pub(crate) fn read(&self, what: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", what, "--namespace=shop", "--output=json"])).unwrap()
    }
}

pub(crate) fn start() -> World<Plane> {
    World::on(Plane(ControlPlane::start()))
}

/// Without nodes no pod gets ready.
pub(crate) fn unawaited(deployment: Deployment) -> Deployment {
    deployment.ready_within(0)
}

#[test]
fn a_platform_is_made_changed_by_others_mended_and_pruned() {
    let world = start();
    let platform = shop([unawaited(web(2)), unawaited(db())]);
    let first = world.apply(&platform);
    let made = steps(&first);
    assert_eq!(made.len(), 9, "{first}");
    assert!(made.iter().all(|(action, _)| *action == Action::Create), "{first}");

    // Its pods are admitted: the namespace enforces `restricted`.
    let pods = || world.cluster.kubectl(&["get", "pods", "--namespace=shop", "--output=name"]);
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while pods().lines().count() < 3 && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(pods().lines().count(), 3);

    // Another hand decides a value now: that is said, and nothing is forced.
    world.cluster.kubectl(&["scale", "deployment/web", "--namespace=shop", "--replicas=5"]);
    let refused = world.plan(platform.clone()).to_string();
    assert!(refused.contains("spec.replicas (by kubectl)"), "{refused}");
    let forced = world.plan(platform.clone()).force_conflicts("deployment/shop/web");
    assert!(forced.to_string().contains("spec.replicas 5 -> 2"), "{forced}");
    assert!(forced.to_string().contains("taken from kubectl"), "{forced}");
    world.run(&forced).converged().unwrap_or_else(|error| panic!("{error}\n{forced}"));
    assert_eq!(world.cluster.read("deployment/web")["spec"]["replicas"], json!(2));
    assert!(world.plan(platform.clone()).is_empty());

    // Another hand adds an entry to a list that we decide, and takes a text away.
    let patch = r#"[{"op": "add", "path": "/spec/ports/-", "value": {"name": "extra", "port": 81}}]"#;
    world.cluster.kubectl(&["patch", "service/web", "--namespace=shop", "--type=json", "--patch", patch]);
    let patch = r#"[{"op": "remove", "path": "/data/web.conf"}]"#;
    world.cluster.kubectl(&[
        "patch",
        "configmap/settings",
        "--namespace=shop",
        "--type=json",
        "--patch",
        patch,
    ]);
    let mended = world.apply(&platform).to_string();
    assert!(mended.contains("spec.ports[extra]") && mended.contains("web.conf"), "{mended}");
    assert_eq!(
        world.cluster.read("service/web")["spec"]["ports"].as_array().map(Vec::len),
        Some(1),
        "{mended}"
    );
    assert_eq!(world.cluster.read("configmap/settings")["data"]["web.conf"], "workers = 2\n");

    // Another hand opens what we leave closed by leaving it out.
    let patch = r#"[{"op": "add", "path": "/spec/ingress", "value": [{}]}]"#;
    let opened = ["patch", "networkpolicy/nothing", "--namespace=shop", "--type=json", "--patch", patch];
    world.cluster.kubectl(&opened);
    let patch = r#"[{"op": "add", "path": "/spec/template/spec/hostPID", "value": true}]"#;
    let patched = ["patch", "deployment/web", "--namespace=shop", "--type=json", "--patch", patch];
    world.cluster.kubectl(&patched);
    let mended = world.apply(&platform).to_string();
    assert!(mended.contains("spec.ingress") && mended.contains("hostPID"), "{mended}");
    assert_eq!(world.cluster.read("networkpolicy/nothing")["spec"].get("ingress"), None);
    assert_eq!(world.cluster.read("deployment/web")["spec"]["template"]["spec"].get("hostPID"), None);

    // A foreign object beside ours stays, and ours of before go.
    world.cluster.kubectl(&["create", "configmap", "foreign", "--namespace=shop", "--from-literal=a=b"]);
    let pruned = world.apply(&shop([unawaited(web(2))]));
    let mut gone: Vec<(Action, String)> = steps(&pruned);
    gone.sort_by(|(_, one), (_, other)| one.cmp(other));
    assert_eq!(
        gone,
        [(Action::Delete, "deployment/shop/db".to_owned()), (Action::Delete, "service/shop/db".to_owned())],
        "{pruned}"
    );
    assert_eq!(world.cluster.read("configmap/foreign")["data"]["a"], "b");
}

/// A step that makes an object makes no one that another hand made since the plan.
#[test]
fn an_object_that_came_since_the_plan_is_left_alone() {
    let world = start();
    let platform = shop([unawaited(web(1))]);
    let plan = world.plan(platform.clone());
    world.cluster.kubectl(&["create", "namespace", "shop"]);
    let labels =
        || world.cluster.kubectl(&["get", "namespace", "shop", "--output=jsonpath={.metadata.labels}"]);
    let before = labels();
    let outcome = block_on(plan.apply(&world.providers, |_| ())).unwrap();
    assert!(!outcome.is_converged());
    assert!(format!("{outcome:?}").contains("namespace/shop"), "{outcome:?}");
    assert_eq!(labels(), before);
}

/// `compile` writes a folder that kustomize reads: with secrets, and with names that YAML would take for keys.
#[test]
fn kubectl_applies_the_folder_that_compile_writes() {
    let plane = Plane(ControlPlane::start());
    let rights = Account::new().may_in_cluster(AccountRule::of(["list"], ["nodes"]));
    let web = unawaited(web(1)).account(rights);
    let wanted = World::new().wanted(shop([web, unawaited(secret::db(1))]));
    let folder = tempfile::TempDir::new().unwrap();
    let written = wanted.artifacts().filter(|one| one.path.starts_with("kubernetes/"));
    for artifact in written {
        let path = folder.path().join(&artifact.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, artifact.render(&fmc::sim::StandIns).unwrap().expose()).unwrap();
    }
    let base = folder.path().join("kubernetes/single");
    let stream = plane.kubectl(&["kustomize", base.to_str().unwrap()]);
    let objects = stream.split("\n---\n").count();
    assert_eq!(objects, wanted.artifacts().filter(|one| one.path.starts_with("kubernetes/")).count() - 1);
    let made = plane.kubectl(&["apply", "--server-side", "-k", base.to_str().unwrap()]);
    assert_eq!(made.lines().filter(|line| line.ends_with(" serverside-applied")).count(), objects, "{made}");
    assert!(made.contains("clusterrole.rbac.authorization.k8s.io/shop:web"), "{made}");
    assert!(!plane.read("secret/db-password")["data"]["line"].is_null());
}

/// The simulation refuses the same two changes in tests of its own.
#[test]
fn a_stored_version_is_held_and_a_class_is_made_again() {
    let world = start();
    let class = |provisioner: &str| {
        RawObject::of(&json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": { "name": "fast" },
            "provisioner": provisioner,
        }))
    };
    let of = |version: &str, provisioner: &str| {
        let (mut kind, mut object) = (definition(), custom::unawaited(1));
        kind["spec"]["versions"][0]["name"] = json!(version);
        object["apiVersion"] = json!(format!("example.org/{version}"));
        with(Some(kind), [object]).object(class(provisioner))
    };
    world.apply(&of("v1", "a.example.org"));
    let plan = world.apply(&of("v1", "b.example.org"));
    assert_eq!(steps(&plan), [(Action::Replace, "storage-class/fast".to_owned())], "{plan}");
    let plan = world.plan(of("v2", "b.example.org"));
    assert!(plan.to_string().contains("in which the server still keeps objects"), "{plan}");
    assert_eq!(steps(&plan), [], "{plan}");
    let mut newer = definition();
    newer["spec"]["versions"][0]["name"] = json!("v2");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), newer.to_string()).unwrap();
    let path = file.path().to_str().unwrap();
    let refused =
        world.cluster.0.kubectl(&["apply", "--server-side", "--force-conflicts", "--filename", path]);
    assert!(refused.is_err_and(|words| words.to_string().contains("status.storedVersions[0]")));
}

/// PodSecurity itself is the judge of what `check` says of pods in the form of the API.
#[test]
fn the_server_refuses_the_pods_that_the_check_tells_of() {
    let plane = Plane(ControlPlane::start());
    plane.kubectl(&["create", "namespace", "shop"]);
    plane.kubectl(&["label", "namespace", "shop", "pod-security.kubernetes.io/enforce=restricted"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let context = "/containers/0/securityContext";
    let mut judged = Vec::new();
    for (pointer, value) in [
        ("/hostPID", json!(false)),
        ("/hostNetwork", json!(true)),
        ("/hostIPC", json!(true)),
        ("/containers/0/ports", json!([{ "containerPort": 80, "hostPort": 80 }])),
        ("/volumes", json!([{ "name": "a", "hostPath": { "path": "/a" } }])),
        ("/volumes", json!([{ "name": "a", "nfs": { "server": "a", "path": "/" } }])),
        (
            "/volumes",
            json!([{ "name": "a", "emptyDir": {} }, { "name": "b", "projected": { "sources": [] } }]),
        ),
        (context, json!({})),
        (context, json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["NET_RAW"] } })),
        (context, json!({ "allowPrivilegeEscalation": true, "capabilities": { "drop": ["ALL"] } })),
        (
            context,
            json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"], "add": ["NET_BIND_SERVICE"] } }),
        ),
        (
            context,
            json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"], "add": ["SYS_TIME"] } }),
        ),
        (
            context,
            json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] }, "runAsNonRoot": false }),
        ),
        (
            context,
            json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] }, "runAsUser": 0 }),
        ),
        (
            context,
            json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] }, "seccompProfile": { "type": "Unconfined" } }),
        ),
        ("/securityContext", json!({})),
        ("/securityContext", json!({ "runAsNonRoot": true })),
        ("/securityContext", json!({ "seccompProfile": { "type": "RuntimeDefault" } })),
        (
            "/securityContext",
            json!({ "runAsNonRoot": true, "runAsUser": 0, "seccompProfile": { "type": "RuntimeDefault" } }),
        ),
        (
            "/securityContext",
            json!({ "runAsUser": 1000, "runAsNonRoot": true, "seccompProfile": { "type": "Localhost", "localhostProfile": "a" } }),
        ),
        ("/initContainers", json!([{ "name": "first", "image": "registry.example.org/first:1" }])),
        ("/os", json!({ "name": "linux" })),
    ] {
        let mut pod = restricted(json!({ "name": "web", "image": "registry.example.org/web:1" }));
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        pod.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value.clone());
        let one = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" }, "spec": pod });
        std::fs::write(file.path(), one.to_string()).unwrap();
        let name = format!("--filename={}", file.path().display());
        let answer = plane.0.kubectl(&["create", &name, "--namespace=shop", "--dry-run=server"]);
        let is_refused = match answer {
            Ok(_) => false,
            Err(words) => {
                assert!(words.to_string().contains("violates PodSecurity"), "{pointer} {value}: {words}");
                true
            }
        };
        let labels = json!({ "app": "web" });
        let set = RawObject::of(
            &json!({ "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": { "name": "web" }, "spec": {
            "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels }, "spec": pod } } }),
        );
        let platform = Platform::on("single").namespace(Namespace::new("shop").object(set));
        let is_told = kinds(platform).iter().any(|(kind, _)| kind == "platform-refused-pods");
        judged.push(is_refused);
        assert_eq!(is_told, is_refused, "{pointer} {value}");
    }
    assert!(judged.iter().any(|one| *one) && judged.iter().any(|one| !one), "{judged:?}");
}
