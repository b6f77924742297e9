//! The K3s clusters' part of the check.

use super::{role, rules};
use crate::check::room;
use crate::check::view::{View, text};
use crate::checked::{Checked, OfRoles};
use crate::cloud::Cloud;
use crate::finding::Finding;
use crate::k3s::resolve;
use crate::name::RoleName;
use crate::role::{Membership, Repeated, Stated};

/// The kinds of its machines' roles.
const KINDS: &[RoleName] = &[role::SERVER, role::AGENT, role::DATASTORE];

/// The room of K3s clusters.
pub(crate) struct Room;

impl room::Room for Room {
    fn kinds(&self) -> &'static [RoleName] {
        KINDS
    }

    fn stated<'a>(&self, cloud: &'a Cloud) -> Vec<Stated<'a>> {
        // A machine that two clusters name is a node of the one that is first by name, independent of the order of
        // declaration.
        let mut clusters: Vec<_> = cloud.clusters.iter().collect();
        clusters.sort_by_key(|cluster| text(&cluster.name));
        let at = |name| format!("clusters.{name}");
        let each = clusters.iter().map(|one| Stated::built_in(at(&one.name), *one, Repeated::FirstOfKind));
        let databases = clusters.iter().filter_map(|one| {
            let at = format!("{}.datastore", at(&one.name));
            Some(Stated::made(at, role::Stored::of(one)?, Repeated::FirstHere))
        });
        each.chain(databases).collect()
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
