//! The balancers' part of the check.

use super::role::{KIND, Spread};
use super::rules;
use crate::check::room;
use crate::check::view::{View, text};
use crate::checked::Checked;
use crate::cloud::Cloud;
use crate::finding::Finding;
use crate::name::RoleName;
use crate::role::{Repeated, Stated};

/// The kinds of its machines' roles.
const KINDS: &[RoleName] = &[KIND];

/// The room of balancers.
pub(crate) struct Room;

impl room::Room for Room {
    fn kinds(&self) -> &'static [RoleName] {
        KINDS
    }

    fn stated<'a>(&self, cloud: &'a Cloud) -> Vec<Stated<'a>> {
        let mut clusters: Vec<_> = cloud.clusters.iter().collect();
        clusters.sort_by_key(|cluster| text(&cluster.name));
        let each = clusters.into_iter().filter_map(|cluster| {
            let at = format!("clusters.{}.endpoint.balancer", cluster.name);
            // A machine that is named twice is a finding of the room's own.
            Some(Stated::made(at, Spread::of(cluster)?, Repeated::FirstHere))
        });
        each.collect()
    }

    fn resolved_rules(&self, view: &View<'_>, cloud: &Checked, findings: &mut Vec<Finding>) {
        rules::check(view, cloud, findings);
    }
}
