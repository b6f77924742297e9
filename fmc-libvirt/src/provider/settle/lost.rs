//! Volumes that a machine's domain names and that are gone, lie under another, or are in a pool that is not there.

use std::collections::BTreeSet;
use std::sync::Arc;

use fmc_core::graph::{self, About, Address, Edge, NoteKind};

use super::disks::has_serial;
use super::volumes::Has;
use super::{Asked, Settling};
use crate::document::{Document, DomainDocument, PoolDocument, kind};
use crate::provider::guard::StrangeDisk;
use crate::provider::object::{DomainObject, Object, Owner, VolumeObject};

/// The beginning of a data disk whose data a person gave up.
const GIVEN_UP: &str = "begins empty: its data is given up by --delete-data";

impl Settling<'_, '_> {
    /// The volumes that a machine's domain names and that are gone: why nothing is made in their place.
    pub(super) fn lost(
        &mut self,
        address: &Address,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        seen: &DomainObject,
        has_root: Option<&Has>,
        asked: &Asked,
    ) -> Option<String> {
        let name = &wanted.name;
        let mut lost = Vec::new();
        if let Some((pool, _)) = &wanted.root
            && self.is_read(address, pool)
            && !asked.replace
        {
            match has_root {
                Some(has) if self.volume(address, pool, &has.name).is_none() => {
                    self.bereft.insert(address.beside(kind::POOL, pool.clone()));
                    lost.push(format!(
                        "its root {} is gone from the pool {pool} (--replace {name} makes a new one)",
                        has.name
                    ));
                }
                Some(_) => {}
                None => lost.push(format!(
                    "its domain has no root volume of ours any more (--replace {name} makes a new one)"
                )),
            }
        }
        let disks = node.needs.iter().map(|edge| &edge.to);
        for at in disks.filter(|at| seen.needs.iter().any(|edge| edge.to == **at)) {
            lost.extend(self.lost_disk(name, at, asked));
        }
        is_mounted(&lost)
    }

    /// The data disks of a machine that had run, and whose domain is gone: it had them, as far as anybody knows.
    pub(super) fn lost_with_its_domain(
        &mut self,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        asked: &Asked,
    ) -> Option<String> {
        let mut lost = Vec::new();
        for Edge { to, .. } in &node.needs {
            lost.extend(self.lost_disk(&wanted.name, to, asked));
        }
        is_mounted(&lost)
    }

    /// Why a data disk that is gone is not made, unless a person gave its data up.
    fn lost_disk(&mut self, machine: &str, at: &Address, asked: &Asked) -> Option<String> {
        if self.states.get(at).is_some() || !self.is_disk(at) {
            return None;
        }
        if asked.delete_data {
            self.given_up.insert(machine.to_owned());
            self.added.insert(at.clone(), GIVEN_UP.to_owned());
            return None;
        }
        self.bereft.extend(pool_of(at));
        Some(format!(
            "its data disk {} is gone (--delete-data {machine} gives its data up and begins with an empty one)",
            at.name()
        ))
    }

    /// A boot configuration that a machine's domain names is made again if it is gone.
    pub(super) fn gone_boot(&mut self, node: &graph::Node<Document>, seen: &DomainObject) {
        let mut needs = node.needs.iter().filter(|edge| seen.needs.contains(edge)).map(|edge| &edge.to);
        let is_boot = |at: &&Address| at.name().contains(".boot.") && self.states.get(at).is_none();
        if let Some(boot) = needs.find(is_boot) {
            self.added.insert(boot.clone(), "its boot configuration is gone, and is made again".to_owned());
        }
    }

    /// A pool in which a machine misses its files, and which has none of ours, may not be mounted: nothing new is made there.
    pub(super) fn unmounted(&mut self) {
        let mut bereft = std::mem::take(&mut self.bereft);
        for (at, _) in self.seen.present().filter(|(at, _)| at.kind() == kind::VOLUME) {
            bereft.retain(|pool| pool_of(at).as_ref() != Some(pool));
        }
        if bereft.is_empty() {
            return;
        }
        let refused = self.notes.iter().filter(|note| note.kind == NoteKind::Refused);
        let refused: BTreeSet<About> = refused.map(|note| note.about.clone()).collect();
        let mut stopped: Vec<(String, String)> = Vec::new();
        for node in self.nodes.values() {
            let Document::Domain(machine) = &*node.document else { continue };
            let new = node.needs.iter().map(|edge| &edge.to).filter(|at| self.states.get(at).is_none());
            let pool = new.filter_map(pool_of).find(|pool| bereft.contains(pool));
            if let Some(pool) = pool.filter(|_| !refused.contains(&About::machine(&*machine.name))) {
                stopped.push((machine.name.to_string(), pool.name().to_owned()));
            }
        }
        for (machine, pool) in stopped {
            let text = format!(
                "its disks would be made in the pool {pool}, in which the disks of other machines are gone: is the file system \
                 of the pool mounted?"
            );
            self.refuse(&machine, text);
        }
    }

    /// Whether a disk with the name of a data disk lies over one: it was made by somebody, or has the place of another one.
    pub(super) fn is_overlay(
        &self,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        seen: &DomainObject,
        disk: &StrangeDisk,
    ) -> bool {
        let volumes = node.needs.iter().filter_map(|edge| self.nodes.get(&edge.to));
        let is_source = |node: &graph::Node<Document>| match &*node.document {
            Document::Volume(volume) => {
                disk.source.strip_suffix(&*volume.name).is_some_and(|folder| folder.ends_with('/'))
            }
            _ => false,
        };
        if volumes.into_iter().any(is_source) {
            return false;
        }
        let lies_over = |volume: &VolumeObject| volume.path == disk.source && volume.over.is_some();
        let is_seen_over = || seen.needs.iter().any(|edge| self.present(&edge.to).is_some_and(lies_over));
        has_serial(&wanted.xml, disk.serial.as_deref()) || is_seen_over()
    }

    /// The folder of a pool that is known, because machines of ours have files there, is not made: its file system may
    /// not be mounted.
    pub(super) fn known_pools(&mut self) {
        let missing: Vec<Address> = self
            .nodes
            .keys()
            .filter(|at| at.kind() == kind::POOL && !self.seen.objects.contains_key(at))
            .cloned()
            .collect();
        for at in missing {
            let is_near = |address: &&Address| address.place() == at.place();
            let mut objects = self.seen.present().filter(|(address, _)| is_near(address));
            if !objects
                .any(|(_, object)| matches!(object, Object::Domain(domain) if domain.owner == Owner::Us))
            {
                continue;
            }
            if let Some(node) = self.nodes.to_mut().get_mut(&at)
                && let Document::Pool(pool) = &*node.document
            {
                let known = PoolDocument { build: false, ..pool.clone() };
                node.document = Arc::new(Document::Pool(known));
            }
        }
    }
}

/// The pool of a volume.
fn pool_of(volume: &Address) -> Option<Address> {
    let (pool, _) = volume.name().split_once('/').filter(|_| volume.kind() == kind::VOLUME)?;
    Some(volume.beside(kind::POOL, pool))
}

fn is_mounted(lost: &[String]) -> Option<String> {
    (!lost.is_empty()).then(|| format!("{}: is the file system of the pool mounted?", lost.join("; ")))
}
