//! The bootstrap machine: it serves files, and is no member of the cluster.

use super::kind::Kind;
use super::view::{View, text};
use crate::finding::Finding;

pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    for cluster in &view.cloud.clusters {
        let Some(bootstrap) = &cluster.bootstrap else { continue };
        let Some(server) = cluster.servers.iter().position(|server| text(server) == text(bootstrap)) else {
            continue;
        };
        findings.push(
            Finding::new(
                Kind::MirrorOnServer,
                format!("clusters.{}.bootstrap", cluster.name),
                format!("{bootstrap} has the mirror that the servers fetch K3s from, and is one of them"),
                "put the mirror on a machine of its own, or leave it out: machines then fetch from where files are published",
            )
            .also(format!("clusters.{}.servers[{server}]", cluster.name)),
        );
    }
}
