//! The documents hold together: no link is dead, no path in them is missing, and the table of features equals
//! Cargo's.

#![cfg(feature = "toml")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The documents that people read.
fn documents() -> Vec<PathBuf> {
    let within = |folder: &Path| {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|end| end == "md")).collect::<Vec<_>>()
    };
    let mut all = within(root());
    all.extend(within(&root().join("docs")));
    all.sort();
    assert!(all.len() > 5, "{all:?}");
    all
}

/// A text without its blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The anchors of a document, as GitHub derives them from its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings = headings.lines().filter_map(|line| line.strip_prefix('#'));
    headings
        .map(|heading| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept: String = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect();
            kept.replace(' ', "-")
        })
        .collect()
}

#[test]
fn no_link_is_dead() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for link in prose(&text).split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            // rustdoc checks paths of Rust, and this test does not reach other sites.
            if link.starts_with("http") || link.contains("::") {
                continue;
            }
            let (file, anchor) =
                link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            let target =
                if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", document.display());
            if let Some(anchor) = anchor {
                let there = anchors(&std::fs::read_to_string(&target).unwrap());
                assert!(there.contains(anchor), "{}: {link} is none of {there:?}", document.display());
            }
        }
    }
}

#[test]
fn the_paths_that_the_architecture_names_are_there() {
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"] {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        for path in prose(&text).split('`').skip(1).step_by(2) {
            let is_path = path.contains('/')
                && (path.ends_with('/') || path.ends_with(".rs") || path.ends_with(".md"))
                && !path.contains([' ', '*', '<', '{', ':'])
                && !path.starts_with(['/', '.', '~']);
            // A crate's page names its own files by their places in the crate.
            let places = ["", "src", "fmc-core/src", "fmc-libvirt/src", "fmc-keys/src"];
            let is_there = places.iter().any(|place| root().join(place).join(path).exists());
            assert!(!is_path || is_there, "{name} names {path}, which is not there");
        }
    }
}

#[test]
fn every_program_of_a_page_is_compiled() {
    let doctests = include_str!("../src/lib.rs");
    let programs = fmc::finding::Kind::ALL.iter().filter(|kind| kind.page().contains("```rust"));
    for kind in programs {
        assert!(
            doctests.contains(&format!("/pages/{kind}.md\")")),
            "{kind} is not in the module `pages` of src/lib.rs"
        );
    }
}

#[test]
fn the_table_of_features_is_that_of_cargo() {
    let manifest: toml::Table = toml::from_str(include_str!("../Cargo.toml")).unwrap();
    let features = manifest["features"].as_table().unwrap();
    let list = |name: &str| -> BTreeSet<String> {
        let features = features[name].as_array().unwrap().iter();
        features.map(|feature| feature.as_str().unwrap().to_owned()).collect()
    };
    let (default, by_cli) = (list("default"), list("cli"));
    let rows: Vec<(&str, &str)> = include_str!("../src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"))
        .filter_map(|row| row.split_once("` | "))
        .map(|(name, rest)| (name, rest.split(" | ").next().unwrap()))
        .collect();
    let told: BTreeSet<&str> = rows.iter().map(|(name, _)| *name).collect();
    // The feature of the slow tests is not for users.
    let there: BTreeSet<&str> =
        features.keys().map(String::as_str).filter(|name| !["default", "full"].contains(name)).collect();
    assert_eq!(told, there);
    for (name, when) in rows {
        assert_eq!(when.contains("yes"), default.contains(name), "{name}: {when}");
        assert_eq!(when.contains("by `cli`"), by_cli.contains(name), "{name}: {when}");
        assert_eq!(when == "no", !default.contains(name) && !by_cli.contains(name), "{name}: {when}");
    }
}
