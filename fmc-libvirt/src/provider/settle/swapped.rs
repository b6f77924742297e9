//! Data disks that an existing machine does not have any more: its guest may still look for them.

use fmc_core::boot::{Born, BornDisk};
use fmc_core::graph::{self, About, Address, Edge, Note, NoteKind};
use fmc_core::unit::Size;

use super::{Asked, Ours, Settling};
use crate::document::{Document, DomainDocument};
use crate::provider::object::{DomainObject, VolumeObject};

impl Settling<'_, '_> {
    /// Says that a disk of another name or in another pool is another disk. Returns why the machine stays as it is if its guest
    /// would not start without a disk that it mounts, and no person gave up the guest or the data.
    pub(super) fn swapped_disks(
        &mut self,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        seen: &DomainObject,
        asked: &Asked,
    ) -> Option<String> {
        let born = seen.mark.as_ref().and_then(|mark| mark.born.as_deref());
        // A new guest knows the disks that it gets.
        let stops = |is_it: &dyn Fn(&BornDisk) -> bool| {
            let born = born.filter(|_| !asked.replace)?;
            let disk = born.disks.iter().find(|disk| is_it(disk))?;
            Some(stops(born, disk, disk.mount.as_deref()?))
        };
        let (mut texts, mut missed) = (Vec::new(), Vec::new());
        for (was, now) in self.gone_disks(node, wanted, seen) {
            let Ours::Disk { disk, .. } = &was.ours else { continue };
            let size = was.capacity.map(|bytes| format!(" ({})", Size::bytes(bytes))).unwrap_or_default();
            let fate = if asked.delete_data { "is deleted" } else { "stays behind" };
            let mounted = stops(&|born| *born.name == **disk || *born.serial == **disk);
            let text = match now.map(|now| (place(now.name()), now)) {
                Some(((pool, name), _)) if name == disk => format!(
                    "the data disk {disk}{size} {fate} in the pool {}, and {disk} begins empty in the pool {pool}: a disk does \
                     not move to another pool (say the `pool` that it had, or copy its data)",
                    was.pool
                ),
                Some(((_, name), _)) => format!(
                    "the data disk {disk}{size} {fate}, and {name} begins empty (`formerly: {disk}` on {name} keeps it)"
                ),
                None if mounted.is_some() => format!("the data disk {disk}{size} {fate}"),
                None => continue,
            };
            match mounted {
                Some(mounted) => missed.push(format!("{text}; {mounted}")),
                None => texts.push(text),
            }
        }
        for edge in &node.needs {
            let Some(Document::Volume(volume)) = self.nodes.get(&edge.to).map(|node| &*node.document) else {
                continue;
            };
            let Some(data) = volume.data.as_ref().filter(|_| seen.needs.iter().any(|had| had.to == edge.to))
            else {
                continue;
            };
            let (name, serial) = (&data.name, &data.serial);
            if let Some(mounted) = stops(&|born| born.name == *name && born.serial != *serial) {
                missed.push(format!("the data disk {name} gets the serial {serial}; {mounted}"));
            }
        }
        let name = &wanted.name;
        let why = (!missed.is_empty() && !asked.delete_data).then(|| {
            format!(
                "{}. So nothing of {name} is changed: put the disk back into the cloud; or --replace {name} makes a guest that does \
                 not look for it; or --delete-data {name} detaches it and deletes the data that leaves",
                missed.join("; ")
            )
        });
        if why.is_none() {
            texts.extend(missed);
        }
        for text in texts {
            self.notes.push(Note { about: About::machine(&*wanted.name), kind: NoteKind::Notice, text });
        }
        why
    }

    /// The data disks that a machine had, each with the new one that has its name or its turn.
    fn gone_disks<'s>(
        &'s self,
        node: &'s graph::Node<Document>,
        wanted: &DomainDocument,
        seen: &DomainObject,
    ) -> Vec<(&'s VolumeObject, Option<&'s Address>)> {
        let is_new = |edge: &&Edge| self.states.get(&edge.to).is_none() && self.is_disk(&edge.to);
        let mut new: Vec<&Address> = node.needs.iter().filter(is_new).map(|edge| &edge.to).collect();
        let gone = seen.needs.iter().filter(|edge| !self.nodes.contains_key(&edge.to)).filter_map(|edge| {
            let volume = self.present(&edge.to)?;
            matches!(&volume.ours, Ours::Disk { machine, .. } if **machine == *wanted.first).then_some(volume)
        });
        let mut pairs: Vec<(&VolumeObject, Option<&Address>)> = gone.map(|volume| (volume, None)).collect();
        for (volume, now) in &mut pairs {
            let is_same =
                |at: &&Address| matches!(&volume.ours, Ours::Disk { disk, .. } if place(at.name()).1 == disk);
            *now = new.iter().position(is_same).map(|index| new.remove(index));
        }
        let mut rest = new.into_iter();
        for (_, now) in pairs.iter_mut().filter(|(_, now)| now.is_none()) {
            *now = rest.next();
        }
        pairs
    }
}

/// The pool and the name of a data disk, by the name of its volume in an address.
fn place(name: &str) -> (&str, &str) {
    let (pool, volume) = name.split_once('/').unwrap_or_default();
    (pool, volume.rsplit_once(".disk.").map_or(volume, |(_, disk)| disk))
}

/// The consequence for a guest that does not find a disk that it mounts, and the advice to a person.
fn stops(born: &Born, disk: &BornDisk, mount: &str) -> String {
    let name = &disk.name;
    let unless = if born.provisioner.as_deref() == Some("ignition") {
        format!("unless the mount unit of {mount} is disabled in the guest")
    } else {
        format!("unless the line of {mount} is taken out of its /etc/fstab")
    };
    format!(
        "its guest mounts {name} until it is replaced, and would not find it: its next start would wait for {mount} and then \
         stop, {unless}"
    )
}
