//! The flows that every machine has, whatever its roles are: logins, readiness checks, DNS and NTP.

use super::super::ready::ReadyProblem;
use super::super::view::View;
use super::flow::peer;
use crate::addr::Subnet;
use crate::checked::{By, Checked, CheckedFlow, CheckedPeer, Machine, Signal};
use crate::finding::{At, Finding};
use crate::flow::{Direction, Service, tcp, udp};
use crate::name::RoleName;

const SSH: RoleName = RoleName::literal("ssh");
const READY: RoleName = RoleName::literal("ready");
const DNS: RoleName = RoleName::literal("dns");
const NTP: RoleName = RoleName::literal("ntp");

/// Whether a flow is one of these. A user's own role may have one of the names, and mean something else.
pub(super) fn is_base(direction: Direction, by: &By, service: Service) -> bool {
    let Some(role) = by.role() else { return false };
    match direction {
        Direction::Accept => (*role == SSH && service == tcp(22)) || *role == READY,
        Direction::Reach => is_name_service(role, service) || (*role == NTP && service == udp(123)),
    }
}

/// Whether what must be reached is a resolver.
pub(super) fn is_name_service(role: &RoleName, service: Service) -> bool {
    *role == DNS && service.first == 53
}

/// The base flows of all machines that something configures.
pub(super) fn flows(view: &View<'_>, cloud: &Checked) -> Vec<CheckedFlow> {
    let admins = admins(view, cloud);
    let has_one_way = view.cloud.ssh_from.is_none() && cloud.way_in().is_some();
    let mut flows = Vec::new();
    let provisioned = cloud.each::<Machine>().filter(|(_, machine)| machine.is_provisioned());
    for (index, machine) in provisioned {
        let mut add = |role: RoleName, direction: Direction, service: Service, peer: CheckedPeer| {
            flows.push(CheckedFlow { machine: index, direction, service, peer, by: By::Role(role) });
        };
        let hosts =
            || cloud.hypervisor_addresses(machine).map(|host| CheckedPeer::Subnet(Subnet::single(host)));
        // The role that is the way in says itself who may come.
        let is_way_in = cloud.way_in().is_some_and(|way| way.machine == index);
        if machine.guest.has_login() {
            for peer in admins.iter().filter(|peer| !(is_way_in && **peer == CheckedPeer::Machine(index))) {
                add(SSH, Direction::Accept, tcp(22), peer.clone());
            }
            if !admins.contains(&CheckedPeer::Anywhere) && !has_one_way {
                hosts().for_each(|host| add(SSH, Direction::Accept, tcp(22), host));
            }
        }
        // An apply on the hypervisor calls from the hypervisor's own address. The address of another apply is not known
        // here; `unasked` refuses a machine that would accept no readiness check.
        if let Some(port) = asked_port(machine) {
            hosts().for_each(|host| add(READY, Direction::Accept, tcp(port), host));
        }
        for resolver in &machine.resolvers {
            // RFC 7766: DNS is both.
            for service in [tcp(53), udp(53)] {
                add(DNS, Direction::Reach, service, CheckedPeer::Subnet(Subnet::single(*resolver)));
            }
        }
        add(NTP, Direction::Reach, udp(123), CheckedPeer::Anywhere);
    }
    flows
}

/// The TCP port at which an apply asks whether a machine is up.
fn asked_port(machine: &Machine) -> Option<u16> {
    match machine.ready?.signal {
        Signal::Tcp(port) => Some(port.get()),
        _ => None,
    }
}

/// Machines whose firewall would accept no readiness check: the address that it comes from is not known, and no flow
/// opens the port.
pub(super) fn unasked(cloud: &Checked, findings: &mut Vec<Finding>) {
    for machine in cloud.machines().iter().filter(|machine| machine.firewall) {
        let Some(port) = asked_port(machine) else { continue };
        let asks_itself = cloud.at(machine.host).is_some_and(|host| host.uri.is_local())
            && cloud.hypervisor_addresses(machine).next().is_some();
        let opened = cloud.flows_of(machine).iter().any(|flow| {
            flow.direction == Direction::Accept
                && flow.by.role() != Some(&READY)
                // No apply runs on the machine of the way in.
                && cloud.way_in().is_none_or(|way| flow.peer != CheckedPeer::Machine(way.machine))
                && flow.service.contains(tcp(port))
        });
        if !asks_itself && !opened {
            findings.push(ReadyProblem::Unasked { port }.at(format_args!("machines.{}.ready", machine.name)));
        }
    }
}

/// The peers that people log in from. The rules for leaves and references report mistakes in a peer.
fn admins(view: &View<'_>, cloud: &Checked) -> Vec<CheckedPeer> {
    match &view.cloud.ssh_from {
        None => vec![cloud.way_in().map_or(CheckedPeer::Anywhere, |way| CheckedPeer::Machine(way.machine))],
        Some(peers) => {
            peers.iter().filter_map(|said| peer(said, cloud, &At::ROOT, &mut Vec::new())).collect()
        }
    }
}
