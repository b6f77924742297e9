//! The program `fmc` with what runs in a cluster: one file, one plan, one apply.

mod examples;

use std::fs;

use crate::files::{fmc, folder};

const SHOP: &str = r#"name: shop
hosts: { local: {} }
networks: { lab: { mode: nat, subnet: 10.17.3.0/24 } }
machines:
  node:
    image: { os: debian, version: "12", source: { path: /images/debian-12.qcow2 } }
    cpus: 2
    memory: 4 GiB
    root_disk: 20 GiB
    disks: { k3s: { size: 20 GiB, mount: /var/lib/rancher/k3s } }
    interfaces: [{ network: lab, address: 10.17.3.10 }]
clusters:
  prod: { version: v1.36.2+k3s1, servers: [node] }
roles:
  - platform:
      cluster: prod
      namespaces:
        - name: shop
          deployments:
            - name: web
              replicas: 2
              containers:
                - name: web
                  image: registry.example.org/shop/web:1.4.2@sha256:0000000000000000000000000000000000000000000000000000000000000000
                  cpu: 100m
                  memory: 128 MiB
                  ports: [{ name: http, number: 8080 }]
                  ready: { http: { port: http, path: /healthz } }
                  secret_environment:
                    - name: PASSWORD
                      secret: { name: shop-password, source: { generated: password } }
          stateful_sets:
            - name: db
              claims: [{ name: data, size: 10 GiB }]
              containers:
                - name: db
                  image: registry.example.org/shop/db:18.1@sha256:0000000000000000000000000000000000000000000000000000000000000000
                  cpu: 500m
                  memory: 1 GiB
                  user: 1000
                  ports: [{ name: sql, number: 5432 }]
                  mounts:
                    - { path: /var/lib/db, from: { claim: data } }
                    - { path: /etc/db, from: { secrets: { key.pem: { name: shop-key, source: { generated: private-key } } } } }
"#;

