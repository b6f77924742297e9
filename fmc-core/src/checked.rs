//! The checked cloud: bare leaves, resolved references, derived identities. Only it compiles.
//!
//! [`Cloud::check`](crate::cloud::Cloud::check) makes it; it passed every rule, so code that reads it cannot fail.
//! Hosts, networks and machines are sorted by name, independent of their declaration, and refer to each other by index.

pub(crate) mod build;
mod flow;
mod host;
mod index;
mod machine;
mod network;
mod query;
mod source;
mod value;
mod way_in;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::addr::Subnet;
use crate::dns::CheckedDns;
use crate::finding::{Finding, KnownNames, Listed};
use crate::k3s;
use crate::name::{CloudName, OwnerId};
use crate::people::People;
use crate::secret::{ClusterAccess, Derivation, SecretScope};

pub use flow::{Answer, By, CheckedFlow, CheckedGroup, CheckedPeer};
pub use host::{Host, Pool, Uplink};
pub use index::Idx;
pub use machine::{
    Addressing, DirectKernel, Disk, Image, Interface, Machine, Ready, Root, Route, Signal, Source,
};
pub use network::{Family, Forward, Network, PublishedName, Reservation, Vlan, ZoneForwarder};
pub use query::{Origin, Query};
pub use source::Sources;
pub(crate) use source::subnets_of;
pub(crate) use value::RoleValues;
pub use way_in::{Passage, WayIn};

/// A cloud that passed every check. Only the check makes one, and nothing changes it, so its readers can rely on every
/// rule.
#[derive(Debug, PartialEq)]
pub struct Checked {
    name: CloudName,
    owner: OwnerId,
    is_prefixed: bool,
    is_lab: bool,
    derivation: Option<Derivation>,
    hosts: Vec<Host>,
    networks: Vec<Network>,
    machines: Vec<Machine>,
    of_roles: OfRoles,
    role_values: RoleValues,
    dns: Option<CheckedDns>,
    people: Option<Arc<People>>,
    roles: BTreeMap<Arc<CheckedGroup>, Members>,
    flows: Vec<CheckedFlow>,
    answers: Vec<Answer>,
    way_in: Option<WayIn>,
    /// The names of its clusters, right or wrong.
    stated_clusters: Vec<String>,
    findings: Vec<Finding>,
    machine_names: Listed,
    network_names: Listed,
}

/// The values that rooms of built-in roles make of a draft, for the roles of their machines.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct OfRoles {
    /// K3s clusters, sorted by name.
    pub(crate) clusters: Vec<k3s::resolved::Cluster>,
}

/// The machines of a role.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Members {
    /// Them, by index, in the order of their names.
    pub machines: Vec<Idx<Machine>>,
    /// The subnets that they have addresses in.
    pub subnets: BTreeSet<Subnet>,
}

impl Checked {
    /// The cloud's name.
    pub fn name(&self) -> &CloudName {
        &self.name
    }

    /// The owner of its objects on a hypervisor.
    pub fn owner(&self) -> &OwnerId {
        &self.owner
    }

    /// Whether its domains and networks are called `OWNER-NAME` on their hosts: see [`Checked::name_on_host`].
    pub fn is_prefixed(&self) -> bool {
        self.is_prefixed
    }

    /// Whether it is the small copy that [`Cloud::lab`](crate::cloud::Cloud::lab) makes.
    pub fn is_lab(&self) -> bool {
        self.is_lab
    }

    /// Whose secrets are made from the root key, and how. By default by the newest [`Derivation`]; a plan of a cloud that
    /// does not say it keeps the one of the machines that are there.
    pub fn secret_scope(&self) -> SecretScope {
        SecretScope::new(self.owner.clone(), self.derivation.unwrap_or_default())
    }

    /// The derivation of its secrets, if the cloud says it.
    pub fn derivation(&self) -> Option<Derivation> {
        self.derivation
    }

