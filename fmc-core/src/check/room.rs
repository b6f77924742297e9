//! The interface of a room of built-in roles that span machines. The check uses it, and knows no room by name.
//!
//! The check asks users' and built-in roles by [`SpanningRole`](crate::role::SpanningRole). A room adds two things that
//! users' roles do not have: rules over a draft whose values may be wrong, and values of its own in a checked cloud.

use super::view::View;
use crate::checked::{Checked, Idx, Machine, OfRoles};
use crate::cloud::Cloud;
use crate::finding::Finding;
use crate::guest::Parts;
use crate::name::RoleName;
use crate::role::{Moving, Stated, Told};

/// Guests, each with its machine and with those that it may have been made with instead.
pub(crate) type Guests = Vec<(Idx<Machine>, Parts, Vec<Parts>)>;

/// A room of built-in roles that span machines.
pub(crate) trait Room: Sync {
    /// The kinds of the roles that its machines have.
    fn kinds(&self) -> &'static [RoleName];

    /// The spanning roles that a draft states in places of their own.
    fn stated<'a>(&self, cloud: &'a Cloud) -> Vec<Stated<'a>>;

    /// The rules over the draft. Each passes over a value that is wrong.
    fn rules(&self, view: &View<'_>, findings: &mut Vec<Finding>) {
        let _ = (view, findings);
    }

    /// Resolves the values that its machines' roles read in a checked cloud. Returns whether nothing had to be left
    /// out.
    fn resolve(&self, draft: &Cloud, cloud: &Checked, into: &mut OfRoles) -> bool {
        let _ = (draft, cloud, into);
        true
    }

    /// The rules that need the networks and addresses of the resolved cloud.
    fn resolved_rules(&self, view: &View<'_>, cloud: &Checked, findings: &mut Vec<Finding>) {
        let _ = (view, cloud, findings);
    }

    /// The guests that it changes once every role has spoken.
    fn finish(&self, cloud: &Checked) -> Guests {
        let _ = cloud;
        Vec::new()
    }

    /// The work for a person before a plan, and what makes it refused: the room sees all members of its kinds together.
    fn together(&self, members: &[Moving<'_>]) -> Vec<Told> {
        let _ = members;
        Vec::new()
    }
}
