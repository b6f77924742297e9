//! The keys that a config may have, by spec, and what each of them holds.

use serde_json::{Map, Value};

use super::{Judgement, Path};

/// The type of a key's value.
#[derive(Clone, Copy)]
pub(in crate::ignition) enum Shape {
    Text,
    Switch,
    Number,
    Object(&'static [Field]),
    Texts(Twice),
    Objects(&'static [Field], Twice),
}

/// When two elements of a list are one thing said twice.
#[derive(Clone, Copy)]
pub(in crate::ignition) enum Twice {
    /// Never.
    Allowed,
    /// When they are the same text.
    Same,
    /// When they have the same value of a key.
    By(&'static str),
    /// When they are the same in any list of this name beside it, by a key or as texts.
    Among(&'static str, Option<&'static str>),
    /// When they have the same number, or without one the same label.
    Partition,
}

/// A key, and the minor number of the first spec that has it.
pub(in crate::ignition) struct Field {
    pub(in crate::ignition) name: &'static str,
    pub(in crate::ignition) since: u8,
    pub(in crate::ignition) shape: Shape,
}

const fn key(name: &'static str, shape: Shape) -> Field {
    Field { name, since: 0, shape }
}

const fn since(since: u8, name: &'static str, shape: Shape) -> Field {
    Field { name, since, shape }
}

use Shape::{Number, Object, Objects, Switch, Text, Texts};

pub(in crate::ignition) const CONFIG: &[Field] = &[
    key("ignition", Object(IGNITION)),
    since(3, "kernelArguments", Object(KERNEL_ARGUMENTS)),
    key("passwd", Object(PASSWD)),
    key("storage", Object(STORAGE)),
    key("systemd", Object(SYSTEMD)),
];

const IGNITION: &[Field] = &[
    key("config", Object(REFERENCES)),
    since(1, "proxy", Object(PROXY)),
    key("security", Object(SECURITY)),
    key("timeouts", Object(TIMEOUTS)),
    key("version", Text),
];

const REFERENCES: &[Field] =
    &[key("merge", Objects(REFERENCE, Twice::By("source"))), key("replace", Object(REFERENCE))];

const PROXY: &[Field] =
    &[key("httpProxy", Text), key("httpsProxy", Text), key("noProxy", Texts(Twice::Same))];

const SECURITY: &[Field] = &[key("tls", Object(TLS))];
const TLS: &[Field] = &[key("certificateAuthorities", Objects(REFERENCE, Twice::By("source")))];
const TIMEOUTS: &[Field] = &[key("httpResponseHeaders", Number), key("httpTotal", Number)];

/// Another config, or a certificate.
const REFERENCE: &[Field] = &[
    since(1, "compression", Text),
    since(1, "httpHeaders", Objects(HEADER, Twice::By("name"))),
    key("source", Text),
    key("verification", Object(VERIFICATION)),
];

/// The content of a file.
const RESOURCE: &[Field] = &[
    key("compression", Text),
    since(1, "httpHeaders", Objects(HEADER, Twice::By("name"))),
    key("source", Text),
    key("verification", Object(VERIFICATION)),
];

const HEADER: &[Field] = &[key("name", Text), key("value", Text)];
const VERIFICATION: &[Field] = &[key("hash", Text)];

const ARGUMENT: Twice = Twice::Among("arguments", None);
const KERNEL_ARGUMENTS: &[Field] =
    &[key("shouldExist", Texts(ARGUMENT)), key("shouldNotExist", Texts(ARGUMENT))];

const PASSWD: &[Field] =
    &[key("groups", Objects(GROUP, Twice::By("name"))), key("users", Objects(USER, Twice::By("name")))];

const GROUP: &[Field] = &[
    key("gid", Number),
    key("name", Text),
    key("passwordHash", Text),
    since(2, "shouldExist", Switch),
    key("system", Switch),
];

const USER: &[Field] = &[
    key("gecos", Text),
    key("groups", Texts(Twice::Same)),
    key("homeDir", Text),
    key("name", Text),
    key("noCreateHome", Switch),
    key("noLogInit", Switch),
    key("noUserGroup", Switch),
    key("passwordHash", Text),
    key("primaryGroup", Text),
    key("sshAuthorizedKeys", Texts(Twice::Same)),
    key("shell", Text),
    since(2, "shouldExist", Switch),
    key("system", Switch),
    key("uid", Number),
];

const NODE: Twice = Twice::Among("paths", Some("path"));
const STORAGE: &[Field] = &[
    key("directories", Objects(DIRECTORY, NODE)),
    key("disks", Objects(DISK, Twice::By("device"))),
    key("files", Objects(FILE, NODE)),
    key("filesystems", Objects(FILESYSTEM, Twice::By("device"))),
    key("links", Objects(LINK, NODE)),
    since(2, "luks", Objects(LUKS, Twice::By("name"))),
    key("raid", Objects(RAID, Twice::By("name"))),
];

const OWNER: &[Field] = &[key("id", Number), key("name", Text)];

const DIRECTORY: &[Field] = &[
    key("group", Object(OWNER)),
    key("overwrite", Switch),
    key("path", Text),
    key("user", Object(OWNER)),
    key("mode", Number),
];

const FILE: &[Field] = &[
    key("group", Object(OWNER)),
    key("overwrite", Switch),
    key("path", Text),
    key("user", Object(OWNER)),
    key("append", Objects(RESOURCE, Twice::Allowed)),
    key("contents", Object(RESOURCE)),
    key("mode", Number),
];

const LINK: &[Field] = &[
    key("group", Object(OWNER)),
    key("overwrite", Switch),
    key("path", Text),
    key("user", Object(OWNER)),
    key("hard", Switch),
    key("target", Text),
];

const DISK: &[Field] =
    &[key("device", Text), key("partitions", Objects(PARTITION, Twice::Partition)), key("wipeTable", Switch)];

const PARTITION: &[Field] = &[
    key("guid", Text),
    key("label", Text),
    key("number", Number),
    since(2, "resize", Switch),
    key("shouldExist", Switch),
    key("sizeMiB", Number),
    key("startMiB", Number),
    key("typeGuid", Text),
    key("wipePartitionEntry", Switch),
];

const FILESYSTEM: &[Field] = &[
    key("device", Text),
    key("format", Text),
    key("label", Text),
    since(1, "mountOptions", Texts(Twice::Allowed)),
    key("options", Texts(Twice::Allowed)),
    key("path", Text),
    key("uuid", Text),
    key("wipeFilesystem", Switch),
];

const LUKS: &[Field] = &[
    since(5, "cex", Object(&[key("enabled", Switch)])),
    key("clevis", Object(CLEVIS)),
    key("device", Text),
    since(4, "discard", Switch),
    key("keyFile", Object(RESOURCE)),
    key("label", Text),
    key("name", Text),
    since(4, "openOptions", Texts(Twice::Same)),
    key("options", Texts(Twice::Allowed)),
    key("uuid", Text),
    key("wipeVolume", Switch),
];

const CLEVIS: &[Field] = &[
    key("custom", Object(CUSTOM)),
    key("tang", Objects(TANG, Twice::By("url"))),
    key("threshold", Number),
    key("tpm2", Switch),
];

const CUSTOM: &[Field] = &[key("config", Text), key("needsNetwork", Switch), key("pin", Text)];
const TANG: &[Field] = &[since(4, "advertisement", Text), key("thumbprint", Text), key("url", Text)];

const RAID: &[Field] = &[
    key("devices", Texts(Twice::Same)),
    key("level", Text),
    key("name", Text),
    key("options", Texts(Twice::Allowed)),
    key("spares", Number),
];

const SYSTEMD: &[Field] = &[key("units", Objects(UNIT, Twice::By("name")))];

const UNIT: &[Field] = &[
    key("contents", Text),
    key("dropins", Objects(&[key("contents", Text), key("name", Text)], Twice::By("name"))),
    key("enabled", Switch),
    key("mask", Switch),
    key("name", Text),
];

/// The value of a key, which Go's decoder finds in any case, too.
pub(super) fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let object = value.as_object()?;
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Reads a config into its known keys, without those that are null.
pub(super) struct Decoding<'j> {
    pub(super) minor: u8,
    pub(super) judgement: &'j mut Judgement,
}

impl Decoding<'_> {
    pub(super) fn object(
        &mut self,
        value: &Value,
        fields: &[Field],
        at: &Path<'_>,
    ) -> Option<Map<String, Value>> {
        let mut known = Map::new();
        let object = match value {
            Value::Object(object) => object,
            Value::Null => return Some(known),
            other => {
                self.expected("an object", other, at);
                return None;
            }
        };
        for (key, value) in object {
            let fields = fields.iter().filter(|field| field.since <= self.minor);
            let found = fields.clone().find(|field| field.name == key);
            if found.is_none() {
                self.judgement.warn(&at.key(key), format!("unused key {key}"));
            }
            let found = found.or_else(|| fields.clone().find(|field| field.name.eq_ignore_ascii_case(key)));
            if let Some(field) = found
                && let Some(value) = self.value(value, field.shape, &at.key(field.name))
            {
                known.insert(field.name.to_owned(), value);
            }
        }
        Some(known)
    }

    fn value(&mut self, value: &Value, shape: Shape, at: &Path<'_>) -> Option<Value> {
        match (shape, value) {
            (_, Value::Null) => None,
            (Text, Value::String(_)) | (Switch, Value::Bool(_)) => Some(value.clone()),
            (Number, Value::Number(number)) if number.is_i64() => Some(value.clone()),
            (Object(fields), _) => self.object(value, fields, at).map(Value::Object),
            (Texts(_), Value::Array(list)) => {
                let each = list.iter().enumerate();
                let each = each.map(|(index, value)| match value {
                    Value::Null => Some(Value::String(String::new())),
                    value => self.value(value, Text, &at.index(index)),
                });
                each.collect::<Option<Vec<Value>>>().map(Value::Array)
            }
            (Objects(fields, _), Value::Array(list)) => {
                let each = list.iter().enumerate();
                let each = each
                    .map(|(index, value)| self.object(value, fields, &at.index(index)).map(Value::Object));
                each.collect::<Option<Vec<Value>>>().map(Value::Array)
            }
            (Text, _) => self.expected("a text", value, at),
            (Switch, _) => self.expected("true or false", value, at),
            (Number, _) => self.expected("a whole number", value, at),
            (Texts(_) | Objects(..), _) => self.expected("a list", value, at),
        }
    }

    fn expected(&mut self, what: &str, found: &Value, at: &Path<'_>) -> Option<Value> {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.judgement.error(at, format!("expected {what}, found {found}"));
        None
    }
}