#[test]
fn machines_and_what_runs_in_them_are_in_one_file() {
    let folder = folder(&[("cloud.yaml", SHOP)]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let checked = run("check");
    assert!(checked.code == 0 && checked.out.contains("0 errors"), "{checked:?}");
    // K3s's own pods are five, and ask for 200m and 140 MiB.
    let table = "  cluster prod: what pods ask for, of what each node gives
  node  takes      memory        of   CPU  of  pods   of
  node  any pod  1420 MiB  3918 MiB  900m   2     8  110
";
    assert!(checked.out.contains(table), "{}", checked.out);
    // It stands beside an error too, since it says how much there is.
    let large = SHOP.replace("memory: 1 GiB", "memory: 5 GiB");
    fs::write(folder.path().join("large.yaml"), large).unwrap();
    let refused = run("-f large.yaml check");
    assert!(refused.code == 1 && refused.err.is_empty(), "{refused:?}");
    assert!(
        refused.out.contains("platform-no-room") || refused.out.contains("platform-too-large"),
        "{refused:?}"
    );
    assert!(refused.out.contains("cluster prod: what pods ask for, of what each node gives"), "{refused:?}");
    let plan = run("plan --detailed-exitcode");
    assert!(
        plan.code == 2 && plan.out.contains("+ machine node") && plan.out.contains("+ api prod"),
        "{plan:?}"
    );
    let status = run("status");
    assert!(status.code == 2 && status.err.is_empty(), "{status:?}");
    let grouped = status.out.lines().find(|line| line.contains("objects not there yet: ")).unwrap();
    assert!(
        grouped.contains("deployment/shop/web, ") && grouped.ends_with("; `fmc apply` makes them"),
        "{grouped}"
    );
    assert!(status.out.lines().count() < 8, "{status:?}");
    let json: serde_json::Value = serde_json::from_str(&run("status --json").out).unwrap();
    assert!(json["objects"].as_array().unwrap().len() > 8, "{json}");
    let applied = run("apply");
    assert!(applied.code == 0 && applied.out.contains("+ deployment shop/web"), "{applied:?}");
    assert_eq!(run("plan --detailed-exitcode").code, 0);
    let status = run("status");
    assert!(status.code == 0 && status.out.contains("deployment/shop/web: there"), "{status:?}");
    assert_eq!(run("drift").code, 0);

    fs::write(folder.path().join("cloud.yaml"), SHOP.replace("replicas: 2", "replicas: 3")).unwrap();
    let plan = run("plan --out saved.plan");
    assert!(plan.out.contains("spec.replicas 2 -> 3"), "{plan:?}");
    assert_eq!(run("apply saved.plan").code, 0);
    assert_eq!(run("plan --detailed-exitcode").code, 0);
    let typo = run("plan --force-conflicts deployment/shop/wbe");
    let told = "the cloud has no such object: did you mean deployment/shop/web?";
    assert!(typo.code == 1 && typo.out.contains(told), "{typo:?}");
    assert_eq!(run("plan --force-conflicts deployment/shop/web --out forced.plan").code, 0);
    assert!(run("apply forced.plan --force-conflicts deployment/shop/web").err.contains("--force-conflicts"));
    assert_eq!(run("apply forced.plan").code, 0);
    assert_eq!(run("root-key new --out root.key").code, 0);
    assert_eq!(run("compile --out files --root-key root.key").code, 0);
    let secret = folder.path().join("files/kubernetes/prod/shop/shop-password.secret.yaml");
    assert!(fs::read_to_string(secret).unwrap().contains("stringData:\n  line: \""));
    let manifest =
        fs::read_to_string(folder.path().join("files/kubernetes/prod/shop/web.deployment.yaml")).unwrap();
    assert!(manifest.contains("readOnlyRootFilesystem: true"), "{manifest}");

    let without = fs::read_to_string(folder.path().join("cloud.yaml")).unwrap();
    let (without, _) = without.split_once("          stateful_sets:").unwrap();
    fs::write(folder.path().join("cloud.yaml"), without).unwrap();
    assert_eq!(run("apply").code, 0);
    let kept = run("plan");
    assert!(kept.out.contains("--delete-data stateful-set/shop/db"), "{kept:?}");
    let deleted = run("apply --delete-data stateful-set/shop/db --yes");
    assert!(deleted.code == 0 && deleted.out.contains("claim shop/data-db-0"), "{deleted:?}");
    assert!(!run("plan").out.contains("--delete-data"));

    let gone = run("destroy --yes");
    assert!(gone.code == 0 && gone.out.contains("api prod"), "{gone:?}");
    assert_eq!(run("plan --detailed-exitcode").code, 2);
}

/// A cluster on a real host is entered by the root key. Without one its objects are unknown, in one line, and no apply makes them known.
#[test]
fn the_objects_of_a_cluster_that_cannot_be_entered_are_one_line_of_the_status() {
    let text = SHOP.replace("hosts: { local: {} }", "hosts: { a: {}, b: {} }");
    let text = text.replace("subnet: 10.17.3.0/24 }", "subnet: 10.17.3.0/24, host: a }");
    let folder = folder(&[("cloud.yaml", &text.replace("    cpus: 2\n", "    cpus: 2\n    host: a\n"))]);
    let hosts = "--connect a=sim:a.json --connect b=test:///no/such/file.xml";
    let status = fmc(folder.path(), &format!("status {hosts}"), "");
    assert!(status.code == 1 && status.err.contains("fmc enters a cluster by the root key"), "{status:?}");
    let grouped = status.out.lines().find(|line| line.contains("objects unknown: ")).unwrap();
    assert!(grouped.contains("kubernetes/prod: ") && grouped.ends_with(" more"), "{grouped}");
    assert_eq!(status.out.matches("unknown").count(), 1, "{status:?}");
    let refused = fmc(folder.path(), &format!("status {hosts} --root-key none.key"), "");
    assert!(refused.code == 1 && refused.err.contains("none.key"), "{refused:?}");
}

#[test]
fn saved_plans_come_to_an_end() {
    let folder = folder(&[("cloud.yaml", include_str!("../../examples/platform/database.yaml"))]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    // The first one makes the machines and waits for the API, and the second one makes what is in the cluster.
    for _ in 0..2 {
        assert!(run("plan --out saved.plan").code == 0);
        run("apply saved.plan");
    }
    let plan = run("plan --detailed-exitcode");
    assert_eq!(plan.code, 0, "{plan:?}");
}

#[test]
fn another_text_is_shown_by_the_line_that_differs() {
    let example = include_str!("../../examples/platform/monitoring.yaml");
    let folder = folder(&[("cloud.yaml", example)]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    assert_eq!(run("apply --yes").code, 0);
    let without = example.replace("                  metrics: { port: http }\n", "");
    assert_ne!(without, example);
    fs::write(folder.path().join("cloud.yaml"), without).unwrap();
    let plan = run("plan").out;
    assert!(
        plan.contains(
            "data[prometheus.yml] - job_name: shop/web/http -> - job_name: monitoring/objects/http"
        ),
        "{plan}"
    );
}

#[test]
fn data_in_a_cluster_is_deleted_by_a_name_that_left_some() {
    let folder = folder(&[("cloud.yaml", include_str!("../../examples/platform/database.yaml"))]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let told = |ran: crate::stage::Ran| format!("{}{}", ran.out, ran.err);
    assert_eq!(run("apply --yes").code, 0);
    let wrong = run("plan --delete-data claim/shop/data-db-0");
    assert_eq!(wrong.code, 64, "{wrong:?}");
    let wrong = told(wrong);
    assert!(wrong.contains("nothing that left data: `claim/shop/data-db-0`"), "{wrong}");
    assert!(wrong.contains("nothing in a cluster has left data"), "{wrong}");
    let wanted = run("plan --delete-data stateful-set/shop/db");
    assert_eq!(wanted.code, 0, "{wanted:?}");
    assert!(told(wanted).contains("the cloud wants it, so `--delete-data` deletes nothing of it"));

    let text = fs::read_to_string(folder.path().join("cloud.yaml")).unwrap();
    let renamed = text
        .replace("claims: [{ name: data,", "claims: [{ name: store,")
        .replace("claim: data", "claim: store");
    fs::write(folder.path().join("cloud.yaml"), renamed).unwrap();
    let applied = told(run("apply --yes"));
    assert!(
        applied.contains("store-db-0 begins empty: the data of data-db-0 stays where it is"),
        "{applied}"
    );
    let near = told(run("plan --delete-data claim/shop/data-db-1"));
    assert!(near.contains("did you mean `claim/shop/data-db-0`?"), "{near}");
    let gone = run("apply --yes --delete-data claim/shop/data-db-0");
    assert!(gone.code == 0 && gone.out.contains("- claim shop/data-db-0"), "{gone:?}");
    assert!(!gone.out.contains("unwanted data disk"), "{gone:?}");
    let gone = told(run("destroy"));
    assert!(gone.contains("objects and the data of 1 volume"), "{gone}");
}

#[test]
fn an_object_in_the_form_of_the_api_has_the_types_that_the_file_says() {
    let objects = r#"          objects:
            - apiVersion: v1
              kind: ResourceQuota
              metadata: { name: most, labels: { tier: "1" } }
              spec: { hard: { pods: 20, requests.cpu: 1.5 }, scopes: [BestEffort] }
            - apiVersion: batch/v1
              kind: CronJob
              metadata: { name: backup }
              spec: { schedule: "10 3 * * *", suspend: true, jobTemplate: { spec: { backoffLimit: 0x2 } } }
      objects:
        - { apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: { name: shop }, value: -10 }
"#;
    let folder = folder(&[("cloud.yaml", &format!("{SHOP}{objects}"))]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let applied = run("apply --yes");
    assert!(applied.code == 0 && applied.out.contains("+ cron-job shop/backup"), "{applied:?}");
    assert_eq!(run("plan --detailed-exitcode").code, 0);
    assert_eq!(run("compile --out files").code, 0);
    let read =
        |name: &str| fs::read_to_string(folder.path().join("files/kubernetes/prod").join(name)).unwrap();
    let quota = read("shop/most.resource-quota.yaml");
    assert!(
        quota.contains("pods: 20\n")
            && quota.contains("requests.cpu: 1.5\n")
            && quota.contains("tier: \"1\"\n"),
        "{quota}"
    );
    let job = read("shop/backup.cron-job.yaml");
    assert!(job.contains("suspend: true\n") && job.contains("backoffLimit: 2\n"), "{job}");
    assert!(read("shop.priority-class.yaml").contains("value: -10\n"));

    let wrong = format!("{SHOP}{objects}").replace("kind: CronJob", "kind: CronJobb");
    fs::write(folder.path().join("cloud.yaml"), wrong).unwrap();
    let told = run("check");
    assert!(
        told.code == 1 && format!("{}{}", told.out, told.err).contains("did you mean CronJob?"),
        "{told:?}"
    );
}

#[test]
fn mistakes_in_a_platform_are_told_as_those_in_machines() {
    for (right, wrong, words) in [
        ("replicas: 2", "replcas: 2", "did you mean `replicas`?"),
        ("cluster: prod", "cluster: prd", "name one of prod"),
        ("path: /healthz", "path: healthz", "platform-value"),
        ("claim: data", "claim: dta", "name one of data"),
        ("name: shop-password", "name: Shop", "secret_environment[0].secret.name"),
        ("cpu: 100m", "cpu: 100mm", "roles[0].platform.namespaces[0].deployments[0].containers[0].cpu"),
    ] {
        assert!(SHOP.contains(right));
        let folder = folder(&[("cloud.yaml", &SHOP.replace(right, wrong))]);
        let ran = fmc(folder.path(), "check", "");
        let all = format!("{}{}", ran.out, ran.err);
        assert!(ran.code == 1 && all.contains(words) && all.contains("cloud.yaml:"), "{wrong}: {all}");
    }
}

#[test]
fn the_kinds_of_findings_and_the_schema_have_platforms() {
    let folder = folder(&[]);
    let page = fmc(folder.path(), "explain platform-value", "");
    assert!(page.code == 0 && page.out.contains("platform-value (error"), "{page:?}");
    let schema = fmc(folder.path(), "schema", "");
    assert!(schema.code == 0 && schema.out.contains("\"platform\""), "the schema has no platform");
}

#[test]
fn the_files_of_simulations_are_told_apart() {
    // A host with the name of a provider would have its file.
    let cloud = "name: shop\nhosts: { kubernetes: {}, two: {} }\nmachines:\n  web: { host: two, image: { os: none }, root_disk: 1 GiB }\n";
    let folder = folder(&[("cloud.yaml", cloud)]);
    let ran = fmc(folder.path(), "apply", "");
    assert!(
        ran.code == 1 && ran.err.contains("the host kubernetes") && ran.err.contains("sim:FILE"),
        "{ran:?}"
    );
    assert!(!folder.path().join("shop.kubernetes.sim.json").exists());
    // One that cannot be read is named.
    fs::write(folder.path().join("cloud.yaml"), SHOP).unwrap();
    fs::write(folder.path().join("shop.kubernetes.sim.json"), "").unwrap();
    let ran = fmc(folder.path(), "plan", "");
    assert!(
        ran.code == 1 && ran.err.contains("shop.kubernetes.sim.json") && ran.err.contains("delete it"),
        "{ran:?}"
    );
}

/// A file as the project of an operator publishes it.
const WIDGETS: &str = r"# Widgets 1.2.0
apiVersion: v1
kind: Namespace
metadata: { name: widgets }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.example.org }
spec:
  group: example.org
  scope: Namespaced
  names: { kind: Widget, plural: widgets, singular: widget, listKind: WidgetList }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: { type: object, properties: { size: { type: integer }, parts: { type: array, items: { type: string } } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: widgets, namespace: widgets }
spec:
  selector: { matchLabels: { app: widgets } }
  template:
    metadata: { labels: { app: widgets } }
    spec: { containers: [{ name: operator, image: 'registry.example.org/widgets/operator:1.2.0' }] }
";

#[test]
fn an_operator_and_an_object_of_its_kind_are_in_the_file() {
    let with = "      operators: [{ name: widgets, files: [operators/widgets.yaml] }]
      namespaces:
        - name: shop
          objects:
            - { apiVersion: example.org/v1, kind: Widget, metadata: { name: main }, spec: { size: 3 } }
";
    let cloud = SHOP.replace("      namespaces:\n        - name: shop\n", with);
    let folder = folder(&[("cloud.yaml", &cloud), ("operators/widgets.yaml", WIDGETS)]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let checked = run("check");
    assert!(checked.code == 0, "{checked:?}");
    let told = "document 3, Deployment widgets: the image registry.example.org/widgets/operator:1.2.0 of operator has no digest";
    let said = checked.out.replace('\n', " ");
    assert!(said.split_whitespace().collect::<Vec<_>>().join(" ").contains(told), "{}", checked.out);
    let listed = run("images list");
    assert!(listed.out.contains("registry.example.org/widgets/operator:1.2.0"), "{listed:?}");
    let applied = run("apply");
    assert!(applied.code == 0 && applied.out.contains("+ widget.example.org shop/main"), "{applied:?}");
    assert_eq!(run("plan --detailed-exitcode").code, 0);
    assert_eq!(run("drift").code, 0);
    let status = run("status");
    assert!(status.out.contains("widget.example.org/shop/main: there"), "{status:?}");
    assert!(run("convert yaml").out.contains("operators/widgets.yaml"));

    // A file of the person who calls the command is read wherever it is, as the cloud's own file is.
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("widgets.yaml"), WIDGETS).unwrap();
    let beside = format!("../{}/widgets.yaml", outside.path().file_name().unwrap().to_str().unwrap());
    let absolute = outside.path().join("widgets.yaml").display().to_string();
    for path in [beside, absolute] {
        let elsewhere = cloud.replace("operators/widgets.yaml", &path);
        fs::write(folder.path().join("cloud.yaml"), elsewhere).unwrap();
        assert_eq!(run("check").code, 0, "{path}");
    }
    // A mistake in it has the number of its document and its line.
    fs::write(folder.path().join("cloud.yaml"), &cloud).unwrap();
    let twice = WIDGETS.replace("  group: example.org\n", "  group: example.org\n  group: example.com\n");
    fs::write(folder.path().join("operators/widgets.yaml"), twice).unwrap();
    let wrong = run("check").out.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = "failed to read operators/widgets.yaml: document 2, line 11: the key `group` stands twice in one map: leave one of them out";
    assert!(wrong.contains(words), "{wrong}");

    fs::remove_file(folder.path().join("operators/widgets.yaml")).unwrap();
    let missing = run("check");
    assert!(
        missing.code == 1 && missing.out.contains("failed to read operators/widgets.yaml"),
        "{missing:?}"
    );
    // A device does not keep fmc waiting.
    fs::write(folder.path().join("cloud.yaml"), cloud.replace("operators/widgets.yaml", "/dev/zero"))
        .unwrap();
    let device = run("check");
    assert!(device.code == 1 && device.out.contains("it is not a regular file"), "{device:?}");
}

/// A script gives the key to each command alike.
#[test]
fn a_check_takes_the_root_key_that_a_plan_takes() {
    let folder = folder(&[("cloud.yaml", SHOP)]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    assert_eq!(run("root-key new --out root.key").code, 0);
    let checked = run("check --root-key root.key");
    assert!(checked.code == run("check").code && checked.err.is_empty(), "{checked:?}");
    let missing = run("check --root-key other.key");
    assert!(missing.code != 0 && missing.err.contains("other.key"), "{missing:?}");
}

/// An object that another hand holds: the rest is applied, and the exit code says that something is left.
#[test]
fn one_held_object_holds_up_only_what_needs_it() {
    let folder = folder(&[("cloud.yaml", SHOP)]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    assert_eq!(run("apply --yes").code, 0);
    // kubectl label service/web fmc/owner-
    let state = folder.path().join("shop.kubernetes.sim.json");
    let clusters = fs::read_to_string(&state).unwrap();
    let mut clusters: serde_json::Value = serde_json::from_str(&clusters).unwrap();
    let mut objects: Vec<serde_json::Value> =
        serde_json::from_str(clusters["prod"].as_str().unwrap()).unwrap();
    let is_text = |object: &serde_json::Value| object["kind"] == "PodDisruptionBudget";
    let budget = objects.iter_mut().find(|object| is_text(object)).unwrap();
    budget["metadata"]["labels"].as_object_mut().unwrap().remove("fmc/owner");
    clusters["prod"] = serde_json::to_string(&objects).unwrap().into();
    fs::write(&state, clusters.to_string()).unwrap();

    fs::write(folder.path().join("cloud.yaml"), SHOP.replace("replicas: 2", "replicas: 3")).unwrap();
    let plan = run("plan --detailed-exitcode");
    assert!(plan.code == 2 && plan.out.contains("! pod-disruption-budget shop/web"), "{plan:?}");
    assert!(plan.out.contains("1 held") && plan.out.contains("spec.replicas 2 -> 3"), "{plan:?}");
    assert_eq!(run("status").code, 2);
    let applied = run("apply --yes");
    assert_eq!(applied.code, 1, "{applied:?}");
    assert!(applied.out.contains("~ deployment shop/web"), "{applied:?}");
    assert!(
        applied.err.contains("its label fmc/owner, which shows that it is ours, was removed"),
        "{applied:?}"
    );
    assert!(!run("plan").out.contains("spec.replicas"));
}
