//! The records beside data disks, in a plan.

use fmc_core::graph::{Change, Impact};
use fmc_core::unit::Size;

use super::object::VolumeObject;
use crate::date;
use crate::document::VolumeDocument;
use crate::mark::Mark;
use crate::volume::OnDisk;

/// The path of the change that writes a record.
pub(super) const RECORD: &str = "record";

/// The change of a record that a data disk lacks, or that says what is not on the disk.
pub(super) fn compare(wanted: &VolumeDocument, seen: &VolumeObject) -> Option<Change> {
    let on = wanted.data.as_ref()?.on.clone()?.going_on(&said(seen).collect::<Vec<_>>()).root_key(None);
    let records = seen.records.as_ref()?;
    // One of a later version is left to that version.
    if records.iter().any(|record| record.on.is_none()) {
        return None;
    }
    // Of a disk on which fmc had nothing made there is nothing to add later.
    if records.is_empty() && on == OnDisk::default() {
        return None;
    }
    let text = on.text(&seen.name);
    // The cloud does not know the root key: the apply that makes the disk writes it down.
    let is_this = |seen_on: &OnDisk| seen_on.clone().root_key(None).text(&seen.name) == text;
    match records.as_slice() {
        [only] if only.on.as_ref().is_some_and(is_this) => return None,
        _ => {}
    }
    let from: Vec<String> = said(seen).map(OnDisk::words).collect();
    let mut to = on.words();
    if let (true, Some(derivation)) = (from == [to.as_str()], on.derivation) {
        to = format!("{to}, secrets by derivation {derivation}");
    }
    let reason = from.is_empty().then(|| "nothing beside the disk says what is on it".to_owned());
    Some(Change {
        path: RECORD.to_owned(),
        from: (!from.is_empty()).then(|| from.join(" or ")),
        to: Some(to),
        impact: Impact::Live,
        reason,
    })
}

/// The name of the record beside a data disk that its domain is about to leave, by what the domain's mark says.
pub(super) fn left_by(mark: &Mark, volume: &str, disk: &str) -> String {
    let born = mark.born.iter().flat_map(|born| &born.disks).find(|born| *born.serial == *disk);
    let on = born.map(|born| OnDisk::new(born.filesystem.as_deref(), born.mount.as_deref()));
    let secrets = mark.born.as_ref().and_then(|born| born.secrets.derivation());
    let on = on.unwrap_or_default().derivation(secrets).root_key(mark.root_key.clone());
    format!("{volume}.{}", on.text(volume))
}

/// Why a record cannot be written, and what a person does about it.
pub(super) fn in_the_way(pool: &str, record: &str) -> String {
    format!(
        "the pool {pool} has a file {record} with content, which fmc did not make, and the record beside the data disk needs this \
         name: without it nothing shows later that the disk is fmc's. Give that file another name (`mv` in the folder of the pool, \
         then `virsh pool-refresh {pool}`), and plan again"
    )
}

/// The advice about a volume with the name of a data disk that fmc is not known to have made.
pub(crate) fn unproven(seen: &VolumeObject) -> String {
    let VolumeObject { pool, name, .. } = seen;
    let machine = seen.ours.machine().unwrap_or_default();
    let says = match seen.records.as_deref() {
        Some([_, ..]) => format!(
            "it is one of several of this name, with a record beside each: give the copies other names (`mv` in the folder of the \
             pool, then `virsh pool-refresh {pool}`)"
        ),
        Some([]) if seen.machine.is_none() && seen.former.is_none() => {
            format!("it is not one of today's machine {machine}, which had another name first")
        }
        Some([]) => format!(
            "the empty volume {name}.{on} beside it says so (`virsh vol-create-as {pool} {name}.{on} 0 --format raw`): a machine \
             {machine} takes it over then, and --delete-data {machine} deletes it",
            on = OnDisk::default().text(name)
        ),
        None => "no pool of this kind has a place to say so".to_owned(),
    };
    let size = seen.capacity.map(|bytes| format!("{} of ", Size::bytes(bytes))).unwrap_or_default();
    format!(
        "{size}unknown data: nothing shows that fmc made it. A person may have copied it, or an earlier version of fmc kept it; no \
         apply deletes it or uses it. If it is a data disk of this cloud, {says}"
    )
}

/// The contents of a disk's records.
pub(crate) fn said(seen: &VolumeObject) -> impl Iterator<Item = &OnDisk> {
    seen.records.iter().flatten().filter_map(|record| record.on.as_ref())
}

/// The known facts about a data disk that no machine has: its contents, its former machine (`of`), and since when. `None` if there
/// are none.
pub(super) fn about(seen: &VolumeObject, of: &str) -> Option<String> {
    let words: Vec<String> = said(seen).filter(|on| **on != OnDisk::default()).map(OnDisk::words).collect();
    let since = seen.records.iter().flatten().filter_map(|record| record.since).min().map(date::day);
    let mut parts = Vec::new();
    if !words.is_empty() {
        let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
        parts.push(format!("{}{of}{since}", words.join(" or ")));
    } else if let Some(since) = since {
        parts.push(format!("there{of} since {since}"));
    }
    // The guest wrote to it for the last time when it was left behind.
    parts.extend(seen.written.map(|written| format!("kept since {}", date::day(written))));
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The same in parentheses after the size of a disk that no machine has, for a list of such.
pub(crate) fn kept(seen: &VolumeObject) -> String {
    let of = seen.ours.machine().map(|machine| format!(", of machine {machine}")).unwrap_or_default();
    about(seen, &of).map(|about| format!(" ({about})")).unwrap_or_default()
}
