//! Guests: files, users, units and packages of a machine, whatever its operating system.
//!
//! [`Guest`] is the draft that a user writes; [`Parts`] is the same with every leaf right.
//! [`Inside`](crate::boot::Inside) adds the machine's names, addresses, resolvers and time zone from the cloud;
//! [`crate::boot`] compiles it for Ignition or cloud-init.

mod alike;
mod file;
mod fragment;
pub(crate) mod home;
mod kernel;
pub(crate) mod mount;
mod parts;
mod unit;
mod user;

pub(crate) use alike::Alike;
pub use file::{Contents, Directory, GuestFile, Symlink, TextPart};
pub use fragment::{CloudConfig, Fragment, PLAIN};
pub use kernel::KernelArguments;
pub use parts::Parts;
pub use unit::{Dropin, State, Unit, UnitContents, UnitFile, UnitLineError, UnitSection};
pub use user::{Group, User};

/// Parts with every leaf right, as a checked cloud has them.
pub mod checked {
    pub use super::file::{
        CheckedContents as Contents, CheckedDirectory as Directory, CheckedFile as GuestFile,
    };
    pub use super::file::{CheckedSymlink as Symlink, CheckedTextPart as TextPart, Owner};
    pub use super::kernel::CheckedKernelArguments as KernelArguments;
    pub use super::unit::{CheckedDropin as Dropin, CheckedUnit as Unit};
    pub use super::user::{CheckedUser as User, CheckedUserGroup as Group};
}

use crate::draft::{Look, Setting, draft};
use crate::finding::At;
use crate::given::Given;
use crate::name::PackageName;
use crate::named::{Keyed as _, Named};
use crate::path::AbsPath;
use crate::rust::{Expr, Names, Unsaid};

/// Where OpenSSH has a machine's private host key.
pub(crate) const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key";
/// Where it has the public half.
pub(crate) const HOST_KEY_PUBLIC: &str = "/etc/ssh/ssh_host_ed25519_key.pub";

/// The unit that loads a machine's firewall.
pub(crate) const FIREWALL_UNIT: &str = "fmc-firewall.service";

draft! {
    /// The user's own files, users, units and packages of a machine.
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
    #[derive(Default)]
    pub struct Guest {
        /// Files, by path. They replace files of the image.
        #[each(file)]
        pub(crate) files: Named<GuestFile>,
        /// Directories, by path.
        #[each(directory)]
        directories: Named<Directory>,
        /// Symbolic links, by path. They replace files of the image.
        #[each(link)]
        links: Named<Symlink>,
        /// Users, by name.
        #[each(user)]
        users: Named<User>,
        /// Groups, by name.
        #[each(group)]
        groups: Named<Group>,
        /// systemd units, by their whole name.
        #[each(unit)]
        units: Named<Unit>,
        /// Packages of the distribution, installed on the first boot; not on Fedora CoreOS and Flatcar.
        #[each(package)]
        packages: Vec<Given<PackageName>>,
        /// Arguments of the kernel, on Fedora CoreOS and Flatcar.
        kernel_arguments: Option<KernelArguments>,
        /// Configs of Butane (`variant: fcos` or `flatcar`) or of Ignition, merged into what Fedora CoreOS and Flatcar boot with.
        #[each(ignition)]
        ignition: Vec<Fragment>,
        /// Parts of a cloud-config, merged into what Debian, Rocky Linux and `AlmaLinux` boot with.
        #[each(cloud_config)]
        cloud_config: Vec<CloudConfig>,
    }

    /// An empty guest.
    pub fn new(..);
    by hand;
}

impl Guest {
    /// The files whose text is known: their paths and texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(GuestFile::plain)
    }

    /// Whether it has a file or a link at a path, or a link in place of a folder above it.
    pub(crate) fn has_path(&self, path: &AbsPath) -> bool {
        let is_above = |link: &AbsPath| {
            path.as_str()
                .strip_prefix(link.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.files.iter().any(|file| file.name().ok() == Some(path))
            || self.links.iter().filter_map(|link| link.name().ok()).any(is_above)
    }

    /// Whether it installs a package.
    pub(crate) fn has_package(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.ok().is_some_and(|package| package.package() == name))
    }

    /// Whether it has a unit with such a name.
    pub(crate) fn has_unit(&self, is: impl Fn(&str) -> bool) -> bool {
        self.units.iter().any(|unit| unit.name.ok().is_some_and(|name| is(name.as_str())))
    }

    /// Its fragments of Butane and Ignition.
    #[cfg(feature = "ignition")]
    pub(crate) fn fragments(&self) -> &[Fragment] {
        &self.ignition
    }

    /// The Rust expression that makes it: `Guest::new()` with a setter for each part.
    ///
    /// # Errors
    ///
    /// Names a part that no setter can express.
    pub fn to_rust(&self) -> Result<String, String> {
        let mut on = Expr::new("Guest::new()");
        self.say_settings(&mut on, &[], &Names::default())?;
        Ok(on.print(4))
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
        match (&mut self.kernel_arguments, other.kernel_arguments) {
            (Some(own), Some(other)) => own.extend(other),
            (own @ None, other) => *own = other,
            (Some(_), None) => {}
        }
        self.ignition.extend(other.ignition);
        self.cloud_config.extend(other.cloud_config);
        self
    }
}

impl Setting for Guest {
    /// Its parts are checked when they become [`Parts`], once for all machines with an equal guest.
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    /// No constructor of a machine takes one: a machine has the setters of its parts.
    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Err("a guest by itself".to_owned())
    }

    fn say(&self, _: &str, machine: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        self.say_settings(machine, &[], names)
    }
}
