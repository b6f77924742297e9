//! The K3s clusters' part of the check.

use super::parts::{sorted, stated_by_clusters};
use super::{role, rules};
use crate::check::room;
use crate::check::view::View;
use crate::checked::{Checked, OfRoles};
use crate::cloud::Cloud;
use crate::finding::Finding;
use crate::k3s::{Cluster, resolve};
use crate::name::RoleName;
use crate::role::{Moving, Repeated, Stated, Told};
use crate::sort;

/// The kinds of its machines' roles.
const KINDS: &[RoleName] = &[role::SERVER, role::AGENT, role::DATASTORE];

/// The room of K3s clusters.
pub(crate) struct Room;

impl room::Room for Room {
    fn kinds(&self) -> &'static [RoleName] {
        KINDS
    }

    fn stated<'a>(&self, cloud: &'a Cloud) -> Vec<Stated<'a>> {
        let each = sorted(cloud).into_iter().map(|cluster| {
            Stated::built_in(format!("clusters.{}", cluster.name), cluster, Repeated::FirstOfKind)
        });
        let stored = |cluster: &Cluster| role::Stored::of(&resolve::with_datastore(cluster, cloud));
        each.chain(stated_by_clusters(cloud, "datastore", stored)).collect()
    }

    fn rules(&self, view: &View<'_>, findings: &mut Vec<Finding>) {
        rules::check(view, findings);
    }

    fn resolve(&self, draft: &Cloud, cloud: &Checked, into: &mut OfRoles) -> bool {
        let all = draft.clusters.iter().map(|cluster| resolve::resolve(cluster, draft, cloud));
        let mut clusters: Vec<_> = all.flatten().collect();
        // Two of one name are a finding, and keep the order in which they are declared.
        sort::by(&mut clusters, |one, other| one.name.cmp(&other.name));
        let is_whole = clusters.len() == draft.clusters.len();
        into.clusters = clusters;
        is_whole
    }

    fn together(&self, members: &[Moving<'_>]) -> Vec<Told> {
        role::together(members)
    }
}
