//! One hypervisor that the cloud has under two names: each would delete what the other has.

use std::collections::BTreeSet;

use fmc_core::graph::{About, Address, Note, NoteKind, Place};

use super::{Object, Owner, Settling};
use crate::document::kind;

impl Settling<'_, '_> {
    /// Refuses two hosts that show the same machine: its mark names one of them, and it is there too.
    pub(super) fn one_hypervisor(&mut self) {
        // Also of a host that the cloud no longer has.
        let mut places: Vec<&Place> = self.seen.objects.keys().map(Address::place).collect();
        places.dedup();
        if places.len() < 2 {
            return;
        }
        let mut told = BTreeSet::new();
        for (address, object) in self.seen.present() {
            let Object::Domain(domain) = object else { continue };
            let is_ours = matches!(domain.owner, Owner::Us | Owner::Elsewhere(_));
            let Some(mark) = domain.mark.as_ref().filter(|_| is_ours) else { continue };
            if mark.address == address.to_string() {
                continue;
            }
            let elsewhere = places.iter().copied().filter(|place| *place != address.place()).find(|place| {
                let there = Address::new(Place::clone(place), kind::DOMAIN, address.name());
                mark.address == there.to_string()
                    && matches!(self.seen.object(&there), Some(Object::Domain(_)))
            });
            let Some(other) =
                elsewhere.filter(|other| told.insert((address.place().clone(), Place::clone(other))))
            else {
                continue;
            };
            let text = format!(
                "it has the machine {} that {other} has: they are one hypervisor under two URIs, and each would delete what \
                 the other has (let the cloud have it once), or somebody copied the machine (undefine the copy)",
                address.name()
            );
            self.notes.push(Note {
                about: About::Place(address.place().clone()),
                kind: NoteKind::Refused,
                text,
            });
        }
    }
}
