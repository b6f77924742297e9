//! The flows that every machine has, whatever its roles are: who logs in, who asks whether it is up, whom it asks for names
//! and for the time.

use std::net::IpAddr;

use super::super::view::View;
use super::flow::peer;
use crate::addr::Subnet;
use crate::checked::{By, Checked, CheckedFlow, CheckedPeer, Forward, Machine, Signal};
use crate::finding::At;
use crate::flow::{Direction, Service, tcp, udp};
use crate::name::RoleName;

const SSH: RoleName = RoleName::literal("ssh");
const READY: RoleName = RoleName::literal("ready");
const DNS: RoleName = RoleName::literal("dns");
const NTP: RoleName = RoleName::literal("ntp");

/// Whether a flow is one of these. A user's own role may have one of the names, and says something else.
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
    let provisioned = cloud.machines.iter().enumerate().filter(|(_, machine)| machine.is_provisioned());
    for (index, machine) in provisioned {
        let mut add = |role: RoleName, direction: Direction, service: Service, peer: CheckedPeer| {
            flows.push(CheckedFlow { machine: index, direction, service, peer, by: By::Role(role) });
        };
        let hosts: Vec<IpAddr> = hosts(cloud, machine).collect();
        let mut listens = |role: RoleName, service: Service| {
            for peer in &admins {
                add(role.clone(), Direction::Accept, service, peer.clone());
            }
            if !admins.contains(&CheckedPeer::Anywhere) {
                for host in &hosts {
                    let host = CheckedPeer::Subnet(Subnet::single(*host));
                    add(role.clone(), Direction::Accept, service, host);
                }
            }
        };
        if machine.guest.has_login() {
            listens(SSH, tcp(22));
        }
        // An apply calls from where it runs or, for the hypervisor's own networks, by their gateway.
        if let Some(Signal::Tcp(port)) = machine.ready.map(|ready| ready.signal) {
            listens(READY, tcp(port.get()));
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

/// From where people log in. What is wrong with a peer is told where leaves and references are looked at.
fn admins(view: &View<'_>, cloud: &Checked) -> Vec<CheckedPeer> {
    match &view.cloud.ssh_from {
        None => vec![CheckedPeer::Anywhere],
        Some(peers) => {
            peers.iter().filter_map(|said| peer(said, cloud, &At::ROOT, &mut Vec::new())).collect()
        }
    }
}

/// The hypervisor's addresses on a machine's networks; on a host bridge the gateway is somebody else.
fn hosts<'a>(cloud: &'a Checked, machine: &'a Machine) -> impl Iterator<Item = IpAddr> + 'a {
    let networks = machine.interfaces.iter().filter_map(|interface| cloud.networks.get(interface.network));
    let own = networks.filter(|network| network.forward != Forward::Bridge);
    own.flat_map(|network| [&network.ipv4, &network.ipv6]).flatten().filter_map(|family| family.gateway)
}
