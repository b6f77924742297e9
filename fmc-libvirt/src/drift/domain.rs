//! Domains: what differs, and whether the guest has to stop for it.

use fmc_core::graph::{Change, Impact};
use fmc_core::machine::Power;

use super::{Difference, autostart, definition, differences, switch};
use crate::document::DomainDocument;
use crate::link::DomainRecord;

/// What differs between a domain as it is wanted and its persistent definition, power and autostart included.
pub fn compare_domain(wanted: &DomainDocument, seen: &DomainRecord) -> Vec<Change> {
    let mut found = differences(&wanted.xml, &seen.xml);
    // libvirt keeps the balloon's size within the memory: one edit, one change.
    if let Some(memory) = found.iter().find(|found| found.path == "memory").cloned() {
        found.retain(|found| found.path != "currentMemory" || found.to != memory.to);
    }
    let mut changes: Vec<Change> = found.into_iter().map(|found| change(found, seen.active)).collect();
    changes.extend(definition(seen.persistent));
    changes.extend(autostart(seen.autostart, wanted.autostart));
    changes.extend(power(wanted.power, seen.active));
    changes
}

/// What the running guest was started with and is no longer wanted: it ends with the next boot. It says nothing of a
/// difference that is one of the persistent definition too, and nothing when the guest's document was not read.
pub fn pending_boot(wanted: &DomainDocument, seen: &DomainRecord) -> Vec<Change> {
    let Some(live) = seen.live_xml.as_ref().filter(|_| seen.active) else { return Vec::new() };
    let mut found = differences(&wanted.xml, live);
    found.retain(lasts_until_boot);
    if !found.is_empty() {
        let persistent = differences(&wanted.xml, &seen.xml);
        found.retain(|found| !persistent.contains(found));
    }
    found.into_iter().map(|found| found.into_change(Impact::NextBoot, None)).collect()
}

fn change(found: Difference, active: bool) -> Change {
    if !active {
        return found.into_change(Impact::Live, None);
    }
    let (impact, reason) = impact(&found.path);
    found.into_change(impact, reason)
}

/// What a change of the definition takes while the guest runs.
fn impact(path: &str) -> (Impact, Option<&'static str>) {
    let mut names = path.split('/').map(|name| name.split('[').next().unwrap_or_default());
    let first = names.next().unwrap_or_default();
    let name = if first == "devices" { names.next().unwrap_or_default() } else { first };
    match name {
        "title" | "description" => (Impact::Live, None),
        "clock" | "features" | "on_poweroff" | "on_reboot" | "on_crash" | "sysinfo" | "rng" | "serial"
        | "console" | "channel" | "memballoon" => (Impact::NextBoot, Some("QEMU reads it when it starts")),
        "memory" => (Impact::Restart, Some("above or below the maximum it was started with")),
        "vcpu" => (Impact::Restart, Some("the number of processors is that of its start")),
        "disk" | "interface" => (Impact::Restart, Some("a device of the guest changes")),
        _ => (Impact::Restart, Some("QEMU reads it when it starts")),
    }
}

fn power(wanted: Power, active: bool) -> Option<Change> {
    let words = ["running", "stopped"];
    match wanted {
        Power::Running => switch("power", active, true, words, Impact::Live),
        Power::Stopped => switch("power", active, false, words, Impact::Restart)
            .map(|change| Change { reason: Some("it stops".to_owned()), ..change }),
        Power::Unmanaged => None,
    }
}

/// Whether a difference of the running guest is one that its next boot ends, and not one that a running guest has by
/// itself: its balloon, the model that stands for the host's processor, the bridge that stands for a network on one;
/// nor one of what is only written down.
fn lasts_until_boot(found: &Difference) -> bool {
    let first = found.path.split('/').next().unwrap_or_default();
    let resolved = found.path.starts_with("devices/interface[")
        && found.path.ends_with("]/@type")
        && found.from.as_deref() == Some("bridge");
    !resolved && !matches!(first, "currentMemory" | "cpu" | "title" | "description")
}
