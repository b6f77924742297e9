//! Fields below ours that another program decides, and that the manifest leaves out: `managedFields` says whose a field is, and nobody's
//! are those that the server filled in.

use serde_json::Value;

use super::{At, Difference, entries, has_keys, is_something};

/// The parts of an object that a manifest decides as a whole.
const DECIDED: [&str; 3] = ["spec", "data", "binaryData"];

/// The fields of other managers than ours that are not wanted.
pub(super) fn others(wanted: &Value, object: &Value, owned: &Value, found: &mut Vec<Difference>) {
    let all = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let all = || all.into_iter().flatten();
    let Some(ours) =
        all().find(|entry| entry.get("fieldsV1") == Some(owned)).and_then(|entry| entry.get("manager"))
    else {
        return;
    };
    let root = At::default();
    for entry in all().filter(|entry| entry.get("manager") != Some(ours)) {
        for part in DECIDED {
            let fields = entry.get("fieldsV1").and_then(|fields| fields.get(format!("f:{part}")));
            if let (Some(fields), Some(wanted), Some(there)) = (fields, wanted.get(part), object.get(part)) {
                below(&root.key(part), wanted, there, fields, found);
            }
        }
    }
}

fn below(at: &At<'_>, wanted: &Value, there: &Value, fields: &Value, found: &mut Vec<Difference>) {
    for (key, fields) in fields.as_object().into_iter().flatten() {
        let Some(name) = key.strip_prefix("f:") else { continue };
        // A restart of pods by `kubectl` is an annotation of theirs, and whoever asked for it got it.
        if name == "annotations" {
            continue;
        }
        let Some(there) = there.get(name).filter(|there| is_something(there)) else { continue };
        let at = at.key(name);
        // A manifest leaves the number of pods out for an autoscaler.
        if name == "replicas" && at.path() == "spec.replicas" && wanted.get(name).is_none() {
            continue;
        }
        match wanted.get(name) {
            Some(wanted) => below(&at, wanted, there, fields, found),
            None => {
                let path = at.path();
                if found.iter().all(|one| one.path != path) {
                    let added_at = Some(at.pointer());
                    found.push(Difference { path, from: Some(there.clone()), to: None, added_at });
                }
            }
        }
    }
    for (keys, fields) in entries(fields) {
        let of =
            |list: &Value| list.as_array().and_then(|list| list.iter().position(|one| has_keys(one, &keys)));
        if let (Some(index), Some(of_wanted)) = (of(there), of(wanted))
            && let (Some(there), Some(wanted)) = (there.get(index), wanted.get(of_wanted))
        {
            below(&at.entry(index, wanted), wanted, there, fields, found);
        }
    }
}
