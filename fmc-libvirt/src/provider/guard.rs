//! Guards the data of guests, which a plan must not lose: disks that fmc did not make, a guest that stands still,
//! volumes that are missing.

use fmc_core::machine::Power;

use super::object::{DomainObject, VolumeObject, is_disk};
use crate::document::DomainDocument;
use crate::drift::compare_domain;
use crate::link::Suspended;
use crate::volume::{Ours, VolumeName};

/// A disk of a domain that is no volume of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StrangeDisk {
    /// Its name for the guest's bus, as `vda`.
    pub target: String,
    /// Its file, device or volume.
    pub source: String,
    /// Its serial, by which the guest finds it.
    pub serial: Option<String>,
    /// Whether its name is that of a data disk of ours, but its serial is not. It may have a serial that the cloud says, or be an
    /// overlay: `virsh snapshot-create-as` calls one of `db.disk.data` `db.disk.NAME`.
    pub in_doubt: bool,
    /// The files under it, the topmost first, as far as they are known.
    pub below: Vec<String>,
    /// Whether it hides a volume of ours: it lies over one, or is in its place.
    pub covers: bool,
    /// Whether it lies over a volume of its own machine, as far as the files under it are known.
    pub over: bool,
}

impl StrangeDisk {
    /// Whether it is in the place of a disk of ours, as far as the disk itself shows it: nobody attaches another one as the
    /// first disk, or with a serial.
    pub(super) fn is_in_our_place(&self) -> bool {
        let is_ours = |path: &String| {
            let name = path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name);
            VolumeName::parse(name).is_some_and(|name| is_disk(&name.ours))
        };
        self.serial.is_some() || self.target == "vda" || self.below.iter().any(is_ours)
    }
}

/// Why an existing machine is left as it is, and what a person does about it; `None` if nothing stands against a change.
pub(super) fn held(
    wanted: &DomainDocument,
    seen: &DomainObject,
    is_overlay: impl Fn(&StrangeDisk) -> bool,
) -> Option<String> {
    let strange = seen.strange.iter().find(|disk| !disk.in_doubt || is_overlay(disk));
    let is_wanted = |disk: &StrangeDisk| {
        let target = &disk.target;
        wanted.xml.contains(&format!("<target dev='{target}' bus='virtio'/>"))
    };
    let strange =
        strange.map(|disk| not_ours(&wanted.on_host, disk, is_wanted(disk) || disk.is_in_our_place()));
    strange
        .or_else(|| busy(seen))
        .or_else(|| stands_still(wanted, seen))
        .or_else(|| keeps_its_name(wanted, seen))
}

/// libvirt renames no domain with snapshots.
fn keeps_its_name(wanted: &DomainDocument, seen: &DomainObject) -> Option<String> {
    let there = &seen.record.name;
    let first = seen.record.snapshots.first().filter(|_| *there != *wanted.on_host)?;
    let name = first.name.replace(char::is_control, "?");
    Some(format!(
        "it has snapshots, and libvirt renames no domain that has any: delete them first (`virsh snapshot-delete {there} \
         {name}`; with `--metadata` libvirt only forgets one, and its data stays in the disks), or leave its name"
    ))
}

/// Why a machine that is not wanted is not removed: what its guest wrote is where only its domain finds it.
pub(super) fn kept(seen: &DomainObject) -> Option<String> {
    let name = &seen.record.name;
    let covering = seen.strange.iter().find(|disk| disk.covers);
    let why = covering.map(|disk| not_ours(name, disk, disk.is_in_our_place()))?;
    Some(format!("it is not removed: {why}"))
}

/// A disk that fmc did not make: it has what was written since, if it is an overlay. Merging one that does not lie over the
/// machine's own volume would write into an image that others use.
fn not_ours(name: &str, disk: &StrangeDisk, is_ours: bool) -> String {
    let StrangeDisk { target, source, below, .. } = disk;
    let merge = format!(
        "(`virsh blockcommit {name} {target} --active --shallow --pivot --wait`; for a machine that is off, `qemu-img commit`)"
    );
    let put_back = format!(
        "shut the machine off, move the file to the place in its pool where fmc made it, and let the domain name that path \
         (`virsh edit {name}`)"
    );
    if is_ours && disk.over {
        format!(
            "its disk {target} is {source}, which fmc did not make: a snapshot or a backup put it over the machine's \
             own volume, and everything written since is in it. Merge it {merge}, then plan again"
        )
    } else if let (true, Some(image)) = (is_ours, below.last()) {
        format!(
            "its disk {target} is {source}, which is not where fmc made one, and lies over {image} and over no disk of the \
             machine: it or its pool was moved by hand, and everything written since is in it. To keep that, {put_back}, then \
             plan again"
        )
    } else if is_ours {
        format!(
            "its disk {target} is {source}, which fmc did not make, and everything written since is in it. If the machine's own \
             volume lies under it (`qemu-img info -U --backing-chain {source}`), a snapshot or a backup put it there: merge it \
             {merge}. If not, it was moved by hand: {put_back}. Then plan again"
        )
    } else {
        format!(
            "it has a disk {target} ({source}) that fmc did not attach, and does not detach: detach it (`virsh \
             detach-disk {name} {target} --persistent`), then plan again"
        )
    }
}

