//! Ignition configs that QEMU hands over slowly.

use crate::checked::{Checked, Machine};
use crate::finding::{At, Finding, Remedy, problems};
use crate::guest::checked::{Contents, TextPart};
use crate::image::Provisioner;
use crate::unit::Size;

/// The size that the firmware's configuration device still passes quickly. It passes a file in small pieces, at each
/// start of the machine.
const MOST: usize = 1 << 20;

/// Looks at every machine with Ignition. Ignition's own overhead is left out, since only the order of magnitude
/// matters.
pub(super) fn check(cloud: &Checked, findings: &mut Vec<Finding>) {
    let machines = cloud.machines().iter();
    for machine in machines.filter(|one| one.image.os.provisioner() == Some(Provisioner::Ignition)) {
        let size = size(machine);
        if size > MOST {
            let size = Size::bytes((size as u64).next_multiple_of(1 << 10));
            let at = At::ROOT.key("machines");
            findings.push(LargeProblem::Large { size }.at(at.name(&machine.name).key("guest")));
        }
    }
}

/// The bytes that are written into the machine.
fn size(machine: &Machine) -> usize {
    let guest = &machine.guest;
    let files = guest.files.iter().map(|file| match &file.contents {
        Contents::Text(text) => text.len(),
        Contents::Parts(parts) => {
            let text = |part: &TextPart| if let TextPart::Text(text) = part { text.len() } else { 0 };
            parts.iter().map(text).sum()
        }
        Contents::Secret(_) | Contents::Remote { .. } => 0,
    });
    let units = guest.units.iter().map(|unit| {
        let dropins: usize = unit.dropins.iter().map(|dropin| dropin.contents.len()).sum();
        unit.contents.as_ref().map_or(0, |contents| contents.len()).saturating_add(dropins)
    });
    files.chain(units).fold(0, usize::saturating_add)
}

problems! {
    /// Problems with the size of a boot configuration.
    pub enum LargeProblem {
        Large { size: Size } is IgnitionLarge:
            "the machine's boot configuration has {size}; QEMU is slow to hand over more than 1 MiB",
            "let the machine fetch large files: {remote}, for example from the bootstrap machine's mirror",
            remote = Remedy::either("remote: {url: …, digest: …}", "GuestFile::remote(path, url, digest)");
    }
}
