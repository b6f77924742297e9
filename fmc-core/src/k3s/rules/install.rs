//! Where K3s comes from, for every machine.

use std::collections::BTreeMap;

use crate::check::say::first_of;
use crate::check::view::{Cluster, View};
use crate::finding::{At, Finding, Kind};
use crate::given::Given;
use crate::image::{Arch, Os};
use crate::k3s::{ByArch, Install, agent_fits};
use crate::mirror::Mirror;

/// Machines that are installed from the same files.
pub(super) struct Group<'a> {
    /// The field that says the files.
    pub(super) field: &'static str,
    /// The files.
    pub(super) install: &'a Install,
    /// The machines, of those that are there.
    pub(super) members: Vec<usize>,
}

/// The machines of a cluster by what they are installed from: all alike, or servers and agents.
pub(super) fn groups<'a>(cluster: &'a Cluster<'_>) -> Vec<Group<'a>> {
    let install = &cluster.draft.install;
    let group = |field, install, members: &[usize]| Group { field, install, members: members.to_vec() };
    match &cluster.draft.agent_install {
        None => vec![Group { field: "install", install, members: cluster.members().collect() }],
        Some(agents) => {
            vec![group("install", install, &cluster.servers), group("agent_install", agents, &cluster.agents)]
        }
    }
}

/// Machines that something configures, by operating system and architecture.
fn systems<'a>(view: &View<'a>, members: &[usize]) -> BTreeMap<(Os, &'static str), (Arch, Vec<&'a str>)> {
    let mut all: BTreeMap<(Os, &'static str), (Arch, Vec<&'a str>)> = BTreeMap::new();
    for &member in members {
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
    for group in groups(cluster) {
        files(view, &group, &at.key(group.field), findings);
    }
    let install = &cluster.draft.install;
    let (version, agents) = (cluster.draft.version.ok(), cluster.draft.agent_version.as_ref());
    if let Some((version, agents)) = version.zip(agents.and_then(Given::ok))
        && version != agents
        && agent_fits(*agents, *version)
        && (install.binary != ByArch::default() || install.sysext != ByArch::default())
        && cluster.draft.agent_install.is_none()
        && !cluster.draft.agents.is_empty()
    {
        findings.push(
            Finding::new(
                Kind::K3sInstallMissing,
                at.key("install"),
                format!("agents have {agents} and servers {version}, and the files are of one release"),
                "say the files of the agents' release until they are upgraded: `.agent_install(Install::binary(URL, \"sha256:…\"))`",
            )
            .also(at.key("agent_version")),
        );
    }
}

/// A group's files are there for every processor of its machines.
fn files(view: &View<'_>, group: &Group<'_>, here: &At<'_>, findings: &mut Vec<Finding>) {
    let install = group.install;
    let none = ByArch::default();
    if install.binary == none && install.sysext == none && install.images == none {
        return;
    }
    let mut told = Vec::new();
    for ((os, _), (arch, names)) in systems(view, &group.members) {
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
}

/// What is fetched is known by its hash.
pub(super) fn unpinned(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    if view.cloud.lab {
        return;
    }
    let is_idle = |mirror: &&Mirror| {
        // A mirror carries what is known by its hash.
        !mirror.has_files() && cluster.draft.downloads().next().is_none()
    };
    let mut idle = cluster.draft.bootstrap.as_ref().filter(is_idle);
    for group in groups(cluster) {
        let mut from_release: Vec<&str> = Vec::new();
        for ((os, _), (arch, names)) in systems(view, &group.members) {
            let by_sysext = os == Os::Flatcar && group.install.sysext.of(arch).is_some();
            if group.install.binary == ByArch::default() && !by_sysext {
                from_release.extend(names);
            }
        }
        from_release.sort_unstable();
        let Some(first) = from_release.first() else { continue };
        let verbs = if from_release.len() == 1 {
            "fetches K3s by its release, and judges"
        } else {
            "fetch K3s by its release, and judge"
        };
        let nodes = first_of(first, from_release.len(), "machine");
        let so = if idle.is_some() { "; the mirror has nothing to serve" } else { "" };
        let mut finding = Finding::new(
            Kind::K3sInstallUnpinned,
            at.key(group.field),
            format!("{nodes} {verbs} it by the sums beside it{so}"),
            format!(
                "say where it is and what it hashes to: `.{}(Install::binary(URL, \"sha256:…\"))`",
                group.field
            ),
        );
        if let Some(mirror) = idle.take() {
            finding = mirror.at_machine(&at.key("bootstrap"), |at| finding.also(at));
        }
        findings.push(finding);
    }
}

/// Systems that enforce SELinux know what K3s may do by its policy.
pub(super) fn policy(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    if view.cloud.lab {
        return;
    }
    for group in groups(cluster).iter().filter(|group| group.install.selinux_policy.is_none()) {
        let systems = systems(view, &group.members).into_iter();
        let enforcing = systems.filter(|((os, _), _)| *os == Os::FedoraCoreos || os.is_enterprise_linux());
        let mut names: Vec<&str> = enforcing.flat_map(|(_, (_, names))| names).collect();
        names.sort_unstable();
        without_policy(&names, &at.key(group.field), findings);
    }
}

fn without_policy(names: &[&str], here: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(first) = names.first() else { return };
    let has = if names.len() == 1 { "enforces" } else { "enforce" };
    findings.push(Finding::new(
        Kind::K3sSelinuxPolicy,
        here,
        format!("{} {has} SELinux, and K3s's policy is not installed", first_of(first, names.len(), "machine")),
        "say where the package k3s-selinux is: `.selinux_policy(URL, \"sha256:…\")`; without it the binary gets the label \
         container_runtime_exec_t, and the rest what the system's own policy gives it",
    ));
}
