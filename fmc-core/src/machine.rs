//! Machines: what one is.

use serde::{Deserialize, Serialize};

use crate::addr::Ip;
use crate::disk::{Allocation, Disk};
use crate::field::{is_default, is_yes, yes};
use crate::flow::{Peer, Service};
use crate::given::Given;
use crate::guest::{Directory, Group, Guest, GuestFile, Symlink, Unit, User};
use crate::image::Image;
use crate::k3s::{Label, Taint};
use crate::name::{Fqdn, HostName, Hostname, MachineName, PackageName};
use crate::named::{Keyed, Named, unnamed};
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

/// A machine: a virtual machine with what is inside it.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Machine {
    /// Its name.
    #[serde(skip, default = "unnamed")]
    pub name: Given<MachineName>,
    /// What its root disk is made from.
    pub image: Image,
    /// The host that it is on. Needed only in a cloud of several hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Given<HostName>>,
    /// Virtual processors; 1 if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Given<Cpus>>,
    /// Memory; 1 GiB if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Given<Size>>,
    /// Its root disk: a size, as `20 GiB`, or a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_disk: Option<Root>,
    /// Data disks, by name. They outlive the machine.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub disks: Named<Disk>,
    /// Interfaces, in the guest's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// The name it calls itself; its own name if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Given<Hostname>>,
    /// Its full name in DNS; host name and domain if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<Given<Fqdn>>,
    /// Its time zone; the cloud's if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Given<TimeZone>>,
    /// Whom it asks for names, in order; its networks' resolvers if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolvers: Vec<Given<Ip>>,
    /// Whether it should run; it should if not said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub power: Power,
    /// Whether it starts with the host; it does if not said.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub autostart: bool,
    /// How it is stopped; asked, and by force after 60 s, if not said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shutdown: Shutdown,
    /// How it says that it is up, for which an apply waits; nobody waits if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Ready>,
    /// Whether it has a firewall that lets in its flows and nothing else; a machine that has roles or accepts something has one if
    /// not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firewall: Option<bool>,
    /// What it lets in by itself, beside what its roles accept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<Opening>,
    /// What is inside it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub guest: Guest,
    /// Labels of the Kubernetes node that it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Given<Label>>,
    /// Taints of the Kubernetes node that it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<Given<Taint>>,
    /// What it is for: its roles, each by its kind, or as a map of its kind to its settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
}

impl Machine {
    /// A machine made from an image: one virtual processor and 1 GiB of memory until said otherwise.
    pub fn new(name: impl Into<Given<MachineName>>, image: Image) -> Self {
        Self {
            name: name.into(),
            image,
            host: None,
            cpus: None,
            memory: None,
            root_disk: None,
            disks: Named::default(),
            interfaces: Vec::new(),
            hostname: None,
            fqdn: None,
            time_zone: None,
            resolvers: Vec::new(),
            power: Power::default(),
            autostart: true,
            shutdown: Shutdown::default(),
            ready: None,
            firewall: None,
            accept: Vec::new(),
            guest: Guest::default(),
            labels: Vec::new(),
            taints: Vec::new(),
            roles: Vec::new(),
        }
    }

