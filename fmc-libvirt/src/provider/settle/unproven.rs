//! Volumes with the names of a machine's own, of which nothing shows that fmc made them: they are never used unasked.

use std::sync::Arc;

use fmc_core::graph::{self, About, Address, Edge, Note, NoteKind};
use fmc_core::unit::Size;

use super::{Object, Settling};
use crate::document::{DataDisk, Document, DomainDocument, VolumeDocument, kind};
use crate::provider::object::{DomainObject, VolumeObject, is_blank};
use crate::provider::records;
use crate::volume::{Ours, VolumeName};

impl<'a> Settling<'a, '_> {
    /// The data disks of a machine that nothing shows to be fmc's.
    pub(super) fn unproven(&self, node: &graph::Node<Document>) -> impl Iterator<Item = &'a VolumeObject> {
        let disks = node.needs.iter().filter_map(|edge| self.present(&edge.to));
        disks.filter(|volume| volume.doubtful && matches!(volume.ours, Ours::Disk { .. }))
    }

    /// Why a machine does not get a data disk that nothing shows to be fmc's, and what a person does about it.
    pub(super) fn unproven_disk(&self, node: &graph::Node<Document>) -> Option<String> {
        let volume = self.unproven(node).next()?;
        let VolumeObject { pool, name, .. } = volume;
        Some(format!(
            "its data disk would be the volume {pool}/{name}, {}; otherwise give the data disk another name in the cloud, or that \
             file (`mv` in the folder of the pool, then `virsh pool-refresh {pool}`)",
            records::unproven(volume)
        ))
    }

    /// Why nothing is made for a machine without a domain: a volume that may be its root is there, and nothing shows whether it is.
    pub(super) fn unproven_root(&self, at: &Address, wanted: &DomainDocument) -> Option<String> {
        let (pool, root) = wanted.root.as_ref()?;
        let Some(Object::Pool(there)) = self.object(&at.beside(kind::POOL, pool.clone())) else {
            return None;
        };
        let is_one = |name: &String| match VolumeName::parse(name).map(|name| name.ours) {
            // A name with a date is a person's.
            Some(ours @ Ours::Root { .. }) => {
                ours.machine() == Some(&*wanted.first) && !ours.ends_in_a_date()
            }
            _ => false,
        };
        let found: Vec<&str> =
            there.strangers.iter().filter(|name| is_one(name)).map(String::as_str).collect();
        let (first, name) = (found.first()?, &wanted.name);
        Some(format!(
            "it has no domain, and nothing shows whether it ran on {} in the pool {pool}: a person may have copied a root to this \
             name. To go on with it, copy it to the root's own name (`virsh vol-clone {first} {root} --pool {pool}`); `--replace \
             {name}` makes a new root and leaves it as it is",
            found.join(" or ")
        ))
    }

    /// Says which data disks a machine without a domain has again, although nothing beside them shows that fmc made them.
    pub(super) fn returns_unproven(&mut self, node: &graph::Node<Document>, machine: &str) {
        let mut texts = Vec::new();
        for VolumeObject { pool, name, capacity, .. } in self.unproven(node) {
            let size = capacity.map(|bytes| format!(" ({})", Size::bytes(bytes))).unwrap_or_default();
            texts.push(format!(
                "gets the data disk {pool}/{name}{size}, with what is on it: nothing beside it shows that fmc made it, but the root \
                 of the machine is there"
            ));
        }
        let note = |text| Note { about: About::machine(machine), kind: NoteKind::Notice, text };
        self.notes.extend(texts.into_iter().map(note));
    }

    /// Says which data disks a machine that is there gets with what is on them.
    pub(super) fn disks_again(
        &mut self,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        seen: &DomainObject,
    ) {
        let mut texts = Vec::new();
        for Edge { to, .. } in node.needs.iter().filter(|edge| seen.needs.iter().all(|has| has.to != edge.to))
        {
            let Some(volume) = self.present(to) else { continue };
            if !matches!(volume.ours, Ours::Disk { .. }) || is_blank(volume.allocation) || volume.is_covered()
            {
                continue;
            }
            let VolumeObject { pool, name, capacity, .. } = volume;
            let size = capacity.map(|bytes| format!(" ({})", Size::bytes(bytes))).unwrap_or_default();
            let known = records::about(volume, "").map(|about| format!(", {about}")).unwrap_or_default();
            texts.push(format!("takes over the data disk {pool}/{name}{size}{known}, with what is on it"));
        }
        let note = |text| Note { about: About::machine(&*wanted.name), kind: NoteKind::Notice, text };
        self.notes.extend(texts.into_iter().map(note));
    }

    /// Why a machine keeps a data disk that the cloud takes from it: only its domain shows that the disk is fmc's.
    pub(super) fn unrecordable(&self, node: &graph::Node<Document>, seen: &DomainObject) -> Option<String> {
        let is_left = |disk: &String| node.needs.iter().all(|edge| edge.to.name() != disk);
        let (disk, file) = seen.unrecordable.iter().find(|(disk, _)| is_left(disk))?;
        let (pool, _) = disk.split_once('/')?;
        Some(format!("its data disk {disk} has no record, and stays: {}", records::in_the_way(pool, file)))
    }

    /// Records that cannot be written, because files of a person have their names: a new disk is not made without its record.
    pub(super) fn records_in_the_way(&mut self) {
        let mut blocked = Vec::new();
        for (at, node) in self.nodes.iter() {
            let Document::Volume(volume) = &*node.document else { continue };
            let Some(on) = volume.data.as_ref().and_then(|data| data.on.as_ref()) else { continue };
            let record = format!("{}.{}", volume.name, on.text(&volume.name));
            if self.volume(at, &volume.pool, &record).is_some_and(|found| found.doubtful) {
                blocked.push((at.clone(), node.clone(), records::in_the_way(&volume.pool, &record)));
            }
        }
        for (at, mut node, why) in blocked {
            let is_there = self.states.get(&at).is_some();
            let about = match node.part_of.as_deref() {
                Some(noun) => About::noun(noun),
                None => About::Object(at.clone()),
            };
            let kind = if is_there { NoteKind::Left } else { NoteKind::Refused };
            let text = format!("the record of its data disk {} cannot be written: {why}", at.name());
            self.notes.push(Note { about, kind, text });
            if let (true, Document::Volume(volume)) = (is_there, &*node.document) {
                let data = volume.data.as_deref().map(|data| Box::new(DataDisk { on: None, ..data.clone() }));
                node.document = Arc::new(Document::Volume(VolumeDocument { data, ..volume.clone() }));
                self.nodes.to_mut().insert(at, node);
            }
        }
    }
}

/// The volumes that nothing shows to be fmc's, of a machine by this name.
pub(super) fn of_name<'a>(volumes: impl Iterator<Item = &'a Object>, machine: &str) -> Vec<String> {
    let doubtful = volumes.filter_map(|object| match object {
        Object::Volume(volume) if volume.doubtful => match &volume.ours {
            Ours::Disk { machine: first, .. } if first == machine => {
                Some(format!("{}/{}", volume.pool, volume.name))
            }
            _ => None,
        },
        _ => None,
    });
    doubtful.collect()
}
