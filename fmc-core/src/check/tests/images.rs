//! What the images of a system have and lack: accounts, agents, room, addresses.

use super::{found, yaml};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

/// The findings of a cloud with one machine of a system, on a host at a URI, with these settings and this guest.
fn of(os: &str, uri: &str, machine: &str, user: &str, guest: &str) -> Vec<String> {
    let text = format!(
        "name: first\nhosts: {{hv: {{uri: '{uri}'}}}}\nnetworks: {{lab: {{mode: nat, subnet: 10.17.3.0/24, \
         dhcp: 10.17.3.100-10.17.3.199}}, out: {{mode: routed, subnet: 10.17.4.0/24, dhcp: 10.17.4.100-10.17.4.199}}}}\nmachines: {{web: {{image: {{os: {os}, version: '12', source: {{path: \
         /i/x.qcow2}}, digest: '{DIGEST}'}}, {machine}, guest: {{users: {{ops: {{keys: ['{KEY}']{user}}}}}, {guest}}}}}}}\n"
    );
    found(&yaml(&text))
}

const USUAL: &str = "root_disk: 20 GiB, interfaces: [{network: lab}]";

fn finds(os: &str, guest: &str, expected: &[&str]) {
    assert_eq!(of(os, "qemu:///system", USUAL, "", guest), expected, "{os} {guest}");
}

#[test]
fn accounts_and_groups_are_those_of_the_system() {
    let file = |owner: &str, group: &str| {
        format!("files: {{/etc/app: {{owner: {owner}, group: {group}, contents: {{text: a}}}}}}")
    };
    let (owner, group) = (
        "guest-reference machines.web.guest.files./etc/app.owner",
        "guest-reference machines.web.guest.files./etc/app.group",
    );
    finds("debian", &file("backup", "nogroup"), &[]);
    finds("debian", &file("nobody", "wheel"), &[group]);
    finds("debian", &file("nobody", "nobody"), &[group]);
    finds("rocky", &file("nobody", "nobody"), &[]);
    finds("rocky", &file("root", "wheel"), &[]);
    finds("rocky", &file("backup", "sudo"), &[group, owner]);
    finds("flatcar", &file("core", "docker"), &[]);
    finds("flatcar", &file("etcd", "wheel"), &[]);
    finds("flatcar", &file("www-data", "root"), &[owner]);
    finds("fedora-coreos", &file("core", "systemd-journal"), &[]);
    let of_user = of("debian", "qemu:///system", USUAL, ", groups: [wheel]", "");
    assert_eq!(of_user, ["guest-reference machines.web.guest.users.ops.groups[0]"]);
}

#[test]
fn two_groups_with_one_id() {
    for os in ["debian", "rocky", "flatcar", "fedora-coreos"] {
        finds(
            os,
            "groups: {a: {gid: 2000}, b: {gid: 2000}}",
            &["guest-clash machines.web.guest.groups.b.gid"],
        );
        finds(os, "groups: {a: {gid: 2000}, b: {gid: 2001}, c: {}, d: {}}", &[]);
    }
}

#[test]
fn paths_that_lead_to_run() {
    for path in ["/var/run/app.pid", "/var/lock/app", "/run/app.pid"] {
        for os in ["debian", "flatcar"] {
            let expected = format!("guest-path machines.web.guest.files.{path}");
            finds(os, &format!("files: {{{path}: {{contents: {{text: a}}}}}}"), &[&expected]);
        }
    }
    finds("debian", "files: {/var/runner/app: {contents: {text: a}}}", &[]);
}

