//! Objects that a cluster applies when it starts, beside a platform.

use std::slice::from_ref;

use fmc::finding::Finding;
use fmc::prelude::*;
use fmc_k8s::config_map::ConfigMap;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_k8s::traefik::Traefik;
use serde_json::{Value, json};

use crate::check::container;
use crate::cloud::cloud_with;

/// The findings of a cloud, as kind and place, of what this page is about.
fn found(addons: &[(&str, &[Value])], platform: Platform) -> Vec<(String, String)> {
    let mut cluster = k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]);
    for (name, objects) in addons {
        let addon = k3s::Addon::new(*name);
        cluster =
            cluster.auto_deploy(objects.iter().fold(addon, |addon, one| addon.manifest(&one.to_string())));
    }
    let told = |all: &[Finding]| -> Vec<(String, String)> {
        let ours = all.iter().filter(|one| one.refuses());
        ours.map(|one| (one.kind().to_string(), one.at().to_owned())).collect()
    };
    match cloud_with(cluster).role(platform).check() {
        Ok(checked) => told(checked.findings()),
        Err(report) => told(report.findings()),
    }
}

fn object(kind: &str, api: &str, namespace: Option<&str>, name: &str) -> Value {
    let metadata = match namespace {
        Some(namespace) => json!({ "name": name, "namespace": namespace }),
        None => json!({ "name": name }),
    };
    json!({ "apiVersion": api, "kind": kind, "metadata": metadata })
}

#[test]
fn a_platform_and_its_cluster_do_not_make_the_same_object() {
    let config = object("HelmChartConfig", "helm.cattle.io/v1", Some("kube-system"), "traefik");
    let one = |objects: &[Value], platform: Platform, at: &str| {
        let found = found(&[("own", objects)], platform);
        assert_eq!(found, [("platform-twice".to_owned(), format!("roles[0].platform.{at}"))]);
    };
    let platform = || Platform::on("single");
    one(from_ref(&config), platform().object(RawObject::of(&config)), "objects[0]");
    one(from_ref(&config), platform().traefik(Traefik::new().replicas(2)), "traefik");
    let namespace = object("Namespace", "v1", None, "shop");
    one(&[namespace], platform().namespace(Namespace::new("shop")), "namespaces[0].name");
    let text = object("ConfigMap", "v1", Some("shop"), "settings");
    let web = container("web").config("/etc/web", ConfigMap::new("settings").file("a", "b"));
    let web = fmc_k8s::workload::Deployment::new("web", web);
    one(from_ref(&text), platform().namespace(Namespace::new("shop").deployment(web)), "cluster");
    assert_eq!(found(&[("own", &[text, config])], platform()), []);
}

#[test]
fn an_object_is_applied_once_and_not_as_a_list() {
    let platform = || Platform::on("single");
    let text = object("ConfigMap", "v1", None, "a");
    let same = object("ConfigMap", "v1", Some("default"), "a");
    let other = object("ConfigMap", "v1", Some("kube-system"), "a");
    assert_eq!(found(&[("own", &[text.clone(), other.clone()])], platform()), []);
    let at = |at: &str| [("value-invalid".to_owned(), format!("clusters.single.auto_deploy.{at}"))];
    assert_eq!(found(&[("own", &[text.clone(), same.clone()])], platform()), at("own[1]"));
    assert_eq!(found(&[("own", &[text]), ("second", &[other, same])], platform()), at("second[1]"));
    let secret = object("Secret", "v1", None, "a");
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [secret] });
    assert_eq!(found(&[("own", &[list])], platform()), at("own[0].kind"));
}
