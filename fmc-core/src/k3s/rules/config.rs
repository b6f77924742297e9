//! Keys of `config.yaml` that a user writes in addition to the derived ones.

use super::view::Cluster;
use super::{configs, on_servers};
use crate::check::view::View;
use crate::finding::{At, Finding, NameList, Remedy, problems};
use crate::given::{Given, Leaf as _};
use crate::k3s::key::Takes;
use crate::k3s::tuning::KUBELET_SYSCTLS;
use crate::k3s::{Config, Key, Value};
use crate::sort;
use crate::unit::FileMode;

/// A key that the cluster, its machines or its endpoint decide is not written a second time.
pub(super) fn owned(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (field, config) in configs(cluster) {
        for (key, owner) in config.iter().filter_map(|(key, _)| Some((key, key.owner()?))) {
            findings.push(KeyProblem::Owned { key, owner }.at(at.key(field).key(key.as_str())));
        }
    }
}

/// An agent silently skips a key of servers.
pub(super) fn servers_only(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (key, _) in cluster.draft.agent_config.iter() {
        if key.takes() == Takes::Servers && key.owner().is_none() {
            findings.push(KeyProblem::OfServers { key }.at(at.key("agent_config").key(key.as_str())));
        }
    }
}

/// Keys that K3s is about to drop, or has never promised to keep.
pub(super) fn outdated(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (field, config) in configs(cluster) {
        for (key, _) in config.iter().filter(|(key, _)| key.owner().is_none()) {
            let problem = match key.instead() {
                Some(instead) => KeyProblem::Deprecated { key, instead },
                None if key.is_hidden() => KeyProblem::Unlisted { key },
                None => continue,
            };
            findings.push(problem.at(at.key(field).key(key.as_str())));
        }
    }
}

/// Keys that exclude each other, and values that K3s refuses.
pub(super) fn contradicting(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let is_on = |config: &Config, key| config.get(key) == Some(&Value::Flag(true));
    for (field, config) in configs(cluster) {
        let here = at.key(field);
        let mut both = |first: Key, second: Key, what: &'static str| {
            let problem = KeyProblem::Both { first, second, what };
            findings.push(problem.at(here.key(second.as_str())).also(here.key(first.as_str())));
        };
        let has = |key| config.get(key).is_some();
        if has(Key::VpnAuth) && has(Key::VpnAuthFile) {
            both(Key::VpnAuth, Key::VpnAuthFile, "the account of the VPN");
        }
        if is_on(config, Key::Docker) && has(Key::ContainerRuntimeEndpoint) {
            both(Key::Docker, Key::ContainerRuntimeEndpoint, "the container runtime");
        }
        if cluster.draft.cis && config.get(Key::ProtectKernelDefaults) == Some(&Value::Flag(false)) {
            let at_key = here.key(Key::ProtectKernelDefaults.as_str());
            findings.push(KeyProblem::CisKernel.at(at_key).also(at.key("cis")));
        }
    }
    if cluster.draft.cis {
        for (name, wanted) in KUBELET_SYSCTLS {
            let Some(said) = cluster.draft.tuning.get(name).and_then(Given::ok) else { continue };
            if said.as_str() != wanted {
                let problem = KeyProblem::CisSysctl { name, wanted, said: said.to_string() };
                findings.push(problem.at(at.key("tuning").key("sysctls").key(name)).also(at.key("cis")));
            }
        }
    }
    let s3 = cluster.draft.snapshots.as_ref().and_then(|snapshots| snapshots.s3.as_ref());
    if s3.and_then(|s3| s3.timeout.as_ref()?.ok()).is_some_and(|timeout| timeout.as_millis() == 0) {
        findings.push(KeyProblem::NoTime.at(format_args!("{at}.snapshots.s3.timeout")));
    }
}

/// The kubeconfig on a server is the key of the cluster.
pub(super) fn kubeconfig(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some((field, Value::Text(said))) = on_servers(cluster, Key::WriteKubeconfigMode) else { return };
    let Some(mode) = FileMode::parse(said).ok().filter(|mode| mode.bits() & 0o007 != 0) else { return };
    let config = at.key(field);
    let problem = KeyProblem::OpenKubeconfig { mode: mode.to_string() };
    findings.push(problem.at(config.key(Key::WriteKubeconfigMode.as_str())));
}

