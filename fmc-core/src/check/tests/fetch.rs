//! Ignition's remote files on machines that have no address yet.

use super::{findings, yaml};

fn found(os: &str, network: &str, interface: &str) -> Vec<String> {
    let version = if os == "debian" { "12" } else { "44.20260802.3.1" };
    let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let cloud = format!(
        "name: first\nhosts: {{local: {{bridges: [br0]}}}}\nnetworks:\n  lab: {network}\n  other: {{mode: nat, subnet: 10.17.9.0/24, \
         dhcp: 10.17.9.100-10.17.9.199}}\nmachines:\n  web:\n    image: {{os: {os}, version: \"{version}\", source: {{path: \
         /images/image.qcow2}}, digest: \"{digest}\"}}\n    root_disk: 20 GiB\n    interfaces: [{interface}]\n    guest:\n      \
         users: {{ops: {{keys: [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM\"]}}}}\n      \
         files: {{/opt/tool: {{contents: {{remote: {{url: \"https://example.org/tool\", digest: \"{digest}\"}}}}}}}}\n"
    );
    let kinds =
        findings(&yaml(&cloud)).iter().map(|finding| finding.kind().as_str().to_owned()).collect::<Vec<_>>();
    kinds.into_iter().filter(|kind| kind.starts_with("fetch")).collect()
}

#[test]
fn a_file_is_fetched_where_something_gives_an_address_first() {
    const LAN: &str =
        "{mode: bridge, bridge: br0, subnet: 10.17.3.0/24, gateway: 10.17.3.1, resolvers: [10.17.3.1]}";
    const FIXED: &str = "{mode: nat, subnet: 10.17.3.0/24}";
    const RANGE: &str = "{mode: nat, subnet: 10.17.3.0/24, dhcp: 10.17.3.100-10.17.3.199}";
    const STATIC: &str = "{network: lab, address: 10.17.3.10}";
    for (os, network, interface, kinds) in [
        ("fedora-coreos", FIXED, STATIC, &[][..]),
        ("fedora-coreos", LAN, STATIC, &["fetch-offline"]),
        ("flatcar", LAN, STATIC, &["fetch-offline"]),
        ("debian", LAN, STATIC, &[]),
        ("fedora-coreos", RANGE, STATIC, &[]),
        ("fedora-coreos", LAN, "{network: lab}", &[]),
        ("fedora-coreos", FIXED, "{network: lab, reserved: 10.17.3.10}", &[]),
        (
            "fedora-coreos",
            LAN,
            "{network: lab, address: 10.17.3.10}, {network: other, default_route: false}",
            &[],
        ),
    ] {
        assert_eq!(found(os, network, interface), kinds, "{os} {network} {interface}");
    }
}
