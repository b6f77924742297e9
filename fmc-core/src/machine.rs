//! Machines.

use crate::addr::Ip;
use crate::disk::{Allocation, Disk};
use crate::draft::{draft, rule};
use crate::flow::{Peer, Service};
use crate::given::Given;
use crate::guest::{
    CloudConfig, Directory, Fragment, Group, Guest, GuestFile, KernelArguments, Symlink, Unit, User,
};
use crate::image::Image;
use crate::k3s::{Label, Taint};
use crate::name::{FormerMachineName, Fqdn, HostName, Hostname, MachineName, PackageName};
use crate::named::Named;
use crate::ready::Ready;
use crate::role::Role;
use crate::tz::TimeZone;
use crate::unit::{Cpus, Size};

mod interface;
mod opening;
mod power;
mod root;

pub use interface::Interface;
pub use opening::Opening;
pub use power::{Power, Shutdown};

/// The root disk of a machine. In a file it is its size, `20 GiB`, or a map with `size` and `allocation`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Root {
    /// Its size.
    pub size: Given<Size>,
    /// Whether its space is taken at once.
    pub allocation: Allocation,
}

impl Root {
    /// A root disk of a size.
    pub fn new(size: impl Into<Given<Size>>) -> Self {
        Self { size: size.into(), allocation: Allocation::Thin }
    }

    /// Take all space at once instead of when the guest writes.
    #[must_use]
    pub fn fully_allocated(mut self) -> Self {
        self.allocation = Allocation::Full;
        self
    }
}

draft! {
    /// A virtual machine and its guest.
    ///
    /// ```
    /// use fmc_core::guest::User;
    /// use fmc_core::image::Image;
    /// use fmc_core::machine::{Interface, Machine};
    /// use fmc_core::unit::SizeExt;
    ///
    /// let web = Machine::new("web", Image::debian("12").path("/var/lib/libvirt/images/debian-12.qcow2"))
    ///     .cpus(2)
    ///     .memory(2.gib())
    ///     .root_disk(20.gib())
    ///     .interface(Interface::on("lab").address("10.17.3.10"))
    ///     .user(User::admin("ops"));
    /// # let _ = web;
    /// ```
    pub struct Machine {
        /// Its name.
        #[key]
        pub name: Given<MachineName>,
        /// The name that it had first: the machine that is there by this name is renamed, and keeps its UUID, its MACs, its
        /// root, its data disks and its host key. It may stay here for ever. It restarts, because libvirt renames only what
        /// is off. Inside the guest the host name changes with its next replacement.
        pub formerly: Option<Given<FormerMachineName>>,
        /// The image that its root disk is made from.
        #[needed]
        pub image: Image,
        /// The host that it is on. Needed only in a cloud of several hosts.
        pub host: Option<Given<HostName>>,
        /// Machines that must not be on its host, by name: replicas that one failed host would take together.
        #[list]
        pub apart_from: Vec<Given<MachineName>>,
        /// Virtual processors; 1 by default.
        pub cpus: Option<Given<Cpus>>,
        /// Memory; 1 GiB by default.
        #[rule(rule::in_mebibytes)]
        pub memory: Option<Given<Size>>,
        /// Its root disk: a size, as `20 GiB`, or a map.
        #[by_hand]
        pub root_disk: Option<Root>,
        /// Data disks, by name. They outlive the machine.
        #[each(disk, map_disks)]
        pub disks: Named<Disk>,
        /// Interfaces, in the guest's order.
        #[each(interface, map_interfaces)]
        pub interfaces: Vec<Interface>,
        /// Its host name; the machine's name by default.
        pub hostname: Option<Given<Hostname>>,
        /// Its full name in DNS; by default the host name and the domain.
        pub fqdn: Option<Given<Fqdn>>,
        /// Its time zone; the cloud's by default.
        pub time_zone: Option<Given<TimeZone>>,
        /// Its resolvers, in order; by default those of its networks.
        #[list]
        pub resolvers: Vec<Given<Ip>>,
        /// Whether it should run; it should by default.
        pub power: Power,
        /// Whether it starts with the host; it does by default.
        pub autostart: bool = true,
        /// How it is stopped; by default it is asked, and stopped by force after 60 s.
        pub shutdown: Shutdown,
        /// The signal that it is up. An apply waits for it, and does not wait for a machine without one.
        pub ready: Option<Ready>,
        /// Whether it has a firewall that accepts its flows and nothing else. By default a machine with roles or an
        /// `accept` has one, and any other has none.
        pub firewall: Option<bool>,
        /// Peers that it accepts in addition to those of its roles.
        #[by_hand]
        pub accept: Vec<Opening>,
        /// Its users, files, units and packages.
        pub guest: Guest,
        /// Labels of its Kubernetes node, as `example.com/disk=ssd`. The node has them from its first registration on.
        #[each(label)]
        pub labels: Vec<Given<Label>>,
        /// Taints of its Kubernetes node, as `KEY=VALUE:NoSchedule`.
        #[each(taint)]
        pub taints: Vec<Given<Taint>>,
        /// Addresses by which the outside reaches its Kubernetes node, for example those of a router that forwards to it:
        /// the node's external addresses, and on a server also names of the API.
        #[each(external_address)]
        pub external_addresses: Vec<Given<Ip>>,
        /// Its roles, each by its kind, or as a map of its kind to its settings.
        #[by_hand(role)]
        pub roles: Vec<Role>,
    }

    /// A machine made from an image: by default with one virtual processor and 1 GiB of memory.
    pub fn new(..);
}

