//! The ruleset's text, and tools that read it; `tests/firewall/` tests who reaches whom on a network.

use expect_test::expect;
use fmc_testkit::nft;
use proptest::prelude::*;

use super::{K3S_INTERFACES, PATH, ruleset};
use crate::check::problem::ReadyProblem;
use crate::checked::Checked;
use crate::cloud::Cloud;
use crate::digest::Digest;
use crate::flow::{Flows, Peer, anything, tcp, udp, vrrp};
use crate::guest::checked::Contents;
use crate::guest::{Guest, GuestFile, User};
use crate::host::Host;
use crate::image::Image;
use crate::machine::{Interface, Machine};
use crate::network::Network;
use crate::ready::Ready;
use crate::role::tests::Plain;
use crate::unit::SizeExt;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

fn server() -> Plain {
    let flows = Flows::new()
        .accept(tcp(6443), Peer::subnet_of_role("agent"))
        .accept(tcp(6443), Peer::machine("balancer"))
        .accept(tcp(2379).to(2380), Peer::role("server"))
        .accept(tcp(10250), Peer::subnet_of_role("server"))
        .accept(tcp(10250), Peer::subnet_of_role("agent"))
        .accept(udp(8472), Peer::subnet_of_role("agent"))
        .accept(anything(), Peer::inside(K3S_INTERFACES, "10.42.0.0/16"));
    Plain("server", flows)
}

fn agent() -> Plain {
    Plain(
        "agent",
        Flows::new().accept(tcp(80), Peer::machine("balancer")).reach(tcp(6443), Peer::role("server")),
    )
}

fn balancer() -> Plain {
    let flows = Flows::new()
        .accept(tcp(443), Peer::Anywhere)
        .accept(tcp(80), Peer::Anywhere)
        .accept(vrrp(), Peer::network("core"))
        .reach(tcp(6443), Peer::role("server"));
    Plain("balancer", flows)
}

fn machine(name: &str, interface: Interface) -> Machine {
    let image = Image::debian("12").path("/images/debian-12.qcow2").digest(Digest::sha256(b""));
    Machine::new(name, image).root_disk(20.gib()).interface(interface).user(User::admin("ops").key(KEY))
}

