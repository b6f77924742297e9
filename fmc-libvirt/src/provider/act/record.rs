//! The records beside data disks.
//!
//! A record is there before its disk, and stays until the disk is gone; a new one is there before an older one goes. Wherever
//! an apply is cut, no disk is without its record, and a new disk never has the record of an earlier one.

use std::collections::BTreeMap;

use fmc_core::graph::{Acting, Action, StepError};

use super::Job;
use crate::document::VolumeDocument;
use crate::link::Link;
use crate::mark::Mark;
use crate::provider::object::{pool_has_records, pool_identity};
use crate::provider::pools::Beside;
use crate::provider::records;
use crate::volume::{OnDisk, Ours, upload_xml};
use crate::xml::outline::{Node, Outline};

impl<L: Link, A: Acting + Clone + 'static> Job<L, A> {
    /// Makes the record of a data disk, and deletes an older one.
    pub(super) fn record(&self, wanted: &VolumeDocument) -> Result<(), StepError> {
        let Some(on) = wanted.data.as_ref().and_then(|data| data.on.as_ref()) else { return Ok(()) };
        let (pool, disk) = (&*wanted.pool, &*wanted.name);
        if !self.made(self.link.pool(pool))?.is_some_and(|pool| pool_has_records(&pool.xml)) {
            return Ok(());
        }
        // An apply that makes the disk makes the secrets of its guest.
        let on = if matches!(self.action, Action::Create | Action::Replace) {
            on.clone().root_key(self.secrets.root_key_check())
        } else {
            let said = self.said_beside(pool, disk)?;
            let on = on.clone().going_on(&said.iter().collect::<Vec<_>>());
            on.root_key(said.iter().filter_map(|on| on.root_key.as_ref()).min().cloned())
        };
        let name = format!("{disk}.{}", on.text(disk));
        if self.made(self.link.volume(pool, &name))?.is_none() {
            self.make_volume(pool, &name, &upload_xml(&name, 0))?;
        } else if !self.is_empty(pool, &name)? {
            return Err(self.has_a_file_in_its_way(pool, &name));
        }
        self.forget_records(pool, disk, Some(&name))
    }

    /// The contents of the records beside a disk.
    fn said_beside(&self, pool: &str, disk: &str) -> Result<Vec<OnDisk>, StepError> {
        let records = self.pools.records(self.address.place(), pool, || self.listed_records(pool))?;
        let names = records.get(disk).into_iter().flatten();
        let ends = names.filter_map(|name| name.strip_prefix(disk)?.strip_prefix('.'));
        Ok(ends.filter_map(OnDisk::read).collect())
    }

    fn has_a_file_in_its_way(&self, pool: &str, record: &str) -> StepError {
        StepError::Call { call: format!("make volume {record}"), cause: records::in_the_way(pool, record) }
    }

    /// Makes a record beside each data disk that a domain has, will not have any more, and that has none: an earlier version of
    /// fmc made the disk. Until now the domain showed whose it is.
    pub(super) fn record_those_left(&self, has: &str, will_have: &str) -> Result<(), StepError> {
        let Some(mark) = Mark::read(has) else { return Ok(()) };
        let mut left = disks(has);
        let stay = disks(will_have);
        let stays = |file: &String| stay.iter().any(|(other, _)| other == file);
        left.retain(|(file, _)| file.contains(".disk.") && !stays(file));
        if left.is_empty() {
            return Ok(());
        }
        let pools = self.made(self.link.pools())?;
        let pools = pools.iter().filter(|pool| pool.active && pool_has_records(&pool.xml));
        let pools: BTreeMap<String, &str> =
            pools.filter_map(|pool| Some((pool_identity(&pool.xml).1?, &*pool.name))).collect();
        for (file, serial) in left {
            let Some((folder, volume)) = file.rsplit_once('/') else { continue };
            let Some(pool) = pools.get(folder) else { continue };
            let Some(Ours::Disk { machine, disk }) = self.ours(volume) else { continue };
            if machine != mark.first() || self.has_record(pool, volume)? {
                continue;
            }
            // Somebody put it in the place of another disk, which may be gone by now.
            let mut born = mark.born.iter().flat_map(|born| &born.disks);
            if serial != disk && born.any(|born| *born.serial == *serial && *born.name != *disk) {
                continue;
            }
            let name = records::left_by(&mark, volume, &disk);
            if self.made(self.link.volume(pool, &name))?.is_some() {
                return Err(self.has_a_file_in_its_way(pool, &name));
            }
            self.make_volume(pool, &name, &upload_xml(&name, 0))?;
            self.pools.forget_records(self.address.place(), pool);
        }
        Ok(())
    }

    /// Whether a data disk has a record, or is not there.
    fn has_record(&self, pool: &str, disk: &str) -> Result<bool, StepError> {
        let records = self.pools.records(self.address.place(), pool, || self.listed_records(pool))?;
        for name in records.get(disk).into_iter().flatten() {
            if self.is_empty(pool, name)? {
                return Ok(true);
            }
        }
        Ok(self.made(self.link.volume(pool, disk))?.is_none())
    }

    /// Deletes the records of a data disk, but this one.
    pub(super) fn forget_records(&self, pool: &str, disk: &str, but: Option<&str>) -> Result<(), StepError> {
        let records = self.pools.records(self.address.place(), pool, || self.listed_records(pool))?;
        for name in records.get(disk).into_iter().flatten() {
            if but != Some(name.as_str()) && self.is_empty(pool, name)? {
                self.patiently(|| self.link.delete_volume(pool, name))?;
            }
        }
        Ok(())
    }

    /// The records in a pool, by disk.
    fn listed_records(&self, pool: &str) -> Result<Beside, StepError> {
        let mut records = Beside::new();
        for volume in self.made(self.link.volumes(pool))? {
            if let Some(Ours::OnDisk { record, .. }) = self.ours(&volume.name)
                && let Some(disk) = volume.name.strip_suffix(&record).and_then(|name| name.strip_suffix('.'))
            {
                records.entry(disk.to_owned()).or_default().push(volume.name);
            }
        }
        Ok(records)
    }

    /// Whether a volume with the name of a record is one: a copy that a person made has content.
    pub(super) fn is_empty(&self, pool: &str, name: &str) -> Result<bool, StepError> {
        Ok(self.made(self.link.volume(pool, name))?.is_some_and(|facts| facts.capacity == 0))
    }
}

/// The files of a domain's disks that have a serial, with it: a person who attaches a disk gives it none.
fn disks(xml: &str) -> Vec<(String, String)> {
    let Some(outline) = Outline::read(xml) else { return Vec::new() };
    let devices = outline.root().at("devices").into_iter().flat_map(Node::children);
    let disks = devices.filter(|device| device.name() == "disk");
    disks
        .filter_map(|disk| {
            let serial = disk.at("serial").and_then(Node::text)?;
            Some((disk.at("source")?.attribute("file")?.to_owned(), serial.to_owned()))
        })
        .collect()
}
