//! The disks with the volumes that K3s makes of folders.

use fmc_core::finding::NameList;
use fmc_core::k3s::capacity::{self, LocalDisk, is_whole};
use fmc_core::role::{RoleFindings, SpanSite};
use fmc_core::unit::Size;

use super::{DATA_ON_ROOT, NO_CLASS, VOLUME_TOO_LARGE};
use crate::platform::Platform;
use crate::stateful::LOCAL_PATH;

/// A claim whose volumes are folders of nodes.
struct Local {
    path: String,
    size: Size,
    /// The number of pods that have one.
    pods: u64,
}

/// Judges the claims of the class `local-path` by the disks that their folders are on. A lab has disks of its own.
pub(super) fn check(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let cloud = site.cloud();
    let cluster = cloud.cluster(&platform.cluster.to_string()).filter(|cluster| is_whole(cluster));
    let Some(cluster) = cluster.filter(|_| !cloud.is_lab()) else { return };
    let claims = claims(platform);
    let nodes: Vec<_> =
        capacity::nodes(cluster, cloud).into_iter().filter(capacity::Node::takes_any).collect();
    let disks: Vec<(&str, LocalDisk)> =
        nodes.iter().filter_map(|node| Some((node.name.as_str(), node.local?))).collect();
    if claims.is_empty() || nodes.is_empty() {
        return;
    }
    let Some((name, largest)) = disks.iter().max_by_key(|(_, disk)| disk.size) else {
        no_class(platform, &claims, findings);
        return;
    };
    let mut is_each_right = true;
    for claim in claims.iter().filter(|claim| claim.size > largest.size) {
        let (size, there) = (claim.size, largest.size);
        let message = format!(
            "a volume of {size} is a folder on a node's disk, and the largest, that of {name}, has {there}"
        );
        let help = "claim less, or give the node a larger disk";
        findings.part(&claim.path, |findings| findings.find(&VOLUME_TOO_LARGE, message, help));
        is_each_right = false;
    }
    let asked: Size = claims.iter().map(|claim| claim.size * claim.pods).sum();
    let there: Size = disks.iter().map(|(_, disk)| disk.size).sum();
    if is_each_right && asked > there {
        let message = format!(
            "the volumes of {LOCAL_PATH} take {asked} together, and the disks of the nodes have {there}"
        );
        let help = "claim less, give the nodes larger disks, or add an agent";
        findings.part("namespaces", |findings| findings.find(&VOLUME_TOO_LARGE, message, help));
    }
    let roots = NameList::new(disks.iter().filter(|(_, disk)| disk.is_root).map(|(name, _)| *name));
    if !roots.is_empty() {
        let message = format!(
            "the volumes of {LOCAL_PATH} are on the root disk of {roots}, which a replacement makes anew"
        );
        let help = "give each a disk for them: `disks: {k3s: {size: 40 GiB, mount: /var/lib/rancher}}`";
        findings.part("namespaces", |findings| findings.find(&DATA_ON_ROOT, message, help));
    }
}

/// The claims of the class `local-path`, and those that leave the class to K3s.
fn claims(platform: &Platform) -> Vec<Local> {
    let mut all = Vec::new();
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        let namespace = namespace.with_services();
        for (path, set) in namespace.sets() {
            let is_service = namespace.is_service(&path);
            for (at, claim) in set.claims.iter().enumerate().filter(|(_, claim)| claim.is_on_one_node()) {
                let below = if is_service { "keep".to_owned() } else { format!("claims[{at}]") };
                let Some(size) = claim.size.ok().copied() else { continue };
                let path = format!("namespaces[{index}].{path}.{below}");
                all.push(Local { path, size, pods: set.replicas.into() });
            }
        }
    }
    all
}

/// K3s brings one class, unless the cluster leaves it out.
fn no_class(platform: &Platform, claims: &[Local], findings: &mut RoleFindings<'_>) {
    for claim in claims {
        let message = format!(
            "{} leaves out `local-storage`, which makes the volumes of {LOCAL_PATH}",
            platform.cluster
        );
        let help =
            "name the `class` of what makes volumes there instead, or take `local-storage` out of `disable`";
        findings.part(&claim.path, |findings| findings.find(&NO_CLASS, message, help));
    }
}
