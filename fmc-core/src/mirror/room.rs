//! The mirrors' part of the check.

use super::role::{KIND, Served, redirected};
use crate::check::room::{self, Guests};
use crate::checked::Checked;
use crate::cloud::Cloud;
use crate::k3s::parts::stated_by_clusters;
use crate::name::RoleName;
use crate::role::Stated;

/// The kinds of its machines' roles.
const KINDS: &[RoleName] = &[KIND];

/// The room of mirrors.
pub(crate) struct Room;

impl room::Room for Room {
    fn kinds(&self) -> &'static [RoleName] {
        KINDS
    }

    fn stated<'a>(&self, cloud: &'a Cloud) -> Vec<Stated<'a>> {
        stated_by_clusters(cloud, "bootstrap", Served::of)
    }

    fn finish(&self, cloud: &Checked) -> Guests {
        redirected(cloud)
    }
}
