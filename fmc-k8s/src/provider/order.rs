//! What an object needs before it is made: its namespace, what its pods name, the definition of its kind, and its operator.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::graph::{Address, Carries, Edge};

use super::document::AwaitedObject;
use super::mentions::{PODS, closed, has_pods, mentioned};
use super::ways::Ways;
use super::{classes, operated, ready};
use crate::compare::plain;
use crate::kind::{self, Kind};
use crate::manifest::{Manifest, OPERATOR};

/// The definitions and the operators of a cluster's wanted objects.
#[derive(Default)]
pub(super) struct Order {
    /// The objects by kind and name, as `stateful-set/shop/db`, which a workload may need.
    objects: BTreeMap<String, (Address, Option<AwaitedObject>)>,
    /// The custom objects and the storage classes, which others stand on or are parts of.
    below: BTreeMap<Address, Manifest>,
    /// The address of a kind's definition, by group and kind, and its operator.
    definitions: BTreeMap<(String, String), (Address, Option<String>)>,
    operators: BTreeMap<String, Parts>,
    ways: Ways,
}

/// The objects of an operator.
#[derive(Default)]
struct Parts {
    pods: Vec<Address>,
    /// All others but those of custom kinds.
    others: Vec<Address>,
    awaited: Vec<AwaitedObject>,
}

impl Order {
    /// Of the wanted objects of a cluster.
    pub(super) fn of(manifests: &[Manifest], cluster: &str) -> Self {
        let mut order = Self::default();
        for manifest in manifests {
            let at = manifest.address(cluster);
            let operator = operator_of(manifest);
            let key = format!("{}/{}", manifest.kind().word, at.name());
            let what = format!("{}/{}, which it needs,", manifest.kind().word, manifest.name());
            order.ways.add(manifest, &at);
            order.objects.insert(key, (at.clone(), awaited(manifest, what)));
            if manifest.kind().is_custom() || *manifest.kind() == kind::STORAGE_CLASS {
                order.below.insert(at.clone(), manifest.clone());
            }
            if *manifest.kind() == kind::CUSTOM_RESOURCE_DEFINITION {
                let text = |pointer: &str| manifest.content().pointer(pointer).map(plain).unwrap_or_default();
                let key = (text("/spec/group"), text("/spec/names/kind"));
                order.definitions.insert(key, (at.clone(), operator.clone()));
            }
            let Some(name) = operator else { continue };
            let parts = order.operators.entry(name.clone()).or_default();
            match manifest.kind() {
                kind if kind.is_custom() => {}
                kind if kind.has_pods() => {
                    parts.awaited.extend(awaited(manifest, format!("its operator {name}")));
                    parts.pods.push(at);
                }
                _ => parts.others.push(at),
            }
        }
        order
    }

    /// The needs of a wanted object, and the operators that it waits for.
    pub(super) fn needs(
        &self,
        manifest: &Manifest,
        at: &Address,
        api: &Address,
    ) -> (Vec<Edge>, Arc<[AwaitedObject]>) {
        let mut all = near(manifest, at, api);
        let operator = operator_of(manifest).and_then(|name| self.operators.get(&name));
        // The parts of an operator are its ways too, and it waits for no policy of what it operates.
        if operator.is_none() {
            all.extend(self.ways.policies(manifest, at));
        }
        let is_pods = manifest.kind().has_pods();
        all.extend(operator.iter().filter(|_| is_pods).flat_map(|parts| parts.others.iter().cloned()));
        let mut all_awaited: Vec<AwaitedObject> = Vec::new();
        let Kind { group, name, .. } = *manifest.kind();
        if let Some((definition, operator)) = self.definitions.get(&(group.to_owned(), name.to_owned())) {
            all.push(definition.clone());
            if let Some(parts) = operator.as_ref().and_then(|name| self.operators.get(name)) {
                all.extend(parts.pods.iter().chain(&parts.others).cloned());
                all_awaited.extend(parts.awaited.iter().cloned());
            }
        }
        for to in self.first(manifest, at) {
            // The volumes of its pods are made once the pool of their class has its disks.
            let class = self.below.get(&to).filter(|class| *class.kind() == kind::STORAGE_CLASS);
            let pool = class.and_then(|class| classes::below(&to, class.content()));
            all_awaited.extend(pool.and_then(|pool| self.known(&pool)?.1.clone()));
            all.push(to);
        }
        for needed in &manifest.needs {
            if let Some((to, awaited)) = self.objects.get(needed) {
                all.push(to.clone());
                all_awaited.extend(awaited.clone());
            }
        }
        let edge = |to: Address| Edge { to, carries: Carries::Exists };
        let all: BTreeMap<Address, Edge> =
            all.into_iter().filter(|to| to != at).map(|to| (to.clone(), edge(to))).collect();
        (all.into_values().collect(), all_awaited.into())
    }

    /// The objects by which others reach the pods of a wanted one: they go along with it, and it does not wait for them.
    pub(super) fn along(&self, manifest: &Manifest, at: &Address) -> Arc<[Address]> {
        self.ways.names(manifest, at).into()
    }

    /// The objects of the cloud that a wanted one is made of or stands on: the class of its volumes, the pool of a class, what its operator reads.
    fn first(&self, manifest: &Manifest, at: &Address) -> Vec<Address> {
        let classes =
            if classes::has_volumes(manifest) { classes::named(manifest.content()) } else { Vec::new() };
        let classes = classes.into_iter().map(|name| at.beside(kind::STORAGE_CLASS.word, name));
        let is_class = *manifest.kind() == kind::STORAGE_CLASS;
        let pool = is_class.then(|| classes::below(at, manifest.content())).flatten();
        let all = classes.chain(pool).chain(operated::first(manifest, at, &self.below));
        all.filter(|to| self.known(to).is_some()).collect()
    }

    /// A wanted object by its address.
    fn known(&self, at: &Address) -> Option<&(Address, Option<AwaitedObject>)> {
        self.objects.get(&format!("{}/{}", at.kind(), at.name()))
    }
}

/// A wanted object as one that others wait for; `None` if it is not waited for, or does not tell whether it is ready.
fn awaited(manifest: &Manifest, what: String) -> Option<AwaitedObject> {
    let kind = manifest.kind();
    let within = manifest.ready_within.filter(|_| ready::tells(kind))?;
    let namespace = manifest.namespace().map(str::to_owned);
    Some(AwaitedObject { what, kind, namespace, name: manifest.name().to_owned(), within })
}

fn operator_of(manifest: &Manifest) -> Option<String> {
    manifest.content().pointer("/metadata/labels")?.get(OPERATOR).map(plain)
}

/// An object needs its namespace, and a workload its texts, its secrets, its account and the policies that close its namespace; a namespace
/// needs the API.
fn near(manifest: &Manifest, at: &Address, api: &Address) -> Vec<Address> {
    let Some(namespace) = manifest.namespace() else { return vec![api.clone()] };
    let named = mentioned(manifest.content()).into_iter();
    let named = named.map(|(kind, name)| at.beside(kind.word, format!("{namespace}/{name}")));
    let first = at.beside(kind::NAMESPACE.word, namespace);
    let class = PODS.iter().find_map(|at| manifest.content().pointer(at)?.get("priorityClassName"));
    let class = class.map(|class| at.beside(kind::PRIORITY_CLASS.word, plain(class)));
    let closed = if has_pods(manifest.content()) { closed(at, namespace).to_vec() } else { Vec::new() };
    std::iter::once(first).chain(named).chain(class).chain(closed).collect()
}
