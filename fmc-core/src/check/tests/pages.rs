//! The page of a kind is true: its example has that finding and no other, word by word.

use super::{findings, yaml};
use crate::finding::{Kind, Words};

/// The text of the first block of a language.
fn block<'a>(page: &'a str, language: &str) -> Option<&'a str> {
    let start = format!("```{language}\n");
    let (_, rest) = page.split_once(&start)?;
    Some(rest.split_once("```").unwrap().0)
}

#[test]
fn every_page_has_its_parts() {
    for kind in Kind::ALL {
        let (name, page) = (kind.as_str(), kind.page());
        let headings: Vec<_> = page.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(headings, ["## What it means", "## Example", "## How to mend it"], "{name}");
        assert!(page.contains("\nSource: "), "{name}");
        let finding = block(page, "text").unwrap_or_default();
        let mut prose =
            page.replace(finding, "").lines().map(|line| line.chars().count()).collect::<Vec<_>>();
        prose.sort_unstable();
        assert!(prose.last() <= Some(&130), "{name}: {prose:?}");
    }
}

#[test]
fn every_example_has_its_finding_and_no_other() {
    let mut old = Vec::new();
    for kind in Kind::ALL {
        let name = kind.as_str();
        let Some(example) = block(kind.page(), "yaml") else {
            // A file cannot hold two values of one name, nor a user's own role, and four hundred machines are long: the page's
            // program is a doctest of the facade.
            const CODE: [Kind; 11] = [
                Kind::IgnitionLarge,
                Kind::NameDuplicate,
                Kind::RoleClash,
                Kind::RoleNeeds,
                Kind::RoleOrder,
                Kind::RoleRefused,
                Kind::RoleWarning,
                Kind::FlowUnreachable,
                Kind::FlowRefused,
                Kind::FlowNobody,
                Kind::K3sServerSize,
            ];
            assert!(CODE.contains(kind), "{name}");
            assert!(block(kind.page(), "rust").is_some());
            continue;
        };
        // Only a build without the feature has it: `tests/without_ignition.rs` judges its page.
        if *kind == Kind::IgnitionAbsent {
            assert_eq!(findings(&yaml(example)), []);
            continue;
        }
        let findings = findings(&yaml(example));
        let text: String = findings.iter().map(|finding| finding.in_words(Words::File).to_string()).collect();
        assert!(
            findings.iter().all(|finding| finding.kind() == *kind) && !findings.is_empty(),
            "{name}:\n{text}"
        );
        if block(kind.page(), "text") != Some(&*text) {
            old.push(format!("{name} is found as:\n{text}"));
        }
    }
    assert!(old.is_empty(), "{}", old.join("\n"));
}

#[test]
fn a_name_is_one_kind() {
    for kind in Kind::ALL {
        assert_eq!(Kind::named(kind.as_str()), Some(*kind));
    }
    assert_eq!(Kind::named("no-such-kind"), None);
}

/// Texts in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a text has a path, a setter or a call of Rust in it.
fn speaks_rust(text: &str) -> bool {
    let is_word = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
    // An IPv6 address has two colons between digits.
    let mut paths = text.match_indices("::").filter_map(|(at, _)| text.get(at + 2..));
    paths.any(is_word) || quoted(text).any(|piece| piece.starts_with('.') || piece.contains('('))
}

/// Whether a text has a key with its value in it.
fn speaks_yaml(text: &str) -> bool {
    quoted(text).any(|piece| piece.contains(": "))
}

#[test]
fn a_page_serves_both_authors() {
    for kind in Kind::ALL {
        let (_, mend) = kind.page().split_once("## How to mend it").unwrap();
        let (mend, _) = mend.split_once("\nSource: ").unwrap();
        let mend = &mend.split_whitespace().collect::<Vec<_>>().join(" ");
        // A file cannot have two values of one name, and has no constants.
        let is_of_rust = matches!(kind, Kind::NameDuplicate | Kind::ReferenceUnknown);
        assert!(
            !speaks_rust(mend) || mend.contains("in a file") || is_of_rust,
            "{kind} mends in Rust only:{mend}"
        );
        assert!(
            !speaks_yaml(mend) || mend.contains("in Rust") || is_of_rust,
            "{kind} mends in a file only:{mend}"
        );
        assert!(!kind.page().contains("fmc_core"), "{kind} names a crate that its reader does not use");
    }
}

#[test]
fn a_help_speaks_the_authors_format() {
    for kind in Kind::ALL {
        let Some(example) = block(kind.page(), "yaml") else { continue };
        for finding in findings(&yaml(example)) {
            assert!(!finding.case().is_empty(), "{kind}");
            let (file, rust) = (finding.help_in(Words::File), finding.help_in(Words::Rust));
            assert!(!speaks_rust(&file), "{kind}: {file}");
            assert!(!speaks_yaml(&rust), "{kind}: {rust}");
            assert!(!speaks_rust(&finding.message()) && !speaks_yaml(&finding.message()), "{kind}");
        }
    }
}

#[test]
fn the_formats_are_told_apart() {
    assert!(speaks_rust("say `.host(…)`") && speaks_rust("write Ready::agent") && speaks_rust("`tcp(22)`"));
    assert!(!speaks_rust("say `host: hv1` (or nothing)"));
    assert!(speaks_yaml("say `host: hv1`") && !speaks_yaml("say `.host(\"hv1\")`: it is there"));
}
