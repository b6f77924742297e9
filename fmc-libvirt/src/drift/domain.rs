//! Domains: the differences, and whether the guest has to stop to apply them.

use fmc_core::graph::{Change, Impact};
use fmc_core::machine::Power;

use super::{DEFINED_ONLY, Difference, autostart, definition, differences, lasts, switch};
use crate::document::DomainDocument;
use crate::link::{DomainRecord, Suspended};

/// The differences between a wanted domain and its persistent definition, including power and autostart.
pub fn compare_domain(wanted: &DomainDocument, seen: &DomainRecord) -> Vec<Change> {
    let mut found = differences(&wanted.xml, &seen.xml);
    // libvirt limits the balloon to the memory, so an edit of the memory is one change and not two.
    if let Some(memory) = found.iter().find(|found| found.path == "memory").cloned() {
        found.retain(|found| found.path != "currentMemory" || found.to != memory.to);
    }
    let live = seen.live_xml.as_ref().filter(|_| seen.active && !found.is_empty());
    let running = live.map(|live| differences(&wanted.xml, live));
    let change = |found: Difference| match &running {
        Some(running) if !lasts(&found, running) => found.into_change(Impact::Live, Some(DEFINED_ONLY)),
        _ => change(found, seen.active),
    };
    let mut changes: Vec<Change> = found.into_iter().map(change).collect();
    changes.extend(definition(seen.persistent));
    changes.extend(autostart(seen.autostart, wanted.autostart));
    let never_ran = seen.active && seen.suspended.as_ref().is_some_and(Suspended::never_ran);
    if never_ran && wanted.power == Power::Running {
        changes.push(stuck());
    } else {
        changes.extend(power(wanted.power, seen.active));
    }
    changes
}

/// The unwanted values that the running guest was started with, which end with the next boot. It leaves out differences
/// that the persistent definition has too, and is empty if the guest's document was not read.
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
        let reason = (found.path == "name").then_some("renamed");
        return found.into_change(Impact::Live, reason);
    }
    let (impact, reason) = impact(&found.path);
    found.into_change(impact, reason)
}

/// The impact of a change of the definition on a running guest.
fn impact(path: &str) -> (Impact, Option<&'static str>) {
    let mut names = path.split('/').map(|name| name.split('[').next().unwrap_or_default());
    let first = names.next().unwrap_or_default();
    let name = if first == "devices" { names.next().unwrap_or_default() } else { first };
    match name {
        "title" | "description" => (Impact::Live, None),
        "name" => (Impact::Restart, Some("renamed, which libvirt does only while it is off")),
        "clock" | "features" | "on_poweroff" | "on_reboot" | "on_crash" | "sysinfo" | "rng" | "serial"
        | "console" | "channel" | "memballoon" => (Impact::NextBoot, Some("QEMU reads it when it starts")),
        "memory" => (Impact::Restart, Some("above or below the maximum it was started with")),
        "vcpu" => (Impact::Restart, Some("the number of processors is that of its start")),
        "disk" | "interface" => (Impact::Restart, Some("a device of the guest changes")),
        _ => (Impact::Restart, Some("QEMU reads it when it starts")),
    }
}

/// A guest whose start libvirt did not finish.
fn stuck() -> Change {
    Change {
        path: "power".to_owned(),
        from: Some(Suspended::STARTING.to_owned()),
        to: Some("running".to_owned()),
        impact: Impact::Restart,
        reason: Some("libvirt ended before it finished the start: the guest never ran".to_owned()),
    }
}

fn power(wanted: Power, active: bool) -> Option<Change> {
    let words = ["running", "stopped"];
    match wanted {
        Power::Running => switch("power", active, true, words, Impact::Live),
        Power::Stopped => switch("power", active, false, words, Impact::Stop),
        Power::Unmanaged => None,
    }
}

/// Whether the next boot ends a difference of the running guest. It does not end what libvirt itself fills in while a
/// guest runs (the balloon, the model of the host's processor, the bridge of a network), nor values that are only
/// descriptions.
fn lasts_until_boot(found: &Difference) -> bool {
    let first = found.path.split('/').next().unwrap_or_default();
    let resolved = found.path.starts_with("devices/interface[")
        && found.path.ends_with("]/@type")
        && found.from.as_deref() == Some("bridge");
    !resolved && !matches!(first, "currentMemory" | "cpu" | "title" | "description")
}
