//! The built-in roles: the one table that names them.
//!
//! Generic code uses the table, and knows none of its rows.

use crate::balancer;
use crate::bastion::Bastion;
use crate::bind::BindServer;
use crate::check::room::Room;
use crate::chrony::Chrony;
use crate::cloud::Cloud;
use crate::helper::Helper;
use crate::ipa::FreeIpa;
use crate::k3s;
use crate::mirror;
use crate::node_exporter::NodeExporter;
use crate::postgresql::Postgresql;
use crate::role::{Fate, FileRole, FileSpanningRole, Moving, Stated, Told};
use crate::wireguard::Wireguard;

/// Every room of roles that span machines, in the order in which they are asked.
pub(crate) const ROOMS: &[&dyn Room] = &[&k3s::room::Room, &balancer::room::Room, &mirror::room::Room];

/// Takes the types of roles, one after another.
pub trait Takes {
    /// A role that a file can say of a machine.
    fn role<R: FileRole>(&mut self);

    /// A role that a file can say of several machines together.
    fn spanning_role<R: FileSpanningRole>(&mut self);
}

/// Gives the built-in roles that a file can say.
pub fn said(to: &mut impl Takes) {
    to.role::<Bastion>();
    to.role::<BindServer>();
    to.role::<Helper>();
    to.role::<NodeExporter>();
    to.spanning_role::<Chrony>();
    to.spanning_role::<FreeIpa>();
    to.spanning_role::<Postgresql>();
    to.spanning_role::<Wireguard>();
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

/// The tasks of a person before a plan with these members, and the reasons to refuse it: by the steps that their roles said
/// when the machines were made, or by the built-in roles.
///
/// ```
/// use fmc_core::role::{Fate, Moving};
///
/// let server = Moving::new("master1", "k3s-server/prod".parse()?, Fate::Stays);
/// let agent = Moving::new("worker1", "k3s-agent/prod".parse()?, Fate::Leaves);
/// let told = fmc_core::roles::together(&[server, agent]);
/// assert!(told[0].text.contains("kubectl delete node worker1"));
/// # Ok::<(), fmc_core::given::LeafError>(())
/// ```
pub fn together(members: &[Moving<'_>]) -> Vec<Told> {
    let said = members.iter().filter(|moving| moving.is_gone()).filter_map(|moving| {
        let text = moving.member.said(matches!(moving.fate, Fate::Replaced { .. }))?;
        Some(Told::beforehand(moving.machine, text))
    });
    let rooms = ROOMS.iter().flat_map(|room| {
        let own = members.iter().filter(|moving| room.kinds().contains(moving.member.kind()));
        let own: Vec<Moving<'_>> = own.cloned().collect();
        if own.is_empty() { Vec::new() } else { room.together(&own) }
    });
    said.chain(rooms).collect()
}
