//! Files of a machine by which K3s calls registries.

use super::view::Cluster;
use crate::check::view::{Placed, View};
use crate::finding::{At, Finding, NameList, Remedy, problems};
use crate::path::AbsPath;

/// Folders whose files a system's image brings.
const OF_IMAGES: [&str; 4] = ["/usr", "/etc/ssl", "/etc/pki", "/etc/ca-certificates"];

/// K3s does not start, or cannot call a registry, without the files that `registries.yaml` names.
pub(super) fn files_there(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let registries = at.key("registries");
    let of_access = registries.key("access");
    for access in cluster.draft.registries.accesses() {
        for (field, path) in access.files() {
            let Some(path) = path.ok().filter(|path| !is_of_image(path)) else { continue };
            let without = cluster
                .members()
                .filter(|member| view.machine(*member).is_some_and(|placed| !may_have(view, placed, path)));
            let machines = NameList::new(without.map(|member| view.machine_name(member)));
            if machines.is_empty() {
                continue;
            }
            let guest = format!("machines.{}.guest.files", machines.first());
            let problem = RegistryFileProblem::Missing {
                machines,
                path: path.to_string(),
                host: access.host().to_string(),
            };
            let place = of_access.name(access.host());
            findings.push(problem.at(place.key(field)).also(guest));
        }
    }
}

/// Whether the image of a system brings a file.
fn is_of_image(path: &AbsPath) -> bool {
    OF_IMAGES.iter().any(|folder| is_below(path, folder))
}

fn is_below(path: &AbsPath, folder: &str) -> bool {
    path.as_str().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a machine has a file, as far as is known: a role of the user's and a data disk may have it.
fn may_have(view: &View<'_>, placed: &Placed<'_>, path: &AbsPath) -> bool {
    let draft = placed.draft;
    let mut disks = draft.disks.iter().filter_map(|disk| disk.mount.as_ref()?.ok());
    draft.guest.has_path(path)
        || !draft.roles.is_empty()
        || !view.cloud.roles.is_empty()
        || disks.any(|mount| is_below(path, mount.as_str()))
}

problems! {
    /// Problems with files by which K3s calls registries.
    pub enum RegistryFileProblem {
        Missing { machines: NameList, path: String, host: String } is K3sRegistryFile
            with (who = machines.first_of("node"), have = machines.verb("has", "have")):
            "{who} {have} no file {path}, which K3s reads to call {host}",
            "write it on every node, for example {file}; accept the finding if something else writes it",
            file = Remedy::either(
                "guest: {files: {/etc/rancher/k3s/mirror-ca.pem: {secret: {name: mirror-ca, source: {file: pki/mirror-ca.pem}}}}}",
                ".file(GuestFile::secret(\"/etc/rancher/k3s/mirror-ca.pem\", Secret::file(\"mirror-ca\", \"pki/mirror-ca.pem\")))",
            );
    }
}
