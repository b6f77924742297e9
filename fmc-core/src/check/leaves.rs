//! Every wrong leaf of the draft, and every unknown name, each at its path.
//!
//! A draft knows its settings (see [`crate::draft`]); this module knows the names in the cloud.

use std::collections::BTreeMap;

use super::reference::ReferenceProblem;
use super::view::View;
use crate::draft::{Look, Nouns, Setting as _};
use crate::finding::{At, Finding, KnownNames};
use crate::given::Noun;
use crate::role::Stated;

/// Looks at every setting.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut nouns = Known { view, listed: Default::default(), missing: BTreeMap::new() };
    let mut look = Look { findings, nouns: &mut nouns };
    view.cloud.look(&At::ROOT, &mut look);
    for stated in view.spans.iter().filter(|stated| stated.is_own()) {
        span(stated, &mut look);
    }
}

/// The settings of a spanning role of the user's own, and the names of its machines. The settings of a built-in one are the draft's.
fn span(stated: &Stated<'_>, look: &mut Look<'_>) {
    let role = stated.role();
    let at = At::ROOT.key(&stated.at);
    look.name(&role.kind(), &at);
    look.findings.extend(stated.settings.iter().cloned());
    for list in role.members().lists() {
        for (index, name) in list.names.iter().enumerate() {
            look.leaf(name, &At::ROOT.key(&list.at(&stated.settings_at, index)));
        }
    }
}

/// The names in the cloud. The suggestion for a wrong text is computed once, and not for each machine.
struct Known<'v> {
    view: &'v View<'v>,
    listed: BTreeMap<Noun, KnownNames>,
    missing: BTreeMap<(Noun, String), ReferenceProblem>,
}

impl<'v> Known<'v> {
    fn index(&self, noun: Noun) -> &'v BTreeMap<&'v str, usize> {
        match noun {
            Noun::Host => &self.view.host_index,
            Noun::Network => &self.view.network_index,
            Noun::Machine => &self.view.machine_index,
        }
    }
}

impl Nouns for Known<'_> {
    fn has(&self, noun: Noun, name: &str) -> bool {
        self.index(noun).contains_key(name)
    }

    fn missing(&mut self, noun: Noun, name: &str, at: &At<'_>) -> Option<Finding> {
        // A cloud without any host is a finding of its own.
        if noun == Noun::Host && self.view.hosts.is_empty() {
            return None;
        }
        let what = match noun {
            Noun::Host => "host",
            Noun::Network => "network",
            Noun::Machine => "machine",
        };
        if let Some(problem) = self.missing.get(&(noun, name.to_owned())) {
            return Some(problem.clone().at(at));
        }
        let index = self.index(noun);
        let listed = self.listed.entry(noun).or_insert_with(|| KnownNames::new(index.keys().copied()));
        let problem = ReferenceProblem::unknown(what, name, listed);
        self.missing.insert((noun, name.to_owned()), problem.clone());
        Some(problem.at(at))
    }
}
