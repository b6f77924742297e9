//! Volumes that a person made and whose names are those of ours all the same.
//!
//! A name is all that libvirt stores of a volume, and a person who copies one changes its name: a name like `db.disk.backup` or
//! `db.root.0a1b2c3d` could be one that fmc gives. So a disk is ours only if something besides its own name says so.

use std::collections::BTreeSet;

use fmc_core::graph::Place;

use super::read::HostRead;
use super::wants::Wants;
use crate::document::kind;
use crate::link::VolumeRecord;
use crate::provider::object::{Owner, is_blank, pool_has_records, volume_name};
use crate::provider::settle::twin;
use crate::volume::{FirstBoot, Ours, VolumeName, commit_name, own_pool};

impl HostRead {
    /// The purpose of a volume that is there; `None` if it is not ours.
    pub(super) fn name_of(&self, pool: &str, record: &VolumeRecord, owner: &str) -> Option<VolumeName> {
        volume_name(pool, &record.name, owner).filter(|_| !self.strangers.contains(&record.path))
    }

    /// The volumes with a date at the end of their names, which no domain uses and no machine is to have, and the data disks that
    /// nothing says to be fmc's.
    pub(super) fn made_by_hand(&self, place: &Place, wants: &Wants) -> BTreeSet<String> {
        let recorded = self.recorded(&wants.owner);
        let is_by_hand = |pool: &str, record: &VolumeRecord| {
            let Some(name) = volume_name(pool, &record.name, &wants.owner) else { return false };
            let commits = record.name.strip_suffix(".ok").filter(|_| name.is_commit);
            let at = format!("{pool}/{}", commits.unwrap_or(&record.name));
            let is_doubtful = match &name.ours {
                Ours::Disk { machine, disk } => {
                    recorded.contains(pool)
                        && !recorded.contains(&at)
                        && !self.was_born_with(machine, disk)
                        && !self.is_of_our_domain(&record.path)
                }
                ours => ours.ends_in_a_date() && !self.is_in_use(record.path.trim_end_matches(".ok")),
            };
            is_doubtful && !wants.has(place, kind::VOLUME, &at)
        };
        let all =
            self.volumes.iter().flat_map(|(pool, volumes)| volumes.iter().map(move |record| (pool, record)));
        all.filter(|(pool, record)| is_by_hand(pool, record)).map(|(_, record)| record.path.clone()).collect()
    }

    /// The roots with content that nothing says to be fmc's: no domain uses them, nothing that is wanted has this name, and
    /// the boot configuration that a replacement makes before a root, and deletes after it, is not there.
    ///
    /// If a wanted machine has lost its domain and has no other root, they count as its own: it may have run on one of them.
    pub(super) fn roots_by_hand(&self, place: &Place, wants: &Wants) -> BTreeSet<String> {
        let own = own_pool(&wants.owner);
        let roots = self.ours(&wants.owner).filter(|(pool, ..)| *pool == own);
        let roots = roots.filter_map(|(pool, record, ours)| match ours {
            Ours::Root { machine, hash } => Some((pool, record, machine, hash)),
            _ => None,
        });
        let (ours, doubtful): (Vec<_>, Vec<_>) = roots.partition(|(pool, record, machine, hash)| {
            let [other, hash] = [twin(hash), hash.clone()];
            let is_known = |hash: &String| {
                let [root, boot] = [
                    Ours::Root { machine: machine.clone(), hash: hash.clone() },
                    Ours::Boot { machine: machine.clone(), hash: hash.clone() },
                ];
                wants.has(place, kind::VOLUME, &format!("{pool}/{root}"))
                    || self.has_volume(pool, &commit_name(&boot.to_string()))
                    || FirstBoot::is_of_nothing(hash)
            };
            let details = self.details.get(&((*pool).to_owned(), record.name.clone()));
            self.is_in_use(&record.path)
                || [hash, other].iter().any(is_known)
                || details.is_none_or(|facts| is_blank(facts.allocation))
        });
        let has_root: BTreeSet<&str> = ours.iter().map(|(_, _, machine, _)| machine.as_str()).collect();
        let is_bereft = |machine: &str| {
            wants.renamed(place, machine).is_some()
                && !has_root.contains(machine)
                && !self.has_domain(machine)
        };
        let by_hand = doubtful.iter().filter(|(_, _, machine, _)| !is_bereft(machine));
        by_hand.map(|(_, record, ..)| record.path.clone()).collect()
    }

    /// The data disks with a record beside them, as `POOL/NAME`, and the pools that can have records.
    fn recorded(&self, owner: &str) -> BTreeSet<String> {
        let pools = self.pools.iter().filter(|pool| pool_has_records(&pool.xml)).map(|pool| &pool.name);
        let of = |pool: &String| {
            let records = self.records(pool, owner).unwrap_or_default().into_keys();
            let records: Vec<String> = records.map(|disk| format!("{pool}/{disk}")).collect();
            records.into_iter().chain([pool.clone()])
        };
        pools.flat_map(of).collect()
    }

    /// Whether the mark of a domain of ours says that its machine was made with a data disk.
    fn was_born_with(&self, machine: &str, disk: &str) -> bool {
        let marks = self.domain_marks.iter().zip(&self.owners).filter(|(_, owner)| **owner == Owner::Us);
        let born =
            marks.filter_map(|(mark, _)| mark.as_ref().filter(|mark| mark.first() == machine)?.born.as_ref());
        born.flat_map(|born| &born.disks).any(|born| *born.serial == *disk)
    }

    fn has_domain(&self, machine: &str) -> bool {
        let marks = self.domain_marks.iter().zip(&self.owners).filter(|(_, owner)| **owner == Owner::Us);
        marks.filter_map(|(mark, _)| mark.as_ref()).any(|mark| mark.first() == machine)
    }

    fn is_of_our_domain(&self, path: &str) -> bool {
        let ours = self.names.iter().zip(&self.owners).filter(|(_, owner)| **owner == Owner::Us);
        ours.map(|(names, _)| names)
            .any(|names| names.files.iter().chain(&names.below).any(|file| file == path))
    }

    fn is_in_use(&self, path: &str) -> bool {
        self.names.iter().any(|names| names.files.iter().chain(&names.below).any(|file| file == path))
    }

    /// The volumes that may be records of data disks by their names, and are not the wanted ones: whether they are empty has to
    /// be read.
    pub(super) fn doubtful_records(&self, place: &Place, wants: &Wants) -> BTreeSet<(String, String)> {
        let records = self.ours(&wants.owner).filter(|(.., ours)| matches!(ours, Ours::OnDisk { .. }));
        let names = records.map(|(pool, record, _)| (pool.to_owned(), record.name.clone()));
        names.filter(|(pool, name)| !wants.has_record(place, &format!("{pool}/{name}"))).collect()
    }

    /// The volumes with names of records that have content.
    pub(super) fn with_content(&self, records: &BTreeSet<(String, String)>) -> BTreeSet<String> {
        let facts = records.iter().filter_map(|record| self.details.get(record));
        facts.filter(|facts| facts.capacity > 0).map(|facts| facts.path.clone()).collect()
    }
}
