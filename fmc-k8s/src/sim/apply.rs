//! Server-side apply: merging by managers, conflicts, defaults.

use serde_json::{Map, Value, json};

use super::claims;
use super::fields::{entry_key, keys, of_manifest, without};
use super::{Key, Response, State, Target, custom, good, kind_of, not_found, status};
use crate::kind::{
    CUSTOM_RESOURCE_DEFINITION, DAEMON_SET, DEPLOYMENT, JOB, Kind, NAMESPACE, SERVICE, STATEFUL_SET,
    STORAGE_CLASS,
};

/// Applies a manifest by the manager that the query names.
pub(super) fn apply(state: &mut State, target: &Target, mut manifest: Value) -> Response {
    let key = target.key();
    let kind = target.kind;
    let namespace = (NAMESPACE.word, String::new(), key.1.clone());
    if kind.is_namespaced && !state.objects.contains_key(&namespace) {
        return not_found(&NAMESPACE, &key.1);
    }
    let manager = target.query.get("fieldManager").cloned().unwrap_or_default();
    let is_forced = target.query.get("force").is_some_and(|force| force == "true");
    let there = state.objects.get(&key).cloned();
    // Only an object that is there has a version (`Store.Update` of the API server).
    let metadata = manifest.get_mut("metadata").and_then(Value::as_object_mut);
    if let (Some(version), Some(there)) = (metadata.and_then(|all| all.remove("resourceVersion")), &there)
        && there.pointer("/metadata/resourceVersion") != Some(&version)
    {
        let message = format!("Operation cannot be fulfilled on {}: the object has been modified", key.2);
        return status(409, "Conflict", message, Vec::new());
    }
    let manifest = defaulted_entries(kind, "", manifest);
    let ours = of_manifest(kind, &manifest);
    let entries = |object: &Value| {
        object.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let is_ours = |entry: &Value| {
        entry.get("manager") == Some(&json!(manager)) && entry.get("operation") == Some(&json!("Apply"))
    };
    let mut next = match &there {
        None => json!({ "apiVersion": kind.api(), "kind": kind.name, "metadata": { "name": key.2 } }),
        Some(there) => {
            if !is_forced
                && let Some(response) = conflicts(kind, there, &manifest, &ours, &entries(there), &is_ours)
            {
                return response;
            }
            let selector = manifest.pointer("/spec/selector");
            if *kind == DEPLOYMENT && selector.is_some() && selector != there.pointer("/spec/selector") {
                let cause = json!({ "reason": "FieldValueInvalid", "field": "spec.selector", "message": "Invalid value: field is immutable" });
                return status(422, "Invalid", "spec.selector: field is immutable".to_owned(), vec![cause]);
            }
            if let (Some(role), Some(there)) = (manifest.get("roleRef"), there.get("roleRef"))
                && role != there
            {
                // `ValidateRoleBindingUpdate`.
                let message = "Invalid value: cannot change roleRef";
                let cause = json!({ "reason": "FieldValueInvalid", "field": "roleRef", "message": message });
                return status(422, "Invalid", format!("roleRef: {message}"), vec![cause]);
            }
            if let Some(refused) = (*kind == STORAGE_CLASS).then(|| kept_class(there, &manifest)).flatten() {
                return refused;
            }
            if *kind == STATEFUL_SET
                && let Some(refused) = claims::kept(there, &manifest)
            {
                return refused;
            }
            there.clone()
        }
    };
    // What was ours and is not in the manifest any more goes, unless another has it too.
    for entry in there.iter().flat_map(entries).filter(|entry| is_ours(entry)) {
        let others: Vec<Value> = there.iter().flat_map(entries).filter(|entry| !is_ours(entry)).collect();
        let mut left = entry.get("fieldsV1").and_then(|fields| without(fields, &ours));
        for other in &others {
            left = left.and_then(|left| {
                other.get("fieldsV1").map_or(Some(left.clone()), |fields| without(&left, fields))
            });
        }
        if let Some(left) = left {
            take_away(kind, "", &mut next, &left);
        }
    }
    merge(kind, "", &mut next, &manifest);
    if let Some(refused) = there.as_ref().filter(|_| *kind == JOB).and_then(|there| kept(there, &next)) {
        return refused;
    }
    let mut managers: Vec<Value> = there.iter().flat_map(entries).collect();
    if is_forced {
        // What another one decided with another value is ours now.
        let taken = of_manifest(kind, &changed(kind, "", there.as_ref(), &next));
        managers.iter_mut().filter(|entry| !is_ours(entry)).for_each(|entry| give_up(entry, &taken));
    }
    let own = json!({ "manager": manager, "operation": "Apply", "apiVersion": kind.api(), "fieldsType": "FieldsV1", "fieldsV1": ours });
    match managers.iter_mut().find(|entry| is_ours(entry)) {
        Some(entry) => *entry = own,
        None => managers.push(own),
    }
    next = defaulted(kind, next);
    if *kind == CUSTOM_RESOURCE_DEFINITION
        && let Some(refused) = custom::store(there.as_ref(), &mut next)
    {
        return refused;
    }
    if let Some(metadata) = next.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("managedFields".to_owned(), Value::Array(managers));
    }
    let changed = there.as_ref().is_none_or(|there| *there != next);
    let next = if changed { stamped(state, &key, next, there.as_ref()) } else { next };
    if !target.is_dry() && changed {
        if *kind == STATEFUL_SET {
            claims::make(state, &key, &next);
        }
        state.objects.insert(key, next.clone());
    }
    good(next)
}