#[test]
fn a_guest_agent_that_no_image_has() {
    let waits = |os: &str, guest: &str| {
        of(os, "qemu:///system", &format!("{USUAL}, ready: {{signal: agent}}"), "", guest)
    };
    let none = ["ready-impossible machines.web.ready"];
    assert_eq!(waits("debian", ""), none);
    assert_eq!(waits("debian", "packages: [nginx]"), none);
    assert_eq!(waits("debian", "packages: [qemu-guest-agent]"), [""; 0]);
    assert_eq!(waits("rocky", ""), [""; 0]);
    assert_eq!(waits("almalinux", ""), [""; 0]);
    assert_eq!(waits("flatcar", ""), none);
    assert_eq!(waits("fedora-coreos", ""), none);
    let unit = "units: {qemu-guest-agent.service: {contents: \"[Service]\\nExecStart=/opt/bin/qemu-ga\\n\"}}";
    assert_eq!(waits("flatcar", unit), [""; 0]);
}

#[test]
fn a_port_that_only_a_remote_host_reaches() {
    let waits = |uri: &str, networks: &str, signal: &str| {
        let machine = format!("root_disk: 20 GiB, interfaces: [{networks}], ready: {{signal: {signal}}}");
        of("debian", uri, &machine, "", "")
            .into_iter()
            .filter(|it| it.starts_with("ready"))
            .collect::<Vec<_>>()
    };
    let none = ["ready-impossible machines.web.ready"];
    for uri in ["qemu+ssh://root@hv.example.org/system", "qemu+tls://hv/system", "qemu://hv/system"] {
        assert_eq!(waits(uri, "{network: lab}", "{tcp: 22}"), none, "{uri}");
        assert_eq!(waits(uri, "{network: lab}", "arp"), [""; 0], "{uri}");
        assert_eq!(waits(uri, "{network: lab}, {network: out}", "{tcp: 22}"), [""; 0], "{uri}");
    }
    assert_eq!(waits("qemu:///system", "{network: lab}", "{tcp: 22}"), [""; 0]);
    assert_eq!(waits("qemu+unix:///system", "{network: lab}", "{tcp: 22}"), [""; 0]);
}

#[test]
fn a_root_that_is_smaller_than_the_images_of_its_system() {
    let with = |os: &str, image: &str, size: &str| {
        let machine = format!("root_disk: {size}, interfaces: [{{network: lab}}]");
        let text = of(os, "qemu:///system", &machine, "", "");
        assert!(image.is_empty());
        text
    };
    let small = ["image-too-large machines.web.root_disk"];
    assert_eq!(with("debian", "", "1 GiB"), small);
    assert_eq!(with("debian", "", "2 GiB"), [""; 0]);
    assert_eq!(with("rocky", "", "9 GiB"), small);
    assert_eq!(with("rocky", "", "10 GiB"), [""; 0]);
    assert_eq!(with("flatcar", "", "4 GiB"), small);
}

#[test]
fn addresses_and_uris_that_nobody_may_say() {
    let at = |uri: &str| of("debian", uri, USUAL, "", "");
    for uri in [
        "qemu+ext:///system?command=/bin/sh",
        "qemu+ext://hv/system",
        "qemu+ssh://hv/system?command=/tmp/x",
        "qemu+ssh://hv/system?keyfile=/k&command=/tmp/x",
        "qemu+ssh://hv/system?netcat=/tmp/x",
        "qemu+ssh://hv/system?%63ommand=/tmp/x",
        "qemu+ssh://-oProxyCommand=x/system",
        "qemu+ssh://root@-oProxyCommand=x/system",
    ] {
        assert_eq!(at(uri), ["value-invalid hosts.hv.uri"], "{uri}");
    }
    for uri in
        ["qemu+ssh://root@hv/system?keyfile=/k&no_verify=1", "qemu+ssh://hv:2222/system?known_hosts=/k"]
    {
        assert_eq!(at(uri), [""; 0], "{uri}");
    }
    let mac = |mac: &str| {
        let machine = format!("root_disk: 20 GiB, interfaces: [{{network: lab, mac: '{mac}'}}]");
        of("debian", "qemu:///system", &machine, "", "")
    };
    assert_eq!(mac("fe:54:00:0a:11:03"), ["address-invalid machines.web.interfaces[0].mac"]);
    assert_eq!(mac("52:54:00:0a:11:03"), [""; 0]);
}
