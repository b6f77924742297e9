//! The settings that are equal on all servers: what they were when a server was made, and how they change.
//!
//! K3s compares them when a server joins, and takes none whose values differ (docs.k3s.io, *CLI Tools/server*, *Critical
//! Configuration Values*).

use crate::firewall::{PATH, UNIT};
use crate::k3s::resolved::Cluster;
use crate::k3s::{Component, FlannelBackend};
use crate::role::{FactChange, Facts, Fate, Moving, Told};
use crate::secret::SecretSource;

const DOMAIN: &str = "cluster_domain";
const DNS: &str = "cluster_dns";
const FLANNEL: &str = "flannel";
const ENCRYPTION: &str = "secrets_encryption";
const DISABLE: &str = "disable";
const EGRESS: &str = "egress";

/// Secrets are not encrypted.
const OFF: &str = "off";

/// A setting, and how it changes.
struct Setting {
    /// Its fact.
    key: &'static str,
    /// Its key in `config.yaml`.
    line: &'static str,
    /// Why all servers change together.
    why: &'static str,
    /// The steps after the change: given the old value, the new value and the first server.
    then: fn(&str, &str, &str) -> String,
}

const COMPARED: &str = "K3s takes no server whose value differs from that of the others";

const ALL: [Setting; 6] = [
    Setting {
        key: DOMAIN,
        line: "cluster-domain",
        why: COMPARED,
        then: |was, _, _| {
            format!(
                "; then restart K3s on all agents, and all pods: names that end in {was} are not answered any more"
            )
        },
    },
    Setting {
        key: DNS,
        line: "cluster-dns",
        why: COMPARED,
        then: |_, _, _| {
            "; `kubectl -n kube-system delete service kube-dns` before that, because a Service keeps its address; then \
             restart K3s on all agents, and all pods"
                .to_owned()
        },
    },
    Setting { key: FLANNEL, line: "flannel-backend", why: COMPARED, then: |_, wanted, _| flannel(wanted) },
    Setting {
        key: ENCRYPTION,
        line: "secrets-encryption-provider",
        why: COMPARED,
        then: |_, _, first| {
            format!(
                "; then `k3s secrets-encrypt rotate-keys` on {first}, and restart K3s on the other servers once `k3s \
                 secrets-encrypt status` says reencrypt_finished"
            )
        },
    },
    Setting {
        key: DISABLE,
        line: "disable",
        why: "a server deletes what the cluster has of a part that it leaves out, and one that does not makes it anew",
        then: |_, _, _| String::new(),
    },
    Setting { key: EGRESS, line: "egress-selector-mode", why: COMPARED, then: |_, _, _| String::new() },
];

/// The facts of each server.
pub(super) fn facts(cluster: &Cluster, facts: Facts) -> Facts {
    let said = cluster.said();
    let domain = said.cluster_domain.as_ref().and_then(|given| given.ok());
    let domain = domain.map_or_else(|| "cluster.local".to_owned(), ToString::to_string);
    let dns: Vec<String> = if said.cluster_dns.is_empty() {
        cluster.services.iter().filter_map(|subnet| subnet.nth(10)).map(|ip| ip.to_string()).collect()
    } else {
        said.cluster_dns.iter().filter_map(|given| given.ok()).map(ToString::to_string).collect()
    };
    let facts = facts.fact(DOMAIN, domain).fact(DNS, dns.join(",")).fact(FLANNEL, cluster.flannel.as_str());
    let left_out = Component::ALL.iter().filter(|part| said.leaves_out(**part)).map(|part| part.as_str());
    let egress = said.egress.as_ref().and_then(|given| given.ok()).map_or("agent", |mode| mode.as_str());
    let facts =
        facts.fact(DISABLE, format!("[{}]", left_out.collect::<Vec<_>>().join(", "))).fact(EGRESS, egress);
    let facts = encryption(cluster, facts);
    token(cluster, facts)
}

