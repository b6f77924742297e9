//! A former name that nothing has.

use std::collections::BTreeSet;

use fmc_core::graph::{About, Address, Note, NoteKind, Wanted};
use fmc_core::nearest::nearest;

use super::{Document, Object, Owner, Settling};
use crate::provider::object::DomainObject;

impl<'a> Settling<'a, '_> {
    /// A new machine whose former name no machine has: the name may have a typo. On a host without machines of ours it says
    /// nothing, because a former name may stay for ever.
    pub(super) fn misnamed(&mut self, wanted: &Wanted<Document>) {
        let places: BTreeSet<_> = self.ours().map(|(at, _)| at.place()).collect();
        let firsts: BTreeSet<&str> = self.ours().map(|(_, seen)| seen.first()).collect();
        for (at, domain) in self.coming(wanted) {
            let (name, first) = (&*domain.name, &*domain.first);
            if name == first || !places.contains(at.place()) || firsts.contains(first) {
                continue;
            }
            // Its domain alone is gone.
            let pool = domain.root.as_ref().map(|(pool, _)| pool);
            if pool.is_some_and(|pool| !self.roots(at, pool, first).is_empty()) {
                continue;
            }
            let going = self.ours().filter(|(at, _)| !wanted.nodes.contains_key(at)).map(|(at, _)| at.name());
            let meant =
                nearest(first, going).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            let text = format!(
                "formerly {first}: no machine of this cloud that is there was called so, and {name} is made anew{meant}"
            );
            self.notes.push(Note { about: About::machine(name), kind: NoteKind::Notice, text });
        }
    }

    /// Our machines that are there.
    fn ours(&self) -> impl Iterator<Item = (&'a Address, &'a DomainObject)> + use<'a> {
        self.seen.present().filter_map(|(at, object)| match object {
            Object::Domain(domain) if domain.owner == Owner::Us => Some((at, domain)),
            _ => None,
        })
    }
}
