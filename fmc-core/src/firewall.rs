//! The firewall inside a machine: it allows the machine's flows and nothing else, in an nftables table of its
//! own.
//!
//! The table is `inet fmc`. Only this table is made and removed, by its name: the tables of K3s, its network
//! plugin, firewalld and the user are left alone. nftables evaluates every table, and a packet passes only if
//! no table drops it. So an accept here overrules no drop elsewhere, and firewalld can only restrict further.
//!
//! The table filters packets that are sent to the machine itself: before port translation, so that a
//! `NodePort` or a container's published port needs a flow, and again at delivery. Forwarded packets are not
//! filtered: traffic between pods is their network's business.
//!
//! On systems with cloud-init, nft is a package of the first boot: until it is installed, the machine has no
//! firewall.
//!
//! ```
//! use fmc_core::cloud::Cloud;
//! use fmc_core::firewall::ruleset;
//! use fmc_core::host::Host;
//! use fmc_core::image::Image;
//! use fmc_core::machine::{Interface, Machine};
//! use fmc_core::network::Network;
//! use fmc_core::unit::SizeExt;
//!
//! let web = Machine::new("web", Image::debian("12").path("/images/debian-12.qcow2"))
//!     .root_disk(20.gib())
//!     .interface(Interface::on("lab").address("10.17.3.10"))
//!     .firewall(true);
//! let cloud = Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24")).machine(web);
//! let checked = cloud.check()?;
//! let rules = ruleset(&checked, checked.machine("web").unwrap());
//! assert!(rules.contains("policy drop"));
//! # Ok::<(), fmc_core::finding::Report>(())
//! ```

mod rules;

use std::sync::LazyLock;

use crate::checked::{Checked, Machine};
use crate::guest::{FIREWALL_UNIT, Guest, GuestFile, Unit, UnitContents, UnitFile, UnitSection};
use crate::image::Provisioner;
use crate::name::RoleName;
use crate::path::AbsPath;
use crate::role::{CustomRole, Site};

/// The path of the ruleset inside a machine.
pub const PATH: &str = "/etc/fmc/firewall.nft";

const FILE: AbsPath = AbsPath::literal(PATH);

/// The unit that loads the ruleset.
pub const UNIT: &str = FIREWALL_UNIT;

/// The table of the ruleset: `inet fmc`.
pub const TABLE: &str = "fmc";

/// The interfaces by which K3s's pods reach their machine, for [`Peer::inside`](crate::flow::Peer::inside): the bridge of its
/// network plugin, flannel's overlays (VXLAN and `WireGuard`, IPv4 and IPv6), and kube-proxy's dummy interface in its IPVS mode.
///
/// Source: docs.k3s.io, *Networking/Basic Network Options*; flannel, *Backends*.
pub const K3S_INTERFACES: [&str; 6] =
    ["cni0", "flannel.1", "flannel-v6.1", "flannel-wg", "flannel-wg-v6", "kube-ipvs0"];

/// The firewall of a machine, treated as one of its roles, so that nothing else can claim its file and unit.
pub(crate) struct Firewall;

impl Firewall {
    /// The role name for the firewall's claims.
    pub(crate) const KIND: RoleName = RoleName::literal("firewall");
}

impl CustomRole for Firewall {
    fn guest(&self, site: &Site<'_>) -> Guest {
        let guest = Guest::new()
            .file(GuestFile::text(FILE, ruleset(site.cloud(), site.machine())))
            .unit(Unit::new(UNIT).contains_firewall());
        // The other systems have nft in their image.
        match site.os().provisioner() {
            Some(Provisioner::CloudInit) => guest.package("nftables"),
            Some(Provisioner::Ignition) | None => guest,
        }
    }
}

impl Unit {
    /// The unit runs before the network is up, as nftables' own unit does (systemd.special(7),
    /// `network-pre.target`), and after the distribution's unit, whose file may begin by removing every
    /// table.
    fn contains_firewall(self) -> Self {
        // The same on every machine.
        static CONTENTS: LazyLock<UnitContents> = LazyLock::new(contents);
        self.enabled().contents(CONTENTS.clone())
    }
}

fn contents() -> UnitContents {
    let unit = UnitSection::new("Unit")
        .set("Description", "Firewall of this machine's roles")
        .set("DefaultDependencies", "no")
        .set("Wants", "network-pre.target")
        .set("After", "nftables.service")
        .set("Before", "network-pre.target shutdown.target")
        .set("Conflicts", "shutdown.target");
    let service = UnitSection::new("Service")
        .set("Type", "oneshot")
        .set("RemainAfterExit", "yes")
        .set("ExecStart", format!("/usr/sbin/nft -f {PATH}"))
        .set("ExecReload", format!("/usr/sbin/nft -f {PATH}"))
        .set("ExecStop", format!("/usr/sbin/nft delete table inet {TABLE}"));
    let install = UnitSection::new("Install").set("WantedBy", "sysinit.target");
    UnitFile::new().section(unit).section(service).section(install).into()
}

/// The nftables ruleset of a machine, from the flows that it accepts. Loading it again changes nothing.
pub fn ruleset(cloud: &Checked, machine: &Machine) -> String {
    rules::write(cloud, machine)
}

#[cfg(test)]
mod tests;
