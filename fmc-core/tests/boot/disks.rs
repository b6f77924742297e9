//! Data disks inside machines: the programs that prepare them on a first boot check their configuration.
#![expect(clippy::unwrap_used, reason = "a cloud of these tests that is refused is a mistake of the test")]

use expect_test::expect_file;
use fmc_core::boot::Boot;
use fmc_core::cloud::Cloud;
use fmc_core::disk::{Disk, Filesystem};
use fmc_core::guest::User;
use fmc_core::host::Host;
use fmc_core::image::{Image, Os};
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_core::secret::Secret;
use fmc_core::unit::SizeExt as _;
use fmc_testkit::{cloud_init, ignition, systemd, tree};

use crate::guests;

/// A machine with four disks: one is mounted, one of another kind is mounted below it, one is only formatted,
/// and one stays blank.
fn boot(os: Os) -> Boot {
    let other = if os == Os::Debian { Filesystem::Ext4 } else { Filesystem::Xfs };
    let machine = Machine::new("web", Image::new(os, "").path("/var/lib/libvirt/images/image.qcow2"))
        .root_disk(20.gib())
        .interface(Interface::on("lab"))
        .user(User::admin("ops").key(guests::KEY))
        .disk(Disk::new("blank", 1.gib()))
        .disk(Disk::new("formatted", 1.gib()).filesystem(Filesystem::Ext4))
        .disk(Disk::new("below", 1.gib()).mount("/srv/my-data/below").filesystem(other))
        .disk(Disk::new("data", 1.gib()).serial("web-1.data").mount("/srv/my-data"));
    let cloud = Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(machine)
        .check();
    let cloud = cloud.map_err(|report| report.to_string()).unwrap();
    Boot::of(&cloud, cloud.machine("web").unwrap()).unwrap()
}

#[test]
fn what_is_made_of_disks_reads_as_a_person_would_review_it() {
    for (system, os) in guests::SYSTEMS {
        let boot = boot(os);
        let (name, text) = boot.files().pop().unwrap();
        expect_file![format!("golden/{system}.disks.{name}")].assert_eq(&text.to_string());
    }
}

#[test]
fn ignition_accepts_them_and_systemd_the_units_that_mount() {
    for os in [Os::Flatcar, Os::FedoraCoreos] {
        let config = guests::rendered(&boot(os), "config.ign");
        ignition::validate(&config).unwrap();
        // The engine writes files into a folder here. The guests of the boot tests have real disks.
        let mut written: serde_json::Value = serde_json::from_str(&config).unwrap();
        written["storage"].as_object_mut().unwrap().remove("filesystems");
        let root = tree::scratch();
        let tree = ignition::apply(&written.to_string(), root.path()).unwrap();
        let folder = if os == Os::Flatcar { "srv" } else { "var-srv" };
        for unit in [format!("{folder}-my\\x2ddata.mount"), format!("{folder}-my\\x2ddata-below.mount")] {
            assert!(tree.contains_key(&format!("/etc/systemd/system/{unit}")), "{unit}");
        }
        systemd::verify(&root.path().join("etc/systemd/system"), &[]).unwrap();
    }
}

#[test]
fn cloud_init_accepts_them() {
    for os in [Os::Rocky, Os::Almalinux, Os::Debian] {
        cloud_init::schema(&guests::rendered(&boot(os), "user-data")).unwrap();
    }
}

#[test]
fn an_encrypted_disk_is_opened_by_its_key_and_mounted_as_what_is_in_it() {
    for os in [Os::Flatcar, Os::FedoraCoreos] {
        let key = Secret::environment("data-key", "DATA_KEY");
        let machine = Machine::new("web", Image::new(os, "").path("/var/lib/libvirt/images/image.qcow2"))
            .root_disk(20.gib())
            .interface(Interface::on("lab"))
            .user(User::admin("ops").key(guests::KEY))
            .disk(Disk::new("data", 1.gib()).mount("/var/lib/app").luks_key(key));
        let cloud = Cloud::new("first")
            .host(Host::local())
            .network(Network::nat("lab", "10.17.3.0/24"))
            .machine(machine)
            .check()
            .unwrap();
        let boot = Boot::of(&cloud, cloud.machine("web").unwrap()).unwrap();
        let shown = boot.files().pop().unwrap().1.to_string();
        assert!(
            shown.contains("<secret data-key generation 1>") && !shown.contains(guests::PLANTED),
            "{shown}"
        );
        let config = guests::rendered(&boot, "config.ign");
        ignition::validate(&config).unwrap();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        let volume = &config["storage"]["luks"][0];
        assert_eq!(volume["device"], "/dev/disk/by-id/virtio-data");
        assert_eq!((&volume["name"], &volume["wipeVolume"]), (&"data".into(), &false.into()));
        assert_eq!(config["storage"]["filesystems"][0]["device"], "/dev/mapper/data");
        let unit = config["systemd"]["units"][0]["contents"].as_str().unwrap();
        assert!(unit.contains("What=/dev/mapper/data\n"), "{unit}");
        assert!(unit.contains("systemd-fsck@dev-mapper-data.service"), "{unit}");
    }
}

#[test]
fn a_system_of_cloud_init_encrypts_no_disk() {
    let disk = Disk::new("data", 1.gib()).luks_key(Secret::password("data-key"));
    let machine =
        Machine::new("web", Image::debian("12").path("/image.qcow2")).root_disk(20.gib()).disk(disk);
    let report = Cloud::new("first").host(Host::local()).machine(machine).check().unwrap_err();
    let found = report.findings().iter().find(|finding| finding.at() == "machines.web.disks.data.luks_key");
    assert!(found.unwrap().to_string().contains("Debian encrypts no disk"), "{report}");
}
