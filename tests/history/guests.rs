//! Groups 3 and 4: a machine's own name, and the network as the machine's system reads it.

use fmc::prelude::*;
use fmc::testing::{Artifacts, checked};
use fmc_testkit::{ignition, tree};

use crate::{found, seed};

/// FreeIPA's installer stopped, because its name resolved to 127.0.0.1.
#[test]
fn h03_a_machine_is_known_to_itself_by_its_own_address() {
    let artifacts = Artifacts::of(&seed(&[]));
    let data = artifacts.machine("freeipa1").boot("user-data");
    data.assert_contains("10.17.3.11 freeipa1.cefaslocalserver.internal freeipa1");
    let loopback = data.text().lines().filter(|line| line.contains("127.0."));
    assert!(loopback.clone().count() > 0);
    assert!(loopback.clone().all(|line| !line.contains("freeipa1")), "{}", data.text());
}

/// Its machine had itself as its resolver before it had a DNS.
#[test]
fn h03_a_server_does_not_ask_itself_before_it_is_installed() {
    let cloud = seed(&["machines.freeipa1.resolvers=[10.17.3.11]"]).role(FreeIpa::on("freeipa1"));
    let found = found(&cloud);
    let own = found.iter().find(|finding| finding.kind().as_str() == "freeipa-asks-itself").unwrap();
    assert_eq!(own.at(), "roles[0].freeipa.server");
    assert!(own.help().contains("resolvers: [9.9.9.9]"), "{own}");
}

/// Once it was there, it resolved any name for anyone.
#[test]
fn h03_the_dns_of_freeipa_answers_the_cloud_alone() {
    let artifacts = Artifacts::of(&seed(&[]).role(FreeIpa::on("freeipa1").forwarders(["9.9.9.9"])));
    let freeipa = artifacts.machine("freeipa1");
    freeipa.file("/etc/fmc/freeipa/named.options").assert_contains("allow-recursion { cloud; };");
    let networks = freeipa.file("/etc/fmc/freeipa/named.acl");
    networks.assert_contains("10.17.3.0/24;").assert_contains("10.17.4.0/24;");
}

/// Fedora CoreOS and Rocky Linux run NetworkManager but got files for systemd-networkd: the machines came up
/// by DHCP.
#[test]
fn h04_the_network_is_written_for_the_system_that_reads_it() {
    let files = |cloud: &Cloud, machine: &str| {
        let artifacts = Artifacts::of(cloud);
        let root = tree::scratch();
        ignition::apply(artifacts.machine(machine).boot("config.ign").text(), root.path()).unwrap()
    };
    let cloud = seed(&["machines.worker1.image.os=flatcar", "machines.worker1.image.version=4081.2.0"]);
    let mac = |machine: &str| checked(&cloud).machine(machine).unwrap().interfaces[0].mac.to_string();

    let coreos = files(&cloud, "master1");
    let keyfiles: Vec<_> = coreos.iter().filter(|(path, _)| path.ends_with(".nmconnection")).collect();
    let [(path, keyfile)] = keyfiles.as_slice() else { panic!("{keyfiles:?}") };
    assert!(path.starts_with("/etc/NetworkManager/system-connections/"), "{path}");
    assert_eq!(keyfile.mode & 0o7777, 0o600, "NetworkManager reads no other");
    assert!(keyfile.text().unwrap().contains(&format!("mac-address={}", mac("master1"))), "{keyfile:?}");
    assert!(!coreos.keys().any(|path| path.starts_with("/etc/systemd/network/")));

    let flatcar = files(&cloud, "worker1");
    let networkd: Vec<_> =
        flatcar.iter().filter(|(path, _)| path.starts_with("/etc/systemd/network/")).collect();
    let networks: Vec<&str> = networkd.iter().filter_map(|(_, file)| file.text()).collect();
    let by_mac = format!("MACAddress={}", mac("worker1"));
    assert!(networks.iter().any(|text| text.contains(&by_mac)), "{networks:?}");
    assert!(!networks.iter().any(|text| text.contains("\nName=e")), "by its address, and by no name");
    assert!(!flatcar.keys().any(|path| path.ends_with(".nmconnection")));

    let rocky = Artifacts::of(&cloud);
    let network = rocky.machine("helper").boot("network-config");
    network.assert_contains(&format!("macaddress: \"{}\"", mac("helper")));
    rocky.machine("helper").boot("user-data").assert_lacks("/etc/systemd/network");
}
