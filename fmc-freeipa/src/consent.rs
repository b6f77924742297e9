//! A plan that changes much of a zone asks: more than three names, and more than a third of the zone's.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::graph::{Change, Choices, Settled, Wanted};

use crate::object::DnsObject;
use crate::records::differences;
use crate::wanted::Name;

/// As many names of a zone may always change without a person's word.
const FEW: usize = 3;

/// How many names of ours a plan would change or delete, and how many there are, if that is more than a third.
pub(crate) fn many<'w>(
    objects: &BTreeMap<String, DnsObject>,
    wanted: impl Fn(&str) -> Option<&'w Name>,
) -> Option<(usize, usize)> {
    let ours = objects.iter().filter(|(_, object)| object.is_ours);
    let all = ours.clone().count();
    let is_changed = |name: &Name, object: &DnsObject| {
        changes_records(&differences(&object.sets, &name.beside(&object.sets)))
    };
    let changed =
        ours.filter(|(name, object)| wanted(name).is_none_or(|name| is_changed(name, object))).count();
    (changed > FEW && changed * 3 > all).then_some((changed, all))
}

/// Whether differences change records that are there, and do not only add others.
pub(crate) fn changes_records(differences: &[Change]) -> bool {
    differences.iter().any(|change| change.from.is_some())
}

/// Why much of a zone is not changed at once.
pub(crate) fn too_many((changed, all): (usize, usize), zone: &str) -> String {
    format!(
        "{changed} of the cloud's {all} names in {zone} would change or go, which is more than a third: if that is meant, apply \
         with `--delete-data {zone}`"
    )
}

/// A person's word goes with the documents, so that the comparison knows it. `agree` gives the document of a zone's part with
/// the word.
pub(crate) fn settle<'a, D: Clone>(
    wanted: &'a Wanted<D>,
    choices: &Choices,
    zone: impl Fn(&D) -> &str,
    agree: impl Fn(&D) -> D,
) -> Settled<'a, D> {
    let mut nodes = Cow::Borrowed(&wanted.nodes);
    let agreed = wanted.nodes.iter().filter(|(_, node)| choices.delete_data.covers(zone(&node.document)));
    for (at, node) in agreed {
        if let Some(settled) = nodes.to_mut().get_mut(at) {
            settled.document = Arc::new(agree(&node.document));
        }
    }
    Settled {
        nodes,
        anew: BTreeMap::new(),
        added: BTreeMap::new(),
        moved: BTreeMap::new(),
        renamed: BTreeMap::new(),
        notes: Vec::new(),
    }
}
