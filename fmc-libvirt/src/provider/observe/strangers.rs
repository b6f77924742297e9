//! Volumes that a person made and whose names are those of ours all the same.
//!
//! A name is all that libvirt stores of a volume, and a person who copies one adds something to its name: a word, which no name
//! of ours has, or a date, which looks like the end of one.

use std::collections::BTreeSet;

use fmc_core::graph::Place;

use super::read::HostRead;
use super::wants::Wants;
use crate::document::kind;
use crate::link::VolumeRecord;
use crate::provider::object::volume_name;
use crate::volume::{Ours, VolumeName};

impl HostRead {
    /// The purpose of a volume that is there; `None` if it is not ours.
    pub(super) fn name_of(&self, pool: &str, record: &VolumeRecord, owner: &str) -> Option<VolumeName> {
        volume_name(pool, &record.name, owner).filter(|_| !self.strangers.contains(&record.path))
    }

    /// The volumes with a date at the end of their names, which no domain uses and no machine is to have.
    pub(super) fn dated(&self, place: &Place, wants: &Wants) -> BTreeSet<String> {
        let all = self.volumes.iter().flat_map(|(pool, volumes)| {
            volumes.iter().filter(move |record| {
                let name = volume_name(pool, &record.name, &wants.owner);
                name.is_some_and(|name| {
                    name.ours.ends_in_a_date()
                        && !wants.has(place, kind::VOLUME, &format!("{pool}/{}", name.ours))
                })
            })
        });
        let is_used = |path: &str| {
            let plain = path.trim_end_matches(".ok");
            self.names.iter().any(|names| names.files.iter().any(|file| file == plain))
        };
        all.filter(|record| !is_used(&record.path)).map(|record| record.path.clone()).collect()
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
