//! The facade knows providers by their rooms: few of its files name one.

use std::collections::BTreeSet;

use super::{files, is};
use crate::Failure;
use crate::workspace::root;

/// The crates of providers, as Rust names them, and as the facade gives them to its users.
const PROVIDERS: &[&str] = &["fmc_libvirt::", "crate::libvirt::", "fmc_libvirt as"];

/// The files of `src/` that may name a provider, each with its reason. The aim is three of them.
const MAY: &[(&str, &str)] = &[
    ("src/lib.rs", "gives the crates of providers to users"),
    ("src/providers.rs", "the list of providers"),
    ("src/sim.rs", "hands out hypervisors in memory, to plant objects in and to look into"),
];

/// Files that name a provider without a reason, and reasons that are no longer needed.
pub(crate) fn violations() -> Result<Vec<String>, Failure> {
    let mut found = BTreeSet::new();
    for path in files(&root().join("src"))? {
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        if is(&path, "rs") && names_a_provider(&std::fs::read_to_string(&path)?) {
            found.insert(shown);
        }
    }
    Ok(judge(&found, MAY))
}

/// Comments may tell of any provider; code may not.
fn names_a_provider(text: &str) -> bool {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.into_iter().any(|line| PROVIDERS.iter().any(|provider| line.contains(provider)))
}

fn judge(found: &BTreeSet<String>, may: &[(&str, &str)]) -> Vec<String> {
    let new = found.iter().filter(|path| !may.iter().any(|(known, _)| known == path));
    let new = new.map(|path| {
        format!("{path}: names a provider; ask its `Room`, or what `src/providers.rs` gives (xtask/src/tidy/providers.rs)")
    });
    let old = may.iter().filter(|(known, _)| !found.contains(*known));
    let old = old.map(|(known, _)| {
        format!("{known}: names no provider any more; take it out of xtask/src/tidy/providers.rs")
    });
    new.chain(old).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_names_a_provider_needs_a_reason() {
        let found = BTreeSet::from(["src/cli/plan.rs".to_owned(), "src/lib.rs".to_owned()]);
        let wrong = judge(&found, &[("src/lib.rs", ""), ("src/sim.rs", "")]);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("src/cli/plan.rs: names a provider"), "{wrong:?}");
        assert!(wrong[1].starts_with("src/sim.rs: names no provider"), "{wrong:?}");
    }

    #[test]
    fn comments_may_tell_of_a_provider() {
        assert!(!names_a_provider("/// See [`fmc_libvirt::link`].\n//! crate::libvirt::sim\n"));
        assert!(names_a_provider("    use fmc_libvirt::link::Link;\n"));
        assert!(names_a_provider("let link = crate::libvirt::sim::Sim::new();\n"));
    }
}
