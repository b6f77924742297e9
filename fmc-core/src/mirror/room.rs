//! The mirrors' part of the check.

use super::role::{KIND, Served, redirected};
use crate::check::room::{self, Guests};
use crate::check::view::text;
use crate::checked::Checked;
use crate::cloud::Cloud;
use crate::name::RoleName;
use crate::role::{Repeated, Stated};

/// The kinds of its machines' roles.
const KINDS: &[RoleName] = &[KIND];

/// The room of mirrors.
pub(crate) struct Room;

impl room::Room for Room {
    fn kinds(&self) -> &'static [RoleName] {
        KINDS
    }

    fn stated<'a>(&self, cloud: &'a Cloud) -> Vec<Stated<'a>> {
        let mut clusters: Vec<_> = cloud.clusters.iter().collect();
        clusters.sort_by_key(|cluster| text(&cluster.name));
        let each = clusters.into_iter().filter_map(|cluster| {
            let at = format!("clusters.{}.bootstrap", cluster.name);
            Some(Stated::made(at, Served::of(cluster)?, Repeated::FirstHere))
        });
        each.collect()
    }

    fn finish(&self, cloud: &Checked) -> Guests {
        redirected(cloud)
    }
}
