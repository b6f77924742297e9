//! The parts of a boot configuration, each with a digest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::super::inside::Inside;
use crate::given::LeafError;
use crate::guest::State;
use crate::guest::checked::{Contents, GuestFile, Owner, TextPart, Unit, User};

/// A part of a boot configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct BornPart {
    /// Its kind.
    pub kind: PartKind,
    /// Its path or name.
    pub name: Arc<str>,
    /// The first 64 bits of a SHA-256 over all that the guest gets of it.
    pub digest: u64,
}

impl BornPart {
    /// A part with its digest.
    pub fn new(kind: PartKind, name: impl Into<Arc<str>>, digest: u64) -> Self {
        Self { kind, name: name.into(), digest }
    }
}

/// The kind of a [`BornPart`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PartKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A user.
    User,
    /// A group.
    Group,
    /// A systemd unit.
    Unit,
    /// A package.
    Package,
    /// A setting of the system, as its host name.
    Setting,
}

impl PartKind {
    const ALL: [Self; 8] = [
        Self::File,
        Self::Directory,
        Self::Link,
        Self::User,
        Self::Group,
        Self::Unit,
        Self::Package,
        Self::Setting,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Link => "link",
            Self::User => "user",
            Self::Group => "group",
            Self::Unit => "unit",
            Self::Package => "package",
            Self::Setting => "setting",
        }
    }

    /// The word for several.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::File => "files",
            Self::Directory => "directories",
            Self::Link => "links",
            Self::User => "users",
            Self::Group => "groups",
            Self::Unit => "units",
            Self::Package => "packages",
            Self::Setting => "settings",
        }
    }
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PartKind {
    type Err = LeafError;

    fn from_str(text: &str) -> Result<Self, LeafError> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| LeafError::new("it is not a part of a boot configuration"))
    }
}

/// The digests that the birth facts of many machines share, each made once.
#[derive(Debug, Default)]
pub struct Digests {
    /// Parts, by their places in memory; `None` for those with secrets.
    parts: BTreeMap<usize, Option<BornPart>>,
    /// Names of parts, networks and systems.
    names: BTreeSet<Arc<str>>,
}

impl Digests {
    /// No digests yet. They are valid for one checked cloud.
    pub fn new() -> Self {
        Self::default()
    }

    /// The parts of a machine's boot configuration, sorted; those with secrets are left out.
    pub(super) fn parts(&mut self, inside: &Inside<'_>) -> Vec<BornPart> {
        let guest = inside.guest;
        let mut parts = Vec::with_capacity(guest.files.len() + guest.units.len() + guest.users.len() + 4);
        parts.extend(
            guest
                .files
                .iter()
                .filter_map(|file| self.once(PartKind::File, file, |file| file.path.as_str(), file_digest)),
        );
        parts.extend(guest.directories.iter().map(|directory| {
            let mut digest = Fields::default();
            digest.owned(directory.mode, &directory.owner);
            self.part(PartKind::Directory, directory.path.as_str(), digest.end())
        }));
        parts.extend(
            guest
                .links
                .iter()
                .map(|link| self.part(PartKind::Link, link.path.as_str(), digest_of(&link.target))),
        );
        parts.extend(
            guest
                .users
                .iter()
                .filter_map(|user| self.once(PartKind::User, user, |user| user.name.as_str(), user_digest)),
        );
        parts.extend(guest.groups.iter().map(|group| {
            self.part(PartKind::Group, group.name.as_str(), digest_of(&format!("{:?}", group.gid)))
        }));
        parts.extend(guest.units.iter().filter_map(|unit| {
            self.once(PartKind::Unit, unit, |unit| unit.name.as_str(), |unit| Some(unit_digest(unit)))
        }));
        parts.extend(
            guest
                .packages
                .iter()
                .map(|package| self.part(PartKind::Package, package.as_str(), digest_of(""))),
        );
        let name = inside.fqdn.map_or_else(|| inside.hostname.as_str(), |fqdn| fqdn.as_str());
        parts.push(self.part(PartKind::Setting, "host name", digest_of(name)));
        if let Some(zone) = inside.time_zone {
            parts.push(self.part(PartKind::Setting, "time zone", digest_of(zone.as_str())));
        }
        if !inside.resolvers.is_empty() {
            let mut digest = Fields::default();
            inside.resolvers.iter().for_each(|resolver| digest.field(&resolver.to_string()));
            parts.push(self.part(PartKind::Setting, "resolvers", digest.end()));
        }
        for file in &guest.files {
            for (key, digest) in settings(file) {
                let name = setting_of(&key, file.path.as_str());
                parts.push(self.part(PartKind::Setting, &name, digest.end()));
            }
        }
        parts.shrink_to_fit();
        parts
    }

