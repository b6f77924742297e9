//! Calls to what is outside of a cluster: a machine of the cloud, a network, or any address.

use std::borrow::Cow;

use fmc_core::addr::Subnet;
use fmc_core::checked::Checked;
use fmc_core::given::Given;
use fmc_core::name::{MachineName, RoleName};
use fmc_core::postgresql::Postgresql;
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ports: Vec<u16>,
    /// The machine of the cloud that answers. Its own firewall must let in the cluster's nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) machine: Option<Given<MachineName>>,
    /// The addresses that answer, in place of a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subnet: Option<Given<Subnet>>,
    /// The PostgreSQL of the cloud that answers, by its name, in place of a machine and of ports: those of its primary follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) postgresql: Option<Given<RoleName>>,
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
            postgresql: None,
            name: None,
        }
    }

    /// A workload calls a [PostgreSQL of the cloud](Postgresql), by its name: its primary's machine and its port follow. The database's `from`
    /// must let in the cluster's nodes, as `Peer::role("k3s-agent")`.
    pub fn to_postgresql(from: impl Into<Given<ObjectName>>, postgresql: impl Into<Given<RoleName>>) -> Self {
        Self { postgresql: Some(postgresql.into()), ..Self::new(from, []) }
    }

    /// The call with the machine and the port of the PostgreSQL that it names; as it is if the cloud has none of that name.
    pub(crate) fn whole<'a>(&'a self, cloud: &Checked) -> Cow<'a, Self> {
        let named = self.postgresql.as_ref().and_then(Given::ok);
        let found = named.and_then(|name| {
            let postgresql = Postgresql::named(cloud, name.as_str())?;
            Some((postgresql, postgresql.primary_machine(cloud)?))
        });
        match found {
            Some((postgresql, primary)) => Cow::Owned(Self {
                machine: Some(primary.name.clone().into()),
                ports: vec![postgresql.tcp_port()],
                ..self.clone()
            }),
            None => Cow::Borrowed(self),
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
