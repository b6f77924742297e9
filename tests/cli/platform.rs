//! The program `fmc` with what runs in a cluster: one file, one plan, one apply.

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

/// An example beside a page: the page shows parts of it, and it is applied.
fn applied(example: &str, page: &str, made: &str) {
    let shown = page.split("```").nth(1).and_then(|block| block.strip_prefix("yaml\n")).unwrap();
    assert!(shown.lines().all(|line| example.contains(line)), "{shown}");
    let folder = folder(&[("cloud.yaml", example)]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let checked = run("check");
    assert!(checked.code == 0 && checked.out.contains("0 errors"), "{checked:?}");
    let applied = run("apply --yes");
    assert!(applied.code == 0 && applied.out.contains(made), "{applied:?}");
    assert_eq!(run("plan --detailed-exitcode").code, 0);
}

#[test]
fn the_example_with_a_redis_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../examples/platform/redis.yaml");
    applied(example, include_str!("../../docs/redis.md"), "+ stateful-set shop/sessions");
}

#[test]
fn the_example_with_a_jenkins_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../examples/platform/jenkins.yaml");
    applied(example, include_str!("../../docs/jenkins.md"), "+ stateful-set ci/jenkins");
}

#[test]
fn the_example_with_a_prometheus_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../examples/platform/monitoring.yaml");
    applied(example, include_str!("../../docs/monitoring.md"), "+ deployment monitoring/grafana");
}

#[test]
fn the_example_with_a_database_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../examples/platform/database.yaml");
    applied(example, include_str!("../../docs/platform.md"), "+ stateful-set shop/db");
}

#[test]
fn the_overlays_of_the_page_are_right_in_the_example() {
    let page = include_str!("../../docs/platform.md");
    let (_, block) = page.split_once("```yaml\noverlays:").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let overlays: String =
        format!("overlays:{block}").lines().map(|line| format!("      {line}\n")).collect();
    let example = include_str!("../../examples/platform/database.yaml");
    let cloud = example.replacen("      namespaces:", &format!("{overlays}      namespaces:"), 1);
    let folder = folder(&[("cloud.yaml", &cloud)]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let applied = run("apply --yes");
    assert!(applied.code == 0, "{applied:?}");
    assert_eq!(run("plan --detailed-exitcode").code, 0);
    let out = run("compile --out out");
    assert_eq!(out.code, 0, "{out:?}");
    let made =
        fs::read_to_string(folder.path().join("out/kubernetes/prod/shop/web.deployment.yaml")).unwrap();
    assert!(
        made.contains("terminationGracePeriodSeconds: 60")
            && made.contains("COLOUR")
            && !made.contains("topologySpread"),
        "{made}"
    );
}

/// The file of the project is not here: a definition of its kind, a namespace and pods stand for it.
#[test]
fn the_example_with_an_operator_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../examples/platform/operator.yaml");
    let page = include_str!("../../docs/operators.md");
    let shown = page.split("```").nth(1).and_then(|block| block.strip_prefix("yaml\n")).unwrap();
    assert!(example.contains(shown), "{shown}");
    let project = WIDGETS
        .replace("example.org", "postgresql.cnpg.io")
        .replace("Widget", "Cluster")
        .replace("name: widgets.", "name: clusters.")
        .replace("plural: widgets, singular: widget", "plural: clusters, singular: cluster")
        .replace("{ size: { type: integer }", "{ instances: { type: integer }, storage: { type: object, properties: { size: { type: string } } }");
    let folder = folder(&[("cloud.yaml", example), ("cnpg-1.30.0.yaml", &project)]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let checked = run("check");
    assert!(checked.code == 0 && checked.out.contains("0 errors"), "{checked:?}");
    let applied = run("apply --yes");
    assert!(applied.code == 0 && applied.out.contains("+ cluster.postgresql.cnpg.io shop/db"), "{applied:?}");
    assert_eq!(run("plan --detailed-exitcode").code, 0);
    let file = folder.path().join("cloud.yaml");
    fs::write(&file, example.replace("instances: 1", "instances: one")).unwrap();
    let wrong = run("check");
    assert!(wrong.code == 1 && wrong.out.contains("error[platform-schema]"), "{wrong:?}");
    assert!(wrong.out.contains("it is a text, and not a whole number"), "{wrong:?}");
    // Its data stays until a person names it.
    let (without, _) = example.split_once("          objects:").unwrap();
    fs::write(&file, format!("{without}\naccept: [{{ kind: image-unpinned, reason: a test }}]\n")).unwrap();
    let kept = run("plan");
    assert!(kept.out.contains("--delete-data cluster.postgresql.cnpg.io/shop/db"), "{kept:?}");
    let deleted = run("apply --yes --delete-data cluster.postgresql.cnpg.io/shop/db");
    assert!(deleted.code == 0 && deleted.out.contains("- cluster.postgresql.cnpg.io shop/db"), "{deleted:?}");
}

/// The files of the projects are not here: definitions of their kinds and pods stand for them.
#[test]
fn the_example_with_a_database_a_queue_and_a_ceph_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../examples/platform/data.yaml");
    for block in include_str!("../../docs/data.md").split("```yaml\n").skip(1) {
        let (shown, _) = block.split_once("```").unwrap();
        assert!(example.contains(shown), "{shown}");
    }
    let projects = [
        ("rook-1.20.6.yaml", project("rook-ceph", "ceph.rook.io", &["CephCluster", "CephBlockPool"])),
        ("cnpg-1.30.0.yaml", project("cnpg-system", "postgresql.cnpg.io", &["Cluster"])),
        (
            "strimzi-1.2.0.yaml",
            project("kafka", "kafka.strimzi.io", &["Kafka", "KafkaNodePool", "KafkaTopic"]),
        ),
    ];
    let files: Vec<(&str, &str)> =
        projects.iter().map(|(name, text)| (*name, text.as_str())).chain([("cloud.yaml", example)]).collect();
    let folder = folder(&files);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let checked = run("check");
    assert!(checked.code == 0 && checked.out.contains("0 errors"), "{checked:?}");
    let applied = run("apply --yes");
    for made in [
        "cluster.postgresql.cnpg.io shop/db",
        "kafkatopic.kafka.strimzi.io shop/orders",
        "cephcluster.ceph.rook.io rook-ceph/ceph",
        "deployment shop/web",
    ] {
        assert!(applied.code == 0 && applied.out.contains(&format!("+ {made}")), "{made}: {applied:?}");
    }
    assert_eq!(run("plan --detailed-exitcode").code, 0);
}

