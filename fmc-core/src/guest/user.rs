//! Users and groups.

use std::sync::Arc;

use super::file::optional;
use crate::draft::{Setting, draft};
use crate::finding::{At, Finding, ValueProblem, leaf};
use crate::given::{Given, Leaf};
use crate::name::{GroupName, UserName};
use crate::path::AbsPath;
use crate::rust::{Expr, Names, Unsaid};
use crate::secret::{Secret, SecretRef};
use crate::sort;
use crate::ssh::SshKey;

draft! {
    /// A user of a machine, with a home directory and a group of the same name. A user of the image is changed.
    #[derive(Eq)]
    pub struct User {
        /// Its name.
        #[key]
        name: Given<UserName>,
        /// Whether it may run everything by sudo, without a password.
        #[by_hand]
        admin: bool,
        /// SSH public keys that open the account.
        #[each(key)]
        keys: Vec<Given<SshKey>>,
        /// Further groups; they must be in the guest or in the image.
        #[each(group)]
        groups: Vec<Given<GroupName>>,
        /// The numeric id; the guest's next free one by default.
        uid: Option<u32>,
        /// The home directory; `/home/NAME` by default.
        home: Option<Given<AbsPath>>,
        /// The login shell; `/bin/bash` by default.
        shell: Option<Given<AbsPath>>,
        /// The hash of a password, as crypt(5) writes it (`$y$…`, `$6$…`), for the console. SSH takes keys only.
        password_hash: Option<Secret>,
    }

    /// A user without any rights.
    pub fn new(..);
    said User::said;
}

impl User {
    /// A user who may run everything by sudo, without a password.
    pub fn admin(name: impl Into<Given<UserName>>) -> Self {
        Self { admin: true, ..Self::new(name) }
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let constructor = if self.admin { "User::admin" } else { "User::new" };
        let mut on = Expr::of(constructor, vec![self.name.rust(names)?]);
        self.say_settings(&mut on, &["admin"], names)?;
        Ok(on)
    }

    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedUser> {
        let name = leaf(&self.name, at, findings).cloned();
        let keys = leaves(&self.keys, &at.key("keys"), findings);
        let groups = leaves(&self.groups, &at.key("groups"), findings);
        let home = account_path(self.home.as_ref(), "home", at, findings);
        let shell = account_path(self.shell.as_ref(), "shell", at, findings);
        let password_hash = match &self.password_hash {
            None => Some(None),
            Some(secret) if secret.is_generated() => {
                findings.push(ValueProblem::PasswordHash.at(at.key("password_hash")));
                None
            }
            Some(secret) => {
                secret.checked(&at.key("password_hash"), findings).map(|secret| Some(Arc::new(secret)))
            }
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

draft! {
    /// A group of a machine.
    #[derive(Eq)]
    pub struct Group {
        /// Its name.
        #[key]
        name: Given<GroupName>,
        /// The numeric id; the guest's next free one by default. cloud-init cannot choose it.
        gid: Option<u32>,
    }

    /// A group.
    pub fn new(..);
}

impl Group {
    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedUserGroup> {
        Some(CheckedUserGroup { name: leaf(&self.name, at, findings)?.clone(), gid: self.gid })
    }
}

/// A [`User`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedUser {
    /// Its name.
    pub name: UserName,
    /// Whether it may run everything by sudo, without a password.
    pub admin: bool,
    /// Keys that open the account.
    pub keys: Vec<SshKey>,
    /// Further groups.
    pub groups: Vec<GroupName>,
    /// The numeric id, if it is set.
    pub uid: Option<u32>,
    /// The home directory, if it is set.
    pub home: Option<AbsPath>,
    /// The login shell, if it is set.
    pub shell: Option<AbsPath>,
    /// The hash of a password.
    pub password_hash: Option<Arc<SecretRef>>,
}

impl CheckedUser {
    /// Whether its shell lets somebody in.
    pub(crate) fn has_shell(&self) -> bool {
        let shell = self.shell.as_ref().and_then(AbsPath::file_name);
        !matches!(shell, Some("nologin" | "false" | "true" | "sync" | "shutdown" | "halt"))
    }
}

/// A [`Group`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedUserGroup {
    /// Its name.
    pub name: GroupName,
    /// The numeric id, if it is set.
    pub gid: Option<u32>,
}

/// A path in a line of `/etc/passwd`; `None` if it cannot be there.
#[expect(clippy::option_option, reason = "absent is right and wrong is a finding: `?` tells them apart")]
fn account_path(
    given: Option<&Given<AbsPath>>,
    what: &'static str,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Option<AbsPath>> {
    let at = at.key(what);
    let path = optional(given, &at, findings)?;
    if path.as_ref().is_some_and(|path| path.as_str().contains(':')) {
        findings.push(ValueProblem::AccountPath { what }.at(at));
        return None;
    }
    Some(path)
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
    sort::all(&mut values);
    values.dedup();
    Some(values)
}
