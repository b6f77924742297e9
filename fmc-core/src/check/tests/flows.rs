//! Flows that fail: because of networks, a firewall, or a missing machine.

use super::{findings, found};
use crate::cloud::Cloud;
use crate::digest::Digest;
use crate::finding::{Finding, Severity};
use crate::flow::{Flows, Peer, tcp, udp};
use crate::guest::User;
use crate::host::Host;
use crate::image::Image;
use crate::machine::{Interface, Machine};
use crate::network::{Network, NetworkMode};
use crate::role::tests::Plain;
use crate::unit::SizeExt;

fn server() -> Plain {
    Plain(
        "server",
        Flows::new().accept(tcp(6443), Peer::role("agent")).accept(udp(8472), Peer::role("agent")),
    )
}

fn agent() -> Plain {
    Plain("agent", Flows::new().reach(tcp(6443), Peer::role("server")).reach(udp(8472), Peer::role("server")))
}

/// A machine of which no rule has anything to say.
pub(super) fn on(name: &str, network: &str, address: &str) -> Machine {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";
    let image = Image::debian("12").path("/images/debian-12.qcow2").digest(Digest::sha256(b""));
    Machine::new(name, image)
        .root_disk(2.gib())
        .interface(Interface::on(network).address(address).default_route(true))
        .user(User::admin("ops").key(KEY))
}

/// A server on one network of a host and two agents on another.
fn two(core: NetworkMode, kube: NetworkMode) -> Cloud {
    Cloud::new("first")
        .host(Host::local().bridge("br0"))
        .network(Network::new("core", core).subnet("10.17.3.0/24"))
        .network(Network::new("kube", kube).subnet("10.17.4.0/24"))
        .machine(on("master1", "core", "10.17.3.21").resolvers(["10.17.3.1"]).role(server()))
        .machine(on("worker1", "kube", "10.17.4.24").resolvers(["10.17.4.1"]).role(agent()))
        .machine(on("worker2", "kube", "10.17.4.25").resolvers(["10.17.4.1"]).role(agent()))
}

fn flows_of(cloud: &Cloud) -> Vec<Finding> {
    findings(cloud).into_iter().filter(|finding| finding.kind().as_str().starts_with("flow-")).collect()
}

#[test]
fn s22_two_masqueraded_networks_do_not_meet() {
    let all = flows_of(&two(NetworkMode::Nat, NetworkMode::Nat));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.kind().as_str(), "flow-unreachable");
    assert_eq!(finding.severity(), Severity::Error);
    assert_eq!(
        finding.message(),
        "agent (worker1 and 1 other machine) on kube cannot reach tcp 6443 and udp 8472 of server (master1): \
         core is masqueraded (nat), and refuses new connections from outside"
    );
    assert_eq!(
        finding.help(),
        "make core a routed network, or give agent (worker1 and 1 other machine) an interface on core"
    );
    assert_eq!(finding.at(), "machines.master1.roles[0]");
    assert_eq!(finding.also_at(), ["networks.kube", "networks.core"]);
}

#[test]
fn which_networks_carry_a_flow() {
    use NetworkMode::{Isolated, Nat, Open, Routed};
    let cases = [
        (Routed, Routed, None),
        (Open, Routed, None),
        (Routed, Open, None),
        (Nat, Routed, Some("refuses new connections")),
        (Nat, Open, Some("refuses new connections")),
        (Isolated, Routed, Some("refuses new connections")),
        (Routed, Isolated, Some("no way out")),
        // The host's address is not an agent's, and the server accepts only agents.
        (Routed, Nat, Some("from the host's address")),
        (Open, Nat, Some("from the host's address")),
    ];
    for (core, kube, expected) in cases {
        let all = flows_of(&two(core, kube));
        match (expected, &all[..]) {
            (None, []) => {}
            (Some(words), [finding]) => {
                assert!(finding.message().contains(words), "{core:?} {kube:?} {finding}")
            }
            _ => panic!("{core:?} {kube:?}: {all:?}"),
        }
    }
}

#[test]
fn a_hidden_caller_is_let_in_where_its_host_is() {
    let from_core = Plain("server", Flows::new().accept(tcp(6443), Peer::network("core")));
    let mut cloud = two(NetworkMode::Routed, NetworkMode::Nat);
    let reaches = || Plain("agent", Flows::new().reach(tcp(6443), Peer::role("server")));
    for machine in cloud.machines.iter_mut() {
        machine.roles = vec![if machine.interfaces[0].network == "core".into() {
            Plain("server", from_core.1.clone()).into()
        } else {
            reaches().into()
        }];
    }
    assert_eq!(flows_of(&cloud), []);
    // One without a firewall does not mind.
    let mut cloud = two(NetworkMode::Routed, NetworkMode::Nat);
    for machine in cloud.machines.iter_mut() {
        machine.firewall = Some(false);
    }
    assert_eq!(flows_of(&cloud), []);
}

#[test]
fn an_interface_more_mends_it() {
    let mut cloud = two(NetworkMode::Nat, NetworkMode::Nat);
    for machine in cloud.machines.iter_mut().filter(|machine| machine.interfaces[0].network == "kube".into())
    {
        let last = if machine.name == "worker1".into() { 124 } else { 125 };
        machine
            .interfaces
            .push(Interface::on("core").address(format!("10.17.3.{last}")).default_route(false));
    }
    assert_eq!(flows_of(&cloud), []);
}

