//! The objects of operated services, with the definitions of their operators' projects, on a real server.

use std::path::{Path, PathBuf};
use std::process::Command;

use fmc_k8s::operator::Operator;
use fmc_k8s::platform::{Namespace, Platform};

use super::start;
use crate::ceph::{ceph, cloud, raw};
use crate::check::kinds;
use crate::cloud::Cluster as _;
use crate::operated::{kafka, pods_of, postgres, web};

/// The definitions of a project, from a checkout beside the repository or where `FMC_CRDS` says: the archive, or its folder, or a folder with
/// the files.
pub(super) fn definitions(project: &str) -> String {
    let there = std::env::var_os("FMC_CRDS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/crds"), PathBuf::from);
    let file = format!("{project}.yaml");
    if let Ok(text) = std::fs::read_to_string(there.join(&file)) {
        return text;
    }
    let archive = if there.is_dir() { there.join("crds.tar.xz") } else { there };
    assert!(
        archive.is_file(),
        "{} is missing: FMC_CRDS names the definitions of projects",
        archive.display()
    );
    let out = Command::new("tar").arg("-xJOf").arg(&archive).arg(&file).output().unwrap();
    assert!(out.status.success(), "tar cannot unpack {file}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn the_objects_of_a_ceph_are_as_rook_defines_them() {
    let rook = Operator::new("rook").manifests(&definitions("rook")).namespace("rook-ceph").ready_within(0);
    let rook = rook.manifests(&pods_of("app", "rook-ceph-operator").to_string());
    let all = || Platform::on("single").operator(rook.clone()).ceph(ceph());
    let world = start();
    let wanted = world.compile(cloud(3, raw()).role(all()));
    world.run(&world.plan_of(&wanted)).converged().unwrap_or_else(|error| panic!("{error}"));
    let again = world.plan_of(&wanted);
    assert!(again.is_empty(), "{again}");
    let words = [
        "get",
        "cephcluster/ceph",
        "--namespace=rook-ceph",
        "--output=jsonpath={.spec.storage.nodes[*].name}",
    ];
    assert_eq!(world.cluster.kubectl(&words), "a b c");
}

fn platform(namespace: Namespace) -> Platform {
    let operator = |name: &str, project: &str, (key, value): (&str, &str)| {
        let operator = Operator::new(name).manifests(&definitions(project)).ready_within(0);
        operator.manifests(&pods_of(key, value).to_string()).namespace(format!("{name}-system"))
    };
    Platform::on("single")
        .operator(operator("cnpg", "cloudnative-pg", ("app.kubernetes.io/name", "cloudnative-pg")))
        .operator(operator("strimzi", "strimzi", ("name", "strimzi-cluster-operator")))
        .namespace(namespace)
}

#[test]
fn the_objects_of_operated_services_are_as_their_projects_define_them() {
    let shop = || {
        let db = postgres().parameter("max_connections", "50").class("block");
        Namespace::new("shop")
            .deployment(web())
            .postgres(db)
            .kafka(kafka().config("message.max.bytes", "2097152").class("block"))
            .connect("web", "db", "postgresql")
            .connect("web", "events", "tcp-clients")
    };
    // The class `block` is the cluster's, and not the cloud's.
    let no_class =
        |of: &str| ("platform-no-class".to_owned(), format!("roles[0].platform.namespaces[0].{of}[0].class"));
    assert_eq!(kinds(platform(shop())), ["kafka", "postgres"].map(no_class));
    let world = start();
    world.apply(&platform(shop()));
    let written = world.cluster.written();
    let again = world.plan(platform(shop()));
    assert!(again.is_empty(), "{again}");
    assert_eq!(world.cluster.written(), written);
    let username = world.cluster.read("secret/db-owner");
    assert_eq!(username["type"], "kubernetes.io/basic-auth");
    // A change is one update of one object.
    let changed = Namespace::new("shop")
        .deployment(web())
        .postgres(postgres().parameter("max_connections", "60").class("block"))
        .kafka(kafka().config("message.max.bytes", "2097152").class("block"))
        .connect("web", "db", "postgresql")
        .connect("web", "events", "tcp-clients");
    let plan = world.apply(&platform(changed));
    assert_eq!(plan.counts().update, 1, "{plan}");
}
