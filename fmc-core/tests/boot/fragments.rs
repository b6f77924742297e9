//! Fragments of Butane, Ignition and cloud-config, merged into what a machine boots with: the real consumers take the whole.

use fmc_core::guest::{CloudConfig, Fragment, Guest, GuestFile};
use fmc_core::image::Os;
use fmc_core::machine::Interface;
use fmc_testkit::{cloud_init, ignition, tree};
use serde_json::{Value, json};

use crate::guests;

fn config(os: Os, guest: Guest) -> String {
    let interfaces = vec![Interface::on("lab").address("10.17.3.10")];
    guests::rendered(&guests::boot(os, interfaces, guest), "config.ign")
}

/// One of each section of a Butane config.
fn butane() -> Value {
    json!({
        "variant": "fcos",
        "version": "1.5.0",
        "passwd": {
            "groups": [{"name": "readers", "gid": 2100}],
            "users": [{"name": "reader", "uid": 2100, "primary_group": "readers", "ssh_authorized_keys": [guests::KEY]}],
        },
        "storage": {
            "directories": [{"path": "/etc/reader", "mode": "0750", "user": {"name": "reader"}}],
            "files": [
                {"path": "/etc/reader/conf", "mode": "0640", "contents": {"inline": "a: 100%\nb: ü\n"}},
                {"path": "/etc/app/plain.conf.d", "append": [{"inline": "more\n"}]},
            ],
            "links": [{"path": "/etc/reader/link", "target": "conf"}],
            "filesystems": [{
                "device": "/dev/disk/by-id/virtio-log", "format": "xfs", "label": "log", "path": "/var/log/reader",
                "mount_options": ["noatime"], "with_mount_unit": true,
            }],
        },
        "systemd": {"units": [
            {"name": "reader.service", "enabled": true, "contents": guests::SERVICE},
            {"name": "sshd.service", "dropins": [{"name": "10-nice.conf", "contents": "[Service]\nNice=1\n"}]},
        ]},
        "kernel_arguments": {"should_exist": ["console=ttyS0"], "should_not_exist": ["quiet"]},
    })
}

#[test]
fn ignition_takes_a_whole_machine_with_fragments_in_silence() {
    let plain = json!({
        "ignition": {"version": "3.3.0"},
        "storage": {"files": [{"path": "/etc/second", "mode": 256, "contents": {"source": "data:,second"}}]},
    });
    let guest = guests::everything().ignition(Fragment::of(&butane())).ignition(Fragment::of(&plain));
    let config = config(Os::FedoraCoreos, guest);
    let parsed: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(parsed["ignition"]["version"], "3.3.0", "the lowest that has all of it");
    assert_eq!(
        parsed["kernelArguments"],
        json!({"shouldExist": ["console=ttyS0"], "shouldNotExist": ["quiet"]})
    );
    ignition::validate(&config).unwrap_or_else(|refused| panic!("{refused}\n{config}"));

    let root = tree::scratch();
    let tree = ignition::apply(&config, root.path()).unwrap();
    let conf = &tree["/etc/reader/conf"];
    assert_eq!((conf.text(), conf.mode), (Some("a: 100%\nb: ü\n"), 0o640));
    let folder = &tree["/etc/reader"];
    assert_eq!((folder.mode, folder.uid), (0o750, 2100));
    assert_eq!(tree["/etc/app/plain.conf.d"].text(), Some("more\n"));
    assert_eq!(tree["/etc/second"].mode, 0o400);
    assert_eq!(tree["/etc/hostname"].text(), Some("web\n"), "what fmc writes is there too");
    let mount = tree["/etc/systemd/system/var-log-reader.mount"].text().unwrap();
    assert!(mount.contains("Where=/var/log/reader\n") && mount.contains("Options=noatime\n"), "{mount}");
    let presets = tree["/etc/systemd/system-preset/20-ignition.preset"].text().unwrap();
    for enabled in ["app.service", "reader.service", "var-log-reader.mount"] {
        assert!(presets.contains(&format!("enable {enabled}\n")), "{presets}");
    }
}

#[test]
fn a_fragment_raises_the_spec_as_far_as_it_must() {
    let volume = json!({
        "variant": "fcos", "version": "1.5.0",
        "storage": {"luks": [{
            "name": "secret", "device": "/dev/disk/by-partlabel/root", "discard": true, "clevis": {"tpm2": true},
        }]},
    });
    let config = config(Os::FedoraCoreos, Guest::new().ignition(Fragment::of(&volume)));
    let parsed: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(parsed["ignition"]["version"], "3.4.0");
    let judgement = fmc_core::ignition::validate(config.as_bytes());
    assert_eq!(judgement.to_string(), "");
}

#[test]
fn cloud_init_takes_a_whole_machine_with_parts_in_silence() {
    for os in [Os::Debian, Os::Rocky] {
        let part = json!({
            "package_upgrade": true,
            "final_message": "up after $UPTIME s",
            "write_files": [{"path": "/etc/second", "permissions": "0640", "content": "a: 'b'\nc\n"}],
            "users": [{"name": "reader", "shell": "/bin/sh", "lock_passwd": true}],
            "groups": ["readers"],
            "packages": ["tmux", ["curl", "8"]],
            "bootcmd": [["touch", "/run/early"]],
            "runcmd": [["sh", "-c", "echo \"it's up\" > /run/up"], "touch /run/late"],
            "ntp": {"enabled": true, "servers": ["10.17.3.1"]},
        });
        let guest = guests::everything().cloud_config(CloudConfig::of(&part));
        let boot = guests::boot(os, vec![Interface::on("lab").address("10.17.3.10")], guest);
        let user_data = guests::rendered(&boot, "user-data");
        cloud_init::schema(&user_data).unwrap_or_else(|refused| panic!("{os:?}: {refused}\n{user_data}"));
        let read: Value = serde_saphyr::from_str(&user_data).unwrap();
        for (key, value) in part.as_object().unwrap() {
            match value.as_array() {
                Some(values) => {
                    let all = read[key].as_array().unwrap();
                    assert_eq!(&all[all.len() - values.len()..], values.as_slice(), "{key}");
                }
                None => assert_eq!(&read[key], value, "{key}"),
            }
        }
        assert_eq!(read["hostname"], "web");
    }
}

#[test]
fn a_machine_without_fragments_is_as_before() {
    let guest = || Guest::new().file(GuestFile::text("/etc/a", "a"));
    assert_eq!(config(Os::Flatcar, guest()), config(Os::Flatcar, guest().with(Guest::new())));
    assert!(!config(Os::Flatcar, guest()).contains("kernelArguments"));
}
