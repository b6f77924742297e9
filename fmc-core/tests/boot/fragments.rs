//! Fragments of Butane, Ignition and cloud-config, merged into what a machine boots with: the real consumers take the whole.
#![expect(
    clippy::unwrap_used,
    reason = "a config of these tests that cannot be read is a mistake of the test"
)]

use fmc_core::guest::{CloudConfig, Fragment, Guest, GuestFile};
use fmc_core::ignition::{NoFiles, import};
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
            "groups": [{"name": "watchers", "gid": 2100}],
            "users": [{"name": "reader", "uid": 2100, "primary_group": "watchers", "ssh_authorized_keys": [guests::KEY]}],
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

/// A config whose every part a guest or its fragment can say, and that does nothing of which a finding tells.
fn harmless() -> Value {
    let hash = format!("sha256-{}", "ab".repeat(32));
    json!({
        "ignition": {"version": "3.3.0", "timeouts": {"httpTotal": 30}},
        "kernelArguments": {"shouldExist": ["quiet"]},
        "passwd": {
            "groups": [{"name": "readers", "gid": 2100}, {"name": "daemons", "system": true}],
            "users": [
                {"name": "reader", "uid": 2100, "groups": ["readers"], "homeDir": "/var/lib/reader", "shell": "/bin/sh"},
                {"name": "other", "gecos": "Somebody", "sshAuthorizedKeys": [guests::KEY]},
            ],
        },
        "storage": {
            "directories": [{"path": "/srv/data", "mode": 0o750, "user": {"name": "reader"}}, {"path": "/srv/more"}],
            "files": [
                {"path": "/etc/a", "mode": 0o600, "contents": {"source": "data:;base64,YSAlIGI="}},
                {"path": "/var/lib/reader/b", "contents": {"source": "data:,b"}},
                {"path": "/etc/bytes", "contents": {"source": "data:;base64,/w=="}},
                {"path": "/opt/c", "contents": {"source": "https://example.org/c", "verification": {"hash": hash}}},
                {"path": "/etc/d", "append": [{"source": "data:,d"}]},
            ],
            "links": [{"path": "/etc/l", "target": "a"}, {"path": "/etc/h", "target": "/etc/a", "hard": true}],
            "filesystems": [{"device": "/dev/disk/by-id/virtio-log", "format": "xfs", "label": "log", "mountOptions": ["noatime"]}],
            "disks": [{"device": "/dev/disk/by-id/virtio-more", "partitions": [{"number": 1, "label": "one", "sizeMiB": 100}]}],
        },
        "systemd": {"units": [
            {"name": "reader.service", "enabled": true, "contents": guests::SERVICE},
            {"name": "old.service", "enabled": false},
            {"name": "bad.service", "mask": true},
            {"name": "sshd.service", "dropins": [{"name": "a.conf", "contents": "[Service]\nNice=1\n"}]},
        ]},
    })
}

/// What an address of a content means, whichever way it is written.
fn meaning(source: &str) -> Vec<u8> {
    let Some((head, body)) = source.strip_prefix("data:").and_then(|data| data.split_once(',')) else {
        return source.as_bytes().to_vec();
    };
    if head.ends_with(";base64") {
        return base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body).unwrap();
    }
    let mut parts = body.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(part[2..].bytes());
    }
    bytes
}

/// Whether a config says all that another one does.
fn says(config: &Value, other: &Value) -> bool {
    match (config, other) {
        (Value::Object(all), Value::Object(some)) => {
            some.iter().all(|(key, value)| match (key.as_str(), all.get(key)) {
                ("source", Some(found)) => {
                    meaning(found.as_str().unwrap()) == meaning(value.as_str().unwrap())
                }
                (_, found) => found.is_some_and(|found| says(found, value)),
            })
        }
        (Value::Array(all), Value::Array(some)) => {
            some.iter().all(|one| all.iter().any(|found| says(found, one)))
        }
        _ => config == other,
    }
}

#[test]
fn an_imported_config_compiles_to_one_that_says_the_same() {
    let original = harmless();
    let imported = import(&Fragment::of(&original), &NoFiles);
    assert_eq!(imported.left, []);
    let config = config(Os::FedoraCoreos, imported.guest);
    ignition::validate(&config).unwrap_or_else(|refused| panic!("{refused}\n{config}"));
    let compiled: Value = serde_json::from_str(&config).unwrap();
    assert!(says(&compiled, &original), "{config}");
    assert!(!says(&compiled, &json!({"storage": {"files": [{"path": "/etc/a", "mode": 1}]}})));
}

#[test]
fn no_config_makes_an_import_panic() {
    let original = crate::validate::whole();
    let mut all = Vec::new();
    crate::validate::places(&original, "", &mut all);
    let odd = [
        Value::Null,
        json!(""),
        json!("%zz"),
        json!(-1),
        json!([[]]),
        json!({"": {}}),
        json!(true),
        json!("data:,%"),
    ];
    for place in &all {
        for value in &odd {
            let mut changed = original.clone();
            *changed.pointer_mut(place).unwrap() = value.clone();
            let imported = import(&Fragment::of(&changed), &NoFiles);
            let told = imported.left.iter().all(|left| !left.why.is_empty());
            assert!(told, "{changed}");
        }
    }
}

#[test]
fn one_config_is_imported_alike_from_a_value_and_from_its_text() {
    for config in [harmless(), crate::validate::whole(), butane()] {
        let imported = import(&Fragment::of(&config), &NoFiles);
        assert_eq!(imported, import(&Fragment::json(&config.to_string()), &NoFiles));
    }
}
