//! Ignition: the validator, and the engine, which writes into a scratch root.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Refused;
use crate::program::{as_root, command, run};
use crate::tree::{self, Entry, scratch};

/// The place of the engine in Debian's package; dracut puts it into an initramfs.
const ENGINE: &str = "/usr/lib/dracut/modules.d/30ignition/ignition";

/// Checks a config with `ignition-validate`. Debian 12 has Ignition 2.14, which reads specs up to 3.3.0.
///
/// # Errors
///
/// Anything that the validator prints, including its warning about an unknown key.
pub fn validate(config: &str) -> Result<(), Refused> {
    let folder = scratch();
    let file = folder.path().join("config.ign");
    tree::write(&file, config.as_bytes());
    let verdict = run(command("ignition-validate").arg(file));
    if verdict.stdout.trim().is_empty() { verdict.silent_success().map(drop) } else { Err(verdict.refused()) }
}

/// Whether `ignition-validate` takes a config, and its remarks: lines as `error at $.storage.files.0.path: path not absolute`.
#[must_use]
pub fn judge(config: &str) -> (bool, Vec<String>) {
    let folder = scratch();
    let file = folder.path().join("config.ign");
    tree::write(&file, config.as_bytes());
    let verdict = run(command("ignition-validate").arg(file));
    let said = format!("{}{}", verdict.stdout, verdict.stderr);
    let is_accepted = verdict.success().is_ok();
    let remark = |line: &str| {
        let (place, message) = line.split_once(": ")?;
        let place = place.split_once(", line ").map_or(place, |(place, _)| place);
        place.contains(" at $").then(|| format!("{place}: {message}"))
    };
    let mut remarks: Vec<String> = said.lines().filter_map(remark).collect();
    remarks.sort();
    (is_accepted, remarks)
}

/// The files, folders, links, units, presets, users and groups that the engine writes from a config on a
/// first boot.
///
/// `root` is an empty folder. It becomes a root with the accounts of Fedora CoreOS and Flatcar (`root`,
/// `core` with 1000, `wheel`, `sudo`, `docker`…), and the engine's stages `fetch` and `files` run on it. The
/// result holds everything that the config added or changed, including the account files (`/etc/passwd`,
/// `/etc/group`, `/etc/shadow`…).
///
/// # Errors
///
/// The engine's error when it fails, and its log if the log has a warning.
#[expect(clippy::panic, reason = "a missing engine must fail the test, also one that expects a refusal")]
pub fn apply(config: &str, root: &Path) -> Result<BTreeMap<String, Entry>, Refused> {
    if !Path::new(ENGINE).is_file() {
        panic!("ignition is not installed: run `cargo xtask setup`");
    }
    let folder = scratch();
    tree::write(&folder.path().join("config.ign"), config.as_bytes());
    // The engine calls setfiles to relabel its files. The root has no policy, so this stand-in does nothing.
    tree::write_program(&folder.path().join("bin/setfiles"), b"#!/bin/sh\ncat >/dev/null\n");
    prepare(root);
    let before = tree::read_as_root(root);

    let outcome = ["fetch", "files"].into_iter().try_for_each(|stage| run_stage(stage, folder.path(), root));
    let mut after = tree::read_as_root(root);
    tree::give_back(root);
    outcome?;

    after.retain(|path, entry| before.get(path) != Some(entry) && !is_trace(path));
    Ok(after)
}

fn run_stage(stage: &str, folder: &Path, root: &Path) -> Result<(), Refused> {
    let verdict = run(&mut engine(stage, folder, root));
    if verdict.stdout.lines().chain(verdict.stderr.lines()).any(|line| line.starts_with("WARNING")) {
        return Err(verdict.refused());
    }
    verdict.success().map(drop)
}

fn engine(stage: &str, folder: &Path, root: &Path) -> std::process::Command {
    // `env` passes the variables through sudo.
    let mut engine = as_root("env");
    let path = std::env::var("PATH").unwrap_or_default();
    engine.arg(format!("PATH={}:{path}:/usr/sbin:/sbin", folder.join("bin").display()));
    engine.arg(format!("IGNITION_CONFIG_FILE={}", folder.join("config.ign").display()));
    engine.args([ENGINE, "--platform", "file", "--log-to-stdout", "--stage", stage, "--root"]).arg(root);
    engine.arg("--config-cache").arg(folder.join("cache.json"));
    engine.arg("--state-file").arg(folder.join("state"));
    engine.arg("--neednet").arg(folder.join("neednet"));
    engine
}