/// An object as another manager writes it: the fields that it changes are the manager's.
pub(super) fn written(state: &mut State, key: &Key, object: Value, manager: &str) -> Value {
    let Some(kind) = kind_of(&object) else { return object };
    let mut next = defaulted(kind, defaulted_entries(kind, "", object));
    let there = state.objects.get(key).cloned();
    let fields = of_manifest(kind, &changed(kind, "", there.as_ref(), &next));
    let is_update = |entry: &Value| {
        entry.get("manager") == Some(&json!(manager)) && entry.get("operation") == Some(&json!("Update"))
    };
    let entries =
        there.as_ref().and_then(|there| there.pointer("/metadata/managedFields")).and_then(Value::as_array);
    let mut managers: Vec<Value> =
        entries.into_iter().flatten().filter(|entry| !is_update(entry)).cloned().collect();
    let takes_some = fields.as_object().is_some_and(|fields| !fields.is_empty());
    managers.iter_mut().filter(|_| takes_some).for_each(|entry| give_up(entry, &fields));
    if takes_some {
        managers.push(json!({ "manager": manager, "operation": "Update", "apiVersion": kind.api(), "fieldsType": "FieldsV1", "fieldsV1": fields }));
    }
    if let Some(metadata) = next.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("managedFields".to_owned(), Value::Array(managers));
    }
    stamped(state, key, next, there.as_ref())
}

/// Takes fields from a manager, by its entry.
fn give_up(entry: &mut Value, fields: &Value) {
    let left = entry.get("fieldsV1").and_then(|own| without(own, fields)).unwrap_or_else(|| json!({}));
    if let Some(entry) = entry.as_object_mut() {
        entry.insert("fieldsV1".to_owned(), left);
    }
}

