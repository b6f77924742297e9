use serde_json::json;

use super::*;

fn reading(value: &Value) -> Reading {
    read(&Fragment::of(value))
}

fn troubles(value: &Value) -> Vec<String> {
    reading(value).troubles.iter().map(|trouble| format!("{}: {}", trouble.path, trouble.what)).collect()
}

#[test]
fn butane_becomes_ignition() {
    let butane = json!({
        "variant": "fcos", "version": "1.5.0",
        "passwd": {"users": [{"name": "core", "ssh_authorized_keys": ["ssh-ed25519 AAAA"], "no_create_home": "yes"}]},
        "storage": {
            "files": [{"path": "/etc/a", "mode": "0644", "contents": {"inline": "a b\n"}}],
            "disks": [{"device": "/dev/vdb", "partitions": [{"label": "x", "size_mib": 5, "number": 1}]}],
            "filesystems": [{
                "path": "/var/x", "device": "/dev/disk/by-partlabel/x", "format": "ext4",
                "with_mount_unit": true, "mount_options": ["noatime"],
            }],
        },
        "kernel_arguments": {"should_exist": ["quiet"]},
    });
    let read = reading(&butane);
    assert_eq!(read.troubles, []);
    assert_eq!(read.spec, Some(Spec::V3_3));
    let config = read.config;
    assert_eq!(config["ignition"]["version"], "3.4.0");
    assert_eq!(config["passwd"]["users"][0]["noCreateHome"], true);
    assert_eq!(config["storage"]["files"][0]["mode"], 0o644);
    assert_eq!(config["storage"]["files"][0]["contents"]["source"], "data:,a%20b%0A");
    assert_eq!(config["storage"]["disks"][0]["partitions"][0]["sizeMiB"], 5);
    let unit = &config["systemd"]["units"][0];
    assert_eq!(unit["name"], "var-x.mount");
    assert!(
        unit["contents"]
            .as_str()
            .unwrap()
            .contains("Where=/var/x\nWhat=/dev/disk/by-partlabel/x\nType=ext4\nOptions=noatime\n")
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let cases = [
        (json!("{"), ": it is not a map"),
        (
            json!({"variant": "openshift", "version": "4.14.0"}),
            "variant: the variant openshift is not a version that fmc reads",
        ),
        (
            json!({"variant": "flatcar", "version": "1.4.0"}),
            "version: flatcar 1.4.0 is not a version that fmc reads",
        ),
        (
            json!({"ignition": {"version": "2.3.0"}}),
            "ignition.version: 2.3.0 is not a version that fmc reads",
        ),
        (
            json!({"variant": "fcos", "version": "1.5.0", "storage": {"fils": []}}),
            "storage.fils: the key fils is not known; did you mean files?",
        ),
        (
            json!({"variant": "fcos", "version": "1.3.0", "kernel_arguments": {}}),
            "kernel_arguments: the key kernel_arguments came with fcos 1.4.0",
        ),
        (
            json!({"variant": "fcos", "version": "1.5.0", "storage": {"files": [{"path": "etc/a"}]}}),
            "storage.files[0].path: path not absolute",
        ),
        (
            json!({"variant": "fcos", "version": "1.5.0", "storage": {"files": [{"path": "/a", "mode": "0o9"}]}}),
            "storage.files[0].mode: a whole number is expected",
        ),
        (
            json!({"variant": "fcos", "version": "1.5.0", "storage": {"files": [{"path": "/a", "contents": {"local": "../a"}}]}}),
            "storage.files[0].contents.local: the local file ../a is not read: nobody allowed it",
        ),
        (
            json!({"variant": "fcos", "version": "1.5.0", "storage": {"trees": [{"local": "/etc"}]}}),
            "storage.trees[0].local: the local file /etc is not read: nobody allowed it",
        ),
        (
            json!({"variant": "fcos", "version": "1.5.0", "boot_device": {"mirror": {"devices": ["/dev/vda"]}}}),
            "boot_device.mirror.devices: at least two devices is expected",
        ),
        (
            json!({"variant": "flatcar", "version": "1.1.0", "boot_device": {}}),
            "boot_device: the key boot_device is not known",
        ),
    ];
    for (value, told) in cases {
        assert_eq!(troubles(&value), [told], "{value}");
    }
}

#[test]
fn a_boot_device_is_a_mirror_and_what_is_said_beside_it_counts() {
    let butane = json!({
        "variant": "fcos", "version": "1.5.0",
        "boot_device": {"mirror": {"devices": ["/dev/vda", "/dev/vdb"]}, "luks": {"tpm2": true, "discard": true}},
        "storage": {
            "disks": [{"device": "/dev/vda", "partitions": [{"label": "root-1", "size_mib": 10240}, {"label": "var-1"}]}],
            "filesystems": [{"device": "/dev/mapper/root", "format": "ext4"}],
        },
    });
    let read = reading(&butane);
    assert_eq!(read.troubles, []);
    assert_eq!(read.spec, Some(Spec::V3_4), "`discard`");
    let storage = &read.config["storage"];
    let labels: Vec<&str> = storage["disks"][0]["partitions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["label"].as_str())
        .collect();
    assert_eq!(labels, ["bios-1", "esp-1", "boot-1", "root-1", "var-1"]);
    assert_eq!(storage["disks"][0]["partitions"][3]["sizeMiB"], 10240);
    assert_eq!(storage["luks"][0]["device"], "/dev/md/md-root");
    let root =
        storage["filesystems"].as_array().unwrap().iter().find(|one| one["device"] == "/dev/mapper/root");
    assert_eq!(root.unwrap()["format"], "ext4");
}

#[test]
fn a_volume_that_the_network_opens_is_mounted_with_it() {
    let tang = json!({"url": "http://tang", "thumbprint": "x"});
    let butane = json!({
        "variant": "fcos", "version": "1.5.0",
        "storage": {
            "luks": [{"name": "data", "device": "/dev/vdb", "clevis": {"tang": [tang]}}],
            "filesystems": [
                {"device": "/dev/mapper/data", "path": "/var/lib/data", "format": "xfs", "with_mount_unit": true},
                {"device": "/dev/vdc", "format": "swap", "with_mount_unit": true},
            ],
        },
    });
    let read = reading(&butane);
    assert_eq!(read.troubles, []);
    let units = &read.config["systemd"]["units"];
    let mount = units[0]["contents"].as_str().unwrap();
    assert!(
        mount.contains("Options=_netdev\n") && mount.ends_with("RequiredBy=remote-fs.target\n"),
        "{mount}"
    );
    assert_eq!(units[1]["name"], "dev-vdc.swap");
}

#[test]
fn local_files_are_read_by_whoever_is_allowed_to() {
    struct Some;
    impl LocalFiles for Some {
        fn file(&self, path: &str) -> Result<Vec<u8>, String> {
            if path == "bytes" { Ok(vec![0xff]) } else { Ok(b"ssh-ed25519 AAAA\n\n".to_vec()) }
        }
        fn tree(&self, _: &str) -> Result<Vec<(String, LocalNode)>, String> {
            let file = LocalNode::File { content: b"x".to_vec(), is_program: true };
            Ok(vec![("bin/x".to_owned(), file), ("link".to_owned(), LocalNode::Link("bin/x".to_owned()))])
        }
    }
    let butane = json!({
        "variant": "fcos", "version": "1.5.0",
        "passwd": {"users": [{"name": "core", "ssh_authorized_keys_local": ["key.pub"]}]},
        "storage": {
            "files": [{"path": "/etc/bytes", "contents": {"local": "bytes"}}],
            "trees": [{"local": "tree", "path": "/opt"}],
        },
    });
    let read = read_with(&Fragment::of(&butane), &Some);
    assert_eq!(read.troubles, []);
    let storage = &read.config["storage"];
    assert_eq!(storage["files"][0]["contents"]["source"], "data:;base64,/w==");
    assert_eq!(
        (&storage["files"][1]["path"], &storage["files"][1]["mode"]),
        (&json!("/opt/bin/x"), &json!(0o755))
    );
    assert_eq!(storage["links"][0]["path"], "/opt/link");
    assert_eq!(read.config["passwd"]["users"][0]["sshAuthorizedKeys"], json!(["ssh-ed25519 AAAA"]));
}

#[test]
fn special_bits_need_the_spec_that_has_them() {
    let config =
        json!({"ignition": {"version": "3.6.0"}, "storage": {"files": [{"path": "/a", "mode": 0o4755}]}});
    assert_eq!(reading(&config).spec, Some(Spec::V3_6));
}
