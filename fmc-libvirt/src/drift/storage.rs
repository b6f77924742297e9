//! Pools and volumes: the differences, and whether they can be changed.

use fmc_core::graph::{Change, Impact};

use super::{autostart, definition, differences, switch, table};
use crate::document::{PoolDocument, VolumeDocument};
use crate::link::{PoolRecord, VolumeFacts};

/// The differences between a wanted and an observed pool. A pool is ours by its UUID; if it has another one, the provider
/// reports that the name is taken. Another folder is [`Impact::Replace`], which a provider must refuse, because the pool
/// has volumes.
pub fn compare_pool(wanted: &PoolDocument, seen: &PoolRecord) -> Vec<Change> {
    let reason = Some("the volumes would have to move to another folder");
    let mut changes: Vec<Change> = differences(&wanted.xml, &seen.xml)
        .into_iter()
        .map(|found| found.into_change(Impact::Replace, reason))
        .collect();
    changes.extend(definition(seen.persistent));
    changes.extend(autostart(seen.autostart, true));
    changes.extend(switch("active", seen.active, true, ["active", "inactive"], Impact::Live));
    changes
}

/// Why a volume stays larger than wanted, and what to do.
const LEFT: &str = "a disk is never made smaller; say its present size";

/// The differences between a wanted and an observed volume: its capacity, unless its bytes determine it. It grows in
/// place and never shrinks: a smaller capacity is [`Impact::None`], a difference that is left alone.
pub fn compare_volume(wanted: &VolumeDocument, seen: &VolumeFacts) -> Vec<Change> {
    if wanted.capacity == 0 || wanted.capacity == seen.capacity {
        return Vec::new();
    }
    let (impact, reason) = if wanted.capacity > seen.capacity {
        (Impact::Live, wanted.grown.as_ref().map(ToString::to_string))
    } else {
        (Impact::None, Some(LEFT.to_owned()))
    };
    vec![Change {
        path: "capacity".to_owned(),
        from: Some(table::size(seen.capacity)),
        to: Some(table::size(wanted.capacity)),
        impact,
        reason,
    }]
}
