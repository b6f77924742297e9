//! Networks that are called otherwise now. libvirt cannot rename a network: it is made anew by its new name, and its guests
//! follow, which is one thing to a person.

use fmc_core::finding::NameList;
use fmc_core::graph::{Address, Edge};

use super::{Document, Object, Owner, Settling, kind};
use crate::provider::object::DomainObject;

impl<'a> Settling<'a, '_> {
    /// A new network whose former name a network of ours still has.
    pub(super) fn renamed(&mut self) {
        let mut found = Vec::new();
        for (at, node) in self.nodes.iter() {
            let Document::Network(network) = &*node.document else { continue };
            let Some(former) = &network.former else { continue };
            let was = at.beside(kind::NETWORK, former.as_ref());
            let is_there =
                matches!(self.seen.object(&was), Some(Object::Network(seen)) if seen.owner == Owner::Us);
            if is_there && self.states.get(at).is_none() && !self.nodes.contains_key(&was) {
                found.push((was, at.clone(), former.to_string()));
            }
        }
        for (was, at, former) in found {
            let guests = NameList::new(self.guests_of(&was));
            let follow = if guests.is_empty() {
                String::new()
            } else {
                let (follow, are) = if guests.len() == 1 { ("follows", "is") } else { ("follow", "are") };
                format!(
                    "; {guests} {follow} with a restart, and {are} without it from when {former} goes until the restart is done"
                )
            };
            let text =
                format!("({former} until now: libvirt renames no network, so it is made anew{follow})");
            self.added.insert(at.clone(), text);
            let noun = format!("network/{}", at.name());
            if let Some(node) = self.nodes.to_mut().get_mut(&at) {
                node.part_of = Some(noun.into());
            }
            self.renamed.insert(was, at);
        }
    }

    /// The running machines of ours that are plugged into a network.
    fn guests_of(&self, network: &Address) -> impl Iterator<Item = String> + use<'a> {
        let network = network.clone();
        let uses = move |domain: &DomainObject| domain.needs.iter().any(|Edge { to, .. }| *to == network);
        self.seen.present().filter_map(move |(at, object)| match object {
            Object::Domain(domain) if domain.owner == Owner::Us && domain.record.active && uses(domain) => {
                Some(at.name().to_owned())
            }
            _ => None,
        })
    }
}
