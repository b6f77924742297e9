//! A bastion: the one way in by SSH, in firewalls, in the configuration of clients and of sshd.

use super::*;

pub(super) const EXAMPLE: &str = include_str!("../../examples/bastion/cloud.yaml");

fn checked(text: &str) -> Checked {
    from_yaml(text).unwrap().check().unwrap_or_else(|report| panic!("{report}"))
}

/// The kinds and places of what is found in the example with some of its text replaced.
#[track_caller]
pub(super) fn found(changes: &[(&str, &str)]) -> Vec<String> {
    let text = changes.iter().fold(EXAMPLE.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    });
    let findings = match from_yaml(&text).unwrap().check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => report.into_findings(),
    };
    let open = findings.iter().filter(|finding| finding.accepted().is_none());
    open.map(|finding| format!("{} {}", finding.kind(), finding.at())).collect()
}

#[test]
fn the_example_is_whole() {
    let rust = "Bastion::new().public(\"8.8.4.4\").nat().port(2222)";
    is_whole(EXAMPLE, include_str!("../../docs/bastion.md"), rust);
}

#[test]
fn machines_accept_ssh_from_the_bastion_alone() {
    let cloud = checked(EXAMPLE);
    let from = |address: &str| address.parse::<IpAddr>().unwrap();
    for machine in ["web", "db"] {
        let allows = |address| cloud.flows().into(machine).from(from(address)).allows(tcp(22));
        assert!(allows("10.17.5.2"), "{machine}");
        for other in ["10.17.3.1", "10.17.3.23", "10.17.5.3", "192.0.2.9"] {
            assert!(!allows(other), "{machine} {other}");
        }
    }
    assert!(cloud.flows().into("bastion").from(from("192.0.2.9")).allows(tcp(22)));
    assert_eq!(cloud.flows().into("bastion").ports().len(), 1);
    // Without the role nothing is different from before.
    let cloud = from_yaml(EXAMPLE).unwrap().map_machines(|mut machine| {
        machine.roles.retain(|role| role.as_custom().kind() != Given::text("bastion"));
        machine
    });
    let cloud = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    assert!(cloud.way_in().is_none() && cloud.flows().into("web").from(from("192.0.2.9")).allows(tcp(22)));
}

/// A list that was emptied opens no door.
#[test]
fn an_empty_list_is_nobody() {
    let with = |from: &str, to: &str| checked(&EXAMPLE.replace(from, to));
    let cloud =
        with("users: {ops: {}, ana: {to: [helper, web]}}", "users: {ops: {to: []}, ana: {to: [web]}}");
    let way = cloud.way_in().unwrap();
    let ops = way.users.iter().find(|passage| passage.user.as_str() == "ops").unwrap();
    assert_eq!(ops.to.len(), 0);
    // Not even the helper, which has to go by it.
    let text = EXAMPLE.replace("          nat: true\n", "          nat: true\n          from: []\n");
    let refused = from_yaml(&text).unwrap().check().unwrap_err().to_string();
    assert!(refused.contains("flow-refused") && refused.contains("tcp 22 of bastion"), "{refused}");
}

