//! The draft: a cloud as the user says it. Making one never fails; [`Cloud::check`] says what is wrong with it.

use serde::{Deserialize, Serialize};

use crate::addr::Ip;
use crate::flow::Peer;
use crate::given::Given;
use crate::host::Host;
use crate::k3s;
use crate::machine::Machine;
use crate::name::{CloudName, DomainName, MachineName, OwnerId};
use crate::named::Named;
use crate::network::Network;
use crate::role::Role;
use crate::tz::TimeZone;

/// A finding that the cloud accepts, by kind, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Accept {
    /// The kind of finding, as `pool-thin`.
    pub kind: String,
    /// Why, which is shown with the finding.
    pub reason: String,
}

/// A cloud: hosts, networks and machines as one value.
///
/// ```
/// use fmc_core::cloud::Cloud;
/// use fmc_core::host::Host;
/// use fmc_core::image::Image;
/// use fmc_core::machine::{Interface, Machine};
/// use fmc_core::network::Network;
/// use fmc_core::unit::SizeExt;
///
/// let cloud = Cloud::new("first")
///     .host(Host::local())
///     .network(Network::nat("lab", "10.17.3.0/24"))
///     .machine(
///         Machine::new("web", Image::blank())
///             .memory(2.gib())
///             .root_disk(20.gib())
///             .interface(Interface::on("lab").address("10.17.3.10")),
///     );
/// let checked = cloud.check()?;
/// assert_eq!(checked.machines().len(), 1);
/// # Ok::<(), fmc_core::finding::Report>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Cloud {
    /// Its name.
    pub name: Given<CloudName>,
    /// Who owns its objects; the cloud's name if not said. Two clouds of one name on one host must not meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Given<OwnerId>>,
    /// Whether its domains and networks are called `OWNER-NAME` on their hosts, so that several clouds on one host may use
    /// the same names. They have their plain names if not said; a lab's are always `OWNER-NAME`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prefixed: bool,
    /// Whether it is the small copy that `--lab` makes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lab: bool,
    /// The DNS domain of its machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Given<DomainName>>,
    /// The time zone of its machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Given<TimeZone>>,
    /// Whom its machines ask for names, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolvers: Vec<Given<Ip>>,
    /// Addresses by which the Internet reaches the cloud; they must be public ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_addresses: Vec<Given<Ip>>,
    /// Whether machines get SSH host keys that are made from the root key, so that they are known before their first boot;
    /// they make their own if not said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ssh_host_keys: bool,
    /// From where SSH is let in by the machines' firewalls, beside the hypervisor: `anywhere`, `{network: lan}`,
    /// `{machine: bastion}`, `{subnet: 10.17.3.0/24}`. From anywhere if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_from: Option<Vec<Peer>>,
    /// Hypervisors, by name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub hosts: Named<Host>,
    /// Networks, by name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub networks: Named<Network>,
    /// Machines, by name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub machines: Named<Machine>,
    /// K3s clusters, by name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub clusters: Named<k3s::Cluster>,
    /// Kinds of findings that the cloud accepts, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<Accept>,
}

impl Cloud {
    /// An empty cloud.
    pub fn new(name: impl Into<Given<CloudName>>) -> Self {
        Self {
            name: name.into(),
            owner: None,
            prefixed: false,
            lab: false,
            domain: None,
            time_zone: None,
            resolvers: Vec::new(),
            public_addresses: Vec::new(),
            ssh_host_keys: false,
            ssh_from: None,
            hosts: Named::default(),
            networks: Named::default(),
            machines: Named::default(),
            clusters: Named::default(),
            accept: Vec::new(),
        }
    }

    /// Who owns its objects; the cloud's name if not said. Two people's clouds of one name on one host must not meet.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<Given<OwnerId>>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Whether its domains and networks are called `OWNER-NAME` on their hosts, for libvirt's names are global there: with it,
    /// dev and staging of one cloud lie beside each other. In plans and commands a machine keeps its plain name.
    ///
    /// An object that is there is not renamed: a plan refuses it, and says what to do.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::host::Host;
    /// use fmc_core::network::Network;
    ///
    /// let cloud = |name| Cloud::new(name).prefixed(true).host(Host::local()).network(Network::nat("lab", "10.17.3.0/24"));
    /// assert_eq!(cloud("staging").check()?.name_on_host("lab"), "staging-lab");
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    #[must_use]
    pub fn prefixed(mut self, on: bool) -> Self {
        self.prefixed = on;
        self
    }

    /// The DNS domain of its machines.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<Given<DomainName>>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// The time zone of its machines.
    #[must_use]
    pub fn time_zone(mut self, zone: impl Into<Given<TimeZone>>) -> Self {
        self.time_zone = Some(zone.into());
        self
    }

    /// Whom its machines ask for names, in order.
    #[must_use]
    pub fn resolvers<R: Into<Given<Ip>>>(mut self, resolvers: impl IntoIterator<Item = R>) -> Self {
        self.resolvers = resolvers.into_iter().map(Into::into).collect();
        self
    }

    /// An address by which the Internet reaches the cloud; it must be a public one.
    #[must_use]
    pub fn public_address(mut self, address: impl Into<Given<Ip>>) -> Self {
        self.public_addresses.push(address.into());
        self
    }

    /// Whether machines get SSH host keys that are made from the root key; they make their own if not said. With them, `ssh` and
    /// `ssh-config` know every machine before it boots, and a machine that is made anew keeps its key. A machine with a file of
    /// its own at `/etc/ssh/ssh_host_ed25519_key` keeps that.
    #[must_use]
    pub fn ssh_host_keys(mut self, on: bool) -> Self {
        self.ssh_host_keys = on;
        self
    }

