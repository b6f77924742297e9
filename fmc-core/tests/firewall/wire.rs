//! Reachability between machines, in namespaces.

use fmc_core::firewall::ruleset;
use fmc_core::flow::{tcp, udp};
use fmc_testkit::netns::{Lab, Port};

use crate::cloud;
use crate::matrix::Wired;

#[test]
fn every_pair_reaches_what_its_flows_say_and_nothing_else() {
    let checked = cloud();
    let wired = Wired::new(&checked);
    assert_eq!(wired.wrong(), []);
}

#[test]
fn the_matrix_is_what_a_person_would_say() {
    let checked = cloud();
    let flows = |into: &str, from: &str| {
        let origin = checked.machine(from).unwrap().name.clone();
        checked.flows().into(into).from(origin)
    };
    assert!(flows("server1", "agent2").allows(tcp(6443)));
    assert!(flows("server1", "balancer").allows(tcp(6443)));
    assert!(!flows("server1", "bastion").allows(tcp(6443)));
    assert!(!flows("server1", "agent1").allows(tcp(2379)));
    assert!(flows("agent1", "server2").allows(udp(8472)));
    assert!(flows("server1", "bastion").allows(tcp(22)) && !flows("server1", "agent1").allows(tcp(22)));
    assert_eq!(flows("balancer", "agent1").ports(), [80, 443]);
    assert_eq!(flows("database", "agent1").ports(), [5432]);
    assert_eq!(flows("database", "server1").ports(), [0_u16; 0]);
    assert_eq!(flows("database", "balancer").ports(), [8000, 8009]);
    assert_eq!(flows("database", "bastion").ports(), [22, 8000, 8009, 8432]);
    assert_eq!(
        checked.flows().into("balancer").from(fmc_core::name::NetworkName::literal("lan")).ports(),
        [80, 443, 6443]
    );
}

/// A translated port, such as kube-proxy's `NodePort`, is judged by the port that was called.
#[test]
fn what_is_translated_needs_a_flow_of_its_own() {
    let checked = cloud();
    let wired = Wired::new(&checked);
    let lab = &wired.lab;
    let translate = "table ip others {\n\tchain pre {\n\t\ttype nat hook prerouting priority dstnat;\n\
                     \t\ttcp dport 30080 redirect to :6443\n\t\ttcp dport 6443 ip saddr 10.17.4.32 redirect to :7443\n\t}\n}\n";
    lab.load_rules("server1", translate).unwrap();
    let _listening = lab.listen("server1", &[Port::tcp(6443), Port::tcp(7443)]);
    assert!(lab.reaches("agent1", "10.17.4.21", Port::tcp(6443)));
    assert!(!lab.reaches("agent1", "10.17.4.21", Port::tcp(30080)), "an undeclared NodePort");
    // Port 7443 is not open itself, and port 6443 is open wherever it is delivered.
    assert!(!lab.reaches("agent1", "10.17.4.21", Port::tcp(7443)));
    assert!(lab.reaches("agent2", "10.17.4.21", Port::tcp(6443)));
}

/// A pod behind the network plugin's bridge reaches its machine, and is forwarded to others.
#[test]
fn pods_reach_their_machine_and_are_forwarded() {
    let checked = cloud();
    let wired = Wired::new(&checked);
    let lab = &wired.lab;
    let pod = |address: &str, port: u16| {
        let script = format!("exec 3<>/dev/tcp/{address}/{port}");
        lab.run("server1", &["timeout", "2", "ip", "netns", "exec", "pod", "bash", "-c", &script]).is_ok()
    };
    let make = "ip netns add pod && ip link add cni0 type veth peer name eth0 netns pod && \
                ip address add 10.42.0.1/24 dev cni0 && ip link set cni0 up && \
                ip -n pod address add 10.42.0.2/24 dev eth0 && ip -n pod link set eth0 up && \
                ip -n pod route add default via 10.42.0.1 && sysctl -qw net.ipv4.ip_forward=1";
    lab.run("server1", &["sh", "-c", make]).unwrap();
    lab.load_rules("server1", "table ip pods {\n\tchain post {\n\t\ttype nat hook postrouting priority srcnat;\n\t\tip saddr 10.42.0.0/16 oifname \"eth0\" masquerade\n\t}\n}\n").unwrap();
    let _here = lab.listen("server1", &[Port::tcp(10250), Port::tcp(9999)]);
    let _there = lab.listen("server2", &[Port::tcp(2379), Port::tcp(9999)]);
    assert!(pod("10.42.0.1", 10250) && pod("10.17.4.21", 9999), "its own machine");
    // The pod appears as server1, which is a server; the other machine's firewall still applies.
    assert!(pod("10.17.4.22", 2379), "forwarded and masqueraded");
    assert!(!pod("10.17.4.22", 9999));
    // The pods' addresses are accepted only from their interface.
    lab.run("agent1", &["ip", "address", "add", "10.42.0.9/24", "dev", "eth0"]).unwrap();
    lab.run("server1", &["ip", "route", "add", "10.42.0.9/32", "via", "10.17.4.31"]).unwrap();
    let spoof = "import socket; s = socket.socket(); s.settimeout(1.5); s.bind(('10.42.0.9', 0)); s.connect(('10.17.4.21', 9999))";
    lab.run("agent1", &["/usr/bin/python3", "-c", spoof]).unwrap_err();
    lab.run("server1", &["nft", "delete", "table", "inet", "fmc"]).unwrap();
    lab.run("agent1", &["/usr/bin/python3", "-c", spoof]).unwrap();
}

#[test]
fn loading_again_keeps_connections_and_unloading_leaves_nothing() {
    let checked = cloud();
    let wired = Wired::new(&checked);
    let lab = &wired.lab;
    let rules = ruleset(&checked, checked.machine("agent1").unwrap());
    let listed = || lab.run("agent1", &["nft", "list", "ruleset"]).unwrap();
    let before = listed();
    lab.load_rules("agent1", &rules).unwrap();
    assert_eq!(listed(), before);
    let _listening = lab.listen("agent1", &[Port::tcp(9999)]);
    assert!(!lab.reaches(Lab::ROUTER, "10.17.4.31", Port::tcp(9999)));
    lab.run("agent1", &["nft", "delete", "table", "inet", "fmc"]).unwrap();
    assert_eq!(listed(), "");
    assert!(lab.reaches(Lab::ROUTER, "10.17.4.31", Port::tcp(9999)));
}
