//! The program `fmc` has the same commands, for a cloud in a file.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::stage::Ran;

/// A cloud with two wrong values: an address, and a name.
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

/// Runs the program in a folder, with input on standard input.
pub(crate) fn fmc(folder: &Path, arguments: &str, input: &str) -> Ran {
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

pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
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
         error: the key `name` occurs twice\n  at cloud.yaml:3:1\n  help: keep one of the two (the first is in line 1)\n\n\
         error: cloud.yaml is not a valid cloud: 2 mistakes\n"
    );
    let ran = fmc(folder.path(), "check --json", "");
    let mistakes: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &mistakes[0]["kind"], &mistakes[0]["line"]), (1, &"file".into(), &2.into()));
    assert_eq!((&mistakes[1]["column"], ran.err.as_str()), (&1.into(), ""));
}

#[test]
fn a_file_tells_how_many_mistakes_it_has_and_whether_it_may_have_more() {
    let shapes =
        "name: a\nlab: yes\nresolvers: 9.9.9.9\nnetworks: {lab: {mode: nta}}\nmachines: {web: {cpus: 2}}\n";
    let syntax = "name: a\nlab: yes\nhosts:\n\tlocal: {}\nresolvers: 9.9.9.9\n";
    let folder = folder(&[("a.yaml", shapes), ("b.yaml", syntax)]);
    let ran = fmc(folder.path(), "check -f a.yaml", "");
    for at in ["a.yaml:2:6 lab", "a.yaml:3:12", "a.yaml:4:24", "a.yaml:5:12"] {
        assert!(ran.err.contains(at), "{at}: {ran:?}");
    }
    assert!(ran.err.ends_with("error: a.yaml is not a valid cloud: 4 mistakes\n"), "{ran:?}");
    let ran = fmc(folder.path(), "check -f b.yaml", "");
    assert!(
        ran.err.starts_with("error: this is not YAML: a tab stands where only spaces may\n  at b.yaml:4:1\n"),
        "{ran:?}"
    );
    let cut = "error: b.yaml is not a valid cloud: 1 mistake, and fmc cannot read on after line 4\n  help: ";
    assert!(ran.err.contains(cut), "{ran:?}");
}

#[test]
fn a_cloud_is_not_taken_for_a_plan() {
    let folder = folder(&[("cloud.yaml", "name: a\n")]);
    let ran = fmc(folder.path(), "apply cloud.yaml", "");
    assert!(ran.code == 64 && ran.err.contains("`fmc -f cloud.yaml apply`"), "{ran:?}");
}

#[test]
fn an_empty_simulation_beside_another_one_is_noted() {
    let folder = folder(&[("cloud.toml", TOML)]);
    assert_eq!(fmc(folder.path(), "apply --yes", "").code, 0);
    assert!(!fmc(folder.path(), "plan", "").err.contains("note:"), "its own simulation is there");
    let renamed = fmc(folder.path(), "plan --set name=frist", "").err;
    assert!(
        renamed.starts_with("note: the simulation frist.sim.json is not there yet and begins empty\n"),
        "{renamed}"
    );
    assert!(
        renamed.contains("Others are here: first.sim.json.") && renamed.contains("`owner: first` keeps"),
        "{renamed}"
    );
    let kept = fmc(folder.path(), "plan --set name=frist --set owner=first", "");
    assert!(kept.err.is_empty() && kept.out.contains("nothing to do"), "{kept:?}");
    let more = TOML.replace("[hosts.local]", "[hosts.local]\n[hosts.other]") + "host = 'local'\n";
    let more = more.replace("subnet = ", "host = 'local'\nsubnet = ");
    std::fs::write(folder.path().join("cloud.toml"), more).unwrap();
    let several = fmc(folder.path(), "plan", "").err;
    assert!(
        several.contains("`--connect local=sim:first.sim.json` takes it for the host local"),
        "{several}"
    );
    assert!(!fmc(folder.path(), "plan --lab", "").err.contains("note:"), "a lab is a world of its own");
}

