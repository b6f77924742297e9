//! Disks that keep the size that they have, although the cloud wants them larger.

use std::sync::Arc;

use fmc_core::graph::{About, Address, Note, NoteKind};

use super::Settling;
use crate::document::{Document, VolumeDocument};

/// A disk that is not grown.
pub(super) struct KeptSize {
    pub(super) disk: Address,
    /// Its size in bytes, now and afterwards.
    pub(super) bytes: u64,
    pub(super) machine: String,
    /// Tells why, and what a person does about it.
    pub(super) text: String,
}

impl Settling<'_, '_> {
    /// Wants each disk as large as it is, and tells why as a note about its machine.
    pub(super) fn keep_sizes(&mut self, disks: Vec<KeptSize>) {
        for KeptSize { disk, bytes, machine, text } in disks {
            if let Some(node) = self.nodes.to_mut().get_mut(&disk)
                && let Document::Volume(wanted) = &*node.document
            {
                let document = VolumeDocument { capacity: bytes, ..wanted.clone() };
                node.document = Arc::new(Document::Volume(document));
            }
            self.notes.push(Note { about: About::machine(machine), kind: NoteKind::Left, text });
        }
    }
}
