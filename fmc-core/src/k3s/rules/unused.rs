//! Settings of a cluster that have no effect.

use std::collections::BTreeSet;

use super::configs;
use super::install::{Group, groups};
use super::view::Cluster;
use crate::check::view::View;
use crate::finding::{At, Finding, Remedy, problems};
use crate::given::Given;
use crate::image::Os;
use crate::k3s::{ByArch, Component, FlannelBackend, Key, Value};

/// Keys that only etcd uses.
const ETCD: &[Key] =
    &[Key::EtcdArg, Key::EtcdExposeMetrics, Key::EtcdSnapshotReconcileInterval, Key::EtcdS3Timeout];

/// Keys that only snapshots in S3 use.
const S3: &[Key] = &[Key::EtcdS3BucketLookupType, Key::EtcdS3Proxy, Key::EtcdS3Timeout];

/// Keys that only flannel uses.
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

/// A setting without effect is a mistake: its author meant it to have one.
pub(super) fn check(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let mut found = Found { at, findings };
    keys(cluster, &mut found);
    snapshots(cluster, &mut found);
    installs(view, cluster, &mut found);
    registries(cluster, &mut found);
    let draft = cluster.draft;
    if draft.agents.is_empty() {
        let fields = [
            ("agent_config", !draft.agent_config.is_empty()),
            ("agent_version", draft.agent_version.is_some()),
            ("agent_install", draft.agent_install.is_some()),
        ];
        for (field, _) in fields.into_iter().filter(|(_, is_said)| *is_said) {
            found.push(field, UnusedProblem::NoAgents { field });
        }
    }
    let mut seen = BTreeSet::new();
    for (index, component) in draft.disable.iter().enumerate() {
        if component.ok().is_some_and(|component| !seen.insert(*component)) {
            let component = component.to_string();
            found.push(&format!("disable[{index}]"), UnusedProblem::LeftOutTwice { component });
        }
    }
}

struct Found<'a, 'b> {
    at: &'a At<'a>,
    findings: &'b mut Vec<Finding>,
}

impl Found<'_, '_> {
    fn push(&mut self, path: &str, problem: UnusedProblem) {
        self.findings.push(problem.at(self.at.key(path)));
    }
}

fn keys(cluster: &Cluster<'_>, found: &mut Found<'_, '_>) {
    let draft = cluster.draft;
    let without_s3 = draft.snapshots.as_ref().is_none_or(|snapshots| snapshots.s3.is_none());
    let without_flannel = draft.flannel.as_ref().and_then(Given::ok) == Some(&FlannelBackend::None);
    for (field, config) in configs(cluster) {
        let mut each = |keys: &[Key], problem: &dyn Fn(Key) -> UnusedProblem| {
            for key in keys.iter().copied().filter(|key| config.get(*key).is_some()) {
                found.push(&format!("{field}.{key}"), problem(key));
            }
        };
        if !cluster.has_etcd() && !draft.servers.is_empty() {
            let has_database = draft.datastore.is_some();
            each(ETCD, &|key| UnusedProblem::NoEtcd { key, has_database });
        } else if without_s3 {
            each(S3, &|key| UnusedProblem::NoS3 { key });
        }
        if without_flannel {
            each(FLANNEL, &|key| UnusedProblem::NoFlannel { key });
        }
        let is_on = |key: Key| {
            configs(cluster).into_iter().any(|(_, config)| config.get(key) == Some(&Value::Flag(true)))
        };
        for (off, keys) in PARTS.iter().filter(|(off, _)| is_on(*off)) {
            each(keys, &|key| UnusedProblem::PartOff { key, off: *off });
        }
        for (component, key) in COMPONENTS {
            if draft.leaves_out(*component) {
                each(&[*key], &|key| UnusedProblem::ComponentOff { key, component: component.to_string() });
            }
        }
        if config.get(Key::Log).is_none() {
            each(&[Key::Alsologtostderr], &|key| UnusedProblem::NoLogFile { key });
        }
    }
}

/// Why a cluster has no etcd.
fn no_etcd(has_database: bool) -> &'static str {
    if has_database { "the state is in a database" } else { "a single server keeps its state in SQLite" }
}

