//! A network that cannot start, because another one with its subnet or bridge stays for a guest that is left as it is.

use fmc_core::graph::{About, Address, Claim, Note, NoteKind};

use super::{Object, Owner, Settling};
use crate::document::kind;
use crate::provider::claims;

impl Settling<'_, '_> {
    /// Refuses wanted networks that are not active and take what a network holds which has to stay.
    pub(super) fn crowded(&mut self) {
        let mut stay: Vec<(&Address, &Address)> = Vec::new();
        for (machine, object) in self.seen.present() {
            let Object::Domain(domain) = object else { continue };
            if domain.owner == Owner::Us && !self.left.contains(machine) {
                continue;
            }
            let networks = domain.needs.iter().map(|edge| &edge.to).filter(|to| to.kind() == kind::NETWORK);
            stay.extend(networks.filter(|to| !self.nodes.contains_key(to)).map(|network| (network, machine)));
        }
        if stay.is_empty() {
            return;
        }
        let mut notes = Vec::new();
        for (address, node) in self.nodes.iter().filter(|(at, _)| at.kind() == kind::NETWORK) {
            if matches!(self.object(address), Some(Object::Network(network)) if network.record.active) {
                continue;
            }
            let takes = claims::takes(&node.document);
            let is_taken = |network: &Address| match self.object(network) {
                Some(object @ Object::Network(seen)) if seen.owner == Owner::Us => {
                    let holds = claims::holds(object);
                    network.place() == address.place()
                        && takes.iter().any(|one| holds.iter().any(|other| overlap(one, other)))
                }
                _ => false,
            };
            if let Some((network, machine)) = stay.iter().find(|(network, _)| is_taken(network)) {
                let (network, machine) = (network.name(), machine.name());
                let text = format!(
                    "it has the subnet or bridge of the network {network}, which stays because the domain {machine} is left \
                     as it is and uses it: first see to {machine}, or leave the network's name as it was"
                );
                notes.push(Note { about: About::Object(address.clone()), kind: NoteKind::Refused, text });
            }
        }
        self.notes.extend(notes);
    }
}

fn overlap(one: &Claim, other: &Claim) -> bool {
    match (one, other) {
        (Claim::Range(kind, first, last), Claim::Range(other, from, to)) => {
            kind == other && first <= to && from <= last
        }
        _ => one == other,
    }
}
