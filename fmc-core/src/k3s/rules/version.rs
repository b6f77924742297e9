//! Releases of K3s: steps, skews, and what a release knows.

use crate::check::view::{Cluster, View};
use crate::finding::{At, Finding, Kind};
use crate::given::{Given, Leaf as _};
use crate::k3s::kubelet::reads_dropins;
use crate::k3s::{EncryptionProvider, Version, agent_fits, goes_back, skips_a_minor};

/// The first releases that know the choice of an encryption provider (docs.k3s.io, *Secrets Encryption Config*). Later minor
/// versions know it from their first release on.
const PROVIDER: [&str; 3] = ["v1.30.12+k3s1", "v1.31.8+k3s1", "v1.32.4+k3s1"];

/// An upgrade goes forward, and one minor version at a time.
pub(super) fn upgrade(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    let Some(from) = draft.upgraded_from.as_ref().and_then(Given::ok).copied() else { return };
    let Some(to) = draft.version.ok().copied() else { return };
    let (message, help) = if goes_back(from, to) {
        (
            format!("{} would go back from {from} to {to}, which its datastore does not bear", draft.name),
            "write the release that runs or a later one; going back is a restore of a snapshot".to_owned(),
        )
    } else if skips_a_minor(from, to) {
        let next = from.minor().saturating_add(1);
        (
            format!("{} would leave minor versions out between {from} and {to}", draft.name),
            format!("go to the last release of v1.{next} first, and then on"),
        )
    } else {
        return;
    };
    findings
        .push(Finding::new(Kind::K3sUpgrade, at.key("version"), message, help).also(at.key("upgraded_from")));
}

/// No kubelet is newer than its API server, nor more than three minor versions older.
pub(super) fn skew(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    let Some(agents) = draft.agent_version.as_ref().and_then(Given::ok).copied() else { return };
    let Some(servers) = draft.version.ok().copied() else { return };
    if agent_fits(agents, servers) {
        return;
    }
    let (message, help) = if agents > servers {
        (format!("agents have {agents}, which is newer than the servers' {servers}"), "upgrade servers first")
    } else {
        (
            format!("agents have {agents}, more than three minor versions behind the servers' {servers}"),
            "upgrade the agents before the servers go on",
        )
    };
    findings.push(
        Finding::new(Kind::K3sVersionSkew, at.key("agent_version"), message, help).also(at.key("version")),
    );
}

/// What is asked for is known to the release.
pub(super) fn feature(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    provider(cluster, at, findings);
    dropins(cluster, at, findings);
}

fn dropins(cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    if draft.kubelet.is_empty() {
        return;
    }
    let agents = draft.agent_version.as_ref().filter(|_| !draft.agents.is_empty());
    let versions = [("version", Some(&draft.version)), ("agent_version", agents)];
    for (field, version) in versions.into_iter().filter_map(|(field, given)| Some((field, given?.ok()?))) {
        if !reads_dropins(*version) {
            findings.push(
                Finding::new(
                    Kind::K3sVersionFeature,
                    at.key("kubelet"),
                    format!("the kubelet of {version} reads no drop-ins"),
                    "write arguments, `key::KUBELET_ARG`, or a release from v1.32 on",
                )
                .also(at.key(field)),
            );
        }
    }
}

fn provider(cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    let Some(version) = draft.version.ok().copied() else { return };
    let provider = draft.secrets_encryption.as_ref().and_then(Given::ok);
    if provider != Some(&EncryptionProvider::Secretbox) || version.is_at_least(1, 33) {
        return;
    }
    let mut first = PROVIDER.iter().filter_map(|text| Version::parse(text).ok());
    let same = first.find(|first| first.minor() == version.minor());
    if same.is_some_and(|first| version >= first) {
        return;
    }
    let known = same.map_or_else(|| "v1.33".to_owned(), |first| first.to_string());
    findings.push(
        Finding::new(
            Kind::K3sVersionFeature,
            at.key("secrets_encryption"),
            format!("{version} encrypts by aescbc only, and skips the key that asks for secretbox"),
            format!("write aescbc, or a release from {known} on"),
        )
        .also(at.key("version")),
    );
}
