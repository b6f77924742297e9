//! Files, directories and links.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::draft::{Look, Setting, draft};
use crate::finding::{At, Finding, ValueProblem, leaf};
use crate::given::Given;
use crate::name::{GroupName, UserName};
use crate::path::{AbsPath, HttpUrl};
use crate::rust::{Expr, Names, Unsaid, quoted};
use crate::secret::{Secret, SecretRef};
use crate::unit::FileMode;

/// The contents of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Contents {
    /// Text, shared by every copy of the draft.
    Text(Arc<str>),
    /// The bytes of a secret.
    Secret(Secret),
    /// Text with secrets in it.
    Parts(Vec<TextPart>),
    /// A download, fetched once on the first boot; a file with another hash is not installed.
    Remote {
        /// Its address.
        url: Given<HttpUrl>,
        /// Its hash.
        digest: Given<Digest>,
    },
}

/// A part of [`Contents::Parts`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TextPart {
    /// Text as it is.
    Text(Arc<str>),
    /// The text of a secret, unchanged.
    Secret(Secret),
    /// The text of a secret, escaped for the double quotes of a JSON or YAML scalar.
    Quoted(Secret),
    /// One line of a secret as a component of a URL, such as a password: percent-encoded, but for letters, digits and `-._~`.
    Component(Secret),
}

impl From<&str> for TextPart {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for TextPart {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Secret> for TextPart {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}

impl Setting for TextPart {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        Ok(match self {
            Self::Text(text) => Expr::new(format!("TextPart::from({})", quoted(text))),
            Self::Secret(secret) => Expr::of("TextPart::Secret", vec![secret.rust(names)?]),
            Self::Quoted(secret) => Expr::of("TextPart::Quoted", vec![secret.rust(names)?]),
            Self::Component(secret) => Expr::of("TextPart::Component", vec![secret.rust(names)?]),
        })
    }
}

impl Setting for Contents {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    /// No setter takes them: each constructor of [`GuestFile`] takes some.
    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Err("contents of a file by themselves".to_owned())
    }
}

draft! {
    /// A file inside a machine.
    #[derive(Eq)]
    pub struct GuestFile {
        /// Its address.
        #[key]
        path: Given<AbsPath>,
        /// Its contents.
        #[needed]
        contents: Contents,
        /// Its permissions, in quotes: `"0644"`.
        mode: Option<Given<FileMode>>,
        /// Its owner; root by default, and below the home of a user of the guest that user.
        owner: Option<Given<UserName>>,
        /// Its group; root by default, also if an owner is given. Without an owner it is the user's group below a home.
        group: Option<Given<GroupName>>,
    }

    fn new(..);
    said GuestFile::said;
}

impl GuestFile {
    /// A file with a text, mode 0644 by default.
    pub fn text(path: impl Into<Given<AbsPath>>, text: impl Into<Arc<str>>) -> Self {
        Self::new(path, Contents::Text(text.into()))
    }

    /// A file with the bytes of a secret, mode 0600 by default.
    pub fn secret(path: impl Into<Given<AbsPath>>, secret: Secret) -> Self {
        Self::new(path, Contents::Secret(secret))
    }

    /// A file with text and secrets one after the other, mode 0600 by default. The secrets in it must be text.
    ///
    /// ```
    /// use fmc_core::guest::{GuestFile, TextPart};
    /// use fmc_core::secret::Secret;
    ///
    /// let token = Secret::environment("app-token", "APP_TOKEN");
    /// let file = GuestFile::parts("/etc/app.env", [TextPart::from("TOKEN="), token.into(), "\n".into()]);
    /// # let _ = file;
    /// ```
    pub fn parts(path: impl Into<Given<AbsPath>>, parts: impl IntoIterator<Item = TextPart>) -> Self {
        Self::new(path, Contents::Parts(parts.into_iter().collect()))
    }

    /// Its path and its text, where both are known.
    pub(crate) fn plain(&self) -> Option<(&str, &str)> {
        match &self.contents {
            Contents::Text(text) => Some((self.path.ok()?.as_str(), text)),
            _ => None,
        }
    }

