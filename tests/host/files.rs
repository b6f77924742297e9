//! The files of a host against the programs that read them.

use std::ffi::OsString;

use expect_test::expect_file;
use fmc::cli::{Io, Program};
use fmc::file::{from_yaml, to_rust, to_yaml};
use fmc::host_side::{self, HostSide};
use fmc_testkit::{nft, systemd, tree};

const EXAMPLE: &str = include_str!("../../examples/host/cloud.yaml");

fn side(cloud: &str) -> HostSide {
    let checked = from_yaml(cloud).unwrap().check().unwrap_or_else(|report| panic!("{report}"));
    host_side::of(&checked).into_iter().next().unwrap()
}

fn listed(side: &HostSide) -> String {
    side.files.iter().map(|file| format!("==> {} ({:04o})\n{}\n", file.path, file.mode, file.text)).collect()
}

#[test]
fn the_example_is_files_of_networkd() {
    expect_file!["golden/networkd.txt"].assert_eq(&listed(&side(EXAMPLE)));
}

#[test]
fn the_example_is_keyfiles_of_network_manager() {
    let cloud = EXAMPLE.replace("manager: networkd", "manager: network-manager");
    expect_file!["golden/network_manager.txt"].assert_eq(&listed(&side(&cloud)));
}

#[test]
fn the_example_is_on_its_page_and_is_applied_and_converted() {
    let page = include_str!("../../docs/host.md");
    let said =
        |line: &&str| line.contains("vlan:") || line.contains("interface: eno1") || line.contains("mode:");
    for line in EXAMPLE.lines().filter(said) {
        assert!(page.lines().any(|other| other == line), "{line}");
    }
    let cloud = from_yaml(EXAMPLE).unwrap();
    assert_eq!(from_yaml(&to_yaml(&cloud).unwrap()).unwrap(), cloud);
    let rust = to_rust(&cloud).unwrap();
    assert!(rust.contains("Network::vlan(") && rust.contains("NetworkDaemon::Networkd"), "{rust}");
    let folder = tree::scratch();
    std::fs::write(folder.path().join("cloud.yaml"), EXAMPLE).unwrap();
    let run = |arguments: &str| {
        let all = ["fmc", "-f", "cloud.yaml"].into_iter().chain(arguments.split(' '));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io { folder: folder.path().to_owned(), ..Io::new(&mut out, &mut err) };
        let code = Program::of_file().run(all.map(OsString::from), &mut io);
        out.append(&mut err);
        (code, String::from_utf8(out).unwrap())
    };
    let (code, said) = run("apply --yes");
    assert_eq!((code, said.contains("host hv1 install")), (0, true), "{said}");
    assert_eq!(run("plan --detailed-exitcode").0, 0);
    let (code, said) = run("host hv1");
    assert_eq!(
        (code, said.contains("==> /etc/systemd/network/05-fmc-site-eno1.30.netdev (0644)")),
        (0, true),
        "{said}"
    );
    let (code, said) = run("host hv2");
    assert_eq!((code, said.contains("did you mean `hv1`?")), (64, true), "{said}");
}

#[test]
fn systemd_reads_the_unit_and_nft_the_table() {
    let side = side(EXAMPLE);
    let units = tree::scratch();
    let text = |ending: &str| &side.files.iter().find(|file| file.path.ends_with(ending)).unwrap().text;
    let unit = side.unit.as_deref().unwrap();
    tree::write(&units.path().join(unit), text(unit).as_bytes());
    tree::write(&units.path().join("nftables.service"), b"[Service]\nExecStart=/usr/sbin/nft list tables\n");
    systemd::verify(units.path(), &["/usr/sbin/nft"]).unwrap();
    nft::load_twice_is_stable(text("host.nft")).unwrap();
}

/// The findings of a cloud, as `kind at path: message`.
fn found(cloud: &str) -> Vec<String> {
    let report = from_yaml(cloud).unwrap().check().unwrap_err();
    let findings = report.findings().iter();
    findings.map(|finding| format!("{} at {}: {}", finding.kind(), finding.at(), finding.message())).collect()
}

