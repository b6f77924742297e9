//! Storage classes: the claims of each, and the pool of a Ceph below it.

use std::collections::BTreeMap;

use fmc_core::count::counted;
use fmc_core::finding::NameList;
use fmc_core::graph::Address;
use serde_json::Value;

use super::observe::list;
use super::{Document, Refusal};
use crate::kind::{CLAIM, Kind, STATEFUL_SET, STORAGE_CLASS};
use crate::link::ApiLink;
use crate::manifest::{self, Manifest};
use crate::object::ApiObject;

/// The end of the names of Ceph's drivers of volumes (*Block Storage* and *Shared Filesystem* of Rook).
const DRIVERS: [(&str, &str, &str); 2] = [
    (".rbd.csi.ceph.com", "/parameters/pool", "cephblockpool.ceph.rook.io"),
    (".cephfs.csi.ceph.com", "/parameters/fsName", "cephfilesystem.ceph.rook.io"),
];

/// The kinds by name whose fields name a class in other words than `storageClassName` and `storageClass`.
const POOLS: &str = "KafkaNodePool";

/// Claims stand on their class, or the objects that own them do, and so do sets and databases; a class stands on its pool. The claims of other hands are noted with a
/// class that would go.
pub(super) async fn stand(
    link: &dyn ApiLink,
    is_going: impl Fn(&Address, &ApiObject) -> bool,
    there: &mut BTreeMap<Address, ApiObject>,
) -> Result<(), Refusal> {
    let classes = there.iter_mut().filter(|(at, _)| at.kind() == STORAGE_CLASS.word);
    let mut going = BTreeMap::new();
    for (at, class) in classes {
        class.stands_on.extend(below(at, &class.value));
        if is_going(at, class) {
            going.insert(at.name().to_owned(), at.clone());
        }
    }
    if going.is_empty() {
        return Ok(());
    }
    // What an operator makes volumes for asks for further ones of the class.
    for (at, object) in there.iter_mut() {
        let is_set = at.kind() == STATEFUL_SET.word || Kind::by_word(at.kind()).is_none();
        let names = if is_set { named(&object.value) } else { Vec::new() };
        let classes: Vec<Address> = names.iter().filter_map(|name| going.get(*name)).cloned().collect();
        object.stands_on.extend(classes);
    }
    for claim in list(link, &CLAIM.path(None), None).await? {
        let text = |pointer: &str| claim.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let Some(class) = going.get(text("/spec/storageClassName")) else { continue };
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        let at = class.beside(CLAIM.word, format!("{namespace}/{name}"));
        let owners = owners(&claim, class, namespace);
        let user = std::iter::once(at).chain(owners).find(|at| there.contains_key(at));
        match user.and_then(|user| there.get_mut(&user)) {
            Some(user) if !user.stands_on.contains(class) => user.stands_on.push(class.clone()),
            Some(_) => {}
            None => {
                if let Some(class) = there.get_mut(class) {
                    class.foreign.push(format!("{namespace}/{name}"));
                }
            }
        }
    }
    Ok(())
}

/// The owners of a claim: it goes with them.
fn owners(claim: &Value, beside: &Address, namespace: &str) -> Vec<Address> {
    let all = claim.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let each = all.into_iter().flatten().filter_map(|owner| {
        let text = |key: &str| owner.get(key).and_then(Value::as_str);
        let (api, name) = (text("apiVersion")?, text("kind")?);
        let kind = Kind::of(api, name).or_else(|| Kind::custom(api, name, true))?;
        let cluster = beside.place().name().unwrap_or_default();
        Some(manifest::address(cluster, kind, Some(namespace), text("name")?))
    });
    each.collect()
}

/// The claims of other hands that have one of these classes now, as `shop/data`.
pub(super) async fn claims(link: &dyn ApiLink, class: &str) -> Result<Vec<String>, Refusal> {
    let all = list(link, &CLAIM.path(None), None).await?.into_iter().filter(|claim| {
        let is_owned = claim.pointer("/metadata/ownerReferences").is_some();
        let is_leaving = claim.pointer("/metadata/deletionTimestamp").is_some();
        let of = claim.pointer("/spec/storageClassName").and_then(Value::as_str);
        of == Some(class) && !is_owned && !is_leaving
    });
    let named = all.map(|claim| {
        let text =
            |pointer: &str| claim.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        format!("{}/{}", text("/metadata/namespace"), text("/metadata/name"))
    });
    Ok(named.collect())
}

/// The reason why a class stays.
pub(super) fn has_claims(claims: &[String]) -> String {
    let its = if claims.len() == 1 { "it" } else { "them" };
    format!(
        "{} of it that fmc did not make ({}): delete {its}, or move the data to another class, and apply again",
        counted(claims.len(), "claim"),
        super::data::named(claims)
    )
}

/// The wanted objects whose volumes have this class.
pub(super) fn users(class: &str, wanted: &BTreeMap<&Address, &Document>) -> Vec<String> {
    let all = wanted.iter().filter(|(_, document)| {
        let manifest = document.wanted().map(|wanted| &wanted.manifest);
        manifest.is_some_and(|one| has_volumes(one) && named(one.content()).contains(&class))
    });
    all.map(|(at, _)| at.short().to_string()).collect()
}

/// Whether an object can name the class of volumes: a set, a claim, or one of an operator's kinds.
pub(super) fn has_volumes(manifest: &Manifest) -> bool {
    let kind = manifest.kind();
    kind.is_custom() || [STATEFUL_SET, CLAIM].contains(kind)
}

/// The reason why a class stays that wanted objects name.
pub(super) fn is_named(by: &[String]) -> String {
    let (name, their) = if by.len() == 1 { ("names", "its") } else { ("name", "their") };
    format!(
        "{} of the cloud {name} it as the class of {their} volumes: it stays with all below it, also with `--delete-data`",
        NameList::new(by)
    )
}

/// The pool of a class of Ceph's volumes.
pub(super) fn below(class: &Address, content: &Value) -> Option<Address> {
    let text = |pointer: &str| content.pointer(pointer).and_then(Value::as_str);
    let (_, pointer, word) =
        DRIVERS.iter().find(|(end, ..)| text("/provisioner").is_some_and(|name| name.ends_with(end)))?;
    Some(class.beside(word, format!("{}/{}", text("/parameters/clusterID")?, text(pointer)?)))
}

/// The names of the classes that the volumes of a wanted object have.
pub(super) fn named(content: &Value) -> Vec<&str> {
    let mut all = Vec::new();
    let is_kafka = content.get("kind").and_then(Value::as_str) == Some(POOLS);
    if let Some(spec) = content.get("spec") {
        collect(spec, is_kafka, &mut all);
    }
    all
}

fn collect<'a>(value: &'a Value, is_kafka: bool, all: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(name)
                        if matches!(&**key, "storageClassName" | "storageClass")
                            || (is_kafka && key == "class") =>
                    {
                        all.push(name);
                    }
                    value => collect(value, is_kafka, all),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, is_kafka, all)),
        _ => {}
    }
}
