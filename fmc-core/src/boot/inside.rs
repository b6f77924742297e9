//! The inside of one machine: the user's settings for it, and what the cloud knows about it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::addr::Mac;
use crate::checked::{self, Addressing, Checked, Route};
use crate::disk;
use crate::guest::home::Homes;
use crate::guest::{Parts, mount};
use crate::image::Os;
use crate::name::{DiskName, DiskSerial, Fqdn, Hostname, NetworkName};
use crate::path::AbsPath;
use crate::secret::SecretRef;
use crate::sort;
use crate::tz::TimeZone;
use crate::unit::Mtu;

/// Everything inside one machine. It borrows from the checked cloud, and is independent of how an operating
/// system is configured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inside<'a> {
    /// The operating system.
    pub os: Os,
    /// The version of the image.
    pub version: &'a str,
    /// The machine's own host name.
    pub hostname: &'a Hostname,
    /// The machine's name in DNS, if it has a domain.
    pub fqdn: Option<&'a Fqdn>,
    /// Its time zone.
    pub time_zone: Option<TimeZone>,
    /// The DNS servers, in order; if it is empty, those that DHCP gives.
    pub resolvers: &'a [IpAddr],
    /// Its interfaces, in the user's order.
    pub interfaces: Vec<Interface<'a>>,
    /// The file systems that the first boot makes on the data disks, outer mount points first.
    pub filesystems: Vec<Filesystem<'a>>,
    /// The user's settings inside the machine.
    pub guest: &'a Parts,
    /// The homes of its users: whose the files below them are.
    pub(crate) homes: Homes,
}

/// A data disk with a file system, as the guest sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Filesystem<'a> {
    /// The name of the disk's volume, which stays when the disk is renamed.
    pub disk: &'a DiskName,
    /// Its device: `/dev/disk/by-id/virtio-SERIAL`.
    pub device: String,
    /// The file system to make if the disk has none.
    pub kind: disk::Filesystem,
    /// The mount point, as a path without symbolic links of the image.
    pub mount: Option<Cow<'a, AbsPath>>,
    /// The encryption below the file system.
    pub luks: Option<Luks<'a>>,
}

/// The encryption of a data disk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Luks<'a> {
    /// The name of the opened volume, which is `/dev/mapper/NAME`: the serial of the disk.
    pub name: &'a DiskSerial,
    /// Its key.
    pub key: &'a Arc<SecretRef>,
}

impl Filesystem<'_> {
    /// The device that the file system is on: the disk, or the volume that is opened of it.
    pub fn inner(&self) -> Cow<'_, str> {
        match &self.luks {
            Some(luks) => Cow::Owned(format!("/dev/mapper/{}", luks.name)),
            None => Cow::Borrowed(&self.device),
        }
    }
}

/// An interface as the guest sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Interface<'a> {
    /// The network that it is on.
    pub network: &'a NetworkName,
    /// The MAC address by which the guest recognises the interface.
    pub mac: Mac,
    /// IPv4, if the interface has it.
    pub ipv4: Option<Family>,
    /// IPv6, if the interface has more than its link-local address.
    pub ipv6: Option<Family>,
    /// The MTU, if it is not the default of 1,500 bytes.
    pub mtu: Option<Mtu>,
    /// Whether the default route goes through it.
    pub default_route: bool,
    /// Whether this interface carries the machine's DNS servers.
    pub resolves: bool,
    /// Routes through this interface, except the default one.
    pub routes: &'a [Route],
}

/// One address family of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Family {
    /// The origin of the address.
    pub address: Address,
    /// The router, when the default route goes through this interface and the address is static.
    pub gateway: Option<IpAddr>,
}

impl Family {
    /// The router, if it is outside of the subnet and the guest must be told that it is on the link. Every guest knows that of a
    /// link-local one.
    pub fn on_link(&self) -> Option<IpAddr> {
        let Address::Static(address, prefix) = self.address else { return None };
        let subnet = IpNet::new(address, prefix).ok()?;
        let is_local = |gateway: &IpAddr| matches!(gateway, IpAddr::V6(v6) if v6.is_unicast_link_local());
        self.gateway.filter(|gateway| !subnet.contains(gateway) && !is_local(gateway))
    }
}

/// The origin of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// Configured inside the guest, with the prefix length of its subnet.
    Static(IpAddr, u8),
    /// From DHCP, which always gives this address.
    Reserved(IpAddr),
    /// From DHCP (IPv4) or a router advertisement (IPv6).
    Dynamic,
}

impl Address {
    /// Whether the guest must ask for the address.
    pub fn is_asked_for(self) -> bool {
        !matches!(self, Self::Static(..))
    }
}