    /// From where SSH is let in by the machines' firewalls: networks, subnets, machines as jump hosts. From anywhere if not
    /// said. The hypervisor of a machine, by its address on the machine's networks, is let in whatever is said here; its address
    /// on a host bridge is not known, and is to be said.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::flow::Peer;
    ///
    /// let cloud = Cloud::new("first").ssh_from([Peer::machine("bastion")]);
    /// # let _ = cloud;
    /// ```
    #[must_use]
    pub fn ssh_from(mut self, peers: impl IntoIterator<Item = Peer>) -> Self {
        self.ssh_from = Some(peers.into_iter().collect());
        self
    }

    /// A hypervisor.
    #[must_use]
    pub fn host(mut self, host: Host) -> Self {
        self.hosts.push(host);
        self
    }

    /// Hypervisors.
    #[must_use]
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = Host>) -> Self {
        self.hosts.extend(hosts);
        self
    }

    /// The same cloud with each of its hosts changed.
    #[must_use]
    pub fn map_hosts(mut self, change: impl FnMut(Host) -> Host) -> Self {
        self.hosts = self.hosts.map(change);
        self
    }

    /// A network.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.networks.push(network);
        self
    }

    /// Networks.
    #[must_use]
    pub fn networks(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.networks.extend(networks);
        self
    }

    /// The same cloud with each of its networks changed.
    #[must_use]
    pub fn map_networks(mut self, change: impl FnMut(Network) -> Network) -> Self {
        self.networks = self.networks.map(change);
        self
    }

    /// A machine.
    #[must_use]
    pub fn machine(mut self, machine: Machine) -> Self {
        self.machines.push(machine);
        self
    }

    /// Machines.
    #[must_use]
    pub fn machines(mut self, machines: impl IntoIterator<Item = Machine>) -> Self {
        self.machines.extend(machines);
        self
    }

    /// The same cloud with each of its machines changed.
    ///
    /// A draft is read by its fields, which are named as in a file, and changed by them or by the functions that map:
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::image::Image;
    /// use fmc_core::machine::Machine;
    /// use fmc_core::network::Network;
    /// use fmc_core::unit::SizeExt;
    ///
    /// let cloud = Cloud::new("first")
    ///     .network(Network::nat("lab", "10.17.3.0/24"))
    ///     .machines(["web", "db"].map(|name| Machine::new(name, Image::blank()).memory(2.gib())));
    /// let small = cloud
    ///     .map_machines(|machine| match machine.memory.as_ref().and_then(|memory| memory.ok()) {
    ///         Some(memory) if *memory > 1.gib() => machine.memory(1.gib()),
    ///         _ => machine,
    ///     })
    ///     .map_networks(|network| network.mtu(1400));
    /// let names: Vec<String> = small.machines.iter().map(|machine| machine.name.to_string()).collect();
    /// assert_eq!(names, ["web", "db"]);
    /// assert_eq!(small.machines.get("db").unwrap().memory, Some(1.gib().into()));
    /// assert_eq!(small.networks.get("lab").unwrap().mtu, Some(1400.into()));
    /// ```
    #[must_use]
    pub fn map_machines(mut self, change: impl FnMut(Machine) -> Machine) -> Self {
        self.machines = self.machines.map(change);
        self
    }

    /// A K3s cluster on machines of the cloud.
    #[must_use]
    pub fn cluster(mut self, cluster: k3s::Cluster) -> Self {
        self.clusters.push(cluster);
        self
    }

    /// K3s clusters.
    #[must_use]
    pub fn clusters(mut self, clusters: impl IntoIterator<Item = k3s::Cluster>) -> Self {
        self.clusters.extend(clusters);
        self
    }

    /// The same cloud with each of its clusters changed.
    #[must_use]
    pub fn map_clusters(mut self, change: impl FnMut(k3s::Cluster) -> k3s::Cluster) -> Self {
        self.clusters = self.clusters.map(change);
        self
    }

    /// Accepts the findings of a kind, for a reason that is listed with them.
    #[must_use]
    pub fn accept(mut self, kind: impl Into<String>, reason: impl Into<String>) -> Self {
        self.accept.push(Accept { kind: kind.into(), reason: reason.into() });
        self
    }

    /// The roles of the user's own, each with its machine's name.
    pub fn own_roles(&self) -> impl Iterator<Item = (&Given<MachineName>, &Role)> {
        self.machines.iter().flat_map(|machine| machine.roles.iter().map(|role| (&machine.name, role)))
    }

    /// The cloud with each role changed, by its machine's name and its place among the machine's roles.
    #[must_use]
    pub fn map_roles(mut self, mut change: impl FnMut(&str, usize, Role) -> Role) -> Self {
        for machine in self.machines.iter_mut().filter(|machine| !machine.roles.is_empty()) {
            let name = machine.name.to_string();
            let roles = std::mem::take(&mut machine.roles).into_iter().enumerate();
            machine.roles = roles.map(|(index, role)| change(&name, index, role)).collect();
        }
        self
    }

    /// The JSON Schema (draft 2020-12) of a cloud's file, by which an editor completes and checks one as it is written.
    ///
    /// It knows what each place takes; what a cloud is as a whole, [`Cloud::check`] knows.
    #[cfg(feature = "schema")]
    pub fn schema() -> serde_json::Value {
        let mut schema = crate::schema::of::<Self>();
        schema.insert("title".to_owned(), "A cloud of fmc".into());
        let link = schemars::json_schema!({ "type": "string", "description": "Where this schema is, for an editor." });
        if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            properties.insert("$schema".to_owned(), link.to_value());
        }
        schema.to_value()
    }
}
