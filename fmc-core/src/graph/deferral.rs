//! Notes about deferred objects: one for each machine, in the same words if the cause is the same.

use std::collections::{BTreeMap, BTreeSet};

use super::about::About;
use super::address::Address;
use super::plan::{Note, NoteKind};

/// An object that is deferred.
pub(super) struct Deferral {
    /// The object; `None` for a whole host.
    pub(super) address: Option<Address>,
    /// The subject: the machine or other noun that the object belongs to, the object, or the host.
    pub(super) about: About,
    /// The object that could not be read, as `network/lab`; `None` if the cause already says it.
    pub(super) root: Option<String>,
    /// Why.
    pub(super) cause: String,
}

/// One note for each machine or other noun. If several objects could not be read for the same cause, the note
/// gives the cause alone, because a person can only fix the cause.
pub(super) fn deferred(deferrals: Vec<Deferral>) -> Vec<Note> {
    let mut roots: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Deferral { root, cause, .. } in &deferrals {
        roots.entry(cause.clone()).or_default().extend(root.clone());
    }
    let mut texts: BTreeMap<About, BTreeSet<String>> = BTreeMap::new();
    for Deferral { about, cause, .. } in deferrals {
        let roots = roots.get(&cause).into_iter().flatten().collect::<Vec<_>>();
        let text = match roots.as_slice() {
            [root] => format!("{root} could not be read: {cause}"),
            _ => cause,
        };
        texts.entry(about).or_default().insert(text);
    }
    let note = |(about, texts): (About, BTreeSet<String>)| Note {
        about,
        kind: NoteKind::Deferred,
        text: texts.into_iter().collect::<Vec<_>>().join("; "),
    };
    texts.into_iter().map(note).collect()
}
