//! The machines' own `accept`: values, peers, and its interplay with roles, firewalls and networks.

use super::flows::on;
use super::{findings, found, yaml};
use crate::check::problem::RoleProblem;
use crate::checked::By;
use crate::cloud::Cloud;
use crate::finding::{Finding, Severity};
use crate::flow::{Flows, Peer, anything, tcp, udp, vrrp};
use crate::host::Host;
use crate::image::Image;
use crate::machine::{Interface, Machine};
use crate::name::MachineName;
use crate::network::{Network, NetworkMode};
use crate::role::tests::Plain;

fn db() -> Machine {
    on("db", "core", "10.17.3.13").resolvers(["10.17.3.1"])
}

/// A database of one network, and an agent of another that must reach it or need not.
fn with_flows(core: NetworkMode, db: Machine, flows: Flows) -> Cloud {
    Cloud::new("first")
        .host(Host::local())
        .network(Network::new("core", core).subnet("10.17.3.0/24"))
        .network(Network::routed("kube", "10.17.4.0/24"))
        .machine(db)
        .machine(on("worker", "kube", "10.17.4.24").resolvers(["10.17.4.1"]).role(Plain("agent", flows)))
}

fn with(db: Machine) -> Cloud {
    with_flows(NetworkMode::Routed, db, Flows::new())
}

/// The one finding of a cloud.
#[track_caller]
fn only(cloud: &Cloud) -> Finding {
    let all = findings(cloud);
    let [finding] = &all[..] else { panic!("{all:?}") };
    finding.clone()
}

#[test]
fn what_a_machine_accepts_is_a_flow_and_gives_it_a_firewall() {
    let checked = with(db().accept(tcp(5432), Peer::role("agent"))).check().unwrap();
    let machine = checked.machine("db").unwrap();
    assert!(machine.firewall && !with(db()).check().unwrap().machine("db").unwrap().firewall);
    assert!(checked.flows().into("db").from(MachineName::literal("worker")).allows(tcp(5432)));
    assert_eq!(checked.flows().into("db").ports(), [22, 5432]);
    let own: Vec<_> = checked.flows_of(machine).iter().filter(|flow| flow.by.role().is_none()).collect();
    assert!(matches!(own[..], [flow] if flow.by == By::Machine(0) && flow.service == tcp(5432)), "{own:?}");
    assert!(!checked.roles().keys().any(|group| group.kind == "machine"));
}

#[test]
fn wrong_values_are_told_at_their_paths() {
    let cloud = with(
        db().accept(tcp(0), Peer::Anywhere)
            .accept("5432", Peer::network("cor"))
            .accept("tcp 5440-5432", Peer::machine("wroker"))
            .accept(anything(), Peer::subnet("10.0.0.0/33"))
            .accept(vrrp(), Peer::role("Agent"))
            .accept(udp(9), Peer::inside(["docker*"], "172.17.0.0"))
            .accept(udp(9), Peer::inside(["docker0"; 0], "172.17.0.0/16")),
    );
    assert_eq!(
        found(&cloud),
        [
            "value-invalid machines.db.accept[0].service",
            "reference-unknown machines.db.accept[1].from.network",
            "value-invalid machines.db.accept[1].service",
            "reference-unknown machines.db.accept[2].from.machine",
            "value-invalid machines.db.accept[2].service",
            "address-invalid machines.db.accept[3].from.subnet",
            "value-invalid machines.db.accept[3].service",
            "name-invalid machines.db.accept[4].from.role.kind",
            "value-invalid machines.db.accept[5].from",
            "address-invalid machines.db.accept[5].from.inside.subnet",
            "value-invalid machines.db.accept[6].from",
        ]
    );
    let near = findings(&cloud).into_iter().find(|finding| finding.at().ends_with("from.machine")).unwrap();
    assert!(near.help().starts_with("did you mean worker?"), "{near}");
}

#[test]
fn an_unknown_role_is_reported_with_the_nearest_one() {
    let finding = only(&with(db().accept(tcp(1), Peer::Anywhere).accept(tcp(5432), Peer::role("agnet"))));
    assert_eq!(finding.kind().as_str(), "flow-nobody");
    assert_eq!(finding.at(), "machines.db.accept[1]");
    assert_eq!(finding.message(), "db accepts agnet, but no machine has that role");
    assert!(finding.help().starts_with("did you mean agent?"), "{finding}");
    // This includes fmc's own roles: an entry written for this cloud means an existing machine.
    let finding = only(&with(db().accept(tcp(5432), Peer::role("k3s-agent"))));
    assert_eq!((finding.kind().as_str(), finding.at()), ("flow-nobody", "machines.db.accept[0]"));
}

#[test]
fn a_role_of_a_wrong_machine_counts_as_present() {
    let mut cloud = with(db().accept(tcp(5432), Peer::role("agent")));
    for machine in cloud.machines.iter_mut().filter(|machine| machine.name == "worker".into()) {
        machine.memory = Some("much".into());
    }
    assert_eq!(found(&cloud), ["size-invalid machines.worker.memory"]);
}

