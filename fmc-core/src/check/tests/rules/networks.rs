//! Networks, addresses, names and routes.

use super::super::{findings, found, yaml};
use super::{TWO_HOSTS, debian, finds, small};
use crate::check::problem::ResolverProblem;
use crate::finding::Words;

#[test]
fn networks_that_contradict_themselves() {
    let conflict = |network: &str, field: &str| {
        finds(&small(&format!("n: {{{network}}}"), ""), &[&format!("network-conflict networks.n.{field}")]);
    };
    conflict("mode: bridge, bridge: br0, dhcp: 10.0.0.2-10.0.0.9, subnet: 10.0.0.0/24", "dhcp");
    conflict(
        "mode: bridge, bridge: br0, reservations: [{mac: '52:54:00:00:00:01', address: 10.0.0.2}], subnet: 10.0.0.0/24",
        "reservations",
    );
    conflict("mode: bridge, bridge: br0, host: hv", "host");
    conflict("mode: nat, subnet: 'fd00::/64'", "subnet");
    conflict("mode: nat, ipv6: 10.0.0.0/24", "ipv6");
    conflict("mode: nat, subnet: 10.0.0.0/24, gateway: 'fd00::1'", "gateway");
    conflict("mode: nat, subnet: 10.0.0.0/24, gateway6: 'fd00::1'", "gateway6");
    conflict("mode: nat, subnet: 10.0.0.0/24, dhcp6: 'fd00::1-fd00::9'", "dhcp6");
    conflict("mode: nat, subnet: 10.0.0.0/24, ipv6: 'fd00::/64', mtu: 1000", "mtu");
    conflict("mode: nat, subnet: 10.0.0.0/24, bridge: br0", "bridge");
    finds(
        &small(
            "a: {mode: nat, subnet: 10.0.0.0/24, bridge: br1}, b: {mode: nat, subnet: 10.0.1.0/24, bridge: br1}",
            "",
        ),
        &["network-conflict networks.b.bridge"],
    );
    let incomplete = |network: &str, field: &str| {
        finds(&small(&format!("n: {{{network}}}"), ""), &[&format!("network-incomplete networks.n.{field}")]);
    };
    incomplete("mode: open", "subnet");
    incomplete("mode: bridge", "bridge");
    incomplete("mode: nat, subnet: 10.0.0.1/32", "subnet");
    finds(&small("n: {mode: isolated}", ""), &[]);
    finds(&small("n: {mode: routed, ipv6: 'fd00::/64'}", ""), &[]);
}

#[test]
fn interfaces_that_contradict_themselves() {
    let on = |interface: &str, expected: &[&str]| {
        finds(
            &small(
                "n: {mode: nat, subnet: 10.0.0.0/24, ipv6: 'fd00::/64'}, lan: {mode: bridge, bridge: br0}",
                &format!("m: {{image: {{os: none}}, interfaces: [{{{interface}}}]}}"),
            ),
            expected,
        );
    };
    on("network: n, address: 10.0.0.2, address6: 'fd00::2'", &[]);
    on("network: n, reserved: 10.0.0.2, address6: 'fd00::2'", &[]);
    on("network: n, address: 'fd00::2'", &["network-conflict machines.m.interfaces[0].address"]);
    on("network: n, reserved6: 10.0.0.2", &["network-conflict machines.m.interfaces[0].reserved6"]);
    on(
        "network: n, address: 10.0.0.2, reserved: 10.0.0.3",
        &["network-conflict machines.m.interfaces[0].reserved"],
    );
    on("network: lan, address: 192.168.0.2", &["network-incomplete machines.m.interfaces[0].address"]);
    on(
        "network: lan, reserved6: 'fd00::2'",
        &[
            "network-conflict machines.m.interfaces[0].reserved6",
            "network-incomplete machines.m.interfaces[0].reserved6",
        ],
    );
    on("network: lan", &[]);
}

#[test]
fn bridges_that_hosts_have() {
    let lan = "networks: {lan: {mode: bridge, bridge: br0}}\n";
    finds(&format!("{TWO_HOSTS}{lan}"), &[]);
    let machine = |host: &str| {
        format!(
            "{TWO_HOSTS}{lan}machines: {{m: {{image: {{os: none}}, host: {host}, interfaces: [{{network: lan}}]}}}}\n"
        )
    };
    finds(&machine("a"), &[]);
    finds(&machine("b"), &["bridge-unknown networks.lan.bridge"]);
}

