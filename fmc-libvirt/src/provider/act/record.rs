//! The records beside data disks.
//!
//! A record is there before its disk, and stays until the disk is gone; a new one is there before an older one goes. Wherever
//! an apply is cut, no disk is without its record, and a new disk never has the record of an earlier one.

use fmc_core::graph::{Acting, StepError};

use super::Job;
use crate::document::VolumeDocument;
use crate::link::Link;
use crate::provider::object::pool_has_records;
use crate::provider::pools::Beside;
use crate::volume::{Ours, upload_xml};

impl<L: Link, A: Acting + Clone + 'static> Job<L, A> {
    /// Makes the record of a data disk, and deletes an older one.
    pub(super) fn record(&self, wanted: &VolumeDocument) -> Result<(), StepError> {
        let Some(on) = wanted.data.as_ref().and_then(|data| data.on.as_ref()) else { return Ok(()) };
        let (pool, disk) = (&*wanted.pool, &*wanted.name);
        if !self.made(self.link.pool(pool))?.is_some_and(|pool| pool_has_records(&pool.xml)) {
            return Ok(());
        }
        let name = format!("{disk}.{}", on.text(disk));
        if self.made(self.link.volume(pool, &name))?.is_none() {
            self.make_volume(pool, &name, &upload_xml(&name, 0))?;
        }
        self.forget_records(pool, disk, Some(&name))
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
