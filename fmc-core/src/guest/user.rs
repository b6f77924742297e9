//! Users and groups.

use serde::{Deserialize, Serialize};

use super::file::optional;
use crate::field::is_default;
use crate::finding::{At, Finding, ValueProblem, leaf};
use crate::given::{Given, Leaf};
use crate::name::{GroupName, UserName};
use crate::named::{Keyed, unnamed};
use crate::path::AbsPath;
use crate::secret::{Secret, SecretRef};
use crate::ssh::SshKey;

/// A user of a machine, with a home directory and a group of the same name. One that the image has is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct User {
    #[serde(skip, default = "unnamed")]
    name: Given<UserName>,
    /// Whether it may do everything by sudo, without a password.
    #[serde(default, skip_serializing_if = "is_default")]
    admin: bool,
    /// SSH public keys that open the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<Given<SshKey>>,
    /// Further groups; they must be in the guest or in the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<Given<GroupName>>,
    /// The numeric id; the guest's next free one if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    /// The home directory; `/home/NAME` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    home: Option<Given<AbsPath>>,
    /// The login shell; `/bin/bash` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shell: Option<Given<AbsPath>>,
    /// The hash of a password, as crypt(5) writes it, for the console. SSH takes keys only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<Secret>,
}

impl User {
    /// A user without any rights.
    pub fn new(name: impl Into<Given<UserName>>) -> Self {
        Self {
            name: name.into(),
            admin: false,
            keys: Vec::new(),
            groups: Vec::new(),
            uid: None,
            home: None,
            shell: None,
            password_hash: None,
        }
    }

    /// A user who may do everything by sudo, without a password.
    pub fn admin(name: impl Into<Given<UserName>>) -> Self {
        Self { admin: true, ..Self::new(name) }
    }

    /// An SSH public key that opens the account.
    #[must_use]
    pub fn key(mut self, key: impl Into<Given<SshKey>>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// A further group. It must be in the guest or in the image.
    #[must_use]
    pub fn group(mut self, group: impl Into<Given<GroupName>>) -> Self {
        self.groups.push(group.into());
        self
    }

    /// The numeric id; the guest's next free one if not said.
    #[must_use]
    pub fn uid(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    /// The home directory; `/home/NAME` if not said.
    #[must_use]
    pub fn home(mut self, path: impl Into<Given<AbsPath>>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// The login shell; `/bin/bash` if not said.
    #[must_use]
    pub fn shell(mut self, path: impl Into<Given<AbsPath>>) -> Self {
        self.shell = Some(path.into());
        self
    }

    /// The hash of a password, as crypt(5) writes it (`$y$…`, `$6$…`), for the console. SSH takes keys only.
    #[must_use]
    pub fn password_hash(mut self, secret: Secret) -> Self {
        self.password_hash = Some(secret);
        self
    }

    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedUser> {
        let name = leaf(&self.name, at, findings).cloned();
        let keys = leaves(&self.keys, &at.key("keys"), findings);
        let groups = leaves(&self.groups, &at.key("groups"), findings);
        let home = optional(self.home.as_ref(), &at.key("home"), findings);
        let shell = optional(self.shell.as_ref(), &at.key("shell"), findings);
        let password_hash = match &self.password_hash {
            None => Some(None),
            Some(secret) if secret.is_generated() => {
                findings.push(ValueProblem::PasswordHash.at(at.key("password_hash")));
                None
            }
            Some(secret) => secret.checked(&at.key("password_hash"), findings).map(Some),
        };
        Some(CheckedUser {
            name: name?,
            admin: self.admin,
            keys: keys?,
            groups: groups?,
            uid: self.uid,
            home: home?,
            shell: shell?,
            password_hash: password_hash?,
        })
    }
}

impl Keyed for User {
    type Name = UserName;

    fn name(&self) -> &Given<UserName> {
        &self.name
    }

    fn with_name(mut self, name: Given<UserName>) -> Self {
        self.name = name;
        self
    }
}

/// A group of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Group {
    #[serde(skip, default = "unnamed")]
    name: Given<GroupName>,
    /// The numeric id; the guest's next free one if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gid: Option<u32>,
}

impl Group {
    /// A group.
    pub fn new(name: impl Into<Given<GroupName>>) -> Self {
        Self { name: name.into(), gid: None }
    }

    /// The numeric id; the guest's next free one if not said. cloud-init cannot choose it.
    #[must_use]
    pub fn gid(mut self, gid: u32) -> Self {
        self.gid = Some(gid);
        self
    }

    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedUserGroup> {
        Some(CheckedUserGroup { name: leaf(&self.name, at, findings)?.clone(), gid: self.gid })
    }
}

impl Keyed for Group {
    type Name = GroupName;

    fn name(&self) -> &Given<GroupName> {
        &self.name
    }

    fn with_name(mut self, name: Given<GroupName>) -> Self {
        self.name = name;
        self
    }
}

/// A [`User`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedUser {
    /// Its name.
    pub name: UserName,
    /// Whether it may do everything by sudo, without a password.
    pub admin: bool,
    /// Keys that open the account.
    pub keys: Vec<SshKey>,
    /// Further groups.
    pub groups: Vec<GroupName>,
    /// The numeric id, where it is said.
    pub uid: Option<u32>,
    /// The home directory, where it is said.
    pub home: Option<AbsPath>,
    /// The login shell, where it is said.
    pub shell: Option<AbsPath>,
    /// The hash of a password.
    pub password_hash: Option<SecretRef>,
}

/// A [`Group`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedUserGroup {
    /// Its name.
    pub name: GroupName,
    /// The numeric id, where it is said.
    pub gid: Option<u32>,
}

/// The values, sorted and each once; `None` if one is wrong.
fn leaves<T: Leaf + Ord>(given: &[Given<T>], at: &At<'_>, findings: &mut Vec<Finding>) -> Option<Vec<T>> {
    // Each one is looked at, so that every wrong one is found.
    let found: Vec<Option<T>> = given
        .iter()
        .enumerate()
        .map(|(index, given)| leaf(given, &at.index(index), findings).cloned())
        .collect();
    let mut values: Vec<T> = found.into_iter().collect::<Option<_>>()?;
    values.sort();
    values.dedup();
    Some(values)
}
