//! Labels and taints of machines.

use std::collections::{BTreeMap, BTreeSet};

use super::configs;
use super::view::Cluster;
use crate::check::view::{View, text};
use crate::finding::{At, Finding, NameList, problems};
use crate::given::{Given, Leaf as _};
use crate::k3s::{Config, Effect, Key, Label, Taint};
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

/// A label or taint of a configuration comes to each of its nodes, beside those of the machine. Equal ones are one; two that
/// differ under one key are two values for it.
pub(super) fn beside(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let [all, servers, agents] = configs(cluster);
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    for (configs, members) in [([all, servers], &cluster.servers), ([all, agents], &cluster.agents)] {
        let Some(first) = members.first() else { continue };
        let mut tell = |machine: usize, slot: &Slot, place: &str, other: String| {
            if told.insert((place.to_owned(), other.clone())) {
                findings.push(twice_for(view.machine_name(machine), slot).at(place).also(other));
            }
        };
        let mut said: BTreeMap<Slot, (String, String)> = BTreeMap::new();
        for (field, config) in configs {
            for (slot, text, place) in said_in(config, &at.key(field)) {
                match said.get(&slot) {
                    Some((there, other)) if *there != text => tell(*first, &slot, &place, other.clone()),
                    Some(_) => {}
                    None => drop(said.insert(slot, (text, place))),
                }
            }
        }
        if said.is_empty() {
            continue;
        }
        for member in members {
            let Some(draft) = view.machine(*member).map(|placed| placed.draft) else { continue };
            let name = text(&draft.name);
            let labels =
                right(&draft.labels).map(|(index, label)| (slot(label), label.to_string(), "labels", index));
            let taints = right(&draft.taints)
                .map(|(index, taint)| (taint_slot(taint), taint.to_string(), "taints", index));
            for (slot, text, list, index) in labels.chain(taints) {
                if let Some((_, place)) = said.get(&slot).filter(|(there, _)| *there != text) {
                    tell(*member, &slot, place, format!("machines.{name}.{list}[{index}]"));
                }
            }
        }
    }
}

/// A key that has one value on a node: that of a label, or that of a taint with its effect.
type Slot = (String, Option<Effect>);

fn slot(label: &Label) -> Slot {
    (label.key().to_owned(), None)
}

fn taint_slot(taint: &Taint) -> Slot {
    (taint.key().to_owned(), Some(taint.effect()))
}

/// The labels and taints of a configuration, each with its text and its place.
fn said_in(config: &Config, at: &At<'_>) -> Vec<(Slot, String, String)> {
    let read = |key: Key, slot: fn(&str) -> Option<Slot>| {
        let texts = config.texts(key).iter().enumerate();
        texts.filter_map(move |(index, text)| {
            Some((slot(text)?, text.clone(), at.key(key.as_str()).index(index).to_string()))
        })
    };
    let labels = read(Key::NodeLabel, |text| Label::parse(text).ok().as_ref().map(slot));
    let taints = read(Key::NodeTaint, |text| Taint::parse(text).ok().as_ref().map(taint_slot));
    labels.chain(taints).collect()
}

fn twice_for(machine: &str, (key, effect): &Slot) -> NodeProblem {
    let (machine, key) = (machine.to_owned(), key.clone());
    match effect {
        None => NodeProblem::LabelTwice { machine, key },
        Some(effect) => NodeProblem::TaintTwice { machine, key, effect: effect.to_string() },
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
