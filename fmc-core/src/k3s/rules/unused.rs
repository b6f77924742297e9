//! What is said of a cluster and has no effect.

use std::collections::BTreeSet;

use super::configs;
use super::install::{Group, groups};
use crate::check::view::{Cluster, View};
use crate::finding::{At, Finding, Kind};
use crate::given::Given;
use crate::image::Os;
use crate::k3s::{ByArch, Component, FlannelBackend, Key, Value};

/// Keys that are for etcd alone.
const ETCD: &[Key] =
    &[Key::EtcdArg, Key::EtcdExposeMetrics, Key::EtcdSnapshotReconcileInterval, Key::EtcdS3Timeout];

/// Keys that are for snapshots in S3 alone.
const S3: &[Key] = &[Key::EtcdS3BucketLookupType, Key::EtcdS3Proxy, Key::EtcdS3Timeout];

/// Keys that are for flannel alone.
const FLANNEL: &[Key] =
    &[Key::FlannelIface, Key::FlannelConf, Key::FlannelCniConf, Key::FlannelIpv6Masq, Key::FlannelExternalIp];

/// Keys that are for a part that another key leaves out.
const PARTS: &[(Key, &[Key])] = &[
    (Key::DisableHelmController, &[Key::HelmControllerArg, Key::HelmJobImage]),
    (Key::DisableScheduler, &[Key::KubeSchedulerArg]),
    (Key::DisableCloudController, &[Key::KubeCloudControllerManagerArg, Key::KubeCloudControllerArg]),
    (Key::DisableKubeProxy, &[Key::KubeProxyArg]),
];

/// Keys that are for a packaged component.
const COMPONENTS: &[(Component, Key)] = &[
    (Component::Servicelb, Key::ServicelbNamespace),
    (Component::LocalStorage, Key::DefaultLocalStoragePath),
];

/// What nobody reads was meant for something.
pub(super) fn check(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let mut found = Found { at, findings };
    keys(cluster, &mut found);
    snapshots(cluster, &mut found);
    installs(view, cluster, &mut found);
    registries(cluster, &mut found);
    let draft = cluster.draft;
    if draft.agents.is_empty() {
        if !draft.agent_config.is_empty() {
            found.push(
                "agent_config",
                "there is no agent that would read it",
                "leave it out, or name agents",
            );
        }
        if draft.agent_version.is_some() {
            found.push(
                "agent_version",
                "there is no agent that would have it",
                "leave it out, or name agents",
            );
        }
        if draft.agent_install.is_some() {
            found.push(
                "agent_install",
                "there is no agent that would fetch it",
                "leave it out, or name agents",
            );
        }
    }
    let mut seen = BTreeSet::new();
    for (index, component) in draft.disable.iter().enumerate() {
        if component.ok().is_some_and(|component| !seen.insert(*component)) {
            found.push(&format!("disable[{index}]"), &format!("{component} is left out twice"), "keep one");
        }
    }
}

struct Found<'a, 'b> {
    at: &'a At<'a>,
    findings: &'b mut Vec<Finding>,
}

impl Found<'_, '_> {
    fn push(&mut self, path: &str, message: &str, help: &str) {
        self.findings.push(Finding::new(Kind::K3sUnused, self.at.key(path), message, help));
    }
}

fn keys(cluster: &Cluster<'_>, found: &mut Found<'_, '_>) {
    let draft = cluster.draft;
    let without_s3 = draft.snapshots.as_ref().is_none_or(|snapshots| snapshots.s3.is_none());
    let without_flannel = draft.flannel.as_ref().and_then(Given::ok) == Some(&FlannelBackend::None);
    for (field, config) in configs(cluster) {
        let mut each = |keys: &[Key], why: &str| {
            for key in keys.iter().filter(|key| config.get(**key).is_some()) {
                found.push(&format!("{field}.{key}"), why, "leave it out");
            }
        };
        if !cluster.has_etcd() && !draft.servers.is_empty() {
            each(ETCD, no_etcd(cluster));
        } else if without_s3 {
            each(S3, "no snapshot goes to S3");
        }
        if without_flannel {
            each(FLANNEL, "there is no flannel");
        }
        let is_on = |key: Key| {
            configs(cluster).into_iter().any(|(_, config)| config.get(key) == Some(&Value::Flag(true)))
        };
        for (off, keys) in PARTS.iter().filter(|(off, _)| is_on(*off)) {
            each(keys, &format!("{off} leaves out what it is for"));
        }
        for (component, key) in COMPONENTS {
            if draft.disable.iter().any(|out| out.ok() == Some(component)) {
                each(&[*key], &format!("{component} is left out"));
            }
        }
        if config.get(Key::Log).is_none() {
            each(&[Key::Alsologtostderr], "the log goes to the journal only");
        }
    }
}