#[test]
fn addresses_that_two_have() {
    let on = |networks: &str, a: &str, b: &str, expected: &[&str]| {
        let machine = |name: &str, interface: &str| {
            format!("{name}: {{image: {{os: none}}, interfaces: [{{{interface}}}]}}")
        };
        finds(&small(networks, &format!("{}, {}", machine("b", b), machine("a", a))), expected);
    };
    let nets = "n: {mode: nat, subnet: 10.0.0.0/24}, o: {mode: nat, subnet: 10.0.1.0/24}";
    on(nets, "network: n, address: 10.0.0.2", "network: n, address: 10.0.0.3", &[]);
    on(
        nets,
        "network: n, address: 10.0.0.2",
        "network: n, reserved: 10.0.0.2",
        &["address-duplicate machines.b.interfaces[0].reserved"],
    );
    on(
        "n: {mode: nat, subnet: 10.0.0.0/24, reservations: [{mac: '52:54:00:00:00:01', address: 10.0.0.2}]}",
        "network: n, address: 10.0.0.2",
        "network: n",
        &["address-duplicate networks.n.reservations[0].address"],
    );
    // Two names of one LAN are one segment.
    on(
        "n: {mode: bridge, bridge: br0, subnet: 10.0.0.0/24}, o: {mode: bridge, bridge: br0, subnet: 10.0.0.0/24}",
        "network: n, address: 10.0.0.2",
        "network: o, address: 10.0.0.2",
        &["address-duplicate machines.b.interfaces[0].address", "subnet-overlap networks.o.subnet"],
    );
}

#[test]
fn free_addresses_that_are_named_are_free_and_different() {
    let mut text = String::new();
    for n in 2..=9 {
        text += &format!(
            "a{n}: {{image: {{os: none}}, interfaces: [{{network: n, address: 10.0.0.{}}}]}},",
            n / 2 * 2
        );
    }
    let networks = "n: {mode: nat, subnet: 10.0.0.0/28, dhcp: 10.0.0.9-10.0.0.12}";
    let cloud = yaml(&small(networks, &text));
    let help: Vec<_> = findings(&cloud).into_iter().map(|finding| finding.help()).collect();
    let free = |address: &str| format!("give one of them a free address of n (10.0.0.0/28){address}");
    assert_eq!(
        help,
        [
            free(", for example 10.0.0.3"),
            free(", for example 10.0.0.5"),
            free(", for example 10.0.0.7"),
            free(", for example 10.0.0.13"),
        ]
    );
}

#[test]
fn addresses_in_their_place() {
    let on = |address: &str, expected: &[&str]| {
        finds(
            &small(
                "n: {mode: nat, subnet: 10.0.0.0/24, dhcp: 10.0.0.100-10.0.0.199}, lan: {mode: bridge, bridge: br0, subnet: 192.168.0.0/24, gateway: 192.168.0.1}",
                &format!("m: {{image: {{os: none}}, interfaces: [{address}]}}"),
            ),
            expected,
        );
    };
    on("{network: n, address: 10.0.0.2}", &[]);
    on("{network: n, address: 10.0.1.2}", &["address-outside machines.m.interfaces[0].address"]);
    on("{network: n, address: 10.0.0.0}", &["address-taken machines.m.interfaces[0].address"]);
    on("{network: n, address: 10.0.0.255}", &["address-taken machines.m.interfaces[0].address"]);
    on("{network: n, reserved: 10.0.0.1}", &["address-taken machines.m.interfaces[0].reserved"]);
    // dnsmasq gives a reserved address to nobody else; of a static one it does not know.
    on("{network: n, reserved: 10.0.0.150}", &[]);
    on("{network: n, address: 10.0.0.150}", &["reservation-in-range machines.m.interfaces[0].address"]);
    on("{network: n, address6: 'fd00::2'}", &["address-outside machines.m.interfaces[0].address6"]);
    on("{network: lan, address: 192.168.0.1}", &["address-taken machines.m.interfaces[0].address"]);
    // The router of the LAN, with another side.
    on("{network: lan, address: 192.168.0.1}, {network: n}", &[]);
    finds(
        &small("n: {mode: nat, subnet: 10.0.0.0/24, gateway: 10.0.0.255, dhcp: 10.0.0.200-10.0.0.255}", ""),
        &["range-outside networks.n.dhcp", "gateway-unreachable networks.n.gateway"],
    );
}

