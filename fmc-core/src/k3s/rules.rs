//! Rules for K3s clusters: members, endpoint, networks and configuration files.
//!
//! Some mistakes cannot be written with the constructors of a cluster, so no rule looks for them: two values of a
//! setting that must be equal on all servers, a name missing in a certificate, a joiner without a token, two servers
//! that restart in one hour.

mod addon;
pub(super) mod address;
pub(super) mod argument;
pub(super) mod config;
pub(super) mod data;
pub(super) mod endpoint;
pub(super) mod install;
pub(super) mod member;
pub(super) mod node;
pub(super) mod placement;
pub(super) mod reference;
pub(super) mod registry;
pub(super) mod secret;
pub(super) mod size;
#[cfg(test)]
mod tests;
pub(super) mod unused;
pub(super) mod version;
mod view;

use crate::check::view::View;
use crate::finding::{At, Finding};
use crate::k3s::{Config, Key, Value};
use view::Cluster;

/// A rule about one cluster; the place is the cluster's.
type Rule = fn(&View<'_>, &Cluster<'_>, &At<'_>, &mut Vec<Finding>);

const RULES: &[Rule] = &[
    reference::servers,
    reference::initial,
    reference::postgresql,
    member::count,
    member::ingress,
    member::bootstrap,
    member::route,
    member::node_names,
    endpoint::single,
    endpoint::itself,
    endpoint::nowhere,
    endpoint::leased,
    endpoint::traefik,
    address::overlap::check,
    address::family,
    address::size,
    address::dns,
    address::node_ports,
    address::domain,
    address::host_gateway,
    address::no_network,
    version::upgrade,
    version::skew,
    version::feature,
    size::servers,
    data::on_root,
    config::owned,
    config::elsewhere,
    config::unknown,
    config::outdated,
    config::contradicting,
    config::kubeconfig,
    config::kernel,
    node::beside,
    argument::check,
    unused::check,
    registry::files_there,
    secret::shared_token,
    install::missing,
    install::unpinned,
    install::policy,
    placement::quorum,
    placement::power,
    addon::once,
];

/// Looks at every cluster, and at the labels and taints of machines.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    let all = view::clusters(view);
    member::once(&all, findings);
    node::twice(view, findings);
    node::unused(view, &all, findings);
    let clusters = At::ROOT.key("clusters");
    for cluster in &all {
        let at = clusters.name(&cluster.draft.name);
        for rule in RULES {
            rule(view, cluster, &at, findings);
        }
    }
}

/// The three configurations of a cluster, each with its field.
fn configs<'a>(cluster: &Cluster<'a>) -> [(&'static str, &'a Config); 3] {
    let draft = cluster.draft;
    [
        ("config", &draft.config),
        ("server_config", &draft.server_config),
        ("agent_config", &draft.agent_config),
    ]
}

/// The value of a key on servers, with the field that sets it: the servers' own configuration overrides the one for all
/// nodes.
fn on_servers<'a>(cluster: &Cluster<'a>, key: Key) -> Option<(&'static str, &'a Value)> {
    let [all, servers, _] = configs(cluster);
    [servers, all].into_iter().find_map(|(field, config)| Some((field, config.get(key)?)))
}

/// The families of IP for people.
const fn family_name(is_ipv4: bool) -> &'static str {
    if is_ipv4 { "IPv4" } else { "IPv6" }
}
