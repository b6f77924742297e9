//! The volumes of a pod as folders, with the contents, owners and modes that a kubelet gives them.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::as_owner;
use crate::Refused;
use crate::tree::{make_folder, write};

/// The volume of the account's token, which the API server adds to a pod that has one.
pub(super) const TOKEN: &str = "kube-api-access";

/// The objects of a namespace.
#[derive(Clone, Copy)]
pub(super) struct Objects<'a> {
    pub(super) all: &'a [Value],
    pub(super) namespace: &'a str,
}

impl<'a> Objects<'a> {
    /// An object of the namespace by kind and name.
    pub(super) fn find(&self, kind: &str, name: &str) -> Result<&'a Value, Refused> {
        let has = |object: &&Value, path: &str, is: &str| object.pointer(path).is_some_and(|text| text == is);
        let found = self.all.iter().find(|object| {
            has(object, "/kind", kind)
                && has(object, "/metadata/name", name)
                && has(object, "/metadata/namespace", self.namespace)
        });
        found.ok_or_else(|| Refused::new("pod", format!("{} has no {kind} {name}", self.namespace)))
    }

    /// The bytes of a key of a ConfigMap or Secret.
    pub(super) fn bytes(&self, kind: &str, name: &str, key: &str) -> Result<Vec<u8>, Refused> {
        let files = contents(self.find(kind, name)?);
        let found = files.into_iter().find(|(name, _)| name == key).map(|(_, bytes)| bytes);
        found.ok_or_else(|| Refused::new("pod", format!("{kind} {name} has no key {key}")))
    }
}

/// The folder of a volume.
pub(super) fn folder(base: &Path, name: &str) -> PathBuf {
    base.join("volumes").join(name)
}

/// Makes the folder of a volume of the pod, or of a claim of its set.
///
/// # Panics
///
/// When the volume is of a kind that this judge does not know.
#[expect(clippy::panic, reason = "a judge must not pass over what it does not know")]
pub(super) fn lay(
    base: &Path,
    objects: Objects<'_>,
    name: &str,
    volume: &Value,
    group: Option<u64>,
) -> Result<(), Refused> {
    let folder = folder(base, name);
    make_folder(&folder);
    let is_written_by_pod = if volume.get("emptyDir").is_some() {
        as_owner("chown 0:0 \"$1\"; chmod 0777 \"$1\"", &folder);
        true
    } else if volume.get("claim").is_some() {
        // A new file system: only its group may let the pod write.
        as_owner("chown 0:0 \"$1\"; chmod 0755 \"$1\"", &folder);
        true
    } else if let Some(source) = volume.get("configMap") {
        write_source(&folder, objects, "ConfigMap", "name", source)?;
        false
    } else if let Some(source) = volume.get("secret") {
        write_source(&folder, objects, "Secret", "secretName", source)?;
        false
    } else if let Some(sources) = volume.pointer("/projected/sources").and_then(Value::as_array) {
        for source in sources {
            match (source.get("configMap"), source.get("secret")) {
                (Some(of), None) => write_source(&folder, objects, "ConfigMap", "name", of)?,
                (None, Some(of)) => write_source(&folder, objects, "Secret", "name", of)?,
                _ => panic!("a source of a volume that this judge does not know: {source}"),
            }
        }
        false
    } else if volume.get(TOKEN).is_some() {
        for file in ["ca.crt", "namespace", "token"] {
            write(&folder.join(file), format!("a stand-in of {file}\n").as_bytes());
        }
        false
    } else {
        panic!("a volume that this judge does not know: {volume}")
    };
    if !is_written_by_pod {
        as_owner("chown -R 0:0 \"$1\"; chmod -R u=rwX,go=rX \"$1\"", &folder);
    }
    if let Some(group) = group {
        let rights = if is_written_by_pod { "g+rwXs" } else { "g+rX" };
        as_owner(&format!("chgrp -R {group} \"$1\"; chmod {rights} \"$1\""), &folder);
    }
    Ok(())
}

/// The volume of the account's token.
pub(super) fn token() -> Value {
    json!({ TOKEN: {} })
}

/// The files of a ConfigMap or Secret: the keys that are named, or all.
#[expect(clippy::panic, reason = "a judge must not pass over what it does not know")]
fn write_source(
    folder: &Path,
    objects: Objects<'_>,
    kind: &str,
    named: &str,
    source: &Value,
) -> Result<(), Refused> {
    let Some(name) = source.get(named).and_then(Value::as_str) else {
        panic!("a volume without a name: {source}")
    };
    assert!(source.get("defaultMode").is_none(), "modes of files are not known here: {source}");
    match source.get("items").and_then(Value::as_array) {
        None => {
            for (file, bytes) in contents(objects.find(kind, name)?) {
                write(&folder.join(file), &bytes);
            }
        }
        Some(items) => {
            for item in items {
                let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
                write(&folder.join(text("path")), &objects.bytes(kind, name, text("key"))?);
            }
        }
    }
    Ok(())
}

/// The keys of a ConfigMap or Secret with their bytes.
fn contents(object: &Value) -> Vec<(String, Vec<u8>)> {
    let is_secret = object.get("kind").is_some_and(|kind| kind == "Secret");
    let data = object.get("data").and_then(Value::as_object);
    let pairs = data.into_iter().flatten().filter_map(|(key, value)| {
        let text = value.as_str()?;
        let bytes = if is_secret { STANDARD.decode(text).ok()? } else { text.as_bytes().to_vec() };
        Some((key.clone(), bytes))
    });
    pairs.collect()
}
