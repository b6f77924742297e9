//! Changes by other hands since the last apply, and bindings by which another hand gives rights to accounts of ours.
//!
//! An object's mark says from which manifest it was made: where that is the cloud's, a difference is another hand's. Nothing records
//! which objects an apply made. That an object is missing follows from others that are made with it; where there are none, it may be
//! new in the cloud, and that is unclear.

use std::collections::BTreeMap;

use fmc_core::graph::{Address, Node, Seen, Wanted};
use fmc_core::provider::{Drift, DriftKind, Drifted, Moved};

use super::document::Wanted as OfOwner;
use super::granted::{self, BINDINGS};
use super::mentions::mentioned;
use super::shown::both;
use super::{Document, record};
use crate::kind::{self, Kind};
use crate::manifest::{OWNER, manager, namespace_of};
use crate::object::{ApiObject, Unwanted};

pub(super) fn drift(wanted: &Wanted<Document>, seen: &Seen<ApiObject>) -> Drift {
    let mut found = Drift::unknown_of(seen);
    for (at, node) in &wanted.nodes {
        let Some(document) = node.document.wanted() else { continue };
        match seen.object(at) {
            Some(object) => of_object(at, node, document, object, &mut found),
            None if seen.objects.contains_key(at) || seen.unknown_at(at.place()).is_some() => {}
            None if was_there(at, wanted, seen) => {
                found.drift.push(drifted(at, DriftKind::Missing, Vec::new()));
            }
            // What is in a namespace that is not there is told of with it.
            None if is_told(at, wanted, seen) => {
                let missing = Moved { path: "missing".to_owned(), from: None, to: None };
                found.unclear.push(drifted(at, DriftKind::Missing, vec![missing]));
            }
            None => {}
        }
    }
    let copies = seen
        .present()
        .filter(|(at, object)| object.unwanted == Unwanted::Copied && !wanted.nodes.contains_key(*at));
    found.drift.extend(copies.map(|(at, object)| {
        let gives_rights = BINDINGS.iter().any(|kind| kind.word == at.kind());
        let told = gives_rights.then(|| granted::told(object.value())).into_iter().flatten();
        let changes = told.map(|(path, there)| Moved { path, from: Some(there), to: None });
        drifted(at, DriftKind::Extra, changes.collect())
    }));
    found.drift.sort_by(|one, other| one.address.cmp(&other.address));
    found
}

fn drifted(at: &Address, kind: DriftKind, changes: Vec<Moved>) -> Drifted {
    Drifted { address: at.clone(), part_of: None, kind, changes }
}

fn of_object(at: &Address, node: &Node<Document>, document: &OfOwner, object: &ApiObject, found: &mut Drift) {
    let ours = &*document.owner;
    if object.owner() != Some(ours) {
        // One that never was ours is a stranger, which the plan refuses.
        if object.owned_by(&manager(ours)).is_some() {
            let path = format!("metadata.labels[{OWNER}]");
            let (from, to) = (object.owner().map(str::to_owned), Some(ours.to_owned()));
            found.drift.push(drifted(at, DriftKind::Changed, vec![Moved { path, from, to }]));
        }
        return;
    }
    if let Some(why) = &object.untold {
        found.unknown.insert(at.to_string(), format!("failed to {why}"));
    }
    if document.is_met_by(object) {
        return;
    }
    let differences = document.differences(object);
    let mut changes: Vec<Moved> = differences
        .iter()
        .map(|one| {
            let (from, to) = both(one);
            Moved { path: one.path.clone(), from, to }
        })
        .collect();
    if changes.is_empty() {
        let record = record::outdated(document, object);
        changes.push(Moved { path: record.path, from: record.from, to: record.to });
    }
    let part_of = node.part_of.clone();
    let (list, kind) = match object.made_from() {
        // Ours in every field: the secret has other bytes on this side.
        Some(_) if document.has_other_bytes(object) => (&mut found.unclear, DriftKind::Edited),
        Some(made) if made == document.manifest.fingerprint() => (&mut found.drift, DriftKind::Changed),
        Some(_) => (&mut found.unclear, DriftKind::Edited),
        None => (&mut found.unclear, DriftKind::Changed),
    };
    list.push(Drifted { part_of, ..drifted(at, kind, changes) });
}

