//! The files over the disks of our domains: overlays of snapshots, and other disks in the place of ours.
//!
//! A name decides nothing: `virsh snapshot-create-as db nightly` calls the overlay of `db.disk.data` `db.disk.nightly`, and
//! libvirt lists its file only after a refresh of the pool. What counts is what a disk lies over. The document of a running
//! guest says it; for one that is off the header of its file does.

use std::collections::{BTreeMap, BTreeSet};

use super::read::{HostRead, LAYERS};
use super::wants::Wants;
use crate::document::kind;
use crate::link::{CallError, Link};
use crate::provider::guard::StrangeDisk;
use crate::provider::object::{Owner, is_disk, volume_name};
use crate::provider::{path, promise};
use crate::volume::{Ours, VolumeName};

impl HostRead {
    /// Whether each domain is ours.
    fn are_ours(&self, owner: &str) -> Vec<bool> {
        let domains = self.domains.iter().zip(&self.domain_marks);
        domains
            .map(|(record, mark)| {
                Owner::of(mark.as_ref(), owner, kind::DOMAIN, &record.name, &record.xml) == Owner::Us
            })
            .collect()
    }

    /// The active pools whose lists lack the file of a disk of ours: fmc did not make it, or the list is old.
    pub(super) fn mislisted(&self, link: &impl Link, wants: &Wants) -> Result<BTreeSet<String>, CallError> {
        let folders = self.folders();
        let ours = self.names.iter().zip(self.are_ours(&wants.owner)).filter(|(_, is_ours)| *is_ours);
        let mut pools = BTreeSet::new();
        for disk in ours.flat_map(|(names, _)| names.strange.iter().chain(&names.plain)) {
            let Some((folder, name)) = disk.source.rsplit_once('/') else { continue };
            let Some(pool) = folders.get(folder).filter(|pool| self.volumes.contains_key(*pool)) else {
                continue;
            };
            if !self.has_volume(pool, name) && promise::seen(link.file(&disk.source))?.is_some() {
                pools.insert(pool.clone());
            }
        }
        Ok(pools)
    }

    /// The volumes that may be overlays, because their names are those of data disks and their serials are not.
    pub(super) fn doubtful(&self, wants: &Wants) -> BTreeSet<(String, String)> {
        let folders = self.folders();
        let ours = self.names.iter().zip(self.are_ours(&wants.owner)).filter(|(_, is_ours)| *is_ours);
        let disks = ours.flat_map(|(names, _)| &names.strange).filter(|disk| disk.in_doubt);
        let volumes = disks.filter_map(|disk| {
            let (folder, name) = disk.source.rsplit_once('/')?;
            let pool = folders.get(folder)?;
            self.has_volume(pool, name).then(|| (pool.clone(), name.to_owned()))
        });
        volumes.collect()
    }

    /// Finds out what lies under the disks of our domains, and which of them hide a volume of ours.
    pub(super) fn look_under_ours(&mut self, link: &impl Link, wants: &Wants) -> Result<(), CallError> {
        let folders = self.folders();
        let ours = self.are_ours(&wants.owner);
        let machines = self.disks_by_path(&wants.owner);
        // A disk of a pool that is not active is in no list.
        let machine_of = |path: &String| {
            let named = || {
                let (folder, name) = path.rsplit_once('/')?;
                let name = volume_name(folders.get(folder)?, name, &wants.owner)?;
                name.ours.machine().filter(|_| is_disk(&name.ours)).map(str::to_owned)
            };
            machines.get(path).cloned().or_else(named)
        };
        let mut paths_of: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        for (path, machine) in &machines {
            paths_of.entry(machine).or_default().push(path);
        }
        let mut all = std::mem::take(&mut self.names);
        let marked = self.domains.iter().zip(&self.domain_marks).zip(ours);
        for (names, ((domain, mark), _)) in all.iter_mut().zip(marked).filter(|(_, (_, is_ours))| *is_ours) {
            for disk in names.strange.iter_mut().chain(&mut names.plain) {
                if disk.below.is_empty() {
                    disk.below.extend(self.backing(&disk.source, &folders));
                }
                if disk.below.is_empty()
                    && !domain.active
                    && !disk.in_doubt
                    && !machines.contains_key(&disk.source)
                {
                    disk.below = chain(link, &disk.source, &machines)?;
                }
            }
            for disk in names.strange.iter_mut().filter(|disk| is_layer(disk)) {
                disk.in_doubt = false;
            }
            // The name that its machine had first.
            let first = mark.as_ref().map(|mark| mark.first());
            // Another machine's disk is as little to be written to as an image.
            let is_own = |path: &String| machine_of(path).as_deref().is_some_and(|own| Some(own) == first);
            // The plan's message about a disk in the place of ours depends on all files under it.
            for disk in names.strange.iter_mut().filter(|disk| !disk.in_doubt && disk.is_in_our_place()) {
                if !disk.below.iter().any(is_own) {
                    let lowest = disk.below.last().unwrap_or(&disk.source).clone();
                    disk.below.extend(chain(link, &lowest, &machines)?);
                }
            }
            let (layers, plain) = std::mem::take(&mut names.plain).into_iter().partition(is_layer);
            names.plain = plain;
            let layers: Vec<StrangeDisk> = layers;
            names.strange.extend(layers);
            let mut own = first.and_then(|first| paths_of.get(first)).into_iter().flatten();
            let hides = own.any(|path| !names.files.contains(path));
            for disk in names.strange.iter_mut().filter(|disk| !disk.in_doubt) {
                disk.covers = hides || disk.below.iter().any(|path| machines.contains_key(path));
                disk.over = disk.below.iter().any(is_own);
            }
        }
        self.names = all;
        Ok(())
    }

    /// The disks of ours by their paths, with the first names of their machines.
    pub(super) fn disks_by_path(&self, owner: &str) -> BTreeMap<String, String> {
        let disks = self.volumes.iter().flat_map(|(pool, volumes)| {
            volumes.iter().filter_map(move |record| {
                let ours = self.name_of(pool, record, owner)?.ours;
                let machine = ours.machine().filter(|_| is_disk(&ours))?;
                Some((record.path.clone(), machine.to_owned()))
            })
        });
        disks.collect()
    }

    /// The backing file of a volume that was read.
    fn backing(&self, path: &str, folders: &BTreeMap<String, String>) -> Option<String> {
        let (folder, name) = path.rsplit_once('/')?;
        self.details.get(&(folders.get(folder)?.clone(), name.to_owned()))?.backing.clone()
    }
}

/// The files under a file, down to a volume of ours.
fn chain(link: &impl Link, path: &str, ours: &BTreeMap<String, String>) -> Result<Vec<String>, CallError> {
    let mut below: Vec<String> = Vec::new();
    for _ in 0..LAYERS {
        let above = below.last().map_or(path, String::as_str);
        if ours.contains_key(above) {
            break;
        }
        match promise::seen(link.file(above))?.and_then(|facts| facts.backing) {
            Some(next) => below.push(path::plain(&next)),
            None => break,
        }
    }
    Ok(below)
}

/// Whether a disk of ours by its name is an overlay over another one: a root lies over an image, and a data disk over
/// nothing.
fn is_layer(disk: &StrangeDisk) -> bool {
    disk.below.first().is_some_and(|below| lies_over(&disk.source, below))
}

/// Whether a volume of ours by its name is an overlay, as it lies over this file.
pub(super) fn lies_over(volume: &str, below: &str) -> bool {
    let is_root = |path: &str| {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        VolumeName::parse(name).is_some_and(|name| matches!(name.ours, Ours::Root { .. }))
    };
    !is_root(volume) || is_root(below)
}
