//! Files that Ignition fetches before a machine has an address.
//!
//! Ignition runs before the system that it configures: a static address is one of the files that it is about to write.
//! It fetches with what DHCP or a router gives, and tries for ever where nothing does (coreos/fedora-coreos-tracker#443).
//! cloud-init fetches in the last stage, when the machine has its addresses.

use crate::checked::{Addressing, Checked, Forward, Interface, Machine};
use crate::finding::{At, Finding, problems};
use crate::guest::checked::Contents;
use crate::image::Provisioner;

/// Looks at every machine with Ignition.
pub(super) fn check(cloud: &Checked, findings: &mut Vec<Finding>) {
    let machines = cloud.machines().iter();
    for machine in machines.filter(|one| one.image.os.provisioner() == Some(Provisioner::Ignition)) {
        let mut fetched =
            machine.guest.files.iter().filter(|file| matches!(file.contents, Contents::Remote { .. }));
        let Some(file) = fetched.next() else { continue };
        if has_address(cloud, machine) {
            continue;
        }
        let os = machine.image.os.label();
        let at = At::ROOT.key("machines");
        let at = at.name(&machine.name);
        let at = at.key("guest");
        let at = at.key("files");
        findings.push(FetchProblem::Offline { os }.at(at.name(&file.path)));
    }
}

/// Whether something that the cloud knows gives a machine an address before its own configuration is there.
fn has_address(cloud: &Checked, machine: &Machine) -> bool {
    // The kernel's own arguments can set an address for the initial RAM disk: dracut.cmdline(7), `ip=`.
    let is_told = machine.image.kernel.as_ref().is_some_and(|kernel| kernel.command_line.contains("ip="));
    is_told || machine.interfaces.iter().any(|interface| is_given(cloud, interface))
}

/// Whether an interface gets an address by itself. On its own networks, libvirt has a reservation for each static address
/// too, and announces the router of every IPv6 subnet. The cloud does not know what a LAN has.
fn is_given(cloud: &Checked, interface: &Interface) -> bool {
    let is_own = cloud.at(interface.network).is_none_or(|network| network.forward != Forward::Bridge);
    let families = [interface.ipv4, interface.ipv6];
    is_own || families.into_iter().flatten().any(|how| !matches!(how, Addressing::Static(_)))
}

problems! {
    /// Problems with files that are fetched on the first boot.
    pub enum FetchProblem {
        Offline { os: &'static str } is FetchOffline:
            "{os} fetches this file before it has its static address: without DHCP on the LAN, the first boot never ends",
            "accept this finding if the LAN has DHCP; otherwise write the file's contents, or fetch it by a unit";
    }
}