#[test]
fn a_host_that_the_cloud_no_longer_has_is_named_beside_the_others() {
    let folder = folder(&[("cloud.toml", TOML)]);
    let alone = fmc(folder.path(), "plan --connect old=sim:old.sim.json", "");
    assert!(alone.code == 64 && alone.err.contains("`--connect hosts` for each host's own URI"), "{alone:?}");
    let beside = fmc(folder.path(), "plan --connect sim:first.sim.json --connect old=sim:old.sim.json", "");
    assert_eq!(beside.code, 0, "{beside:?}");
}

#[test]
fn a_file_that_cannot_be_found_or_read_says_what_would_be_right() {
    let folder =
        folder(&[("cloud.conf", "name: a\n"), ("both/cloud.yaml", "name: a\n"), ("both/cloud.json", "{}")]);
    let both = folder.path().join("both");
    for (at, arguments, code, says) in [
        (folder.path(), "check", 64, "there is no cloud.yaml here"),
        (folder.path(), "check", 64, "`fmc init` writes a first one"),
        (folder.path(), "check other.yaml", 64, "the cloud's file is named by an option: -f other.yaml"),
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

/// The file of `init` passes the check, with a warning until it has a key, and describes the same cloud in
/// every language.
#[test]
fn a_first_cloud_is_written_once_and_passes() {
    let folder = folder(&[]);
    let mut clouds = Vec::new();
    for name in ["cloud.yaml", "first.toml", "first.json"] {
        let arguments = if name == "cloud.yaml" { "init".to_owned() } else { format!("init {name}") };
        let ran = fmc(folder.path(), &arguments, "");
        assert!(ran.code == 0 && ran.out.starts_with(&format!("{name} is a first cloud")), "{ran:?}");
        let written = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let ran = fmc(folder.path(), &format!("-f {name} check"), "");
        assert!(ran.code == 0 && ran.out.contains("0 errors, 1 warning, 1 accepted"), "{ran:?}");
        clouds.push(fmc(folder.path(), &format!("-f {name} convert json"), "").out);
        let again = fmc(folder.path(), &arguments, "");
        assert!(again.code == 1 && again.err.contains("already exists, and was not changed"), "{again:?}");
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), written);
    }
    assert!(clouds.windows(2).all(|pair| pair[0] == pair[1]), "{clouds:?}");
    let ran = fmc(folder.path(), "init cloud.conf", "");
    assert!(ran.code == 64 && ran.err.contains("call it .yaml, .toml or .json"), "{ran:?}");
}

/// Each template is a cloud without errors, the same in every language, and an apply of it converges.
#[test]
fn each_template_is_a_cloud_that_converges() {
    for (template, findings) in [
        ("single", "0 errors, 1 warning, 1 accepted"),
        ("lab", "3 machines: 0 errors, 1 warning, 1 accepted"),
        ("k3s", "6 machines: 0 errors, 1 warning, 2 accepted"),
        ("seed", "12 machines: 0 errors, 0 warnings"),
    ] {
        let folder = folder(&[]);
        let mut clouds = Vec::new();
        for name in ["cloud.yaml", "cloud.toml", "cloud.json"] {
            let ran = fmc(folder.path(), &format!("init --template {template} {name}"), "");
            assert!(ran.code == 0 && ran.out.starts_with(&format!("{name} is a first cloud")), "{ran:?}");
            let ran = fmc(folder.path(), &format!("-f {name} check"), "");
            assert!(ran.code == 0 && ran.out.contains(findings), "{template}: {ran:?}");
            clouds.push(fmc(folder.path(), &format!("-f {name} convert json"), "").out);
        }
        assert!(clouds.windows(2).all(|pair| pair[0] == pair[1]), "{clouds:?}");
        for arguments in ["-f cloud.yaml apply --yes", "-f cloud.yaml plan --detailed-exitcode"] {
            let ran = fmc(folder.path(), arguments, "");
            assert_eq!(ran.code, 0, "{template}: {ran:?}");
        }
    }
    let folder = folder(&[]);
    let ran = fmc(folder.path(), "init --template sed", "");
    assert!(ran.code == 64 && ran.err.contains("seed") && ran.err.contains("k3s"), "{ran:?}");
}

