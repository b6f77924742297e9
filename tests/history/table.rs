//! `docs/history.md` and the tests agree: every group has its row, every row its tests, and every kind of
//! finding in a row is one that its tests look for.

use std::collections::BTreeSet;
use std::path::Path;

use fmc::file::RoleKinds;
use fmc::prelude::*;

const PAGE: &str = include_str!("../../docs/history.md");

/// The files with the tests of groups.
const SOURCES: [&str; 13] = [
    include_str!("balancers.rs"),
    include_str!("bastion.rs"),
    include_str!("changes.rs"),
    include_str!("cluster.rs"),
    include_str!("files.rs"),
    include_str!("guests.rs"),
    include_str!("hosts.rs"),
    include_str!("names.rs"),
    include_str!("networks.rs"),
    include_str!("secrets.rs"),
    include_str!("storage.rs"),
    include_str!("time.rs"),
    include_str!("workloads.rs"),
];

/// The ways in which a mistake is caught, or is not yet.
const WAYS: [&str; 6] = ["rustc", "constructor", "check: ", "plan", "compile: by construction", "not yet: "];

struct Row {
    group: usize,
    ways: Vec<&'static str>,
    tests: BTreeSet<&'static str>,
}

impl Row {
    /// The names in backquotes in a way.
    fn named(&self, way: &str) -> impl Iterator<Item = &'static str> {
        let ways: Vec<&str> = self.ways.iter().copied().filter(|own| own.starts_with(way)).collect();
        ways.into_iter().flat_map(quoted)
    }
}

/// The words in backquotes.
fn quoted(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split('`').skip(1).step_by(2)
}

fn rows() -> Vec<Row> {
    let lines = PAGE.lines().filter(|line| line.starts_with("| ")).skip(2);
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [group, wrong, ways, tests] = cells.as_slice() else { panic!("not four cells: {line}") };
            assert!(!wrong.is_empty() && !wrong.ends_with('.'), "{line}");
            Row {
                group: group.parse().unwrap(),
                ways: ways.split("; ").collect(),
                tests: quoted(tests).collect(),
            }
        })
        .collect()
}

/// The tests with their texts.
fn tests() -> Vec<(&'static str, &'static str)> {
    let texts = SOURCES.iter().flat_map(|source| source.split("#[test]\nfn ").skip(1));
    texts.map(|text| (text.split('(').next().unwrap(), text)).collect()
}

/// `7` of `h07_a_value_without_an_effect`.
fn group(test: &str) -> usize {
    test.strip_prefix('h')
        .and_then(|rest| rest.get(..2))
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default()
}

#[test]
fn every_group_has_its_row() {
    let groups: Vec<usize> = rows().iter().map(|row| row.group).collect();
    assert_eq!(groups, (1..=26).collect::<Vec<_>>());
}

#[test]
fn every_row_has_the_tests_of_its_group_and_no_other() {
    let tests = tests();
    for row in rows() {
        let named: BTreeSet<&str> =
            tests.iter().map(|(name, _)| *name).filter(|name| group(name) == row.group).collect();
        assert_eq!(row.tests, named, "group {}", row.group);
        let caught = row.ways.iter().any(|way| !way.starts_with("not yet") && !way.starts_with("rustc"));
        assert_eq!(
            caught,
            !named.is_empty(),
            "group {}: a test for what is caught, and none for what is not",
            row.group
        );
    }
    for (name, _) in tests {
        assert!((1..=26).contains(&group(name)), "{name} is named after no group");
    }
}

#[test]
fn every_way_is_one_and_every_kind_is_looked_for_by_a_test_of_the_group() {
    for row in rows() {
        for way in &row.ways {
            assert!(WAYS.iter().any(|known| way.starts_with(known)), "group {}: {way}", row.group);
        }
        let own: String =
            tests().iter().filter(|(name, _)| group(name) == row.group).map(|(_, text)| *text).collect();
        for name in row.named("check: ") {
            // The kinds of a built-in role are its own.
            if RoleKinds::built_in().findings().any(|kind| kind.as_str() == name) {
                assert!(
                    own.contains(&format!("\"{name}\"")),
                    "no test of group {} looks for {name}",
                    row.group
                );
                continue;
            }
            let kind: Kind = name.parse().unwrap_or_else(|error| panic!("group {}: {error}", row.group));
            assert!(
                own.contains(&format!("Kind::{kind:?}")),
                "no test of group {} looks for {kind}",
                row.group
            );
        }
        for kind in Kind::ALL.iter().filter(|kind| own.contains(&format!("Kind::{kind:?},"))) {
            assert!(
                row.named("check: ").any(|name| name == kind.as_str()),
                "group {} lacks {kind}",
                row.group
            );
        }
    }
}

#[test]
fn every_case_that_does_not_compile_is_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile_fail/cases");
    let cases: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned()))
        .collect();
    let rows = rows();
    let named: BTreeSet<String> =
        rows.iter().flat_map(|row| row.named("rustc: ")).map(str::to_owned).collect();
    assert_eq!(named, cases);
}
