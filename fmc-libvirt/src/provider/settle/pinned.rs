//! A machine that goes on with the root and boot volumes that it has, instead of those that it would be made with now.

use std::collections::BTreeSet;
use std::sync::Arc;

use fmc_core::graph::{self, About, Address, Edge, Note, NoteKind};
use fmc_core::machine::Power;

use super::volumes::Has;
use super::{Settling, volume_address};
use crate::document::{Document, DomainDocument, kind};
use crate::mark::Mark;
use crate::provider::object::DomainObject;

/// The volumes that a domain is pinned to.
pub(super) struct Pinned<'a> {
    pub(super) root: &'a str,
    pub(super) boot: Option<&'a str>,
    /// The mark that records their image and configuration.
    pub(super) mark: Option<&'a Mark>,
    /// The format of the root, if the wanted document may name another one.
    pub(super) format: Option<String>,
}

impl Settling<'_, '_> {
    /// Makes a domain use other root and boot volumes than those in its document, and wants these instead.
    pub(super) fn pin(
        &mut self,
        address: &Address,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        pinned: &Pinned<'_>,
    ) {
        let mut node = node.clone();
        let same_content = pinned.mark.is_none();
        if let Some((pool, root)) = &wanted.root {
            self.rename(address, &mut node, pool, (root, pinned.root), same_content);
        }
        if let (Some((pool, boot)), Some(pinned)) = (&wanted.boot, pinned.boot) {
            self.rename(address, &mut node, pool, (boot, pinned), same_content);
        }
        let own_mark;
        let mark = match pinned.mark {
            Some(mark) => mark,
            None => {
                own_mark = mark_of(wanted);
                &own_mark
            }
        };
        let boot = pinned.boot.or(wanted.boot.as_ref().map(|(_, name)| &**name));
        let domain = wanted.keeping(Some((pinned.root, pinned.format.as_deref())), boot, mark);
        node.document = Arc::new(Document::Domain(Box::new(domain)));
        self.nodes.to_mut().insert(address.clone(), node);
    }

    /// Wants a volume under another name. The document does not record what a volume with different content
    /// was made from.
    fn rename(
        &mut self,
        at: &Address,
        node: &mut graph::Node<Document>,
        pool: &str,
        (from, to): (&str, &str),
        same_content: bool,
    ) {
        if from == to {
            return;
        }
        let (from_address, to_address) = (volume_address(at, pool, from), volume_address(at, pool, to));
        for edge in node.needs.iter_mut().filter(|edge| edge.to == from_address) {
            edge.to = to_address.clone();
        }
        let Some(volume) = self.nodes.to_mut().remove(&from_address) else { return };
        let is_there = self.seen.objects.contains_key(&to_address);
        if let Document::Volume(document) = &*volume.document {
            let document = document.renamed(to);
            let from_here = |edge: &&Edge| same_content || edge.to.kind() == kind::POOL;
            let needs = volume.needs.iter().filter(from_here).cloned().collect();
            let document = Arc::new(Document::Volume(document));
            if is_there || same_content {
                self.nodes
                    .to_mut()
                    .insert(to_address, graph::Node { document, needs, part_of: volume.part_of.clone() });
            } else {
                // An older boot configuration cannot be made again.
                node.needs.retain(|edge| edge.to != to_address);
            }
        }
        self.dropped.push(volume);
    }

    /// Leaves a domain unchanged.
    pub(super) fn leave(
        &mut self,
        address: &Address,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        seen: &DomainObject,
        has: &[Option<&Has>; 2],
    ) {
        self.left.insert(address.clone());
        self.as_recorded(node);
        let mut node = node.clone();
        let pinned = [(&wanted.root, has.first()), (&wanted.boot, has.get(1))];
        for (place, has) in pinned {
            let Some((pool, name)) = place else { continue };
            match has.copied().flatten() {
                Some(has) => {
                    self.rename(address, &mut node, pool, (name, &has.name), false);
                    let own = volume_address(address, pool, &has.name);
                    if self.states.get(&own).is_none() {
                        node.needs.retain(|edge| edge.to != own);
                        self.dropped.extend(self.nodes.to_mut().remove(&own));
                    }
                }
                None => {
                    let unused = volume_address(address, pool, name);
                    node.needs.retain(|edge| edge.to != unused);
                    self.dropped.extend(self.nodes.to_mut().remove(&unused));
                }
            }
        }
        // A disk that it does not get now is not made now either.
        let is_new = |edge: &Edge| self.states.get(&edge.to).is_none() && self.is_disk(&edge.to);
        let (new, needs): (Vec<Edge>, Vec<Edge>) = node.needs.into_iter().partition(is_new);
        for Edge { to, .. } in new {
            self.nodes.to_mut().remove(&to);
        }
        node.needs = needs;
        // It goes on with what it has.
        for edge in &seen.needs {
            if self.object(&edge.to).is_some() && !node.needs.contains(edge) {
                node.needs.push(edge.clone());
            }
        }
        let born = seen.mark.as_ref().and_then(|mark| mark.born.clone());
        // It is not renamed now either.
        let on_host = seen.record.name.as_str().into();
        let mut domain =
            DomainDocument { xml: seen.record.xml.as_str().into(), on_host, born, ..wanted.clone() };
        if let Some(text) = self.cannot_start(&node, wanted, seen) {
            domain.power = Power::Unmanaged;
            self.notes.push(Note { about: About::machine(&*wanted.name), kind: NoteKind::Left, text });
        }
        node.document = Arc::new(Document::Domain(Box::new(domain)));
        self.nodes.to_mut().insert(address.clone(), node);
    }

    /// A base image that only dropped roots needed is not sent. An existing one stays.
    pub(super) fn drop_unused_bases(&mut self) {
        let mut bases: BTreeSet<Address> =
            self.dropped.iter().flat_map(|root| &root.needs).map(|edge| edge.to.clone()).collect();
        bases.retain(|base| {
            base.kind() == kind::VOLUME
                && self.nodes.contains_key(base)
                && !self.seen.objects.contains_key(base)
        });
        if bases.is_empty() {
            return;
        }
        for edge in self.nodes.values().flat_map(|node| &node.needs) {
            bases.remove(&edge.to);
        }
        self.nodes.to_mut().retain(|address, _| !bases.contains(address));
    }
}

/// The mark of a domain that is made from the wanted document.
pub(super) fn mark_of(wanted: &DomainDocument) -> Mark {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Mark {
        image: some(&wanted.image_digest),
        config: some(&wanted.config_digest),
        born: wanted.born.clone(),
        ..Mark::default()
    }
}
