//! Files, directories and links.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::check::leaf;
use crate::finding::{At, Finding};
use crate::given::Given;
use crate::name::{GroupName, UserName};
use crate::named::{Keyed, unnamed};
use crate::path::AbsPath;
use crate::secret::{Secret, SecretRef};
use crate::unit::Mode;

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Contents {
    /// Text, shared by every copy of the draft.
    Text(Arc<str>),
    /// The bytes of a secret.
    Secret(Secret),
}

/// A file inside a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct File {
    #[serde(skip, default = "unnamed")]
    path: Given<AbsPath>,
    /// What is in it.
    contents: Contents,
    /// Its permissions, in quotes: `"0644"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<Given<Mode>>,
    /// Its owner; root if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Given<UserName>>,
    /// Its group; root if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<Given<GroupName>>,
}

impl File {
    /// A file with a text, mode 0644 until said otherwise.
    pub fn text(path: impl Into<Given<AbsPath>>, text: impl Into<Arc<str>>) -> Self {
        Self::new(path, Contents::Text(text.into()))
    }

    /// A file with the bytes of a secret, mode 0600 until said otherwise.
    pub fn secret(path: impl Into<Given<AbsPath>>, secret: Secret) -> Self {
        Self::new(path, Contents::Secret(secret))
    }

    fn new(path: impl Into<Given<AbsPath>>, contents: Contents) -> Self {
        Self { path: path.into(), contents, mode: None, owner: None, group: None }
    }

    /// Its permissions.
    #[must_use]
    pub fn mode(mut self, mode: impl Into<Given<Mode>>) -> Self {
        self.mode = Some(mode.into());
        self
    }

    /// Its owner; root if not said.
    #[must_use]
    pub fn owner(mut self, user: impl Into<Given<UserName>>) -> Self {
        self.owner = Some(user.into());
        self
    }

    /// Its group; root if not said, whoever owns it.
    #[must_use]
    pub fn group(mut self, group: impl Into<Given<GroupName>>) -> Self {
        self.group = Some(group.into());
        self
    }

    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedFile> {
        let path = leaf(&self.path, at, findings).cloned();
        let contents = match &self.contents {
            Contents::Text(text) => Some(CheckedContents::Text(Arc::clone(text))),
            Contents::Secret(secret) => {
                secret.checked(&at.key("contents").key("secret"), findings).map(CheckedContents::Secret)
            }
        };
        let default = match self.contents {
            Contents::Text(_) => Mode::new(0o644),
            Contents::Secret(_) => Mode::new(0o600),
        };
        let mode = optional(self.mode.as_ref(), &at.key("mode"), findings);
        let owner = Owner::checked(self.owner.as_ref(), self.group.as_ref(), at, findings);
        Some(CheckedFile { path: path?, contents: contents?, mode: mode?.unwrap_or(default), owner: owner? })
    }
}

impl Keyed for File {
    type Name = AbsPath;

    fn name(&self) -> &Given<AbsPath> {
        &self.path
    }

    fn with_name(mut self, name: Given<AbsPath>) -> Self {
        self.path = name;
        self
    }
}

/// A directory inside a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Directory {
    #[serde(skip, default = "unnamed")]
    path: Given<AbsPath>,
    /// Its permissions, in quotes: `"0755"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<Given<Mode>>,
    /// Its owner; root if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Given<UserName>>,
    /// Its group; root if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<Given<GroupName>>,
}

impl Directory {
    /// A directory, mode 0755 until said otherwise. Directories above a file need not be listed, unless they have a mode
    /// or an owner of their own.
    pub fn new(path: impl Into<Given<AbsPath>>) -> Self {
        Self { path: path.into(), mode: None, owner: None, group: None }
    }

    /// Its permissions.
    #[must_use]
    pub fn mode(mut self, mode: impl Into<Given<Mode>>) -> Self {
        self.mode = Some(mode.into());
        self
    }

