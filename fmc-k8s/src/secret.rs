//! Secrets in a cluster: a manifest has none of their bytes, and an apply fills them in.
//!
//! An object that was read loses its bytes at once. A word stands for each of them, which says whether they are the wanted ones, so that
//! no plan, no drift and no fingerprint is made from bytes.

use std::collections::BTreeMap;

use fmc_core::given::Given;
use fmc_core::name::SecretName;
use fmc_core::secret::{Secret, SecretBytes, SecretError, SecretRef, Secrets};
use fmc_core::template::{Encoding, Template};
use k8s_openapi::ByteString;
use serde_json::Value;

use crate::kind;
use crate::manifest::{Manifest, manager};
use crate::name::ObjectName;
use crate::object::ApiObject;

/// The annotation with the names and generations of the secrets that an object has, or that its pods start with.
pub const GENERATIONS: &str = "fmc/generations";

/// The word in place of bytes that are the wanted ones.
pub(crate) const AS_WANTED: &str = "(as wanted)";
/// The word in place of any other bytes.
pub(crate) const OTHER: &str = "(another)";

/// The annotation in which `kubectl apply` keeps the whole object, with its bytes.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The form in which a container gets a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// All of its bytes, as a file.
    Bytes,
    /// One line of text, as a variable: a file with one line ends with a line break, which is not a part of it.
    Line,
}

impl Form {
    /// The key in the data of the object.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Line => "line",
        }
    }
}

/// A place in the data of an object that an apply fills in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) secret: SecretRef,
    pub(crate) form: Form,
}

impl Hole {
    /// The bytes in base64, as the API has them.
    fn encoded(&self, secrets: &dyn Secrets) -> Result<Value, SecretError> {
        let bytes = secrets.bytes(&self.secret)?;
        let part = match self.form {
            Form::Bytes => bytes.expose(),
            Form::Line => line(&self.secret, &bytes)?,
        };
        serde_json::to_value(ByteString(part.to_vec()))
            .map_err(|error| SecretError::unavailable(&self.secret, error.to_string()))
    }
}

/// The password of a service that says none: one from the root key, `NAME-password`.
pub(crate) fn password_of(service: &Given<ObjectName>) -> Secret {
    Secret::password(Given::<SecretName>::text(&format!("{service}-password")))
}

/// The only line of a text, without its line break.
fn line<'a>(secret: &SecretRef, bytes: &'a SecretBytes) -> Result<&'a [u8], SecretError> {
    let bytes = bytes.expose();
    let line = bytes.strip_suffix(b"\n").map_or(bytes, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let is_line =
        std::str::from_utf8(line).is_ok_and(|line| !line.is_empty() && !line.contains(['\n', '\r', '\0']));
    if is_line { Ok(line) } else { Err(SecretError::NoLine { secret: Box::new(secret.clone()) }) }
}

/// The manifest of an owner as it is sent: with the bytes of its secrets.
///
/// # Errors
///
/// Bytes are not available, or do not suit their place.
pub(crate) fn filled(
    manifest: &Manifest,
    owner: &str,
    secrets: Option<&dyn Secrets>,
) -> Result<Value, SecretError> {
    let mut body = manifest.marked(owner);
    for (key, hole) in manifest.holes() {
        let Some(secrets) = secrets else {
            return Err(SecretError::unavailable(&hole.secret, "the provider has no secrets"));
        };
        if let Some(value) = body.pointer_mut(&format!("/data/{key}")) {
            *value = hole.encoded(secrets)?;
        }
    }
    Ok(body)
}

/// The same with nothing in place of bytes that are not available, for a dry run.
pub(crate) fn tried(manifest: &Manifest, owner: &str, secrets: Option<&dyn Secrets>) -> Value {
    filled(manifest, owner, secrets).unwrap_or_else(|_| {
        let mut body = manifest.marked(owner);
        for key in manifest.holes().keys() {
            if let Some(value) = body.pointer_mut(&format!("/data/{key}")) {
                *value = "".into();
            }
        }
        body
    })
}

