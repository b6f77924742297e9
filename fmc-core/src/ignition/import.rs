//! Configs of Butane and Ignition as a guest: what a guest has words for in those words, and the rest as a fragment.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::fragment::{LocalFiles, read_with};
use crate::given::Given;
use crate::guest::{Directory, Fragment, Group, Guest, GuestFile, KernelArguments, Symlink, Unit, User};
use crate::name::KernelArgument;
use crate::path::AbsPath;
use crate::ssh::SshKey;

/// A guest that a config was read as.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// The guest.
    pub guest: Guest,
    /// The parts of the config that the guest does not say.
    pub left: Vec<NotImported>,
}

/// A part of a config that no guest can say, or that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotImported {
    /// Where, in the words of the config: `storage.trees[0].local`; empty for the whole.
    pub path: String,
    /// Why.
    pub why: String,
}

impl fmt::Display for NotImported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the config" } else { &self.path };
        write!(f, "{path}: {}", self.why)
    }
}

/// Reads a config of Butane (`fcos` 1.0.0 to 1.7.0, `flatcar` 1.0.0 to 1.1.0) or of Ignition (3.0.0 to 3.6.0) as a guest.
///
/// Files, directories, links, users, groups, units and kernel arguments become those of the guest. What it has no words for, as disks and
/// arrays, is a fragment of it in the form of Ignition. What is wrong, or needs a file that `files` does not give, is left.
///
/// ```
/// use fmc_core::guest::{Fragment, Guest, GuestFile};
/// use fmc_core::ignition::{NoFiles, import};
///
/// let butane = serde_json::json!({
///     "variant": "fcos",
///     "version": "1.5.0",
///     "storage": {"files": [{"path": "/etc/motd", "mode": "0640", "contents": {"inline": "hello\n"}}]},
/// });
/// let imported = import(&Fragment::of(&butane), &NoFiles);
/// assert_eq!(imported.guest, Guest::new().file(GuestFile::text("/etc/motd", "hello\n").mode(0o640)));
/// assert_eq!(imported.left, []);
/// ```
pub fn import(config: &Fragment, files: &dyn LocalFiles) -> Imported {
    let mut reading = read_with(config, files);
    let left = reading.troubles.iter();
    let left: Vec<NotImported> = left
        .map(|trouble| NotImported { path: trouble.path.clone(), why: trouble.what.to_string() })
        .collect();
    let mut guest = Guest::new();
    if let Some(config) = reading.config.as_object_mut() {
        leave_spoiled(config, &left);
        let homes = homes(config);
        take(
            config,
            "storage",
            "files",
            |value| file(value, &homes),
            |file| guest = std::mem::take(&mut guest).file(file),
        );
        take(config, "storage", "directories", directory, |one| {
            guest = std::mem::take(&mut guest).directory(one)
        });
        take(
            config,
            "storage",
            "links",
            |value| link(value, &homes),
            |one| guest = std::mem::take(&mut guest).link(one),
        );
        take(config, "passwd", "users", user, |user| guest = std::mem::take(&mut guest).user(user));
        take(config, "passwd", "groups", group, |group| guest = std::mem::take(&mut guest).group(group));
        take(config, "systemd", "units", unit, |unit| guest = std::mem::take(&mut guest).unit(unit));
        if let Some(arguments) = config.get("kernelArguments").and_then(arguments) {
            config.remove("kernelArguments");
            guest = guest.kernel_arguments(arguments);
        }
        config.retain(|key, section| {
            key == "ignition" || section.as_object().is_some_and(|members| !members.is_empty())
        });
        let is_rest = |(key, value): (&String, &Value)| {
            key != "ignition" || value.as_object().is_some_and(|members| members.len() > 1)
        };
        if config.iter().any(is_rest) {
            if let (Some(spec), Some(ignition)) =
                (reading.spec, config.get_mut("ignition").and_then(Value::as_object_mut))
            {
                ignition.insert("version".to_owned(), spec.to_string().into());
            }
            guest = guest.ignition(Fragment::of(config));
        }
    }
    Imported { guest, left }
}

