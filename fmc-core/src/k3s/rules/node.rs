//! What machines say of themselves as nodes of Kubernetes.

use std::collections::BTreeMap;

use crate::check::say::first_of;
use crate::check::view::{View, text};
use crate::finding::{Finding, Kind};
use crate::given::Given;
use crate::k3s::Effect;

/// A node has one value for a label, and one for a taint of an effect; of two, chance decides.
pub(super) fn twice(view: &View<'_>, findings: &mut Vec<Finding>) {
    for placed in &view.machines {
        let (name, draft) = (text(&placed.draft.name), placed.draft);
        let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, label) in right(&draft.labels) {
            if let Some(first) = labels.insert(label.key(), index) {
                let what = format!("{name} has the label {} twice", label.key());
                findings.push(finding(name, "labels", first, index, what));
            }
        }
        let mut taints: BTreeMap<(&str, Effect), usize> = BTreeMap::new();
        for (index, taint) in right(&draft.taints) {
            if let Some(first) = taints.insert((taint.key(), taint.effect()), index) {
                let what =
                    format!("{name} has the taint {} with the effect {} twice", taint.key(), taint.effect());
                findings.push(finding(name, "taints", first, index, what));
            }
        }
    }
}

fn right<T>(given: &[Given<T>]) -> impl Iterator<Item = (usize, &T)> {
    given.iter().enumerate().filter_map(|(index, given)| Some((index, given.ok()?)))
}

fn finding(name: &str, list: &str, first: usize, second: usize, message: String) -> Finding {
    Finding::new(
        Kind::K3sLabelDuplicate,
        format_args!("machines.{name}.{list}[{second}]"),
        message,
        "keep one of them: a node has one value for a key",
    )
    .also(format_args!("machines.{name}.{list}[{first}]"))
}

/// Labels and taints of a machine that is no node are nobody's.
pub(super) fn unused(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut is_node = vec![false; view.machines.len()];
    for member in view.clusters.iter().flat_map(|cluster| cluster.members()) {
        if let Some(is_node) = is_node.get_mut(member) {
            *is_node = true;
        }
    }
    let said = view.machines.iter().zip(&is_node).filter(|(placed, is_node)| {
        let says_nothing = placed.draft.labels.is_empty() && placed.draft.taints.is_empty();
        !(**is_node || says_nothing)
    });
    let mut said: Vec<_> = said.map(|(placed, _)| (text(&placed.draft.name), placed.draft)).collect();
    said.sort_by_key(|(name, _)| *name);
    let Some((name, draft)) = said.first() else { return };
    let list = if draft.labels.is_empty() { "taints" } else { "labels" };
    findings.push(Finding::new(
        Kind::K3sLabelUnused,
        format_args!("machines.{name}.{list}"),
        format!("{} has {list}, and is no node of a cluster", first_of(name, said.len(), "machine")),
        "name the machine among the servers or agents of a cluster, or leave them out",
    ));
}
