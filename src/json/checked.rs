//! A checked cloud, for other programs.

use fmc_core::checked::{Checked, Host, Idx, Machine, Network};
use fmc_core::cloud::Cloud;
use fmc_core::finding::{Finding, Words};
use fmc_core::role::RoleTable;
use serde::{Deserialize, Serialize};

use super::{FindingView, HostAt};

/// The parts of a checked cloud for other programs: its hosts, networks and machines, by name. It contains no
/// secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckedView {
    /// The cloud's name.
    pub cloud: String,
    /// The owner of its objects.
    pub owner: String,
    /// Whether it is a lab, the small copy of a cloud.
    pub lab: bool,
    /// The hosts, with their libvirt URIs.
    pub hosts: Vec<HostAt>,
    /// The networks.
    pub networks: Vec<NetworkView>,
    /// The machines.
    pub machines: Vec<MachineView>,
    /// The warnings of the check, and the findings that the cloud accepts.
    pub findings: Vec<FindingView>,
    /// The tables of its resources that its roles show, if [`CheckedView::with_tables`] asked them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<RoleTable>,
}

/// A network of a checked cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NetworkView {
    /// Its name.
    pub name: String,
    /// The hosts of the network.
    pub hosts: Vec<String>,
    /// Its subnets: IPv4, then IPv6.
    pub subnets: Vec<String>,
}

/// A machine of a checked cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MachineView {
    /// Its name.
    pub name: String,
    /// The host of the machine.
    pub host: String,
    /// How many virtual CPUs it has.
    pub cpus: u16,
    /// Its memory in bytes.
    pub memory: u64,
    /// The networks of the machine, in the order of its interfaces.
    pub networks: Vec<String>,
}

impl CheckedView {
    /// The view of a checked cloud.
    pub fn of(cloud: &Checked) -> Self {
        let host = |index: Idx<Host>| cloud.at(index).map(|host| host.name.to_string());
        let network = |network: &Network| NetworkView {
            name: network.name.to_string(),
            hosts: network.hosts.iter().copied().filter_map(host).collect(),
            subnets: [&network.ipv4, &network.ipv6]
                .into_iter()
                .flatten()
                .map(|family| family.subnet.to_string())
                .collect(),
        };
        let machine = |machine: &Machine| MachineView {
            name: machine.name.to_string(),
            host: host(machine.host).unwrap_or_default(),
            cpus: machine.cpus.get(),
            memory: machine.memory.as_bytes(),
            networks: machine
                .interfaces
                .iter()
                .filter_map(|interface| Some(cloud.at(interface.network)?.name.to_string()))
                .collect(),
        };
        let finding = |finding: &Finding| FindingView::new(finding, Words::Rust, None);
        let at = |host: &Host| HostAt { host: host.name.to_string(), uri: host.uri.to_string() };
        Self {
            cloud: cloud.name().to_string(),
            owner: cloud.owner().to_string(),
            lab: cloud.is_lab(),
            hosts: cloud.hosts().iter().map(at).collect(),
            networks: cloud.networks().iter().map(network).collect(),
            machines: cloud.machines().iter().map(machine).collect(),
            findings: cloud.findings().iter().map(finding).collect(),
            tables: Vec::new(),
        }
    }

    /// With what the roles of the cloud show of its resources, as the nodes of a cluster.
    #[must_use]
    pub fn with_tables(self, cloud: &Cloud, checked: &Checked) -> Self {
        let tables = cloud.roles.iter().flat_map(|role| role.as_spanning().tables(checked));
        Self { tables: tables.collect(), ..self }
    }
}