/// A file as a project publishes it: a namespace, definitions that take every field, and pods.
fn project(namespace: &str, group: &str, kinds: &[&str]) -> String {
    let definition = |kind: &&str| {
        let singular = kind.to_lowercase();
        format!(
            "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{ name: {singular}s.{group} }}\n\
             spec:\n  group: {group}\n  scope: Namespaced\n  names: {{ kind: {kind}, plural: {singular}s, singular: {singular} }}\n  \
             versions:\n    - name: v1\n      served: true\n      storage: true\n      schema: {{ openAPIV3Schema: {{ type: object, \
             x-kubernetes-preserve-unknown-fields: true }} }}\n"
        )
    };
    let pods = format!(
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {{ name: {namespace} }}\n---\napiVersion: apps/v1\nkind: Deployment\n\
         metadata: {{ name: operator, namespace: {namespace} }}\nspec:\n  selector: {{ matchLabels: {{ app: operator }} }}\n  template:\n    \
         metadata: {{ labels: {{ app: operator }} }}\n    spec: {{ containers: [{{ name: operator, image: 'registry.example.org/operator:1' }}] }}\n"
    );
    kinds.iter().map(definition).collect::<String>() + &pods
}

/// Its services are the end of its file: their sizes suit its nodes, and its database is one of its machines.
#[test]
fn the_seeds_cloud_has_its_services() {
    let cloud = include_str!("../../examples/flatcar_micro_cloud/cloud.yaml");
    let services = include_str!("../../examples/flatcar_micro_cloud/services.yaml");
    let folder = folder(&[("cloud.yaml", &format!("{cloud}{services}"))]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let checked = run("check");
    assert!(checked.code == 0 && checked.out.contains(": 0 errors"), "{checked:?}");
    for closed in ["platform-may-wait", "platform-crowded", "platform-kept-out", "platform-untold"] {
        assert!(!checked.out.contains(closed), "{checked:?}");
    }
    let applied = run("apply --yes");
    assert_eq!(applied.code, 0, "{applied:?}");
    for made in
        ["stateful-set monitoring/prometheus", "stateful-set ci/jenkins", "network-policy shop/web-outside"]
    {
        assert!(applied.out.contains(&format!("+ {made}")), "{made}: {applied:?}");
    }
    assert_eq!(run("plan --detailed-exitcode").code, 0);
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