/// Whether a missing object is told of by itself.
fn is_told(at: &Address, wanted: &Wanted<Document>, seen: &Seen<ApiObject>) -> bool {
    let namespace = namespace_of(at).map(|namespace| at.beside(kind::NAMESPACE.word, namespace));
    // A namespace that is not ours, as `kube-system`, was not looked at.
    namespace
        .is_none_or(|namespace| seen.object(&namespace).is_some() || !wanted.nodes.contains_key(&namespace))
}

/// Whether other objects show that a missing one was there.
fn was_there(at: &Address, wanted: &Wanted<Document>, seen: &Seen<ApiObject>) -> bool {
    let Some((namespace, name)) = at.name().split_once(['/', ':']) else { return false };
    let beside = |kind: &Kind, name: &str| at.beside(kind.word, format!("{namespace}/{name}"));
    let is_ours = |at: &Address| seen.object(at).is_some_and(|object| object.is_made_by(&wanted.owner));
    // Made from the manifest that is wanted now, so that what this names was made with it.
    let is_as_made = |at: &Address| {
        let document = wanted.nodes.get(at).and_then(|node| node.document.wanted());
        let made =
            seen.object(at).filter(|object| object.is_made_by(&wanted.owner)).and_then(ApiObject::made_from);
        document.is_some_and(|document| made == Some(document.manifest.fingerprint()))
    };
    let workloads: BTreeMap<&Address, &OfOwner> = wanted
        .nodes
        .iter()
        .filter(|(other, _)| {
            let is_workload = Kind::by_word(other.kind()).is_some_and(Kind::has_pods);
            is_workload && other.place() == at.place()
        })
        .filter(|(other, _)| other.name().split_once('/').is_some_and(|(of, _)| of == namespace))
        .filter_map(|(other, node)| Some((other, node.document.wanted()?)))
        .collect();
    match Kind::by_word(at.kind()) {
        Some(&kind::DEPLOYMENT | &kind::STATEFUL_SET) => {
            let named = |one: &OfOwner| mentioned(one.manifest.content());
            let alone = workloads.get(at).map(|one| named(one)).unwrap_or_default().into_iter();
            let alone =
                alone.filter(|text| workloads.values().filter(|one| named(one).contains(text)).count() == 1);
            let mut with: Vec<Address> = alone.map(|(kind, text)| beside(kind, &text)).collect();
            with.extend([beside(&kind::SERVICE, name), beside(&kind::DISRUPTION_BUDGET, name)]);
            with.push(beside(&kind::SERVICE, &format!("{name}-pods")));
            with.iter().any(is_ours)
        }
        Some(
            &kind::DISRUPTION_BUDGET
            | &kind::SERVICE_ACCOUNT
            | &kind::ROLE
            | &kind::ROLE_BINDING
            | &kind::CLUSTER_ROLE
            | &kind::CLUSTER_ROLE_BINDING,
        ) => [&kind::DEPLOYMENT, &kind::STATEFUL_SET].iter().any(|kind| is_as_made(&beside(kind, name))),
        Some(of @ (&kind::CONFIG_MAP | &kind::SECRET)) => workloads.iter().any(|(at, one)| {
            mentioned(one.manifest.content()).iter().any(|(kind, text)| *kind == of && text == name)
                && is_as_made(at)
        }),
        // Each namespace is made with these.
        Some(&kind::NETWORK_POLICY) => {
            ["names", "nothing"].contains(&name) && is_as_made(&at.beside(kind::NAMESPACE.word, namespace))
        }
        _ => false,
    }
}