fn snapshots(cluster: &Cluster<'_>, found: &mut Found<'_, '_>) {
    let Some(snapshots) = &cluster.draft.snapshots else { return };
    if !cluster.has_etcd() {
        if snapshots.enabled && !cluster.draft.servers.is_empty() {
            let has_database = cluster.draft.datastore.is_some();
            found.push("snapshots", UnusedProblem::NoSnapshots { has_database });
        }
        return;
    }
    let says_more = snapshots.schedule.is_some()
        || snapshots.keep.is_some()
        || snapshots.compress
        || snapshots.s3.is_some();
    if !snapshots.enabled && says_more {
        found.push("snapshots", UnusedProblem::SnapshotsOff);
    }
    if snapshots.s3.as_ref().is_some_and(|s3| s3.insecure && s3.ca.is_some()) {
        found.push("snapshots.s3.ca", UnusedProblem::PlainS3);
    }
}

fn installs(view: &View<'_>, cluster: &Cluster<'_>, found: &mut Found<'_, '_>) {
    // The system of a machine that does not exist is not known.
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
            found.push(&format!("{field}.sysext"), UnusedProblem::NoFlatcar);
        }
        if install.selinux_policy.is_some() && !runs(&|os| os == Os::FedoraCoreos || os.is_enterprise_linux())
        {
            found.push(&format!("{field}.selinux_policy"), UnusedProblem::NoSelinux);
        }
    }
}

fn registries(cluster: &Cluster<'_>, found: &mut Found<'_, '_>) {
    for mirror in cluster.draft.registries.mirrors() {
        for index in mirror.without_effect() {
            let registry = mirror.registry().to_string();
            let path = format!("registries.mirrors.{registry}.endpoints[{index}]");
            found.push(&path, UnusedProblem::SameEndpoint { registry });
        }
    }
    if cluster.draft.registries.mirrors().next().is_none() {
        for (field, config) in configs(cluster).into_iter().take(2) {
            if config.get(Key::EmbeddedRegistry) == Some(&Value::Flag(true)) {
                found.push(&format!("{field}.{}", Key::EmbeddedRegistry), UnusedProblem::NoMirror);
            }
        }
    }
}

problems! {
    /// Settings of a cluster that have no effect.
    pub enum UnusedProblem {
        NoAgents { field: &'static str } is K3sUnused:
            "`{field}` has no effect: the cluster has no agents",
            "leave it out, or name agents";
        LeftOutTwice { component: String } is K3sUnused:
            "{component} is left out twice",
            "keep one";
        NoEtcd { key: Key, has_database: bool } is K3sUnused with (why = no_etcd(*has_database)):
            "{key} has no effect: there is no etcd, since {why}",
            "leave it out";
        NoS3 { key: Key } is K3sUnused:
            "{key} has no effect: snapshots do not go to S3",
            "leave it out";
        NoFlannel { key: Key } is K3sUnused:
            "{key} has no effect: the cluster does not use flannel",
            "leave it out";
        PartOff { key: Key, off: Key } is K3sUnused:
            "{key} has no effect: {off} turns off the part that reads it",
            "leave it out";
        ComponentOff { key: Key, component: String } is K3sUnused:
            "{key} has no effect: {component} is left out",
            "leave it out";
        NoLogFile { key: Key } is K3sUnused:
            "{key} has no effect: the log goes to the journal only",
            "leave it out";
        NoSnapshots { has_database: bool } is K3sUnused with (why = no_etcd(*has_database)):
            "snapshots have no effect: there is no etcd, since {why}",
            "leave `snapshots` out, and save the database by its own means";
        SnapshotsOff is K3sUnused:
            "snapshots are turned off, so their other settings have no effect",
            "leave out `enabled`, or the rest";
        PlainS3 is K3sUnused:
            "`ca` has no effect: S3 is called without TLS",
            "leave it out, or leave out `insecure`";
        NoFlatcar is K3sUnused:
            "`sysext` has no effect: only Flatcar takes it, and no machine has Flatcar",
            "give a `binary` instead";
        NoSelinux is K3sUnused:
            "`selinux_policy` has no effect: no machine has a system that takes the package",
            "leave it out";
        SameEndpoint { registry: String } is K3sUnused:
            "this endpoint has no effect: it is {registry} itself, so K3s skips it and its rewrites",
            "leave it out";
        NoMirror is K3sUnused:
            "nodes share images only of registries that have a mirror, and the cluster names none",
            "name them, for example {registries}, or leave it out",
            registries = Remedy::either(
                "registries: {mirrors: {\"*\": {endpoints: [https://mirror.example:5000]}}}",
                ".registries(Registries::new().mirror(Mirror::of(\"*\").endpoint(\"https://mirror.example:5000\")))",
            );
    }
}
