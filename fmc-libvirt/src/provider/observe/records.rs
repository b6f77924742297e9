//! The records beside data disks: see [`OnDisk`].

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::Place;
use fmc_core::secret::RootKeyCheck;

use super::read::HostRead;
use super::wants::Wants;
use crate::link::{CallError, Link};
use crate::provider::object::{DiskRecord, pool_has_records};
use crate::volume::{OnDisk, Ours, commit_name, own_pool};

/// The most that is read of a commit.
const LONGEST: u64 = 256;

/// The records of a pool, by the names of their disks' volumes.
pub(super) type Records = BTreeMap<String, Vec<(String, Option<OnDisk>)>>;

impl HostRead {
    /// Reads what the commits of boot configurations say of the root key, for machines without a domain whose roots are there: for
    /// the others the marks of their domains say it.
    pub(super) fn look_for_root_keys(
        &mut self,
        link: &impl Link,
        place: &Place,
        wants: &Wants,
    ) -> Result<(), CallError> {
        let own = own_pool(&wants.owner);
        let names = self.ours(&wants.owner).filter_map(|(pool, record, ours)| match ours {
            Ours::Boot { machine, .. } if pool == own => Some((record, machine)),
            _ => None,
        });
        let is_bereft = |machine: &str| !self.has_domain(machine) && wants.renamed(place, machine).is_some();
        let bereft = names.filter(|(_, machine)| is_bereft(machine));
        let bereft = bereft.map(|(record, _)| (record.path.clone(), commit_name(&record.name)));
        let bereft: Vec<_> = bereft.filter(|(_, commit)| self.has_volume(&own, commit)).collect();
        for (path, commit) in bereft {
            self.root_keys.extend(root_key(link, &own, &commit)?.map(|check| (path, check)));
        }
        Ok(())
    }

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

/// The check of the root key in the commit of a boot configuration.
pub(in crate::provider) fn root_key(
    link: &impl Link,
    pool: &str,
    commit: &str,
) -> Result<Option<RootKeyCheck>, CallError> {
    let bytes = link.volume_tail(pool, commit, LONGEST)?.unwrap_or_default();
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim_end_matches('\0');
    // A text that was cut is no check.
    let is_whole = text.len() == bytes.len() && text.bytes().all(|byte| byte.is_ascii_graphic());
    Ok(RootKeyCheck::recorded(text).filter(|_| is_whole))
}