#[test]
fn a_vlan_that_no_trunk_can_carry_is_refused() {
    let finds = |from: &str, to: &str, what: &str| {
        assert!(EXAMPLE.contains(from), "{from}");
        let found = found(&EXAMPLE.replace(from, to));
        assert!(found.iter().any(|finding| finding.starts_with(what)), "{what}: {found:#?}");
    };
    finds("vlan: 30", "vlan: 0", "value-invalid at networks.office.vlan");
    finds("vlan: 30", "vlan: 4095", "value-invalid at networks.office.vlan");
    finds(
        "mode: bridge, bridge: br0, vlan: 30",
        "mode: nat, vlan: 30",
        "network-conflict at networks.office.vlan",
    );
    finds("bridge: br0, vlan: 30", "bridge: br7, vlan: 30", "bridge-unknown at networks.office.bridge");
    finds("vlan: 30,", "vlan: 30, mtu: 9000,", "network-conflict at networks.office.mtu");
    let second = "  office: { mode: bridge, bridge: br0, vlan: 30, subnet: 10.31.0.0/24 }\n  kube:";
    finds("  kube:", &second.replace("office", "shop"), "network-conflict at networks.shop.vlan");
    let overlapping = second.replace("office", "shop").replace("30, subnet: 10.31", "31, subnet: 10.30");
    finds("  kube:", &overlapping, "subnet-overlap at networks.shop.subnet");
    finds(
        "mode: routed, subnet: 10.17",
        "mode: routed, bridge: br-office, subnet: 10.17",
        "network-conflict at networks.office.bridge",
    );
    // The host has the trunk, and nobody makes the VLAN's bridge.
    let by_hand = EXAMPLE.replace("    manager: networkd\n", "    bridges: [br0]\n");
    let by_hand: String = by_hand
        .lines()
        .filter(|line| !line.contains("uplinks") && !line.contains("eno1"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let found = found(&by_hand);
    assert!(
        found.iter().any(|finding| finding.starts_with("bridge-unknown at networks.office.vlan")),
        "{found:#?}"
    );
    // Made by hand, it is listed.
    from_yaml(&by_hand.replace("[br0]", "[br0, br-office]")).unwrap().check().unwrap();
}

#[test]
fn an_uplink_that_a_host_cannot_have_is_refused() {
    let finds = |from: &str, to: &str, what: &str| {
        assert!(EXAMPLE.contains(from), "{from}");
        let found = found(&EXAMPLE.replace(from, to));
        assert!(found.iter().any(|finding| finding.starts_with(what)), "{what}: {found:#?}");
    };
    finds("    manager: networkd\n", "", "network-incomplete at hosts.hv1.uplinks");
    finds(
        "gateway: 192.168.0.1, resolvers",
        "gateway: 192.168.9.1, resolvers",
        "network-conflict at hosts.hv1.uplinks.br0.gateway",
    );
    finds("address: 192.168.0.10/24", "address: dhcp", "network-conflict at hosts.hv1.uplinks.br0.gateway");
    finds("address: 192.168.0.10/24", "address: maybe", "address-invalid at hosts.hv1.uplinks.br0.address");
    finds("interface: eno1", "interface: 'eno*'", "name-invalid at hosts.hv1.uplinks.br0.interface");
    finds("interface: eno1", "interface: br0", "network-conflict at hosts.hv1.uplinks.br0.interface");
    finds("interface: eno1", "interface: br-office", "network-conflict at hosts.hv1.uplinks.br0.interface");
    finds("interface: eno1", "interface: br-kube", "network-conflict at hosts.hv1.uplinks.br0.interface");
    let more = |uplink: &str| format!("    uplinks:\n      {uplink}\n");
    for (uplink, what) in [
        ("br1: { interface: eno1.30, address: none }", "network-conflict at hosts.hv1.uplinks.br1.interface"),
        ("br-office: { interface: eno2, address: none }", "network-conflict at hosts.hv1.uplinks.br-office"),
        (
            "br1: { interface: eno2, address: 10.17.3.9/24 }",
            "subnet-overlap at hosts.hv1.uplinks.br1.address",
        ),
        (
            "br1: { interface: eno2, address: 10.30.0.9/24 }",
            "subnet-overlap at hosts.hv1.uplinks.br1.address",
        ),
        ("br1: { interface: eno2, address: 192.168.0.11/24 }", "subnet-overlap at hosts.hv1.uplinks.br"),
        (
            "br1: { interface: eno2, address: 10.30.0.20/24 }",
            "address-taken at machines.desk.interfaces[0].address",
        ),
    ] {
        finds("    uplinks:\n", &more(uplink), what);
    }
    finds(
        "    uplinks:\n",
        "    uplinks:\n      br1: { interface: eno1, address: none }\n",
        "network-conflict at hosts.hv1.uplinks.br1.interface",
    );
    finds(
        "    uplinks:\n",
        "    bridges: [br0]\n    uplinks:\n",
        "network-conflict at hosts.hv1.uplinks.br0",
    );
}