/// Takes the files out whose contents are not imported: without them they would be empty files of a machine.
fn leave_spoiled(config: &mut Map<String, Value>, left: &[NotImported]) {
    let files = config.get_mut("storage").and_then(|storage| storage.get_mut("files"));
    let Some(files) = files.and_then(Value::as_array_mut) else { return };
    let index_of = |path: &str| {
        let (index, rest) = path.strip_prefix("storage.files[")?.split_once(']')?;
        let is_of_contents = [".contents", ".append"].iter().any(|part| rest.starts_with(part));
        is_of_contents.then(|| index.parse::<usize>().ok())?
    };
    let spoiled: BTreeSet<usize> = left.iter().filter_map(|one| index_of(&one.path)).collect();
    let mut index = 0..;
    files.retain(|_| index.next().is_none_or(|index| !spoiled.contains(&index)));
}

/// Takes the values out of a list that a guest has words for.
fn take<T>(
    config: &mut Map<String, Value>,
    section: &str,
    list: &str,
    read: impl Fn(&Value) -> Option<T>,
    mut add: impl FnMut(T),
) {
    let Some(section) = config.get_mut(section).and_then(Value::as_object_mut) else { return };
    let Some(values) = section.get_mut(list).and_then(Value::as_array_mut) else { return };
    values.retain(|value| read(value).map(&mut add).is_none());
    if values.is_empty() {
        section.remove(list);
    }
}

/// The members of a value, if it has no others than these that say something.
fn only<'v>(value: &'v Value, keys: &[&str]) -> Option<&'v Map<String, Value>> {
    let members = value.as_object()?;
    let says = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    };
    members.iter().all(|(key, value)| keys.contains(&key.as_str()) || !says(value)).then_some(members)
}

fn text<'v>(members: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    members.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn texts<'v>(members: &'v Map<String, Value>, key: &str) -> impl Iterator<Item = &'v str> {
    members.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The homes below which a guest gives files to their users.
fn homes(config: &Map<String, Value>) -> Vec<String> {
    let users = config.get("passwd").and_then(|passwd| passwd.get("users")).and_then(Value::as_array);
    let own = users.into_iter().flatten().filter_map(|user| user.get("homeDir")?.as_str().map(str::to_owned));
    own.chain(["/home", "/var/home"].map(str::to_owned)).collect()
}

fn is_at_home(path: &str, homes: &[String]) -> bool {
    homes.iter().any(|home| path.strip_prefix(home.as_str()).is_some_and(|rest| rest.starts_with('/')))
}

/// The name of an owner; `None` if it is an id.
#[expect(clippy::option_option, reason = "nobody is right, and an id is not: `?` tells them apart")]
fn owner<'v>(members: &'v Map<String, Value>, key: &str) -> Option<Option<&'v str>> {
    let Some(owner) = members.get(key).and_then(Value::as_object) else { return Some(None) };
    if owner.contains_key("id") { None } else { Some(text(owner, "name")) }
}

fn mode(members: &Map<String, Value>) -> Option<u16> {
    members.get("mode")?.as_u64().and_then(|mode| u16::try_from(mode).ok())
}

fn file(value: &Value, homes: &[String]) -> Option<GuestFile> {
    let members = only(value, &["contents", "group", "mode", "overwrite", "path", "user"])?;
    let path = text(members, "path")?;
    let contents = members.get("contents")?;
    let content = only(contents, &["source", "verification"])?;
    let source = content.get("source")?.as_str()?;
    let hash = content.get("verification").and_then(|verification| verification.get("hash")?.as_str());
    let mut file = if let Some(data) = source.strip_prefix("data:") {
        // Ignition would compare it, and a guest has no words for the hash of a text.
        if hash.is_some() {
            return None;
        }
        GuestFile::text(path, decoded(data)?)
    } else {
        let digest = hash?.replacen('-', ":", 1);
        let is_web = source.starts_with("http://") || source.starts_with("https://");
        is_web.then(|| GuestFile::remote(path, source, digest.as_str()))?
    };
    if members.get("mode").is_some_and(|mode| !mode.is_null()) {
        file = file.mode(mode(members)?);
    }
    let (user, group) = (owner(members, "user")?, owner(members, "group")?);
    // Ignition's default is root everywhere.
    let user = user.or_else(|| is_at_home(path, homes).then_some("root"));
    if let Some(user) = user {
        file = file.owner(user);
    }
    if let Some(group) = group {
        file = file.group(group);
    }
    Some(file)
}

