//! Machines that a spanning role names, and that are not there.

use std::collections::BTreeMap;

use super::super::say::known;
use super::super::view::View;
use crate::finding::{Finding, Kind};
use crate::given::Given;

pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    // What would be right is worked out once for each wrong text.
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    for stated in view.spans {
        for list in stated.role().members().lists() {
            for (index, given) in list.names.iter().enumerate() {
                let Given::Right(name) = given else { continue };
                if view.machine_index.contains_key(name.as_str()) {
                    continue;
                }
                let help = helps.entry(name.as_str().to_owned()).or_insert_with(|| {
                    let names = view.machine_index.keys().copied();
                    known(name.as_str(), "machine", names, "add the machine to the cloud")
                });
                findings.push(Finding::new(
                    Kind::ReferenceUnknown,
                    list.at(&stated.settings_at, index),
                    format!("there is no machine {name}"),
                    &**help,
                ));
            }
        }
    }
}
