//! fmc's table of keys equals K3s's table of flags: name, type, repeatable, who takes it, hidden.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fmc_core::k3s::key::{FlagType, Key, Takes};

/// Facts of K3s v1.36.3, by name: type, repeatable, who takes it, hidden.
const FACTS: &str = include_str!("flags-v1.36.3.tsv");

type Row = (String, bool, String, bool);

fn ours() -> BTreeMap<String, Row> {
    let row = |key: &Key| {
        let flag = match key.flag_type() {
            FlagType::Bool => "Bool",
            FlagType::Int => "Int",
            FlagType::Duration => "Duration",
            FlagType::String => "String",
            FlagType::StringSlice => "StringSlice",
            other => panic!("K3s's table has no type {other:?}"),
        };
        let takes = match key.takes() {
            Takes::Servers => "servers",
            Takes::Both => "both",
            Takes::Agents => "agents",
            other => panic!("K3s's table has no {other:?}"),
        };
        (key.to_string(), (flag.to_owned(), key.is_list(), takes.to_owned(), key.is_hidden()))
    };
    let rows: BTreeMap<_, _> = Key::ALL.iter().map(row).collect();
    assert_eq!(rows.len(), Key::ALL.len(), "two keys have one name");
    rows
}

fn committed() -> BTreeMap<String, Row> {
    let row = |line: &str| {
        let [name, flag, list, takes, hidden]: [&str; 5] =
            line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        (name.to_owned(), (flag.to_owned(), list == "yes", takes.to_owned(), hidden == "yes"))
    };
    FACTS.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

#[test]
fn the_table_is_the_one_of_k3s() {
    let facts = committed();
    assert_eq!(facts.len(), 127);
    assert_eq!(ours(), facts);
}

#[test]
fn the_committed_facts_are_those_of_the_whole_list() {
    let Some(list) = whole_list() else { return };
    let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
    assert_eq!(list.len(), 132);
    let mut rows: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>, bool)> = BTreeMap::new();
    for flag in &list {
        let text = |key: &str| flag[key].as_str().unwrap().to_owned();
        let row = rows.entry(text("name")).or_default();
        row.0.insert(text("type"));
        row.1.insert(text("role"));
        row.2 |= flag["hidden"].as_bool().unwrap();
    }
    let rows: BTreeMap<String, Row> = rows
        .into_iter()
        .map(|(name, (types, roles, hidden))| {
            assert_eq!(types.len(), 1, "{name} has two types");
            let flag = types.into_iter().next().unwrap();
            let takes = if roles.iter().all(|role| role == "server") {
                "servers"
            } else if roles.iter().all(|role| role.starts_with("agent only")) {
                "agents"
            } else {
                "both"
            };
            let list = flag == "StringSlice";
            (name, (flag, list, takes.to_owned(), hidden))
        })
        .collect();
    assert_eq!(rows, committed());
    assert_eq!(rows, ours());
}

/// The source of the facts: in `FMC_FACTS`, or in `shared/facts` beside the repository. A clone does not have
/// it.
#[expect(clippy::disallowed_methods, reason = "a test reads what it compares with")]
#[expect(clippy::print_stdout, reason = "a comparison that was not made says so")]
fn whole_list() -> Option<String> {
    let (folder, named) = match std::env::var_os("FMC_FACTS") {
        Some(folder) => (PathBuf::from(folder), true),
        None => (Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/facts"), false),
    };
    let file = folder.join("k3s-flags-v1.36.3.json");
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) if named => unreachable!("FMC_FACTS names a folder without the list: {error}"),
        Err(_) => {
            println!(
                "not compared with the whole list of flags: there is no shared/facts beside the repository"
            );
            None
        }
    }
}
