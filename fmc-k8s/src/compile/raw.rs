//! Objects in the form of the API.

use serde_json::Value;

use crate::manifest::{Manifest, READY_WITHIN};

/// The seconds that an apply waits for a custom object that does not say how long.
pub(crate) const CUSTOM_WITHIN: u64 = 300;

/// The manifest of an object, with the time that an apply waits for it.
pub(super) fn manifest(value: Value) -> Option<Manifest> {
    let manifest = Manifest::of_value(value).ok()?;
    let within = within(&manifest);
    Some(manifest.waits(within))
}

/// The seconds that an apply waits for an object: what its annotation says, or 300 for a custom one.
fn within(manifest: &Manifest) -> Option<u64> {
    let said = manifest.content().pointer("/metadata/annotations").and_then(|all| all.get(READY_WITHIN));
    let seconds = match said.and_then(Value::as_str).and_then(|text| text.parse().ok()) {
        Some(seconds) => seconds,
        None if manifest.kind().is_custom() => CUSTOM_WITHIN,
        None => 0,
    };
    (seconds > 0).then_some(seconds)
}
