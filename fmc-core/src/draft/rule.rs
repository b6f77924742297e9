//! Rules for one setting by itself.

use crate::finding::{At, Finding, ValueProblem};
use crate::given::Given;
use crate::unit::Size;

/// The granule of a disk.
const SECTOR: u64 = 512;

/// The granule of a machine's memory: libvirt counts in KiB, QEMU aligns what it gives out to MiB.
const MEBIBYTE: u64 = 1 << 20;

/// Memory is given out in MiB.
pub(crate) fn in_mebibytes(size: &Option<Given<Size>>, at: &At<'_>, findings: &mut Vec<Finding>) {
    if let Some(size) = size {
        whole(size, MEBIBYTE, "MiB, in which memory is given out", at, findings);
    }
}

/// A disk has whole sectors.
pub(crate) fn in_sectors(size: &Given<Size>, at: &At<'_>, findings: &mut Vec<Finding>) {
    whole(size, SECTOR, "sectors of 512 B", at, findings);
}

/// A size that is not whole KiB or sectors would come back rounded, and look changed for ever.
fn whole(size: &Given<Size>, unit: u64, granule: &'static str, at: &At<'_>, findings: &mut Vec<Finding>) {
    if let Some(size) = size.ok().filter(|size| !size.as_bytes().is_multiple_of(unit)) {
        let rounded = Size::bytes(size.as_bytes().next_multiple_of(unit));
        findings.push(
            ValueProblem::NotWhole { size: size.to_string(), granule, rounded: rounded.to_string() }.at(at),
        );
    }
}
