//! Keys of `config.yaml` that a user writes in addition to the derived ones.

use super::view::Cluster;
use super::{configs, on_servers};
use crate::check::view::View;
use crate::finding::{At, Finding, NameList, Remedy, problems};
use crate::given::{Given, Leaf as _};
use crate::k3s::key::Takes;
use crate::k3s::tuning::KUBELET_SYSCTLS;
use crate::k3s::{Component, Config, Key, Value, Version};
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

/// An agent silently skips a key of servers, and a server a key of agents.
pub(super) fn elsewhere(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let [(_, all), (_, servers), (_, agents)] = configs(cluster);
    let of = |config: &Config, takes: Takes| -> Vec<Key> {
        let keys = config.iter().map(|(key, _)| key);
        keys.filter(|key| key.takes() == takes && key.owner().is_none()).collect()
    };
    for key in of(agents, Takes::Servers) {
        findings.push(KeyProblem::OfServers { key }.at(at.key("agent_config").key(key.as_str())));
    }
    for key in of(servers, Takes::Agents) {
        findings.push(KeyProblem::OfAgents { key }.at(at.key("server_config").key(key.as_str())));
    }
    if cluster.draft.agents.is_empty() {
        for key in of(all, Takes::Agents) {
            findings.push(KeyProblem::NoAgents { key }.at(at.key("config").key(key.as_str())));
        }
    }
}

/// The oldest release that reads a configuration.
fn oldest_reader(cluster: &Cluster<'_>, field: &str) -> Option<Version> {
    let draft = cluster.draft;
    let servers = draft.version.ok().copied();
    let agents = draft.agent_version.as_ref().map_or(servers, |given| given.ok().copied());
    match field {
        "server_config" => servers,
        "agent_config" => agents,
        _ if draft.agents.is_empty() => servers,
        _ => servers.min(agents),
    }
}

/// The release of the nodes that take a key does not have it: they would skip it.
fn is_missing(cluster: &Cluster<'_>, field: &str, key: Key) -> Option<(Version, Version)> {
    let since = key.since()?;
    let field = if key.takes() == Takes::Servers { "server_config" } else { field };
    let version = oldest_reader(cluster, field)?;
    (version < since).then_some((version, since))
}

/// A release has the keys that are set.
pub(super) fn unknown(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (field, config) in configs(cluster) {
        for (key, _) in config.iter().filter(|(key, _)| key.owner().is_none()) {
            let Some((version, since)) = is_missing(cluster, field, key) else { continue };
            let problem = KeyProblem::Unknown { key, version: version.to_string(), since: since.to_string() };
            findings.push(problem.at(at.key(field).key(key.as_str())).also(at.key("version")));
        }
    }
}

/// Keys that K3s is about to drop, or has never promised to keep.
pub(super) fn outdated(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (field, config) in configs(cluster) {
        for (key, _) in config.iter().filter(|(key, _)| key.owner().is_none()) {
            // A key is not outdated in a release that does not have its successor yet.
            let instead = key.instead().filter(|instead| is_missing(cluster, field, *instead).is_none());
            let problem = match instead {
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
    if let Some((field, Value::Flag(true))) = on_servers(cluster, Key::DisableHelmController)
        && !cluster.draft.leaves_out(Component::Traefik)
    {
        let at_key = at.key(field);
        findings.push(
            KeyProblem::TraefikByHelm
                .at(at_key.key(Key::DisableHelmController.as_str()))
                .also(at.key("disable")),
        );
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
        OfAgents { key: Key } is K3sConfigServers:
            "{key} is a key of agents, which a server skips",
            "write it in `agent_config`";
        NoAgents { key: Key } is K3sConfigServers:
            "{key} is a key of agents, and the cluster has none",
            "leave it out, or name agents";
        Unknown { key: Key, version: String, since: String } is K3sVersionFeature:
            "{version} is not known to have the key {key}, and would skip it: it came with {since}",
            "leave it out, or write {since} or a later release; accept the finding if this release has the key";
        TraefikByHelm is K3sConfigClash:
            "the Helm controller is left out, but Traefik is not: K3s installs it by that controller, and fails again and again",
            "leave Traefik out too, with {disable}, or leave `disable-helm-controller` out",
            disable = Remedy::either("disable: [traefik]", ".disable(Component::Traefik)");
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
