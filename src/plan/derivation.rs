//! How the secrets of the machines that are there were made from the root key, against how the cloud makes them.

use fmc_core::graph::{About, Note, NoteKind};
use fmc_core::secret::Derivation;

use super::Seen;
use crate::compile::Wanted;

/// The first derivation by which secrets of the owner's machines were made; `None` if there are none.
pub(super) fn of_those_there(wanted: &Wanted, seen: &Seen) -> Option<Derivation> {
    let rooms = wanted.rooms();
    seen.present().filter_map(|(address, object)| rooms.derivation(address, object)).min()
}

/// What a change of the derivation means.
pub(super) fn note(wanted: &Wanted, seen: &Seen) -> Option<Note> {
    let now = wanted.secret_scope().derivation();
    if wanted.is_nothing() || now == Derivation::V1 || !wanted.needs_root_key() {
        return None;
    }
    let was = of_those_there(wanted, seen).filter(|was| *was != now)?;
    let (kind, text) = if wanted.says_derivation() {
        let text = format!(
            "its secrets are made by derivation {now}, and those of its machines by derivation {was}: each machine gets its new \
             ones when it is replaced. Machines that share a secret, as a cluster's tokens and authorities, do not accept each \
             other until all of them are replaced: replace them in one apply"
        );
        (NoteKind::Notice, text)
    } else {
        let text = format!(
            "the secrets of its machines were made without its owner (derivation {was}), and the cloud does not say \
             `derivation` in `secrets`: {was} keeps them, {now} makes others as machines are replaced"
        );
        (NoteKind::Refused, text)
    };
    Some(Note { about: About::Noun(format!("cloud/{}", wanted.owner()).into()), kind, text })
}

/// What a person should know of a plan that keeps the first derivation unasked.
#[cfg(feature = "cli")]
pub(crate) fn kept(wanted: &Wanted) -> Note {
    let owner = wanted.owner();
    let text = "the secrets of its machines were made without its owner (derivation 1), and stay so: another cloud with this root \
                key has the same. Write `secrets: {derivation: 1}`, so that `kubeconfig` and `compile`, which do not ask the \
                hosts, make the same; with `derivation: 2` machines get others as they are replaced";
    Note {
        about: About::Noun(format!("cloud/{owner}").into()),
        kind: NoteKind::Notice,
        text: text.to_owned(),
    }
}
