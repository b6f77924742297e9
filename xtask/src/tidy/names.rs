//! Names of public types: one name has one meaning in the whole workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proc_macro2::{TokenStream, TokenTree};

use super::{files, is};
use crate::Failure;
use crate::workspace::root;

/// The folders of the published crates.
const PUBLISHED: &[&str] =
    &["fmc-core/src", "fmc-freeipa/src", "fmc-k8s/src", "fmc-keys/src", "fmc-libvirt/src", "src"];

/// The folders of checked values. A checked type has the name of its draft, and its module says which of the
/// two is meant.
const CHECKED: &[&str] = &["fmc-core/src/checked/", "fmc-core/src/k3s/resolved.rs"];

/// Names that two modules have all the same, each with its reason. A new entry needs a reason.
const TWICE: &[(&str, &str)] = &[
    ("Address", "of an object in a plan; of an interface in a guest, beside `boot::Family`"),
    ("Cluster", "the draft; what a kubeconfig is made for, with the fields of one"),
    ("Content", "of an object on a host; of an image, as a reader"),
    ("Document", "libvirt's; a document of any kind that a test looks at"),
    ("Filesystem", "the kind; one that a guest mounts"),
    ("Group", "of accounts; of machines by role; of steps"),
    ("Interface", "of a machine; as its guest sees it"),
    ("Line", "of a plan that is printed; a text of K3s without a line break"),
    ("Mirror", "the machine that serves; K3s's own word in `registries.yaml`"),
    ("Node", "of a plan's graph; of a tree of XML"),
    ("Owner", "of a file; of an object on a host"),
    ("Piece", "of a text of K3s; of an upload"),
    ("Plan", "of the planner; with its providers' documents, as the facade has it"),
    ("Program", "that a unit runs; that a user makes of the commands"),
    ("Setting", "a key of K3s; what `--set` changes"),
    ("Sim", "a host; the facade's hosts"),
    ("Source", "of an image; a file that was read"),
    ("State", "of an object; of a unit"),
    ("Takes", "what a key of K3s takes; what a role of a file takes"),
    ("Wanted", "by the planner; by the facade, with its providers' documents"),
];

/// Names that two types have without a reason here, and reasons that are no longer needed.
pub(crate) fn violations() -> Result<Vec<String>, Failure> {
    let mut found: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    for folder in PUBLISHED {
        for path in files(&root().join(folder))? {
            if !is(&path, "rs") || path.components().any(|part| part.as_os_str() == "tests") {
                continue;
            }
            let shown = path.strip_prefix(root()).unwrap_or(&path).to_owned();
            let text = std::fs::read_to_string(&path)?;
            let tokens = text.parse().map_err(|error| format!("{}: not Rust: {error}", shown.display()))?;
            for name in types(tokens) {
                found.entry(name).or_default().insert(shown.clone());
            }
        }
    }
    Ok(judge(&found, TWICE))
}

fn judge(found: &BTreeMap<String, BTreeSet<PathBuf>>, allowed: &[(&str, &str)]) -> Vec<String> {
    let is_checked = |path: &PathBuf| {
        CHECKED.iter().any(|place| path.to_str().is_some_and(|path| path.starts_with(place)))
    };
    let mut wrong = Vec::new();
    for (name, places) in found {
        let apart: Vec<String> =
            places.iter().filter(|path| !is_checked(path)).map(|path| path.display().to_string()).collect();
        let is_allowed = allowed.iter().any(|(allowed, _)| allowed == name);
        match (apart.len() > 1, is_allowed) {
            (true, false) => {
                wrong.push(format!("{name}: two public types in {}: tell them apart", apart.join(" and ")))
            }
            (false, true) => {
                wrong.push(format!("{name}: there once: take it off the list in xtask/src/tidy/names.rs"))
            }
            _ => {}
        }
    }
    wrong
}

/// The public types of a file. Types in function bodies do not count, because only the file sees them.
fn types(tokens: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let word = |token: Option<&TokenTree>| match token {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    };
    let mut names = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let is_type = matches!(word(Some(token)).as_deref(), Some("struct" | "enum" | "trait" | "union"));
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        if is_type && word(before).as_deref() == Some("pub") {
            names.extend(word(tokens.get(at + 1)));
        }
        // A draft is declared inside of a macro.
        if let (Some("draft"), Some(TokenTree::Group(inside))) =
            (word(Some(token)).as_deref(), tokens.get(at + 2))
        {
            names.extend(types(inside.stream()));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_types_of_a_file_are_found() {
        let text = "pub struct A;\npub(crate) struct B;\npub enum C { D }\nmod inner { pub struct E; }\n/// pub struct F\npub trait G {}\ndraft! { pub struct H {} }";
        assert_eq!(types(text.parse().unwrap()), ["A", "C", "G", "H"]);
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused() {
        let places = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
        let found = BTreeMap::from([
            ("Once".to_owned(), places(&["src/a.rs"])),
            ("Twice".to_owned(), places(&["src/a.rs", "src/b.rs"])),
            ("Checked".to_owned(), places(&["src/a.rs", "fmc-core/src/checked/a.rs"])),
        ]);
        assert_eq!(judge(&found, &[]), ["Twice: two public types in src/a.rs and src/b.rs: tell them apart"]);
        assert!(judge(&found, &[("Twice", "a reason")]).is_empty());
        assert_eq!(judge(&found, &[("Twice", "a reason"), ("Once", "a reason")]).len(), 1);
    }
}
