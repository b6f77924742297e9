//! What is put off, said once for each machine, and in the same words where the cause is the same.

use std::collections::{BTreeMap, BTreeSet};

use super::address::Address;
use super::plan::{Note, NoteKind};

/// An object that is put off.
pub(super) struct Deferral {
    /// The object; `None` for a whole host.
    pub(super) address: Option<Address>,
    /// The machine or other noun that it is part of, or its address.
    pub(super) about: String,
    /// The object that could not be read, as `network/lab`, unless the cause says all.
    pub(super) root: Option<String>,
    /// Why.
    pub(super) cause: String,
}

/// One note for each machine or other noun. Objects that could not be read for the same cause are not named one by one:
/// the cause is what a person can mend.
pub(super) fn deferred(deferrals: Vec<Deferral>) -> Vec<Note> {
    let mut roots: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Deferral { root, cause, .. } in &deferrals {
        roots.entry(cause.clone()).or_default().extend(root.clone());
    }
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Deferral { about, cause, .. } in deferrals {
        let roots = roots.get(&cause).into_iter().flatten().collect::<Vec<_>>();
        let text = match roots.as_slice() {
            [root] => format!("{root} could not be read: {cause}"),
            _ => cause,
        };
        texts.entry(about).or_default().insert(text);
    }
    let note = |(about, texts): (String, BTreeSet<String>)| Note {
        about,
        kind: NoteKind::Deferred,
        text: texts.into_iter().collect::<Vec<_>>().join("; "),
    };
    texts.into_iter().map(note).collect()
}