/// A mistyped subnet is one mistake, and not one of each machine.
#[test]
fn a_subnet_without_any_of_its_networks_addresses() {
    let machine = |n: usize, address: &str| {
        format!("a{n}: {{image: {{os: none}}, interfaces: [{{network: n, address: {address}}}]}},")
    };
    let network = "n: {mode: nat, subnet: 10.71.3.0/24}";
    let cloud = small(network, &format!("{}{}", machine(1, "10.17.3.10"), machine(2, "10.17.3.11")));
    finds(&cloud, &["address-outside networks.n.subnet"]);
    let finding = findings(&yaml(&cloud)).into_iter().next().unwrap();
    assert_eq!(finding.also_at(), ["machines.a1.interfaces[0].address", "machines.a2.interfaces[0].address"]);
    assert!(finding.help().contains("for example 10.17.3.0/24"), "{finding:?}");
    // With one address inside, the others are wrong.
    let mixed =
        format!("{}{}{}", machine(1, "10.17.3.10"), machine(2, "10.17.3.11"), machine(3, "10.71.3.9"));
    let each = ["a1", "a2"].map(|name| format!("address-outside machines.{name}.interfaces[0].address"));
    finds(&small(network, &mixed), &each.each_ref().map(String::as_str));
}

#[test]
fn subnets_that_overlap_where_both_are_seen() {
    let hosts = "name: first\nhosts: {a: {uri: qemu+ssh://a/system, bridges: [br0]}, b: {uri: qemu+ssh://b/system}}\n";
    let two = |a: &str, b: &str, expected: &[&str]| {
        finds(&format!("{hosts}networks: {{m: {{{a}}}, n: {{{b}}}}}\n"), expected);
    };
    let overlap = ["subnet-overlap networks.n.subnet"];
    two("mode: nat, host: a, subnet: 10.0.0.0/24", "mode: nat, host: b, subnet: 10.0.0.0/24", &[]);
    two("mode: nat, host: a, subnet: 10.0.0.0/24", "mode: nat, host: a, subnet: 10.0.0.0/24", &overlap);
    two("mode: routed, host: a, subnet: 10.0.0.0/16", "mode: open, host: b, subnet: 10.0.7.0/24", &overlap);
    two(
        "mode: bridge, bridge: br0, subnet: 10.0.0.0/16",
        "mode: nat, host: a, subnet: 10.0.7.0/24",
        &overlap,
    );
    two("mode: bridge, bridge: br0, subnet: 10.0.0.0/16", "mode: nat, host: b, subnet: 10.0.7.0/24", &[]);
    two("mode: nat, host: a, subnet: 10.0.7.0/24", "mode: nat, host: a, subnet: 10.0.0.0/16", &overlap);
    finds(
        &format!(
            "{hosts}networks: {{l: {{mode: nat, host: a, subnet: 10.0.0.0/8}}, m: {{mode: nat, host: a, subnet: 10.0.0.0/24}}, n: {{mode: nat, host: a, subnet: 10.9.0.0/24}}, o: {{mode: nat, host: a, subnet: 100.64.0.0/24}}}}\n"
        ),
        &["subnet-overlap networks.m.subnet", "subnet-overlap networks.n.subnet"],
    );
}

#[test]
fn macs_and_names_that_two_have() {
    let net = |reservations: &str| {
        format!("n: {{mode: nat, subnet: 10.0.0.0/24, ipv6: 'fd00::/64', reservations: [{reservations}]}}")
    };
    let mac = "mac: '52:54:00:00:00:01'";
    finds(&small(&net(&format!("{{{mac}, address: 10.0.0.2}}, {{{mac}, address: 'fd00::2'}}")), ""), &[]);
    finds(
        &small(&net(&format!("{{{mac}, address: 10.0.0.2}}, {{{mac}, address: 10.0.0.3}}")), ""),
        &["mac-duplicate networks.n.reservations[1].mac"],
    );
    finds(
        &small(
            &net(&format!("{{{mac}, address: 10.0.0.2}}")),
            &format!("m: {{image: {{os: none}}, interfaces: [{{network: n, {mac}}}]}}"),
        ),
        &["mac-duplicate networks.n.reservations[0].mac"],
    );
    finds(
        &small(
            &net(""),
            &format!(
                "m: {{image: {{os: none}}, interfaces: [{{network: n, {mac}}}, {{network: n, {mac}}}]}}"
            ),
        ),
        &["mac-duplicate machines.m.interfaces[1].mac"],
    );
    let named = |a: &str, b: &str, expected: &[&str]| {
        finds(
            &small("", &format!("a: {{image: {{os: none}}, {a}}}, b: {{image: {{os: none}}, {b}}}")),
            expected,
        );
    };
    named("hostname: b", "cpus: 1", &["hostname-duplicate machines.b.hostname"]);
    named("fqdn: x.example.com, hostname: x", "fqdn: x.example.org, hostname: x", &[]);
    named("fqdn: x.example.com", "cpus: 1", &["hostname-mismatch machines.a.fqdn"]);
    named("fqdn: a.example.com", "cpus: 1", &[]);
}