    /// The same cloud with another derivation of its secrets.
    #[must_use]
    pub fn derived_by(self, derivation: Derivation) -> Self {
        Self { derivation: Some(derivation), ..self }
    }

    /// Hypervisors, by name.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Networks, by name.
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// Machines, by name.
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// K3s clusters, by name.
    pub fn clusters(&self) -> &[k3s::resolved::Cluster] {
        &self.of_roles.clusters
    }

    /// The cloud's DNS, if it has its own; [`dns::zones_of`](crate::dns::zones_of) are its zones.
    pub fn dns(&self) -> Option<&CheckedDns> {
        self.dns.as_ref()
    }

    /// The people of the cloud, if it has any: the draft, whose values are all right.
    pub fn people(&self) -> Option<&People> {
        self.people.as_deref()
    }

    /// The values of the [spanning roles](crate::role::SpanningRole) of a type that the cloud states itself, in the order of the draft.
    pub fn spanning_roles<R: std::any::Any>(&self) -> impl Iterator<Item = &R> {
        self.role_values.of()
    }

    /// Those values, each with its path in the draft.
    pub(crate) fn stated_roles<R: std::any::Any>(&self) -> impl Iterator<Item = (String, &R)> {
        self.role_values.placed().map(|(index, value)| (format!("roles[{index}]"), value))
    }

    /// The machines of each role, and of each instance of one.
    pub fn roles(&self) -> &BTreeMap<Arc<CheckedGroup>, Members> {
        &self.roles
    }

    /// The flows of each machine, as its roles declare them.
    pub fn all_flows(&self) -> &[CheckedFlow] {
        &self.flows
    }

    /// The services at which roles of machines answer, by machine. Whether a firewall lets anybody in is a question to [its
    /// flows](Self::flows).
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The one way by which people come to its machines by SSH, if a role says it; otherwise each machine is called by itself.
    pub fn way_in(&self) -> Option<&WayIn> {
        self.way_in.as_ref()
    }

    /// Whether the draft has a cluster of this name, even one whose values are wrong.
    pub(crate) fn states_cluster(&self, name: &str) -> bool {
        self.stated_clusters.iter().any(|known| known == name)
    }

