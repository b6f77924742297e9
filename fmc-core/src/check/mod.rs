//! The check of a cloud as a whole: one rule, one function, one kind of finding.
//!
//! One cause is one finding: a mistake that many machines share is reported once, and a name that is wrong where it is
//! defined is not reported again where it is used.

use crate::checked::Checked;
use crate::cloud::Cloud;
use crate::dns;
use crate::finding::{Finding, Report};
use crate::people;
use crate::role::RoleTable;
use crate::roles::{self as built_in, ROOMS};
use view::View;

mod accept;
mod address;
pub mod budget;
mod capacity;
mod cascade;
mod disks;
mod fetch;
mod guest;
mod image;
mod large;
mod leaves;
mod memory;
mod mount;
mod ready;
mod reference;
mod resolve;
mod roles;
pub(crate) mod room;
mod route;
mod shared;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod view;

/// The data of findings: a type for each room of rules, with the values that its texts are made from.
///
/// ```
/// use fmc_core::check::problem::ResolverProblem;
/// use fmc_core::cloud::Cloud;
/// use fmc_core::host::Host;
/// use fmc_core::image::Image;
/// use fmc_core::machine::{Interface, Machine};
/// use fmc_core::network::Network;
/// use fmc_core::unit::SizeExt;
///
/// let web = Machine::new("web", Image::debian("12").path("/images/debian-12.qcow2"))
///     .root_disk(20.gib())
///     .interface(Interface::on("lan").address("192.168.0.20"));
/// let lan = Network::bridge("lan", "br0").subnet("192.168.0.0/24").gateway("192.168.0.1");
/// let checked = Cloud::new("first").host(Host::local().bridge("br0")).network(lan).machine(web).check()?;
/// let missing = checked.findings().iter().find_map(|finding| match finding.problem()? {
///     ResolverProblem::Missing { machines, .. } => Some(machines.len()),
///     _ => None,
/// });
/// assert_eq!(missing, Some(1));
/// # Ok::<(), fmc_core::finding::Report>(())
/// ```
pub mod problem {
    pub use super::accept::AcceptProblem;
    pub use super::address::AddressProblem;
    pub use super::address::identity::IdentityProblem;
    pub use super::address::missing::MissingProblem;
    pub use super::address::place::PlaceProblem;
    pub use super::address::subnet::SubnetProblem;
    pub use super::capacity::CapacityProblem;
    pub use super::fetch::FetchProblem;
    pub use super::guest::GuestProblem;
    pub use super::guest::parts::PartProblem;
    pub use super::guest::parts::cloud_config::CloudConfigProblem;
    #[cfg(feature = "ignition")]
    pub use super::guest::parts::fragment::FragmentProblem;
    pub use super::image::ImageProblem;
    pub use super::large::LargeProblem;
    pub use super::memory::MemoryProblem;
    pub use super::mount::MountProblem;
    pub use super::ready::ReadyProblem;
    pub use super::reference::ReferenceProblem;
    pub use super::reference::bridge::BridgeProblem;
    pub use super::reference::interface::InterfaceProblem;
    pub use super::reference::network::NetworkProblem;
    pub use super::reference::uplink::UplinkProblem;
    pub use super::reference::uplink::beside::BesideProblem;
    pub use super::reference::vlan::VlanProblem;
    pub use super::roles::RoleProblem;
    pub use super::roles::after::OrderProblem;
    pub use super::roles::merge::MergeProblem;
    pub use super::roles::reach::FlowProblem;
    pub use super::route::RouteProblem;
    pub use super::route::resolver::ResolverProblem;
    pub use crate::finding::{LeafProblem, ValueProblem};
    pub use crate::role::{NeedsProblem, SaidProblem};
}

/// The rules, in the order in which they run. Each looks at the whole draft and skips values that another one refuses.
const RULES: &[fn(&View<'_>, &mut Vec<Finding>)] = &[
    leaves::check,
    reference::check,
    address::check,
    route::check,
    image::check,
    capacity::check,
    memory::check,
    guest::check,
    ready::check,
    mount::check,
    rooms,
];

/// The rules of the rooms of built-in roles.
fn rooms(view: &View<'_>, findings: &mut Vec<Finding>) {
    for room in ROOMS {
        room.rules(view, findings);
    }
}

impl Cloud {
    /// Checks the cloud as a whole: the checked cloud, with the findings that refuse nothing.
    ///
    /// # Errors
    ///
    /// Every finding, if one of them is an error that the cloud does not accept.
    pub fn check(&self) -> Result<Checked, Report> {
        let spans = built_in::stated(self);
        let added = disks::added(self, &spans);
        let cloud = added.as_ref().map_or(self, |added| &added.cloud);
        let view = View::new(cloud, &spans);
        let mut findings = Vec::new();
        for rule in RULES {
            rule(&view, &mut findings);
        }
        // Roles look only at right values: if some are wrong, at the rest of the cloud.
        let mut resolved = resolve::resolve(&view);
        if let Some(resolved) = &mut resolved {
            for room in ROOMS {
                room.resolved_rules(&view, &resolved.cloud, &mut findings);
            }
            roles::expand(&view, &mut resolved.cloud, &mut findings);
            // A name may be that of a machine that is left out.
            if resolved.is_whole {
                dns::rules::check(&resolved.cloud, &mut findings);
                people::rules::check(&resolved.cloud, &mut findings);
            }
            large::check(&resolved.cloud, &mut findings);
            fetch::check(&resolved.cloud, &mut findings);
        }
        if let Some(added) = &added {
            added.move_findings(&mut findings);
        }
        cascade::leave_out(&view, &mut findings);
        shared::join(&view, &mut findings);
        accept::apply(self, &mut findings);
        let report = Report::new(findings);
        if report.refuses() {
            return Err(report);
        }
        match resolved {
            Some(resolved) if resolved.is_whole => Ok(resolved.cloud.finish(report.into_findings())),
            _ => Err(report),
        }
    }

    /// The tables of what its roles take and have, also of a cloud that is refused: none if a machine, a network or a host is wrong, and
    /// none of a role with a wrong setting.
    pub fn tables(&self) -> Vec<RoleTable> {
        let spans = built_in::stated(self);
        let added = disks::added(self, &spans);
        let cloud = added.as_ref().map_or(self, |added| &added.cloud);
        let view = View::new(cloud, &spans);
        let Some(mut resolved) = resolve::resolve(&view).filter(|resolved| resolved.is_whole) else {
            return Vec::new();
        };
        roles::expand(&view, &mut resolved.cloud, &mut Vec::new());
        let right = view.spans.iter().filter(|stated| roles::is_right(stated, &resolved.cloud));
        right.flat_map(|stated| stated.role().tables(&resolved.cloud)).collect()
    }
}
