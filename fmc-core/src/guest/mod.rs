//! What is inside a machine, whatever its operating system: files, users, units, packages.
//!
//! [`Guest`] is the draft that a user writes; [`Parts`] is the same with every leaf right. [`Inside`](crate::boot::Inside) adds what the
//! cloud knows of the machine (its names, addresses, resolvers, time zone), and is what [`crate::boot`] compiles
//! for Ignition or cloud-init.

mod alike;
mod file;
pub(crate) mod mount;
mod parts;
mod unit;
mod user;

use serde::{Deserialize, Serialize};

pub(crate) use alike::Alike;
pub use file::{Contents, Directory, GuestFile, Symlink, TextPart};
pub use parts::Parts;
pub use unit::{Dropin, State, Unit, UnitContents, UnitFile, UnitLineError, UnitSection};
pub use user::{Group, User};

/// Parts with every leaf right, as a checked cloud has them.
pub mod checked {
    pub use super::file::{
        CheckedContents as Contents, CheckedDirectory as Directory, CheckedFile as GuestFile,
    };
    pub use super::file::{CheckedSymlink as Symlink, CheckedTextPart as TextPart, Owner};
    pub use super::unit::{CheckedDropin as Dropin, CheckedUnit as Unit};
    pub use super::user::{CheckedUser as User, CheckedUserGroup as Group};
}

use crate::given::Given;
use crate::name::PackageName;
use crate::named::Named;

/// Where OpenSSH has a machine's private host key.
pub(crate) const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key";
/// Where it has the public half.
pub(crate) const HOST_KEY_PUBLIC: &str = "/etc/ssh/ssh_host_ed25519_key.pub";

/// What the user wants inside a machine.
///
/// ```
/// use fmc_core::guest::{GuestFile, Guest, Unit, User};
/// use fmc_core::secret::Secret;
///
/// let guest = Guest::new()
///     .user(User::admin("ops").key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM"))
///     .file(GuestFile::text("/etc/motd", "Managed by fmc.\n"))
///     .file(GuestFile::secret("/etc/app/token", Secret::environment("app-token", "APP_TOKEN")).owner("ops"))
///     .unit(Unit::service("app").enabled().contents(
///         "[Service]\nExecStart=/usr/bin/app\n[Install]\nWantedBy=multi-user.target\n",
///     ));
/// # let _ = guest;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// Files, by path.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    files: Named<GuestFile>,
    /// Directories, by path.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    directories: Named<Directory>,
    /// Symbolic links, by path.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    links: Named<Symlink>,
    /// Users, by name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    users: Named<User>,
    /// Groups, by name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    groups: Named<Group>,
    /// systemd units, by their whole name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    units: Named<Unit>,
    /// Packages of the distribution, installed on the first boot. Fedora CoreOS and Flatcar have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    packages: Vec<Given<PackageName>>,
}

impl Guest {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The files whose text is known: their paths and texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(GuestFile::plain)
    }

    /// A file. What the image has at its path is replaced.
    #[must_use]
    pub fn file(mut self, file: GuestFile) -> Self {
        self.files.push(file);
        self
    }

    /// A directory.
    #[must_use]
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directories.push(directory);
        self
    }

    /// A symbolic link. What the image has at its path is replaced.
    #[must_use]
    pub fn link(mut self, link: Symlink) -> Self {
        self.links.push(link);
        self
    }

    /// A user.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// A group.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// A systemd unit.
    #[must_use]
    pub fn unit(mut self, unit: Unit) -> Self {
        self.units.push(unit);
        self
    }

    /// A package of the distribution, installed on the first boot. Fedora CoreOS and Flatcar have none.
    #[must_use]
    pub fn package(mut self, name: impl Into<Given<PackageName>>) -> Self {
        self.packages.push(name.into());
        self
    }

    /// All that another guest has, behind what this one has.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.directories.extend(other.directories);
        self.links.extend(other.links);
        self.users.extend(other.users);
        self.groups.extend(other.groups);
        self.units.extend(other.units);
        self.packages.extend(other.packages);
        self
    }
}