    /// The host that it is on. Needed only in a cloud of several hosts.
    #[must_use]
    pub fn host(mut self, host: impl Into<Given<HostName>>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Virtual processors; one if not said.
    #[must_use]
    pub fn cpus(mut self, cpus: impl Into<Given<Cpus>>) -> Self {
        self.cpus = Some(cpus.into());
        self
    }

    /// Memory; 1 GiB if not said.
    #[must_use]
    pub fn memory(mut self, size: impl Into<Given<Size>>) -> Self {
        self.memory = Some(size.into());
        self
    }

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

    /// A data disk.
    #[must_use]
    pub fn disk(mut self, disk: Disk) -> Self {
        self.disks.push(disk);
        self
    }

    /// The same machine with each of its disks changed.
    #[must_use]
    pub fn map_disks(mut self, change: impl FnMut(Disk) -> Disk) -> Self {
        self.disks = self.disks.map(change);
        self
    }

    /// An interface. The order is the guest's.
    #[must_use]
    pub fn interface(mut self, interface: Interface) -> Self {
        self.interfaces.push(interface);
        self
    }

    /// The same machine with each of its interfaces changed.
    #[must_use]
    pub fn map_interfaces(mut self, change: impl FnMut(Interface) -> Interface) -> Self {
        self.interfaces = self.interfaces.into_iter().map(change).collect();
        self
    }

    /// The name it calls itself; its own name if not said.
    #[must_use]
    pub fn hostname(mut self, name: impl Into<Given<Hostname>>) -> Self {
        self.hostname = Some(name.into());
        self
    }

    /// Its full name in DNS; host name and domain if not said.
    #[must_use]
    pub fn fqdn(mut self, name: impl Into<Given<Fqdn>>) -> Self {
        self.fqdn = Some(name.into());
        self
    }

    /// Its time zone; the cloud's if not said.
    #[must_use]
    pub fn time_zone(mut self, zone: impl Into<Given<TimeZone>>) -> Self {
        self.time_zone = Some(zone.into());
        self
    }

    /// Whom it asks for names, in order; its networks' resolvers if not said.
    #[must_use]
    pub fn resolvers<R: Into<Given<Ip>>>(mut self, resolvers: impl IntoIterator<Item = R>) -> Self {
        self.resolvers = resolvers.into_iter().map(Into::into).collect();
        self
    }

    /// Whether it should run; it should if not said.
    #[must_use]
    pub fn power(mut self, power: Power) -> Self {
        self.power = power;
        self
    }

    /// Whether it starts with the host; it does if not said.
    #[must_use]
    pub fn autostart(mut self, on: bool) -> Self {
        self.autostart = on;
        self
    }

    /// How it is stopped; asked, and by force after 60 s, if not said.
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// What says that it is up. An apply waits for it; without one it is not waited for.
    #[must_use]
    pub fn ready(mut self, ready: Ready) -> Self {
        self.ready = Some(ready);
        self
    }

    /// Whether it has a firewall that lets in its flows and nothing else. A machine that has roles or [accepts](Self::accept)
    /// something has one if not said, and another one has none.
    #[must_use]
    pub fn firewall(mut self, on: bool) -> Self {
        self.firewall = Some(on);
        self
    }

    /// Lets somebody call a service of the machine, beside what its roles accept; for several peers it is said several times. The
    /// machine has a firewall then, which drops what nothing accepts. A port that a role listens on may be opened for more peers.
    ///
    /// A service is TCP or UDP with a port or several, or VRRP; everything at once is none.
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

    /// All that the user wants inside it.
    #[must_use]
    pub fn guest(mut self, guest: Guest) -> Self {
        self.guest = guest;
        self
    }

    /// A label of the Kubernetes node that it is: `example.com/disk=ssd`. The node has it from its first registration on.
    #[must_use]
    pub fn label(mut self, label: impl Into<Given<Label>>) -> Self {
        self.labels.push(label.into());
        self
    }

    /// A taint of the Kubernetes node that it is: `KEY=VALUE:NoSchedule`.
    #[must_use]
    pub fn taint(mut self, taint: impl Into<Given<Taint>>) -> Self {
        self.taints.push(taint.into());
        self
    }

    /// A role: see [`CustomRole`](crate::role::CustomRole). A file holds it where it is a [`FileRole`](crate::role::FileRole) that
    /// the program knows; settings keep any.
    #[must_use]
    pub fn role(mut self, role: impl Into<Role>) -> Self {
        self.roles.push(role.into());
        self
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
}

impl Keyed for Machine {
    type Name = MachineName;

    fn name(&self) -> &Given<MachineName> {
        &self.name
    }

    fn with_name(self, name: Given<MachineName>) -> Self {
        Self { name, ..self }
    }
}
