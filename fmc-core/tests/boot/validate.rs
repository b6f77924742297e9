//! `ignition::validate` judges as `ignition-validate` does: the same accepted, the same refused, by the same errors.

use fmc_core::ignition::validate;
use fmc_testkit::ignition::judge;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// What newer releases say than Debian's 2.14.
const BESIDE_A_UNIT: &str = "path conflicts with systemd unit or dropin";

/// What both say of a config. Where a type is wrong Ignition names no path, so that only the verdict is compared.
fn both_say(config: &str) -> (bool, Vec<String>) {
    let mut ours = validate(config.as_bytes());
    let (is_accepted, theirs) = judge(config);
    if !theirs.iter().any(|remark| remark.ends_with(BESIDE_A_UNIT)) {
        ours.errors.retain(|remark| remark.message != BESIDE_A_UNIT);
    }
    let mut remarks: Vec<String> = ours.to_string().lines().map(str::to_owned).collect();
    remarks.sort();
    assert_eq!(ours.is_valid(), is_accepted, "{config}\nours: {remarks:#?}\ntheirs: {theirs:#?}");
    if theirs.iter().any(|remark| remark.starts_with("error")) {
        let plain = |remarks: &[String]| {
            // Debian's release has fewer warnings than newer ones.
            let errors = remarks.iter().filter(|remark| remark.starts_with("error"));
            let mut plain: Vec<String> = errors.map(|remark| alike(remark)).collect();
            plain.sort();
            plain.dedup();
            plain
        };
        assert_eq!(plain(&remarks), plain(&theirs), "{config}");
    }
    (is_accepted, remarks)
}

/// A remark without the words of Go's parsers of units and of `data:` addresses.
fn alike(remark: &str) -> String {
    const OF_PARSERS: [&str; 14] = [
        "missing media type",
        "missing comma",
        "missing data prefix",
        "invalid character",
        "invalid media type",
        "incomplete media",
        "expected semicolon",
        "unterminated parameter",
        "expected base64",
        "unclosed quoted",
        "unexpected e",
        "invalid data character",
        "illegal base64",
        "rfc2396",
    ];
    let (place, message) = remark.split_once(": ").unwrap_or((remark, ""));
    if message.starts_with("invalid unit content") {
        return format!("{place}: invalid unit content");
    }
    let is_of_parser = OF_PARSERS.iter().any(|words| message.starts_with(words));
    if is_of_parser { format!("{place}: data") } else { remark.to_owned() }
}

/// A config with every list and object that there is.
pub(crate) fn whole() -> Value {
    let owner = json!({"id": 1000});
    let resource = json!({
        "source": "https://example.org/motd", "compression": "gzip",
        "httpHeaders": [{"name": "Accept", "value": "text/plain"}],
        "verification": {"hash": "sha256-0519a9826023338828942b081814355d55301b9bc82042390f9afaf75cd3a707"}
    });
    json!({
        "ignition": {
            "version": "3.3.0",
            "config": {"merge": [resource], "replace": {"source": "s3://bucket/key?versionId=a"}},
            "proxy": {"httpProxy": "http://proxy.example.org", "httpsProxy": "https://proxy.example.org", "noProxy": ["example.net"]},
            "security": {"tls": {"certificateAuthorities": [{"source": "data:,ca"}]}},
            "timeouts": {"httpResponseHeaders": 20, "httpTotal": 30}
        },
        "kernelArguments": {"shouldExist": ["quiet"], "shouldNotExist": ["rhgb"]},
        "passwd": {
            "groups": [{"name": "ops", "gid": 1500, "system": false, "shouldExist": true, "passwordHash": "x"}],
            "users": [{"name": "core", "uid": 1000, "groups": ["wheel", "ops"], "sshAuthorizedKeys": ["ssh-ed25519 AAAA"],
                       "homeDir": "/home/core", "noCreateHome": false, "shell": "/bin/bash"}]
        },
        "storage": {
            "directories": [{"path": "/srv/data", "mode": 493, "user": owner, "group": {"name": "ops"}}],
            "disks": [{"device": "/dev/vdb", "wipeTable": true, "partitions": [
                {"number": 1, "label": "one", "startMiB": 1, "sizeMiB": 10, "guid": "5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6"},
                {"number": 2, "label": "two", "startMiB": 20, "sizeMiB": 0, "resize": true},
                {"label": "three"}
            ]}],
            "files": [
                {"path": "/etc/motd", "mode": 420, "overwrite": true, "contents": resource, "append": [resource, resource]},
                {"path": "/etc/issue", "contents": {"source": "data:text/plain;charset=utf-8;base64,SGFsbG8=", "verification": {}}}
            ],
            "filesystems": [
                {"device": "/dev/vdc", "format": "ext4", "label": "data", "path": "/srv/data", "options": ["-m", "0"], "mountOptions": ["ro"]},
                {"device": "/dev/disk/by-partlabel/three", "format": "none"}
            ],
            "links": [
                {"path": "/etc/localtime", "target": "../usr/share/zoneinfo/Europe/Vienna"},
                {"path": "/opt/hard", "target": "/srv/file", "hard": true, "user": {"name": "core"}}
            ],
            "luks": [{
                "name": "root", "device": "/dev/vdd", "label": "crypt", "options": ["--a", "--a"], "wipeVolume": true,
                "keyFile": {"source": "data:,key"},
                "clevis": {"tpm2": true, "threshold": 1, "tang": [{"url": "https://tang.example.org", "thumbprint": "abc"}]}
            }, {
                "name": "data", "device": "/dev/vde", "clevis": {"custom": {"pin": "tpm2", "config": "{}", "needsNetwork": false}}
            }],
            "raid": [{"name": "md0", "level": "raid1", "devices": ["/dev/vdf", "/dev/vdg"], "spares": 0, "options": ["-x"]}]
        },
        "systemd": {"units": [
            {"name": "a.service", "enabled": true, "contents": "[Unit]\nDescription=a \\\n  b\n# c\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"},
            {"name": "b@.service", "contents": "[Service]\nExecStart=/bin/true\n"},
            {"name": "b@1.service", "enabled": true},
            {"name": "c.timer", "mask": true, "dropins": [{"name": "10.conf", "contents": "[Timer]\nOnBootSec=1\n"}]}
        ]}
    })
}

