//! The balancers' part of the check.

use super::role::{KIND, Spread};
use super::rules;
use crate::check::room;
use crate::check::view::View;
use crate::checked::Checked;
use crate::cloud::Cloud;
use crate::finding::Finding;
use crate::k3s::parts::stated_by_clusters;
use crate::name::RoleName;
use crate::role::Stated;

/// The kinds of its machines' roles.
const KINDS: &[RoleName] = &[KIND];

/// The room of balancers.
pub(crate) struct Room;

impl room::Room for Room {
    fn kinds(&self) -> &'static [RoleName] {
        KINDS
    }

    fn stated<'a>(&self, cloud: &'a Cloud) -> Vec<Stated<'a>> {
        stated_by_clusters(cloud, "endpoint.balancer", Spread::of)
    }

    fn resolved_rules(&self, view: &View<'_>, cloud: &Checked, findings: &mut Vec<Finding>) {
        rules::check(view, cloud, findings);
    }
}