/// The parts of an object that differ from the one before; of a list that is merged, the entries that do.
fn changed(kind: &Kind, name: &str, before: Option<&Value>, after: &Value) -> Value {
    match (before, after, keys(kind, name)) {
        (Some(Value::Object(before)), Value::Object(after), _) => {
            let differing = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
            let parts =
                differing.map(|(key, value)| (key.clone(), changed(kind, key, before.get(key), value)));
            // A list that lost an entry and nothing else has no field that somebody writes.
            let says = |part: &Value| *part != json!([]) && *part != json!({});
            Value::Object(parts.filter(|(_, part)| says(part)).collect())
        }
        (Some(Value::Array(before)), Value::Array(after), Some(keys)) => {
            let differing = after.iter().filter(|entry| !before.contains(entry));
            let entries = differing.filter_map(|entry| {
                let of = |one: &&Value| entry_key(one, keys) == entry_key(entry, keys);
                let mut part = changed(kind, "", before.iter().find(of), entry);
                // One that lost a part and nothing else has no field that somebody writes either.
                if part == json!({}) {
                    return None;
                }
                // An entry is known by its keys.
                if let (Some(part), Some(entry)) = (part.as_object_mut(), entry.as_object()) {
                    part.extend(
                        keys.iter().filter_map(|key| Some(((*key).to_owned(), entry.get(*key)?.clone()))),
                    );
                }
                Some(part)
            });
            Value::Array(entries.collect())
        }
        _ => after.clone(),
    }
}

/// With a version, and with what the server and the controllers count and report.
fn stamped(state: &mut State, key: &Key, mut object: Value, before: Option<&Value>) -> Value {
    state.version += 1;
    let spec_changed = before.and_then(|before| before.get("spec")) != object.get("spec");
    let generation = before
        .and_then(|before| before.pointer("/metadata/generation"))
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let generation = generation + u64::from(spec_changed);
    let uid = before.and_then(|before| before.pointer("/metadata/uid")).cloned();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".to_owned(), json!(state.version.to_string()));
        metadata.insert("uid".to_owned(), uid.unwrap_or_else(|| json!(format!("uid-{}", state.version))));
        metadata.insert("generation".to_owned(), json!(generation));
        if !key.1.is_empty() {
            metadata.insert("namespace".to_owned(), json!(key.1));
        }
    }
    if key.0 == CUSTOM_RESOURCE_DEFINITION.word {
        custom::establish(&mut object);
    }
    state.report(key, &mut object);
    if [DEPLOYMENT.word, STATEFUL_SET.word, DAEMON_SET.word, JOB.word].contains(&key.0) {
        let why = state.broken.get(&format!("{}/{}", key.1, key.2));
        status_of_pods(key.0, &mut object, why.map(String::as_str));
    }
    object
}

/// Writes the status of a deployment, as `shop/web`, again.
pub(super) fn report(state: &mut State, deployment: &str) {
    let Some((namespace, name)) = deployment.split_once('/') else { return };
    let why = state.broken.get(deployment).cloned();
    for kind in [DEPLOYMENT.word, STATEFUL_SET.word, DAEMON_SET.word, JOB.word] {
        if let Some(object) = state.objects.get_mut(&(kind, namespace.to_owned(), name.to_owned())) {
            status_of_pods(kind, object, why.as_deref());
        }
    }
}

/// The fields that a class keeps (`ValidateStorageClassUpdate`). The server fills in the policy where nothing is said.
fn kept_class(there: &Value, manifest: &Value) -> Option<Response> {
    let policy = json!("Delete");
    let of = |object: &Value, field: &str| match object.get(field) {
        None if field == "reclaimPolicy" => policy.clone(),
        value => value.cloned().unwrap_or_default(),
    };
    let fields = ["parameters", "provisioner", "reclaimPolicy"];
    let differ = fields.into_iter().filter(|field| of(there, field) != of(manifest, field));
    let causes: Vec<Value> = differ
        .map(|field| {
            let message = format!("Forbidden: updates to {field} are forbidden.");
            json!({ "reason": "FieldValueForbidden", "field": field, "message": message })
        })
        .collect();
    (!causes.is_empty()).then(|| status(422, "Invalid", "the class keeps its fields".to_owned(), causes))
}