#[test]
fn an_unknown_instance_is_reported_with_the_known_ones() {
    let cloud = yaml(
        "name: first
hosts: {local: {}}
networks: {lab: {mode: nat, subnet: 10.17.3.0/24}}
machines:
  one: &one
    image: {os: debian, version: \"12\", source: {path: /a}, digest: \"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}
    memory: 4 GiB
    cpus: 2
    root_disk: 40 GiB
    interfaces: [{network: lab, address: 10.17.3.10}]
    guest: {users: {ops: {keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM]}}}
  db:
    <<: *one
    interfaces: [{network: lab, address: 10.17.3.11}]
    accept: [{service: tcp 5432, from: {role: {kind: k3s-server, instance: prdo}}}]
clusters: {prod: {version: v1.36.3+k3s1, servers: [one]}}
",
    );
    let all = findings(&cloud);
    let finding = all.iter().find(|finding| finding.kind().as_str() == "flow-nobody").unwrap();
    assert_eq!(finding.message(), "db accepts k3s-server of prdo, but no machine has that role");
    assert_eq!(finding.help(), "did you mean prod? known here: prod");
}

#[test]
fn the_networks_must_carry_it() {
    let cloud = with_flows(NetworkMode::Nat, db().accept(tcp(5432), Peer::role("agent")), Flows::new());
    let finding = only(&cloud);
    assert_eq!(finding.kind().as_str(), "flow-unreachable");
    assert_eq!(finding.at(), "machines.db.accept[0]");
    assert_eq!(
        finding.message(),
        "agent (worker) on kube cannot reach tcp 5432 of db: core is masqueraded (nat), and refuses new connections from outside"
    );
}

#[test]
fn a_role_elsewhere_that_must_reach_the_port_is_let_in() {
    let reach = || Flows::new().reach(tcp(5432), Peer::machine("db"));
    let cloud = |db| with_flows(NetworkMode::Routed, db, reach());
    assert_eq!(found(&cloud(db().accept(tcp(5432), Peer::role("agent")))), [""; 0]);
    assert_eq!(found(&cloud(db().accept(tcp(5000).to(6000), Peer::Anywhere))), [""; 0]);
    for db in [db().firewall(true), db().accept(tcp(5433), Peer::role("agent"))] {
        let finding = only(&cloud(db));
        assert_eq!((finding.kind().as_str(), finding.at()), ("flow-refused", "machines.worker.roles[0]"));
    }
}

#[test]
fn a_port_that_a_role_listens_on_may_be_opened_for_more() {
    let postgres = || Plain("postgres", Flows::new().accept(tcp(5432), Peer::role("agent")));
    let cloud = |db: Machine| with(db.role(postgres())).machine(on("watch", "core", "10.17.3.9"));
    assert_eq!(found(&cloud(db().accept(tcp(5432), Peer::machine("watch")))), [""; 0]);
    // Two programs on a port still clash.
    let other = Plain("other", Flows::new().accept(tcp(5432), Peer::Anywhere));
    assert_eq!(found(&cloud(db().role(other)))[..1], ["role-clash machines.db.roles[1]"]);
}

#[test]
fn a_machine_without_a_firewall_cannot_mean_it() {
    let finding = only(&with(db().firewall(false).accept(tcp(5432), Peer::role("agent"))));
    assert_eq!((finding.kind().as_str(), finding.at()), ("firewall-off", "machines.db.firewall"));
    assert_eq!(finding.severity(), Severity::Error);
    let accepted = with(db().firewall(false).accept(tcp(5432), Peer::role("agent")))
        .accept("firewall-off", "the host's own rules guard it");
    let checked = accepted.check().unwrap();
    assert!(!checked.machine("db").unwrap().firewall);
}

#[test]
fn a_machine_that_nothing_configures_cannot_let_in_some() {
    let bare = Machine::new("db", Image::blank())
        .interface(Interface::on("core").address("10.17.3.13"))
        .accept(tcp(5432), Peer::role("agent"));
    let alone = Cloud::new("first")
        .host(Host::local())
        .network(Network::routed("core", "10.17.3.0/24"))
        .machine(bare.clone());
    for cloud in [with(bare), alone] {
        let finding = only(&cloud);
        assert_eq!((finding.kind().as_str(), finding.at()), ("role-needs", "machines.db.accept"));
        assert_eq!(finding.problem(), Some(&RoleProblem::NoFirewall { os: "no operating system" }));
    }
}

#[test]
fn a_file_says_what_rust_says() {
    let written = "name: first
machines:
  db:
    image: {os: none}
    accept:
      - {service: tcp 5432, from: {role: {kind: k3s-agent, instance: prod}}}
      - {service: udp 30000-32767, from: anywhere}
      - {service: vrrp, from: {network: core}}
      - {service: tcp 1-65535, from: {inside: {interfaces: [docker0], subnet: 172.17.0.0/16}}}
";
    let machine = Machine::new("db", Image::blank())
        .accept(tcp(5432), Peer::role("k3s-agent").of("prod"))
        .accept(udp(30_000).to(32_767), Peer::Anywhere)
        .accept(vrrp(), Peer::network("core"))
        .accept("tcp 1-65535", Peer::inside(["docker0"], "172.17.0.0/16"));
    let cloud = Cloud::new("first").machine(machine);
    assert_eq!(yaml(written), cloud);
    let form = serde_json::to_value(&cloud).unwrap();
    assert_eq!(form["machines"]["db"]["accept"][0]["service"], "tcp 5432");
    assert_eq!(serde_json::from_value::<Cloud>(form).unwrap(), cloud);
}