    /// A text that many machines have.
    pub(super) fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.names.insert(Arc::clone(&new));
        new
    }

    fn part(&mut self, kind: PartKind, name: &str, digest: u64) -> BornPart {
        BornPart { kind, name: self.name(name), digest }
    }

    fn once<T>(
        &mut self,
        kind: PartKind,
        part: &Arc<T>,
        name: impl FnOnce(&T) -> &str,
        digest: impl FnOnce(&T) -> Option<u64>,
    ) -> Option<BornPart> {
        let place = Arc::as_ptr(part).addr();
        if let Some(known) = self.parts.get(&place) {
            return known.clone();
        }
        let new = digest(part).map(|digest| self.part(kind, name(part), digest));
        self.parts.insert(place, new.clone());
        new
    }
}

/// The name of a setting in a file.
fn setting_of(key: &str, path: &str) -> String {
    format!("{key}{IN}{path}")
}

/// Between a setting and its file.
const IN: &str = " in ";

/// The file of a setting in a file.
pub(super) fn file_of(part: &BornPart) -> Option<&str> {
    let (_, path) = part.name.split_once(IN).filter(|_| part.kind == PartKind::Setting)?;
    Some(path)
}

/// The settings of a YAML file with secrets: the file as a whole has no digest, and what stands around its secrets is none.
fn settings(file: &GuestFile) -> Vec<(String, Fields)> {
    let mut found: Vec<(String, Fields)> = Vec::new();
    let Contents::Parts(parts) = &file.contents else { return found };
    let is_yaml = [".yaml", ".yml"].iter().any(|end| file.path.as_str().ends_with(end));
    if !is_yaml || parts.iter().all(|part| matches!(part, TextPart::Text(_))) {
        return found;
    }
    let mut begins_line = true;
    for part in parts {
        let text: &str = match part {
            TextPart::Text(text) => text,
            // Only that there is one.
            _ => "",
        };
        for line in text.split_inclusive('\n') {
            if let Some(key) = key_of(line).filter(|_| begins_line) {
                found.push((key.to_owned(), Fields::default()));
            }
            begins_line = line.ends_with('\n');
            found.iter_mut().next_back().into_iter().for_each(|(_, digest)| digest.field(line));
        }
        if text.is_empty() {
            begins_line = false;
            found.iter_mut().next_back().into_iter().for_each(|(_, digest)| digest.field(""));
        }
    }
    found
}

/// The key that a line of a YAML file begins with, at its outermost level.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(':')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (!key.is_empty() && key.bytes().all(is_plain)).then_some(key)
}

/// `None` for a file with a secret.
fn file_digest(file: &GuestFile) -> Option<u64> {
    let mut digest = Fields::default();
    digest.owned(file.mode, &file.owner);
    match &file.contents {
        Contents::Text(text) => digest.field(text),
        Contents::Secret(_) => return None,
        Contents::Parts(parts) => {
            for part in parts {
                let TextPart::Text(text) = part else { return None };
                digest.field(text);
            }
        }
        Contents::Remote { url, digest: of } => {
            digest.field(url.as_str());
            digest.field(&of.to_string());
        }
    }
    Some(digest.end())
}

/// `None` for a user with a password.
fn user_digest(user: &User) -> Option<u64> {
    if user.password_hash.is_some() {
        return None;
    }
    let mut digest = Fields::default();
    digest.field(if user.admin { "admin" } else { "" });
    user.keys.iter().for_each(|key| digest.field(key.as_str()));
    digest.field("groups");
    user.groups.iter().for_each(|group| digest.field(group.as_str()));
    digest.field(&user.uid.map(|uid| uid.to_string()).unwrap_or_default());
    for path in [&user.home, &user.shell] {
        digest.field(path.as_ref().map(|path| path.as_str()).unwrap_or_default());
    }
    Some(digest.end())
}

fn unit_digest(unit: &Unit) -> u64 {
    let mut digest = Fields::default();
    digest.field(match unit.state {
        State::Unchanged => "unchanged",
        State::Enabled => "enabled",
        State::Disabled => "disabled",
        State::Masked => "masked",
    });
    digest.field(&unit.contents.as_ref().map(|contents| contents.text()).unwrap_or_default());
    for dropin in &unit.dropins {
        digest.field(dropin.name.as_str());
        digest.field(&dropin.contents.text());
    }
    digest.end()
}

fn digest_of(text: &str) -> u64 {
    let mut digest = Fields::default();
    digest.field(text);
    digest.end()
}

/// A digest over texts, each with its length: two lists never give the same bytes.
#[derive(Default)]
struct Fields(Sha256);

impl Fields {
    fn field(&mut self, text: &str) {
        self.0.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(text);
    }

    fn owned(&mut self, mode: impl fmt::Display, owner: &Owner) {
        self.field(&mode.to_string());
        self.field(owner.user.as_ref().map(|user| user.as_str()).unwrap_or_default());
        self.field(owner.group.as_ref().map(|group| group.as_str()).unwrap_or_default());
    }

    /// The first 64 bits.
    fn end(self) -> u64 {
        let digest: [u8; 32] = self.0.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}