/// The commented-out lines of the file are right too: without their comment signs they are a cloud whose
/// findings are about values only.
#[test]
fn what_is_commented_out_in_a_first_cloud_is_known() {
    let yaml = include_str!("../../src/cli/init/cloud.yaml");
    let toml = include_str!("../../src/cli/init/cloud.toml");
    for (text, format, of) in [(yaml, "yaml", ": "), (toml, "toml", " = ")] {
        let said = |line: &str| -> String {
            let bare = line.trim_start();
            match bare.strip_prefix("# ") {
                Some(rest)
                    if (rest.contains(of) || rest.ends_with(':') || rest.starts_with('['))
                        && !rest.contains('|')
                        && !rest.starts_with("yaml-")
                        && !rest.starts_with(' ')
                        && !rest.contains(". ") =>
                {
                    format!("{}{rest}", &line[..line.len() - bare.len()])
                }
                // Deeper lines in a commented-out part, except those about commands.
                Some(rest)
                    if bare == line
                        && format == "yaml"
                        && rest.starts_with(' ')
                        && (rest.contains(of) || rest.ends_with(':'))
                        && !rest.contains("fmc ") =>
                {
                    format!("{}{rest}", &line[..line.len() - bare.len()])
                }
                _ => line
                    .replace("#   /etc", "  /etc")
                    .replace("#   app", "  app")
                    .replace("#   data", "  data"),
            }
        };
        let text: String = text.lines().map(|line| said(line) + "\n").collect();
        let ran = fmc(folder(&[]).path(), &format!("convert json -f - --format {format}"), &text);
        let says = ["time_zone", "topology", "\"lan\"", "dhcp", "keys", "secrets/token"];
        assert!(ran.err.is_empty() && says.iter().all(|key| ran.out.contains(key)), "{text}\n{ran:?}");
        // What the check finds is about the names and values that a person still has to write.
        let ran = fmc(folder(&[]).path(), &format!("check -f - --format {format}"), &text);
        let kinds: BTreeSet<&str> = ran
            .out
            .match_indices("error[")
            .filter_map(|(at, start)| ran.out[at + start.len()..].split(']').next())
            .collect();
        let about_names = BTreeSet::from(["host-ambiguous", "reference-unknown", "value-invalid"]);
        assert!(kinds.contains("reference-unknown") && kinds.is_subset(&about_names), "{}", ran.out);
    }
}

#[test]
fn the_program_says_what_it_is() {
    let folder = folder(&[]);
    let version = fmc(folder.path(), "--version", "");
    assert_eq!((version.code, version.out), (0, format!("fmc {}\n", env!("CARGO_PKG_VERSION"))));
    let help = fmc(folder.path(), "--help", "");
    assert!(help.out.contains("Checks, compiles, plans and applies the cloud of a file"), "{}", help.out);
    assert!(help.out.contains("A first cloud: `fmc init`"), "{}", help.out);
    for (shell, says) in [("bash", "complete -F"), ("zsh", "#compdef fmc"), ("fish", "complete -c fmc")] {
        let script = fmc(folder.path(), &format!("completions {shell}"), "");
        assert!(
            script.code == 0 && script.out.contains(says) && script.out.contains("detailed-exitcode"),
            "{shell}"
        );
    }
    let page = fmc(folder.path(), "man", "");
    assert!(page.out.contains(".TH fmc 1") && page.out.contains("detailed\\-exitcode"), "{}", page.out);
    let schema: Value = serde_json::from_str(&fmc(folder.path(), "schema", "").out).unwrap();
    assert_eq!(schema["title"], "A cloud of fmc");
}

