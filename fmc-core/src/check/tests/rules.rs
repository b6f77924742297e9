//! Each rule by its cases: what is found, where, and what is not.

use super::{found, yaml};
use crate::cloud::Cloud;
use crate::finding::{Kind, Severity};

/// Asserts what is found in a cloud, as `kind path` in the order of the report.
#[track_caller]
fn finds(text: &str, expected: &[&str]) {
    assert_eq!(found(&yaml(text)), expected, "{text}");
}

/// A cloud with one host and these networks and machines.
fn small(networks: &str, machines: &str) -> String {
    format!(
        "name: first\nhosts: {{hv: {{bridges: [br0]}}}}\nnetworks: {{{networks}}}\nmachines: {{{machines}}}\n"
    )
}

/// A machine that is provisioned and finds nothing wrong by itself.
fn debian(name: &str, rest: &str) -> String {
    format!(
        "{name}: {{image: {{os: debian, version: '12', source: {{path: /i/d12.qcow2}}, digest: '{DIGEST}'}}, root_disk: 9 GiB, \
         guest: {{users: {{ops: {{keys: ['{KEY}']}}}}}}, {rest}}}"
    )
}

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";
const TWO_HOSTS: &str =
    "name: first\nhosts: {a: {uri: qemu+ssh://a/system, bridges: [br0]}, b: {uri: qemu+ssh://b/system}}\n";