    /// A file that the first boot fetches, mode 0644 by default. Ignition fetches it before the system starts, and
    /// tries until it succeeds; cloud-init's last stage does the same.
    pub fn remote(
        path: impl Into<Given<AbsPath>>,
        url: impl Into<Given<HttpUrl>>,
        digest: impl Into<Given<Digest>>,
    ) -> Self {
        Self::new(path, Contents::Remote { url: url.into(), digest: digest.into() })
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let path = self.path.rust(names)?;
        let mut on = match &self.contents {
            Contents::Text(text) => Expr::of("GuestFile::text", vec![path, Expr::text(text)]),
            Contents::Secret(secret) => Expr::of("GuestFile::secret", vec![path, secret.rust(names)?]),
            Contents::Parts(parts) => Expr::of("GuestFile::parts", vec![path, parts.rust(names)?]),
            Contents::Remote { url, digest } => {
                Expr::of("GuestFile::remote", vec![path, url.rust(names)?, digest.rust(names)?])
            }
        };
        self.say_settings(&mut on, &[], names)?;
        Ok(on)
    }

    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedFile> {
        let path = leaf(&self.path, at, findings).cloned();
        let contents = match &self.contents {
            Contents::Text(text) => Some(CheckedContents::Text(Arc::clone(text))),
            Contents::Secret(secret) => {
                let secret = secret.checked(&at.key("contents").key("secret"), findings);
                secret.map(|secret| CheckedContents::Secret(Arc::new(secret)))
            }
            Contents::Parts(parts) => {
                let at = at.key("contents");
                let at = at.key("parts");
                let parts: Vec<_> = parts
                    .iter()
                    .enumerate()
                    .map(|(index, part)| part.checked(&at.index(index), findings))
                    .collect();
                parts.into_iter().collect::<Option<_>>().map(CheckedContents::Parts)
            }
            Contents::Remote { url, digest } => {
                let at = at.key("contents");
                let at = at.key("remote");
                let url = leaf(url, &at.key("url"), findings).cloned();
                let digest = leaf(digest, &at.key("digest"), findings).map(|digest| Box::new(*digest));
                url.zip(digest).map(|(url, digest)| CheckedContents::Remote { url, digest })
            }
        };
        let default = match self.contents {
            Contents::Text(_) | Contents::Remote { .. } => FileMode::new(0o644),
            Contents::Secret(_) | Contents::Parts(_) => FileMode::new(0o600),
        };
        let mode = optional(self.mode.as_ref(), &at.key("mode"), findings);
        let owner = Owner::checked(self.owner.as_ref(), self.group.as_ref(), at, findings);
        Some(CheckedFile { path: path?, contents: contents?, mode: mode?.unwrap_or(default), owner: owner? })
    }
}

impl TextPart {
    fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedTextPart> {
        Some(match self {
            Self::Text(text) => CheckedTextPart::Text(Arc::clone(text)),
            Self::Secret(secret) => {
                CheckedTextPart::Secret(secret.checked(&at.key("secret"), findings)?.into())
            }
            Self::Quoted(secret) => {
                CheckedTextPart::Quoted(secret.checked(&at.key("quoted"), findings)?.into())
            }
            Self::Component(secret) => {
                CheckedTextPart::Component(secret.checked(&at.key("component"), findings)?.into())
            }
        })
    }
}

draft! {
    /// A directory inside a machine.
    #[derive(Eq)]
    pub struct Directory {
        /// Its address.
        #[key]
        path: Given<AbsPath>,
        /// Its permissions, in quotes: `"0755"`.
        mode: Option<Given<FileMode>>,
        /// Its owner; root by default, and below the home of a user of the guest that user.
        owner: Option<Given<UserName>>,
        /// Its group; root by default, also if an owner is given. Without an owner it is the user's group below a home.
        group: Option<Given<GroupName>>,
    }

    /// A directory, mode 0755 by default. Directories above a file need not be listed, unless they have a mode or an
    /// owner of their own; below the home of a user they are the user's.
    pub fn new(..);
}

