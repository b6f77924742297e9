//! Releases of K3s: steps, skews, and what a release knows.

use super::view::Cluster;
use crate::check::view::View;
use crate::finding::{At, Finding, Remedy, problems};
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
    let (cluster, minor) = (draft.name.to_string(), from.minor().saturating_add(1));
    let (from_text, to_text) = (from.to_string(), to.to_string());
    let problem = if goes_back(from, to) {
        VersionProblem::Back { cluster, from: from_text, to: to_text }
    } else if skips_a_minor(from, to) {
        VersionProblem::Skips { cluster, from: from_text, to: to_text, next: format!("v1.{minor}") }
    } else {
        return;
    };
    findings.push(problem.at(at.key("version")).also(at.key("upgraded_from")));
}

/// No kubelet is newer than its API server, nor more than three minor versions older.
pub(super) fn skew(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    let Some(agents) = draft.agent_version.as_ref().and_then(Given::ok).copied() else { return };
    let Some(servers) = draft.version.ok().copied() else { return };
    if agent_fits(agents, servers) {
        return;
    }
    let is_newer = agents > servers;
    let (agents, servers) = (agents.to_string(), servers.to_string());
    let problem = if is_newer {
        VersionProblem::AgentsNewer { agents, servers }
    } else {
        VersionProblem::AgentsOld { agents, servers }
    };
    findings.push(problem.at(at.key("agent_version")).also(at.key("version")));
}

/// The release knows every requested feature.
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
            let problem = VersionProblem::NoDropins { version: version.to_string() };
            findings.push(problem.at(at.key("kubelet")).also(at.key(field)));
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
    let problem = VersionProblem::NoSecretbox { version: version.to_string(), known };
    findings.push(problem.at(at.key("secrets_encryption")).also(at.key("version")));
}

problems! {
    /// Problems with releases of K3s.
    pub enum VersionProblem {
        Back { cluster: String, from: String, to: String } is K3sUpgrade:
            "{cluster} would go back from {from} to {to}, which its datastore cannot do",
            "write the release that runs or a later one; to go back, restore a snapshot";
        Skips { cluster: String, from: String, to: String, next: String } is K3sUpgrade:
            "{cluster} would skip minor versions between {from} and {to}",
            "upgrade to the last release of {next} first, and then on";
        AgentsNewer { agents: String, servers: String } is K3sVersionSkew:
            "agents have {agents}, which is newer than the servers' {servers}",
            "upgrade the servers first";
        AgentsOld { agents: String, servers: String } is K3sVersionSkew:
            "agents have {agents}, more than three minor versions behind the servers' {servers}",
            "upgrade the agents before the servers go on";
        NoDropins { version: String } is K3sVersionFeature:
            "the kubelet of {version} does not read drop-ins",
            "give the kubelet arguments, with {arguments}, or write a release from v1.32 on",
            arguments = Remedy::either("config: {kubelet-arg: […]}", ".config(Config::new().set(key::KUBELET_ARG, […]))");
        NoSecretbox { version: String, known: String } is K3sVersionFeature:
            "{version} only encrypts by aescbc, and skips the key that asks for secretbox",
            "write aescbc, or a release from {known} on";
    }
}