#[test]
fn each_mistake_has_its_finding() {
    assert_eq!(found(&[]), [""; 0]);
    let role = "machines.bastion.roles[0]";
    for (changes, wanted) in [
        (&[("public: 8.8.4.4", "public: 192.168.0.21")][..], format!("bastion-not-public {role}")),
        (
            &[(
                "  bastion:\n    image: {os: rocky, version: \"9.4\"",
                "  bastion:\n    image: {os: rocky, version: \"8.9\"",
            )],
            format!("bastion-system {role}"),
        ),
        (
            &[("users: {ops: {}, ana", "users: {root: {}, ops: {}, ana")],
            format!("bastion-no-key {role}.bastion.users.root"),
        ),
        (&[("nat: true", "nat: false"), ("port: 2222", "port: 22")], format!("bastion-nat {role}")),
        (&[("public: 8.8.4.4", "public: 10.17.5.2")], format!("bastion-nat {role}")),
        (
            &[("public: 8.8.4.4   # the router's: write your own", "log_size: 2 GiB")],
            format!("bastion-nat {role}"),
        ),
        (
            &[("ana: {to: [helper, web]}", "anna: {to: [helper, web]}")],
            format!("bastion-no-user {role}.bastion.users.anna"),
        ),
        (
            &[("to: [helper, web]", "to: [helper, wb]")],
            format!("reference-unknown {role}.bastion.users.ana.to[1]"),
        ),
        (
            &[(
                "ops: {keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ops@first]}",
                "ops: {}",
            )],
            format!("bastion-no-key {role}.bastion.users.ops"),
        ),
        (&[("ssh_host_keys: true", "ssh_from: [anywhere]")], format!("bastion-bypassed {role}")),
        (&[("    firewall: true\n", "")], format!("bastion-bypassed {role}")),
        (&[("ssh_host_keys: true", "ssh_from: [{machine: web}]")], format!("flow-refused {role}")),
        (&[("core: {mode: routed", "core: {mode: isolated")], format!("flow-unreachable {role}")),
        (
            &[("    firewall: true\n    guest", "    firewall: true\n    roles: [bastion]\n    guest")],
            "bastion-second machines.web.roles[0]".to_owned(),
        ),
        (
            &[(
                "    roles:\n      - bastion:",
                "    accept: [{service: tcp 443, from: anywhere}]\n    roles:\n      - bastion:",
            )],
            format!("bastion-other-service {role}"),
        ),
        (
            &[
                ("[{network: core, address: 10.17.3.21}]", "[{network: core}]"),
                ("10.17.3.0/24", "10.17.3.0/24, dhcp: 10.17.3.100-10.17.3.199"),
            ],
            format!("bastion-no-address {role}"),
        ),
        (
            &[
                (
                    "    firewall: true\n    guest",
                    "    firewall: true\n    ready: {signal: {tcp: 22}}\n    guest",
                ),
                ("local: {}", "local: {uri: \"qemu+ssh://hv1/system\"}"),
            ],
            "ready-impossible machines.web.ready".to_owned(),
        ),
    ] {
        let found = found(changes);
        assert!(found.contains(&wanted), "no {wanted} for {changes:?} in {found:?}");
    }
    let kinds =
        ["second", "other-service", "no-user", "no-key", "not-public", "nat", "no-address", "bypassed"];
    for kind in kinds {
        let (code, said) = run("", &format!("explain bastion-{kind}"));
        assert!(code == 0 && said.contains("How to mend it"), "{kind}: {said}");
    }
}

/// The small copy of a cloud has no router with the cloud's address.
#[test]
fn a_lab_dials_its_own_bastion() {
    let cloud = from_yaml(EXAMPLE).unwrap().lab().check().unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(cloud.way_in().unwrap().dialled, None);
}

/// The files of each system are read by what provisions it.
#[test]
fn each_system_gets_the_same_rules() {
    for image in [
        "os: rocky, version: \"9.4\"",
        "os: debian, version: \"12\"",
        "os: fedora-coreos, version: 42.20250803.3.0",
        "os: flatcar, version: 4593.2.0",
    ] {
        let cloud = checked(&EXAMPLE.replacen("os: rocky, version: \"9.4\"", image, 1));
        let guest = &cloud.machine("bastion").unwrap().guest;
        let file = |path: &str| guest.files.iter().find(|file| file.path.as_str() == path).unwrap();
        assert_eq!(file("/etc/ssh/sshd_config.d/00-fmc-bastion.conf").mode.bits(), 0o600, "{image}");
        file("/etc/systemd/journald.conf.d/90-fmc-bastion.conf");
        let reloads = guest.units.iter().any(|unit| unit.name.as_str() == "fmc-bastion.service");
        assert_eq!(reloads, image.contains("rocky") || image.contains("debian"), "{image}");
        let folder = fmc_testkit::tree::scratch();
        std::fs::write(
            folder.path().join("cloud.yaml"),
            EXAMPLE.replacen("os: rocky, version: \"9.4\"", image, 1),
        )
        .unwrap();
        let key = fmc::keys::RootKey::from_bytes([7; 32]).to_text();
        std::fs::write(folder.path().join("root.key"), &**key).unwrap();
        std::fs::set_permissions(
            folder.path().join("root.key"),
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )
        .unwrap();
        let (code, said) = run_in(folder.path(), "compile --out out --root-key root.key");
        assert_eq!(code, 0, "{said}");
        let guests = folder.path().join("out/guests/bastion");
        match std::fs::read_to_string(guests.join("config.ign")) {
            Ok(ignition) => fmc_testkit::ignition::validate(&ignition).unwrap(),
            Err(_) => {
                let user_data = std::fs::read_to_string(guests.join("user-data")).unwrap();
                fmc_testkit::cloud_init::schema(&user_data).unwrap();
            }
        }
    }
}
