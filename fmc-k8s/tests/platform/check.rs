//! The rules of a platform: each violated once, with its finding.

use fmc::finding::{Report, Severity};
use fmc::prelude::*;
use fmc_k8s::container::{Container, Probe};
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::quantity::CpuExt as _;
use fmc_k8s::workload::Deployment;

use crate::cloud::{cloud, cloud_with, db, shop, web};

/// The findings of a platform, without those of ports that nobody calls: the callers are the matter of `ingress`.
pub(crate) fn kinds(platform: Platform) -> Vec<(String, String)> {
    let mut all = every_kind(platform);
    all.retain(|(kind, _)| kind != "platform-closed");
    all
}

pub(crate) fn every_kind(platform: Platform) -> Vec<(String, String)> {
    let told = |report: &Report| -> Vec<(String, String)> {
        let ours = report.findings().iter().filter(|finding| finding.at().contains("platform"));
        ours.map(|finding| (finding.kind().to_string(), finding.at().to_owned())).collect()
    };
    match cloud().role(platform).check() {
        Ok(checked) => {
            let ours = checked.findings().iter().filter(|finding| finding.at().contains("platform"));
            ours.map(|finding| (finding.kind().to_string(), finding.at().to_owned())).collect()
        }
        Err(report) => told(&report),
    }
}

#[track_caller]
pub(crate) fn one(platform: Platform, kind: &str, path: &str) {
    let found = kinds(platform);
    assert_eq!(found, [(kind.to_owned(), format!("roles[0].platform.{path}"))]);
}

pub(crate) fn container(name: &str) -> Container {
    Container::new(
        name,
        format!("registry.example.org/web:1@sha256:{}", "0".repeat(64)),
        100.millicores(),
        64.mib(),
    )
}

pub(crate) fn of(container: Container) -> Platform {
    shop([Deployment::new("web", container)])
}

#[test]
fn a_right_platform_has_no_finding() {
    assert_eq!(kinds(shop([web(2), db()])), []);
}

#[test]
fn each_rule_finds_its_mistake() {
    one(Platform::on("other"), "platform-no-cluster", "cluster");
    let open = k3s::Config::new().set(k3s::key::DISABLE_NETWORK_POLICY, true);
    let open = cloud_with(k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]).server_config(open));
    let found = open.role(shop([web(1)])).check().unwrap_err();
    assert!(found.findings().iter().any(|one| one.kind().to_string() == "platform-open"), "{found}");
    // A cluster with a mistake of its own is there.
    let wrong =
        cloud_with(k3s::Cluster::new("single", "v1.36").servers(["node"])).role(Platform::on("single"));
    let report = wrong.check().unwrap_err();
    let errors = report.findings().iter().filter(|one| one.severity() == Severity::Error);
    assert_eq!(errors.map(|one| one.kind().to_string()).collect::<Vec<_>>(), ["value-invalid"]);
    one(shop([web(1), web(1)]), "platform-twice", "namespaces[0].deployments[1]");
    let twice = Platform::on("single").namespace(Namespace::new("a")).namespace(Namespace::new("a"));
    one(twice, "platform-twice", "namespaces[1]");
    let lost = shop([Deployment::new("web", container("web").port("http", 80).ready(Probe::tcp("http")))
        .expose(80, "https")]);
    one(lost, "platform-no-port", "namespaces[0].deployments[0].expose[0].to");
    let asked = of(container("web").port("http", 80).ready(Probe::tcp("sql")));
    one(asked, "platform-no-port", "namespaces[0].deployments[0].containers[0].ready");
    let tagged = of(Container::new("web", "registry.example.org/web:1", 100.millicores(), 64.mib()));
    one(tagged, "platform-unpinned", "namespaces[0].deployments[0].containers[0].image");
    one(of(container("web").user(0)), "platform-root", "namespaces[0].deployments[0].containers[0].user");
    one(
        of(container("web").cpu_limit(50.millicores())),
        "platform-limit",
        "namespaces[0].deployments[0].containers[0].cpu_limit",
    );
    let unready = shop([Deployment::new("web", container("web").port("http", 80)).expose(80, "http")]);
    one(unready, "platform-no-probe", "namespaces[0].deployments[0].containers[0]");
    let lonely = Platform::on("single")
        .namespace(Namespace::new("shop").deployment(web(1)).connect("web", "db", "sql"));
    one(lonely, "platform-no-workload", "namespaces[0].connections[0].to");
}

