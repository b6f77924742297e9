//! Which machines run the API, and which server begins the cluster.

use super::view::Cluster;
use crate::check::view::{View, text};
use crate::finding::{At, Finding, NameList, Remedy, problems};
use crate::given::Given;
use crate::k3s::problem::DatastoreProblem;
use crate::k3s::resolve;

/// A cluster has a server.
pub(super) fn servers(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    if draft.servers.is_empty() {
        findings.push(ServersProblem::NoServer { cluster: draft.name.to_string() }.at(at.key("servers")));
    }
}

/// The machine that begins a cluster is one of its servers.
pub(super) fn initial(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    if let Some(Given::Right(initial)) = &draft.initial
        && draft.servers.iter().all(|server| text(server) != initial.as_str())
    {
        let problem = ServersProblem::InitialElsewhere {
            cluster: draft.name.to_string(),
            initial: initial.to_string(),
            servers: NameList::new(draft.servers.iter().map(text)),
        };
        findings.push(problem.at(at.key("initial")));
    }
}

problems! {
    /// Problems with the servers of a cluster.
    pub enum ServersProblem {
        NoServer { cluster: String } is ValueInvalid:
            "the cluster {cluster} has no server",
            "name the machines that run its API, one, three, five or seven: {servers}",
            servers = Remedy::either("servers: [master1]", ".servers([\"master1\"])");
        InitialElsewhere { cluster: String, initial: String, servers: NameList } is ReferenceUnknown:
            "{initial} should begin the cluster {cluster}, but is not one of its servers",
            "name one of the servers ({servers}), or leave it out: then the first one begins the cluster";
    }
}

/// The PostgreSQL that a datastore names.
pub(in crate::k3s) fn postgresql(
    view: &View<'_>,
    cluster: &Cluster<'_>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    let named = cluster.draft.datastore.as_ref().and_then(|datastore| datastore.postgresql.as_ref()?.ok());
    if let Some(name) = named.filter(|name| resolve::postgresql(view.cloud, name).is_none()) {
        let problem = DatastoreProblem::NoPostgresql { name: name.to_string() };
        findings.push(problem.at(at.key("datastore").key("postgresql")));
    }
}
