use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::disk::Disk;
use crate::finding::Finding;
use crate::guest::{CloudConfig, Directory, Fragment, GuestFile, Symlink, Unit, User};
use crate::host::Host;
use crate::image::{Image, Os};
use crate::machine::Machine;
use crate::unit::SizeExt as _;

fn findings(image: Image, change: impl FnOnce(Machine) -> Machine) -> Vec<String> {
    let machine = change(Machine::new("web", image).root_disk(20.gib()));
    let cloud = Cloud::new("first").host(Host::local()).machine(machine);
    let all = match cloud.check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => report.findings().to_vec(),
    };
    let line = |finding: &Finding| {
        let also = finding
            .also_at()
            .first()
            .map(|also| format!(" and {}", also.trim_start_matches("machines.web.")))
            .unwrap_or_default();
        format!("{} {}{also}", finding.kind().as_str(), finding.at().trim_start_matches("machines.web."))
    };
    let wanted = ["guest-", "fragment-", "ignition-version", "reference-unknown"];
    all.iter().map(line).filter(|line| wanted.iter().any(|kind| line.starts_with(kind))).collect()
}

fn fcos() -> Image {
    Image::fedora_coreos("44.20260802.3.1").path("/images/fcos.qcow2")
}

/// The findings about a section of a Butane config for Fedora CoreOS.
fn found(section: &str, value: &Value) -> Vec<String> {
    let butane = json!({"variant": "fcos", "version": "1.5.0", section: value});
    findings(fcos(), |machine| machine.ignition(Fragment::of(&butane)))
}

#[test]
fn a_clash_names_both_places() {
    let butane = json!({
        "variant": "fcos", "version": "1.5.0",
        "passwd": {"users": [{"name": "ops"}]},
        "storage": {
            "files": [
                {"path": "/etc/motd", "contents": {"inline": "a"}},
                {"path": "/etc/hostname", "contents": {"inline": "a"}},
                {"path": "/etc/app/conf", "contents": {"inline": "a"}},
                {"path": "/etc/systemd/system/app.service", "contents": {"inline": "a"}},
                {"path": "/srv/data/file", "contents": {"inline": "a"}},
            ],
            "links": [{"path": "/opt/tool", "target": "/usr/bin/true"}],
        },
        "systemd": {"units": [{"name": "app.service", "enabled": true}]},
    });
    let all = findings(fcos(), |machine| {
        machine
            .user(User::admin("ops"))
            .file(GuestFile::text("/etc/motd", "b"))
            .file(GuestFile::text("/etc/app", "b"))
            .link(Symlink::new("/srv/data", "/var/data"))
            .directory(Directory::new("/opt/tool/bin"))
            .unit(
                Unit::service("app")
                    .contents("[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"),
            )
            .ignition(Fragment::of(&butane))
    });
    let mut wanted = vec![
        "guest-clash guest.ignition[0].passwd.users[0] and guest.users.ops",
        "guest-clash guest.ignition[0].systemd.units[0] and guest.units.app.service",
        "guest-clash guest.ignition[0].storage.files[0].path and guest.files./etc/motd",
        "guest-clash guest.ignition[0].storage.files[1].path",
        "guest-clash guest.ignition[0].storage.files[2].path and guest.files./etc/app",
        "guest-clash guest.ignition[0].storage.files[3].path and guest.units.app.service",
        "guest-clash guest.ignition[0].storage.files[4].path and guest.links./srv/data",
        "guest-clash guest.directories./opt/tool/bin and guest.ignition[0].storage.links[0].path",
    ];
    let mut all: Vec<&str> =
        all.iter().map(String::as_str).filter(|line| line.starts_with("guest-clash")).collect();
    wanted.sort_unstable();
    all.sort_unstable();
    assert_eq!(all, wanted);
}

