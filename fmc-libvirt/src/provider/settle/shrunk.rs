//! Data disks that are smaller than fmc made them: fmc never makes one smaller, so bytes of it are lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::graph::{Address, Seen};
use fmc_core::unit::Size;

use super::kept_size::KeptSize;
use super::{Object, Owner, Settling};
use crate::document::{Document, DomainDocument};
use crate::provider::object::{DomainObject, VolumeObject};
use crate::volume::Ours;

/// A data disk that lost bytes.
pub(in crate::provider) struct Shrunk<'a> {
    pub(in crate::provider) volume: &'a VolumeObject,
    /// Its size in bytes now.
    pub(in crate::provider) now: u64,
    /// Its size in bytes as fmc made or grew it.
    pub(in crate::provider) before: u64,
}

/// The data disk at an address, if the mark of the machine that has it says that it was larger.
pub(in crate::provider) fn shrunk<'a>(
    seen: &'a Seen<Object>,
    domain: &DomainObject,
    at: &Address,
) -> Option<Shrunk<'a>> {
    let Some(Object::Volume(volume)) = seen.object(at) else { return None };
    let Ours::Disk { disk, .. } = &volume.ours else { return None };
    let mark = domain.mark.as_ref().filter(|_| domain.owner == Owner::Us)?;
    let (now, before) = (volume.capacity?, *mark.sizes.get(disk)?);
    (now < before && !volume.is_covered()).then_some(Shrunk { volume, now, before })
}

impl Settling<'_, '_> {
    /// Leaves disks that lost bytes as they are, unless the cloud wants them no larger. Grown again they would look whole: the
    /// guest would find a file system whose end is empty.
    pub(super) fn shrunk(&mut self) {
        let mut left = Vec::new();
        for (address, node) in self.nodes.iter() {
            let (Document::Domain(wanted), Some(Object::Domain(seen))) =
                (&*node.document, self.object(address))
            else {
                continue;
            };
            for edge in &node.needs {
                let Some(Document::Volume(document)) = self.nodes.get(&edge.to).map(|node| &*node.document)
                else {
                    continue;
                };
                let Some(Shrunk { volume, now, before }) = shrunk(self.seen, seen, &edge.to) else {
                    continue;
                };
                if document.capacity <= now || self.anew.contains_key(&edge.to) {
                    continue;
                }
                let (pool, name) = (&volume.pool, &volume.name);
                let [has, had] = [now, before].map(Size::bytes);
                let text = format!(
                    "its data disk {pool}/{name} has {has}, and had {had}: somebody cut it, and what lay behind {has} is lost. It is \
                     not grown, because it would look whole. Put it back from a copy; or go on with what is left: check its file \
                     system, grow it by hand (`virsh vol-resize {name} {} --pool {pool}`), and plan again",
                    volume_size(document.capacity)
                );
                left.push(KeptSize {
                    disk: edge.to.clone(),
                    bytes: now,
                    machine: wanted.name.to_string(),
                    text,
                });
            }
        }
        self.keep_sizes(left);
    }

    /// The sizes of data disks as a domain's mark is to say them: of one that stays, at least what the mark says already.
    pub(super) fn sizes(&mut self) {
        let mut changed = Vec::new();
        for (address, node) in self.nodes.iter() {
            let Document::Domain(wanted) = &*node.document else { continue };
            let said = match self.object(address) {
                Some(Object::Domain(seen)) if seen.owner == Owner::Us => seen.mark.as_ref(),
                _ => None,
            };
            let mut sizes = BTreeMap::clone(&wanted.sizes);
            for edge in &node.needs {
                let Some(volume) = self.present(&edge.to).filter(|_| !self.anew.contains_key(&edge.to))
                else {
                    continue;
                };
                let Ours::Disk { disk, .. } = &volume.ours else { continue };
                let Some(size) = sizes.get_mut(disk) else { continue };
                let said = said.and_then(|mark| mark.sizes.get(disk)).copied();
                // One that is left as it is was never as large as the cloud wants it.
                let will_be = match self.nodes.get(&edge.to).map(|node| &*node.document) {
                    Some(Document::Volume(document)) => document.capacity,
                    _ => *size,
                };
                *size = will_be.max(volume.capacity.unwrap_or(0)).max(said.unwrap_or(0));
            }
            if sizes != *wanted.sizes {
                changed.push((
                    address.clone(),
                    DomainDocument { sizes: Arc::new(sizes), ..DomainDocument::clone(wanted) },
                ));
            }
        }
        for (at, document) in changed {
            if let Some(node) = self.nodes.to_mut().get_mut(&at) {
                node.document = Arc::new(Document::Domain(Box::new(document)));
            }
        }
    }
}

/// A size as `virsh` reads it.
fn volume_size(bytes: u64) -> String {
    format!("{bytes}B")
}