impl<'a> Inside<'a> {
    /// The inside of a machine of a checked cloud.
    pub fn of(cloud: &'a Checked, machine: &'a checked::Machine) -> Self {
        // DNS servers belong to an interface; the one with the default route is up when the guest asks the
        // internet.
        let resolving = machine.interfaces.iter().position(|interface| interface.default_route).unwrap_or(0);
        let interfaces = machine.interfaces.iter().enumerate().filter_map(|(index, interface)| {
            let network = cloud.at(interface.network)?;
            Some(Interface {
                network: &network.name,
                mac: interface.mac,
                ipv4: family(interface.ipv4, network.ipv4.as_ref(), interface.default_route),
                ipv6: family(interface.ipv6, network.ipv6.as_ref(), interface.default_route),
                mtu: network.mtu,
                default_route: interface.default_route,
                resolves: index == resolving,
                routes: &interface.routes,
            })
        });
        let mut filesystems: Vec<_> = machine
            .disks
            .iter()
            .filter_map(|disk| {
                Some(Filesystem {
                    disk: &disk.volume,
                    device: format!("/dev/disk/by-id/virtio-{}", disk.serial),
                    kind: disk.filesystem?,
                    luks: disk.luks_key.as_ref().map(|key| Luks { name: &disk.serial, key }),
                    mount: disk.mount.as_ref().map(|path| mount::without_links(path, machine.image.os)),
                })
            })
            .collect();
        sort::by(&mut filesystems, |a, b| a.mount.cmp(&b.mount));
        Self {
            os: machine.image.os,
            version: &machine.image.version,
            hostname: &machine.hostname,
            fqdn: machine.fqdn.as_ref(),
            time_zone: machine.time_zone,
            resolvers: &machine.resolvers,
            interfaces: interfaces.collect(),
            filesystems,
            guest: &machine.guest,
            homes: Homes::of(&machine.guest, machine.image.os),
        }
    }

    /// The same with another guest.
    pub(super) fn with_guest(self, guest: &'a Parts) -> Self {
        Self { homes: Homes::of(guest, self.os), guest, ..self }
    }

    /// The search domain for names without a dot: the domain of the machine's own name.
    pub fn search(&self) -> Option<&'a str> {
        self.fqdn.and_then(|fqdn| fqdn.as_str().split_once('.')).map(|(_, domain)| domain)
    }

    /// The text of `/etc/hosts`: the loopback names, and the machine's own name at its own addresses, static
    /// or reserved. The own name never stands beside a loopback address, because a service that looks up its
    /// own name would then give that address to others.
    pub fn hosts(&self) -> String {
        let mut text = String::from(
            "127.0.0.1 localhost localhost.localdomain\n::1 localhost localhost.localdomain ip6-localhost ip6-loopback\n",
        );
        let first = self.interfaces.iter().find(|interface| interface.resolves);
        let order = || first.into_iter().chain(&self.interfaces);
        let own = |family: fn(&Interface<'_>) -> Option<Family>| {
            order().find_map(|interface| match family(interface)?.address {
                Address::Static(address, _) | Address::Reserved(address) => Some(address),
                Address::Dynamic => None,
            })
        };
        for address in
            [own(|interface| interface.ipv4), own(|interface| interface.ipv6)].into_iter().flatten()
        {
            // Writing to a String cannot fail.
            let _ = match self.fqdn {
                Some(fqdn) => writeln!(text, "{address} {fqdn} {}", self.hostname),
                None => writeln!(text, "{address} {}", self.hostname),
            };
        }
        text
    }

    /// The stem of an interface's file names: its network, with a number from the second interface of a
    /// network on.
    pub(crate) fn stem(&self, index: usize) -> String {
        let mut before = self.interfaces.iter().take(index);
        let Some(interface) = self.interfaces.get(index) else { return String::new() };
        match before.by_ref().filter(|other| other.network == interface.network).count() {
            0 => interface.network.to_string(),
            more => format!("{}.{}", interface.network, more + 1),
        }
    }
}

fn family(
    addressing: Option<Addressing>,
    family: Option<&checked::Family>,
    default_route: bool,
) -> Option<Family> {
    let addressing = addressing?;
    Some(match (addressing, family) {
        (Addressing::Static(address), Some(family)) => Family {
            address: Address::Static(address, family.subnet.prefix_len()),
            gateway: family.gateway.filter(|gateway| default_route && *gateway != address),
        },
        (Addressing::Reserved(address), _) => Family { address: Address::Reserved(address), gateway: None },
        _ => Family { address: Address::Dynamic, gateway: None },
    })
}
