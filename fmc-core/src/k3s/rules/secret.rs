//! Secrets of the user's own.

use super::view::Cluster;
use crate::check::view::View;
use crate::finding::{At, Finding, problems};

/// The holder of the agents' token must not be able to join as a server, which gets every key of the cluster.
pub(super) fn shared_token(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some((server, agent)) = cluster.draft.credentials.own_tokens() else { return };
    if server.is_from_where(agent) {
        let credentials = at.key("credentials");
        let at = credentials.key("agent_token");
        findings.push(TokenProblem::Shared.at(at).also(credentials.key("server_token")));
    }
}

problems! {
    /// Problems with the tokens of a cluster.
    pub enum TokenProblem {
        Shared is K3sTokenShared:
            "agents join by the servers' token: an agent could join as a server, which gets every key",
            "leave it out, so that it is made from the root key, or name another secret";
    }
}
