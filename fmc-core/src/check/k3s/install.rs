//! Where K3s comes from, for every machine.

use std::collections::BTreeMap;

use super::super::kind::Kind;
use super::super::say::first_of;
use super::super::view::{Cluster, View};
use crate::finding::{At, Finding};
use crate::given::Given;
use crate::image::{Arch, Os};
use crate::k3s::{ByArch, agent_fits};

/// The machines of a cluster that something configures, by operating system and architecture.
fn systems<'a>(view: &View<'a>, cluster: &Cluster<'_>) -> BTreeMap<(Os, &'static str), (Arch, Vec<&'a str>)> {
    let mut all: BTreeMap<(Os, &'static str), (Arch, Vec<&'a str>)> = BTreeMap::new();
    for member in cluster.members() {
        let Some(image) = view.machine(member).map(|placed| &placed.draft.image) else { continue };
        if image.os.provisioner().is_some() {
            let (os, arch) = (image.os, image.architecture);
            let (_, names) = all.entry((os, arch.as_str())).or_insert_with(|| (arch, Vec::new()));
            names.push(view.machine_name(member));
        }
    }
    for (_, names) in all.values_mut() {
        names.sort_unstable();
    }
    all
}

/// Where files are said, there is one for every machine, and of its release.
pub(super) fn missing(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let install = &cluster.draft.install;
    let none = ByArch::default();
    if install.binary == none && install.sysext == none && install.images == none {
        return;
    }
    let here = at.key("install");
    let mut told = Vec::new();
    for ((os, _), (arch, names)) in systems(view, cluster) {
        let machines = first_of(names.first().copied().unwrap_or_default(), names.len(), "machine");
        let mut found = |field: &'static str, what: &str, help: String| {
            if told.contains(&(field, arch)) {
                return;
            }
            told.push((field, arch));
            findings.push(Finding::new(
                Kind::K3sInstallMissing,
                here.key(field),
                format!("there is no {what} for {}, which {machines} has", arch.as_str()),
                help,
            ));
        };
        let by_sysext = os == Os::Flatcar && install.sysext.of(arch).is_some();
        if install.binary != none && install.binary.of(arch).is_none() && !by_sysext {
            let help = format!("say it: `.binary_for(Arch::{arch:?}, URL, DIGEST)`");
            found("binary", "binary", help);
        }
        if install.images != none && install.images.of(arch).is_none() {
            let help = format!("say it: `.images_for(Arch::{arch:?}, URL, DIGEST)`");
            found("images", "archive of images", help);
        }
    }
    let (version, agents) = (cluster.draft.version.ok(), cluster.draft.agent_version.as_ref());
    if let Some((version, agents)) = version.zip(agents.and_then(Given::ok))
        && version != agents
        && agent_fits(*agents, *version)
        && (install.binary != none || install.sysext != none)
        && !cluster.draft.agents.is_empty()
    {
        findings.push(
            Finding::new(
                Kind::K3sInstallMissing,
                here,
                format!("agents have {agents} and servers {version}, and the files are of one release"),
                "leave the files out while releases differ, so that each machine takes its own, or upgrade the agents",
            )
            .also(at.key("agent_version")),
        );
    }
}

/// What is fetched is known by its hash.
pub(super) fn unpinned(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let install = &cluster.draft.install;
    let mut from_release: Vec<&str> = Vec::new();
    for ((os, _), (arch, names)) in systems(view, cluster) {
        let by_sysext = os == Os::Flatcar && install.sysext.of(arch).is_some();
        if install.binary == ByArch::default() && !by_sysext {
            from_release.extend(names);
        }
    }
    from_release.sort_unstable();
    let Some(first) = from_release.first().filter(|_| !view.cloud.lab) else { return };
    let verbs = if from_release.len() == 1 {
        "fetches K3s by its release, and judges"
    } else {
        "fetch K3s by its release, and judge"
    };
    let nodes = first_of(first, from_release.len(), "machine");
    let idle = cluster.draft.bootstrap.as_ref().filter(|mirror| {
        // A mirror carries what is known by its hash.
        !mirror.has_files() && install.downloads().next().is_none()
    });
    let so = if idle.is_some() { "; the mirror has nothing to serve" } else { "" };
    let mut finding = Finding::new(
        Kind::K3sInstallUnpinned,
        at.key("install"),
        format!("{nodes} {verbs} it by the sums beside it{so}"),
        "say where it is and what it hashes to: `.install(Install::binary(URL, \"sha256:…\"))`",
    );
    if let Some(mirror) = idle {
        finding = mirror.at_machine(&at.key("bootstrap"), |at| finding.also(at));
    }
    findings.push(finding);
}

/// Systems that enforce SELinux know what K3s may do by its policy.
pub(super) fn policy(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    if cluster.draft.install.selinux_policy.is_some() || view.cloud.lab {
        return;
    }
    let mut names: Vec<&str> = Vec::new();
    for ((os, _), (_, of)) in systems(view, cluster) {
        if os == Os::FedoraCoreos || os.is_enterprise_linux() {
            names.extend(of);
        }
    }
    names.sort_unstable();
    let Some(first) = names.first() else { return };
    let has = if names.len() == 1 { "enforces" } else { "enforce" };
    findings.push(Finding::new(
        Kind::K3sSelinuxPolicy,
        at.key("install"),
        format!("{} {has} SELinux, and K3s's policy is not installed", first_of(first, names.len(), "machine")),
        "say where the package k3s-selinux is: `.selinux_policy(URL, \"sha256:…\")`; without it the binary gets the label \
         container_runtime_exec_t, and the rest what the system's own policy gives it",
    ));
}