impl Directory {
    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedDirectory> {
        let path = leaf(&self.path, at, findings).cloned();
        let mode = optional(self.mode.as_ref(), &at.key("mode"), findings);
        let owner = Owner::checked(self.owner.as_ref(), self.group.as_ref(), at, findings);
        Some(CheckedDirectory { path: path?, mode: mode?.unwrap_or(FileMode::new(0o755)), owner: owner? })
    }
}

draft! {
    /// A symbolic link inside a machine.
    #[derive(Eq)]
    pub struct Symlink {
        /// Its address.
        #[key]
        path: Given<AbsPath>,
        /// Its target, absolute or relative to its directory.
        #[needed]
        target: String,
    }

    /// A link at `path` to `target`, which is absolute or relative to the link's directory.
    pub fn new(..);
}

impl Symlink {
    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedSymlink> {
        let path = leaf(&self.path, at, findings).cloned();
        if self.target.is_empty() || self.target.contains(char::is_control) {
            findings.push(ValueProblem::LinkTarget.at(at.key("target")));
            return None;
        }
        Some(CheckedSymlink { path: path?, target: self.target.as_str().into() })
    }
}

/// A [`GuestFile`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedFile {
    /// Its address.
    pub path: AbsPath,
    /// Its contents.
    pub contents: CheckedContents,
    /// Its permissions.
    pub mode: FileMode,
    /// Its owner.
    pub owner: Owner,
}

/// The contents of a [`CheckedFile`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckedContents {
    /// Text.
    Text(Arc<str>),
    /// The bytes of a secret.
    Secret(Arc<SecretRef>),
    /// Text with secrets in it.
    Parts(Vec<CheckedTextPart>),
    /// A download.
    Remote {
        /// Its address.
        url: HttpUrl,
        /// Its hash.
        digest: Box<Digest>,
    },
}

/// A part of [`CheckedContents::Parts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckedTextPart {
    /// Text as it is.
    Text(Arc<str>),
    /// The text of a secret, unchanged.
    Secret(Arc<SecretRef>),
    /// The text of a secret, escaped for the double quotes of a JSON or YAML scalar.
    Quoted(Arc<SecretRef>),
    /// One line of a secret as a component of a URL, percent-encoded.
    Component(Arc<SecretRef>),
}

impl CheckedTextPart {
    /// The secret, if it is one.
    pub fn secret(&self) -> Option<&SecretRef> {
        match self {
            Self::Text(_) => None,
            Self::Secret(secret) | Self::Quoted(secret) | Self::Component(secret) => Some(secret),
        }
    }
}

impl CheckedContents {
    /// The secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let (one, parts): (Option<&SecretRef>, &[CheckedTextPart]) = match self {
            Self::Text(_) | Self::Remote { .. } => (None, &[]),
            Self::Secret(secret) => (Some(secret), &[]),
            Self::Parts(parts) => (None, parts),
        };
        one.into_iter().chain(parts.iter().filter_map(CheckedTextPart::secret))
    }
}

/// A [`Directory`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedDirectory {
    /// Its address.
    pub path: AbsPath,
    /// Its permissions.
    pub mode: FileMode,
    /// Its owner.
    pub owner: Owner,
}

/// A [`Symlink`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedSymlink {
    /// Its address.
    pub path: AbsPath,
    /// Its target, absolute or relative to its directory.
    pub target: Arc<str>,
}

/// The owner of a file or directory, as it is given: without one it is root, or the user below whose home it is.
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

/// `Some(None)` if nothing is given, and `None` if the given value is wrong.
#[expect(clippy::option_option, reason = "absent is right and wrong is a finding: `?` tells them apart")]
pub(super) fn optional<T: crate::given::Leaf>(
    given: Option<&Given<T>>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Option<T>> {
    given.map_or(Some(None), |given| leaf(given, at, findings).cloned().map(Some))
}