    /// Findings that are not errors, and the errors that the cloud accepts.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The flows that its machines accept, to be narrowed by a query.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    ///
    /// let checked = Cloud::new("first").check()?;
    /// assert!(checked.flows().into("web").ports().is_empty());
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    pub fn flows(&self) -> Query<'_> {
        Query::new(self)
    }

    /// The flows that a machine accepts and needs.
    pub fn flows_of(&self, machine: &Machine) -> &[CheckedFlow] {
        self.find::<Machine>(machine.name.as_str()).map_or(&[], |at| self.flows_at(at))
    }

    /// The flows that the machine at an index accepts and needs.
    pub(crate) fn flows_at(&self, machine: Idx<Machine>) -> &[CheckedFlow] {
        let first = self.flows.partition_point(|flow| flow.machine < machine);
        let rest = self.flows.get(first..).unwrap_or_default();
        let end = rest.iter().take_while(|flow| flow.machine == machine).count();
        rest.get(..end).unwrap_or_default()
    }

    /// The name of a machine's domain, or of a network, on its host: its own name, or `OWNER-NAME` if the cloud is
    /// [prefixed](crate::cloud::Cloud::prefixed).
    pub fn name_on_host(&self, name: &str) -> String {
        on_host(self.is_prefixed.then_some(self.owner.as_str()), name)
    }

    /// The value at an index; `None` for an index of another cloud that has more of them.
    pub fn at<T: Indexed>(&self, index: Idx<T>) -> Option<&T> {
        T::all(self).get(index.position())
    }

    /// Each host, network or machine with its index, sorted by name.
    ///
    /// ```
    /// use fmc_core::checked::Machine;
    /// use fmc_core::cloud::Cloud;
    ///
    /// let checked = Cloud::new("first").check()?;
    /// assert_eq!(checked.each::<Machine>().count(), 0);
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    pub fn each<'a, T: Indexed + 'a>(
        &'a self,
    ) -> impl DoubleEndedIterator<Item = (Idx<T>, &'a T)> + ExactSizeIterator {
        T::all(self).iter().enumerate().map(|(at, value)| (Idx::new(at), value))
    }

    /// The index of a host, network or machine by name.
    pub fn find<T: Indexed>(&self, name: &str) -> Option<Idx<T>> {
        T::all(self).binary_search_by(|value| value.known_as().cmp(name)).ok().map(Idx::new)
    }

    /// A machine by name.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.at(self.find(name)?)
    }

    /// A network by name.
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.at(self.find(name)?)
    }

    /// The input of a kubeconfig for a cluster's administrator; `None` if the cloud has no such cluster.
    pub fn access(&self, cluster: &str) -> Option<ClusterAccess> {
        let found = self.cluster(cluster)?;
        Some(ClusterAccess::new(cluster, found.endpoint.public_url(), found.pki.admin(), self.secret_scope()))
    }

    /// The hypervisor's addresses on a machine's networks; on a host bridge the gateway is another machine.
    pub(crate) fn hypervisor_addresses<'a>(
        &'a self,
        machine: &'a Machine,
    ) -> impl Iterator<Item = IpAddr> + 'a {
        let networks = machine.interfaces.iter().filter_map(|interface| self.at(interface.network));
        let own = networks.filter(|network| network.forward != Forward::Bridge);
        own.flat_map(|network| [&network.ipv4, &network.ipv6]).flatten().filter_map(|family| family.gateway)
    }

    /// The names of all machines, for a message about one that is not there.
    pub(crate) fn machine_names(&self) -> &KnownNames {
        self.machine_names.of(self.machines.iter().map(|machine| machine.name.as_str()))
    }

    /// The names of all networks, for a message about one that is not there.
    pub(crate) fn network_names(&self) -> &KnownNames {
        self.network_names.of(self.networks.iter().map(|network| network.name.as_str()))
    }

    /// A K3s cluster by name.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    ///
    /// let checked = Cloud::new("first").check()?;
    /// assert!(checked.cluster("prod").is_none());
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    pub fn cluster(&self, name: &str) -> Option<&k3s::resolved::Cluster> {
        let clusters = self.clusters();
        let at = clusters.binary_search_by(|cluster| cluster.name.as_str().cmp(name)).ok()?;
        clusters.get(at)
    }

    /// A host by name.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.at(self.find(name)?)
    }
}

/// The name of a domain or network on its host, with its owner before it if there is one.
pub(crate) fn on_host(prefix: Option<&str>, name: &str) -> String {
    prefix.map_or_else(|| name.to_owned(), |owner| [owner, "-", name].concat())
}

/// The types that a checked cloud has by index: [`Host`], [`Network`] and [`Machine`].
pub trait Indexed: sealed::Listed {}

impl Indexed for Host {}
impl Indexed for Network {}
impl Indexed for Machine {}

mod sealed {
    use super::{Checked, Host, Machine, Network};

    /// The list of a type's values in a checked cloud, sorted by name.
    pub trait Listed: Sized {
        fn all(cloud: &Checked) -> &[Self];
        fn known_as(&self) -> &str;
    }

    impl Listed for Host {
        fn all(cloud: &Checked) -> &[Self] {
            &cloud.hosts
        }

        fn known_as(&self) -> &str {
            self.name.as_str()
        }
    }

    impl Listed for Network {
        fn all(cloud: &Checked) -> &[Self] {
            &cloud.networks
        }

        fn known_as(&self) -> &str {
            self.name.as_str()
        }
    }

    impl Listed for Machine {
        fn all(cloud: &Checked) -> &[Self] {
            &cloud.machines
        }

        fn known_as(&self) -> &str {
            self.name.as_str()
        }
    }
}
