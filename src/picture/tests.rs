use expect_test::expect;
use fmc_core::checked::Checked;

use super::Picture;
use crate::prelude::*;

fn cloud() -> Checked {
    let machine = |name: &'static str, host: &'static str| {
        Machine::new(name, Image::blank()).host(host).memory(1.gib()).root_disk(2.gib())
    };
    Cloud::new("two")
        .hosts([
            Host::new("a").bridge("br0"),
            Host::new("b").bridge("br0").uri("qemu+ssh://b/system?no_verify=1&x=%22"),
        ])
        .network(Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199").host("a"))
        .network(Network::bridge("lan", "br0"))
        .machine(
            machine("web", "a")
                .disk(Disk::new("data", 5.gib()))
                .interface(Interface::on("lab").address("10.17.3.10"))
                .interface(Interface::on("lan")),
        )
        .machine(machine("db", "b").interface(Interface::on("lan")))
        .check()
        .unwrap()
}

#[test]
fn mermaid() {
    expect![[r#"
        flowchart LR
          subgraph h0["host a<br/>qemu:///system"]
            m1["web<br/>1 vCPU · 1 GiB · root 2 GiB"]
            n0(["network lab<br/>10.17.3.0/24<br/>nat · br-lab"])
            p0x0[("pool fmc-two<br/>/var/lib/libvirt/images/fmc-two")]
          end
          subgraph h1["host b<br/>qemu+ssh://b/system?no#95;verify=1#38;x=%22"]
            m0["db<br/>1 vCPU · 1 GiB · root 2 GiB"]
          end
          n1(["network lan<br/>host bridge · br0"])
          m0 ===|"DHCP, default route"| n1
          m1 ===|"10.17.3.10, default route"| n0
          m1 ---|"DHCP"| n1
          m1 -.-|"data 5 GiB"| p0x0
    "#]]
    .assert_eq(&Picture::of(&cloud()).mermaid());
}

#[test]
fn dot() {
    expect![[r##"
        graph "two" {
          graph [rankdir=LR, fontname="sans-serif", ranksep=1.5];
          node [fontname="sans-serif", fontsize=11, shape=box, style="rounded,filled", fillcolor="#e8f0fb"];
          edge [fontname="monospace", fontsize=9];
          subgraph cluster_h0 {
            label="host a\nqemu:///system";
            m1 [label="web\n1 vCPU · 1 GiB · root 2 GiB"];
            n0 [label="network lab\n10.17.3.0/24\nnat · br-lab", shape=box, style=filled, fillcolor="#dcefe0"];
            p0x0 [label="pool fmc-two\n/var/lib/libvirt/images/fmc-two", shape=cylinder, style=filled, fillcolor="#f3f3f3"];
          }
          subgraph cluster_h1 {
            label="host b\nqemu+ssh://b/system?no_verify=1&amp;x=%22";
            m0 [label="db\n1 vCPU · 1 GiB · root 2 GiB"];
          }
          n1 [label="network lan\nhost bridge · br0", shape=box, style=filled, fillcolor="#dcefe0"];
          m0 -- n1 [label="DHCP, default route", penwidth=2];
          m1 -- n0 [label="10.17.3.10, default route", penwidth=2];
          m1 -- n1 [label="DHCP", penwidth=1];
          m1 -- p0x0 [label="data 5 GiB", style=dashed];
        }
    "##]].assert_eq(&Picture::of(&cloud()).dot());
}

struct Server;
struct Agent;

impl CustomRole for Server {
    fn instance(&self) -> Option<&str> {
        Some("prod")
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        Flows::new()
            .accept(tcp(6443), Peer::role("agent"))
            .accept(tcp(10250), Peer::role("agent"))
            .accept(udp(8472), Peer::role("agent"))
    }
}

impl CustomRole for Agent {
    fn flows(&self, site: &Site<'_>) -> Flows {
        let server = RoleName::literal("server");
        let servers = site.with_role(&server).map(|machine| machine.name.clone());
        servers
            .fold(Flows::new(), |flows, name| flows.reach(tcp(6443), Peer::machine(name)))
            .accept(tcp(443), Peer::Anywhere)
    }
}

fn roles() -> Checked {
    let machine = |name: &str, last: u8| {
        let image = Image::debian("12").path("/images/debian-12.qcow2");
        Machine::new(name, image)
            .root_disk(2.gib())
            .interface(Interface::on("lab").address(format!("10.17.3.{last}")))
            .user(User::admin("ops").password_hash(Secret::environment("ops", "OPS")))
    };
    Cloud::new("roles")
        .host(Host::local())
        .network(Network::routed("lab", "10.17.3.0/24"))
        .machine(machine("server1", 10).role(Server))
        .machines((0..6).map(|n| machine(&format!("agent{n}"), 20 + n).role(Agent)))
        .check()
        .unwrap()
}

#[test]
fn roles_stand_in_their_machines_and_flows_between_them() {
    let checked = roles();
    let plain = Picture::of(&checked);
    assert!(plain.mermaid().contains("Debian 12<br/>server of prod\"]"), "{}", plain.mermaid());
    assert!(!plain.mermaid().contains("flows"), "{}", plain.mermaid());
    let picture = plain.with_flows(&checked);
    let (mermaid, dot, svg) = (picture.mermaid(), picture.dot(), picture.svg());
    let (_, flows) = mermaid.split_once("  subgraph flows").unwrap();
    expect![[r#"
        ["flows"]
            f0["agent<br/>agent0, agent1, agent2, 3 more"]
            f1["anywhere"]
            f2["server<br/>server1"]
            f0 -->|"tcp 6443, 10250 · udp 8472"| f2
            f1 -->|"tcp 443"| f0
          end
    "#]]
    .assert_eq(flows);
    let drawn = fmc_testkit::graph::dot(&dot).unwrap();
    for words in
        ["tcp 6443, 10250 · udp 8472", "anywhere", "server of prod", "agent0, agent1, agent2, 3 more"]
    {
        assert!(drawn.contains(words), "{words} in {drawn}");
        assert!(svg.contains(words), "{words} in {svg}");
    }
    fmc_testkit::graph::xml(&svg).unwrap();
    expect_test::expect_file!["flows.svg"].assert_eq(&svg);
}

/// A machine that accepts something itself is an end, whatever roles it has.
#[test]
fn a_machine_that_accepts_by_itself_is_an_end() {
    let machine = |name: &str, last: u8| {
        Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
            .root_disk(2.gib())
            .interface(Interface::on("lab").address(format!("10.17.3.{last}")))
    };
    let checked = Cloud::new("own")
        .host(Host::local())
        .network(Network::routed("lab", "10.17.3.0/24"))
        .machine(machine("db", 9).accept(tcp(5432), Peer::role("agent")).accept(udp(53), Peer::Anywhere))
        .machine(machine("server1", 10).role(Server).accept(tcp(22), Peer::machine("db")))
        .machine(machine("agent1", 11).role(Agent))
        .check()
        .unwrap();
    let mermaid = Picture::of(&checked).with_flows(&checked).mermaid();
    let (_, flows) = mermaid.split_once("  subgraph flows").unwrap();
    expect![[r#"
        ["flows"]
            f0["agent<br/>agent1"]
            f1["anywhere"]
            f2["db"]
            f3["server<br/>server1"]
            f4["server1"]
            f0 -->|"tcp 5432"| f2
            f0 -->|"tcp 6443, 10250 · udp 8472"| f3
            f1 -->|"tcp 443"| f0
            f1 -->|"udp 53"| f2
            f2 -->|"tcp 22"| f4
          end
    "#]]
    .assert_eq(flows);
}

/// Texts with characters that have a meaning in one of the three formats.
#[test]
fn what_means_something_is_escaped() {
    let nasty = "a\"b<c>&d#e;f|g\\h`i*j_k\nl%m]n)o--p%%q";
    let mut picture = Picture::of(&cloud());
    picture.title = nasty.to_owned();
    for place in &mut picture.hosts {
        place.uri = nasty.to_owned();
    }
    for machine in &mut picture.machines {
        machine.os = nasty.to_owned();
    }
    let (mermaid, dot, svg) = (picture.mermaid(), picture.dot(), picture.svg());
    assert!(mermaid.contains("a#34;b#60;c#62;#38;d#35;e#59;f#124;g#92;h#96;i#42;j#95;k l"), "{mermaid}");
    assert!(dot.contains("a\\\"b<c>&amp;d#e;f|g\\\\h`i*j_k l"), "{dot}");
    assert!(svg.contains("a&quot;b&lt;c&gt;&amp;d#e;f|g\\h`i*j_k l"), "{svg}");
    assert_eq!(fmc_testkit::graph::title(&svg).unwrap(), nasty.replace('\n', " "));
    fmc_testkit::graph::xml(&svg).unwrap();
    let drawn = fmc_testkit::graph::dot(&dot).unwrap();
    assert!(drawn.contains("a&quot;b&lt;c&gt;&amp;d#e;f|g\\h`i*j_k l"), "{drawn}");
}

#[test]
fn the_order_of_declaration_does_not_show() {
    let machine = |name: &'static str| Machine::new(name, Image::blank()).interface(Interface::on("lab"));
    let lab = || Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199");
    let empty = || Cloud::new("first").host(Host::local());
    let one = empty().network(lab()).machine(machine("a")).machine(machine("b")).check().unwrap();
    let other = empty().machine(machine("b")).machine(machine("a")).network(lab()).check().unwrap();
    let all = |checked: &Checked| {
        let picture = Picture::of(checked);
        [picture.mermaid(), picture.dot(), picture.svg()]
    };
    assert_eq!(all(&one), all(&other));
}

#[test]
fn an_empty_cloud_has_a_picture() {
    let picture = Picture::of(&Cloud::new("first").check().unwrap());
    assert_eq!(picture.mermaid(), "flowchart LR\n");
    assert!(picture.dot().ends_with("}\n") && picture.svg().ends_with("</svg>\n"));
}
