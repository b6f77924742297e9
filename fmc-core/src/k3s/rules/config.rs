//! Keys of `config.yaml` that a user writes besides what the cluster derives.

use super::{configs, on_servers};
use crate::check::say::first_of;
use crate::check::view::{Cluster, View};
use crate::finding::{At, Finding, Kind};
use crate::given::{Given, Leaf as _};
use crate::k3s::key::Takes;
use crate::k3s::tuning::KUBELET_SYSCTLS;
use crate::k3s::{Config, Key, Value};
use crate::unit::FileMode;

/// What the cluster, its machines and its endpoint decide is written by them alone.
pub(super) fn owned(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (field, config) in configs(cluster) {
        for (key, owner) in config.iter().filter_map(|(key, _)| Some((key, key.owner()?))) {
            findings.push(Finding::new(
                Kind::K3sConfigOwned,
                at.key(field).key(key.as_str()),
                format!("{key} is not said here: it would be there twice"),
                format!("leave it out: what decides it is {owner}"),
            ));
        }
    }
}

/// An agent skips a key of servers, and nobody sees it.
pub(super) fn servers_only(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (key, _) in cluster.draft.agent_config.iter() {
        if key.takes() == Takes::Servers && key.owner().is_none() {
            findings.push(Finding::new(
                Kind::K3sConfigServers,
                at.key("agent_config").key(key.as_str()),
                format!("{key} is a key of servers, which an agent skips"),
                "write it in `server_config`",
            ));
        }
    }
}

/// Keys that K3s is about to drop, or has never promised to keep.
pub(super) fn outdated(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (field, config) in configs(cluster) {
        for (key, _) in config.iter().filter(|(key, _)| key.owner().is_none()) {
            let (message, help) = match key.instead() {
                Some(instead) => (format!("K3s is about to drop {key}"), format!("write {instead}")),
                None if key.is_hidden() => (
                    format!("{key} is not among the keys that K3s lists: it may go with any release"),
                    "leave it out, or accept it with the reason".to_owned(),
                ),
                None => continue,
            };
            let config = at.key(field);
            findings.push(Finding::new(Kind::K3sConfigOutdated, config.key(key.as_str()), message, help));
        }
    }
}

/// Two keys of which one makes the other wrong, and values that K3s refuses.
pub(super) fn contradicting(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let is_on = |config: &Config, key| config.get(key) == Some(&Value::Flag(true));
    for (field, config) in configs(cluster) {
        let here = at.key(field);
        let mut both = |first: Key, second: Key, what: &str| {
            findings.push(
                Finding::new(
                    Kind::K3sConfigClash,
                    here.key(second.as_str()),
                    format!("{first} and {second} are both {what}"),
                    "keep one of them",
                )
                .also(here.key(first.as_str())),
            );
        };
        let has = |key| config.get(key).is_some();
        if has(Key::VpnAuth) && has(Key::VpnAuthFile) {
            both(Key::VpnAuth, Key::VpnAuthFile, "the account of the VPN");
        }
        if is_on(config, Key::Docker) && has(Key::ContainerRuntimeEndpoint) {
            both(Key::Docker, Key::ContainerRuntimeEndpoint, "the container runtime");
        }
        if cluster.draft.cis && config.get(Key::ProtectKernelDefaults) == Some(&Value::Flag(false)) {
            findings.push(
                Finding::new(
                    Kind::K3sConfigClash,
                    here.key(Key::ProtectKernelDefaults.as_str()),
                    "the CIS profile wants the kernel's settings looked after, and this turns it off",
                    "leave it out, or leave `cis` out",
                )
                .also(at.key("cis")),
            );
        }
    }
    if cluster.draft.cis {
        for (name, wanted) in KUBELET_SYSCTLS {
            let Some(said) = cluster.draft.tuning.get(name).and_then(Given::ok) else { continue };
            if said.as_str() != wanted {
                findings.push(
                    Finding::new(
                        Kind::K3sConfigClash,
                        at.key("tuning").key("sysctls").key(name),
                        format!("the CIS profile wants {name} to be {wanted}, and not {said}"),
                        "leave it out, or leave `cis` out",
                    )
                    .also(at.key("cis")),
                );
            }
        }
    }
    let s3 = cluster.draft.snapshots.as_ref().and_then(|snapshots| snapshots.s3.as_ref());
    if s3.and_then(|s3| s3.timeout.as_ref()?.ok()).is_some_and(|timeout| timeout.as_millis() == 0) {
        findings.push(Finding::new(
            Kind::K3sConfigClash,
            format_args!("{at}.snapshots.s3.timeout"),
            "the timeout of S3 is no time at all, which K3s refuses",
            "write more, for example 5m, or leave it out",
        ));
    }
}

/// The kubeconfig on a server is the key of the cluster.
pub(super) fn kubeconfig(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some((field, Value::Text(said))) = on_servers(cluster, Key::WriteKubeconfigMode) else { return };
    let Some(mode) = FileMode::parse(said).ok().filter(|mode| mode.bits() & 0o007 != 0) else { return };
    let config = at.key(field);
    findings.push(Finding::new(
        Kind::K3sKubeconfigOpen,
        config.key(Key::WriteKubeconfigMode.as_str()),
        format!(
            "every user of a server can use the kubeconfig with the mode {mode}, and is its administrator"
        ),
        "write \"0600\", or \"0640\" with a group in write-kubeconfig-group",
    ));
}

/// A kubelet that protects the kernel's defaults does not start where they are others (docs.k3s.io, *CIS Hardening Guide*).
pub(super) fn kernel(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let missing: Vec<&str> = cluster.draft.tuning.missing().map(|(name, _)| name).collect();
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
    untuned.sort_unstable();
    let Some((first, field)) = untuned.first() else { return };
    let config = at.key(field);
    findings.push(
        Finding::new(
            Kind::K3sKernelDefaults,
            config.key(Key::ProtectKernelDefaults.as_str()),
            format!(
                "the kubelet of {} refuses to start: nothing sets {}",
                first_of(first, untuned.len(), "machine"),
                missing.join(", ")
            ),
            "say `.cis(true)`, which sets them, or each by `.sysctl(…)`",
        )
        .also(at.key("tuning")),
    );
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
