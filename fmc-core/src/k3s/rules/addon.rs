//! Objects that K3s applies when it starts: each is stated once.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::view::Cluster;
use crate::check::view::View;
use crate::finding::{At, Finding};
use crate::k3s::addon::{Addon, AddonProblem};
use crate::named::Keyed as _;

/// The namespace of an object that says none.
const DEFAULT: &str = "default";

/// K3s applies its files one after another, so that of two equal objects the later one wins.
pub(super) fn once(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<[&str; 4], String> = BTreeMap::new();
    let field = at.key("auto_deploy");
    for addon in cluster.draft.auto_deploy.iter() {
        let at = field.name(addon.name());
        for (index, object) in Addon::objects(addon).enumerate() {
            let Some(identity) = identity(object) else { continue };
            let at = at.index(index);
            match seen.get(&identity) {
                Some(first) => {
                    let [_, kind, _, name] = identity.map(str::to_owned);
                    findings.push(AddonProblem::Twice { kind, name, first: first.clone() }.at(at));
                }
                None => drop(seen.insert(identity, at.to_string())),
            }
        }
    }
}

/// The group, the kind, the namespace and the name of an object; `None` if one of them is missing.
fn identity(object: &Map<String, Value>) -> Option<[&str; 4]> {
    let metadata = object.get("metadata")?;
    let api = object.get("apiVersion").and_then(Value::as_str)?;
    let group = api.split_once('/').map_or("", |(group, _)| group);
    let kind = object.get("kind").and_then(Value::as_str)?;
    let namespace = metadata.get("namespace").and_then(Value::as_str).unwrap_or(DEFAULT);
    Some([group, kind, namespace, metadata.get("name").and_then(Value::as_str)?])
}
