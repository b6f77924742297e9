//! Volumes that a machine's domain names and that are gone, lie under another, or are in a pool that is not there.

use std::sync::Arc;

use fmc_core::graph::{self, Address, Edge};

use super::disks::has_serial;
use super::{Asked, Has, Settling};
use crate::document::{Document, DomainDocument, PoolDocument, kind};
use crate::provider::guard::StrangeDisk;
use crate::provider::object::{DomainObject, Object, Owner, VolumeObject};

/// How a data disk begins whose data a person gave up.
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
                Some(has) if self.volume(address, pool, &has.name).is_none() => lost.push(format!(
                    "its root {} is gone from the pool {pool} (--replace {name} makes a new one)",
                    has.name
                )),
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
        Some(format!(
            "its data disk {} is gone (--delete-data {machine} gives its data up and begins with an empty one)",
            at.name()
        ))
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

fn is_mounted(lost: &[String]) -> Option<String> {
    (!lost.is_empty()).then(|| format!("{}: is the file system of the pool mounted?", lost.join("; ")))
}
