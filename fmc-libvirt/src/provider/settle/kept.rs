//! The contents of data disks that stay: the record beside each, and a file system where the cloud wants another one.

use std::sync::Arc;

use fmc_core::boot::{Born, BornDisk};
use fmc_core::graph::{self, Address};

use super::Settling;
use crate::document::{DataDisk, Document, VolumeDocument};
use crate::provider::object::{DomainObject, VolumeObject};
use crate::provider::records;
use crate::volume::OnDisk;

impl Settling<'_, '_> {
    /// The guest of a machine that stays on an older root has its disks as it was made with them.
    pub(super) fn as_born(&mut self, node: &graph::Node<Document>, seen: &DomainObject) {
        let born = seen.mark.as_ref().and_then(|mark| mark.born.as_deref());
        self.record(node, |data, is_there| {
            let disk = born.and_then(|born| born.disks.iter().find(|disk| disk.serial == data.serial));
            match disk {
                Some(disk) => Some(on(disk, born)),
                None if is_there => None,
                // It gets this disk later than its first boot, which alone makes file systems.
                None => Some(OnDisk::default()),
            }
        });
    }

    /// The guest of a machine that stays on its root has what the cloud says, but on disks that it got later.
    pub(super) fn as_wanted(&mut self, node: &graph::Node<Document>) {
        self.record(node, |data, is_there| if is_there { data.on.clone() } else { Some(OnDisk::default()) });
    }

    /// The records of a machine's disks stay as they are.
    pub(super) fn as_recorded(&mut self, node: &graph::Node<Document>) {
        self.record(node, |_, _| None);
    }

    fn record(&mut self, node: &graph::Node<Document>, say: impl Fn(&DataDisk, bool) -> Option<OnDisk>) {
        let disks = node.needs.iter().map(|edge| &edge.to).filter(|at| self.is_disk(at));
        let disks: Vec<&Address> = disks.collect();
        for at in disks {
            let Some(Document::Volume(volume)) = self.nodes.get(at).map(|node| &*node.document) else {
                continue;
            };
            let Some(data) = &volume.data else { continue };
            // Only a first boot makes file systems.
            let is_bare = |volume| records::said(volume).any(|on| on.filesystem.is_none());
            let on = match self.present(at) {
                Some(volume) if is_bare(volume) => None,
                _ => say(data, self.states.get(at).is_some()),
            };
            // Looked at first, because a change copies the map.
            if on == data.on {
                continue;
            }
            let data = Some(Box::new(DataDisk { on, ..DataDisk::clone(data) }));
            let document = Arc::new(Document::Volume(VolumeDocument { data, ..volume.clone() }));
            if let Some(node) = self.nodes.to_mut().get_mut(at) {
                node.document = document;
            }
        }
    }

    /// Why a new guest could not mount a data disk that stays: it has another file system than the cloud wants, and a disk
    /// that has one is never formatted.
    pub(super) fn unmountable(
        &self,
        node: &graph::Node<Document>,
        seen: Option<&DomainObject>,
    ) -> Option<String> {
        self.kept(node).find_map(|(volume, data, wanted)| {
            let (wanted, has) = (wanted.filesystem.as_deref()?, self.has_on(volume, data, seen)?);
            let has = has.filesystem.filter(|has| has != wanted)?;
            let disk = &data.name;
            if [wanted, &has].iter().any(|what| what.contains(ENCRYPTED)) {
                return Some(format!(
                    "its data disk {disk} is {}, and the cloud wants it {}: a new guest would not open it, and not start. Say of {disk} what \
                     it was made with, its `luks_key` of the same name and generation or none; or give the new disk another name and \
                     copy the data",
                    encryption(&has),
                    encryption(wanted)
                ));
            }
            Some(format!(
                "its data disk {disk} has the file system {has}, and the cloud wants {wanted}: a disk that has one is never \
                 formatted, so that a new guest would not mount it, and not start. Say `filesystem: {has}` of {disk}; or give \
                 the new disk another name and copy the data"
            ))
        })
    }

    /// The data disks that get another mount point with a new guest, in words.
    pub(super) fn moved_mounts(
        &self,
        node: &graph::Node<Document>,
        seen: Option<&DomainObject>,
    ) -> Vec<String> {
        let each = self.kept(node).filter_map(|(volume, data, wanted)| {
            let has = self.has_on(volume, data, seen)?;
            let now = OnDisk { mount: wanted.mount.clone(), ..has.clone() };
            let is_moved = has.mount.is_some() && has.text(&volume.name) != now.text(&volume.name);
            let place = now.mount.as_ref().map_or_else(|| "not mounted".to_owned(), ToString::to_string);
            is_moved.then(|| format!("{} was {}, and is {place} from then on", data.name, has.words()))
        });
        each.collect()
    }

    /// The data disks of a machine that are there, with what is wanted of them.
    fn kept<'s>(
        &'s self,
        node: &'s graph::Node<Document>,
    ) -> impl Iterator<Item = (&'s VolumeObject, &'s DataDisk, &'s OnDisk)> {
        node.needs.iter().filter_map(|edge| {
            let Document::Volume(wanted) = &*self.nodes.get(&edge.to)?.document else { return None };
            let data = wanted.data.as_deref()?;
            Some((self.present(&edge.to)?, data, data.on.as_ref()?))
        })
    }

    /// The file system and mount of a disk, as far as its records or the mark of its machine say.
    fn has_on(&self, volume: &VolumeObject, data: &DataDisk, seen: Option<&DomainObject>) -> Option<OnDisk> {
        let born = seen.and_then(|seen| seen.mark.as_ref()?.born.as_deref());
        let disk = born.and_then(|born| born.disks.iter().find(|disk| disk.serial == data.serial));
        // Of several records one is the rest of a change, which never was a file system that is not there.
        records::said(volume).max().cloned().or_else(|| disk.map(|disk| on(disk, born)))
    }
}

/// What stands between a file system and what tells the key of its encryption, as `Disk::made` of a checked cloud says it.
const ENCRYPTED: &str = "-luks-";

/// The encryption of what is on a disk, in words.
fn encryption(made: &str) -> String {
    match made.split_once(ENCRYPTED) {
        Some((_, key)) => format!("encrypted by the key {key}"),
        None => "not encrypted".to_owned(),
    }
}

fn on(disk: &BornDisk, born: Option<&Born>) -> OnDisk {
    OnDisk::new(disk.filesystem.as_deref(), disk.mount.as_deref())
        .derivation(born.and_then(|born| born.secrets.derivation()))
}