#[test]
fn two_fragments_clash_with_each_other() {
    let file = json!({"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 5}}, "storage": {"files": [{"path": "/etc/a", "contents": {"source": "data:,"}}]}});
    let all = findings(fcos(), |machine| machine.ignition(Fragment::of(&file)).ignition(Fragment::of(&file)));
    assert_eq!(
        all,
        [
            "guest-clash guest.ignition[1].ignition.timeouts and guest.ignition[0].ignition.timeouts",
            "guest-clash guest.ignition[1].storage.files[0].path and guest.ignition[0].storage.files[0].path",
        ]
    );
}

#[test]
fn each_risk_is_found_in_its_place() {
    let cases = [
        (json!({"disks": [{"device": "/dev/vdb", "wipe_table": true}]}), "disks[0].wipe_table"),
        (
            json!({"disks": [{"device": "/dev/vdb", "partitions": [{"number": 1, "wipe_partition_entry": true}]}]}),
            "disks[0].partitions[0].wipe_partition_entry",
        ),
        (
            json!({"filesystems": [{"device": "/dev/vdb", "format": "ext4", "wipe_filesystem": true}]}),
            "filesystems[0].wipe_filesystem",
        ),
        (
            json!({"raid": [{"name": "data", "level": "raid1", "devices": ["/dev/vdb", "/dev/vdc"]}]}),
            "raid[0]",
        ),
        (
            json!({"luks": [{"name": "data", "device": "/dev/vdb", "clevis": {"tpm2": true}}]}),
            "luks[0].clevis",
        ),
        (
            json!({"luks": [{"name": "data", "device": "/dev/vdb", "key_file": {"inline": "key"}}]}),
            "luks[0].key_file.inline",
        ),
        (
            json!({"files": [{"path": "/etc/a", "contents": {"source": "https://example.com/a"}}]}),
            "files[0].contents.source",
        ),
    ];
    for (storage, place) in cases {
        assert_eq!(found("storage", &storage), [format!("fragment-risk guest.ignition[0].storage.{place}")]);
    }
    assert_eq!(
        found("passwd", &json!({"users": [{"name": "a", "password_hash": "$y$x"}]})),
        ["fragment-risk guest.ignition[0].passwd.users[0].password_hash"]
    );
    assert_eq!(
        found(
            "systemd",
            &json!({"units": [{"name": "a.service", "enabled": true, "contents": "[Service]\nExecStart=/bin/a\n"}]})
        ),
        ["fragment-risk guest.ignition[0].systemd.units[0].contents"]
    );
}

#[test]
fn the_root_disk_may_be_emptied() {
    let root = json!({
        "disks": [{"device": "/dev/vda", "partitions": [{"number": 4, "label": "root", "resize": true}]}],
        "luks": [{"name": "root", "device": "/dev/disk/by-partlabel/root", "clevis": {"tpm2": true}, "wipe_volume": true}],
        "filesystems": [{"device": "/dev/mapper/root", "format": "xfs", "label": "root", "wipe_filesystem": true}],
    });
    assert_eq!(found("storage", &root), [""; 0]);
}

#[test]
fn what_is_invalid_is_found_in_its_place() {
    let cases = [
        ("storage", json!({"luks": [{"name": "data", "device": "/dev/vdb"}]}), "storage.luks[0]"),
        ("storage", json!({"raid": [{"name": "data", "devices": ["/dev/vdb"]}]}), "storage.raid[0]"),
        (
            "storage",
            json!({"filesystems": [{"device": "/dev/vdb", "path": "/var/a"}]}),
            "storage.filesystems[0]",
        ),
        (
            "storage",
            json!({"disks": [{"device": "/dev/vdb", "partitions": [
                {"number": 1, "start_mib": 1, "size_mib": 10}, {"number": 2, "start_mib": 5, "size_mib": 10}]}]}),
            "storage.disks[0].partitions[1]",
        ),
        ("kernel_arguments", json!({"should_exist": ["a b"]}), "kernel_arguments.should_exist[0]"),
        ("boot_device", json!({"mirror": {"devices": ["/dev/vda"]}}), "boot_device.mirror.devices"),
        ("storage", json!({"trees": [{"local": "/etc"}]}), "storage.trees[0].local"),
        ("ignition", json!({"config": {"replace": {"inline": "{}"}}}), "ignition.config.replace"),
    ];
    for (section, value, place) in cases {
        let all = found(section, &value);
        let wanted = format!("fragment-invalid guest.ignition[0].{place}");
        assert!(all.iter().any(|line| line.starts_with(&wanted)), "{wanted}: {all:?}");
    }
}

#[test]
fn disks_of_the_machine_are_known_to_fragments() {
    let data = |storage: &Value, disk: Disk| {
        let butane = json!({"variant": "fcos", "version": "1.5.0", "storage": storage});
        findings(fcos(), |machine| machine.disk(disk).ignition(Fragment::of(&butane)))
    };
    let device = "/dev/disk/by-id/virtio-data";
    let filesystem = json!({"filesystems": [{"device": device, "format": "ext4"}]});
    assert_eq!(
        data(&filesystem, Disk::new("data", 1.gib()).mount("/var/lib/a")),
        ["guest-clash guest.ignition[0].storage.filesystems[0].device and disks.data"]
    );
    assert_eq!(data(&filesystem, Disk::new("data", 1.gib())), [""; 0]);
    let elsewhere = json!({"filesystems": [
        {"device": "/dev/vdb", "format": "ext4", "path": "/var/lib/a", "with_mount_unit": true}]});
    assert_eq!(
        data(&elsewhere, Disk::new("data", 1.gib()).mount("/var/lib/a")),
        [
            "guest-clash guest.ignition[0] and disks.data.mount",
            "fragment-risk guest.ignition[0].storage.filesystems[0].device"
        ]
    );
    let partitions = |size: u64| json!({"disks": [{"device": device, "partitions": [{"number": 1, "size_mib": 512}, {"number": 2, "size_mib": size}]}]});
    assert_eq!(
        data(&partitions(512), Disk::new("data", 1.gib())),
        ["fragment-invalid guest.ignition[0].storage.disks[0].partitions[1].size_mib and disks.data"]
    );
    assert_eq!(data(&partitions(500), Disk::new("data", 1.gib())), [""; 0]);
}

/// A machine has its disks by their serials; the kernel's names follow from the order in which it finds them.
#[test]
fn a_fragment_names_a_disk_that_is_there_and_stays() {
    let cases = [
        (
            "filesystems",
            json!({"device": "/dev/disk/by-id/virtio-dat", "format": "xfs"}),
            "reference-unknown",
            "filesystems[0].device",
        ),
        (
            "disks",
            json!({"device": "/dev/disk/by-id/virtio-backups"}),
            "reference-unknown",
            "disks[0].device",
        ),
        (
            "filesystems",
            json!({"device": "/dev/vdb", "format": "xfs"}),
            "fragment-risk",
            "filesystems[0].device",
        ),
        (
            "luks",
            json!({"name": "a", "device": "/dev/sdb", "key_file": {"inline": "k"}}),
            "fragment-risk",
            "luks[0].device",
        ),
    ];
    for (list, value, kind, place) in cases {
        let fragment = json!({"variant": "fcos", "version": "1.5.0", "storage": {list: [value]}});
        let all = findings(fcos(), |machine| {
            machine.disk(Disk::new("data", 10.gib())).ignition(Fragment::of(&fragment))
        });
        let wanted = format!("{kind} guest.ignition[0].storage.{place}");
        assert!(all.contains(&wanted), "{wanted}: {all:?}");
    }
    let right = json!({"variant": "fcos", "version": "1.5.0", "storage": {
        "filesystems": [{"device": "/dev/disk/by-id/virtio-data-part1", "format": "xfs"}]}});
    let all =
        findings(fcos(), |machine| machine.disk(Disk::new("data", 10.gib())).ignition(Fragment::of(&right)));
    assert_eq!(all, [""; 0]);
}

#[test]
fn an_old_image_does_not_know_a_new_fragment() {
    let butane = json!({
        "variant": "fcos", "version": "1.5.0",
        "storage": {"luks": [{"name": "root", "device": "/dev/disk/by-partlabel/root", "discard": true, "clevis": {"tpm2": true}}]},
    });
    let image = |version: &str| Image::fedora_coreos(version).path("/images/fcos.qcow2");
    let at = |version: &str| findings(image(version), |machine| machine.ignition(Fragment::of(&butane)));
    assert_eq!(at("36.20220101.3.0"), ["ignition-version guest.ignition[0]"]);
    assert_eq!(at("40.20240906.3.0"), [""; 0]);
}

#[test]
fn each_system_has_its_format() {
    let butane = || Fragment::of(&json!({"variant": "fcos", "version": "1.5.0"}));
    let part = || CloudConfig::of(&json!({"package_upgrade": true}));
    let debian = || Image::debian("12").path("/images/debian.qcow2");
    assert_eq!(findings(debian(), |machine| machine.ignition(butane())), ["fragment-invalid guest.ignition"]);
    assert_eq!(
        findings(fcos(), |machine| machine.cloud_config(part())),
        ["fragment-invalid guest.cloud_config"]
    );
    assert_eq!(findings(debian(), |machine| machine.cloud_config(part())), [""; 0]);
    assert_eq!(debian().os, Os::Debian);
}

#[test]
fn parts_of_a_cloud_config_clash_too() {
    let part = json!({
        "hostname": "other",
        "fs_setup": [],
        "password": "secret",
        "write_files": [
            {"path": "/etc/motd", "content": "a"},
            {"path": "/etc/motd", "content": "a", "append": true},
            {"path": "/etc/a", "permissions": 644},
            {"content": "a"},
            {"path": "/etc/hosts", "content": "a"},
            {"path": "/etc/b", "contents": "a"},
        ],
        "users": ["default", {"name": "ops", "passwd": "$y$x"}, {"nam": "eve"}],
        "pakages": ["nginx"],
        "runcmd": {"a": 1},
    });
    let all = findings(Image::debian("12").path("/images/debian.qcow2"), |machine| {
        machine
            .user(User::admin("ops"))
            .file(GuestFile::text("/etc/motd", "b"))
            .cloud_config(CloudConfig::of(&part))
            .cloud_config(CloudConfig::json("{"))
    });
    let mut wanted = vec![
        "guest-clash guest.cloud_config[0].hostname",
        "fragment-risk guest.cloud_config[0].fs_setup",
        "fragment-risk guest.cloud_config[0].password",
        "guest-clash guest.cloud_config[0].write_files[0].path and guest.files./etc/motd",
        "fragment-invalid guest.cloud_config[0].write_files[2].permissions",
        "fragment-invalid guest.cloud_config[0].write_files[3].path",
        "guest-clash guest.cloud_config[0].write_files[4].path",
        "fragment-risk guest.cloud_config[0].users[1].passwd",
        "guest-clash guest.cloud_config[0].users[1] and guest.users.ops",
        "fragment-risk guest.cloud_config[0].users[2].nam",
        "fragment-risk guest.cloud_config[0].pakages",
        "fragment-risk guest.cloud_config[0].write_files[5].contents",
        "fragment-invalid guest.cloud_config[0].runcmd",
        "fragment-invalid guest.cloud_config[1]",
    ];
    let mut all: Vec<&str> = all.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    all.sort_unstable();
    assert_eq!(all, wanted);
}