#[test]
fn two_hosts_meet_on_a_bridge_or_by_an_unknown_router() {
    let hosts = |cloud: Cloud| {
        let mut cloud = cloud.host(Host::new("other").uri("qemu+ssh://other/system").bridge("br0"));
        for network in cloud.networks.iter_mut() {
            network.host = Some(if network.name == "core".into() { "local" } else { "other" }.into());
        }
        for machine in cloud.machines.iter_mut() {
            machine.host = Some(if machine.name == "master1".into() { "local" } else { "other" }.into());
        }
        cloud
    };
    let all = flows_of(&hosts(two(NetworkMode::Routed, NetworkMode::Routed)));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.severity(), Severity::Warning);
    assert!(
        finding
            .message()
            .ends_with("only by a router that the cloud does not describe: they are on different hosts"),
        "{finding}"
    );

    let mut cloud = hosts(two(NetworkMode::Routed, NetworkMode::Routed))
        .network(Network::bridge("lan", "br0").subnet("192.168.0.0/24"));
    for (index, machine) in cloud.machines.iter_mut().enumerate() {
        machine.interfaces = vec![Interface::on("lan").address(format!("192.168.0.{}", 20 + index))];
    }
    assert_eq!(flows_of(&cloud), []);
}

#[test]
fn a_lab_says_nothing_of_its_networks() {
    assert_eq!(flows_of(&two(NetworkMode::Nat, NetworkMode::Nat).lab()), []);
}

#[test]
fn a_closed_firewall_is_reported_with_all_its_services() {
    let closed = Plain("server", Flows::new().accept(tcp(6443), Peer::machine("worker1")));
    let mut cloud = two(NetworkMode::Routed, NetworkMode::Routed);
    for machine in cloud.machines.iter_mut().filter(|machine| machine.name == "master1".into()) {
        machine.roles = vec![Plain("server", closed.1.clone()).into()];
    }
    let all = flows_of(&cloud);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.kind().as_str(), "flow-refused");
    assert_eq!(
        finding.message(),
        "agent on worker1 and 1 other machine must reach tcp 6443 and udp 8472 of master1, whose firewall does not let it in"
    );
    assert_eq!(finding.at(), "machines.worker1.roles[0]");
    assert!(finding.help().contains("`.accept(\"tcp 6443\", Peer::role(\"agent\"))`"), "{finding}");
}

#[test]
fn a_resolver_of_the_cloud_accepts_both_of_dns() {
    let dns = |open: fn(Machine) -> Machine| {
        let server = on("dns", "core", "10.17.3.11").resolvers(["10.17.3.1"]);
        let mut cloud = two(NetworkMode::Routed, NetworkMode::Routed).machine(open(server));
        for machine in cloud.machines.iter_mut().filter(|machine| machine.name != "dns".into()) {
            machine.resolvers = vec!["10.17.3.11".into()];
        }
        cloud
    };
    let all = flows_of(&dns(|server| server.accept(udp(53), Peer::Anywhere)));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.kind().as_str(), "flow-refused");
    assert_eq!(finding.at(), "machines.master1.resolvers");
    assert!(finding.message().contains("must reach tcp 53 of dns"), "{finding}");
    assert!(finding.help().contains("`.accept(\"tcp 53\", Peer::Anywhere)`"), "{finding}");
    let both = |server: Machine| server.accept(udp(53), Peer::Anywhere).accept(tcp(53), Peer::Anywhere);
    assert_eq!(flows_of(&dns(both)), []);
}

#[test]
fn a_resolver_out_of_reach_is_told_once() {
    let mut cloud = two(NetworkMode::Nat, NetworkMode::Nat);
    for machine in cloud.machines.iter_mut() {
        machine.roles = vec![Plain("plain", Flows::new()).into()];
        machine.resolvers = vec!["10.17.3.21".into()];
    }
    assert_eq!(found(&cloud).iter().filter(|found| found.starts_with("flow-")).count(), 0);
    assert!(
        found(&cloud).iter().any(|found| found.starts_with("resolver-unreachable")),
        "{:?}",
        found(&cloud)
    );
}

#[test]
fn a_role_without_machines_is_reported_with_the_nearest_one() {
    let typo = Plain(
        "watch",
        Flows::new().reach(tcp(9100), Peer::role("agnet")).accept(tcp(9090), Peer::role("balancer")),
    );
    let cloud = two(NetworkMode::Routed, NetworkMode::Routed)
        .machine(on("watch", "core", "10.17.3.30").resolvers(["10.17.3.1"]).role(typo));
    let all = flows_of(&cloud);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.kind().as_str(), "flow-nobody");
    assert_eq!(finding.severity(), Severity::Warning);
    assert_eq!(finding.message(), "watch must reach agnet, but no machine has that role");
    assert!(finding.help().starts_with("did you mean agent?"), "{finding}");
}

#[test]
fn from_where_people_log_in_is_looked_up() {
    let cloud = two(NetworkMode::Routed, NetworkMode::Routed).ssh_from([
        Peer::network("kub"),
        Peer::machine("worker1"),
        Peer::machine("nobody"),
        Peer::subnet("10.0.0.0/33"),
    ]);
    assert_eq!(
        found(&cloud),
        [
            "reference-unknown ssh_from[0].network",
            "reference-unknown ssh_from[2].machine",
            "address-invalid ssh_from[3].subnet"
        ]
    );
}

#[test]
fn a_thousand_agents_are_one_finding() {
    let mut cloud = two(NetworkMode::Nat, NetworkMode::Nat);
    for n in 0..1_000_u32 {
        let address = format!("10.17.{}.{}", 16 + n / 200, 10 + n % 200);
        cloud = cloud.machine(on(&format!("a{n}"), "wide", &address).resolvers(["10.17.16.1"]).role(agent()));
    }
    let all = flows_of(&cloud.network(Network::nat("wide", "10.17.16.0/20")));
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.iter().any(|finding| finding.message().contains("a0 and 999 other machines")), "{all:?}");
}
