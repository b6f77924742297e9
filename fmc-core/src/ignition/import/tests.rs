use serde_json::json;

use super::*;
use crate::ignition::NoFiles;

fn imported(value: &Value) -> Imported {
    import(&Fragment::of(value), &NoFiles)
}

#[test]
fn what_a_guest_has_words_for_is_said_in_them() {
    let config = json!({
        "variant": "flatcar", "version": "1.0.0",
        "passwd": {
            "users": [
                {"name": "ops", "groups": ["docker"], "home_dir": "/srv/ops", "shell": "/bin/sh", "uid": 1500},
                {"name": "old", "gecos": "somebody"},
                {"name": "gone", "should_exist": false},
            ],
            "groups": [{"name": "apps", "gid": 2000}, {"name": "sys", "system": true}],
        },
        "storage": {
            "files": [
                {"path": "/etc/a", "mode": 416, "user": {"name": "ops"}, "contents": {"inline": "100% ü\n"}},
                {"path": "/srv/ops/a", "contents": {"source": "data:;base64,YQ=="}},
                {"path": "/opt/b", "contents": {"source": "https://example.com/b", "verification": {"hash": format!("sha256-{}", "ab".repeat(32))}}},
                {"path": "/etc/bytes", "contents": {"source": "data:;base64,/w=="}},
                {"path": "/etc/more", "append": [{"inline": "b"}]},
                {"path": "/etc/id", "user": {"id": 5}, "contents": {"inline": "c"}},
            ],
            "directories": [{"path": "/etc/d", "mode": 448}, {"path": "/etc/e"}],
            "links": [{"path": "/etc/l", "target": "a"}, {"path": "/etc/h", "target": "/etc/a", "hard": true}],
        },
        "systemd": {"units": [
            {"name": "a.service", "enabled": true, "contents": "[Service]\nExecStart=/bin/a\n[Install]\nWantedBy=multi-user.target\n"},
            {"name": "b.service", "mask": true},
            {"name": "c.service", "enabled": false, "dropins": [{"name": "a.conf", "contents": "[Unit]\n"}]},
        ]},
        "kernel_arguments": {"should_exist": ["quiet"], "should_not_exist": ["rhgb"]},
    });
    let Imported { guest, left } = imported(&config);
    assert_eq!(left, []);
    let rest = json!({
        "ignition": {"version": "3.3.0"},
        "passwd": {
            "users": [{"name": "old", "gecos": "somebody"}, {"name": "gone", "shouldExist": false}],
            "groups": [{"name": "sys", "system": true}],
        },
        "storage": {
            "files": [
                {"path": "/etc/bytes", "contents": {"source": "data:;base64,/w=="}},
                {"path": "/etc/more", "append": [{"source": "data:,b", "compression": ""}]},
                {"path": "/etc/id", "user": {"id": 5}, "contents": {"source": "data:,c", "compression": ""}},
            ],
            "directories": [{"path": "/etc/e"}],
            "links": [{"path": "/etc/h", "target": "/etc/a", "hard": true}],
        },
    });
    let wanted = Guest::new()
        .user(User::new("ops").group("docker").home("/srv/ops").shell("/bin/sh").uid(1500))
        .group(Group::new("apps").gid(2000))
        .file(GuestFile::text("/etc/a", "100% ü\n").mode(0o640).owner("ops"))
        .file(GuestFile::text("/srv/ops/a", "a").owner("root"))
        .file(GuestFile::remote(
            "/opt/b",
            "https://example.com/b",
            format!("sha256:{}", "ab".repeat(32)).as_str(),
        ))
        .directory(Directory::new("/etc/d").mode(0o700))
        .link(Symlink::new("/etc/l", "a"))
        .unit(
            Unit::service("a")
                .enabled()
                .contents("[Service]\nExecStart=/bin/a\n[Install]\nWantedBy=multi-user.target\n"),
        )
        .unit(Unit::service("b").masked())
        .unit(Unit::service("c").disabled().dropin("a.conf", "[Unit]\n"))
        .kernel_arguments(KernelArguments::new().should_exist("quiet").should_not_exist("rhgb"))
        .ignition(Fragment::of(&rest));
    assert_eq!(guest, wanted);
}

#[test]
fn what_is_wrong_is_left_with_its_place() {
    let config =
        json!({"variant": "fcos", "version": "1.5.0", "storage": {"trees": [{"local": "etc"}], "fils": []}});
    let Imported { guest, left } = imported(&config);
    assert_eq!(guest, Guest::new());
    let left: Vec<String> = left.iter().map(ToString::to_string).collect();
    assert_eq!(
        left,
        [
            "storage.fils: the key fils is not known; did you mean files?",
            "storage.trees[0].local: the local file etc is not read: nobody allowed it",
        ]
    );
    assert_eq!(imported(&json!("text")).left[0].to_string(), "the config: it is not a map");
}
