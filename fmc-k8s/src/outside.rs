//! Calls to what is outside of a cluster: a machine of the cloud, a network, or any address.

use fmc_core::addr::Subnet;
use fmc_core::given::Given;
use fmc_core::name::MachineName;
use serde::{Deserialize, Serialize};

use crate::name::ObjectName;

/// A workload may call ports outside of its cluster: anywhere, unless it says a machine of the cloud or a subnet. The cluster's own pods and
/// services are never outside.
///
/// ```
/// use fmc_k8s::outside::OutsideCall;
/// use fmc_k8s::platform::Namespace;
///
/// let shop = Namespace::new("shop")
///     .call_outside(OutsideCall::new("mailer", [587]))
///     .call_outside(OutsideCall::new("web", [5432]).machine("db").name("postgresql"))
///     .call_outside(OutsideCall::new("web", [443]).subnet("203.0.113.0/24"));
/// # drop(shop);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OutsideCall {
    /// The workload that calls.
    pub(crate) from: Given<ObjectName>,
    /// The TCP ports that it calls, from 1 to 65535.
    pub(crate) ports: Vec<u16>,
    /// The machine of the cloud that answers. Its own firewall must let in the cluster's nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) machine: Option<Given<MachineName>>,
    /// The addresses that answer, in place of a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subnet: Option<Given<Subnet>>,
    /// The name by which the namespace's workloads know the machine, as `postgresql`: a `Service` of its addresses follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<Given<ObjectName>>,
}

impl OutsideCall {
    /// A workload calls these TCP ports of any address outside.
    pub fn new(from: impl Into<Given<ObjectName>>, ports: impl IntoIterator<Item = u16>) -> Self {
        Self {
            from: from.into(),
            ports: ports.into_iter().collect(),
            machine: None,
            subnet: None,
            name: None,
        }
    }

    /// Of a machine of the cloud alone.
    #[must_use]
    pub fn machine(self, machine: impl Into<Given<MachineName>>) -> Self {
        Self { machine: Some(machine.into()), ..self }
    }

    /// The name by which the namespace's workloads know the machine. A `Service` of its addresses follows.
    #[must_use]
    pub fn name(self, name: impl Into<Given<ObjectName>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Of these addresses alone.
    #[must_use]
    pub fn subnet(self, subnet: impl Into<Given<Subnet>>) -> Self {
        Self { subnet: Some(subnet.into()), ..self }
    }
}
