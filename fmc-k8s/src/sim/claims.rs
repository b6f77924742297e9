//! The volumes of stateful sets, as their controller and the server's admission treat them.

use serde_json::{Value, json};

use super::{Key, Response, State, apply, status};
use crate::compare::plain;
use crate::kind::CLAIM;
use crate::manifest::APP;
use crate::quantity;
use crate::stateful::LOCAL_PATH;

/// The fields of a set that can change in one that exists.
const MUTABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// The refusal of a manifest that changes others (`ValidateStatefulSetUpdate`).
pub(super) fn kept(there: &Value, manifest: &Value) -> Option<Response> {
    let fields = manifest.get("spec").and_then(Value::as_object)?;
    let changes = |(key, value): (&String, &Value)| {
        !MUTABLE.contains(&key.as_str()) && there.pointer(&format!("/spec/{key}")) != Some(value)
    };
    let message = "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                   'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are \
                   forbidden";
    let cause = json!({ "reason": "FieldValueForbidden", "field": "spec", "message": message });
    fields.iter().any(changes).then(|| status(422, "Invalid", format!("spec: {message}"), vec![cause]))
}

/// Makes the claims of a set's pods that are not there.
pub(super) fn make(state: &mut State, set: &Key, object: &Value) {
    let pods = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let templates = object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    for template in templates.into_iter().flatten() {
        for pod in 0..pods {
            let name = template.pointer("/metadata/name").map(plain).unwrap_or_default();
            let key = (CLAIM.word, set.1.clone(), format!("{name}-{}-{pod}", set.2));
            if state.objects.contains_key(&key) {
                continue;
            }
            let mut labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
            if let Some(labels) = labels.as_object_mut() {
                labels.insert(APP.to_owned(), json!(set.2));
            }
            // The server's admission names the default class (`DefaultStorageClass`).
            let mut spec = template.get("spec").cloned().unwrap_or_else(|| json!({}));
            if let Some(spec) = spec.as_object_mut() {
                spec.entry("storageClassName").or_insert_with(|| json!(LOCAL_PATH));
            }
            let claim = json!({
                "apiVersion": CLAIM.api(), "kind": CLAIM.name, "spec": spec,
                "metadata": { "name": key.2, "namespace": key.1, "labels": labels },
            });
            let claim = apply::written(state, &key, claim, "kube-controller-manager");
            state.objects.insert(key, claim);
        }
    }
}

/// The refusal of a change of a claim's size, which its class must allow: that of K3s does not.
pub(super) fn refused(key: &Key, before: &Value, after: &Value) -> Option<Response> {
    if key.0 != CLAIM.word {
        return None;
    }
    let size = |claim: &Value| {
        let size = claim.pointer("/spec/resources/requests/storage").map(plain).unwrap_or_default();
        quantity::canonical(&size)
    };
    if size(after) < size(before) {
        let why = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity";
        return Some(status(422, "Invalid", why.to_owned(), Vec::new()));
    }
    let class = before.pointer("/spec/storageClassName").map(plain);
    let is_fixed = class.is_none_or(|class| class == LOCAL_PATH);
    (size(after) > size(before) && is_fixed).then(|| {
        let why = format!(
            "persistentvolumeclaims \"{}\" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that \
             provisions the pvc must support resize",
            key.2
        );
        status(403, "Forbidden", why, Vec::new())
    })
}
