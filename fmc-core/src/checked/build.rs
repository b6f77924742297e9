//! The only way to a checked cloud. Only the check may import it; `cargo xtask tidy` enforces that.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use super::{
    Answer, Checked, CheckedFlow, CheckedGroup, Host, Idx, Machine, Members, Network, OfRoles, PublishedName,
    RoleValues, WayIn,
};
use crate::dns::CheckedDns;
use crate::finding::{Finding, Listed};
use crate::name::{CloudName, OwnerId};
use crate::people::People;
use crate::secret::Derivation;

/// A checked cloud in the making: what of a draft is right.
#[derive(Debug)]
pub(crate) struct Building(Checked);

impl Building {
    /// One with hosts, sorted by name, and nothing else.
    pub(crate) fn new(name: CloudName, owner: OwnerId, is_lab: bool, hosts: Vec<Host>) -> Self {
        Self(Checked {
            name,
            owner,
            is_prefixed: false,
            is_lab,
            derivation: None,
            hosts,
            networks: Vec::new(),
            machines: Vec::new(),
            machine_names: Listed::default(),
            network_names: Listed::default(),
            of_roles: OfRoles::default(),
            role_values: RoleValues::default(),
            dns: None,
            people: None,
            roles: BTreeMap::new(),
            flows: Vec::new(),
            answers: Vec::new(),
            way_in: None,
            stated_clusters: Vec::new(),
            findings: Vec::new(),
        })
    }

    /// Whether its domains and networks are called `OWNER-NAME` on their hosts.
    pub(crate) fn set_prefixed(&mut self, is_prefixed: bool) {
        self.0.is_prefixed = is_prefixed;
    }

    /// The derivation of its secrets, if it says one.
    pub(crate) fn set_derivation(&mut self, derivation: Option<Derivation>) {
        self.0.derivation = derivation;
    }

    /// Its networks, sorted by name.
    pub(crate) fn set_networks(&mut self, networks: Vec<Network>) {
        self.0.networks = networks;
    }

    /// Its machines, sorted by name.
    pub(crate) fn set_machines(&mut self, machines: Vec<Machine>) {
        self.0.machines = machines;
    }

    /// The values that the rooms of built-in roles made of the draft.
    pub(crate) fn set_of_roles(&mut self, of_roles: OfRoles) {
        self.0.of_roles = of_roles;
    }

    /// The values of its own spanning roles.
    pub(crate) fn set_role_values(&mut self, values: RoleValues) {
        self.0.role_values = values;
    }

    /// Its DNS, if it has its own.
    pub(crate) fn set_dns(&mut self, dns: Option<CheckedDns>) {
        self.0.dns = dns;
    }

    /// Its people, if it has any.
    pub(crate) fn set_people(&mut self, people: Option<People>) {
        self.0.people = people.map(Arc::new);
    }

    /// The names that its roles publish, for its DNS.
    pub(crate) fn set_published(&mut self, names: Vec<PublishedName>) {
        if let Some(dns) = &mut self.0.dns {
            dns.published = names;
        }
    }

    /// The machines of each role.
    pub(crate) fn set_roles(&mut self, roles: BTreeMap<Arc<CheckedGroup>, Members>) {
        self.0.roles = roles;
    }

    /// Its flows, sorted by machine.
    pub(crate) fn set_flows(&mut self, flows: Vec<CheckedFlow>) {
        self.0.flows = flows;
    }

    /// The services at which roles answer, sorted by machine.
    pub(crate) fn set_answers(&mut self, answers: Vec<Answer>) {
        self.0.answers = answers;
    }

    /// The one way by which people come in.
    pub(crate) fn set_way_in(&mut self, way_in: Option<WayIn>) {
        self.0.way_in = way_in;
    }

    /// The names of the draft's clusters, right or wrong.
    pub(crate) fn set_stated_clusters(&mut self, names: Vec<String>) {
        self.0.stated_clusters = names;
    }

    /// Its networks, to be changed.
    pub(crate) fn networks_mut(&mut self) -> impl Iterator<Item = (Idx<Network>, &mut Network)> {
        self.0.networks.iter_mut().enumerate().map(|(at, network)| (Idx::new(at), network))
    }

    /// One of its networks, to be changed.
    pub(crate) fn network_mut(&mut self, index: Idx<Network>) -> Option<&mut Network> {
        self.0.networks.get_mut(index.position())
    }

    /// One of its machines, to be changed.
    pub(crate) fn machine_mut(&mut self, index: Idx<Machine>) -> Option<&mut Machine> {
        self.0.machines.get_mut(index.position())
    }

    /// Frees the spare capacity of lists: a checked cloud does not grow, and a large one has spare capacity for each
    /// machine.
    fn fit(&mut self) {
        let Checked { hosts, networks, machines, of_roles, flows, .. } = &mut self.0;
        for machine in machines.iter_mut() {
            machine.disks.shrink_to_fit();
            machine.interfaces.shrink_to_fit();
            machine.resolvers.shrink_to_fit();
            machine.memberships.shrink_to_fit();
            machine.after.shrink_to_fit();
            machine.equal_guests.shrink_to_fit();
        }
        hosts.shrink_to_fit();
        networks.shrink_to_fit();
        machines.shrink_to_fit();
        of_roles.clusters.shrink_to_fit();
        flows.shrink_to_fit();
    }

    /// The checked cloud, if no rule refuses it, with its other findings.
    pub(crate) fn finish(mut self, findings: Vec<Finding>) -> Checked {
        self.0.findings = findings;
        self.fit();
        self.0
    }
}

/// The index of a place in the order of a checked cloud.
pub(crate) const fn index<T>(place: usize) -> Idx<T> {
    Idx::new(place)
}

impl Deref for Building {
    type Target = Checked;

    fn deref(&self) -> &Checked {
        &self.0
    }
}
