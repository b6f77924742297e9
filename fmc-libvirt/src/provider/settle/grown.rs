//! Disks that grow. One with snapshots inside its file does not: libvirt writes qcow2 files in their first version, which QEMU
//! resizes only without any.

use std::sync::Arc;

use fmc_core::graph::Edge;
use fmc_core::unit::Size;

use super::kept_size::KeptSize;
use super::{Object, Owner, Settling, format_of};
use crate::document::{Document, VolumeDocument};
use crate::provider::object::is_disk;

impl Settling<'_, '_> {
    /// A guest that is made now grows the file systems that it mounts when it starts: nobody has to.
    pub(super) fn grown_by_a_start(&mut self) {
        let mut grow = Vec::new();
        for (address, node) in self.nodes.iter() {
            let is_made = self.states.get(address).is_none() || self.anew.contains_key(address);
            if !is_made || !matches!(&*node.document, Document::Domain(_)) {
                continue;
            }
            for Edge { to, .. } in &node.needs {
                let Some(Document::Volume(document)) = self.nodes.get(to).map(|node| &*node.document) else {
                    continue;
                };
                let on = document.data.as_ref().and_then(|data| data.on.as_ref());
                let is_mounted = on.is_some_and(|on| on.mount.is_some());
                if is_mounted
                    && self.present(to).is_some_and(|volume| volume.capacity < Some(document.capacity))
                {
                    let grown = Some("its file system grows when the guest starts".into());
                    grow.push((to.clone(), VolumeDocument { grown, ..document.clone() }));
                }
            }
        }
        for (at, document) in grow {
            if let Some(node) = self.nodes.to_mut().get_mut(&at) {
                node.document = Arc::new(Document::Volume(document));
            }
        }
    }

    /// Leaves disks as large as they are while their machines have snapshots inside them.
    pub(super) fn grown(&mut self) {
        let mut left = Vec::new();
        for (address, node) in self.nodes.iter() {
            let (Document::Domain(wanted), Some(Object::Domain(seen))) =
                (&*node.document, self.object(address))
            else {
                continue;
            };
            let names = seen.snapshots();
            if seen.owner != Owner::Us || names.is_empty() {
                continue;
            }
            for edge in &node.needs {
                let (Some(node), Some(volume)) = (self.nodes.get(&edge.to), self.present(&edge.to)) else {
                    continue;
                };
                let Document::Volume(document) = &*node.document else { continue };
                let Some(has) =
                    volume.capacity.filter(|has| is_disk(&volume.ours) && *has < document.capacity)
                else {
                    continue;
                };
                if self.anew.contains_key(&edge.to)
                    || format_of(&seen.record.xml, &volume.name).as_deref() != Some("qcow2")
                {
                    continue;
                }
                let (on_host, name) = (&seen.record.name, &volume.name);
                let text = format!(
                    "its disk {name} stays {} and does not grow to {}: it has snapshots inside its file ({names}), and libvirt grows \
                     no such file. Delete them first (`virsh snapshot-list {on_host}`, `virsh snapshot-delete {on_host} NAME`), then \
                     plan again",
                    Size::bytes(has),
                    Size::bytes(document.capacity)
                );
                left.push(KeptSize {
                    disk: edge.to.clone(),
                    bytes: has,
                    machine: wanted.name.to_string(),
                    text,
                });
            }
        }
        self.keep_sizes(left);
    }
}
