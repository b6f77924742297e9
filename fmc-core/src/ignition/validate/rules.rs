//! The rules of all that is not on disks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Judgement, Path, storage, unit, url};

type Object = Map<String, Value>;

/// Judges a config whose keys and types are right.
pub(super) fn judge(config: &Object, minor: u8, judgement: &mut Judgement) {
    let root = Path::root();
    let mut judge = Judge { minor, judgement };
    if let Some(ignition) = object(config, "ignition") {
        judge.ignition(ignition, &root.key("ignition"));
    }
    if let Some(storage) = object(config, "storage") {
        storage::judge(&mut judge, storage, &root.key("storage"));
    }
    if let Some(systemd) = object(config, "systemd") {
        let units: Vec<&Object> = objects(systemd, "units").collect();
        judge.systemd(&units, &root.key("systemd").key("units"));
        judge.beside_units(&units, object(config, "storage"), &root.key("storage"));
    }
}

/// A spec, and what is found.
pub(super) struct Judge<'j> {
    pub(super) minor: u8,
    pub(super) judgement: &'j mut Judgement,
}

impl Judge<'_> {
    fn ignition(&mut self, ignition: &Object, at: &Path<'_>) {
        if let Some(config) = object(ignition, "config") {
            let at = at.key("config");
            let merge = at.key("merge");
            for (index, reference) in objects(config, "merge").enumerate() {
                self.reference(reference, &merge.index(index), true);
            }
            if let Some(replace) = object(config, "replace") {
                self.reference(replace, &at.key("replace"), false);
            }
        }
        if let Some(proxy) = object(ignition, "proxy") {
            let at = at.key("proxy");
            for (key, is_plain_fine) in [("httpProxy", true), ("httpsProxy", false)] {
                match text(proxy, key).map(url::proxy) {
                    Some(Err(message)) => self.judgement.error(&at.key(key), message),
                    Some(Ok(false)) if !is_plain_fine => self
                        .judgement
                        .warn(&at.key(key), "insecure plaintext HTTP proxy specified for HTTPS resources"),
                    _ => {}
                }
            }
        }
        let tls = object(ignition, "security").and_then(|security| object(security, "tls"));
        let (security, certificates) = (at.key("security"), "certificateAuthorities");
        let tls_at = security.key("tls");
        let all = tls_at.key(certificates);
        for (index, reference) in tls.into_iter().flat_map(|tls| objects(tls, certificates)).enumerate() {
            let at = all.index(index);
            if self.minor == 0 {
                // In the first spec the source is a text that must be there.
                let source = text(reference, "source").unwrap_or_default();
                if let Some(message) = url::source(source, 0) {
                    self.judgement.error(&at.key("source"), message);
                }
                self.hash(reference, &at);
            } else {
                self.reference(reference, &at, true);
            }
        }
    }

    /// Another config, or a certificate.
    fn reference(&mut self, reference: &Object, at: &Path<'_>, is_needed: bool) {
        if self.minor == 0 {
            self.source(reference, at);
            self.hash(reference, at);
            return;
        }
        self.resource(reference, at);
        if !is_needed {
            return;
        }
        match text(reference, "source").filter(|source| !source.is_empty()) {
            None => self.judgement.error(at, "source is required"),
            Some(source) => {
                if let Some(message) = url::source(source, self.minor) {
                    self.judgement.error(at, message);
                }
            }
        }
    }

    fn source(&mut self, resource: &Object, at: &Path<'_>) {
        let source = text(resource, "source").filter(|source| !source.is_empty());
        if let Some(message) = source.and_then(|source| url::source(source, self.minor)) {
            self.judgement.error(&at.key("source"), message);
        }
    }

    /// A content that is fetched.
    pub(super) fn resource(&mut self, resource: &Object, at: &Path<'_>) {
        if !matches!(text(resource, "compression"), None | Some("" | "gzip")) {
            self.judgement.error(&at.key("compression"), "invalid compression method");
        }
        let hash = object(resource, "verification").and_then(|verification| text(verification, "hash"));
        if hash.is_some() && text(resource, "source").is_none() {
            let verification = at.key("verification");
            let at = verification.key("hash");
            self.judgement.error(&at, "source must be specified if verification is specified");
        }
        self.source(resource, at);
        let headers = at.key("httpHeaders");
        let all: Vec<&Object> = objects(resource, "httpHeaders").collect();
        if !all.is_empty() {
            self.judgement.add(&headers, url::headers(text(resource, "source")));
        }
        for (index, header) in all.into_iter().enumerate() {
            let at = headers.index(index);
            if text(header, "name").unwrap_or_default().is_empty() {
                self.judgement.error(&at.key("name"), "HTTP header name can't be empty");
            }
            if text(header, "value") == Some("") {
                self.judgement.error(&at.key("value"), "unable to parse HTTP header");
            }
        }
        self.hash(resource, at);
    }

    fn hash(&mut self, resource: &Object, at: &Path<'_>) {
        let hash = object(resource, "verification").and_then(|verification| text(verification, "hash"));
        let wrong = hash.and_then(|hash| {
            let Some((function, sum)) = hash.split_once('-') else { return Some("malformed hash specifier") };
            let length = match function {
                "sha512" => 128,
                "sha256" if self.minor >= 1 => 64,
                _ => return Some("unrecognized hash function"),
            };
            (sum.len() != length).then_some("incorrect size for hash sum")
        });
        let verification = at.key("verification");
        self.judgement.add(&verification.key("hash"), wrong);
    }

    fn systemd(&mut self, units: &[&Object], at: &Path<'_>) {
        // Of two units of one name the last one counts.
        let by_name: BTreeMap<&str, &Object> = units.iter().map(|unit| (name(unit), *unit)).collect();
        for (index, unit) in units.iter().enumerate() {
            let at = at.index(index);
            self.unit(unit, &at);
            if !is_true(unit, "enabled") {
                continue;
            }
            let Some(template) = template_of(name(unit)) else { continue };
            let contents = by_name.get(template.as_str()).and_then(|template| text(template, "contents"));
            let contents = contents.filter(|contents| !contents.is_empty());
            if contents
                .and_then(|contents| unit::sections(contents).ok())
                .is_some_and(|all| !has_install(&all))
            {
                let name = name(unit);
                self.judgement.warn(
                    &at.key("contents"),
                    format!("template unit \"{template}\" for \"{name}\" doesn't have Install section"),
                );
            }
        }
    }

    fn unit(&mut self, unit: &Object, at: &Path<'_>) {
        const EXTENSIONS: [&str; 12] = [
            "service",
            "socket",
            "device",
            "mount",
            "automount",
            "swap",
            "target",
            "path",
            "timer",
            "snapshot",
            "slice",
            "scope",
        ];
        if !extension(name(unit)).is_some_and(|extension| EXTENSIONS.contains(&extension)) {
            self.judgement.error(&at.key("name"), "invalid systemd unit extension");
        }
        let contents = text(unit, "contents");
        match unit::sections(contents.unwrap_or_default()) {
            Err(cause) => self.judgement.error(&at.key("contents"), format!("invalid unit content: {cause}")),
            Ok(sections) => {
                let is_said = contents.is_some_and(|contents| !contents.is_empty());
                if is_true(unit, "enabled") && is_said && !has_install(&sections) && !sections.is_empty() {
                    let name = name(unit);
                    self.judgement.warn(
                        &at.key("contents"),
                        format!(
                            "unit \"{name}\" is enabled, but has no install section so enable does nothing"
                        ),
                    );
                }
            }
        }
        let dropins = at.key("dropins");
        for (index, dropin) in objects(unit, "dropins").enumerate() {
            let at = dropins.index(index);
            if let Err(cause) = unit::sections(text(dropin, "contents").unwrap_or_default()) {
                self.judgement.error(&at.key("contents"), format!("invalid unit content: {cause}"));
            }
            if extension(name(dropin)) != Some("conf") {
                self.judgement.error(&at.key("name"), "invalid systemd drop-in extension");
            }
        }
    }

    /// Files, directories and links at the path of a unit.
    fn beside_units(&mut self, units: &[&Object], storage: Option<&Object>, at: &Path<'_>) {
        let is_said = |object: &Object| text(object, "contents").is_some_and(|contents| !contents.is_empty());
        let mut paths = BTreeSet::new();
        for unit in units {
            let path = format!("/etc/systemd/system/{}", name(unit));
            for dropin in objects(unit, "dropins").filter(|dropin| is_said(dropin)) {
                paths.insert(format!("{path}.d/{}", name(dropin)));
            }
            if is_said(unit) {
                paths.insert(path);
            }
        }
        let Some(storage) = storage else { return };
        for list in ["files", "directories", "links"] {
            let at = at.key(list);
            for (index, node) in objects(storage, list).enumerate() {
                if text(node, "path").is_some_and(|path| paths.contains(path)) {
                    let at = at.index(index);
                    self.judgement.error(&at.key("path"), "path conflicts with systemd unit or dropin");
                }
            }
        }
    }
}

