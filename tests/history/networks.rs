//! Groups 10, 12 and 13: networks that cannot talk, routes by chance, and addresses that DHCP gives to other
//! machines.

use fmc::prelude::*;
use fmc::testing::checked;

use crate::{caught, found, seed};

/// Both networks were masqueraded, so packets between them were dropped: static routes, `setenforce 0` and
/// restarts of libvirt followed.
#[test]
fn h10_two_masqueraded_networks_do_not_reach_each_other() {
    let finding = caught(
        &seed(&["networks.core.mode=nat", "networks.kube.mode=nat"]),
        Kind::ResolverUnreachable,
        "resolvers[0]",
        "make core a routed network",
    );
    assert!(
        finding.message().contains("core is masqueraded (nat), and refuses new connections"),
        "{finding}"
    );
}

/// With routed networks, the cloud derives the routes between them, also for a machine with its default route
/// elsewhere.
#[test]
fn h10_routes_between_the_hosts_networks_are_derived() {
    let cloud = checked(&seed(&[]));
    for machine in ["loadbalancer1", "bastion"] {
        let core = &cloud.machine(machine).unwrap().interfaces[0];
        let routes: Vec<String> =
            core.routes.iter().map(|route| format!("{} via {}", route.to, route.via)).collect();
        assert_eq!(routes, ["10.17.4.0/24 via 10.17.3.1"], "{machine}");
    }
}

/// Four network cards were on one LAN, each with a default route from DHCP.
#[test]
fn h12_a_machine_has_one_default_route() {
    caught(
        &seed(&["machines.bastion.interfaces[0].default_route=true"]),
        Kind::DefaultRouteDuplicate,
        "machines.bastion.interfaces[1].default_route",
        "keep one",
    );
}

/// The next hop is on none of the machine's networks.
#[test]
fn h12_a_next_hop_is_on_the_network_that_it_is_said_of() {
    caught(
        &seed(&["networks.lan.gateway=192.168.1.1"]),
        Kind::GatewayOnLink,
        "networks.lan.gateway",
        "write an address of it, for example 192.168.0.1",
    );
}

/// libvirt's default: the DHCP range is the whole subnet, including static addresses.
#[test]
fn h13_dhcp_does_not_hand_out_what_is_somebodys() {
    let found = found(&seed(&["networks.kube.dhcp=10.17.4.2-10.17.4.254"]));
    assert_eq!(found.len(), 7, "each machine of the network:\n{}", Report::new(found));
    for finding in &found {
        assert_eq!(finding.kind(), Kind::ReservationInRange, "{finding}");
        assert!(finding.at().ends_with(".interfaces[0].address"), "{finding}");
        assert!(finding.help().contains("write one outside of the range"), "{finding}");
    }
    caught(
        &seed(&["networks.kube.dhcp=10.17.4.100-10.17.4.255"]),
        Kind::RangeOutside,
        "networks.kube.dhcp",
        "10.17.4.254",
    );
}

/// A lease was found by a MAC address that changed with every `virt-install`.
#[test]
fn h13_a_mac_address_follows_from_the_machines_name() {
    let macs = |cloud: &Cloud| -> Vec<String> {
        let cloud = checked(cloud);
        cloud
            .machines()
            .iter()
            .flat_map(|machine| machine.interfaces.iter().map(|interface| interface.mac.to_string()))
            .collect()
    };
    let all = macs(&seed(&[]));
    assert_eq!(macs(&seed(&["machines.worker3.interfaces[0].address=10.17.4.28"])), all);
    let mut sorted = all.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), all.len(), "two have one");
}