fn cloud(agents: impl IntoIterator<Item = u8>) -> Cloud {
    let servers = (1..=3).map(|n| {
        let address = Interface::on("kube").address(format!("10.17.4.2{n}"));
        machine(&format!("server{n}"), address).role(server())
    });
    let agents = agents.into_iter().map(|n| {
        machine(&format!("agent{n}"), Interface::on("kube").address(format!("10.17.4.{n}"))).role(agent())
    });
    Cloud::new("first")
        .host(Host::local())
        .network(Network::routed("kube", "10.17.4.0/24"))
        .network(Network::routed("core", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199"))
        .machines(servers)
        .machines(agents)
        .machine(machine("balancer", Interface::on("core").reserved("10.17.3.12")).role(balancer()))
        .machine(machine("plain", Interface::on("core").address("10.17.3.20")))
        .ssh_from([Peer::machine("plain")])
}

fn checked(cloud: &Cloud) -> Checked {
    cloud.check().unwrap_or_else(|report| panic!("{report}"))
}

fn rules(checked: &Checked, name: &str) -> String {
    let machine = checked.machine(name).unwrap();
    let rules = ruleset(checked, machine);
    let file = machine.guest.files.iter().find(|file| file.path.as_str() == PATH).unwrap();
    let Contents::Text(text) = &file.contents else { panic!("{:?}", file.contents) };
    assert_eq!(**text, rules);
    rules
}

#[test]
fn a_server_lets_in_what_its_flows_say() {
    let checked = checked(&cloud([31, 32]));
    let text = rules(&checked, "server1");
    expect![[r##"
        # What server1 lets in: its flows, and nothing else. Loading it again changes nothing.
        table inet fmc
        delete table inet fmc
        table inet fmc {
        	chain flows {
        		icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept
        		icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request, mld-listener-query } accept
        		icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept
        		ip saddr { 10.17.3.12, 10.17.4.0/24 } tcp dport 6443 accept comment "server"
        		ip saddr 10.17.4.0/24 tcp dport 10250 accept comment "server"
        		ip saddr 10.17.4.0/24 udp dport 8472 accept comment "server"
        		ip saddr { 10.17.4.21, 10.17.4.22, 10.17.4.23 } tcp dport 2379-2380 accept comment "server"
        		iifname { "cni0", "flannel-v6.1", "flannel-wg", "flannel-wg-v6", "flannel.1", "kube-ipvs0" } ip saddr 10.42.0.0/16 accept comment "server"
        		ip saddr { 10.17.3.20, 10.17.4.1 } tcp dport 22 accept comment "ssh"
        	}

        	chain before {
        		type filter hook prerouting priority mangle; policy accept;
        		iifname "lo" accept
        		ct state { established, related } accept
        		fib daddr type != local accept
        		jump flows
        		drop
        	}

        	chain input {
        		type filter hook input priority filter; policy drop;
        		iifname "lo" accept
        		ct state { established, related } accept
        		ct status dnat accept
        		jump flows
        	}
        }
    "##]].assert_eq(&text);
    nft::check(&text).unwrap();
}

#[test]
fn a_balancer_lets_in_everybody_and_asks_for_its_address() {
    let checked = checked(&cloud([31]));
    let text = rules(&checked, "balancer");
    for line in [
        "\t\ttcp dport { 80, 443 } accept comment \"balancer\"\n",
        "\t\tip saddr 10.17.3.0/24 meta l4proto 112 accept comment \"balancer\"\n",
        "\t\tmeta nfproto ipv4 udp sport 67 udp dport 68 accept comment \"dhcp\"\n",
        "\t\tip protocol igmp accept",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    nft::check(&text).unwrap();
}

#[test]
fn loading_twice_is_stable_and_other_tables_stay() {
    let checked = checked(&cloud([31]));
    for name in ["server1", "agent31", "balancer"] {
        let text = rules(&checked, name);
        let other = "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tip saddr 10.42.0.0/16 drop\n\t}\n}\n";
        let fresh = "table ip filter\ndelete table ip filter\n";
        let listing = nft::load_twice_is_stable(&format!("{fresh}{other}{text}")).unwrap();
        assert!(
            listing.contains("ip saddr 10.42.0.0/16 drop") && listing.contains("table inet fmc"),
            "{listing}"
        );
        let gone =
            nft::load_twice_is_stable(&format!("{fresh}{other}{text}delete table inet fmc\n")).unwrap();
        assert!(gone.contains("ip saddr 10.42.0.0/16 drop") && !gone.contains("fmc"), "{gone}");
    }
}

#[test]
fn no_table_of_others_is_named() {
    let text = rules(&checked(&cloud([31])), "server1");
    assert!(!text.contains("flush"), "{text}");
    let tables: Vec<&str> = text.lines().filter(|line| line.contains("table ")).collect();
    assert_eq!(tables, ["table inet fmc", "delete table inet fmc", "table inet fmc {"]);
    assert!(!text.contains("hook forward"), "{text}");
}

#[test]
fn a_firewall_is_for_machines_with_roles_unless_it_is_said() {
    let mut cloud = cloud([31]);
    let has = |cloud: &Cloud, name: &str| {
        let checked = checked(cloud);
        let machine = checked.machine(name).unwrap();
        let file = machine.guest.files.iter().any(|file| file.path.as_str() == PATH);
        assert_eq!(file, machine.firewall, "{name}");
        file
    };
    assert!(has(&cloud, "server1") && !has(&cloud, "plain"));
    for machine in cloud.machines.iter_mut() {
        machine.firewall = Some(machine.roles.is_empty());
    }
    assert!(!has(&cloud, "server1") && has(&cloud, "plain"));
}

#[test]
fn a_machine_lets_in_by_itself_whom_it_says() {
    let db = machine("db", Interface::on("core").address("10.17.3.13"))
        .accept(tcp(5432), Peer::subnet_of_role("agent"))
        .accept(tcp(5432), Peer::machine("balancer"))
        .accept(udp(30_000).to(30_009), Peer::network("core"))
        .accept(vrrp(), Peer::network("core"))
        .accept(tcp(1).to(65_535), Peer::inside(["docker0"], "172.17.0.0/16"));
    let server = machine("server9", Interface::on("kube").address("10.17.4.29"))
        .role(server())
        .accept(tcp(6443), Peer::machine("plain"));
    let checked = checked(&cloud([31]).machines([db, server]));
    let text = rules(&checked, "db");
    for line in [
        "\t\tip saddr { 10.17.3.12, 10.17.4.0/24 } tcp dport 5432 accept comment \"machine\"\n",
        "\t\tip saddr 10.17.3.0/24 udp dport 30000-30009 accept comment \"machine\"\n",
        "\t\tip saddr 10.17.3.0/24 meta l4proto 112 accept comment \"machine\"\n",
        "\t\tiifname \"docker0\" ip saddr 172.17.0.0/16 tcp dport 1-65535 accept comment \"machine\"\n",
        "\t\tip protocol igmp accept",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    nft::check(&text).unwrap();
    nft::load_twice_is_stable(&text).unwrap();
    // A role's port, opened for one more machine.
    let text = rules(&checked, "server9");
    assert!(text.contains("ip saddr 10.17.3.20 tcp dport 6443 accept comment \"machine\""), "{text}");
    assert!(
        text.contains("ip saddr { 10.17.3.12, 10.17.4.0/24 } tcp dport 6443 accept comment \"server\""),
        "{text}"
    );
    nft::check(&text).unwrap();
}

#[test]
fn a_firewall_file_of_another_role_is_a_clash() {
    let plain = machine("web", Interface::on("core").address("10.17.3.30"))
        .firewall(true)
        .guest(Guest::new().file(GuestFile::text(PATH, "")).user(User::admin("ops").key(KEY)));
    let report = cloud([31]).machine(plain).check().unwrap_err();
    let [finding] = report.findings() else { panic!("{report}") };
    assert_eq!(finding.kind().as_str(), "role-clash");
    assert!(finding.at().starts_with("machines.web.firewall"), "{finding}");
}

#[test]
fn the_hypervisor_is_always_accepted() {
    let web =
        machine("web", Interface::on("core").address("10.17.3.30")).ready(Ready::tcp(8080)).firewall(true);
    let checked = checked(&cloud([31]).machine(web));
    let text = rules(&checked, "web");
    assert!(
        text.contains("ip saddr { 10.17.3.1, 10.17.3.20 } tcp dport 22 accept comment \"ssh\""),
        "{text}"
    );
    assert!(text.contains("ip saddr 10.17.3.1 tcp dport 8080 accept comment \"ready\""), "{text}");
    assert!(
        checked.flows().into("web").from("10.17.3.1".parse::<std::net::IpAddr>().unwrap()).allows(tcp(22))
    );
    assert!(
        !checked.flows().into("web").from("10.17.3.2".parse::<std::net::IpAddr>().unwrap()).allows(tcp(22))
    );
}

#[test]
fn the_port_of_a_wait_is_open_only_to_the_hypervisor() {
    // An open port for everyone must stay open.
    let web =
        machine("web", Interface::on("core").address("10.17.3.30")).ready(Ready::tcp(8080)).firewall(true);
    let cloud =
        Cloud::new("first").host(Host::local()).network(Network::routed("core", "10.17.3.0/24")).machine(web);
    let checked = checked(&cloud);
    assert!(
        rules(&checked, "web").contains("\t\tip saddr 10.17.3.1 tcp dport 8080 accept comment \"ready\"")
    );
    let allows = |from: &str| {
        let from: std::net::IpAddr = from.parse().unwrap();
        checked.flows().into("web").from(from).allows(tcp(8080))
    };
    assert!(allows("10.17.3.1") && !allows("10.17.3.9") && !allows("192.0.2.1"));
}

#[test]
fn a_wait_whose_port_the_firewall_closes_is_refused_once() {
    let machines = |on: &str, open: fn(Machine) -> Machine| {
        let each = (2..40).map(|n| {
            let machine = machine(&format!("web{n:02}"), Interface::on(on).address(format!("10.17.3.{n}")));
            open(machine.ready(Ready::tcp(8080)).firewall(true).resolvers(["10.17.3.1"]))
        });
        each.collect::<Vec<_>>()
    };
    let lan = |open| {
        Cloud::new("first")
            .host(Host::local().bridge("br0"))
            .network(Network::bridge("lan", "br0").subnet("10.17.3.0/24").gateway("10.17.3.1"))
            .machines(machines("lan", open))
    };
    let remote = |open| {
        Cloud::new("first")
            .host(Host::new("hv1").uri("qemu+ssh://hv1/system"))
            .network(Network::routed("core", "10.17.3.0/24"))
            .machines(machines("core", open))
    };
    for cloud in [lan(|machine| machine), remote(|machine| machine)] {
        let report = cloud.check().unwrap_err();
        let found: Vec<_> = report
            .findings()
            .iter()
            .filter(|finding| finding.kind().as_str() == "ready-impossible")
            .collect();
        let [finding] = &found[..] else { panic!("{report}") };
        assert_eq!(finding.at(), "machines.web02.ready");
        assert_eq!(finding.problem(), Some(&ReadyProblem::Unasked { port: 8080 }));
        assert_eq!(finding.machines().len(), 37);
        assert!(finding.to_string().contains("and on 37 more: web03, web04, "), "{finding}");
    }
    let opened = |machine: Machine| machine.accept(tcp(8080), Peer::subnet("192.0.2.7/32"));
    for cloud in [lan(opened), remote(opened)] {
        checked(&cloud);
    }
    // The port of SSH is already open to everyone.
    let ssh =
        machine("web", Interface::on("core").address("10.17.3.60")).ready(Ready::tcp(22)).firewall(true);
    checked(&remote(|machine| machine.accept(tcp(8080), Peer::Anywhere)).machine(ssh));
}

#[test]
fn a_role_is_let_in_by_its_addresses_and_its_subnets_only_where_that_is_said() {
    let db = |from: Peer| {
        let db = machine("db", Interface::on("core").address("10.17.3.40")).accept(tcp(5432), from);
        rules(&checked(&cloud([31, 32]).machine(db)), "db")
    };
    let strict = db(Peer::role("agent"));
    assert!(strict.contains("ip saddr { 10.17.4.31, 10.17.4.32 } tcp dport 5432 accept"), "{strict}");
    let loose = db(Peer::subnet_of_role("agent"));
    assert!(loose.contains("ip saddr 10.17.4.0/24 tcp dport 5432 accept"), "{loose}");
}

#[test]
fn many_sources_are_a_set_with_a_name() {
    let mut cloud = Cloud::new("first").host(Host::local());
    for n in 0..9 {
        let net = format!("n{n}");
        cloud = cloud.network(Network::routed(&*net, format!("10.{n}.0.0/24")));
        let spread = Plain("spread", Flows::new());
        cloud = cloud.machine(
            machine(&format!("m{n}"), Interface::on(&*net).address(format!("10.{n}.0.9"))).role(spread),
        );
    }
    let wide = machine("wide", Interface::on("n0").address("10.0.0.5"))
        .accept(tcp(2), Peer::subnet_of_role("spread"))
        .accept(udp(2), Peer::subnet_of_role("spread"))
        .accept(udp(2), Peer::subnet("10.0.0.0/25"));
    let text = rules(&checked(&cloud.machine(wide)), "wide");
    assert!(text.contains("\tset sources1 {\n\t\ttype ipv4_addr\n"), "{text}");
    assert!(text.contains("ip saddr @sources1 tcp dport 2 accept"), "{text}");
    assert!(text.contains("ip saddr @sources1 udp dport 2 accept"), "{text}");
    nft::check(&text).unwrap();
    nft::load_twice_is_stable(&text).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// One more machine of a role in a subnet that already has one.
    #[test]
    fn an_agent_more_changes_no_other_machine(agents in proptest::collection::btree_set(30..250u8, 1..6), more in 30..250u8) {
        let before = checked(&cloud(agents.clone()));
        let mut with = agents.clone();
        with.insert(more);
        let after = checked(&cloud(with));
        for machine in before.machines() {
            prop_assert_eq!(&machine.guest, &after.machine(machine.name.as_str()).unwrap().guest);
        }
    }
}
