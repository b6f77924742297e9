//! Values that are right by their form, and that no machine or network can use; and what follows from a wrong one.

use super::super::{findings, yaml};
use super::{debian, finds, small};

#[test]
fn subnets_that_no_network_of_machines_can_have() {
    for subnet in ["0.0.0.0/0", "127.0.0.0/24", "126.0.0.0/7", "224.0.3.0/24", "240.1.0.0/16", "0.1.0.0/24"] {
        finds(
            &small(&format!("lab: {{mode: nat, subnet: {subnet}}}"), ""),
            &["address-invalid networks.lab.subnet"],
        );
    }
    for subnet in ["fe80::/64", "ff02::/64", "::ffff:10.0.0.0/120", "fe00::/7"] {
        finds(
            &small(&format!("lab: {{mode: nat, subnet: 10.17.3.0/24, ipv6: '{subnet}'}}"), ""),
            &["address-invalid networks.lab.ipv6"],
        );
    }
}

#[test]
fn subnets_of_others() {
    for (network, found) in [
        ("mode: nat, subnet: 8.8.8.0/24", true),
        ("mode: isolated, subnet: 8.8.8.0/24", true),
        ("mode: nat, subnet: 169.254.3.0/24", true),
        ("mode: routed, subnet: 8.8.8.0/24", false),
        ("mode: bridge, bridge: br0, subnet: 8.8.8.0/24, gateway: 8.8.8.1", false),
        ("mode: nat, subnet: 203.0.113.0/24", false),
        ("mode: nat, subnet: 100.64.0.0/24", false),
    ] {
        let text = small(&format!("lab: {{{network}}}"), "");
        finds(&text, if found { &["subnet-foreign networks.lab.subnet"] } else { &[] });
    }
}

#[test]
fn a_resolver_of_a_family_that_the_network_does_not_have() {
    let machine = |rest: &str| debian("web", rest);
    let lab = "lab: {mode: nat, subnet: 10.17.3.0/24}";
    let both = "lab: {mode: nat, subnet: 10.17.3.0/24, ipv6: 'fd00:17::/64'}";
    let rest = "resolvers: ['2001:4860:4860::8888'], interfaces: [{network: lab, address: 10.17.3.10}]";
    finds(&small(lab, &machine(rest)), &["resolver-unreachable machines.web.resolvers[0]"]);
    finds(&small(both, &machine(rest)), &[]);
}

#[test]
fn names_and_macs_that_are_taken_by_others_than_machines() {
    let lab = "lab: {mode: nat, subnet: 10.17.3.0/24, dhcp: 10.17.3.100-10.17.3.199}";
    finds(
        &small(lab, &debian("localhost", "interfaces: [{network: lab}]")),
        &["hostname-duplicate machines.localhost"],
    );
    finds(
        &small(lab, &debian("web", "hostname: localhost, interfaces: [{network: lab}]")),
        &["hostname-duplicate machines.web.hostname"],
    );
    let reserved = "lab: {mode: nat, subnet: 10.17.3.0/24, dhcp: 10.17.3.100-10.17.3.199, reservations: [{mac: '52:54:00:00:00:09', address: \
                    10.17.3.20, hostname: web}]}";
    finds(
        &small(reserved, &debian("web", "interfaces: [{network: lab}]")),
        &["hostname-duplicate networks.lab.reservations[0].hostname"],
    );
    let uuid = crate::identity::uuid("first", "network", "lab");
    let mac = crate::identity::mac(&uuid);
    finds(
        &small(lab, &debian("web", &format!("interfaces: [{{network: lab, mac: '{mac}'}}]"))),
        &["mac-duplicate machines.web.interfaces[0].mac"],
    );
    finds(
        &small("lab: {mode: nat, subnet: 10.17.3.0/24, bridge: lo}", ""),
        &["name-invalid networks.lab.bridge"],
    );
}

#[test]
fn memory_below_what_a_system_starts_with() {
    let lab = "lab: {mode: nat, subnet: 10.17.3.0/24, dhcp: 10.17.3.100-10.17.3.199}";
    for (memory, found) in [("16 MiB", true), ("128 MiB", true), ("256 MiB", false), ("1 GiB", false)] {
        let text = small(lab, &debian("web", &format!("memory: {memory}, interfaces: [{{network: lab}}]")));
        finds(&text, if found { &["memory-small machines.web.memory"] } else { &[] });
    }
}

#[test]
fn a_missing_resolver_is_named_by_an_address_of_the_machines_network() {
    let text = small(
        "lan: {mode: bridge, bridge: br0, subnet: 192.168.1.0/24, gateway: 192.168.1.1}",
        &debian("web", "interfaces: [{network: lan, address: 192.168.1.20}]"),
    );
    let findings = findings(&yaml(&text));
    let help = findings[0].in_words(crate::finding::Words::File).to_string();
    assert!(help.contains("write `resolvers: [192.168.1.1]` on the machine"), "{help}");
}

#[test]
fn a_wrong_value_has_no_further_findings() {
    let cloud = |subnet: &str, address: &str, agents: &str| {
        let node = |name: &str, address: &str| {
            debian(
                name,
                &format!("cpus: 2, memory: 4 GiB, interfaces: [{{network: kube, address: {address}}}]"),
            )
        };
        let machines = [
            node("k1", address),
            node("k2", "10.20.0.12"),
            node("k3", "10.20.0.13"),
            node("w1", "10.20.0.21"),
        ];
        let mut text = small(&format!("kube: {{mode: nat, subnet: {subnet}}}"), &machines.join(", "));
        text.push_str(&format!(
            "clusters: {{prod: {{version: v1.36.3+k3s1, \
             servers: [k1, k2, k3], agents: {agents}}}}}\n"
        ));
        text
    };
    let kinds = |text: &str| {
        let mut kinds: Vec<&str> =
            findings(&yaml(text)).iter().map(|finding| finding.kind().as_str()).collect();
        kinds.retain(|kind| {
            !kind.starts_with("k3s-install") && !matches!(*kind, "k3s-endpoint-single" | "k3s-data-on-root")
        });
        kinds.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&cloud("10.20.0.0/24", "10.20.0.11", "[w1]")), [""; 0]);
    assert_eq!(kinds(&cloud("10.20.0.5/24", "10.20.0.11", "[w1]")), ["address-invalid"]);
    assert_eq!(kinds(&cloud("10.20.0.0/24", "10.20.0.300", "[w1]")), ["address-invalid"]);
    assert_eq!(kinds(&cloud("10.20.0.0/24", "10.20.0.1", "[w1]")), ["address-taken"]);
    assert_eq!(kinds(&cloud("10.20.0.0/24", "10.20.0.11", "[w1, k2]")), ["k3s-member-duplicate"]);
}
