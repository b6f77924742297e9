//! Words that generic code may not say: it knows no built-in role by name, and asks the table of `fmc-core/src/roles.rs`.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use super::{files, is};
use crate::Failure;
use crate::workspace::root;

/// The generic files and folders. Not among them are the nouns of a cloud that name K3s as the user does (`cloud.rs`, `machine.rs`,
/// `checked.rs`), and the table of the kinds of findings (`finding/kind.rs`).
const GENERIC: &[&str] = &[
    "fmc-core/src/boot",
    "fmc-core/src/boot.rs",
    "fmc-core/src/check",
    "fmc-core/src/graph",
    "fmc-core/src/lab",
    "fmc-core/src/lab.rs",
    "fmc-core/src/provider",
    "fmc-core/src/role",
    "fmc-core/src/role.rs",
    "fmc-libvirt/src",
    "src/compile.rs",
    "src/picture",
    "src/picture.rs",
    "src/plan",
    "src/plan.rs",
    "src/providers.rs",
    "src/saved.rs",
];

/// The rooms of the built-in roles. An identifier is one of them, or begins with one, as `k3s_server`.
const ROLES: &[&str] = &["k3s", "balancer", "mirror", "node_exporter"];

/// Where generic code names a built-in role. Tests may: they make clouds.
pub(crate) fn violations() -> Result<Vec<String>, Failure> {
    let mut wrong = Vec::new();
    for path in files(&root())? {
        let shown = path.strip_prefix(root()).unwrap_or(&path);
        let is_test =
            shown.components().any(|part| part.as_os_str() == "tests") || shown.ends_with("tests.rs");
        if is(&path, "rs") && !is_test && is_generic(shown, GENERIC) {
            let text = std::fs::read_to_string(&path)?;
            let tokens = text.parse().map_err(|error| format!("{}: not Rust: {error}", shown.display()))?;
            wrong.extend(said(tokens).into_iter().map(|word| {
                format!(
                    "{}: names `{word}`: ask the roles by a trait (fmc-core/src/roles.rs)",
                    shown.display()
                )
            }));
        }
    }
    Ok(wrong)
}

fn is_generic(path: &Path, generic: &[&str]) -> bool {
    generic.iter().any(|place| path.starts_with(place))
}

/// The identifiers of a file that name a role, and its texts that are the kind of one. Documentation and unit tests are exempt.
fn said(tokens: TokenStream) -> Vec<String> {
    let mut words = Vec::new();
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            // Attributes are skipped: documentation is an attribute. The items of tests are skipped too.
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                let attribute = tokens.get(at + 1).map(ToString::to_string).unwrap_or_default();
                if attribute.replace(' ', "").starts_with("[cfg(test") || attribute.contains("all (test") {
                    at += tokens.iter().skip(at).position(is_end).unwrap_or(tokens.len());
                } else {
                    at += 1;
                }
            }
            TokenTree::Group(group) => words.extend(said(group.stream())),
            TokenTree::Ident(word) => words.extend(role(&word.to_string())),
            TokenTree::Literal(text) => words.extend(role(text.to_string().trim_matches('"'))),
            TokenTree::Punct(_) => {}
        }
        at += 1;
    }
    words
}

/// Whether an item ends here: with its body, or a semicolon.
fn is_end(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
        TokenTree::Punct(sign) => sign.as_char() == ';',
        _ => false,
    }
}

/// A word, if it names a role: `k3s`, `k3s_server`, `"k3s-server"`, `K3sUnused`.
fn role(word: &str) -> Option<String> {
    let plain = word.replace('-', "_");
    let names = |role: &&&str| {
        let rest = plain.strip_prefix(**role);
        let camel: String = role.split('_').map(capital).collect();
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_')) || plain.starts_with(&camel)
    };
    // A text with blanks is a sentence.
    (!plain.contains(' ') && ROLES.iter().any(|role| names(&role))).then(|| word.to_owned())
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        said(text.parse().unwrap())
    }

    #[test]
    fn generic_code_that_names_a_role_is_refused() {
        for (text, word) in [
            ("use crate::k3s::Cluster;", "k3s"),
            ("fn a() { crate::balancer::rules::check() }", "balancer"),
            ("const A: [&str; 1] = [\"k3s-server\"];", "k3s-server"),
            ("fn a() { push(Kind::K3sUnused) }", "K3sUnused"),
            ("fn a(_: NodeExporter) {}", "NodeExporter"),
            ("fn node_exporter() {}", "node_exporter"),
        ] {
            assert_eq!(words(text), [word], "{text}");
        }
    }

    #[test]
    fn documentation_tests_and_other_words_are_not() {
        for text in [
            "//! As k3s does.\n/// A `k3s-server`.\nfn a() {}",
            "#[cfg(test)]\nmod tests { use crate::k3s::Cluster; }\nfn a() {}",
            "fn a(clusters: &str, mirrored: u8) { print(\"the balancer of a cluster\") }",
        ] {
            assert_eq!(words(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_generic_place_is_a_file_or_a_folder() {
        let is = |path: &str| is_generic(Path::new(path), GENERIC);
        assert!(is("fmc-core/src/check/view.rs") && is("src/plan.rs") && is("src/plan/names.rs"));
        assert!(!is("fmc-core/src/k3s/rules.rs") && !is("src/planner.rs") && !is("fmc-core/src/checked.rs"));
    }
}
