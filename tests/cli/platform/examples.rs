//! The examples of platforms and the pages that show parts of them.

use std::fs;

use fmc_testkit::operators;
use tempfile::TempDir;

use super::WIDGETS;
use crate::files::{fmc, folder};

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
    let example = include_str!("../../../examples/platform/redis.yaml");
    applied(example, include_str!("../../../docs/redis.md"), "+ stateful-set shop/sessions");
}

#[test]
fn the_example_with_a_jenkins_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../../examples/platform/jenkins.yaml");
    applied(example, include_str!("../../../docs/jenkins.md"), "+ stateful-set ci/jenkins");
}

#[test]
fn the_example_with_a_gateway_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../../examples/platform/gateway.yaml");
    for block in include_str!("../../../docs/gateways.md").split("```yaml\n").skip(1) {
        let (shown, _) = block.split_once("```").unwrap();
        assert!(example.contains(shown), "{shown}");
    }
    let pem = |name: &str| format!("-----BEGIN {name}-----\nAAAA\n-----END {name}-----\n");
    let (chain, key) = (pem("CERTIFICATE"), pem("PRIVATE KEY"));
    let files = [("cloud.yaml", example), ("certs/example.crt", &*chain), ("certs/example.key", &*key)];
    let folder = folder(&files);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let checked = run("check");
    assert!(checked.code == 0 && checked.out.contains(": 0 errors, 0 warnings"), "{checked:?}");
    let applied = run("apply --yes");
    for made in
        ["gateway.gateway.networking.k8s.io edge/public", "httproute.gateway.networking.k8s.io shop/shop"]
    {
        assert!(applied.code == 0 && applied.out.contains(&format!("+ {made}")), "{made}: {applied:?}");
    }
    assert_eq!(run("plan --detailed-exitcode").code, 0);
    let converted = run("convert toml");
    assert!(converted.code == 0 && converted.out.contains("redirect_https = true"), "{converted:?}");
}

#[test]
fn the_example_with_a_prometheus_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../../examples/platform/monitoring.yaml");
    applied(example, include_str!("../../../docs/monitoring.md"), "+ deployment monitoring/grafana");
}

#[test]
fn the_example_with_a_database_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../../examples/platform/database.yaml");
    applied(example, include_str!("../../../docs/platform.md"), "+ stateful-set shop/db");
}

#[test]
fn the_example_with_jobs_is_applied_and_its_page_shows_it() {
    let example = include_str!("../../../examples/platform/workloads.yaml");
    for block in include_str!("../../../docs/workloads.md").split("```yaml\n").skip(1) {
        let (shown, _) = block.split_once("```").unwrap();
        assert!(example.contains(shown), "{shown}");
    }
    let folder = folder(&[("cloud.yaml", example)]);
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let checked = run("check");
    assert!(checked.code == 0 && checked.out.contains(": 0 errors, 0 warnings"), "{checked:?}");
    let applied = run("apply --yes");
    for made in [
        "job shop/migrate",
        "cron-job shop/backup",
        "horizontal-pod-autoscaler shop/web",
        "daemon-set logs/shipper",
        "resource-quota shop/quota",
        "limit-range shop/limits",
        "priority-class agents",
    ] {
        assert!(applied.code == 0 && applied.out.contains(&format!("+ {made}")), "{made}: {applied:?}");
    }
    assert_eq!(run("plan --detailed-exitcode").code, 0);
    // A deployment with an autoscaler says no other number in another form either.
    let converted = run("convert yaml");
    let (_, scaled) = converted.out.split_once("autoscale:\n").unwrap();
    let (scaled, _) = scaled.split_once("ingresses:").unwrap();
    assert!(scaled.contains("ready_within:") && !scaled.contains("replicas:"), "{converted:?}");
    // Another image runs the job again.
    fs::write(folder.path().join("cloud.yaml"), example.replace("migrate:1.4.2", "migrate:1.4.3")).unwrap();
    let plan = run("plan");
    assert!(plan.out.contains("job shop/migrate") && plan.out.contains("runs again"), "{plan:?}");
}

#[test]
fn the_overlays_of_the_page_are_right_in_the_example() {
    let page = include_str!("../../../docs/platform.md");
    let (_, block) = page.split_once("```yaml\noverlays:").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let overlays: String =
        format!("overlays:{block}").lines().map(|line| format!("      {line}\n")).collect();
    let example = include_str!("../../../examples/platform/database.yaml");
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
    let example = include_str!("../../../examples/platform/operator.yaml");
    let page = include_str!("../../../docs/operators.md");
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
    let example = include_str!("../../../examples/platform/data.yaml");
    for block in include_str!("../../../docs/data.md").split("```yaml\n").skip(1) {
        let (shown, _) = block.split_once("```").unwrap();
        assert!(example.contains(shown), "{shown}");
    }
    let folder = with_operators(example);
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

/// A folder with a cloud's file and the files of its operators.
fn with_operators(cloud: &str) -> TempDir {
    let projects = operators::files();
    let projects = projects.iter().map(|(name, text)| (*name, text.as_str()));
    folder(&projects.chain([("cloud.yaml", cloud)]).collect::<Vec<_>>())
}

/// Its services are the end of its file: their sizes suit its nodes, and its database is one of its machines.
#[test]
fn the_seeds_cloud_has_its_services() {
    let cloud = include_str!("../../../examples/flatcar_micro_cloud/cloud.yaml");
    let services = include_str!("../../../examples/flatcar_micro_cloud/services.yaml");
    let folder = with_operators(&format!("{cloud}{services}"));
    let run = |arguments: &str| fmc(folder.path(), arguments, "");
    let checked = run("check");
    assert!(checked.code == 0 && checked.out.contains(": 0 errors"), "{checked:?}");
    // Its data is on the disks of the workers, three times, and so no warning is about data either.
    for closed in [
        "platform-may-wait",
        "platform-crowded",
        "platform-kept-out",
        "platform-untold",
        "platform-node-local",
        "platform-data-on-root",
    ] {
        assert!(!checked.out.contains(closed), "{checked:?}");
    }
    let applied = run("apply --yes");
    assert_eq!(applied.code, 0, "{applied:?}");
    for made in [
        "stateful-set monitoring/prometheus",
        "stateful-set ci/jenkins",
        "network-policy shop/web-outside",
        "cephcluster.ceph.rook.io rook-ceph/ceph",
        "kafka.kafka.strimzi.io shop/events",
        "helm-chart-config kube-system/traefik",
    ] {
        assert!(applied.out.contains(&format!("+ {made}")), "{made}: {applied:?}");
    }
    assert_eq!(run("plan --detailed-exitcode").code, 0);
}

#[test]
fn what_a_platform_has_in_another_way_is_told() {
    let example = include_str!("../../../examples/platform/database.yaml");
    let wrong = example.replacen(
        "              containers:",
        "              init_containers: []\n              containers:",
        1,
    );
    let folder = folder(&[("cloud.yaml", &wrong)]);
    let checked = fmc(folder.path(), "check", "");
    let all = format!("{}{}", checked.out, checked.err).split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "the key `init_containers` is not known here";
    assert!(
        all.contains(told) && all.contains("a job that the workload `needs` runs before it"),
        "{checked:?}"
    );
}
