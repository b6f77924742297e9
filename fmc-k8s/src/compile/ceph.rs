//! The objects of a Ceph: the cluster with its disks, the pool, and the class of volumes.

use fmc_core::checked::Checked;
use serde_json::{Value, json};

use super::raw;
use crate::ceph::{CPU, Ceph, MANAGER, MONITOR, MONITORS, NAME};
use crate::manifest::Manifest;
use crate::operated::{OperatorNamespaces, ROOK};
use crate::platform::Platform;
use crate::quantity::{CpuExt as _, bytes};

/// The objects of a platform's Ceph. Without the cloud its disks are not known, and it has none.
pub(super) fn manifests(
    platform: &Platform,
    cloud: Option<&Checked>,
    operators: &OperatorNamespaces,
) -> Vec<Manifest> {
    let Some(ceph) = &platform.ceph else { return Vec::new() };
    let namespace = operators.get(ROOK.group).map_or(ROOK.namespace, String::as_str);
    let within = Some(u64::from(ceph.ready_within)).filter(|seconds| *seconds > 0);
    let cluster = raw::manifest(cluster(ceph, platform, cloud, namespace)).map(|one| one.waits(within));
    let pool = raw::manifest(pool(ceph, namespace)).map(|one| one.waits(within));
    let mut all: Vec<Manifest> = [cluster, pool].into_iter().flatten().collect();
    let needed = all.iter().map(|one| format!("{}/{namespace}/{}", one.kind().word, one.name())).collect();
    // No volume is asked for before there is a pool to cut it from.
    all.extend(raw::manifest(class(ceph, namespace)).map(|class| class.after(needed)));
    all
}

fn cluster(ceph: &Ceph, platform: &Platform, cloud: Option<&Checked>, namespace: &str) -> Value {
    let resolved = cloud.and_then(|cloud| Some((cloud, cloud.cluster(&platform.cluster.to_string())?)));
    let disks = resolved.map(|(cloud, cluster)| ceph.disks(cluster, cloud)).unwrap_or_default();
    let nodes: Vec<Value> = disks
        .iter()
        .map(|(machine, disk)| {
            // The serial is the machine's own handle of the disk, so that no other device is taken.
            let device = format!("/dev/disk/by-id/virtio-{}", disk.serial);
            json!({ "name": machine.name.to_string(), "devices": [{ "name": device }] })
        })
        .collect();
    let resources = |cpu: String, memory: String| json!({ "requests": { "cpu": cpu, "memory": memory }, "limits": { "memory": memory } });
    let small = CPU.millicores().to_string();
    json!({
        "apiVersion": format!("{}/v1", ROOK.group),
        "kind": ROOK.kind,
        "metadata": { "name": NAME, "namespace": namespace },
        "spec": {
            "cephVersion": { "image": platform.pinned_image(&ceph.image) },
            "dataDirHostPath": "/var/lib/rook",
            "mon": { "count": MONITORS, "allowMultiplePerNode": false },
            "mgr": { "count": 1 },
            "dashboard": { "enabled": false },
            "storage": { "useAllNodes": false, "useAllDevices": false, "nodes": nodes },
            "resources": {
                "mon": resources(small.clone(), bytes(MONITOR)),
                "mgr": resources(small, bytes(MANAGER)),
                "osd": resources(ceph.osd_cpu().to_string(), bytes(ceph.osd_memory())),
            },
        },
    })
}

fn pool(ceph: &Ceph, namespace: &str) -> Value {
    json!({
        "apiVersion": format!("{}/v1", ROOK.group),
        "kind": "CephBlockPool",
        "metadata": { "name": ceph.class.to_string(), "namespace": namespace },
        "spec": {
            "failureDomain": "host",
            "replicated": { "size": ceph.copies, "requireSafeReplicaSize": true },
        },
    })
}

/// The class of its volumes (*Block Storage* of Rook).
fn class(ceph: &Ceph, namespace: &str) -> Value {
    let secrets = [
        ("provisioner", "provisioner"),
        ("controller-expand", "provisioner"),
        ("controller-publish", "provisioner"),
        ("node-stage", "node"),
    ];
    let secrets = secrets.iter().flat_map(|(of, who)| {
        let key = |what: &str| format!("csi.storage.k8s.io/{of}-secret-{what}");
        [(key("name"), format!("rook-csi-rbd-{who}")), (key("namespace"), namespace.to_owned())]
    });
    let own = [
        ("clusterID", namespace.to_owned()),
        ("pool", ceph.class.to_string()),
        ("imageFormat", "2".to_owned()),
        ("imageFeatures", "layering".to_owned()),
        ("csi.storage.k8s.io/fstype", "ext4".to_owned()),
    ];
    let parameters: serde_json::Map<String, Value> = own
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .chain(secrets)
        .map(|(key, value)| (key, value.into()))
        .collect();
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": { "name": ceph.class.to_string() },
        "provisioner": format!("{namespace}.rbd.csi.ceph.com"),
        "parameters": parameters,
        "allowVolumeExpansion": true,
        "reclaimPolicy": "Delete",
    })
}
