//! Groups 5, 6 and 7: text that was not read as meant, dangling references, and values without an effect.

use fmc::prelude::*;
use fmc::set::{SetError, Setting, set};
use fmc::testing::Artifacts;

use crate::{caught, corrected, seed, unreadable};

/// A machine in a file, with these lines in its guest.
fn guest(lines: &str) -> String {
    format!(
        "name: first\nmachines:\n  web:\n    image: {{os: fedora-coreos, version: '40'}}\n    guest: {{{lines}}}\n"
    )
}

/// `sudo` and `lock_passwd` of users, `filesystem` of files: Ignition does not have these keys, and its
/// validator reported them with status 0.
#[test]
fn h05_a_key_that_nothing_reads_is_a_mistake() {
    unreadable(&guest("users: {core: {lock_passwd: true}}"), "lock_passwd");
    unreadable(&guest("users: {core: {sudo: 'ALL=(ALL) NOPASSWD:ALL'}}"), "sudo");
    unreadable(&guest("files: {/etc/motd: {filesystem: root, contents: {text: hello}}}"), "filesystem");
    unreadable(&guest("ignition: {version: 3.4.0}"), "ignition");
}

/// `/etc/hosts` came from `tmpfiles.d`, which refused its lines, so the machines had none.
#[test]
fn h05_the_hosts_file_is_written_from_the_cloud_alone() {
    caught(
        &seed(&["machines.master1.guest.files={/etc/hosts: {contents: {text: '10.17.4.21 master1'}}}"]),
        Kind::GuestClash,
        "machines.master1.guest.files./etc/hosts",
        "set the machine's host name, addresses",
    );
}

/// A `network:` in user-data is valid but ignored: the network was then repaired by `nmcli` in `runcmd`.
#[test]
fn h05_the_network_of_cloud_init_is_a_document_of_its_own() {
    let artifacts = Artifacts::of(&seed(&[]));
    for machine in ["freeipa1", "loadbalancer1", "postgresql1", "helper", "bastion"] {
        let machine = artifacts.machine(machine);
        assert!(!machine.boot("user-data").text().lines().any(|line| line.starts_with("network:")));
        machine.boot("user-data").assert_lacks("nmcli");
        machine.boot("network-config").assert_contains("version: 2").assert_contains("10.17.3.");
    }
}

/// `chown etcd:etcd` ran without such a user.
#[test]
fn h06_an_owner_is_a_user_that_is_there() {
    let file = "{/var/lib/etcd/member: {contents: {text: x}, owner: etcd}}";
    caught(
        &seed(&[&format!("machines.master1.guest.files={file}")]),
        Kind::GuestReference,
        "machines.master1.guest.files./var/lib/etcd/member.owner",
        "add the user to the guest",
    );
}

/// A unit was enabled but had no `[Install]` section: it never started, without a message.
#[test]
fn h06_an_enabled_unit_can_be_enabled() {
    let unit = "{certificates.service: {state: enabled, contents: \"[Service]\\nExecStart=/bin/true\\n\"}}";
    caught(
        &seed(&[&format!("machines.master1.guest.units={unit}")]),
        Kind::GuestUnit,
        "machines.master1.guest.units.certificates.service.contents",
        "add [Install] with WantedBy=multi-user.target",
    );
}

/// Certificates were fetched from a path that was not served, by `curl -o` without `-f`: an error page became
/// a PEM file. Here a download must match its digest.
#[test]
fn h06_what_is_fetched_has_a_digest() {
    let file = |rest: &str| {
        guest(&format!(
            "files: {{/opt/ca.pem: {{contents: {{remote: {{url: 'http://10.17.3.14/ca.pem'{rest}}}}}}}}}"
        ))
    };
    unreadable(&file(""), "digest");
    let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    fmc::file::from_yaml(&file(&format!(", digest: '{digest}'"))).unwrap();
}

/// `Unknown variable KUBELET_VERSION`, and machines on networks that another folder was supposed to define.
#[test]
fn h06_a_reference_leads_to_what_is_there() {
    caught(
        &seed(&["machines.helper.interfaces[0].network=cores"]),
        Kind::ReferenceUnknown,
        "machines.helper.interfaces[0].network",
        "did you mean core?",
    );
    caught(
        &seed(&["machines.postgresql1.disks.data.pool=nfs"]),
        Kind::ReferenceUnknown,
        "machines.postgresql1.disks.data.pool",
        "nfs",
    );
}

/// `memory` beside `domain_memory`, `volume_size`, `cloudinit_disk`, `dns_records` were set, but not read.
#[test]
fn h07_a_value_without_an_effect_cannot_be_set() {
    for (key, near) in [
        ("domain_memory=4096 MiB", "domain_memory"),
        ("volume_size=50 GiB", "volume_size"),
        ("cloudinit_disk=x", "cloudinit_disk"),
        ("memroy=4 GiB", "did you mean `memory`?"),
    ] {
        let setting: Setting = format!("machines.master1.{key}").parse().unwrap();
        let refused = set(&corrected::cloud(), &[setting]).unwrap_err();
        assert!(matches!(refused, SetError::Place { .. }), "{refused}");
        assert!(refused.to_string().contains(near), "{refused}");
    }
    unreadable("name: first\ndns_records: [{name: master1, address: 10.17.4.21}]\n", "dns_records");
}

/// A guest configuration that no system of the machine reads.
#[test]
fn h07_a_guest_without_a_system_to_be_in_is_told_of() {
    let blank = Machine::new("pxe", Image::blank()).user(User::admin("ops"));
    caught(
        &Cloud::new("first").host(Host::local()).machine(blank),
        Kind::GuestUnused,
        "machines.pxe.guest",
        "image",
    );
}

/// An acceptance of a finding that no longer exists.
#[test]
fn h07_an_acceptance_without_a_finding_is_told_of() {
    let cloud = seed(&[]).accept("pool-thin", "it was once");
    caught(&cloud, Kind::AcceptUnused, "accept[1].kind", "leave it out");
}