#[test]
fn public_addresses_are_public() {
    for (address, is_public) in
        [("9.9.9.9", true), ("192.168.0.21", false), ("100.64.0.1", false), ("2a00::1", true)]
    {
        let expected: &[&str] = if is_public { &[] } else { &["address-not-public public_addresses[0]"] };
        finds(&format!("name: first\npublic_addresses: ['{address}']\n"), expected);
    }
}

/// A DNS server on one network and a client on another, by the modes of the two.
fn client_and_server(client: &str, server: &str, resolver: &str) -> String {
    small(
        &format!("c: {{mode: {client}, subnet: 10.0.1.0/24}}, s: {{mode: {server}, subnet: 10.0.0.0/24}}"),
        &format!(
            "{}, {}",
            debian("m", &format!("interfaces: [{{network: c, address: 10.0.1.2}}], resolvers: [{resolver}]")),
            "d: {image: {os: none}, interfaces: [{network: s, address: 10.0.0.11}]}",
        ),
    )
}

#[test]
fn resolvers_by_the_modes_of_two_networks() {
    let unreachable = ["resolver-unreachable machines.m.resolvers[0]"];
    for (client, server, reaches) in [
        ("nat", "nat", false),
        ("routed", "nat", false),
        ("open", "nat", false),
        ("nat", "isolated", false),
        ("nat", "routed", true),
        ("nat", "open", true),
        ("routed", "routed", true),
        ("open", "routed", true),
    ] {
        let expected: &[&str] = if reaches { &[] } else { &unreachable };
        finds(&client_and_server(client, server, "10.0.0.11"), expected);
        // An unused address, and the other network's own dnsmasq.
        finds(&client_and_server(client, server, "10.0.0.12"), &unreachable);
        finds(&client_and_server(client, server, "10.0.0.1"), &unreachable);
        // Its own gateway, an unused address beside it, and the Internet.
        finds(&client_and_server(client, server, "10.0.1.1"), &[]);
        finds(&client_and_server(client, server, "10.0.1.9"), &unreachable);
        finds(&client_and_server(client, server, "9.9.9.9"), &[]);
    }
    let alone =
        ["resolver-unreachable machines.m.resolvers[0]", "default-route-missing machines.m.interfaces"];
    finds(&client_and_server("isolated", "routed", "10.0.0.11"), &alone);
    finds(&client_and_server("isolated", "routed", "9.9.9.9"), &alone);
    // The machine's own network answers, without a default route too.
    finds(
        &client_and_server("isolated", "routed", "10.0.1.1"),
        &["default-route-missing machines.m.interfaces"],
    );
}

#[test]
fn a_lan_may_have_what_the_cloud_does_not_know() {
    let lan = "lan: {mode: bridge, bridge: br0, subnet: 192.168.0.0/24, gateway: 192.168.0.1}";
    let on = |networks: &str, rest: &str, expected: &[&str]| {
        finds(&small(&format!("{lan}{networks}"), &debian("m", rest)), expected);
    };
    let at = "interfaces: [{network: lan, address: 192.168.0.20}]";
    on("", &format!("{at}, resolvers: [192.168.0.53]"), &[]);
    on("", &format!("{at}, resolvers: [10.9.9.9]"), &[]);
    on("", at, &["resolver-missing machines.m.resolvers"]);
    on("", "interfaces: [{network: lan}]", &[]);
    on(
        ", n: {mode: nat, subnet: 10.0.0.0/24, reservations: [{mac: '52:54:00:00:00:01', address: 10.0.0.2}]}",
        &format!("{at}, resolvers: [10.0.0.2]"),
        &["resolver-unreachable machines.m.resolvers[0]"],
    );
    // Through a second interface on a routed network, independent of the default route.
    on(
        ", n: {mode: routed, subnet: 10.0.0.0/24}, o: {mode: routed, subnet: 10.0.1.0/24, reservations: [{mac: '52:54:00:00:00:01', address: 10.0.1.2}]}",
        "interfaces: [{network: lan, address: 192.168.0.20, default_route: true}, {network: n, address: 10.0.0.2}], resolvers: [10.0.1.2]",
        &[],
    );
}

