//! Group 23: references between namespaces of a cluster, ports that nothing listens on, and a removed group of the API.

use fmc::k8s::container::Container;
use fmc::k8s::platform::{Namespace, Platform};
use fmc::k8s::quantity::CpuExt as _;
use fmc::k8s::raw::RawObject;
use fmc::k8s::workload::Deployment;
use fmc::prelude::*;
use serde_json::json;

use crate::{corrected, found};

fn web() -> Container {
    Container::new("web", "registry.example.org/shop/web:1.4.2", 100.millicores(), 64.mib())
        .port("http", 8080)
}

/// The seed's cloud with a platform of one namespace.
fn with(namespace: Namespace) -> Cloud {
    corrected::cloud().role(Platform::on("prod").namespace(namespace))
}

/// The findings of a platform that stop it, by their kind.
fn refused(namespace: Namespace) -> Vec<String> {
    let all = found(&with(namespace)).into_iter().filter(|one| one.severity() == Severity::Error);
    all.map(|one| one.kind().to_string()).collect()
}

/// A Secret was in another namespace than the pods that mounted it.
#[test]
fn h23_a_secret_is_in_the_namespace_of_each_workload_that_reads_it() {
    let reads = web().secret_variable("TOKEN", Secret::password("shop-token"));
    let shop = Namespace::new("shop").deployment(Deployment::new("web", reads.clone()));
    let other = Namespace::new("other").deployment(Deployment::new("web", reads));
    let platform = Platform::on("prod").namespace(shop).namespace(other);
    let checked = corrected::cloud().role(platform.clone()).check().unwrap();
    let manifests = platform.manifests_in(&checked);
    let secrets = manifests.iter().filter(|one| one.name() == "shop-token");
    let namespaces: Vec<Option<&str>> = secrets.map(|one| one.namespace()).collect();
    assert_eq!(namespaces, [Some("shop"), Some("other")]);
}

/// A Service led to a port that no container had.
#[test]
fn h23_a_service_leads_to_a_port_that_is_there() {
    let lost = Deployment::new("web", web()).expose(80, "https");
    assert_eq!(refused(Namespace::new("shop").deployment(lost)), ["platform-no-port"]);
}

/// An Ingress of `extensions/v1beta1`, which the API no longer has.
#[test]
fn h23_a_group_that_the_api_has_no_more_is_refused() {
    let old = json!({ "apiVersion": "extensions/v1beta1", "kind": "Ingress", "metadata": { "name": "web" } });
    assert_eq!(refused(Namespace::new("shop").object(RawObject::of(&old))), ["platform-value"]);
}
