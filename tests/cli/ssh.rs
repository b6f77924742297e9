//! Access to machines: OpenSSH itself reads the configuration that fmc writes for it.

use std::fs;
use std::process::Command;

use fmc::libvirt::sim::Sim;
use fmc::prelude::*;

use crate::stage::{Stage, cloud as small};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

/// Two hosts, one of them over SSH; machines with a static address, a machine on the LAN, and one that gets
/// its address by DHCP.
fn cloud() -> Cloud {
    let machine = |name: &str, host: &str| {
        Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
            .host(host)
            .root_disk(2.gib())
            .user(User::admin("ops").key(KEY))
    };
    let host_key = GuestFile::text("/etc/ssh/ssh_host_ed25519_key.pub", format!("{KEY} root@web\n"));
    Cloud::new("first")
        .host(Host::new("near"))
        .host(Host::new("far").uri("qemu+ssh://root@hv1:2222/system").bridge("br0"))
        .network(Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199").host("near"))
        .network(Network::nat("inner", "10.17.4.0/24").host("far"))
        .network(Network::bridge("lan", "br0").subnet("192.168.0.0/24").gateway("192.168.0.1"))
        .machine(machine("web", "near").interface(Interface::on("lab").address("10.17.3.10")).file(host_key))
        .machine(machine("new", "near").interface(Interface::on("lab")))
        .machine(machine("db", "far").interface(Interface::on("inner").address("10.17.4.10")))
        .machine(
            machine("gate", "far")
                .interface(Interface::on("inner").address("10.17.4.11"))
                .interface(Interface::on("lan").address("192.168.0.20")),
        )
}

/// The settings that OpenSSH reads for a host from a configuration; a warning is a failure.
fn understood(stage: &Stage, config: &str, host: &str) -> String {
    let file = stage.path().join("ssh_config");
    fs::write(&file, config).unwrap();
    let output = Command::new("ssh").args(["-G", "-T", "-F"]).arg(&file).arg(host).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{host}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn says(told: &str, line: &str) {
    assert!(told.lines().any(|told| told == line), "no {line:?} in:\n{told}");
}

#[test]
fn openssh_understands_the_configuration() {
    let stage = Stage::new();
    let config = stage.done(cloud(), "ssh-config --set hosts.far.memory=64GiB");
    assert!(config.starts_with("# The machines of first (first).\n"), "{config}");
    assert!(config.contains("\n# new has no address that is known yet.\n"), "{config}");

    let web = understood(&stage, &config, "web");
    let known_hosts = stage.path().join("first.known_hosts");
    for line in [
        "hostname 10.17.3.10",
        "user ops",
        "hostkeyalias web.first",
        "stricthostkeychecking true",
        &format!("userknownhostsfile {}", known_hosts.display()),
    ] {
        says(&web, line);
    }
    assert!(!web.contains("proxyjump"), "{web}");
    assert_eq!(fs::read_to_string(&known_hosts).unwrap(), format!("web.first {KEY}\n"));
    let found =
        Command::new("ssh-keygen").arg("-F").arg("web.first").arg("-f").arg(&known_hosts).output().unwrap();
    assert!(found.status.success() && found.stderr.is_empty(), "{found:?}");

    let db = understood(&stage, &config, "db");
    assert!(!db.contains("known_hosts\n") || !db.contains("first.known_hosts"), "{db}");
    says(&db, "stricthostkeychecking ask");
    says(&understood(&stage, &config, "gate"), "hostname 192.168.0.20");
}

#[test]
fn a_lease_is_an_address() {
    let stage = Stage::new();
    let one = || {
        let machine = Machine::new("new", Image::debian("12").path("/images/debian-12.qcow2"));
        Cloud::new("first")
            .host(Host::local())
            .network(Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199"))
            .machine(machine.root_disk(2.gib()).interface(Interface::on("lab")))
    };
    assert!(stage.done(one(), "ssh-config").contains("# new has no address"), "before it is there");
    stage.done(one(), "apply");
    let config = stage.done(one(), "ssh-config");
    says(&understood(&stage, &config, "new"), "hostname 10.17.3.100");
    assert!(!stage.path().join("first.known_hosts").exists(), "no keys are known");
}

#[test]
fn who_is_not_there_is_told_of() {
    let stage = Stage::new();
    stage.fails(small(), "ssh wen", 64, &["no machine `wen`", "did you mean `web`?"]);
    stage.fails(small(), "ssh web", 1, &["in a simulation", "--connect hosts"]);
    stage.fails(small(), "ssh '-oProxyCommand=id' ", 64, &[]);
    for name in ["-oProxyCommand=id@web", "$(id)@web", "a b@web", "@web"] {
        stage.fails(small(), &format!("ssh -- '{name}'"), 64, &[]);
    }
    stage.fails(small(), "console wen", 64, &["no machine `wen`"]);
    stage.fails(small(), "console web", 1, &["the machine web is not there", "`program apply` makes it"]);
}

#[test]
fn a_console_is_shown_as_it_was_kept() {
    let (stage, sim) = (Stage::new(), Sim::new());
    sim.says("web", "\u{1b}[2Jlogin: \r\n");
    fs::write(stage.path().join("first.sim.json"), sim.to_json().unwrap()).unwrap();
    stage.done(small(), "apply");
    assert_eq!(stage.done(small(), "console web --log"), "login:\n");
    assert_eq!(stage.done(small(), "console db"), "No bootable device.\n");
}

#[test]
fn host_keys_from_the_root_key_are_known_before_the_first_boot() {
    let stage = Stage::new();
    let key = fmc::keys::RootKey::from_bytes([9; 32]).to_text();
    fs::write(stage.path().join("root.key"), &**key).unwrap();
    fs::set_permissions(stage.path().join("root.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let cloud = || {
        let guest = |name, os: Image, end| {
            Machine::new(name, os.path("/images/image.qcow2"))
                .root_disk(10.gib())
                .interface(Interface::on("lab").address(Ipv4Addr::new(10, 17, 3, end)))
                .user(User::admin("ops").key(KEY))
        };
        let own = GuestFile::text("/etc/ssh/ssh_host_ed25519_key", "the user's own\n");
        Cloud::new("first")
            .host(Host::local())
            .network(Network::nat("lab", "10.17.3.0/24"))
            .ssh_host_keys(true)
            .machine(guest("core", Image::fedora_coreos("44.20260802.3.1"), 10))
            .machine(guest("deb", Image::debian("12"), 11))
            .machine(guest("own", Image::debian("12"), 12).file(own))
    };
    stage.done(cloud(), "compile --out out --root-key root.key");
    let config = stage.done(cloud(), "ssh-config --root-key root.key");
    assert_eq!(config.matches("StrictHostKeyChecking yes").count(), 2, "{config}");
    let known = fs::read_to_string(stage.path().join("first.known_hosts")).unwrap();

    // Each machine boots with the private half of its key in `known_hosts`.
    let user_data = fs::read_to_string(stage.path().join("out/guests/deb/user-data")).unwrap();
    fmc_testkit::cloud_init::schema(&user_data).unwrap();
    let read: serde_json::Value = serde_saphyr::from_str(&user_data).unwrap();
    assert_eq!(read["ssh_deletekeys"], false);
    let deb = read["ssh_keys"]["ed25519_private"].as_str().unwrap().to_owned();
    assert!(!user_data.contains("path: /etc/ssh/"), "written once");
    let ignition = fs::read_to_string(stage.path().join("out/guests/core/config.ign")).unwrap();
    fmc_testkit::ignition::validate(&ignition).unwrap();
    let root = fmc_testkit::tree::scratch();
    let written = fmc_testkit::ignition::apply(&ignition, root.path()).unwrap();
    let core = written["/etc/ssh/ssh_host_ed25519_key"].clone();
    assert_eq!((core.mode, written["/etc/ssh/ssh_host_ed25519_key.pub"].mode), (0o600, 0o644));
    for (machine, private) in [("deb", deb), ("core", core.text().unwrap().to_owned())] {
        let file = stage.path().join(machine);
        fs::write(&file, private).unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let public = Command::new("ssh-keygen").arg("-y").arg("-f").arg(&file).output().unwrap();
        assert!(public.status.success(), "{public:?}");
        let public = String::from_utf8(public.stdout).unwrap();
        let blob = public.split(' ').nth(1).unwrap().trim();
        assert!(known.lines().any(|line| line == format!("{machine}.first ssh-ed25519 {blob}")), "{known}");
    }
    assert!(!known.contains("own.first"), "{known}");

    // Without the root key there is no `known_hosts`, and no option that needs one.
    let config = stage.done(cloud(), "ssh-config");
    assert!(!config.contains("StrictHostKeyChecking"), "{config}");
}
