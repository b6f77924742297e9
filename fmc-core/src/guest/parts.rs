//! A guest with every leaf right.

use std::sync::Arc;

use super::Guest;
use super::checked::{Directory, Group, GuestFile, KernelArguments, Symlink, Unit, User};
use super::{CloudConfig, Fragment};
use crate::finding::{At, Finding, leaf};
use crate::name::PackageName;
use crate::named::{Keyed, Named};
use crate::secret::SecretRef;
use crate::sort;

/// The parts of a guest, sorted by path or name, independent of the user's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Files, shared with machines that have the same.
    pub files: Vec<Arc<GuestFile>>,
    /// Directories.
    pub directories: Vec<Directory>,
    /// Symbolic links.
    pub links: Vec<Symlink>,
    /// Users, shared with machines that have the same.
    pub users: Vec<Arc<User>>,
    /// Groups.
    pub groups: Vec<Group>,
    /// systemd units, shared with machines that have the same.
    pub units: Vec<Arc<Unit>>,
    /// Packages.
    pub packages: Vec<PackageName>,
    /// Arguments of the kernel.
    pub kernel_arguments: KernelArguments,
    /// Configs of Butane or Ignition, in the user's order.
    pub ignition: Vec<Fragment>,
    /// Parts of a cloud-config, in the user's order.
    pub cloud_config: Vec<CloudConfig>,
}

impl Parts {
    /// The secrets that it needs.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let files = self.files.iter().flat_map(|file| file.contents.secrets());
        files.chain(self.users.iter().filter_map(|user| user.password_hash.as_deref()))
    }

    /// Whether a user can log in: by a key, or with a password on the console.
    pub fn has_login(&self) -> bool {
        let users = self.users.iter().filter(|user| user.has_shell());
        users.into_iter().any(|user| !user.keys.is_empty() || user.password_hash.is_some())
    }

    /// Sorts each kind of part by its path or name.
    pub(crate) fn sort(&mut self) {
        self.sort_files();
        sort::by(&mut self.directories, |a, b| a.path.cmp(&b.path));
        sort::by(&mut self.links, |a, b| a.path.cmp(&b.path));
        sort::by(&mut self.users, |a, b| a.name.cmp(&b.name));
        sort::by(&mut self.groups, |a, b| a.name.cmp(&b.name));
        sort::by(&mut self.units, |a, b| a.name.cmp(&b.name));
        sort::all(&mut self.packages);
    }

    /// Sorts the files by their paths.
    pub(crate) fn sort_files(&mut self) {
        sort::by(&mut self.files, |a, b| a.path.cmp(&b.path));
    }
}

impl Guest {
    /// The parts with every leaf right; `None`, and a finding for each that is wrong, if one is.
    pub fn parts(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<Parts> {
        let before = findings.len();
        let packages = at.key("packages");
        let mut parts = Parts {
            files: each(&self.files, &at.key("files"), findings, |file, at, findings| {
                file.checked(at, findings).map(Arc::new)
            }),
            directories: each(&self.directories, &at.key("directories"), findings, super::Directory::checked),
            links: each(&self.links, &at.key("links"), findings, super::Symlink::checked),
            users: each(&self.users, &at.key("users"), findings, |user, at, findings| {
                user.checked(at, findings).map(Arc::new)
            }),
            groups: each(&self.groups, &at.key("groups"), findings, super::Group::checked),
            units: each(&self.units, &at.key("units"), findings, |unit, at, findings| {
                unit.checked(at, findings).map(Arc::new)
            }),
            packages: self
                .packages
                .iter()
                .enumerate()
                .filter_map(|(index, name)| leaf(name, &packages.index(index), findings).cloned())
                .collect(),
            kernel_arguments: self
                .kernel_arguments
                .as_ref()
                .map(|arguments| arguments.checked(&at.key("kernel_arguments"), findings))
                .unwrap_or_default(),
            ignition: self.ignition.clone(),
            cloud_config: self.cloud_config.clone(),
        };
        parts.sort();
        (findings.len() == before).then_some(parts)
    }
}

/// Every value that is right, each looked at in its own place.
fn each<T: Keyed, C>(
    values: &Named<T>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
    of: impl Fn(&T, &At<'_>, &mut Vec<Finding>) -> Option<C>,
) -> Vec<C> {
    values.iter().filter_map(|value| of(value, &at.name(value.name()), findings)).collect()
}
