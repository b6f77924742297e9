//! Tunnels, as files say them.

use super::*;

pub(crate) const EXAMPLE: &str = include_str!("../../examples/wireguard/cloud.yaml");

#[test]
fn the_example_is_whole() {
    let rust = "Spanning::said(Wireguard::new(\"office\").subnets([\"10.8.0.0/24\", \"fd00:8::/64\"]).gateway(\"vpn\")";
    is_whole(EXAMPLE, include_str!("../../docs/wireguard.md"), rust);
}

#[test]
fn every_setting_is_described() {
    is_described(
        "wireguard",
        &[
            "dns",
            "endpoint",
            "from",
            "gateway",
            "generation",
            "interface",
            "machines",
            "mtu",
            "name",
            "people",
            "port",
            "subnets",
        ],
    );
}

/// The example with a mistake: each text in place of another one.
pub(crate) fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(EXAMPLE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

const ANA: &str = "ana: {reach: [{network: core}]}";
const BEN: &str = "ben: {reach: [{machine: db}], addresses: [10.8.0.7]}";
const OFFICE: &str = "subnets: [10.8.0.0/24, fd00:8::/64]";
const COPIES: &str = "machines: {db: {}, vault: {}}";
const ENDPOINT: &str = "endpoint: vpn.example.com";
const LABELS: &str = "kind: wireguard-endpoint-name";

/// A mistake, and the beginning of what is said about it.
const MISTAKES: &[(&[(&str, &str)], &str)] = &[
    (&[("name: office", "name: Office")], "roles[0].wireguard.name"),
    (
        &[(ANA, "ana: {reach: [{network: core}], addresses: [10.8.0.7]}")],
        "error[wireguard-address]: ana and ben would both be 10.8.0.7 in the tunnel",
    ),
    (
        &[("[10.8.0.7]", "[10.8.1.7]")],
        "error[wireguard-address]: 10.8.1.7 is in none of the tunnel's subnets",
    ),
    (
        &[("[10.8.0.7]", "[10.8.0.255]")],
        "error[wireguard-address]: 10.8.0.255 is the first or the last address",
    ),
    (
        &[("[10.8.0.7]", "[10.8.0.7, 10.8.0.8]")],
        "error[wireguard-address]: 10.8.0.8 is a second address in 10.8.0.0/24",
    ),
    (&[("[10.8.0.7]", "[10.8.0.1]")], "error[wireguard-address]: vpn and ben would both be 10.8.0.1"),
    (&[("[10.8.0.7]", "[10.8.0.300]")], "it is neither four numbers"),
    (
        &[(OFFICE, "subnets: [10.17.3.0/26]")],
        "error[wireguard-overlap]: 10.17.3.0/26 overlaps 10.17.3.0/24, the network core",
    ),
    (
        &[(OFFICE, "subnets: [10.9.0.0/25]")],
        "error[wireguard-overlap]: 10.9.0.0/24 overlaps 10.9.0.0/25, the tunnel office",
    ),
    (
        &[("[10.9.0.0/24]", "[10.9.0.0/30]")],
        "error[wireguard-room]: 10.9.0.0/30 has room for the gateway and 1 peer, and the tunnel has 2",
    ),
    (&[("      subnets: [10.9.0.0/24]\n", "")], "error[wireguard-room]: the tunnel has no subnet"),
    (
        &[("[10.9.0.0/24]", "[169.254.0.0/24]")],
        "error[wireguard-room]: no peer can have an address of 169.254.0.0/24",
    ),
    (
        &[("[10.8.0.0/24, fd00:8::/64]", "[\"fd00:8::/64\"]"), ("addresses: [10.8.0.7]", "addresses: []")],
        "error[wireguard-reach]: it has IPv4 alone, of which the tunnel has no addresses",
    ),
    (
        &[("name: copies", "name: copies\n      interface: enp1s0")],
        "error[wireguard-interface]: enp1s0 is a name that systems give to their own interfaces",
    ),
    (&[("[10.9.0.0/24]", "[10.9.0.0/24, 10.10.0.0/24]")], "the tunnel has 2 subnets of IPv4"),
    (&[(COPIES, "machines: {db: {}}")], "error[wireguard-members]: a mesh of 1 machine leads nowhere"),
    (
        &[("      gateway: vpn\n", "")],
        "error[wireguard-members]: people come to a gateway, and the tunnel has none",
    ),
    (
        &[("branch: {reach", "vpn: {reach")],
        "error[wireguard-members]: vpn is the gateway, and would be a peer of itself",
    ),
    (&[(COPIES, "gateway: vpn")], "error[wireguard-members]: nobody comes to the gateway vpn"),
    (
        &[("name: copies", "name: a-tunnel-of-copies")],
        "error[wireguard-interface]: wg-a-tunnel-of-copies has 21 characters",
    ),
    (&[("name: copies", "name: copies\n      interface: wg-copies-of-all-data")], "wg-copies-of-all-data"),
    (
        &[("name: copies", "name: copies\n      interface: \"wg%d\"")],
        "error[wireguard-interface]: wg%d is not a name",
    ),
    (
        &[("name: copies", "name: office")],
        "error[wireguard-interface]: two tunnels of the cloud are called office",
    ),
    (
        &[(COPIES, "interface: wg-office\n      machines: {vpn: {}, vault: {}}")],
        "error[wireguard-interface]: vpn is in the tunnels office and copies, and both have the interface wg-office",
    ),
    (
        &[("      port: 51821\n", ""), (COPIES, "machines: {vpn: {}, vault: {}}")],
        "error[wireguard-port]: vpn is in the tunnels office and copies, and both have UDP port 51820",
    ),
    (
        &[(ENDPOINT, "endpoint: 192.168.0.20"), (LABELS, "kind: wireguard-mtu")],
        "error[wireguard-endpoint]: 192.168.0.20 is not reached from outside",
    ),
    (
        &[("      endpoint: vpn.example.com\n", "")],
        "error[wireguard-endpoint]: people are told no address of the gateway",
    ),
    (
        &[(ENDPOINT, "endpoint: vpn.example.com:51820")],
        "write vpn.example.com, and the port by itself: `port: 51820`",
    ),
    (
        &[(LABELS, "kind: wireguard-no-reach")],
        "warning[wireguard-endpoint-name]: vpn.example.com is looked up when a tunnel comes up",
    ),
    (
        &[("edge: {mode: routed", "edge: {mode: nat")],
        "error[wireguard-endpoint]: vpn is on the network edge, which is masqueraded: nobody comes in there",
    ),
    (&[("{network: core}]}", "{network: coer}]}")], "error[wireguard-unknown]: there is no network coer"),
    (&[(BEN, "ben: {reach: [{machine: dp}]}")], "error[wireguard-unknown]: there is no machine dp"),
    (&[("branch: {reach", "brunch: {reach")], "did you mean branch?"),
    (&[("gateway: vpn", "gateway: vpm")], "did you mean vpn?"),
    (&[(ANA, "ana: {}")], "warning[wireguard-no-reach]: ana comes to the gateway, and from there nowhere"),
    (&[(ANA, "ana: {reach: [anywhere]}")], "error[wireguard-reach]: a tunnel leads to what is named"),
    (
        &[("core: {mode: routed", "core: {mode: isolated")],
        "error[wireguard-reach]: vpn is not on the network core, which is isolated",
    ),
    (
        &[(COPIES, "machines: {db: {}, vault: {reach: [{network: core}]}}")],
        "the machines of a mesh reach each other, and nothing behind each other",
    ),
    (
        &[(ENDPOINT, "endpoint: 10.17.5.20"), (ANA, "ana: {reach: [{network: edge}]}")],
        "error[wireguard-loop]: 10.17.5.0/24 has 10.17.5.20 in it, where the tunnel itself ends",
    ),
    (
        &[("branch: {reach: [{machine: db}]}", "branch: {reach: [{machine: vault}]}")],
        "error[wireguard-loop]: branch is on 10.17.5.0/24 itself, and would reach 10.17.5.30/32",
    ),
    (
        &[("port: 51821", "port: 51821\n      mtu: 1450")],
        "error[wireguard-mtu]: packets of 1450 bytes do not fit: below the tunnel there is room for 1440",
    ),
    (
        &[(
            "edge: {mode: routed, subnet: 10.17.5.0/24}",
            "edge: {mode: routed, subnet: 10.17.5.0/24, mtu: 1300}",
        )],
        "error[wireguard-mtu]: the tunnel has room for packets of 1220 bytes, and IPv6 asks for 1280",
    ),
    (
        &[(ENDPOINT, "endpoint: vpn.example.com\n      dns: [10.17.3.11]")],
        "error[wireguard-resolver]: ben would ask 10.17.3.11 for names, and does not reach it",
    ),
    (
        &[("version: \"9.4\"", "version: \"8.10\"")],
        "error[wireguard-system]: db runs Rocky Linux 8.10, which has no WireGuard in its kernel",
    ),
    (
        &[("version: \"12\"", "version: \"11\"")],
        "error[wireguard-system]: vpn runs Debian 11, which does not run systemd-networkd",
    ),
    (
        &[("roles:\n", "people: {users: {ana: {first_name: Ana, last_name: Ruiz}}}\nroles:\n")],
        "error[wireguard-unknown]: ben is not among the cloud's people: ana",
    ),
    (&[("ben: {reach", "Ben: {reach")], "Ben is not a login"),
];

#[test]
fn mistakes_are_told_with_their_places() {
    for (changes, beginning) in MISTAKES {
        let (_, said) = run(&with(changes), "check");
        assert!(said.contains(beginning), "{changes:?}: {beginning}\n{said}");
    }
    let line = 1 + EXAMPLE.lines().position(|line| line.contains("branch: {reach")).unwrap();
    let (code, said) =
        run(&with(&[("branch: {reach: [{machine: db}]}", "branch: {reach: [{machine: dp}]}")]), "check");
    assert!(code == 1 && said.contains(&format!("cloud.yaml:{line}:")), "{said}");
}

/// A pair of roles that listen at one port is told by the rule of all roles.
#[test]
fn a_port_of_another_role_is_a_clash() {
    let other = "  - chrony: {servers: [vpn], clients: [db], local_stratum: 10}\naccept:\n";
    let (_, said) = run(
        &with(&[
            ("gateway: vpn\n", "gateway: vpn\n      port: 123\n"),
            ("accept:\n  - {kind: image", &format!("{other}  - {{kind: image")),
        ]),
        "check",
    );
    assert!(said.contains("both listen on udp 123 of the machine"), "{said}");
}

#[test]
fn every_kind_has_its_page() {
    use fmc::role::FileSpanningRole as _;
    assert_eq!(Wireguard::FINDINGS.len(), 15);
    for kind in Wireguard::FINDINGS {
        assert!(
            MISTAKES.iter().any(|(_, said)| said.contains(&format!("[{}]", kind.as_str()))),
            "{}",
            kind.as_str()
        );
        let (code, said) = run("", &format!("explain {}", kind.as_str()));
        assert!(code == 0 && said.contains("How to mend it"), "{said}");
    }
}

/// Addresses follow from names alone: who comes and goes moves nobody.
#[test]
fn an_address_follows_from_its_name() {
    let client = |text: &str| {
        let folder = fmc_testkit::tree::scratch();
        std::fs::write(folder.path().join("cloud.yaml"), text).unwrap();
        let (code, said) = run_in(folder.path(), "vpn ana");
        assert_eq!(code, 0, "{said}");
        said.lines().find(|line| line.starts_with("Address")).unwrap().to_owned()
    };
    let now = client(EXAMPLE);
    assert_eq!(now, "Address = 10.8.0.120/32, fd00:8::1711:7913:468c:7cfc/128");
    assert_eq!(client(&with(&[(BEN, "cleo: {reach: [{machine: db}]}")])), now);
    assert_eq!(client(&with(&[("name: office", "name: house")])), now);
}

#[test]
fn the_command_writes_the_configuration_of_one_person() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = fmc_testkit::tree::scratch();
    std::fs::write(folder.path().join("cloud.yaml"), EXAMPLE).unwrap();
    let key = folder.path().join("root.key");
    std::fs::write(&key, &*fmc::keys::RootKey::from_bytes([7; 32]).to_text()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (code, said) = run_in(folder.path(), "vpn ben --root-key root.key --out ben.conf");
    assert!(code == 0 && said.contains("ben.conf lets ben into office"), "{said}");
    let path = folder.path().join("ben.conf");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    for line in [
        "AllowedIPs = 10.8.0.1/32, 10.17.3.14/32, fd00:8::1/128",
        "Endpoint = vpn.example.com:51820",
        "MTU = 1420",
        "PersistentKeepalive = 25",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    assert!(!said.contains(text.lines().find_map(|line| line.strip_prefix("PrivateKey = ")).unwrap()));
    let (_, drawn) = run_in(folder.path(), "vpn ben --root-key root.key --qr");
    // Notes go to standard error, which comes behind.
    let code: String =
        drawn.lines().filter(|line| line.contains(['█', '▀', '▄'])).map(|line| format!("{line}\n")).collect();
    assert_eq!(fmc_testkit::qr::read(&code).unwrap().trim_end(), text.trim_end());
    for (arguments, code, told) in [
        ("vpn ben --root-key root.key --out ben.conf", 1, "already exists, and was not changed"),
        ("vpn bem", 64, "no tunnel of the cloud has `bem` among its people\n  help: did you mean ben?"),
        ("vpn ben --tunnel offices", 64, "the cloud has no tunnel `offices`"),
        ("vpn ben", 0, "the public sample key"),
    ] {
        let (found, said) = run_in(folder.path(), arguments);
        assert!(found == code && said.contains(told), "{arguments}: {found} {said}");
    }
}

/// Keys are in files that root and the network's program alone read, and in nothing that a person prints.
#[test]
fn no_plan_shows_a_key() {
    let folder = fmc_testkit::tree::scratch();
    std::fs::write(folder.path().join("cloud.yaml"), EXAMPLE).unwrap();
    let (_, client) = run_in(folder.path(), "vpn ana");
    let keys: Vec<&str> =
        client.lines().filter_map(|line| line.split_once("Key = ")).map(|(_, key)| key).collect();
    assert_eq!(keys.len(), 3);
    for command in ["check", "plan --connect sim:host.json", "graph", "convert rust"] {
        let (code, said) = run_in(folder.path(), command);
        assert_eq!(code, 0, "{said}");
        assert!(!keys.iter().any(|key| said.contains(key)), "{command}");
    }
    let checked = from_yaml(EXAMPLE).unwrap().check().unwrap();
    let mut guarded = 0;
    for machine in checked.machines() {
        for file in machine.guest.files.iter().filter(|file| file.contents.secrets().next().is_some()) {
            let (mode, group) = (file.mode.bits(), file.owner.group.as_ref().map(AsRef::as_ref));
            assert!(
                (mode, group) == (0o600, None) || (mode, group) == (0o640, Some("systemd-network")),
                "{}",
                file.path
            );
            guarded += 1;
        }
    }
    // Two files of systemd-networkd on two machines, and a keyfile on the two others.
    assert_eq!(guarded, 6);
}

/// Who is taken out of the cloud changes the gateway and nothing else; another key of theirs does the same.
#[test]
fn revoking_a_person_changes_the_gateway_alone() {
    let folder = fmc_testkit::tree::scratch();
    let write = |text: &str| std::fs::write(folder.path().join("cloud.yaml"), text).unwrap();
    for changed in [
        with(&[("        ana: {reach: [{network: core}]}\n", "")]),
        with(&[(ANA, "ana: {reach: [{network: core}], generation: 2}")]),
    ] {
        write(EXAMPLE);
        let _ = std::fs::remove_file(folder.path().join("host.json"));
        let (code, said) = run_in(folder.path(), "apply --yes --connect sim:host.json");
        assert_eq!(code, 0, "{said}");
        write(&changed);
        let (code, said) = run_in(folder.path(), "plan --connect sim:host.json");
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("--replace vpn"), "{said}");
        for other in ["db", "vault", "branch"] {
            assert!(!said.contains(&format!("--replace {other}")), "{said}");
        }
        let (code, said) = run_in(folder.path(), "apply --yes --replace vpn --connect sim:host.json");
        assert_eq!(code, 0, "{said}");
        let (code, said) = run_in(folder.path(), "plan --detailed-exitcode --connect sim:host.json");
        assert_eq!(code, 0, "{said}");
    }
}