/// All places of a config, as JSON pointers.
pub(crate) fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let at = format!("{at}/{key}");
                all.push(at.clone());
                places(value, &at, all);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                let at = format!("{at}/{index}");
                all.push(at.clone());
                places(value, &at, all);
            }
        }
        _ => {}
    }
}

/// Values that are wrong somewhere, and right somewhere else.
fn values() -> Vec<Value> {
    let texts = [
        "",
        "/",
        "/etc/motd",
        "/etc//motd",
        "/etc/../x",
        "etc",
        "/etc/systemd/system/a.service",
        "/srv/data/x",
        "/etc/localtime/x",
        "/dev/vdb",
        "ext4",
        "zfs",
        "none",
        "thislabelistoolongforanything-thislabelistoolong",
        "a:b",
        "raid0",
        "5",
        "gzip",
        "zip",
        "http://[::1]a",
        "http://[::1]:80/",
        "http://a b/",
        "http://h:x/",
        "http://u@h/%zz",
        "ftp://x",
        "gs://b/o",
        "tftp://h/f",
        "s3://bucket/key?versionId=",
        "s3://bucket/key",
        "arn:aws:s3:::b/k",
        "data:,x",
        "data:;base64,a",
        "data:;base64,aGk=",
        "data:text,x",
        "data:text/plain;charset=\"a\\\"b\",x",
        "data:,%4",
        "data:,a b",
        "data:",
        ":x",
        "x:y",
        "//host/path",
        "1.service",
        "a.conf",
        "a",
        "b@2.service",
        "[Unit",
        "[Unit]\nDescription",
        "[Unit] x\n",
        "x\n[Unit]\n=1\n",
        "[Unit]\nA=1\\\n",
        "5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6",
        "5dfbf5f4",
        "sha512-1",
        "sha256-345",
        "sha1-a",
        "plain",
        "sss",
        "3.0.0",
        "3.1.0",
        "3.2.0",
        "3.3.0",
        "3.4.0-experimental",
        "2.3.0",
        "3.3",
        "one",
        "vdb",
        "core",
        "http://proxy",
        "https://proxy:443",
    ];
    let mut all: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
    all.push(json!("[Unit]\nDescription=".to_owned() + &"x".repeat(3000) + "\n"));
    all.push(json!("#".to_owned() + &"x".repeat(5000) + "\n[Unit]\nA=1\n"));
    for number in [-1, 0, 1, 2, 20, 420, 2541, 4096] {
        all.push(json!(number));
    }
    all.extend([
        json!(1.5),
        json!(1e3),
        json!(true),
        json!(false),
        json!(null),
        json!([]),
        json!({}),
        json!(["a", "a"]),
        json!([null]),
    ]);
    all
}

#[test]
fn each_mistake_is_judged_as_ignition_does() {
    for version in ["3.0.0", "3.1.0", "3.2.0", "3.3.0"] {
        let mut config = whole();
        config["ignition"]["version"] = json!(version);
        both_say(&config.to_string());
    }
    let (is_accepted, remarks) = both_say(&whole().to_string());
    assert!(is_accepted, "{remarks:?}");
    // Every place with every value would take an hour: each place has some, and each value stands in some places.
    let (whole, values) = (whole(), values());
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    let mut refused = 0;
    for (number, place) in all.iter().enumerate() {
        for step in 0..3 {
            let mut config = whole.clone();
            *config.pointer_mut(place).unwrap() = values[(number * 7 + step * 29) % values.len()].clone();
            refused += usize::from(!both_say(&config.to_string()).0);
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn random_configs_are_judged_as_ignition_does() {
    let (whole, values) = (whole(), values());
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    let change = (0..all.len(), 0..values.len(), 0..3_u8);
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 400, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let ran = runner.run(&proptest::collection::vec(change, 1..5), |changes| {
        let mut config = whole.clone();
        for (place, value, what) in changes {
            let (above, key) = all[place].rsplit_once('/').unwrap();
            match config.pointer_mut(above) {
                Some(Value::Object(object)) if what == 0 => drop(object.remove(key)),
                Some(Value::Array(list)) if what == 1 => list.extend(list.first().cloned()),
                _ => {
                    if let Some(there) = config.pointer_mut(&all[place]) {
                        *there = values[value].clone();
                    }
                }
            }
        }
        both_say(&config.to_string());
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn what_is_no_config_is_refused() {
    for text in [
        "",
        "{}",
        "[]",
        "null",
        "{\"ignition\": {\"version\": \"3.3.0\"},}",
        "{\"ignition\": 3}",
        "#cloud-config\n",
    ] {
        assert!(!both_say(text).0, "{text}");
    }
    // Go's decoder does not look at the case of a key.
    let (is_accepted, remarks) = both_say("{\"Ignition\": {\"Version\": \"3.3.0\"}}");
    assert!(is_accepted && remarks.len() == 2, "{remarks:?}");
}
