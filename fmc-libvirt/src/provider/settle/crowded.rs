//! Networks that stay for a guest that is left as it is: another one with the same subnet or bridge cannot start, and the guest
//! cannot start while its own is not active.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::{About, Address, Claim, Node, Note, NoteKind, Place};
use fmc_core::machine::Power;

use super::{DomainObject, Object, Owner, Settling};
use crate::document::{Document, DomainDocument, kind};
use crate::provider::claims;

/// A network that stays.
struct Staying<'a> {
    holds: BTreeSet<Claim>,
    network: &'a Address,
    /// The domain that uses it.
    machine: &'a Address,
}

impl Settling<'_, '_> {
    /// Why a domain that is left as it is cannot start: a network of its own is neither active nor wanted any more.
    pub(super) fn cannot_start(
        &self,
        node: &Node<Document>,
        wanted: &DomainDocument,
        seen: &DomainObject,
    ) -> Option<String> {
        if seen.record.active || wanted.power != Power::Running {
            return None;
        }
        let is_off = |at: &&Address| {
            at.kind() == kind::NETWORK
                && !self.nodes.contains_key(*at)
                && matches!(self.object(at), Some(Object::Network(network)) if !network.record.active)
        };
        let network = node.needs.iter().map(|edge| &edge.to).find(is_off)?.name();
        let name = &wanted.name;
        Some(format!(
            "it stays off: its network {network} is not active, and the cloud no longer has it; `--replace {name}` makes it \
             anew on its new network, and a cloud that has {network} again starts it as it was"
        ))
    }

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
        // The networks that they hold, by place: only existing ones of ours.
        let mut held: BTreeMap<&Place, Vec<Staying<'_>>> = BTreeMap::new();
        for (network, machine) in stay {
            if let Some(object @ Object::Network(seen)) = self.object(network)
                && seen.owner == Owner::Us
            {
                held.entry(network.place()).or_default().push(Staying {
                    holds: claims::holds(object),
                    network,
                    machine,
                });
            }
        }
        let mut notes = Vec::new();
        for (address, node) in self.nodes.iter().filter(|(at, _)| at.kind() == kind::NETWORK) {
            let Some(held) = held.get(address.place()) else { continue };
            if matches!(self.object(address), Some(Object::Network(network)) if network.record.active) {
                continue;
            }
            let takes = claims::takes(&node.document);
            let is_taken = |holds: &BTreeSet<Claim>| {
                takes.iter().any(|one| holds.iter().any(|other| one.overlaps(other)))
            };
            if let Some(Staying { network, machine, .. }) = held.iter().find(|one| is_taken(&one.holds)) {
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
