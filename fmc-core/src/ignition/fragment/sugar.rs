//! What Butane adds to Ignition: contents in line and from local files, trees, and units that mount file systems.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Reader, What, switch, text};
use crate::finding::At;
use crate::guest::mount::escaped;
use crate::ignition::config::data_url;
use crate::ignition::validate::shape::Field;

/// Local files that a person allowed a Butane config to read.
pub trait LocalFiles {
    /// The content of a file.
    ///
    /// # Errors
    ///
    /// Why there is none, as `is outside of the folder`.
    fn file(&self, path: &str) -> Result<Vec<u8>, String>;

    /// The files and links of a folder and of those in it, by their paths below it, in the order of the paths.
    ///
    /// # Errors
    ///
    /// Why there are none.
    fn tree(&self, path: &str) -> Result<Vec<(String, LocalNode)>, String>;
}

/// A file or a link of a local tree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalNode {
    /// A file.
    File {
        /// Its content.
        content: Vec<u8>,
        /// Whether somebody may run it.
        is_program: bool,
    },
    /// A link, with its target.
    Link(String),
}

/// No local files: a file of a cloud must not read others.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl LocalFiles for NoFiles {
    fn file(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("is not read: nobody allowed it".to_owned())
    }

    fn tree(&self, _: &str) -> Result<Vec<(String, LocalNode)>, String> {
        Err("is not read: nobody allowed it".to_owned())
    }
}

fn has(fields: &[Field], name: &str) -> bool {
    fields.iter().any(|field| field.name == name)
}