#[test]
fn a_network_without_a_resolver_is_one_finding_for_all_its_machines() {
    let machines: Vec<String> = (10..90)
        .map(|n| debian(&format!("m{n}"), &format!("interfaces: [{{network: lan, address: 192.168.0.{n}}}]")))
        .collect();
    let lan = "lan: {mode: bridge, bridge: br0, subnet: 192.168.0.0/24, gateway: 192.168.0.1}";
    let all = findings(&yaml(&small(lan, &machines.join(", "))));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.kind().as_str(), finding.at()), ("resolver-missing", "machines.m10.resolvers"));
    assert_eq!(finding.message(), "m10, m11, m12, m13, m14, m15, m16, m17 and 72 more have no resolver");
}

#[test]
fn one_list_of_resolvers_is_one_finding_for_all_its_machines() {
    let machine = |n: usize| {
        debian(&format!("m{n}"), &format!("interfaces: [{{network: c, address: 10.0.1.{}}}]", n + 2))
    };
    let machines: Vec<_> = (1..=3).map(machine).collect();
    let cloud = yaml(&format!(
        "{}resolvers: [10.0.0.11]\n",
        small(
            "c: {mode: nat, subnet: 10.0.1.0/24}, s: {mode: nat, subnet: 10.0.0.0/24}",
            &machines.join(", ")
        )
    ));
    let findings = findings(&cloud);
    assert_eq!(found(&cloud), ["resolver-unreachable resolvers[0]"]);
    let Some(ResolverProblem::Refused { machines, resolver, from, to, .. }) = findings[0].problem() else {
        panic!("{}", findings[0])
    };
    assert_eq!(machines.iter().collect::<Vec<_>>(), ["m1", "m2", "m3"]);
    assert_eq!((&*resolver.to_string(), &**from, &**to), ("10.0.0.11", "c", "s"));
}

#[test]
fn default_routes() {
    let nets = "n: {mode: nat, subnet: 10.0.0.0/24, dhcp: 10.0.0.100-10.0.0.199}, i: {mode: isolated, subnet: 10.0.1.0/24, dhcp: 10.0.1.100-10.0.1.199}, lan: {mode: bridge, bridge: br0, subnet: 192.168.0.0/24}";
    let on = |interfaces: &str, expected: &[&str]| {
        finds(
            &small(nets, &debian("m", &format!("resolvers: [9.9.9.9], interfaces: [{interfaces}]"))),
            expected,
        );
    };
    on("{network: n}", &[]);
    on("{network: i}, {network: n}", &[]);
    on("{network: lan}", &[]);
    on(
        "{network: n, default_route: true}, {network: n, default_route: true}",
        &["default-route-duplicate machines.m.interfaces[1].default_route"],
    );
    on(
        "{network: n}, {network: i, default_route: true}",
        &["gateway-unreachable machines.m.interfaces[1].default_route"],
    );
    on(
        "{network: lan, address: 192.168.0.2, default_route: true}",
        &["gateway-unreachable machines.m.interfaces[0].default_route"],
    );
    on("{network: lan, address: 192.168.0.2}", &["default-route-missing machines.m.interfaces"]);
    on("", &["default-route-missing machines.m.interfaces"]);
    on("{network: n, default_route: false}", &["resolver-unreachable machines.m.resolvers[0]"]);
}