/// A kubelet that protects the kernel's defaults does not start if the settings differ (docs.k3s.io, *CIS Hardening
/// Guide*).
pub(super) fn kernel(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let missing: Vec<&'static str> = cluster.draft.tuning.missing().map(|(name, _)| name).collect();
    if cluster.draft.cis || missing.is_empty() {
        return;
    }
    let on = |config: &Config| config.get(Key::ProtectKernelDefaults) == Some(&Value::Flag(true));
    let [all, servers, agents] = configs(cluster).map(|(field, config)| on(config).then_some(field));
    let lists = [(servers.or(all), &cluster.servers), (agents.or(all), &cluster.agents)];
    let mut untuned: Vec<(&str, &str)> = Vec::new();
    for (field, members) in lists.into_iter().filter_map(|(field, members)| Some((field?, members))) {
        let names = members.iter().filter(|member| !is_tuned(view, **member, &missing));
        untuned.extend(names.map(|member| (view.machine_name(*member), field)));
    }
    sort::all(&mut untuned);
    let Some((_, field)) = untuned.first() else { return };
    let config = at.key(field);
    let machines = NameList::new(untuned.iter().map(|(name, _)| *name));
    let problem = KeyProblem::KernelDefaults { machines, missing };
    findings.push(problem.at(config.key(Key::ProtectKernelDefaults.as_str())).also(at.key("tuning")));
}

/// Whether files of the machine's own set what the cluster does not.
fn is_tuned(view: &View<'_>, machine: usize, missing: &[&str]) -> bool {
    let Some(placed) = view.machine(machine) else { return true };
    let texts = placed.draft.guest.texts();
    let texts: Vec<&str> =
        texts.filter(|(path, _)| path.starts_with("/etc/sysctl.d/")).map(|(_, text)| text).collect();
    let sets = |name: &str| {
        texts.iter().flat_map(|text| text.lines()).any(|line| {
            let said = line.split_once('=').map(|(said, _)| said.trim().trim_start_matches('-'));
            said.is_some_and(|said| said.replace('/', ".") == name)
        })
    };
    missing.iter().all(|name| sets(name))
}

problems! {
    /// Problems with keys of K3s's `config.yaml`.
    pub enum KeyProblem {
        Owned { key: Key, owner: &'static str } is K3sConfigOwned:
            "the cluster already decides {key}: it would be in the file twice",
            "leave it out: it follows from {owner}";
        OfServers { key: Key } is K3sConfigServers:
            "{key} is a key of servers, which an agent skips",
            "write it in `server_config`";
        Deprecated { key: Key, instead: Key } is K3sConfigOutdated:
            "K3s is about to drop {key}",
            "write {instead}";
        Unlisted { key: Key } is K3sConfigOutdated:
            "{key} is not among the keys that K3s lists: any release may drop it",
            "leave it out, or accept it with the reason";
        Both { first: Key, second: Key, what: &'static str } is K3sConfigClash:
            "{first} and {second} both give {what}",
            "keep one of them";
        CisKernel is K3sConfigClash:
            "the CIS profile protects the kernel's settings, and this turns the protection off",
            "leave it out, or leave `cis` out";
        CisSysctl { name: &'static str, wanted: &'static str, said: String } is K3sConfigClash:
            "the CIS profile needs {name} to be {wanted}, not {said}",
            "leave it out, or leave `cis` out";
        NoTime is K3sConfigClash:
            "the timeout of S3 is zero, which K3s refuses",
            "write more, for example 5m, or leave it out";
        OpenKubeconfig { mode: String } is K3sKubeconfigOpen:
            "with the mode {mode}, every user of a server can read the kubeconfig, and so administer the cluster",
            "write \"0600\", or \"0640\" with a group in write-kubeconfig-group";
        KernelDefaults { machines: NameList, missing: Vec<&'static str> } is K3sKernelDefaults
            with (who = machines.first_of("machine"), list = missing.join(", ")):
            "the kubelet of {who} refuses to start: nothing sets {list}",
            "say {cis}, which sets them, or set each, as {sysctl}",
            cis = Remedy::set("cis", "true"),
            sysctl = Remedy::either(
                "tuning: {sysctls: {vm.overcommit_memory: \"1\"}}",
                ".sysctl(\"vm.overcommit_memory\", \"1\")",
            );
    }
}