#[test]
fn a_cloud_is_converted() {
    let folder = folder(&[("cloud.toml", TOML)]);
    let yaml = fmc(folder.path(), "convert yaml", "").out;
    assert!(yaml.starts_with("name: first\n"), "{yaml}");
    assert_eq!(
        fmc(folder.path(), "convert toml -f - --format yaml", &yaml).out,
        fmc(folder.path(), "convert toml", "").out
    );
    let rust = fmc(folder.path(), "convert rust", "").out;
    assert!(rust.contains("Machine::new(\"web\", Image::blank())"), "{rust}");
    let lab = fmc(folder.path(), "convert rust --lab", "");
    assert!(lab.code == 1 && lab.err.contains("Cloud::lab"), "{lab:?}");
}

/// A cluster whose database is on a machine: the plan of the binary, its lab, and the way to Rust and back.
#[test]
fn a_datastore_is_a_machine() {
    let machine = |name: &str, last: u8| {
        format!(
            "  {name}:\n    image: {{ os: debian, version: '12', source: {{ path: /images/debian-12.qcow2 }} }}\n    cpus: 2\n    \
             memory: 4GiB\n    root_disk: {{ size: 20GiB }}\n    interfaces: [{{ network: kube, address: 10.17.4.{last} }}]\n"
        )
    };
    let text = |database: &str| {
        format!(
            "name: first\nhosts: {{ local: {{}} }}\nnetworks:\n  kube: {{ mode: nat, subnet: 10.17.4.0/24 }}\nmachines:\n{}{}\
             clusters:\n  prod:\n    version: v1.36.3+k3s1\n    servers: [s1]\n    datastore:\n      machine: {database}\n      \
             password: {{ name: db, source: {{ environment: DB }} }}\n      sslmode: require\n",
            machine("db", 10),
            machine("s1", 11)
        )
    };
    let folder = folder(&[("cloud.yaml", &text("db")), ("wrong.yaml", &text("dc"))]);
    for options in ["", " --lab"] {
        let checked = fmc(folder.path(), &format!("check{options}"), "");
        assert_eq!(checked.code, 0, "{checked:?}");
    }
    let rust = fmc(folder.path(), "convert rust", "");
    assert!(
        rust.out.contains("k3s::Datastore::postgres(") && rust.out.contains(".sslmode(\"require\")"),
        "{rust:?}"
    );
    for form in ["toml", "json"] {
        let there = fmc(folder.path(), &format!("convert {form}"), "");
        std::fs::write(folder.path().join(format!("back.{form}")), &there.out).unwrap();
        let back = fmc(folder.path(), &format!("-f back.{form} convert rust"), "");
        assert_eq!(back.out, rust.out, "{form}: {there:?} {back:?}");
    }
    let wrong = fmc(folder.path(), "-f wrong.yaml check", "");
    assert_eq!(wrong.code, 1, "{wrong:?}");
    assert!(wrong.out.contains("did you mean db?"), "{wrong:?}");
    assert!(wrong.out.contains("wrong.yaml:23:16 clusters.prod.datastore.machine"), "{wrong:?}");
}

/// A cloud file is untrusted: nothing in it moves the cursor or forges a line of what is said about it.
#[test]
fn control_characters_of_a_file_reach_no_terminal() {
    let named =
        "name: a\nhosts: { local: {} }\nmachines:\n  \"w\\e[2Jb\\nerror: fake\":\n    image: { os: blank }\n";
    let unknown = "name: a\n\"mach\\e[2J\\u202Eines\": {}\n";
    let accepted = "name: a\naccept: { login-missing: \"x\\e[2J\\ny\" }\n";
    for text in [named, unknown, accepted] {
        let folder = folder(&[("cloud.yaml", text)]);
        for command in ["check", "plan"] {
            let ran = fmc(folder.path(), &format!("-f cloud.yaml {command}"), "");
            let said = format!("{}{}", ran.out, ran.err);
            let acts =
                |character: char| character != '\n' && (character.is_control() || character == '\u{202e}');
            assert!(!said.contains(acts), "{said:?}");
            assert!(
                !said.lines().any(|line| line == "error: fake" || line.starts_with("error: fake'")),
                "{said}"
            );
        }
    }
}