fn no_etcd(cluster: &Cluster<'_>) -> &'static str {
    if cluster.draft.datastore.is_some() {
        "the state is in a database, and there is no etcd"
    } else {
        "one server keeps its state in SQLite, and there is no etcd"
    }
}

fn snapshots(cluster: &Cluster<'_>, found: &mut Found<'_, '_>) {
    let Some(snapshots) = &cluster.draft.snapshots else { return };
    if !cluster.has_etcd() {
        if snapshots.enabled && !cluster.draft.servers.is_empty() {
            found.push("snapshots", no_etcd(cluster), "leave it out, and save the database by its own means");
        }
        return;
    }
    let says_more = snapshots.schedule.is_some()
        || snapshots.keep.is_some()
        || snapshots.compress
        || snapshots.s3.is_some();
    if !snapshots.enabled && says_more {
        found.push(
            "snapshots",
            "no snapshot is made, and so much is said of them",
            "leave out `enabled`, or the rest",
        );
    }
    if snapshots.s3.as_ref().is_some_and(|s3| s3.insecure && s3.ca.is_some()) {
        found.push("snapshots.s3.ca", "S3 is spoken to without TLS", "leave it out, or leave out `insecure`");
    }
}

fn installs(view: &View<'_>, cluster: &Cluster<'_>, found: &mut Found<'_, '_>) {
    // Who has which system is not known of machines that are not there.
    if cluster.members().count() < cluster.draft.servers.len() + cluster.draft.agents.len() {
        return;
    }
    for Group { field, install, members } in
        groups(cluster).into_iter().filter(|group| !group.members.is_empty())
    {
        let runs = |wanted: &dyn Fn(Os) -> bool| {
            let mut systems = members.iter().filter_map(|member| Some(view.machine(*member)?.draft.image.os));
            systems.any(wanted)
        };
        if install.sysext != ByArch::default() && !runs(&|os| os == Os::Flatcar) {
            let message = "no machine has Flatcar, which alone takes it";
            found.push(&format!("{field}.sysext"), message, "say `binary` instead");
        }
        if install.selinux_policy.is_some() && !runs(&|os| os == Os::FedoraCoreos || os.is_enterprise_linux())
        {
            let message = "no machine has a system that takes the package";
            found.push(&format!("{field}.selinux_policy"), message, "leave it out");
        }
    }
}

fn registries(cluster: &Cluster<'_>, found: &mut Found<'_, '_>) {
    for mirror in cluster.draft.registries.mirrors() {
        for index in mirror.without_effect() {
            found.push(
                &format!("registries.mirrors.{}.endpoints[{index}]", mirror.registry()),
                "it is where the registry itself is asked anyway: K3s passes over it, and over rewrites there",
                "leave it out",
            );
        }
    }
    if cluster.draft.registries.mirrors().next().is_none() {
        for (field, config) in configs(cluster).into_iter().take(2) {
            if config.get(Key::EmbeddedRegistry) == Some(&Value::Flag(true)) {
                found.push(
                    &format!("{field}.{}", Key::EmbeddedRegistry),
                    "nodes give each other images of the registries that have a mirror, and none has",
                    "list them: `.registries(Registries::new().mirror(Mirror::of(\"*\")…))`, or leave it out",
                );
            }
        }
    }
}