#[test]
fn a_lans_router_may_be_on_the_link_and_outside_of_the_subnet() {
    let lan = |addresses: &str| {
        small(&format!("lan: {{mode: bridge, bridge: br0, {addresses}, resolvers: [9.9.9.9]}}"), "")
    };
    finds(&lan("subnet: 203.0.113.7/32, gateway: 198.51.100.1"), &[]);
    finds(&lan("ipv6: '2001:db8:7::/64', gateway6: 'fe80::1'"), &[]);
    finds(&lan("subnet: 203.0.113.0/29, gateway: 198.51.100.1"), &["gateway-on-link networks.lan.gateway"]);
    finds(
        &lan("subnet: 203.0.113.0/29, gateway: 203.0.113.7"),
        &["gateway-unreachable networks.lan.gateway"],
    );
    finds(
        &small("n: {mode: nat, subnet: 10.0.0.0/24, gateway: 10.0.1.1}", ""),
        &["gateway-unreachable networks.n.gateway"],
    );
    let accepted = "accept: [{kind: gateway-on-link, reason: the hoster's router is on the link}]\n";
    let text = format!("{}{accepted}", lan("subnet: 203.0.113.0/29, gateway: 198.51.100.1"));
    yaml(&text).check().unwrap();
}

#[test]
fn an_interface_that_nobody_gives_an_address_is_told() {
    let on = |network: &str, rest: &str, expected: &[&str]| {
        let resolver = if network.contains("subnet:") { "9.9.9.9" } else { "'2606:4700:4700::1111'" };
        let machine = debian("m", &format!("resolvers: [{resolver}], {rest}"));
        finds(&small(&format!("n: {{{network}}}"), &machine), expected);
    };
    let missing = ["address-missing machines.m.interfaces[0]"];
    let shut_in =
        ["resolver-unreachable machines.m.resolvers[0]", "address-missing machines.m.interfaces[0]"];
    let plain = "interfaces: [{network: n}]";
    for mode in ["nat", "routed", "open"] {
        on(&format!("mode: {mode}, subnet: 10.0.0.0/24"), plain, &missing);
        on(&format!("mode: {mode}, subnet: 10.0.0.0/24, dhcp: 10.0.0.9-10.0.0.20"), plain, &[]);
        on(
            &format!("mode: {mode}, subnet: 10.0.0.0/24"),
            "interfaces: [{network: n, address: 10.0.0.2}]",
            &[],
        );
        on(
            &format!("mode: {mode}, subnet: 10.0.0.0/24"),
            "interfaces: [{network: n, reserved: 10.0.0.2}]",
            &[],
        );
    }
    let isolated = "interfaces: [{network: n, default_route: false}]";
    on("mode: isolated, subnet: 10.0.0.0/24", isolated, &shut_in);
    // Frames alone.
    on("mode: isolated", isolated, &[]);
    // A guest makes its own address of a prefix of 64 bits, and of no other one.
    on("mode: nat, ipv6: 'fd00::/64'", plain, &[]);
    on("mode: nat, subnet: 10.0.0.0/24, ipv6: 'fd00::/64'", plain, &[]);
    on("mode: nat, ipv6: 'fd00::/80'", plain, &missing);
    on("mode: nat, ipv6: 'fd00::/80', dhcp6: 'fd00::9-fd00::20'", plain, &[]);
    on("mode: nat, ipv6: 'fd00::/80'", "interfaces: [{network: n, address6: 'fd00::2'}]", &[]);
    // Another kind of host answers on a LAN, and nothing configures a machine without a system.
    finds(
        &small(
            "lan: {mode: bridge, bridge: br0, subnet: 10.0.0.0/24}",
            &debian("m", "resolvers: [9.9.9.9], interfaces: [{network: lan}]"),
        ),
        &[],
    );
    finds(
        &small("n: {mode: nat, subnet: 10.0.0.0/24}", "m: {image: {os: none}, interfaces: [{network: n}]}"),
        &[],
    );
}

#[test]
fn machines_of_one_network_without_addresses_are_one_finding() {
    let machines: Vec<String> =
        (10..40).map(|n| debian(&format!("m{n}"), "interfaces: [{network: n}]")).collect();
    let taken = debian("z", "interfaces: [{network: n, address: 10.0.0.200}]");
    let cloud = small("n: {mode: nat, subnet: 10.0.0.0/24}", &format!("{}, {taken}", machines.join(", ")));
    let all = findings(&yaml(&cloud));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.kind().as_str(), finding.at()), ("address-missing", "machines.m10.interfaces[0]"));
    assert!(finding.message().contains("m17 and 22 more get no address on n"), "{}", finding.message());
    let help = finding.help_in(Words::File);
    assert!(
        help.contains("`address: 10.0.0.10`") && help.contains("`dhcp: 10.0.0.201-10.0.0.254`"),
        "{help}"
    );
}
