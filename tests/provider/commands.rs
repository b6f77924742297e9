//! The commands of a program that has a provider of its own.

use std::ffi::OsString;

use fmc::cli::{Io, Program};
use tempfile::TempDir;

use super::cloud;
use super::names::Names;

struct Ran {
    code: u8,
    out: String,
    err: String,
}

fn run(folder: &TempDir, arguments: &str) -> Ran {
    let arguments = ["program"].into_iter().chain(arguments.split_whitespace()).map(OsString::from);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io { folder: folder.path().to_owned(), ..Io::new(&mut out, &mut err) };
    let names = Names::new(&[("db.lab", "db", true), ("free.lab", "db", false)]);
    let code = Program::new(cloud()).provider(names).run(arguments, &mut io);
    Ran { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

#[track_caller]
fn done(folder: &TempDir, arguments: &str) -> String {
    let Ran { code, out, err } = run(folder, arguments);
    assert_eq!(code, 0, "{arguments}: {out}{err}");
    out
}

#[test]
fn every_command_knows_the_names() {
    let folder = TempDir::new().unwrap();
    let plan = done(&folder, "plan");
    assert!(plan.contains("2 names") && plan.contains("+ name free.lab"), "{plan}");
    let json = done(&folder, "plan --json");
    assert!(json.contains("\"names/name/free.lab\""), "{json}");

    // A saved plan, and an apply of exactly that plan through both phases.
    done(&folder, "plan --out p.json");
    done(&folder, "apply p.json");
    let state = std::fs::read_to_string(folder.path().join("first.names.sim.json")).unwrap();
    assert!(state.contains("db.lab db ") && state.contains("free.lab db "), "{state}");
    let again = run(&folder, "apply p.json");
    assert!(again.code == 1 && again.err.contains("the world is no longer"), "{}", again.err);
    assert_eq!(run(&folder, "plan --detailed-exitcode").code, 0);

    let status = done(&folder, "status");
    assert!(status.contains("name/db.lab: there"), "{status}");
    assert!(done(&folder, "status --json").contains("\"names/name/db.lab\""));

    // A name is changed by hand.
    assert_eq!(run(&folder, "drift").code, 0);
    let changed = state.replace("db.lab db ", "db.lab ns ");
    std::fs::write(folder.path().join("first.names.sim.json"), changed).unwrap();
    let drift = run(&folder, "drift");
    assert!(
        drift.code == 2 && drift.out.contains("name db.lab") && drift.out.contains("target db -> ns"),
        "{}",
        drift.out
    );
    let part = done(&folder, "plan --only name/db.lab");
    assert!(part.contains("target ns -> db"), "{part}");
    done(&folder, "apply --only name/db.lab --json");
    assert_eq!(run(&folder, "drift").code, 0);

    done(&folder, "compile --out out");
    assert_eq!(std::fs::read_to_string(folder.path().join("out/names/db.lab.txt")).unwrap(), "db.lab db\n");
    assert!(done(&folder, "graph --format mermaid").contains("published as db.lab"));

    done(&folder, "destroy");
    assert_eq!(std::fs::read_to_string(folder.path().join("first.names.sim.json")).unwrap(), "");
}