    /// Its owner; root if not said.
    #[must_use]
    pub fn owner(mut self, user: impl Into<Given<UserName>>) -> Self {
        self.owner = Some(user.into());
        self
    }

    /// Its group; root if not said, whoever owns it.
    #[must_use]
    pub fn group(mut self, group: impl Into<Given<GroupName>>) -> Self {
        self.group = Some(group.into());
        self
    }

    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedDirectory> {
        let path = leaf(&self.path, at, findings).cloned();
        let mode = optional(self.mode.as_ref(), &at.key("mode"), findings);
        let owner = Owner::checked(self.owner.as_ref(), self.group.as_ref(), at, findings);
        Some(CheckedDirectory { path: path?, mode: mode?.unwrap_or(Mode::new(0o755)), owner: owner? })
    }
}

impl Keyed for Directory {
    type Name = AbsPath;

    fn name(&self) -> &Given<AbsPath> {
        &self.path
    }

    fn with_name(mut self, name: Given<AbsPath>) -> Self {
        self.path = name;
        self
    }
}

/// A symbolic link inside a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Link {
    #[serde(skip, default = "unnamed")]
    path: Given<AbsPath>,
    /// Where it leads, absolute or relative to its directory.
    target: String,
}

impl Link {
    /// A link at `path` to `target`, which is absolute or relative to the link's directory.
    pub fn new(path: impl Into<Given<AbsPath>>, target: impl Into<String>) -> Self {
        Self { path: path.into(), target: target.into() }
    }

    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedLink> {
        let path = leaf(&self.path, at, findings).cloned();
        if self.target.is_empty() || self.target.contains(char::is_control) {
            findings.push(super::check::link_without_target(&at.key("target")));
            return None;
        }
        Some(CheckedLink { path: path?, target: self.target.as_str().into() })
    }
}

impl Keyed for Link {
    type Name = AbsPath;

    fn name(&self) -> &Given<AbsPath> {
        &self.path
    }

    fn with_name(mut self, name: Given<AbsPath>) -> Self {
        self.path = name;
        self
    }
}

/// A [`File`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedFile {
    /// Where it is.
    pub path: AbsPath,
    /// What is in it.
    pub contents: CheckedContents,
    /// Its permissions.
    pub mode: Mode,
    /// Whose it is.
    pub owner: Owner,
}

/// What is in a [`CheckedFile`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckedContents {
    /// Text.
    Text(Arc<str>),
    /// The bytes of a secret.
    Secret(SecretRef),
}

/// A [`Directory`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedDirectory {
    /// Where it is.
    pub path: AbsPath,
    /// Its permissions.
    pub mode: Mode,
    /// Whose it is.
    pub owner: Owner,
}

/// A [`Link`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedLink {
    /// Where it is.
    pub path: AbsPath,
    /// Where it leads, absolute or relative to its directory.
    pub target: Arc<str>,
}

/// Whose a file or directory is; root's where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: Option<UserName>,
    /// The group.
    pub group: Option<GroupName>,
}

impl Owner {
    /// Whether it is root's, user and group.
    pub fn is_root(&self) -> bool {
        self.user.as_ref().is_none_or(|user| *user == "root")
            && self.group.as_ref().is_none_or(|group| *group == "root")
    }

    fn checked(
        user: Option<&Given<UserName>>,
        group: Option<&Given<GroupName>>,
        at: &At<'_>,
        findings: &mut Vec<Finding>,
    ) -> Option<Self> {
        let user = optional(user, &at.key("owner"), findings);
        let group = optional(group, &at.key("group"), findings);
        Some(Self { user: user?, group: group? })
    }
}

/// `Some(None)` where nothing is given, and `None` where what is given is wrong.
#[expect(clippy::option_option, reason = "absent is right and wrong is a finding: `?` tells them apart")]
pub(super) fn optional<T: crate::given::Leaf>(
    given: Option<&Given<T>>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Option<T>> {
    given.map_or(Some(None), |given| leaf(given, at, findings).cloned().map(Some))
}