/// The text of a `data:` address, without its scheme; `None` if it is not text.
fn decoded(data: &str) -> Option<String> {
    let (head, body) = data.split_once(',')?;
    let bytes = if head.ends_with(";base64") {
        let plain: String = body.chars().filter(|letter| *letter != '\n').collect();
        STANDARD.decode(plain).ok()?
    } else {
        let mut bytes = Vec::with_capacity(body.len());
        let mut rest = body.as_bytes();
        while let [byte, behind @ ..] = rest {
            rest = behind;
            bytes.push(if *byte == b'%' {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                rest = rest.get(2..)?;
                u8::from_str_radix(digits, 16).ok()?
            } else {
                *byte
            });
        }
        bytes
    };
    String::from_utf8(bytes).ok()
}

fn directory(value: &Value) -> Option<Directory> {
    let members = only(value, &["group", "mode", "path", "user"])?;
    // Without a mode Ignition keeps that of a directory that is there.
    let mut directory = Directory::new(text(members, "path")?).mode(mode(members)?);
    if let Some(user) = owner(members, "user")? {
        directory = directory.owner(user);
    }
    if let Some(group) = owner(members, "group")? {
        directory = directory.group(group);
    }
    Some(directory)
}

fn link(value: &Value, homes: &[String]) -> Option<Symlink> {
    let members = only(value, &["overwrite", "path", "target"])?;
    let path = text(members, "path").filter(|path| !is_at_home(path, homes))?;
    Some(Symlink::new(path, text(members, "target")?))
}

fn user(value: &Value) -> Option<User> {
    let members =
        only(value, &["groups", "homeDir", "name", "shell", "sshAuthorizedKeys", "uid", "shouldExist"])?;
    if members.get("shouldExist") == Some(&Value::Bool(false)) {
        return None;
    }
    let mut user = User::new(text(members, "name")?);
    for key in texts(members, "sshAuthorizedKeys") {
        user = user.key(right::<SshKey>(key)?);
    }
    user = texts(members, "groups").fold(user, User::group);
    if let Some(home) = text(members, "homeDir") {
        user = user.home(right::<AbsPath>(home)?);
    }
    if let Some(shell) = text(members, "shell") {
        user = user.shell(right::<AbsPath>(shell)?);
    }
    if let Some(uid) = members.get("uid") {
        user = user.uid(uid.as_u64().and_then(|uid| u32::try_from(uid).ok())?);
    }
    Some(user)
}

/// A leaf, if it is right.
fn right<T: crate::given::Leaf>(text: &str) -> Option<Given<T>>
where
    for<'t> &'t str: Into<Given<T>>,
{
    let given: Given<T> = text.into();
    given.ok().is_some().then_some(given)
}

fn group(value: &Value) -> Option<Group> {
    let members = only(value, &["gid", "name", "shouldExist"])?;
    if members.get("shouldExist") == Some(&Value::Bool(false)) {
        return None;
    }
    let group = Group::new(text(members, "name")?);
    let Some(gid) = members.get("gid") else { return Some(group) };
    Some(group.gid(gid.as_u64().and_then(|gid| u32::try_from(gid).ok())?))
}

/// Arguments of the kernel; `None` if there is none, or one that a guest cannot say.
fn arguments(value: &Value) -> Option<KernelArguments> {
    let members = only(value, &["shouldExist", "shouldNotExist"])?;
    let mut arguments = KernelArguments::new();
    for argument in texts(members, "shouldExist") {
        arguments = arguments.should_exist(right::<KernelArgument>(argument)?);
    }
    for argument in texts(members, "shouldNotExist") {
        arguments = arguments.should_not_exist(right::<KernelArgument>(argument)?);
    }
    (arguments != KernelArguments::new()).then_some(arguments)
}

fn unit(value: &Value) -> Option<Unit> {
    let members = only(value, &["contents", "dropins", "enabled", "mask", "name"])?;
    let mut unit = Unit::new(text(members, "name")?);
    let contents = text(members, "contents");
    let is_masked = members.get("mask") == Some(&Value::Bool(true));
    match members.get("enabled").and_then(Value::as_bool) {
        Some(_) if is_masked => return None,
        Some(true) => unit = unit.enabled(),
        Some(false) => unit = unit.disabled(),
        None if is_masked && contents.is_some() => return None,
        None if is_masked => unit = unit.masked(),
        None => {}
    }
    if let Some(contents) = contents {
        unit = unit.contents(contents);
    }
    for dropin in members.get("dropins").and_then(Value::as_array).into_iter().flatten() {
        let members = only(dropin, &["contents", "name"])?;
        unit = unit.dropin(text(members, "name")?, text(members, "contents")?);
    }
    Some(unit)
}

#[cfg(test)]
mod tests;