/// A root in which `useradd --root` works: it needs the account files, but no programs.
#[expect(clippy::panic, reason = "a consumer that cannot run must fail the test")]
fn prepare(root: &Path) {
    let files = [
        (
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\ncore:x:1000:1000:CoreOS Admin:/home/core:/bin/bash\n",
        ),
        ("etc/shadow", "root:*:::::::\ncore:*:::::::\n"),
        (
            "etc/group",
            "root:x:0:\nadm:x:4:core\nwheel:x:10:core\nsudo:x:150:core\ndocker:x:233:core\ncore:x:1000:\n",
        ),
        ("etc/gshadow", "root:::\nadm:::core\nwheel:::core\nsudo:::core\ndocker:::core\ncore:!::\n"),
        ("etc/login.defs", "USERGROUPS_ENAB yes\nUID_MIN 1000\nGID_MIN 1000\nUMASK 022\nHOME_MODE 0700\n"),
        ("etc/selinux/config", "SELINUX=disabled\nSELINUXTYPE=targeted\n"),
    ];
    for (path, contents) in files {
        tree::write(&root.join(path), contents.as_bytes());
    }
    for folder in ["etc/systemd/system", "home/core", "root", "usr/local/bin", "opt", "srv", "var"] {
        tree::make_folder(&root.join(folder));
    }
    for (owner, path) in [("0:0", ""), ("1000:1000", "home/core")] {
        if let Err(refused) =
            run(as_root("chown").args(["--recursive", owner]).arg(root.join(path))).success()
        {
            panic!("Ignition's engine needs root: {refused}");
        }
    }
}

/// Files that the tools leave behind: backups and locks of the account files, and the engine's own report.
fn is_trace(path: &str) -> bool {
    matches!(
        path,
        "/etc/passwd-"
            | "/etc/shadow-"
            | "/etc/group-"
            | "/etc/gshadow-"
            | "/etc/subuid-"
            | "/etc/subgid-"
            | "/etc/.pwd.lock"
            | "/etc/.ignition-result.json"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::EntryKind;

    const CONFIG: &str = r#"{
        "ignition": {"version": "3.3.0"},
        "passwd": {
            "groups": [{"name": "ops", "gid": 2000}],
            "users": [
                {"name": "core", "groups": ["ops"], "sshAuthorizedKeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA a@b"]},
                {"name": "app", "uid": 1500}
            ]
        },
        "storage": {
            "directories": [{"path": "/srv/data", "mode": 488}],
            "files": [{"path": "/etc/app.key", "mode": 384, "user": {"name": "app"}, "contents": {"source": "data:,k"}}],
            "links": [{"path": "/etc/localtime", "target": "../usr/share/zoneinfo/Europe/Madrid"}]
        },
        "systemd": {"units": [
            {"name": "a.service", "enabled": true, "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"},
            {"name": "b.service", "mask": true}
        ]}
    }"#;

    #[test]
    fn the_engine_writes_files_units_users_and_groups() {
        validate(CONFIG).unwrap();
        let root = scratch();
        let tree = apply(CONFIG, root.path()).unwrap();
        assert_eq!(tree["/srv/data"].mode, 0o750);
        let key = &tree["/etc/app.key"];
        assert_eq!((key.text(), key.mode, key.uid), (Some("k"), 0o600, 1500));
        assert_eq!(
            tree["/etc/localtime"].kind,
            EntryKind::Link("../usr/share/zoneinfo/Europe/Madrid".into())
        );
        assert_eq!(tree["/etc/systemd/system/b.service"].kind, EntryKind::Link("/dev/null".into()));
        assert_eq!(tree["/etc/systemd/system-preset/20-ignition.preset"].text(), Some("enable a.service\n"));
        assert!(tree["/etc/group"].text().unwrap().contains("ops:x:2000:core\n"), "{:?}", tree["/etc/group"]);
        let keys = &tree["/home/core/.ssh/authorized_keys.d/ignition"];
        assert_eq!((keys.mode, keys.uid), (0o600, 1000));
        assert!(!tree.contains_key("/etc/selinux/config"), "what the root had before is not shown");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        validate(r#"{"ignition": {"version": "3.3.0"}, "storage": {"fils": []}}"#).unwrap_err();
    }

    #[test]
    fn a_file_of_an_unknown_user_is_refused_by_the_engine() {
        let config = r#"{"ignition": {"version": "3.3.0"}, "storage": {"files": [
            {"path": "/etc/x", "user": {"name": "nobody-here"}, "contents": {"source": "data:,k"}}]}}"#;
        validate(config).unwrap();
        apply(config, scratch().path()).unwrap_err();
    }
}
