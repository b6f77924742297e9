//! Names on a host that a machine keeps although another machine of the cloud is to have them.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::graph::{self, About, Address, Note, NoteKind, Place};

use super::{Document, Object, Owner, Settling, State, volumes_of};
use crate::document::DomainDocument;
use crate::provider::object::DomainObject;

impl<'a> Settling<'a, '_> {
    /// A machine gets the name of another one only when that one gives it up. One that is left as it is does not.
    pub(super) fn names(&mut self) {
        if self.left.is_empty() {
            return;
        }
        // Each one that is left may hold the name of a further one.
        loop {
            let held: BTreeMap<(Place, String), Arc<str>> =
                self.left.iter().filter_map(|at| self.held_by(at)).collect();
            let next = self.nodes.iter().find_map(|(at, node)| {
                let wanted = domain(node)?;
                let name = (at.place().clone(), wanted.on_host.to_string());
                let holder = held.get(&name).filter(|_| !self.left.contains(at))?;
                Some((at.clone(), node.clone(), Arc::clone(holder)))
            });
            let Some((at, node, holder)) = next else { return };
            let Some(wanted) = domain(&node) else { return };
            let text = format!(
                "it is to be called {}, and {holder} still has that name on the host, because {holder} is left as it is: the line of \
                 {holder} says why. It gets the name once {holder} is renamed",
                wanted.on_host
            );
            let Some(seen) = self.there(&at) else {
                self.refuse(&wanted.name, text);
                self.left.insert(at);
                continue;
            };
            self.notes.push(Note { about: About::machine(&*wanted.name), kind: NoteKind::Left, text });
            let [root, boot] = volumes_of(wanted, seen);
            self.leave(&at, &node, wanted, seen, &[root.as_ref(), boot.as_ref()]);
        }
    }

    /// The name that a machine has on its host, with the machine's name in the cloud.
    fn held_by(&self, at: &Address) -> Option<((Place, String), Arc<str>)> {
        let seen = self.there(at)?;
        let wanted = domain(self.nodes.get(at)?)?;
        Some(((at.place().clone(), seen.record.name.clone()), Arc::clone(&wanted.name)))
    }

    fn there(&self, at: &Address) -> Option<&'a DomainObject> {
        match self.states.get(at)? {
            State::Present { object, .. } => match &**object {
                Object::Domain(seen) if seen.owner == Owner::Us => Some(seen),
                _ => None,
            },
            _ => None,
        }
    }
}

fn domain(node: &graph::Node<Document>) -> Option<&DomainDocument> {
    match &*node.document {
        Document::Domain(domain) => Some(domain),
        _ => None,
    }
}
