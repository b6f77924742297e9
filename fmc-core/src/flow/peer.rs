//! The other end of a flow, as a role or a machine declares it.

use serde::{Deserialize, Serialize};

use crate::addr::Subnet;
use crate::draft::{Look, Setting};
use crate::finding::{At, Finding, ValueProblem};
use crate::given::Given;
use crate::name::{BridgeName, MachineName, NetworkName, RoleName};
use crate::rust::{Expr, Names, Unsaid};

/// The other end of a flow. In a file: `anywhere`, `{network: lan}`, `{subnet: 10.17.3.0/24}`, `{machine: bastion}`,
/// `{role: {kind: prometheus}}`, `{subnet-of-role: {kind: k3s-agent}}`, `{inside: {interfaces: [docker0], subnet: 172.17.0.0/16}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Peer {
    /// Anyone.
    Anywhere,
    /// Every address of a network's subnets.
    Network(Given<NetworkName>),
    /// Every address of a subnet.
    Subnet(Given<Subnet>),
    /// One machine, by its addresses.
    Machine(Given<MachineName>),
    /// Every address of the subnets that the machines of a role are in. Another machine of the role in them
    /// changes no firewall.
    SubnetOfRole(Group),
    /// The machines of a role, by their addresses.
    Role(Group),
    /// The inside of the machine itself, as its pods: packets that come in by one of its own interfaces from
    /// a subnet.
    Inside {
        /// The interfaces that lead inside, as `cni0`.
        interfaces: Vec<Given<BridgeName>>,
        /// The addresses inside.
        subnet: Given<Subnet>,
    },
}

/// The machines of a role: all of them, or those of one instance, as the servers of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The role's kind.
    pub kind: Given<RoleName>,
    /// The instance, if the peer is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

impl Peer {
    /// Only the machines of a role, by their addresses. Another machine of the role changes the firewalls of
    /// the machines that accept it.
    pub fn role(kind: impl Into<Given<RoleName>>) -> Self {
        Self::Role(Group { kind: kind.into(), instance: None })
    }

    /// Every address of the subnets that the machines of a role are in, including other machines there.
    /// Another machine of the role in one of these subnets changes no firewall.
    pub fn subnet_of_role(kind: impl Into<Given<RoleName>>) -> Self {
        Self::SubnetOfRole(Group { kind: kind.into(), instance: None })
    }

    /// A network, by its subnets.
    pub fn network(name: impl Into<Given<NetworkName>>) -> Self {
        Self::Network(name.into())
    }

    /// A machine, by its addresses.
    pub fn machine(name: impl Into<Given<MachineName>>) -> Self {
        Self::Machine(name.into())
    }

    /// A subnet.
    pub fn subnet(subnet: impl Into<Given<Subnet>>) -> Self {
        Self::Subnet(subnet.into())
    }

    /// The inside of the machine itself, as its pods and containers: packets that come in by these interfaces
    /// of its own from a subnet.
    ///
    /// ```
    /// use fmc_core::flow::{Flows, Peer, anything};
    ///
    /// let flows = Flows::new().accept(anything(), Peer::inside(["cni0", "flannel.1"], "10.42.0.0/16"));
    /// # let _ = flows;
    /// ```
    pub fn inside<I: Into<Given<BridgeName>>>(
        interfaces: impl IntoIterator<Item = I>,
        subnet: impl Into<Given<Subnet>>,
    ) -> Self {
        Self::Inside { interfaces: interfaces.into_iter().map(Into::into).collect(), subnet: subnet.into() }
    }

    /// Only the machines of one instance of the role.
    #[must_use]
    pub fn of(self, instance: &str) -> Self {
        let of = |group: Group| Group { instance: Some(instance.to_owned()), ..group };
        match self {
            Self::SubnetOfRole(group) => Self::SubnetOfRole(of(group)),
            Self::Role(group) => Self::Role(of(group)),
            other => other,
        }
    }
}

impl Peer {
    /// A finding for an inside peer that a ruleset cannot express: nft cannot write a quotation mark, a star
    /// matches any end of a name, and a rule without an interface would accept the address from everywhere.
    pub(crate) fn unwritable(&self, at: &At<'_>) -> Option<Finding> {
        let Self::Inside { interfaces, .. } = self else { return None };
        let mut names = interfaces.iter().filter_map(Given::ok);
        let problem = match names.find(|name| name.as_str().contains(['"', '*', '\\'])) {
            Some(name) => ValueProblem::Interface { name: name.to_string() },
            None if interfaces.is_empty() => ValueProblem::NoInterface,
            None => return None,
        };
        Some(problem.at(at))
    }
}

impl Setting for Peer {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        match self {
            Self::Anywhere => {}
            Self::Subnet(subnet) => subnet.look(&at.key("subnet"), look),
            Self::Network(name) => name.look(&at.key("network"), look),
            Self::Machine(name) => name.look(&at.key("machine"), look),
            Self::SubnetOfRole(group) => group.kind.look(&at.key("subnet-of-role").key("kind"), look),
            Self::Role(group) => group.kind.look(&at.key("role").key("kind"), look),
            Self::Inside { interfaces, subnet } => {
                let inside = at.key("inside");
                interfaces.look(&inside.key("interfaces"), look);
                subnet.look(&inside.key("subnet"), look);
                look.findings.extend(self.unwritable(at));
            }
        }
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let of = |constructor: &str, group: &Group| {
            let mut peer = Expr::of(constructor, vec![group.kind.rust(names)?]);
            if let Some(instance) = &group.instance {
                peer.nest("of", Expr::text(instance));
            }
            Ok(peer)
        };
        Ok(match self {
            Self::Anywhere => Expr::leaf("Peer::Anywhere"),
            Self::Subnet(subnet) => Expr::of("Peer::subnet", vec![subnet.rust(names)?]),
            Self::Network(name) => Expr::of("Peer::network", vec![name.rust(names)?]),
            Self::Machine(name) => Expr::of("Peer::machine", vec![name.rust(names)?]),
            Self::SubnetOfRole(group) => return of("Peer::subnet_of_role", group),
            Self::Role(group) => return of("Peer::role", group),
            Self::Inside { interfaces, subnet } => {
                let interfaces = interfaces.rust(names)?;
                Expr::of("Peer::inside", vec![interfaces, subnet.rust(names)?])
            }
        })
    }
}