impl Machine {
    /// The size of the root disk, thin. Without one the machine boots from its data disks or its kernel.
    #[must_use]
    pub fn root_disk(self, size: impl Into<Given<Size>>) -> Self {
        self.root(Root::new(size))
    }

    /// The root disk.
    #[must_use]
    pub fn root(mut self, root: Root) -> Self {
        self.root_disk = Some(root);
        self
    }

    /// Lets a peer call a service of the machine, in addition to the peers of its roles; call it once for each peer.
    /// The machine then has a firewall, which drops everything else. It may open a role's port for more peers.
    ///
    /// A service is TCP or UDP with one or several ports, or VRRP, but not everything at once.
    ///
    /// ```
    /// use fmc_core::flow::{Peer, tcp};
    /// use fmc_core::image::Image;
    /// use fmc_core::machine::{Interface, Machine};
    ///
    /// let db = Machine::new("db", Image::debian("12").path("/images/debian-12.qcow2"))
    ///     .interface(Interface::on("core").address("10.17.3.13"))
    ///     .accept(tcp(5432), Peer::subnet_of_role("k3s-agent").of("prod"))
    ///     .accept("tcp 9187", Peer::machine("watch"));
    /// # let _ = db;
    /// ```
    ///
    /// In a file:
    ///
    /// ```yaml
    /// accept:
    ///   - {service: tcp 5432, from: {role: {kind: k3s-agent, instance: prod}}}
    ///   - {service: tcp 9187, from: {machine: watch}}
    /// ```
    #[must_use]
    pub fn accept(mut self, service: impl Into<Given<Service>>, from: Peer) -> Self {
        self.accept.push(Opening { service: service.into(), from });
        self
    }

    /// A role: see [`CustomRole`](crate::role::CustomRole). A file can hold it if it is a
    /// [`FileRole`](crate::role::FileRole) that the program knows; settings keep any role.
    #[must_use]
    pub fn role(mut self, role: impl Into<Role>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// The name that its identity is made from: the one that it had first.
    pub(crate) fn first_name(&self) -> Option<&str> {
        match &self.formerly {
            Some(formerly) => formerly.ok().map(|name| name.as_str()),
            None => self.name.ok().map(|name| name.as_str()),
        }
    }

    /// Its roles.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// A user inside it.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.guest = self.guest.user(user);
        self
    }

    /// A group inside it.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.guest = self.guest.group(group);
        self
    }

    /// A file inside it.
    #[must_use]
    pub fn file(mut self, file: GuestFile) -> Self {
        self.guest = self.guest.file(file);
        self
    }

    /// A directory inside it.
    #[must_use]
    pub fn directory(mut self, directory: Directory) -> Self {
        self.guest = self.guest.directory(directory);
        self
    }

    /// A link inside it.
    #[must_use]
    pub fn link(mut self, link: Symlink) -> Self {
        self.guest = self.guest.link(link);
        self
    }

    /// A systemd unit inside it.
    #[must_use]
    pub fn unit(mut self, unit: Unit) -> Self {
        self.guest = self.guest.unit(unit);
        self
    }

    /// A package of its distribution.
    #[must_use]
    pub fn package(mut self, package: impl Into<Given<PackageName>>) -> Self {
        self.guest = self.guest.package(package);
        self
    }

    /// Arguments of its kernel.
    #[must_use]
    pub fn kernel_arguments(mut self, arguments: KernelArguments) -> Self {
        self.guest = self.guest.kernel_arguments(arguments);
        self
    }

    /// A config of Butane or Ignition, merged into what it boots with.
    #[must_use]
    pub fn ignition(mut self, fragment: Fragment) -> Self {
        self.guest = self.guest.ignition(fragment);
        self
    }

    /// A part of a cloud-config, merged into what it boots with.
    #[must_use]
    pub fn cloud_config(mut self, part: CloudConfig) -> Self {
        self.guest = self.guest.cloud_config(part);
        self
    }
}
