//! What an object was made from, where that is all that differs: its values are as wanted.

use fmc_core::graph::{Change, Impact};

use super::document::Wanted;
use crate::manifest::manager;
use crate::object::ApiObject;

/// The line of an object whose values are as wanted and whose record is not: the version that it was written in, the manifest that it was made
/// from, or the fields that are ours.
pub(super) fn outdated(wanted: &Wanted, object: &ApiObject) -> Change {
    let change = |path: &str, (from, to): (Option<String>, Option<String>), reason: &str| Change {
        path: path.to_owned(),
        from,
        to,
        impact: Impact::Live,
        reason: Some(reason.to_owned()),
    };
    let api = wanted.manifest.kind().api();
    if let Some(before) = object.written_in(&manager(&wanted.owner)).filter(|before| *before != api) {
        let both = (Some(before.to_owned()), Some(api));
        return change("apiVersion", both, "it is written again in this version, with the same values");
    }
    match object.made_from() {
        Some(made) if made != wanted.manifest.fingerprint() => change(
            "manifest",
            (None, None),
            "the cloud leaves out what it said before, or says the same in another form",
        ),
        Some(_) => change("managed fields", (None, None), "others changed who decides its fields"),
        None => change(
            "managed fields",
            (None, None),
            "it does not say what it was made from: others removed that, or an earlier version made it",
        ),
    }
}
