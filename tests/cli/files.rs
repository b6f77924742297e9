//! The program `fmc`: the same commands, for a cloud in a file.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::stage::Ran;

/// A cloud of which two values are wrong: an address, and a name.
const WRONG: &str = "name: first
hosts: { local: {} }
networks:
  lab: { mode: nat, subnet: 10.17.3.0/24 }
machines:
  db_1:
    image: { os: none }
    interfaces:
      - { network: lab, address: 10.17.4.10 }
";

const TOML: &str = "name = 'first'
[hosts.local]
[networks.lab]
mode = 'nat'
subnet = '10.17.3.0/24'
[machines.web]
image.os = 'none'
interfaces = [{ network = 'lab', address = '10.17.3.10' }]
";

/// Runs the program in a folder, with a standard input.
fn fmc(folder: &Path, arguments: &str, input: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmc"));
    command.args(arguments.split_whitespace()).current_dir(folder).env_remove("NO_COLOR");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    Ran {
        code: u8::try_from(ended.status.code().unwrap()).unwrap(),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn the_cloud_of_the_folder_is_planned_and_applied() {
    let folder = folder(&[("cloud.toml", TOML)]);
    let plan = fmc(folder.path(), "plan", "");
    assert!(plan.code == 0 && plan.out.contains("+ machine web"), "{plan:?}");
    let applied = fmc(folder.path(), "apply --yes", "");
    assert_eq!(applied.code, 0, "{applied:?}");
    let again = fmc(folder.path(), "-f cloud.toml plan --detailed-exitcode", "");
    assert_eq!(again.code, 0, "nothing is left to do: {again:?}");
    let piped = fmc(folder.path(), "plan --file - --format toml --detailed-exitcode", TOML);
    assert_eq!(piped.code, 0, "it is the same cloud: {piped:?}");
}

#[test]
fn findings_are_at_a_line_and_column() {
    let folder = folder(&[("clouds/wrong.yaml", WRONG)]);
    let ran = fmc(folder.path(), "-f clouds/wrong.yaml check", "");
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("  at clouds/wrong.yaml:6:3 machines.db_1\n"), "{}", ran.out);
    assert!(
        ran.out.contains("  at clouds/wrong.yaml:9:34 machines.db_1.interfaces[0].address\n"),
        "{}",
        ran.out
    );

    let ran = fmc(folder.path(), "-f clouds/wrong.yaml check --json", "");
    let findings: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let place = |index: usize| {
        let finding: &Value = &findings[index];
        (
            finding["file"].as_str().unwrap(),
            finding["line"].as_u64().unwrap(),
            finding["column"].as_u64().unwrap(),
        )
    };
    assert_eq!([place(0), place(1)], [("clouds/wrong.yaml", 6, 3), ("clouds/wrong.yaml", 9, 34)]);

    let ran = fmc(folder.path(), "-f clouds/wrong.yaml plan", "");
    assert!(ran.code == 1 && ran.out.is_empty(), "{ran:?}");
    assert!(ran.err.contains("  at clouds/wrong.yaml:6:3 machines.db_1\n"), "{}", ran.err);
}

#[test]
fn mistakes_are_at_a_line_and_column_too() {
    let folder = folder(&[("cloud.yaml", "name: a\nmachnies: {}\nname: b\n")]);
    let ran = fmc(folder.path(), "plan", "");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert_eq!(
        ran.err,
        "error: the key `machnies` is not known here\n  at cloud.yaml:2:1\n  help: did you mean `machines`?\n\n\
         error: the key `name` occurs twice\n  at cloud.yaml:3:1\n  help: keep one of the two\n\n\
         error: cloud.yaml is no cloud: 2 mistakes\n"
    );
    let ran = fmc(folder.path(), "check --json", "");
    let mistakes: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &mistakes[0]["kind"], &mistakes[0]["line"]), (1, &"file".into(), &2.into()));
    assert_eq!((&mistakes[1]["column"], ran.err.as_str()), (&1.into(), ""));
}

#[test]
fn a_file_that_cannot_be_found_or_read_says_what_would_be_right() {
    let folder =
        folder(&[("cloud.conf", "name: a\n"), ("both/cloud.yaml", "name: a\n"), ("both/cloud.json", "{}")]);
    let both = folder.path().join("both");
    for (at, arguments, code, says) in [
        (folder.path(), "check", 64, "there is no cloud.yaml here"),
        (folder.path(), "check", 64, "`fmc init` writes a first one"),
        (both.as_path(), "check", 64, "there are cloud.yaml and cloud.json: which one?"),
        (folder.path(), "-f cloud.conf check", 64, "call it .yaml, .toml or .json, or say --format"),
        (folder.path(), "-f - check", 64, "--file - needs --format"),
        (folder.path(), "-f other.yaml check", 1, "failed to read other.yaml"),
        (folder.path(), "-f both --format yaml check", 1, "failed to read both"),
        (folder.path(), "-f cloud.conf --format xml check", 64, "a cloud is written in yaml, toml or json"),
        (folder.path(), "-f /dev/zero --format yaml check", 1, "the file has more than 16 MiB"),
    ] {
        let ran = fmc(at, arguments, "");
        assert!(ran.code == code && ran.err.contains(says) && ran.out.is_empty(), "{arguments}: {ran:?}");
    }
    assert_eq!(fmc(folder.path(), "-f cloud.conf --format yaml check", "").code, 0);
}

#[test]
fn a_relative_path_is_below_the_folder_of_the_file() {
    let secret = "{ name: token, source: { file: secrets/token } }";
    let cloud = format!(
        "name: a\nhosts: {{ local: {{}} }}\nmachines:\n  web:\n    image: {{ os: debian, version: 12, source: {{ path: /i }} }}\n    \
         root_disk: 4 GiB\n    guest: {{ files: {{ /token: {{ contents: {{ secret: {secret} }} }} }} }}\n"
    );
    let folder = folder(&[("clouds/a.yaml", &cloud), ("clouds/secrets/token", "HUSH")]);
    let ran = fmc(folder.path(), "-f clouds/a.yaml compile --out out", "");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!format!("{ran:?}").contains("HUSH"));
}
