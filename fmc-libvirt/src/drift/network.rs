//! Networks: the differences, and whether the network has to stop to apply them.

use fmc_core::graph::{Change, Impact};

use super::{DEFINED_ONLY, Difference, autostart, definition, differences, lasts, switch};
use crate::document::NetworkDocument;
use crate::link::NetworkRecord;

/// The differences between a wanted network and its definition or, if the network is active and that was read, its
/// state in force. The hosts of DHCP and DNS change while it runs ([`updates`](crate::network::updates)).
pub fn compare_network(wanted: &NetworkDocument, seen: &NetworkRecord) -> Vec<Change> {
    let mut found = differences(&wanted.xml, &seen.xml);
    let mut changes = Vec::new();
    if let Some(live) = seen.live_xml.as_ref().filter(|live| seen.active && **live != seen.xml) {
        let running = differences(&wanted.xml, live);
        let (both, defined): (Vec<Difference>, Vec<Difference>) =
            found.into_iter().partition(|found| lasts(found, &running) || is_updated(&found.path));
        changes.extend(defined.into_iter().map(|found| found.into_change(Impact::Live, Some(DEFINED_ONLY))));
        let known: Vec<String> = both.iter().map(|found| found.path.clone()).collect();
        found = both;
        found.extend(running.into_iter().filter(|found| !known.contains(&found.path)));
    }
    changes.extend(found.into_iter().map(|found| change(found, seen.active)));
    changes.extend(definition(seen.persistent));
    changes.extend(autostart(seen.autostart, wanted.autostart));
    changes.extend(switch("active", seen.active, true, ["active", "inactive"], Impact::Live));
    changes
}

fn change(found: Difference, active: bool) -> Change {
    let is_text = || matches!(found.path.as_str(), "title" | "description");
    if !active || is_updated(&found.path) || is_text() {
        found.into_change(Impact::Live, None)
    } else {
        found.into_change(
            Impact::Restart,
            Some("libvirt changes only the hosts of DHCP and DNS of an active network"),
        )
    }
}

/// Whether an [update](crate::network::updates) of the active network removes a difference.
pub(crate) fn is_updated(path: &str) -> bool {
    path.starts_with("dns/host[") || path.contains("/dhcp/host[")
}