/// The fields that a job keeps (`ValidateJobUpdate`).
fn kept(there: &Value, next: &Value) -> Option<Response> {
    let field = ["template", "completions", "selector"].into_iter().find(|field| {
        let at = format!("/spec/{field}");
        there.pointer(&at).is_some() && there.pointer(&at) != next.pointer(&at)
    })?;
    let (field, message) = (format!("spec.{field}"), "Invalid value: field is immutable");
    let cause = json!({ "reason": "FieldValueInvalid", "field": field, "message": message });
    Some(status(422, "Invalid", format!("{field}: {message}"), vec![cause]))
}

/// The report of a job's controller: it has run to its end, or failed for a reason; it runs if the reason is empty.
fn status_of_job(why: Option<&str>) -> Value {
    let is = |kind: &str, why: &str| json!([{ "type": kind, "status": "True", "message": why }]);
    match why {
        None => json!({ "succeeded": 1, "conditions": is("Complete", "") }),
        Some("") => json!({ "active": 1 }),
        Some(why) => json!({ "failed": 1, "conditions": is("Failed", why) }),
    }
}

/// The controller's report: all pods are ready, or none is for a reason.
fn status_of_pods(kind: &str, object: &mut Value, why: Option<&str>) {
    if kind == JOB.word {
        object.as_object_mut().map(|map| map.insert("status".to_owned(), status_of_job(why)));
        return;
    }
    let generation = object.pointer("/metadata/generation").cloned().unwrap_or_default();
    if kind == DAEMON_SET.word {
        let status = json!({ "observedGeneration": generation, "desiredNumberScheduled": 1,
            "updatedNumberScheduled": 1, "numberAvailable": u8::from(why.is_none()) });
        object.as_object_mut().map(|map| map.insert("status".to_owned(), status));
        return;
    }
    let replicas = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let available = if why.is_some() { 0 } else { replicas };
    let failure = why.filter(|why| !why.is_empty());
    let failure = failure.map(|why| json!([{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": why }]));
    if let Some(map) = object.as_object_mut() {
        map.insert(
            "status".to_owned(),
            json!({ "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
                "availableReplicas": available, "conditions": failure.unwrap_or_else(|| json!([])) }),
        );
    }
}

/// The fields of a manifest that others decide, with another value.
fn conflicts(
    kind: &Kind,
    there: &Value,
    manifest: &Value,
    ours: &Value,
    entries: &[Value],
    is_ours: &impl Fn(&Value) -> bool,
) -> Option<Response> {
    let mut causes = Vec::new();
    for entry in entries.iter().filter(|entry| !is_ours(entry)) {
        let manager = entry.get("manager").and_then(Value::as_str).unwrap_or_default();
        if let Some(fields) = entry.get("fieldsV1") {
            clash(kind, "", "", (there, manifest), (ours, fields), &mut |field| {
                causes.push(json!({ "reason": "FieldManagerConflict", "field": field,
                    "message": format!("conflict with \"{manager}\" using {}", kind.api()) }));
            });
        }
    }
    let count = causes.len();
    (count > 0).then(|| status(409, "Conflict", format!("Apply failed with {count} conflicts"), causes))
}

/// The fields that both have, and that differ.
fn clash(
    kind: &Kind,
    name: &str,
    path: &str,
    (there, wanted): (&Value, &Value),
    (ours, theirs): (&Value, &Value),
    tell: &mut impl FnMut(String),
) {
    let (Some(ours), Some(theirs)) = (ours.as_object(), theirs.as_object()) else { return };
    if ours.is_empty() && theirs.is_empty() {
        if there != wanted {
            tell(path.to_owned());
        }
        return;
    }
    for (key, ours) in ours {
        let Some(theirs) = theirs.get(key) else { continue };
        if let Some(field) = key.strip_prefix("f:") {
            if let (Some(there), Some(wanted)) = (there.get(field), wanted.get(field)) {
                clash(kind, field, &format!("{path}.{field}"), (there, wanted), (ours, theirs), tell);
            }
        } else if let Some(keys) = keys(kind, name) {
            let find =
                |list: &Value| list.as_array()?.iter().find(|entry| entry_key(entry, keys) == *key).cloned();
            if let (Some(there), Some(wanted)) = (find(there), find(wanted)) {
                let path = format!("{path}[{}]", key.trim_start_matches("k:"));
                clash(kind, "", &path, (&there, &wanted), (ours, theirs), tell);
            }
        }
    }
}

fn merge(kind: &Kind, name: &str, into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(kind, key, into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) if keys(kind, name).is_some() => {
            let keys = keys(kind, name).unwrap_or_default();
            for entry in from {
                match into.iter_mut().find(|one| entry_key(one, keys) == entry_key(entry, keys)) {
                    Some(one) => merge(kind, "", one, entry),
                    None => into.push(entry.clone()),
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// Takes fields away.
fn take_away(kind: &Kind, name: &str, from: &mut Value, fields: &Value) {
    for (key, fields) in fields.as_object().into_iter().flatten() {
        let is_leaf = fields.as_object().is_none_or(Map::is_empty);
        match from {
            Value::Object(map) => {
                let Some(field) = key.strip_prefix("f:") else { continue };
                if is_leaf {
                    map.remove(field);
                } else if let Some(value) = map.get_mut(field) {
                    take_away(kind, field, value, fields);
                }
            }
            Value::Array(list) => {
                let keys = keys(kind, name).unwrap_or_default();
                // The entry itself is `.` of its fields.
                if fields.get(".").is_some() {
                    list.retain(|entry| entry_key(entry, keys) != *key);
                } else if let Some(entry) = list.iter_mut().find(|entry| entry_key(entry, keys) == *key) {
                    take_away(kind, "", entry, fields);
                }
            }
            _ => {}
        }
    }
}

/// The keys of entries that the server fills in before it merges.
fn defaulted_entries(kind: &Kind, name: &str, value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter().map(|(key, value)| (key.clone(), defaulted_entries(kind, &key, value))).collect(),
        ),
        Value::Array(entries) => {
            let has_protocol = keys(kind, name).is_some_and(|keys| keys.contains(&"protocol"));
            let entries = entries.into_iter().map(|entry| {
                let mut entry = defaulted_entries(kind, "", entry);
                // An empty value is none to the server.
                if name == "env"
                    && let Some(map) = entry.as_object_mut()
                {
                    map.retain(|key, value| key != "value" || *value != "");
                }
                if has_protocol && let Some(map) = entry.as_object_mut() {
                    map.entry("protocol").or_insert_with(|| json!("TCP"));
                }
                entry
            });
            Value::Array(entries.collect())
        }
        other => other,
    }
}

/// Some of the defaults of the real server.
fn defaulted(kind: &Kind, mut object: Value) -> Value {
    let account = object.pointer("/spec/template/spec/serviceAccountName").cloned();
    let name = object.pointer("/metadata/name").cloned().unwrap_or_default();
    let mut default = |pointer: &str, key: &str, value: Value| {
        if let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
            map.entry(key).or_insert(value);
        }
    };
    if *kind == NAMESPACE {
        default("", "spec", json!({ "finalizers": ["kubernetes"] }));
    }
    if *kind == SERVICE {
        default("/spec", "type", json!("ClusterIP"));
        default("/spec", "sessionAffinity", json!("None"));
    }
    if *kind == JOB {
        let uid = "batch.kubernetes.io/controller-uid";
        default("/spec", "selector", json!({ "matchLabels": { uid: name } }));
        default("/spec/template/metadata/labels", uid, name);
        default("/spec", "completionMode", json!("NonIndexed"));
        default("/spec", "suspend", json!(false));
    }
    if kind.has_pods() {
        if *kind != DAEMON_SET {
            default("/spec", "replicas", json!(1));
        }
        default("/spec", "revisionHistoryLimit", json!(10));
        default("/spec/template/spec", "restartPolicy", json!("Always"));
        default("/spec/template/spec", "dnsPolicy", json!("ClusterFirst"));
        if let Some(account) = account {
            default("/spec/template/spec", "serviceAccount", account);
        }
    }
    object
}
