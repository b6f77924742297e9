//! Pools and volumes: the differences, and whether they can be changed.

use fmc_core::graph::{Change, Impact};

use super::{autostart, definition, differences, switch, table};
use crate::document::{PoolDocument, VolumeDocument};
use crate::link::{PoolRecord, VolumeFacts};

/// What differs between a pool as it is wanted and as it is. Its UUID is what makes it ours: of a pool of another UUID,
/// the provider says that the name is taken. Another folder is [`Impact::Replace`], which no provider should do with
/// volumes in it: it is to be refused.
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

/// Why a volume stays larger than it is wanted, and what to do.
const LEFT: &str = "a volume is never made smaller: say its present size; `--replace` makes a root disk again, but keeps data disks";

/// What differs between a volume as it is wanted and as it is: its capacity, unless its bytes decide it. It grows in
/// place; it is never made smaller, which is [`Impact::None`]: left as it is.
pub fn compare_volume(wanted: &VolumeDocument, seen: &VolumeFacts) -> Vec<Change> {
    if wanted.capacity == 0 || wanted.capacity == seen.capacity {
        return Vec::new();
    }
    let (impact, reason) = if wanted.capacity > seen.capacity {
        (Impact::Live, None)
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
