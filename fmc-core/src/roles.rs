//! The built-in roles: the one table that names them.
//!
//! Generic code uses the table, and knows none of its rows.

use crate::balancer;
use crate::check::room::Room;
use crate::cloud::Cloud;
use crate::k3s;
use crate::mirror;
use crate::node_exporter::NodeExporter;
use crate::role::{FileRole, FileSpanningRole, Membership, Stated};

/// Every room of roles that span machines, in the order in which they are asked.
pub(crate) const ROOMS: &[&dyn Room] = &[&k3s::room::Room, &balancer::room::Room, &mirror::room::Room];

/// Takes the types of roles, one after another.
pub trait Takes {
    /// A role that a file can say of a machine.
    fn role<R: FileRole>(&mut self);

    /// A role that a file can say of several machines together.
    fn spanning_role<R: FileSpanningRole>(&mut self);
}

/// Gives the built-in roles that a file can say of a machine.
pub fn said(to: &mut impl Takes) {
    to.role::<NodeExporter>();
}

/// The spanning roles of a draft: the user's own, and those of each room.
pub(crate) fn stated(cloud: &Cloud) -> Vec<Stated<'_>> {
    let own = cloud.roles.iter().enumerate().map(|(index, role)| Stated::own(index, role.as_spanning()));
    own.chain(ROOMS.iter().flat_map(|room| room.stated(cloud))).collect()
}

/// Whether fmc has roles of this kind itself.
pub(crate) fn is_built_in(kind: &str) -> bool {
    ROOMS.iter().flat_map(|room| room.kinds()).any(|known| known.as_str() == kind)
}

/// The steps before a member's machine is removed, or replaced under the same name: those of its role when the machine
/// was made, or those of a built-in role of its kind.
///
/// ```
/// let member = "k3s-agent/prod".parse()?;
/// assert!(fmc_core::roles::before(&member, "worker1", false).unwrap().contains("kubectl delete node worker1"));
/// # Ok::<(), fmc_core::given::LeafError>(())
/// ```
pub fn before(member: &Membership, machine: &str, is_replaced: bool) -> Option<String> {
    let built_in = || ROOMS.iter().find_map(|room| room.leaving(member, machine, is_replaced));
    member.said(is_replaced).map(str::to_owned).or_else(built_in)
}
