//! The ways to and from the pods of wanted objects: the policies that open them, and the services that lead to them.

use std::collections::BTreeMap;

use fmc_core::graph::Address;
use serde_json::{Map, Value};

use super::operated::{BROKERS, KAFKA, POSTGRES};
use crate::kind;
use crate::manifest::Manifest;
use crate::operated::{CNPG, STRIMZI};

/// The labels of pods of templates, and of jobs by the clock.
const LABELS: [&str; 2] =
    ["/spec/template/metadata/labels", "/spec/jobTemplate/spec/template/metadata/labels"];

/// The label of every namespace with its name.
const NAMESPACE: &str = "kubernetes.io/metadata.name";

/// The policies, services and disruption budgets of a cluster.
#[derive(Default)]
pub(super) struct Ways {
    policies: Selecting,
    /// The services and the disruption budgets.
    names: Selecting,
}

/// Objects by the pods that they select.
#[derive(Default)]
struct Selecting(BTreeMap<Key, Vec<Selector>>);

/// An object, and the labels of the pods that it selects.
type Selector = (Address, Map<String, Value>);

/// A namespace, and one of the labels of pods with its value.
type Key = (String, String, String);

impl Ways {
    /// Adds a wanted object, if it is one of these.
    pub(super) fn add(&mut self, manifest: &Manifest, at: &Address) {
        let (Some(namespace), content) = (manifest.namespace(), manifest.content()) else { return };
        match *manifest.kind() {
            kind::SERVICE => self.names.select(namespace, content.pointer("/spec/selector"), at),
            kind::DISRUPTION_BUDGET => {
                self.names.select(namespace, content.pointer("/spec/selector/matchLabels"), at);
            }
            kind::NETWORK_POLICY => {
                self.policies.select(namespace, content.pointer("/spec/podSelector/matchLabels"), at);
                // The other half of a connection lets in the pods that begin it.
                let rules = content.pointer("/spec/ingress").and_then(Value::as_array).into_iter().flatten();
                let peers = rules.filter_map(|rule| rule.get("from")?.as_array()).flatten();
                for peer in peers {
                    let within = match peer.get("namespaceSelector") {
                        None => Some(namespace),
                        Some(of) => of.get("matchLabels").and_then(|of| of.get(NAMESPACE)?.as_str()),
                    };
                    if let Some(within) = within {
                        self.policies.select(within, peer.pointer("/podSelector/matchLabels"), at);
                    }
                }
            }
            _ => {}
        }
    }

    /// The policies of the pods of a wanted object.
    pub(super) fn policies(&self, manifest: &Manifest, at: &Address) -> Vec<Address> {
        self.policies.of(manifest, at)
    }

    /// The services and the disruption budgets of the pods of a wanted object.
    pub(super) fn names(&self, manifest: &Manifest, at: &Address) -> Vec<Address> {
        self.names.of(manifest, at)
    }
}

impl Selecting {
    fn select(&mut self, namespace: &str, labels: Option<&Value>, at: &Address) {
        let Some(labels) = labels.and_then(Value::as_object) else { return };
        let first =
            labels.iter().next().and_then(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        if let Some((key, value)) = first {
            let all = self.0.entry((namespace.to_owned(), key, value)).or_default();
            all.push((at.clone(), labels.clone()));
        }
    }

    fn of(&self, manifest: &Manifest, at: &Address) -> Vec<Address> {
        let (Some(namespace), labels) = (manifest.namespace(), labels(manifest, at)) else {
            return Vec::new();
        };
        let all = labels.iter().filter_map(|(key, value)| {
            self.0.get(&(namespace.to_owned(), key.clone(), value.as_str()?.to_owned()))
        });
        let all = all
            .flatten()
            .filter(|(_, selected)| selected.iter().all(|(key, value)| labels.get(key) == Some(value)));
        all.map(|(way, _)| way.clone()).collect()
    }
}

/// The labels of the pods of a wanted object.
fn labels(manifest: &Manifest, at: &Address) -> Map<String, Value> {
    let content = manifest.content();
    let one = |key: &str, value: Option<&Value>| -> Map<String, Value> {
        value.map(|value| (key.to_owned(), value.clone())).into_iter().collect()
    };
    let name = Value::from(manifest.name());
    match at.kind() {
        POSTGRES => one(CNPG.label, Some(&name)),
        KAFKA => one(STRIMZI.label, Some(&name)),
        BROKERS => {
            let labels = content.pointer("/metadata/labels");
            one(STRIMZI.label, labels.and_then(|labels| labels.get(STRIMZI.label)))
        }
        _ => {
            let all = LABELS.iter().find_map(|pointer| content.pointer(pointer)?.as_object());
            all.cloned().unwrap_or_default()
        }
    }
}
