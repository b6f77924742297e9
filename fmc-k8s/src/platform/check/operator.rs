//! The rules of operators and of what their files have. The server judges the rest.

use std::collections::BTreeSet;

use fmc_core::role::RoleFindings;

use super::value::wrong;
use super::{RIGHTS, TWICE, UNPINNED, account};
use crate::compile::operator::scopes;
use crate::kind::{CLAIM, CLUSTER_ROLE, CLUSTER_ROLE_BINDING, Kind, ROLE, ROLE_BINDING, SECRET};
use crate::manifest::{Manifest, NotAManifest};
use crate::operator::{Operator, OperatorObject, Scopes};
use crate::platform::Platform;

/// The values by themselves.
pub(super) fn values(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let scopes = scopes(platform);
    for (index, operator) in platform.operators.iter().enumerate() {
        findings.part(&format!("operators[{index}]"), |findings| {
            findings.leaf("name", &operator.name);
            super::optional("namespace", operator.namespace.as_ref(), findings);
            if operator.files.is_empty() && operator.manifests.is_empty() {
                let message = format!("the operator {} has no files", operator.name);
                wrong("files", findings, message, "name the files that its project publishes");
            }
            for (path, why) in operator.unread() {
                let help = match why.contains(": document ") {
                    true => "take the file again as its project publishes it, or mend that line",
                    false => "name a file of YAML, by its path from the folder of the cloud's file",
                };
                wrong(&path, findings, why, help);
            }
            for object in operator.objects() {
                findings.part(&object.source, |findings| judged(operator, &object, &scopes, findings));
            }
        });
    }
}

/// One document.
fn judged(
    operator: &Operator,
    object: &OperatorObject<'_>,
    scopes: &Scopes,
    findings: &mut RoleFindings<'_>,
) {
    let spoken = object.spoken();
    let wrong = |findings: &mut RoleFindings<'_>, message: String, help: &str| {
        findings.find(&super::VALUE, message, help);
    };
    let placed = operator.placed(object.value, scopes);
    let manifest = match Manifest::of_value(placed) {
        Ok(manifest) => manifest,
        Err(why) => {
            let help = match &why {
                NotAManifest::Namespace(_) => {
                    "say `namespace` of the operator: it is for objects that do not say theirs"
                }
                _ => "name a file of objects in the form of the API, as `kubectl apply` takes it",
            };
            return wrong(findings, format!("{spoken}: {why}"), help);
        }
    };
    if *manifest.kind() == CLAIM {
        let help = "write it as a claim of a set, below `stateful_sets`: then its data outlives it until you say otherwise";
        return wrong(findings, format!("{spoken}: a claim is not an object here"), help);
    }
    let has_bytes =
        ["data", "stringData"].iter().any(|key| object.value.get(key).is_some_and(|data| !data.is_null()));
    if *manifest.kind() == SECRET && has_bytes {
        let help =
            "take it out of the file: fmc makes secrets from the root key, and a file has no bytes of one";
        return wrong(findings, format!("{spoken}: a Secret with bytes is not an object here"), help);
    }
    if [ROLE, CLUSTER_ROLE, ROLE_BINDING, CLUSTER_ROLE_BINDING].contains(manifest.kind()) {
        for more in account::more(object.value, *manifest.kind() == CLUSTER_ROLE) {
            let help = "read what its project says of it, and accept this with the reason";
            findings.find(&RIGHTS, format!("{spoken}: {more}"), help);
        }
    }
}

/// The rules that need the rest of the platform. All leaves are right.
pub(super) fn together(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let mut names = BTreeSet::new();
    for (index, operator) in platform.operators.iter().enumerate() {
        if !names.insert(operator.name.to_string()) {
            findings.part(&format!("operators[{index}]"), |findings| {
                let message = format!("the operator {} is there twice", operator.name);
                findings.find(&TWICE, message, "give one of them another name");
            });
        }
    }
    for (document, used) in platform.images_of_operators() {
        if used.pinned.is_some() {
            continue;
        }
        findings.part(&used.path, |findings| {
            let image = used.image;
            let message = format!("{document}: the image {image} of {} has no digest", used.container);
            let help =
                "`images pin` asks its registry for the digest, or accept it: its project publishes it so";
            findings.find(&UNPINNED, message, help);
        });
    }
    scope(platform, findings);
}

/// A custom object stands where the definition of its kind says, if the cloud has that.
fn scope(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let scopes = scopes(platform);
    let of = |api: &str, kind: &str| {
        let group = api.split_once('/').map_or("", |(group, _)| group);
        scopes.get(&(group.to_owned(), kind.to_owned())).copied().filter(|_| Kind::of(api, kind).is_none())
    };
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        for (at, object) in namespace.objects.iter().enumerate() {
            if of(object.api(), object.kind()) == Some(false) {
                let message = format!("{} is of the whole cluster", object.kind());
                let path = format!("namespaces[{index}].objects[{at}].kind");
                wrong(&path, findings, message, "write the object below `objects` of the platform");
            }
        }
    }
    for (at, object) in platform.objects.iter().enumerate() {
        match (of(object.api(), object.kind()), object.namespace()) {
            (Some(true), None) => {
                let message = format!("{} is in a namespace", object.kind());
                let help = "write the object below `objects` of its namespace, or say its namespace";
                wrong(&format!("objects[{at}].metadata"), findings, message, help);
            }
            (Some(false), Some(_)) => {
                let message = format!("{} is of the whole cluster, and in no namespace", object.kind());
                wrong(&format!("objects[{at}].metadata.namespace"), findings, message, "leave it out");
            }
            _ => {}
        }
    }
}