/// A manifest's YAML with the data of its secrets.
pub(crate) fn template(yaml: &str, holes: &BTreeMap<String, Hole>) -> Template {
    let mut template = Template::text(yaml);
    if !yaml.ends_with('\n') {
        template.push("\n");
    }
    // A line is text without the line break at the end of its file.
    for (part, form, quote, encoding) in
        [("data", Form::Bytes, "", Encoding::Base64), ("stringData", Form::Line, "\"", Encoding::JsonString)]
    {
        let mut of_part = holes.iter().filter(|(_, hole)| hole.form == form).peekable();
        if of_part.peek().is_some() {
            template.push(&format!("{part}:\n"));
        }
        for (key, hole) in of_part {
            template.push(&format!("  {key}: {quote}"));
            template.hole(hole.secret.clone(), encoding);
            template.push(quote);
            template.push("\n");
        }
    }
    template
}

/// Takes the bytes out of an object that was read.
pub(crate) fn hide(object: &mut ApiObject, wanted: Option<(&Manifest, &str)>, secrets: Option<&dyn Secrets>) {
    if !is_secret(object.value()) {
        return;
    }
    let none = BTreeMap::new();
    let holes = wanted.map_or(&none, |(manifest, _)| manifest.holes());
    let mut words: BTreeMap<String, &str> = BTreeMap::new();
    let mut untold = None;
    // A manifest shows its own values to everybody who reads it.
    let is_said = |key: &String, there: &Value| {
        wanted.is_some_and(|(manifest, _)| {
            manifest.content().get("data").and_then(|data| data.get(key)) == Some(there)
        })
    };
    let all = object.value().get("data").and_then(Value::as_object).into_iter().flatten();
    for (key, there) in all.filter(|(key, there)| !is_said(key, there)) {
        let judged = holes.get(key).map(|hole| match secrets {
            Some(secrets) => hole.encoded(secrets).map(|right| right == *there),
            None => Err(SecretError::unavailable(&hole.secret, "the provider has no secrets")),
        });
        let is_right = match judged {
            None => false,
            Some(Ok(is_right)) => is_right,
            // Then our own entry tells whether another hand wrote it since.
            Some(Err(why)) => {
                untold = Some(why.to_string());
                wanted.is_some_and(|(manifest, owner)| is_as_made(object, manifest, owner, key))
            }
        };
        words.insert(key.clone(), if is_right { AS_WANTED } else { OTHER });
    }
    object.untold = untold;
    let value = &mut object.value;
    for (key, word) in words {
        if let Some(there) = value.pointer_mut("/data").and_then(|data| data.get_mut(&key)) {
            *there = word.into();
        }
    }
    let annotations = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(last) = annotations.and_then(|all| all.get_mut(LAST_APPLIED)) {
        *last = OTHER.into();
    }
}

/// Whether a value is one that we wrote for the manifest that is wanted now.
fn is_as_made(object: &ApiObject, manifest: &Manifest, owner: &str, key: &str) -> bool {
    let owned = object.owned_by(&manager(owner));
    object.made_from() == Some(manifest.fingerprint())
        && owned.is_some_and(|owned| owned.pointer(&format!("/f:data/f:{key}")).is_some())
}

/// Whether an object holds secrets.
pub(crate) fn is_secret(value: &Value) -> bool {
    value.get("kind").and_then(Value::as_str) == Some(kind::SECRET.name)
        && value.get("apiVersion").and_then(Value::as_str) == Some(kind::SECRET.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_one_line() {
        let secret = Secret::file("db", "db.txt").reference().unwrap();
        let of = |text: &str| line(&secret, &SecretBytes::new(text.into())).map(<[u8]>::to_vec);
        for text in ["word", "word\n", "word\r\n"] {
            assert_eq!(of(text), Ok(b"word".to_vec()), "{text:?}");
        }
        for text in ["a\nb", "a\n\n", "a\0"] {
            assert!(of(text).is_err(), "{text:?}");
        }
    }
}
