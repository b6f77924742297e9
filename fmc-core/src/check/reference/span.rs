//! Machines that a spanning role names and the cloud does not have.

use super::Unknown;
use crate::finding::Finding;
use crate::given::Given;

pub(super) fn check(unknown: &mut Unknown<'_, '_>, findings: &mut Vec<Finding>) {
    let view = unknown.view;
    for stated in view.spans {
        for list in stated.role().members().lists() {
            for (index, given) in list.names.iter().enumerate() {
                // Ten thousand members that are there need no path.
                let Given::Right(name) = given else { continue };
                if !view.machine_index.contains_key(name.as_str()) {
                    findings.extend(unknown.machine(name, list.at(&stated.settings_at, index)));
                }
            }
        }
    }
}
