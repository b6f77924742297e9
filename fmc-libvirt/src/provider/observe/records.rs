//! The records beside data disks: see [`OnDisk`].

use std::collections::{BTreeMap, BTreeSet};

use super::read::HostRead;
use crate::provider::object::{DiskRecord, pool_has_records};
use crate::volume::{OnDisk, Ours};

/// The records of a pool, by the names of their disks' volumes.
pub(super) type Records = BTreeMap<String, Vec<(String, Option<OnDisk>)>>;

impl HostRead {
    /// The records in a pool; `None` if it can have none.
    pub(super) fn records(&self, pool: &str, owner: &str) -> Option<Records> {
        let record = self.pools.iter().find(|record| record.name == pool)?;
        pool_has_records(&record.xml).then_some(())?;
        let mut records = Records::new();
        for volume in self.volumes.get(pool).into_iter().flatten() {
            if let Some(Ours::OnDisk { record, .. }) = self.name_of(pool, volume, owner).map(|name| name.ours)
                && let Some(disk) = volume.name.strip_suffix(&record).and_then(|name| name.strip_suffix('.'))
            {
                let of_disk = records.entry(disk.to_owned()).or_default();
                of_disk.push((volume.name.clone(), OnDisk::read(&record)));
            }
        }
        Some(records)
    }

    /// The records of these disks: when they were made says since when they hold.
    pub(super) fn records_of(
        &self,
        disks: &BTreeSet<(String, String)>,
        owner: &str,
    ) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        let pools: BTreeSet<&String> = disks.iter().map(|(pool, _)| pool).collect();
        for pool in pools {
            for (disk, records) in self.records(pool, owner).unwrap_or_default() {
                if disks.contains(&(pool.clone(), disk)) {
                    found.extend(records.into_iter().map(|(name, _)| (pool.clone(), name)));
                }
            }
        }
        found
    }

    /// The records of a disk, with the times of those that were read one by one.
    pub(super) fn with_times(&self, pool: &str, records: &[(String, Option<OnDisk>)]) -> Vec<DiskRecord> {
        let record = |(name, on): &(String, Option<OnDisk>)| DiskRecord {
            on: on.clone(),
            since: self.details.get(&(pool.to_owned(), name.clone())).and_then(|facts| facts.changed),
        };
        records.iter().map(record).collect()
    }
}
