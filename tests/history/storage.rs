//! Group 22: file systems that were gone after a reboot, or were made on another disk of the same device
//! name.

use fmc::prelude::*;
use fmc::testing::Artifacts;

use crate::{caught, seed};

/// `mkfs -F /dev/vdb` and a `mount` by hand.
#[test]
fn h22_a_disk_is_found_by_its_serial_and_mounted_at_every_boot() {
    let cloud = seed(&[
        "machines.postgresql1.disks.data.mount=/var/lib/pgsql",
        "machines.worker1.disks.osd.mount=/var/lib/longhorn",
    ]);
    let artifacts = Artifacts::of(&cloud);
    let data = artifacts.machine("postgresql1").boot("user-data");
    data.assert_contains("/dev/disk/by-id/virtio-data").assert_contains("/var/lib/pgsql");
    let worker = artifacts.machine("worker1").boot("config.ign");
    worker.assert_value("/storage/filesystems/0/device", "/dev/disk/by-id/virtio-osd");
    worker.assert_value("/storage/filesystems/0/path", "/var/lib/longhorn");
    for document in [&data, &worker] {
        document.assert_lacks("/dev/vdb").assert_lacks("mkfs").assert_lacks("nofail");
    }
    // It is mounted at every boot: by an enabled unit, or by a line of fstab.
    worker.assert_value("/systemd/units/0/name", "var-lib-longhorn.mount");
    worker.assert_value("/systemd/units/0/enabled", "true");
    data.assert_contains(">>/etc/fstab");
}

/// A guest cannot tell two of its disks apart.
#[test]
fn h22_two_disks_of_a_machine_have_two_serials() {
    caught(
        &seed(&["machines.worker1.disks.log={size: 10 GiB, serial: osd}"]),
        Kind::SerialDuplicate,
        "machines.worker1.disks.osd.serial",
        "give each its own",
    );
}

/// The databases were on the root disk of their machine, and a disk beside it had no mount.
#[test]
fn h22_the_databases_are_on_a_disk_that_stays() {
    let postgresql = "roles=[{postgresql: {name: main, version: 16, primary: postgresql1, backup: {}}}]";
    let disk = "machines.postgresql1.disks.postgresql={size: 100 GiB}";
    let finding = crate::found(&seed(&[postgresql, disk]));
    let kinds: Vec<&str> = finding.iter().map(|finding| finding.kind().as_str()).collect();
    assert!(kinds.contains(&"postgresql-no-disk"), "{kinds:?}");
    // The role brings its own.
    let artifacts = Artifacts::of(&seed(&[postgresql]));
    let data = artifacts.machine("postgresql1").boot("user-data");
    data.assert_contains("/dev/disk/by-id/virtio-postgresql").assert_contains("/var/lib/postgresql");
}
