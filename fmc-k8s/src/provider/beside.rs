//! Objects that what stays needs: the policies, the names and the secret of a database that is kept with its data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::graph::Address;
use serde_json::Value;

use super::mentions::closed;
use crate::kind;
use crate::object::ApiObject;
use crate::operated::{CNPG, STRIMZI};

/// The objects with data that nothing wants, by namespace: the name of each, and the name by which a person asks for it.
pub(super) type Kept = BTreeMap<String, Vec<(String, Arc<str>)>>;

/// The names by which a person asks for what needs this object, of what is kept. Each is there once.
pub(super) fn needed_by(at: &Address, object: &ApiObject, kept: &Kept) -> Vec<Arc<str>> {
    let all = at.name().split_once('/').and_then(|(namespace, _)| kept.get(namespace));
    let all = all.into_iter().flatten().filter(|(data, _)| serves(at, object, data));
    all.map(|(_, named)| Arc::clone(named)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether an object serves another one of its namespace that holds data and has this name: a policy of its pods, their names, its secret.
pub(super) fn serves(at: &Address, object: &ApiObject, data: &str) -> bool {
    let Some((namespace, name)) = at.name().split_once('/') else { return false };
    let value = object.value();
    let selected = match at.kind() {
        word if word == kind::NETWORK_POLICY.word => {
            if closed(at, namespace).contains(at) {
                return true;
            }
            value.pointer("/spec/podSelector/matchLabels")
        }
        word if word == kind::SERVICE.word => value.pointer("/spec/selector"),
        word if word == kind::SECRET.word => return name.strip_suffix("-owner") == Some(data),
        _ => None,
    };
    let label = |key: &str| selected.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    label(CNPG.label).or_else(|| label(STRIMZI.label)) == Some(data)
}