/// A fact that cannot change while the cluster is there. A server that joins others would be refused by them, with or
/// without a state of its own.
pub(super) fn settled(
    cluster: &Cluster,
    facts: Facts,
    key: &'static str,
    value: String,
    why: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> Facts {
    let is_alone = cluster.servers.len() == 1 && cluster.said().datastore.is_none();
    facts.judged(key, value, move |was| match why(was) {
        Some(why) if is_alone => FactChange::Impossible(why.into()),
        Some(why) => FactChange::Refused(why.into()),
        None => FactChange::Replacement,
    })
}

/// docs.k3s.io, *Secrets Encryption*, *Migrating Providers*; *CLI Tools/secrets-encrypt*: to start without encryption and
/// to turn it on later is not supported.
fn encryption(cluster: &Cluster, facts: Facts) -> Facts {
    let provider = cluster.said().secrets_encryption.as_ref().and_then(|given| given.ok());
    let value = provider.map_or(OFF, |provider| provider.as_str());
    let name = cluster.name.to_string();
    settled(cluster, facts, ENCRYPTION, value.to_owned(), move |was| match (was, value) {
        (OFF, _) | (_, OFF) => Some(format!(
            "K3s does not turn the encryption of Secrets on or off in a cluster that is there: leave it as it was, or make a \
             new cluster with another name and move what runs in {name} there"
        )),
        ("aescbc", "secretbox") => None,
        _ => Some(format!(
            "K3s moves Secrets from aescbc to secretbox, and not back: leave `secrets_encryption: {was}`"
        )),
    })
}

/// docs.k3s.io, *CLI Tools/token*: the server token encrypts what the datastore keeps of the cluster's authorities.
fn token(cluster: &Cluster, facts: Facts) -> Facts {
    const OWN: &str = "own";
    let token = &cluster.pki.server_token;
    let is_own = !matches!(token.source, SecretSource::Generated(_));
    let value = if is_own { OWN.to_owned() } else { format!("generation {}", token.generation) };
    let name = cluster.name.to_string();
    settled(cluster, facts, "server_token", value, move |was| {
        // A person may have set a token of their own by `k3s token rotate`; marks do not record tokens.
        (!is_own).then(|| {
            format!(
                "K3s opens the state of {name} with the server token, and a server with another one stops at its start: leave \
                 it as it was ({was}); or change it by `k3s token rotate` on a server, and set the new one as `server_token` in \
                 `credentials`"
            )
        })
    })
}

/// The steps for each setting that differs on servers of a cluster.
pub(super) fn told(servers: &[&Moving<'_>]) -> Vec<Told> {
    let stay = servers.iter().filter(|server| !matches!(server.fate, Fate::Leaves | Fate::Changes));
    let stay: Vec<&Moving<'_>> = stay.copied().collect();
    let each = ALL.iter().filter_map(|Setting { key, line, why, then }| {
        let differs = stay.iter().filter_map(|server| {
            let wanted = server.wanted?.facts.iter().find(|fact| *fact.key == **key)?;
            let was = server.fact(key).filter(|was| **was != *wanted.value)?;
            (wanted.from(was) == FactChange::Replacement).then_some((*server, was, &*wanted.value))
        });
        let differs: Vec<_> = differs.collect();
        let (first, was, wanted) = *differs.first()?;
        let names: Vec<&str> = differs.iter().map(|(server, _, _)| server.machine).collect();
        let text = format!(
            "{key} {was} → {wanted}: {why}. Before one is replaced \
             or added, write `{line}: {wanted}` to /etc/rancher/k3s/config.yaml on {} and `systemctl restart k3s` there, one \
             after another{}",
            names.join(", "),
            then(was, wanted, first.machine)
        );
        Some(Told::beforehand(first.machine, text))
    });
    each.collect()
}

/// docs.k3s.io, *Basic Network Options*, *Migrating to wireguard-native*: the servers get the option, then all nodes are
/// rebooted, servers first.
fn flannel(wanted: &str) -> String {
    let port = [(FlannelBackend::Vxlan, "UDP 8472"), (FlannelBackend::WireguardNative, "UDP 51820")]
        .into_iter()
        .find_map(|(backend, port)| (backend.as_str() == wanted).then_some(port));
    let port = port.map_or_else(String::new, |port| {
        format!(
            "let {port} through from all nodes in {PATH} on each that stays (`systemctl reload {UNIT}`), and "
        )
    });
    let none = if wanted == FlannelBackend::None.as_str() {
        "; pods have no network until another plugin is installed"
    } else {
        ""
    };
    format!(
        "; nodes of different backends do not reach each other's pods, so then {port}reboot every node, servers first{none}"
    )
}
