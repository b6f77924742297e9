//! Labels and taints of machines.

use std::collections::BTreeMap;

use super::view::Cluster;
use crate::check::view::{View, text};
use crate::finding::{Finding, NameList, problems};
use crate::given::Given;
use crate::k3s::Effect;
use crate::sort;

/// A node has one value for a label, and one for a taint of an effect; with two, chance decides.
pub(super) fn twice(view: &View<'_>, findings: &mut Vec<Finding>) {
    for placed in &view.machines {
        let (name, draft) = (text(&placed.draft.name), placed.draft);
        let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, label) in right(&draft.labels) {
            if let Some(first) = labels.insert(label.key(), index) {
                let problem =
                    NodeProblem::LabelTwice { machine: name.to_owned(), key: label.key().to_owned() };
                findings.push(twice_at(problem, name, "labels", first, index));
            }
        }
        let mut taints: BTreeMap<(&str, Effect), usize> = BTreeMap::new();
        for (index, taint) in right(&draft.taints) {
            if let Some(first) = taints.insert((taint.key(), taint.effect()), index) {
                let (machine, key) = (name.to_owned(), taint.key().to_owned());
                let problem = NodeProblem::TaintTwice { machine, key, effect: taint.effect().to_string() };
                findings.push(twice_at(problem, name, "taints", first, index));
            }
        }
    }
}

fn right<T>(given: &[Given<T>]) -> impl Iterator<Item = (usize, &T)> {
    given.iter().enumerate().filter_map(|(index, given)| Some((index, given.ok()?)))
}

fn twice_at(problem: NodeProblem, name: &str, list: &str, first: usize, second: usize) -> Finding {
    let at = |index: usize| format!("machines.{name}.{list}[{index}]");
    problem.at(at(second)).also(at(first))
}

/// Labels, taints and external addresses have no effect on a machine that is not a node.
pub(super) fn unused(view: &View<'_>, clusters: &[Cluster<'_>], findings: &mut Vec<Finding>) {
    let mut is_node = vec![false; view.machines.len()];
    for member in clusters.iter().flat_map(|cluster| cluster.members()) {
        if let Some(is_node) = is_node.get_mut(member) {
            *is_node = true;
        }
    }
    let others = view.machines.iter().zip(&is_node).filter(|(_, is_node)| !**is_node);
    let mut said: Vec<_> = others
        .filter_map(|(placed, _)| {
            let draft = placed.draft;
            let lists = [
                ("labels", draft.labels.is_empty()),
                ("taints", draft.taints.is_empty()),
                ("external_addresses", draft.external_addresses.is_empty()),
            ];
            let (list, _) = lists.into_iter().find(|(_, is_empty)| !is_empty)?;
            Some((text(&draft.name), list))
        })
        .collect();
    sort::by_key(&mut said, |(name, _)| *name);
    let Some(&(name, list)) = said.first() else { return };
    let machines = NameList::new(said.iter().map(|(name, _)| *name));
    findings.push(NodeProblem::Unused { machines, list }.at(format_args!("machines.{name}.{list}")));
}

problems! {
    /// Problems with the labels and taints of nodes.
    pub enum NodeProblem {
        LabelTwice { machine: String, key: String } is K3sLabelDuplicate:
            "{machine} has the label {key} twice",
            "keep one of them: a node has one value for a key";
        TaintTwice { machine: String, key: String, effect: String } is K3sLabelDuplicate:
            "{machine} has the taint {key} with the effect {effect} twice",
            "keep one of them: a node has one value for a key";
        Unused { machines: NameList, list: &'static str } is K3sLabelUnused
            with (who = machines.first_of("machine"), have = machines.verb("has", "have"), are = machines.verb("is not a node", "are not nodes")):
            "{who} {have} `{list}`, but {are} of a cluster",
            "name the machine among the servers or agents of a cluster, or leave `{list}` out";
    }
}
