//! The built-in roles: the one table that names them.
//!
//! What is generic asks the table, and knows none of its rows.

use crate::balancer;
use crate::checked::{Checked, Idx, Machine};
use crate::guest::Parts;
use crate::k3s;
use crate::mirror;
use crate::node_exporter::NodeExporter;
use crate::role::{Assigned, FileRole, Membership};

/// Guests, each with its machine.
pub(crate) type Guests = Vec<(Idx<Machine>, Parts)>;

/// What a person must do before a member leaves, by its name, and whether it is replaced.
type BeforeLeaving = fn(&Membership, &str, bool) -> Option<String>;

/// A room of built-in roles: what it answers for all of them.
pub(crate) struct Room {
    /// The roles that it gives to machines of a resolved cloud.
    pub(crate) assigned: fn(&Checked) -> Vec<Assigned>,
    /// The guests, by machine, that it changes once every role has spoken.
    pub(crate) finish: Option<fn(&Checked) -> Guests>,
    /// What a person must do before a member leaves: of its name, removed or replaced.
    leaving: Option<BeforeLeaving>,
}

/// Every room, in the order in which they are asked.
pub(crate) const ROOMS: &[Room] = &[
    Room { assigned: k3s::role::assigned, finish: None, leaving: Some(k3s::role::leaving) },
    Room { assigned: balancer::assigned, finish: None, leaving: None },
    Room { assigned: mirror::assigned, finish: Some(mirror::redirected), leaving: None },
];

/// Takes the types of roles, one after another.
pub trait Takes {
    /// A role that a file can say.
    fn role<R: FileRole>(&mut self);
}

/// Gives the built-in roles that a file can say of a machine.
pub fn said(to: &mut impl Takes) {
    to.role::<NodeExporter>();
}

/// What a person must do before a member's machine is removed, or made anew with the same name: what its role said when the machine
/// was made, or what a built-in role of its kind wants.
///
/// ```
/// let member = "k3s-agent/prod".parse()?;
/// assert!(fmc_core::roles::before(&member, "worker1", false).unwrap().contains("kubectl delete node worker1"));
/// # Ok::<(), fmc_core::given::LeafError>(())
/// ```
pub fn before(member: &Membership, machine: &str, is_replaced: bool) -> Option<String> {
    let built_in = || ROOMS.iter().find_map(|room| room.leaving?(member, machine, is_replaced));
    member.said(is_replaced).map(str::to_owned).or_else(built_in)
}
