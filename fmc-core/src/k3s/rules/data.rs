//! Where the state of a cluster is.

use crate::check::say::first_of;
use crate::check::view::{Cluster, View};
use crate::finding::{At, Finding, Kind};
use crate::machine::Machine;
use crate::path::AbsPath;

/// Where K3s has its datastore (docs.k3s.io, *Datastore*).
const DATA: AbsPath = AbsPath::literal("/var/lib/rancher/k3s/server/db");

/// A replacement makes the root disk anew and keeps data disks. A cluster of one server is gone with its root disk, which is
/// an error; of three the others have the data, but the new one has to be let in: worth knowing.
pub(super) fn on_root(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    if cluster.draft.datastore.is_some() {
        return;
    }
    let on_root = |server: &usize| {
        view.machine(*server)
            .is_some_and(|placed| placed.draft.image.os.provisioner().is_some() && !has_disk(placed.draft))
    };
    let mut names: Vec<&str> =
        cluster.servers.iter().filter(|server| on_root(server)).map(|at| view.machine_name(*at)).collect();
    names.sort_unstable();
    let Some(first) = names.first() else { return };
    let others_have_it = cluster.has_etcd() && cluster.draft.servers.len() > 2;
    let servers = first_of(first, names.len(), "server");
    let message = if others_have_it {
        format!(
            "the state of {servers} is on the root disk: a machine made anew has to be let into etcd again"
        )
    } else {
        format!("the state of {servers} is on the root disk: who replaces the machine loses the cluster")
    };
    let mut finding = Finding::new(
        Kind::K3sDataOnRoot,
        at.key("servers"),
        message,
        "give it a data disk: `.disk(Disk::new(\"k3s\", 20.gib()).mount(\"/var/lib/rancher/k3s\"))`",
    )
    .also(format_args!("machines.{first}.disks"));
    if others_have_it || view.cloud.lab {
        finding.only_warn();
    }
    findings.push(finding);
}

fn has_disk(machine: &Machine) -> bool {
    let mut mounts = machine.disks.iter().filter_map(|disk| disk.mount.as_ref());
    // A wrong path is a finding of its own.
    mounts.any(|mount| mount.ok().is_none_or(|mount| DATA.is_within(mount)))
}