/// Why a machine whose domain is gone is not defined on a volume: others lie over it, and have what was written since. Only
/// the domain said which one was its disk.
pub(super) fn covered(volume: &VolumeObject) -> Option<String> {
    let name = &volume.name;
    let what = if matches!(volume.ours, Ours::Root { .. }) { "root" } else { "data disk" };
    let (words, overlay) = match (volume.used_by.as_slice(), &volume.over) {
        ([], None) => return None,
        ([], Some(below)) => {
            (format!("is an overlay over {below}, which fmc did not make"), format!("{}/{name}", volume.pool))
        }
        ([overlay], _) => {
            (format!("has an overlay over it, {overlay}, which fmc did not make"), overlay.clone())
        }
        ([first, ..], _) => {
            let all = volume.used_by.join(", ");
            (format!("has several overlays over it ({all}), which fmc did not make"), first.clone())
        }
    };
    let (pool, file) = overlay.split_once('/').unwrap_or_default();
    Some(format!(
        "its domain is gone, and its {what} {name} {words}: what was written since is in the overlay, and a guest that \
         starts without it goes back to the time before and spoils it. Merge it, the topmost first if there are more \
         (`qemu-img commit \"$(virsh vol-path {file} --pool {pool})\"`), and once all of it is \
         merged, delete its file (`virsh vol-delete {file} --pool {pool}`), and plan again"
    ))
}

/// Why a volume is not made again: what lies over it would be lost with it.
pub(super) fn stood_on(volume: &VolumeObject) -> Option<String> {
    let user = volume.used_by.first().or(volume.under.as_ref())?;
    let VolumeObject { pool, name, .. } = volume;
    Some(format!(
        "its new root would be {pool}/{name}, which is there from before, and {user} has it as backing store: merge that overlay, \
         or move what it holds elsewhere, and delete its file; then plan again"
    ))
}

/// A job that copies a disk: a restart would end it half-way.
fn busy(seen: &DomainObject) -> Option<String> {
    let (name, target) = (&seen.record.name, seen.copying.as_ref()?);
    Some(format!(
        "a job copies its disk {target}: wait until it is done, or end it (`virsh blockjob {name} {target} --abort`), \
         then plan again"
    ))
}

fn stands_still(wanted: &DomainDocument, seen: &DomainObject) -> Option<String> {
    let name = &wanted.on_host;
    match seen.record.suspended.as_ref()? {
        never if never.never_ran() => None,
        Suspended::Paused(_) if wanted.power == Power::Unmanaged => None,
        Suspended::Paused(why) => {
            let first = if why == "I/O error" {
                "its pool may be full: make room there first (a restart would lose what is in the guest's memory); then \
                 "
            } else {
                ""
            };
            Some(format!("it is paused ({why}): {first}`virsh resume {name}` lets it go on"))
        }
        Suspended::Saved => saved(wanted, seen),
    }
}

/// A saved guest goes on at its next start, and only with the definition that it was saved with.
fn saved(wanted: &DomainDocument, seen: &DomainObject) -> Option<String> {
    let is_switch = |path: &str| matches!(path, "power" | "autostart");
    let changes = compare_domain(wanted, &seen.record);
    let is_same = changes.iter().all(|change| is_switch(&change.path));
    if is_same && (wanted.power == Power::Running || changes.is_empty()) {
        return None;
    }
    Some(saved_words(&wanted.on_host))
}

/// The advice about a saved guest.
pub(super) fn saved_words(name: &str) -> String {
    format!(
        "its memory is saved to a file, with what it has not written to its disks yet: `virsh start {name}` lets it go \
         on, then shut it down; or `virsh managedsave-remove {name}` gives the memory up"
    )
}