fn has_install(sections: &[String]) -> bool {
    sections.iter().any(|section| section == "Install")
}

/// The template of an instance: of `a@b.service` it is `a@.service`.
fn template_of(name: &str) -> Option<String> {
    let stem = name.strip_suffix(".service")?;
    let at = stem.char_indices().skip(1).find(|(_, letter)| *letter == '@')?.0;
    let (template, instance) = (stem.get(..at)?, stem.get(at + 1..)?);
    (!instance.is_empty()).then(|| format!("{template}@.service"))
}

/// The extension of a file name, without its dot.
fn extension(name: &str) -> Option<&str> {
    name.rsplit('/').next()?.rsplit_once('.').map(|(_, extension)| extension)
}

pub(super) fn object<'o>(object: &'o Object, key: &str) -> Option<&'o Object> {
    object.get(key)?.as_object()
}

pub(super) fn objects<'o>(object: &'o Object, key: &str) -> impl Iterator<Item = &'o Object> {
    let list = object.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object)
}

pub(super) fn texts<'o>(object: &'o Object, key: &str) -> impl Iterator<Item = &'o str> {
    let list = object.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

pub(super) fn text<'o>(object: &'o Object, key: &str) -> Option<&'o str> {
    object.get(key)?.as_str()
}

/// A text that is there and not empty.
pub(super) fn said<'o>(object: &'o Object, key: &str) -> Option<&'o str> {
    text(object, key).filter(|text| !text.is_empty())
}

pub(super) fn number(object: &Object, key: &str) -> Option<i64> {
    object.get(key)?.as_i64()
}

pub(super) fn is_true(object: &Object, key: &str) -> bool {
    object.get(key) == Some(&Value::Bool(true))
}

pub(super) fn name(object: &Object) -> &str {
    text(object, "name").unwrap_or_default()
}