#[test]
fn a_wrong_leaf_is_found_where_it_stands() {
    let wrong = of(Container::new("Web", "nginx", "1x", 64.mib()));
    let paths: Vec<String> = kinds(wrong).into_iter().map(|(_, path)| path).collect();
    let at = "roles[0].platform.namespaces[0].deployments[0].containers[0]";
    assert_eq!(paths, ["cpu", "image", "name"].map(|key| format!("{at}.{key}")));
}

#[test]
fn a_second_platform_of_a_cluster_is_refused_and_the_finding_names_both() {
    let cloud = cloud().role(shop([web(1)])).role(Platform::on("single").namespace(Namespace::new("other")));
    let report = cloud.check().unwrap_err();
    let second =
        report.findings().iter().find(|finding| finding.kind().to_string() == "platform-twice").unwrap();
    assert_eq!(second.at(), "roles[1].platform.cluster");
    assert_eq!(second.message(), "roles[0] is a platform of the cluster single too");
    assert_eq!(report.findings().iter().filter(|one| one.kind().to_string() == "platform-twice").count(), 1);
}

/// A claim of a mistyped class waits for ever.
#[test]
fn a_class_that_nothing_makes_is_told() {
    use fmc_k8s::redis::Redis;
    use fmc_k8s::stateful::VolumeClaim;
    let shop = |class: &str| {
        let keeps = crate::stateful::set(VolumeClaim::new("data", 1.gib()).class(class.to_owned()));
        let class_of = |name: &str| serde_json::json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": name }, "provisioner": "example.org/block" });
        Platform::on("single")
            .object(fmc_k8s::raw::RawObject::of(&class_of("fast-block")))
            .namespace(Namespace::new("shop").stateful(keeps))
    };
    assert_eq!(kinds(shop("fast-block")), []);
    one(shop("fast-blok"), "platform-no-class", "namespaces[0].stateful_sets[0].claims[0].class");
    let cloud = cloud().role(shop("fast-blok")).check().unwrap();
    let found = cloud.findings().iter().find(|one| one.kind().to_string() == "platform-no-class").unwrap();
    assert_eq!(found.help(), "did you mean fast-block?", "{found:?}");
    let redis =
        Redis::new("sessions", "registry.example.org/redis:1", 128.mib()).keep(1.gib()).class("bolck");
    let found = kinds(Platform::on("single").namespace(Namespace::new("shop").redis(redis)));
    let at = "roles[0].platform.namespaces[0].redis[0].class".to_owned();
    assert!(found.contains(&("platform-no-class".to_owned(), at)), "{found:?}");
}

#[test]
fn an_image_without_a_digest_is_told_of_once() {
    let tagged = |name: &str| {
        Deployment::new(name, Container::new(name, "registry.example.org/web:1", 100.millicores(), 64.mib()))
    };
    let cloud = cloud().role(shop([tagged("a"), tagged("b"), tagged("c")]));
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    let told: Vec<String> = checked
        .findings()
        .iter()
        .filter(|one| one.kind().as_str() == "platform-unpinned")
        .map(|one| format!("{}: {}", one.at(), one.message()))
        .collect();
    let at = "roles[0].platform.namespaces[0].deployments[0].containers[0].image";
    assert_eq!(
        told,
        [format!("{at}: the image of a has a tag and no digest, and 2 more containers have it")]
    );
}
