//! Who runs the API, and which server begins the cluster.

use super::view::Cluster;
use crate::check::view::{View, text};
use crate::finding::{At, Finding, Kind};
use crate::given::Given;

/// A cluster has a server.
pub(super) fn servers(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    if draft.servers.is_empty() {
        findings.push(Finding::new(
            Kind::ValueInvalid,
            at.key("servers"),
            format!("the cluster {} has no server", draft.name),
            "name the machines that run its API, one, three, five or seven: `.servers([MASTER1])`",
        ));
    }
}

/// The machine that begins a cluster is one of its servers.
pub(super) fn initial(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    if let Some(Given::Right(initial)) = &draft.initial
        && draft.servers.iter().all(|server| text(server) != initial.as_str())
    {
        findings.push(Finding::new(
            Kind::ReferenceUnknown,
            at.key("initial"),
            format!("{initial} begins the cluster {}, and is none of its servers", draft.name),
            "name one of the servers, or leave it out: the first one begins the cluster",
        ));
    }
}
