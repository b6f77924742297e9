//! Where the state of a cluster is.

use super::view::Cluster;
use crate::check::view::View;
use crate::finding::{At, Finding, NameList, Remedy, problems};
use crate::machine::Machine;
use crate::path::AbsPath;

/// The folder of K3s's datastore (docs.k3s.io, *Datastore*).
const DATA: AbsPath = AbsPath::literal("/var/lib/rancher/k3s/server/db");

/// A replacement creates a new root disk and keeps data disks. A cluster of one server is lost with its root disk,
/// which is an error. With three the others have the data, but the new one has to be let in, which is a warning.
pub(super) fn on_root(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    if cluster.draft.datastore.is_some() {
        return;
    }
    let on_root = |server: &usize| {
        view.machine(*server)
            .is_some_and(|placed| placed.draft.image.os.provisioner().is_some() && !has_disk(placed.draft))
    };
    let servers = NameList::new(
        cluster.servers.iter().filter(|server| on_root(server)).map(|at| view.machine_name(*at)),
    );
    if servers.is_empty() {
        return;
    }
    let others_have_it = cluster.has_etcd() && cluster.draft.servers.len() > 2;
    let disks = format!("machines.{}.disks", servers.first());
    let problem =
        if others_have_it { StateProblem::OnOneRoot { servers } } else { StateProblem::OnRoot { servers } };
    let mut finding = problem.at(at.key("servers")).also(disks);
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

/// A data disk for the state.
fn disk() -> Remedy {
    Remedy::either(
        "disks: {k3s: {size: 20 GiB, mount: /var/lib/rancher/k3s}}",
        ".disk(Disk::new(\"k3s\", 20.gib()).mount(\"/var/lib/rancher/k3s\"))",
    )
}

problems! {
    /// Problems with where the state of a cluster is.
    pub enum StateProblem {
        OnOneRoot { servers: NameList } is K3sDataOnRoot with (who = servers.first_of("server")):
            "the state of {who} is on the root disk: a replaced machine has to be let into etcd again",
            "give it a data disk: {disk}",
            disk = disk();
        OnRoot { servers: NameList } is K3sDataOnRoot with (who = servers.first_of("server")):
            "the state of {who} is on the root disk: replacing the machine loses the cluster",
            "give it a data disk: {disk}",
            disk = disk();
    }
}
