//! Built-in roles as files say them: their examples are right clouds, their pages show the same lines, and they are read, converted and
//! explained as every other value.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

mod bastion;
#[cfg(feature = "virt")]
mod bastion_run;
mod bind;
#[cfg(feature = "virt")]
mod bind_run;
mod helper;
#[cfg(feature = "virt")]
mod helper_run;
mod ignition;
mod ipa;
mod people;
mod postgresql;
#[cfg(feature = "virt")]
mod postgresql_run;
mod time;
mod wireguard;
#[cfg(feature = "virt")]
mod wireguard_run;

use std::ffi::OsString;
use std::path::Path;

use fmc::cli::{Io, Program};
use fmc::file::{from_yaml, to_rust, to_yaml};
use fmc::prelude::*;

/// The exit code and the output of a command on a file.
fn run(text: &str, arguments: &str) -> (u8, String) {
    let folder = fmc_testkit::tree::scratch();
    std::fs::write(folder.path().join("cloud.yaml"), text).unwrap();
    run_in(folder.path(), arguments)
}

fn run_in(folder: &Path, arguments: &str) -> (u8, String) {
    let is_about_a_file =
        !["explain", "import", "schema"].iter().any(|command| arguments.starts_with(command));
    let file: &[&str] = if is_about_a_file { &["-f", "cloud.yaml"] } else { &[] };
    let all = ["fmc"].iter().chain(file).copied().chain(arguments.split_whitespace());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io { folder: folder.to_owned(), ..Io::new(&mut out, &mut err) };
    let code = Program::of_file().run(all.map(OsString::from), &mut io);
    out.append(&mut err);
    (code, String::from_utf8(out).unwrap())
}

/// Asserts that an example is right, is applied to a simulated host, is converted both ways, and stands on its page.
fn is_whole(example: &str, page: &str, rust: &str) {
    is_converted(example, rust);
    is_on(example, page);
    let folder = fmc_testkit::tree::scratch();
    std::fs::write(folder.path().join("cloud.yaml"), example).unwrap();
    let (code, said) = run_in(folder.path(), "apply --yes --connect sim:host.json");
    assert_eq!(code, 0, "{said}");
    let (code, said) = run_in(folder.path(), "plan --detailed-exitcode --connect sim:host.json");
    assert_eq!(code, 0, "{said}");
}

/// Asserts that an example is right, and is converted both ways.
fn is_converted(example: &str, rust: &str) {
    let cloud = from_yaml(example).unwrap();
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    // Who logs in stands in no example of a role.
    let is_open = |finding: &&Finding| finding.accepted().is_none() && finding.kind() != Kind::LoginMissing;
    let open: Vec<&Finding> = checked.findings().iter().filter(is_open).collect();
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(from_yaml(&to_yaml(&cloud).unwrap()).unwrap(), cloud);
    let said = to_rust(&cloud).unwrap();
    assert!(said.contains(rust), "{said}");
}

/// Asserts that the first lines of a page stand in its example.
fn is_on(example: &str, page: &str) {
    let lines = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let missing: Vec<&str> = lines.lines().filter(|line| !example.contains(line.trim())).collect();
    assert_eq!(missing, [""; 0]);
}

/// Asserts that the schema has these settings of a spanning role, each with its description.
fn is_described(kind: &str, settings: &[&str]) {
    let (code, text) = run("", "schema");
    assert_eq!(code, 0, "{text}");
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let kinds = schema.pointer("/$defs/Spanning/anyOf").unwrap().as_array().unwrap();
    let found = kinds.iter().find_map(|one| one.pointer(&format!("/properties/{kind}")));
    let mut found = found.unwrap_or_else(|| panic!("{kind} is not in the schema"));
    if let Some(name) = found.get("$ref").and_then(serde_json::Value::as_str) {
        found = schema.pointer(name.trim_start_matches('#')).unwrap();
    }
    let known = found.get("properties").unwrap().as_object().unwrap();
    let mut names: Vec<&str> = known.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, settings);
    for (name, setting) in known {
        assert!(setting.get("description").is_some(), "{kind}.{name} has no description");
    }
}
