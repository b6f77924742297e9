//! The K3s clusters' part of the check.

use super::{role, rules};
use crate::check::room;
use crate::check::view::{View, text};
use crate::checked::{Checked, OfRoles};
use crate::cloud::Cloud;
use crate::finding::Finding;
use crate::k3s::{Cluster, resolve};
use crate::name::RoleName;
use crate::role::{Membership, Repeated, SpanningRole, Stated};

/// The clusters by name, so that a machine that two of them name is a node of the same one in any order of declaration.
fn sorted(cloud: &Cloud) -> Vec<&Cluster> {
    let mut clusters: Vec<&Cluster> = cloud.clusters.iter().collect();
    clusters.sort_by_key(|cluster| text(&cluster.name));
    clusters
}

/// The roles that a part of a cluster makes, at the path of that part.
pub(crate) fn stated_by_clusters<'a, R: SpanningRole>(
    cloud: &'a Cloud,
    part: &str,
    make: impl Fn(&Cluster) -> Option<R>,
) -> Vec<Stated<'a>> {
    let each = sorted(cloud).into_iter().filter_map(|cluster| {
        // A machine that is named twice is a finding of the part's own rules.
        let at = format!("clusters.{}.{part}", cluster.name);
        Some(Stated::made(at, make(cluster)?, Repeated::FirstHere))
    });
    each.collect()
}

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
        each.chain(stated_by_clusters(cloud, "datastore", role::Stored::of)).collect()
    }

    fn rules(&self, view: &View<'_>, findings: &mut Vec<Finding>) {
        rules::check(view, findings);
    }

    fn resolve(&self, draft: &Cloud, cloud: &Checked, into: &mut OfRoles) -> bool {
        let all = draft.clusters.iter().map(|cluster| resolve::resolve(cluster, cloud));
        let mut clusters: Vec<_> = all.flatten().collect();
        // Two of one name are a finding, and keep the order in which they are declared.
        clusters.sort_by(|one, other| one.name.cmp(&other.name));
        let is_whole = clusters.len() == draft.clusters.len();
        into.clusters = clusters;
        is_whole
    }

    fn leaving(&self, member: &Membership, name: &str, is_replaced: bool) -> Option<String> {
        role::leaving(member, name, is_replaced)
    }
}
