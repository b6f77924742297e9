//! The flows that every machine has, whatever its roles are: logins, readiness checks, DNS and NTP.

use std::net::IpAddr;

use super::super::ready::ReadyProblem;
use super::super::view::View;
use super::flow::peer;
use crate::addr::Subnet;
use crate::checked::{By, Checked, CheckedFlow, CheckedPeer, Forward, Machine, Signal};
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
    let mut flows = Vec::new();
    let provisioned = cloud.each::<Machine>().filter(|(_, machine)| machine.is_provisioned());
    for (index, machine) in provisioned {
        let mut add = |role: RoleName, direction: Direction, service: Service, peer: CheckedPeer| {
            flows.push(CheckedFlow { machine: index, direction, service, peer, by: By::Role(role) });
        };
        let hosts = || hosts(cloud, machine).map(|host| CheckedPeer::Subnet(Subnet::single(host)));
        if machine.guest.has_login() {
            for peer in &admins {
                add(SSH, Direction::Accept, tcp(22), peer.clone());
            }
            if !admins.contains(&CheckedPeer::Anywhere) {
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
            && hosts(cloud, machine).next().is_some();
        let opened = cloud.flows_of(machine).iter().any(|flow| {
            flow.direction == Direction::Accept
                && flow.by.role() != Some(&READY)
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
        None => vec![CheckedPeer::Anywhere],
        Some(peers) => {
            peers.iter().filter_map(|said| peer(said, cloud, &At::ROOT, &mut Vec::new())).collect()
        }
    }
}

/// The hypervisor's addresses on a machine's networks; on a host bridge the gateway is another machine.
fn hosts<'a>(cloud: &'a Checked, machine: &'a Machine) -> impl Iterator<Item = IpAddr> + 'a {
    let networks = machine.interfaces.iter().filter_map(|interface| cloud.at(interface.network));
    let own = networks.filter(|network| network.forward != Forward::Bridge);
    own.flat_map(|network| [&network.ipv4, &network.ipv6]).flatten().filter_map(|family| family.gateway)
}