impl Reader<'_> {
    /// Translates a key that Butane has and Ignition has not; whether it is one.
    pub(super) fn sugar(
        &mut self,
        key: &str,
        value: &Value,
        beside: &Map<String, Value>,
        fields: &'static [Field],
        known: &mut Map<String, Value>,
        at: &At<'_>,
    ) -> bool {
        let form = self.form;
        let since = match key {
            "boot_device" => (form.is_fcos, form.version, 3, "fcos 1.3.0"),
            "grub" => (form.is_fcos, form.version, 5, "fcos 1.5.0"),
            "with_mount_unit" | "trees" => (true, form.minor, 1, "fcos 1.1.0"),
            "contents_local" | "ssh_authorized_keys_local" => {
                (true, form.minor, 4, if form.is_fcos { "fcos 1.5.0" } else { "flatcar 1.1.0" })
            }
            _ => (true, 0, 0, ""),
        };
        let (is_known, has_version, first, name) = since;
        if !is_known {
            return false;
        }
        if has_version < first {
            let since = Some(name.to_owned());
            self.trouble(at, What::Unknown { key: key.to_owned(), near: None, since });
            return true;
        }
        match key {
            "variant" | "version" | "boot_device" if has(fields, "systemd") => true,
            "grub" if has(fields, "systemd") => {
                let instead = "append to /boot/grub2/user.cfg by `storage.files`";
                self.trouble(at, What::Untranslated { key: "grub", instead });
                true
            }
            "inline" | "local" if has(fields, "source") => {
                self.content(key, value, beside, known, at);
                true
            }
            "with_mount_unit" if has(fields, "wipeFilesystem") => {
                match switch(value) {
                    Some(true) => self.mount_unit(beside, at),
                    Some(false) => {}
                    None => self.trouble(at, What::Expected { what: "true or false" }),
                }
                true
            }
            "trees" if has(fields, "raid") => {
                for (index, tree) in value.as_array().into_iter().flatten().enumerate() {
                    self.tree(tree, &at.index(index));
                }
                true
            }
            "contents_local" if has(fields, "contents") => {
                if let Some(content) = self.local_text(value, at) {
                    known.insert("contents".to_owned(), content.into());
                }
                true
            }
            "ssh_authorized_keys_local" if has(fields, "sshAuthorizedKeys") => {
                self.local_keys(value, beside, known, at);
                true
            }
            _ => false,
        }
    }

    fn content(
        &mut self,
        key: &str,
        value: &Value,
        beside: &Map<String, Value>,
        known: &mut Map<String, Value>,
        at: &At<'_>,
    ) {
        for (one, other) in [("inline", "local"), ("inline", "source"), ("local", "source")] {
            if key == one && beside.contains_key(other) {
                self.trouble(at, What::Both { one, other });
                return;
            }
        }
        let source = if key == "inline" {
            text(value).map(|text| data_url(&text))
        } else {
            self.local(value, at).map(|content| data_url_of(&content))
        };
        if let Some(source) = source {
            known.insert("source".to_owned(), source.into());
            // Otherwise the compression of a parent config would count.
            known.entry("compression").or_insert_with(|| "".into());
        } else if key == "inline" {
            self.trouble(at, What::Expected { what: "a text" });
        }
    }

    fn local(&mut self, value: &Value, at: &At<'_>) -> Option<Vec<u8>> {
        let Some(path) = text(value) else {
            self.trouble(at, What::Expected { what: "a path" });
            return None;
        };
        match self.files.file(&path) {
            Ok(content) => Some(content),
            Err(why) => {
                self.trouble(at, What::Local { path, why });
                None
            }
        }
    }

    fn local_text(&mut self, value: &Value, at: &At<'_>) -> Option<String> {
        let content = self.local(value, at)?;
        let read = String::from_utf8(content).ok();
        if read.is_none() {
            let path = text(value).unwrap_or_default();
            self.trouble(at, What::Local { path, why: "is not text".to_owned() });
        }
        read
    }

    fn local_keys(
        &mut self,
        value: &Value,
        beside: &Map<String, Value>,
        known: &mut Map<String, Value>,
        at: &At<'_>,
    ) {
        let mut keys: Vec<Value> =
            beside.get("ssh_authorized_keys").and_then(Value::as_array).cloned().unwrap_or_default();
        for (index, path) in value.as_array().into_iter().flatten().enumerate() {
            let text = self.local_text(path, &at.index(index)).unwrap_or_default();
            keys.extend(text.lines().filter(|line| !line.is_empty()).map(Value::from));
        }
        known.insert("sshAuthorizedKeys".to_owned(), keys.into());
    }

    fn tree(&mut self, tree: &Value, at: &At<'_>) {
        let member = |key| tree.get(key).and_then(text);
        let Some(local) = member("local") else {
            self.trouble(at, What::Expected { what: "a map with `local`" });
            return;
        };
        let base = member("path").unwrap_or_else(|| "/".to_owned());
        let nodes = match self.files.tree(&local) {
            Ok(nodes) => nodes,
            Err(why) => {
                self.trouble(&at.key("local"), What::Local { path: local, why });
                return;
            }
        };
        for (path, node) in nodes {
            let path = format!("{}/{path}", base.trim_end_matches('/'));
            self.nodes.push(match node {
                LocalNode::File { content, is_program } => {
                    let mode = if is_program { 0o755 } else { 0o644 };
                    let contents = json!({"source": data_url_of(&content), "compression": ""});
                    ("files", json!({"path": path, "mode": mode, "contents": contents}))
                }
                LocalNode::Link(target) => ("links", json!({"path": path, "target": target})),
            });
        }
    }

    /// The unit that mounts a file system, as Butane writes it.
    fn mount_unit(&mut self, filesystem: &Map<String, Value>, at: &At<'_>) {
        let member = |key| filesystem.get(key).and_then(text);
        let (Some(device), Some(format)) = (member("device"), member("format")) else {
            self.trouble(at, What::Expected { what: "a device and a format beside it" });
            return;
        };
        let options: Vec<String> = filesystem
            .get("mount_options")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(text)
            .collect();
        self.units.push(json!({
            "device": device, "format": format, "path": member("path"), "options": options, "at": at.to_string(),
        }));
    }

    /// Adds what Butane makes of the config as a whole.
    pub(super) fn finish(&mut self, members: &Map<String, Value>, config: &mut Map<String, Value>) {
        if let Some(boot_device) = members.get("boot_device").filter(|_| self.form.is_fcos) {
            let at = At::ROOT;
            self.boot_device(boot_device, config, &at.key("boot_device"));
        }
        for (list, node) in std::mem::take(&mut self.nodes) {
            add(config, "storage", list, [node]);
        }
        let is_remote = |device: &str| {
            let name = device
                .strip_prefix("/dev/mapper/")
                .or_else(|| device.strip_prefix("/dev/disk/by-id/dm-name-"));
            let all = config.get("storage").and_then(|storage| storage.get("luks")).and_then(Value::as_array);
            let volume =
                all.into_iter().flatten().find(|luks| luks.get("name").and_then(Value::as_str) == name);
            name.is_some() && volume.is_some_and(|luks| luks.pointer("/clevis/tang/0").is_some())
        };
        let mut units = Vec::new();
        for asked in std::mem::take(&mut self.units) {
            let member = |key: &str| asked.get(key).and_then(Value::as_str);
            let device = member("device").unwrap_or_default();
            let mut options: Vec<&str> = asked
                .get("options")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let is_remote = is_remote(device);
            if is_remote {
                options.push("_netdev");
            }
            let options =
                if options.is_empty() { String::new() } else { format!("Options={}\n", options.join(",")) };
            if member("format") == Some("swap") {
                let name = format!("{}.swap", escaped(device));
                let contents =
                    format!("[Swap]\nWhat={device}\n{options}\n[Install]\nRequiredBy=swap.target\n");
                units.push(json!({"name": name, "enabled": true, "contents": contents}));
                continue;
            }
            let Some(path) = member("path") else {
                let what = What::Expected { what: "a path beside it, at which it is mounted" };
                self.trouble(&At::ROOT.key(member("at").unwrap_or_default()), what);
                continue;
            };
            let check = escaped(device);
            let target = if is_remote { "remote-fs" } else { "local-fs" };
            let contents = format!(
                "[Unit]\nRequires=systemd-fsck@{check}.service\nAfter=systemd-fsck@{check}.service\n\n\
                 [Mount]\nWhere={path}\nWhat={device}\nType={}\n{options}\n[Install]\nRequiredBy={target}.target\n",
                member("format").unwrap_or_default()
            );
            let name = format!("{}.mount", escaped(path));
            units.push(json!({"name": name, "enabled": true, "contents": contents}));
        }
        if !units.is_empty() {
            add(config, "systemd", "units", units);
        }
    }
}

/// Changes a list of a section of a config, which is made if it is not there.
pub(super) fn change<R: Default>(
    config: &mut Map<String, Value>,
    section: &str,
    list: &str,
    change: impl FnOnce(&mut Vec<Value>) -> R,
) -> R {
    let section = config.entry(section).or_insert_with(|| json!({}));
    let Some(members) = section.as_object_mut() else { return R::default() };
    let list = members.entry(list).or_insert_with(|| json!([]));
    list.as_array_mut().map(change).unwrap_or_default()
}

/// Adds values to a list of a section of a config.
pub(super) fn add(
    config: &mut Map<String, Value>,
    section: &str,
    list: &str,
    values: impl IntoIterator<Item = Value>,
) {
    change(config, section, list, |all| all.extend(values));
}

/// A content as a `data:` URL: readable if it is text.
fn data_url_of(content: &[u8]) -> String {
    match std::str::from_utf8(content) {
        Ok(text) => data_url(text),
        Err(_) => format!("data:;base64,{}", STANDARD.encode(content)),
    }
}
