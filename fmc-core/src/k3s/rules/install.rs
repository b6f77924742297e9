//! Where K3s comes from, for every machine.

use std::collections::BTreeMap;

use super::view::Cluster;
use crate::check::view::View;
use crate::finding::{At, Finding, NameList, Remedy, problems};
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

/// The machines of a cluster by their install files: all alike, or servers and agents.
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

/// If files are listed, there is one for every machine, and of its release.
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
        let problem =
            InstallProblem::OtherRelease { agents: agents.to_string(), servers: version.to_string() };
        findings.push(problem.at(at.key("install")).also(at.key("agent_version")));
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
        let mut found = |field: &'static str| {
            if told.contains(&(field, arch)) {
                return;
            }
            told.push((field, arch));
            let (machines, of) = (NameList::new(names.iter().copied()), group.field);
            let arch = arch.as_str();
            let problem = match field {
                "binary" => InstallProblem::NoBinary { arch, machines, of },
                _ => InstallProblem::NoImages { arch, machines, of },
            };
            findings.push(problem.at(here.key(field)));
        };
        let by_sysext = os == Os::Flatcar && install.sysext.of(arch).is_some();
        if install.binary != none && install.binary.of(arch).is_none() && !by_sysext {
            found("binary");
        }
        if install.images != none && install.images.of(arch).is_none() {
            found("images");
        }
    }
}

/// Fetched files are known by their hash.
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
        if from_release.is_empty() {
            continue;
        }
        let problem = InstallProblem::Unpinned {
            machines: NameList::new(from_release),
            of: group.field,
            mirror_is_idle: idle.is_some(),
        };
        let mut finding = problem.at(at.key(group.field));
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
        let machines = NameList::new(enforcing.flat_map(|(_, (_, names))| names));
        if !machines.is_empty() {
            let problem = InstallProblem::NoPolicy { machines, of: group.field };
            findings.push(problem.at(at.key(group.field)));
        }
    }
}

/// A binary of K3s with its hash.
fn binary(of: &str) -> Remedy {
    Remedy::either(
        format!("{of}: {{binary: {{x86_64: {{url: …, digest: \"sha256:…\"}}}}}}"),
        format!(".{of}(Install::binary(URL, \"sha256:…\"))"),
    )
}

/// A file for one architecture.
fn for_arch(of: &str, field: &str, arch: &str) -> Remedy {
    let variant = if arch == Arch::Aarch64.as_str() { "Aarch64" } else { "X86_64" };
    Remedy::either(
        format!("{of}: {{{field}: {{{arch}: {{url: …, digest: \"sha256:…\"}}}}}}"),
        format!(".{field}_for(Arch::{variant}, URL, \"sha256:…\")"),
    )
}

/// The addition if the mirror has nothing to serve.
fn idle(mirror_is_idle: bool) -> &'static str {
    if mirror_is_idle { "; the mirror has nothing to serve" } else { "" }
}

problems! {
    /// Problems with the files that K3s is installed from.
    pub enum InstallProblem {
        OtherRelease { agents: String, servers: String } is K3sInstallMissing:
            "agents have {agents} and servers {servers}, but the files are of one release",
            "give the files of the agents' release until they are upgraded: {install}",
            install = binary("agent_install");
        NoBinary { arch: &'static str, machines: NameList, of: &'static str } is K3sInstallMissing
            with (who = machines.first_of("machine"), have = machines.verb("has", "have")):
            "there is no binary for {arch}, which {who} {have}",
            "give one: {file}",
            file = for_arch(of, "binary", arch);
        NoImages { arch: &'static str, machines: NameList, of: &'static str } is K3sInstallMissing
            with (who = machines.first_of("machine"), have = machines.verb("has", "have")):
            "there is no archive of images for {arch}, which {who} {have}",
            "give one: {file}",
            file = for_arch(of, "images", arch);
        Unpinned { machines: NameList, of: &'static str, mirror_is_idle: bool } is K3sInstallUnpinned
            with (who = machines.first_of("machine"), fetch = machines.verb("fetches", "fetch"), check = machines.verb("checks", "check"), idle = idle(*mirror_is_idle)):
            "{who} {fetch} K3s by its release, and {check} it only by the sums published beside it{idle}",
            "give its address and its hash: {install}",
            install = binary(of);
        NoPolicy { machines: NameList, of: &'static str } is K3sSelinuxPolicy
            with (who = machines.first_of("machine"), enforce = machines.verb("enforces", "enforce")):
            "{who} {enforce} SELinux, but K3s's policy is not installed",
            "give the address of the package k3s-selinux: {policy}; without it the binary gets the label container_runtime_exec_t, and the system's own policy decides the other labels",
            policy = Remedy::either(
                format!("{of}: {{selinux_policy: {{url: …, digest: \"sha256:…\"}}}}"),
                ".selinux_policy(URL, \"sha256:…\")",
            );
    }
}