#[test]
fn every_wrong_leaf_has_its_path() {
    finds(
        "name: First
owner: a_b
domain: -x
time_zone: Nowhere
resolvers: [10.0.0.300]
public_addresses: [x]
hosts:
  h_v:
    uri: virtualbox
    memory: 35 GB
    reserve: x
    machine_type: isapc
    base: images
    capacity: 1 TB
    topology: {sockets: 0, cores: 1, threads: 1}
    cpu: {named: 'a b'}
    bridges: [a-bridge-of-17-ch]
    pools: {fast: {path: x, capacity: '0'}}
networks:
  n_t:
    mode: bridge
    bridge: a-bridge-of-17-ch
    subnet: 10.17.4.1/24
    gateway: x
    domain: .
    mtu: 9
    resolvers: [y]
machines:
  m_c:
    image:
      os: none
      version: \"1\\n2\"
      source: {file: {path: a, digest: md5}}
      digest: x
      minimum: x
      kernel: {kernel: k, initrd: i, command_line: \"a\\0b\"}
    cpus: 0
    memory: 1000 KiB
    root_disk: {size: 1000 B, allocation: full}
    disks: {d_d: {size: x, serial: 'a b', pool: '/'}}
    interfaces: [{network: n t, address: x, address6: y, reserved: z, reserved6: u, mac: v}]
    hostname: h_n
    fqdn: x_y.z
    time_zone: Nowhere
    resolvers: [w]
accept: [{kind: pool-thin, reason: ' '}]
",
        &[
            "value-invalid accept[0].reason",
            "name-invalid domain",
            "name-invalid hosts.h_v",
            "value-invalid hosts.h_v.base",
            "name-invalid hosts.h_v.bridges[0]",
            "size-invalid hosts.h_v.capacity",
            "value-invalid hosts.h_v.cpu",
            "value-invalid hosts.h_v.machine_type",
            "size-invalid hosts.h_v.memory",
            "size-invalid hosts.h_v.pools.fast.capacity",
            "value-invalid hosts.h_v.pools.fast.path",
            "size-invalid hosts.h_v.reserve",
            "value-invalid hosts.h_v.topology",
            "value-invalid hosts.h_v.uri",
            "name-invalid machines.m_c",
            "value-invalid machines.m_c.cpus",
            "name-invalid machines.m_c.disks.d_d",
            "name-invalid machines.m_c.disks.d_d.pool",
            "name-invalid machines.m_c.disks.d_d.serial",
            "size-invalid machines.m_c.disks.d_d.size",
            "name-invalid machines.m_c.fqdn",
            "name-invalid machines.m_c.hostname",
            "value-invalid machines.m_c.image.digest",
            "value-invalid machines.m_c.image.kernel.command_line",
            "value-invalid machines.m_c.image.kernel.initrd",
            "value-invalid machines.m_c.image.kernel.kernel",
            "size-invalid machines.m_c.image.minimum",
            "value-invalid machines.m_c.image.source.file.digest",
            "value-invalid machines.m_c.image.source.file.path",
            "value-invalid machines.m_c.image.version",
            "address-invalid machines.m_c.interfaces[0].address",
            "address-invalid machines.m_c.interfaces[0].address6",
            "address-invalid machines.m_c.interfaces[0].mac",
            "name-invalid machines.m_c.interfaces[0].network",
            "address-invalid machines.m_c.interfaces[0].reserved",
            "network-conflict machines.m_c.interfaces[0].reserved",
            "address-invalid machines.m_c.interfaces[0].reserved6",
            "network-conflict machines.m_c.interfaces[0].reserved6",
            "size-invalid machines.m_c.memory",
            "address-invalid machines.m_c.resolvers[0]",
            "size-invalid machines.m_c.root_disk.size",
            "value-invalid machines.m_c.time_zone",
            "name-invalid name",
            "name-invalid networks.n_t",
            "name-invalid networks.n_t.bridge",
            "name-invalid networks.n_t.domain",
            "address-invalid networks.n_t.gateway",
            "value-invalid networks.n_t.mtu",
            "address-invalid networks.n_t.resolvers[0]",
            "address-invalid networks.n_t.subnet",
            "name-invalid owner",
            "address-invalid public_addresses[0]",
            "address-invalid resolvers[0]",
            "value-invalid time_zone",
            "accept-unused accept[0].kind",
        ],
    );
}

#[test]
fn references_and_hosts() {
    finds("name: first\n", &[]);
    finds("name: first\nnetworks: {lan: {mode: bridge, bridge: br0}}\n", &[]);
    finds("name: first\nnetworks: {n: {mode: nat, subnet: 10.0.0.0/24}}\n", &["host-missing hosts"]);
    finds(
        &format!(
            "{TWO_HOSTS}networks: {{n: {{mode: nat, subnet: 10.0.0.0/24}}, o: {{mode: isolated, host: c}}}}\n"
        ),
        &["host-ambiguous networks.n.host", "reference-unknown networks.o.host"],
    );
    finds(
        &small(
            "",
            "m: {image: {os: none, source: {volume: {pool: x, name: y}}}, root_disk: 1 GiB, host: hw, disks: {d: {size: 1 GiB, pool: p}}}",
        ),
        &["reference-unknown machines.m.host", "image-unpinned machines.m.image.digest"],
    );
    finds(
        &small(
            "",
            "m: {image: {os: none, source: {volume: {pool: x, name: y}}, digest: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'}, root_disk: 1 GiB, disks: {d: {size: 1 GiB, pool: p}}}",
        ),
        &[
            "reference-unknown machines.m.disks.d.pool",
            "reference-unknown machines.m.image.source.volume.pool",
        ],
    );
    finds(
        &format!(
            "{TWO_HOSTS}networks: {{n: {{mode: nat, host: a, subnet: 10.0.0.0/24}}}}\nmachines: {{m: {{image: {{os: none}}, host: b, interfaces: [{{network: n}}]}}}}\n"
        ),
        &["host-mismatch machines.m.interfaces[0].network"],
    );
    finds(
        "name: first\nhosts: {hv: {pools: {fmc-first: {path: /a}, b: {path: /var/lib/libvirt/images/fmc-first}}}}\n",
        &["pool-conflict hosts.hv.pools.b.path", "pool-conflict hosts.hv.pools.fmc-first"],
    );
}

#[test]
fn an_unknown_name_is_answered_with_those_that_are_known() {
    let cloud = yaml(&small(
        "core: {mode: nat, subnet: 10.0.0.0/24}, kube: {mode: nat, subnet: 10.0.1.0/24}",
        "a: {image: {os: none}, interfaces: [{network: kubr}]}, b: {image: {os: none}, interfaces: [{network: lan}]}",
    ));
    let help: Vec<_> = super::findings(&cloud).into_iter().map(|finding| finding.help).collect();
    assert_eq!(
        help,
        [
            "did you mean kube? known here: core and kube",
            "add the network to the cloud; known here: core and kube"
        ]
    );
}

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
    let help: Vec<_> = super::findings(&cloud).into_iter().map(|finding| finding.help).collect();
    let free = |who: &str, address: &str| format!("give {who} a free address of n (10.0.0.0/28){address}");
    assert_eq!(
        help,
        [
            free("a3", ", for example 10.0.0.3"),
            free("a5", ", for example 10.0.0.5"),
            free("a7", ", for example 10.0.0.7"),
            free("a9", ", for example 10.0.0.13"),
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
    on("{network: n, reserved: 10.0.0.150}", &["reservation-in-range machines.m.interfaces[0].reserved"]);
    on("{network: n, address6: 'fd00::2'}", &["address-outside machines.m.interfaces[0].address6"]);
    on("{network: lan, address: 192.168.0.1}", &["address-taken machines.m.interfaces[0].address"]);
    // The router of the LAN, with another side.
    on("{network: lan, address: 192.168.0.1}, {network: n}", &[]);
    finds(
        &small("n: {mode: nat, subnet: 10.0.0.0/24, gateway: 10.0.0.255, dhcp: 10.0.0.200-10.0.0.255}", ""),
        &["range-outside networks.n.dhcp", "gateway-unreachable networks.n.gateway"],
    );
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
            "{hosts}networks: {{l: {{mode: nat, host: a, subnet: 10.0.0.0/8}}, m: {{mode: nat, host: a, subnet: 10.0.0.0/24}}, n: {{mode: nat, host: a, subnet: 10.9.0.0/24}}, o: {{mode: nat, host: a, subnet: 11.0.0.0/24}}}}\n"
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
        // Nobody there, and the other network's own dnsmasq.
        finds(&client_and_server(client, server, "10.0.0.12"), &unreachable);
        finds(&client_and_server(client, server, "10.0.0.1"), &unreachable);
        // Its own gateway, nobody beside it, and the Internet.
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
    // Through a second interface on a routed network, whatever has the default route.
    on(
        ", n: {mode: routed, subnet: 10.0.0.0/24}, o: {mode: routed, subnet: 10.0.1.0/24, reservations: [{mac: '52:54:00:00:00:01', address: 10.0.1.2}]}",
        "interfaces: [{network: lan, address: 192.168.0.20, default_route: true}, {network: n, address: 10.0.0.2}], resolvers: [10.0.1.2]",
        &[],
    );
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
    let findings = super::findings(&cloud);
    assert_eq!(found(&cloud), ["resolver-unreachable resolvers[0]"]);
    assert!(
        findings[0].message.starts_with("m1 and 2 other machines on c cannot reach 10.0.0.11"),
        "{}",
        findings[0]
    );
}

#[test]
fn default_routes() {
    let nets = "n: {mode: nat, subnet: 10.0.0.0/24}, i: {mode: isolated, subnet: 10.0.1.0/24}, lan: {mode: bridge, bridge: br0, subnet: 192.168.0.0/24}";
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
fn memory_processors_and_pools() {
    let host = |host: &str, machines: &str, expected: &[&str]| {
        finds(&format!("name: first\nhosts: {{hv: {{{host}}}}}\nmachines: {{{machines}}}\n"), expected);
    };
    let one = "m: {image: {os: none}, cpus: 2, memory: 2 GiB}";
    // 2048 for the guest, 38 + 16 + 4 for QEMU, 1024 for the host.
    host("memory: 3130 MiB", one, &[]);
    host("memory: 3129 MiB", one, &["memory-overcommit hosts.hv.memory"]);
    host("memory: 2618 MiB, reserve: 512 MiB", one, &[]);
    host("memory: 1 GiB", "m: {image: {os: none}, memory: 2 GiB, power: stopped}", &[]);
    host("topology: {sockets: 1, cores: 3, threads: 1}", one, &[]);
    host("topology: {sockets: 1, cores: 2, threads: 1}", one, &["cpu-overcommit hosts.hv.topology"]);
    let disks = "m: {image: {os: none}, root_disk: 10 GiB, disks: {a: {size: 10 GiB, allocation: full}, b: {size: 10 GiB, pool: p}}}";
    let pools = |own: u32, other: u32| {
        format!("capacity: {own} GiB, pools: {{p: {{path: /p, capacity: {other} GiB}}}}")
    };
    host(&pools(20, 10), disks, &[]);
    host(&pools(19, 10), disks, &["pool-thin hosts.hv.capacity"]);
    host(&pools(9, 10), disks, &["pool-overcommit hosts.hv.capacity"]);
    host(&pools(20, 9), disks, &["pool-thin hosts.hv.pools.p.capacity"]);
}

#[test]
fn a_lab_is_warned_of_its_size_and_not_refused() {
    let cloud = yaml(
        "name: first\nhosts: {hv: {memory: 1 GiB}}\nmachines: {m: {image: {os: debian, version: '12', minimum: 9 GiB}, root_disk: 1 GiB}}\n",
    );
    let lab = super::findings(&cloud.lab());
    assert!(lab.iter().all(|finding| finding.severity == Severity::Warning), "{lab:?}");
    let kinds: Vec<_> = lab.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [Kind::MemoryOvercommit, Kind::ImageTooLarge]);
}

#[test]
fn a_lab_of_a_lan_is_not_refused() {
    let lan = "lan: {mode: bridge, bridge: br0, subnet: 192.168.0.0/24, gateway: 192.168.0.1}, s: {mode: nat, subnet: 10.0.0.0/24}";
    let machine = debian(
        "m",
        "interfaces: [{network: lan, address: 192.168.0.20, default_route: true}], resolvers: [9.9.9.9]",
    );
    let cloud = yaml(&small(lan, &machine));
    assert_eq!(found(&cloud), [""; 0]);
    assert_eq!(found(&cloud.lab()), [""; 0]);
    let bare = yaml(&small("lan: {mode: bridge, bridge: br0}", &debian("m", "interfaces: [{network: lan}]")));
    assert_eq!(found(&bare.lab()), [""; 0]);
}

#[test]
fn images() {
    let image = |image: &str, rest: &str, expected: &[&str]| {
        finds(&small("", &format!("m: {{image: {{{image}}}, {rest}}}")), expected);
    };
    let pinned = format!("digest: '{DIGEST}'");
    let disk = "root_disk: 9 GiB";
    image("os: none", "cpus: 1", &[]);
    image(&format!("os: none, source: {{path: /i/a.qcow2}}, {pinned}"), disk, &[]);
    image("os: none, source: {path: /i/a.qcow2}", disk, &["image-unpinned machines.m.image.digest"]);
    image(
        &format!("os: none, source: {{path: /i/a.qcow2}}, {pinned}"),
        "cpus: 1",
        &["root-missing machines.m.root_disk"],
    );
    image(
        &format!("os: none, source: {{path: /i/a.qcow2}}, format: raw, {pinned}"),
        disk,
        &["image-format machines.m.image.source"],
    );
    image(
        &format!("os: none, source: {{path: /i/a.raw}}, {pinned}"),
        disk,
        &["image-format machines.m.image.source"],
    );
    // What is packed is unpacked on its way; an archive is not.
    image(&format!("os: none, source: {{url: {{url: 'https://x.org/a.img.bz2', {pinned}}}}}"), disk, &[]);
    image(
        &format!("os: none, source: {{url: {{url: 'https://x.org/a.img.zip', {pinned}}}}}"),
        disk,
        &["image-format machines.m.image.source"],
    );
    image(
        &format!("os: none, source: {{path: /i/a.qcow2}}, minimum: 10 GiB, {pinned}"),
        disk,
        &["image-too-large machines.m.root_disk"],
    );
    image("os: none, architecture: aarch64", disk, &["arch-mismatch machines.m.image.architecture"]);
    image("os: none, kernel: {kernel: /boot/vmlinuz}", "cpus: 1", &[]);
    image(
        "os: none",
        "disks: {a: {size: 1 GiB}, b: {size: 1 GiB, serial: a}}",
        &["serial-duplicate machines.m.disks.b.serial"],
    );
}

#[test]
fn one_image_is_one_finding() {
    let machine =
        |n: usize| format!("m{n}: {{image: {{os: none, source: {{path: /i/a.qcow2}}}}, root_disk: 1 GiB}}");
    let machines: Vec<_> = (1..=9).map(machine).collect();
    let cloud = yaml(&small("", &machines.join(", ")));
    assert_eq!(found(&cloud), ["image-unpinned machines.m1.image.digest"]);
    assert!(super::findings(&cloud)[0].message.ends_with("(m1 and 8 other machines)"));
}

#[test]
fn processors_by_level() {
    let el = |host: &str, os: &str, version: &str, expected: bool| {
        let text = format!(
            "name: first\nhosts: {{hv: {{{host}}}}}\nmachines: {{m: {{image: {{os: {os}, version: '{version}', source: {{path: /i/a.qcow2}}, digest: '{DIGEST}'}}, root_disk: 9 GiB}}}}\n"
        );
        let found = found(&yaml(&text));
        assert_eq!(
            found.contains(&"cpu-level machines.m.image".to_owned()),
            expected,
            "{host} {os} {version}: {found:?}"
        );
    };
    el("acceleration: kvm", "rocky", "9.4", false);
    el("acceleration: emulated", "rocky", "9.4", true);
    el("acceleration: emulated", "rocky", "8.10", false);
    el("acceleration: emulated", "debian", "12", false);
    el("acceleration: emulated, cpu: {named: max}", "rocky", "9.4", false);
    el("cpu: {named: Westmere}", "rocky", "9.4", false);
    el("cpu: {named: Penryn}", "almalinux", "9.4", true);
    el("cpu: {named: Westmere-IBRS}", "almalinux", "10.0", true);
    el("cpu: {named: EPYC-Rome}", "almalinux", "10.0", false);
    el("cpu: host-model, acceleration: emulated", "rocky", "9", false);
}

#[test]
fn what_is_accepted_has_its_reason() {
    let cloud = || {
        yaml("name: first\nhosts: {hv: {memory: 1 GiB}}\nmachines: {m: {image: {os: none}, memory: 2 GiB}}\n")
    };
    let refused = cloud().check().unwrap_err();
    assert_eq!(refused.findings()[0].accepted, None);
    let checked = cloud().accept("memory-overcommit", "a test").check().unwrap();
    assert_eq!(checked.findings.len(), 1);
    assert_eq!(checked.findings[0].accepted.as_deref(), Some("a test"));
    let accepts = |kind: &str| found(&Cloud::new("first").accept(kind, "x"));
    assert_eq!(accepts("name-invalid"), ["accept-unknown accept[0].kind"]);
    assert_eq!(accepts("nonsense"), ["accept-unknown accept[0].kind"]);
    assert_eq!(accepts("pool-thin"), ["accept-unused accept[0].kind"]);
    let twice = cloud().accept("memory-overcommit", "a").accept("memory-overcommit", "b");
    assert_eq!(found(&twice), ["memory-overcommit hosts.hv.memory", "accept-unused accept[1].kind"]);
}

#[test]
fn a_machine_that_nothing_configures() {
    finds(
        &small("", &format!("m: {{image: {{os: none}}, guest: {{users: {{ops: {{keys: ['{KEY}']}}}}}}}}")),
        &["guest-unused machines.m.guest"],
    );
    let locked = |n: usize| {
        debian(&format!("m{n}"), "interfaces: [{network: n}]").replace(&format!("keys: ['{KEY}']"), "")
    };
    let cloud = yaml(&small("n: {mode: nat, subnet: 10.0.0.0/24}", &format!("{}, {}", locked(2), locked(1))));
    assert_eq!(found(&cloud), ["login-missing machines.m1.guest.users"]);
    assert_eq!(super::findings(&cloud)[0].message, "nobody can log in to m1 and 1 other machine");
}

#[test]
fn a_secret_is_one_in_the_whole_cloud() {
    let machine = |name: &str, variable: &str| {
        debian(name, "interfaces: [{network: n}]").replace(
            "guest: {",
            &format!(
                "guest: {{files: {{/etc/t: {{contents: {{secret: {{name: t, source: {{environment: {variable}}}}}}}}}}}, "
            ),
        )
    };
    let cloud = |a: &str, b: &str| {
        let machines = format!("{}, {}", machine("b", b), machine("a", a));
        yaml(&small("n: {mode: nat, subnet: 10.0.0.0/24}", &machines))
    };
    assert_eq!(found(&cloud("T", "T")), [""; 0]);
    assert_eq!(found(&cloud("T", "U")), ["guest-clash machines.b.guest"]);
}
