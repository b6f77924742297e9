//! Where a role is: one machine in a checked cloud.

use std::any::Any;
use std::fmt;
use std::net::IpAddr;

use super::{Assigned, CustomRole};
use crate::checked::{Checked, CheckedGroup, Forward, Idx, Machine, Network};
use crate::given::Given;
use crate::image::Os;
use crate::name::RoleName;

/// A machine in a checked cloud, as a role sees it.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    cloud: &'a Checked,
    machine: &'a Machine,
    /// All roles of the cloud, by machine.
    assigned: &'a [Assigned],
}

impl<'a> Site<'a> {
    pub(crate) fn new(cloud: &'a Checked, machine: &'a Machine, assigned: &'a [Assigned]) -> Self {
        Self { cloud, machine, assigned }
    }

    /// Another machine of the same cloud.
    pub(crate) fn of(&self, machine: &'a Machine) -> Self {
        Self { machine, ..*self }
    }

    /// The machine, without the parts that roles add.
    pub fn machine(&self) -> &'a Machine {
        self.machine
    }

    /// The cloud that it is in.
    pub fn cloud(&self) -> &'a Checked {
        self.cloud
    }

    /// The machine's operating system.
    pub fn os(&self) -> Os {
        self.machine.image.os
    }

    /// The address by which others in the cloud know the machine; see [`Machine::address`].
    pub fn address(&self) -> Option<IpAddr> {
        self.machine.address()
    }

    /// The networks that the machine is on, in the order of its interfaces.
    pub fn networks(&self) -> impl Iterator<Item = &'a Network> {
        let cloud = self.cloud;
        self.machine.interfaces.iter().filter_map(move |interface| cloud.at(interface.network))
    }

    /// The networks of the machine whose own forwarder it asks for names: libvirt's, which answers at the network's gateway.
    pub fn asks(&self) -> impl Iterator<Item = &'a Network> {
        let cloud = self.cloud;
        self.forwarders().filter_map(move |(network, _)| cloud.at(network))
    }

    /// Those networks, by index, each with the address at which it is asked.
    pub(crate) fn forwarders(&self) -> impl Iterator<Item = (Idx<Network>, IpAddr)> {
        let (cloud, machine) = (self.cloud, self.machine);
        machine.interfaces.iter().flat_map(move |interface| {
            // On a host bridge the gateway is another machine.
            let network = cloud.at(interface.network);
            let own = network.filter(|network| network.forward != Forward::Bridge);
            let families = own.into_iter().flat_map(|network| [&network.ipv4, &network.ipv6]).flatten();
            let gateways = families.filter_map(|family| family.gateway);
            gateways
                .filter(move |gateway| machine.resolvers.contains(gateway))
                .map(move |gateway| (interface.network, gateway))
        })
    }

    /// The networks that ask this machine for names: those it shares with a forwarder of libvirt, and those of the machines whose resolver
    /// it is or that `others` names. A machine on a network of this one comes from there.
    pub(crate) fn askers(&self, others: &[&Machine]) -> Vec<&'a Network> {
        let (cloud, own) = (self.cloud, self.machine);
        let of = |machine: &'a Machine| machine.interfaces.iter().map(|interface| interface.network);
        let mut networks: Vec<Idx<Network>> = of(own)
            .filter(|at| cloud.at(*at).is_some_and(|network| network.forward != Forward::Bridge))
            .collect();
        let asks = |machine: &Machine| {
            machine.resolvers.iter().any(|resolver| own.addresses().any(|address| address == *resolver))
                || others.iter().any(|other| other.name == machine.name)
        };
        for machine in cloud.machines().iter().filter(|machine| machine.name != own.name && asks(machine)) {
            let shared = of(machine).find(|at| of(own).any(|other| other == *at));
            match shared {
                Some(shared) => networks.push(shared),
                None => networks.extend(of(machine)),
            }
        }
        networks.sort_unstable();
        networks.dedup();
        let networks = networks.into_iter().filter_map(|at| cloud.at(at));
        networks.filter(|network| network.ipv4.is_some() || network.ipv6.is_some()).collect()
    }

    /// The machines that have a role of this kind, in the order of their names.
    pub fn with_role<K: AsRef<str>>(&self, kind: K) -> impl Iterator<Item = &'a Machine> + use<'a, K> {
        self.members(kind.as_ref(), None)
    }

    /// The machines that have this instance of a role, in the order of their names.
    pub fn with_role_of<K: AsRef<str>, I: AsRef<str>>(
        &self,
        kind: K,
        instance: I,
    ) -> impl Iterator<Item = &'a Machine> + use<'a, K, I> {
        self.members(kind.as_ref(), Some(instance.as_ref()))
    }

    fn members(&self, kind: &str, instance: Option<&str>) -> impl Iterator<Item = &'a Machine> + use<'a> {
        let group = Given::<RoleName>::text(kind)
            .ok()
            .map(|kind| CheckedGroup { kind: kind.clone(), instance: instance.map(Into::into) });
        let cloud = self.cloud;
        let machines =
            group.and_then(|group| cloud.roles().get(&group)).map(|members| members.machines.as_slice());
        machines.unwrap_or_default().iter().filter_map(move |&at| cloud.at(at))
    }

    /// The roles of a type in the whole cloud, each with its machine, by machine: with the values that the user set.
    ///
    /// ```
    /// use fmc_core::guest::{GuestFile, Guest};
    /// use fmc_core::role::{CustomRole, Site};
    ///
    /// struct NodeExporter {
    ///     port: u16,
    /// }
    ///
    /// impl CustomRole for NodeExporter {}
    ///
    /// struct Prometheus;
    ///
    /// impl CustomRole for Prometheus {
    ///     fn guest(&self, site: &Site<'_>) -> Guest {
    ///         let targets = site.roles::<NodeExporter>().filter_map(|(machine, exporter)| {
    ///             Some(format!("- {}:{}\n", machine.address()?, exporter.port))
    ///         });
    ///         Guest::new().file(GuestFile::text("/etc/prometheus/targets.yml", targets.collect::<String>()))
    ///     }
    /// }
    /// ```
    pub fn roles<R: CustomRole>(&self) -> impl Iterator<Item = (&'a Machine, &'a R)> + use<'a, R> {
        let cloud = self.cloud;
        self.assigned.iter().filter_map(move |one| {
            let role: &dyn Any = &*one.role;
            Some((cloud.at(one.machine)?, role.downcast_ref::<R>()?))
        })
    }
}

impl fmt::Debug for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("machine", &self.machine.name).finish_non_exhaustive()
    }
}
