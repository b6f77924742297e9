//! Objects that what stays needs: the policies, the names and the secret of a database that is kept with its data.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::graph::Address;
use serde_json::Value;

use super::mentions::closed;
use crate::kind;
use crate::object::ApiObject;
use crate::operated::{CNPG, STRIMZI};

/// The objects with data that nothing wants, by namespace: the name of each, and the name by which a person asks for it.
pub(super) type Kept = BTreeMap<String, Vec<(String, Arc<str>)>>;

/// The name by which a person asks for what needs this object, if that is kept.
pub(super) fn needed_by(at: &Address, object: &ApiObject, kept: &Kept) -> Option<Arc<str>> {
    let (namespace, name) = at.name().split_once('/')?;
    let all = kept.get(namespace)?;
    let value = object.value();
    let selected = match at.kind() {
        word if word == kind::NETWORK_POLICY.word => {
            if closed(at, namespace).contains(at) {
                return all.first().map(|(_, named)| Arc::clone(named));
            }
            value.pointer("/spec/podSelector/matchLabels")
        }
        word if word == kind::SERVICE.word => value.pointer("/spec/selector"),
        word if word == kind::SECRET.word => {
            let owner = |(data, _): &&(String, Arc<str>)| name == format!("{data}-owner");
            return all.iter().find(owner).map(|(_, named)| Arc::clone(named));
        }
        _ => None,
    };
    let label = |key: &str| selected.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let of = label(CNPG.label).or_else(|| label(STRIMZI.label))?;
    all.iter().find(|(data, _)| data == of).map(|(_, named)| Arc::clone(named))
}
