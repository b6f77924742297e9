//! The memberships of a machine, and the steps before it leaves.
//!
//! The mark of a machine's domain carries them, so that a plan knows them after the cloud has dropped the machine.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::given::{Given, LeafError};
use crate::name::RoleName;

/// The steps that a person must take before a member leaves; none by default. The texts are a person's steps for this
/// one machine.
///
/// ```
/// use fmc_core::role::Leaving;
///
/// let leaving = Leaving::new()
///     .removed("stop replication to standby2: `SELECT pg_drop_replication_slot('standby2')` on the primary")
///     .replaced("the standby copies the whole database again");
/// # let _ = leaving;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaving {
    removed: Option<Arc<str>>,
    replaced: Option<Arc<str>>,
}

impl Leaving {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// The steps before the machine is removed.
    #[must_use]
    pub fn removed(self, text: impl Into<Arc<str>>) -> Self {
        Self { removed: Some(text.into()), ..self }
    }

    /// The steps before the machine is replaced under the same name.
    #[must_use]
    pub fn replaced(self, text: impl Into<Arc<str>>) -> Self {
        Self { replaced: Some(text.into()), ..self }
    }
}

/// A machine's membership by a role, and whether the role's state outlives the machine's root disk.
///
/// Its text form is one word of a mark, `k3s-server/prod/disk`: kind, instance, and `disk` if its state is on a data
/// disk. A user's role adds the steps before it leaves, with every character escaped that could end a word.
///
/// ```
/// use fmc_core::role::Membership;
///
/// let member: Membership = "k3s-server/prod/disk".parse()?;
/// assert_eq!((member.kind().as_str(), member.instance()), ("k3s-server", Some("prod")));
/// assert!(member.keeps_state());
/// assert_eq!(member.to_string(), "k3s-server/prod/disk");
/// # Ok::<(), fmc_core::given::LeafError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    kind: RoleName,
    instance: Option<Arc<str>>,
    keeps_state: bool,
    leaving: Leaving,
}

impl Membership {
    /// A member of a kind, or of an instance of it.
    pub fn new(kind: RoleName, instance: Option<&str>) -> Self {
        Self { kind, instance: instance.map(Arc::from), keeps_state: false, leaving: Leaving::new() }
    }

    /// Whether its state is on a data disk, which a replacement keeps.
    #[must_use]
    pub fn with_state_kept(self, yes: bool) -> Self {
        Self { keeps_state: yes, ..self }
    }

    /// The steps before it leaves.
    #[must_use]
    pub fn leaving(self, leaving: Leaving) -> Self {
        Self { leaving, ..self }
    }

    /// The role's kind.
    pub fn kind(&self) -> &RoleName {
        &self.kind
    }

    /// Which of several of its kind it is in, as the cluster of a server.
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// Whether its state is on a data disk, which a replacement keeps.
    pub fn keeps_state(&self) -> bool {
        self.keeps_state
    }

    /// The steps before its machine is removed, or replaced under the same name, as its role defined them when the
    /// machine was made. The steps of a built-in role follow from its kind: see
    /// [`roles::together`](crate::roles::together).
    pub fn said(&self, is_replaced: bool) -> Option<&str> {
        if is_replaced { self.leaving.replaced.as_deref() } else { self.leaving.removed.as_deref() }
    }

    /// The memberships of a mark. A word that this version does not know is skipped.
    pub fn all_of(mark: &str) -> Vec<Self> {
        mark.split(' ').filter_map(|word| word.parse().ok()).collect()
    }
}

const REMOVED: &str = "removed=";
const REPLACED: &str = "replaced=";

impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        if let Some(instance) = &self.instance {
            write!(f, "/{}", Escaped(instance))?;
        }
        if self.keeps_state {
            // Without an instance its place stays empty.
            f.write_str(if self.instance.is_some() { "/disk" } else { "//disk" })?;
        }
        let texts = [(REMOVED, &self.leaving.removed), (REPLACED, &self.leaving.replaced)];
        for (index, (key, text)) in
            texts.iter().filter_map(|(key, text)| Some((key, text.as_deref()?))).enumerate()
        {
            write!(f, "{}{key}{}", if index == 0 { '?' } else { '&' }, Escaped(text))?;
        }
        Ok(())
    }
}

impl FromStr for Membership {
    type Err = LeafError;

    fn from_str(word: &str) -> Result<Self, LeafError> {
        let wrong =
            || LeafError::new("a membership is KIND/INSTANCE, with /disk where its state is on a data disk");
        let (member, texts) = word.split_once('?').unwrap_or((word, ""));
        let mut parts = member.split('/');
        let kind =
            Given::<RoleName>::text(parts.next().unwrap_or_default()).ok().cloned().ok_or_else(wrong)?;
        let instance = match parts.next() {
            None | Some("") => None,
            Some(instance) => Some(unescaped(instance).ok_or_else(wrong)?.into()),
        };
        let keeps_state = match (parts.next(), parts.next()) {
            (None, None) => false,
            (Some("disk"), None) => true,
            _ => return Err(wrong()),
        };
        let mut leaving = Leaving::new();
        for text in texts.split('&').filter(|text| !text.is_empty()) {
            let said = |key: &str| text.strip_prefix(key).map(|text| unescaped(text).ok_or_else(wrong));
            if let Some(text) = said(REMOVED) {
                leaving = leaving.removed(text?);
            } else if let Some(text) = said(REPLACED) {
                leaving = leaving.replaced(text?);
            } else {
                return Err(wrong());
            }
        }
        Ok(Self { kind, instance, keeps_state, leaving })
    }
}

/// Escapes every byte that could end a word of a mark, as `%` and two hexadecimal digits.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~:@,;()".contains(&byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// The text of an escaped one; `None` if it is not escaped text.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let digits =
            escaped.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = escaped.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_mark_is_read_as_it_was_written() {
        let kind = || RoleName::literal("directory");
        let members = [
            Membership::new(kind(), None),
            Membership::new(kind(), Some("prod")),
            Membership::new(kind(), Some("eu/prod 1%")),
            Membership::new(kind(), Some("prod")).with_state_kept(true),
            Membership::new(kind(), None).with_state_kept(true),
            Membership::new(kind(), None)
                .leaving(Leaving::new().removed("tell it: `a & b` = 100 %?\nthen ü")),
            Membership::new(kind(), Some("prod"))
                .with_state_kept(true)
                .leaving(Leaving::new().removed("").replaced("wait")),
        ];
        for member in &members {
            assert_eq!(member.to_string().parse().as_ref(), Ok(member), "{member}");
            assert!(!member.to_string().contains(' '), "{member}");
        }
        let mark = members.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(Membership::all_of(&mark), members);
    }

    #[test]
    fn marks_of_earlier_versions_are_read() {
        let members = Membership::all_of("k3s-server/prod/disk k3s-agent/test balancer/prod");
        let read: Vec<_> =
            members.iter().map(|of| (of.kind().as_str(), of.instance(), of.keeps_state())).collect();
        assert_eq!(
            read,
            [
                ("k3s-server", Some("prod"), true),
                ("k3s-agent", Some("test"), false),
                ("balancer", Some("prod"), false)
            ]
        );
    }

    #[test]
    fn what_is_no_membership_is_passed_over() {
        for word in [
            "",
            "/prod",
            "a b",
            "Directory/prod",
            "a/b/c",
            "a/b/disk/x",
            "a?later=x",
            "a/%4",
            "a/%zz",
            "a/%ff",
        ] {
            word.parse::<Membership>().unwrap_err();
        }
        assert_eq!(Membership::all_of("a/b/later web/prod").len(), 1);
        assert!(Membership::all_of("").is_empty());
    }
}
