//! The overlays of a platform on its compiled objects.

use std::collections::BTreeMap;

use crate::manifest::Manifest;
use crate::overlay::Overlay;

/// The manifests with the changes of overlays. A change that cannot be made is a finding, and is left out.
pub(super) fn apply(overlays: &[Overlay], mut manifests: Vec<Manifest>) -> Vec<Manifest> {
    if overlays.is_empty() {
        return manifests;
    }
    let places: BTreeMap<String, usize> =
        manifests.iter().enumerate().map(|(at, one)| (one.short(), at)).collect();
    for overlay in overlays {
        let place = places.get(&overlay.of).and_then(|at| manifests.get_mut(*at));
        let Some(manifest) = place else { continue };
        let mut content = manifest.content().clone();
        for (_, change) in overlay.changes() {
            let mut changed = content.clone();
            if change.apply(&mut changed).is_ok() {
                content = changed;
            }
        }
        if let Ok(changed) = manifest.with_content(content) {
            *manifest = changed;
        }
    }
    manifests
}
