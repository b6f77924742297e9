//! The differences between the observed and the wanted objects, and the impact of changing them.

mod domain;
mod lookup;
mod network;
mod storage;
mod table;
#[cfg(test)]
mod tests;
mod tree;

pub use domain::{compare_domain, pending_boot};
use fmc_core::graph::{Change, Impact};
pub use lookup::value;
pub use network::compare_network;
pub(crate) use network::is_updated;
pub use storage::{compare_pool, compare_volume};
pub(crate) use table::identity;
pub use tree::{Difference, tree};

use crate::xml::Outline;

/// Why a difference of the definition is mended while the object runs.
const DEFINED_ONLY: &str = "only its definition was changed: it runs with the wanted one";

/// Whether what runs has a difference too, in the same place or in a part of it.
fn lasts(found: &Difference, running: &[Difference]) -> bool {
    let is_in = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    running.iter().any(|running| is_in(&running.path, &found.path) || is_in(&found.path, &running.path))
}

/// The differences of two documents.
fn differences(wanted: &str, seen: &str) -> Vec<Difference> {
    let read = |text| Outline::read_without(table::IGNORED, text);
    match (read(wanted), read(seen)) {
        (Some(wanted), Some(seen)) => tree(wanted.root(), seen.root()),
        // fmc's own documents can be read; an unreadable one has to be written again.
        _ => vec![Difference {
            path: String::new(),
            from: Some("no XML".to_owned()),
            to: Some("XML".to_owned()),
        }],
    }
}

impl Difference {
    fn into_change(self, impact: Impact, reason: Option<&str>) -> Change {
        let Self { path, from, to } = self;
        Change { path, from, to, impact, reason: reason.map(str::to_owned) }
    }
}

/// A change of a value outside of the document: power, autostart.
fn switch(path: &str, seen: bool, wanted: bool, words: [&str; 2], impact: Impact) -> Option<Change> {
    let [on, off] = words.map(str::to_owned);
    let (from, to) = match (seen, wanted) {
        (true, false) => (on, off),
        (false, true) => (off, on),
        _ => return None,
    };
    Some(Change { path: path.to_owned(), from: Some(from), to: Some(to), impact, reason: None })
}

/// The path of a definition that somebody removed.
pub(crate) const DEFINITION: &str = "definition";

/// Somebody removed the definition of an object that is in use: it would be gone once it stops.
fn definition(persistent: bool) -> Option<Change> {
    switch(DEFINITION, persistent, true, ["there", "removed"], Impact::Live)
}

fn autostart(seen: bool, wanted: bool) -> Option<Change> {
    switch("autostart", seen, wanted, ["on", "off"], Impact::Live)
}
