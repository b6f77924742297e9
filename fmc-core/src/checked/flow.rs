//! The flows of a checked cloud: the owner of each, and its peers.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{Idx, Machine, Network};
use crate::addr::Subnet;
use crate::flow::{Direction, Service};
use crate::name::{BridgeName, RoleName};

/// A [`Flow`](crate::flow::Flow) with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedFlow {
    /// The machine that says it, itself or by a role, by index.
    pub machine: Idx<Machine>,
    /// Which end that machine is.
    pub direction: Direction,
    /// The service.
    pub service: Service,
    /// The other end.
    pub peer: CheckedPeer,
    /// The owner of the flow.
    pub by: By,
}

/// A service at which a role of a machine [answers](crate::role::CustomRole::answers).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The machine, by index.
    pub machine: Idx<Machine>,
    /// The role's kind.
    pub role: RoleName,
    /// The service.
    pub service: Service,
}

/// The owner of a flow of a machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A role of the machine. Flows that every machine has belong to `ssh`, `ready`, `dns` and `ntp`, which are not
    /// roles.
    Role(RoleName),
    /// The machine itself, by what it [accepts](crate::machine::Machine::accept); by index there.
    Machine(usize),
}

impl By {
    /// The role, if a role says it.
    pub fn role(&self) -> Option<&RoleName> {
        match self {
            Self::Role(role) => Some(role),
            Self::Machine(_) => None,
        }
    }
}

/// The role's kind, or `machine`.
impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => fmt::Display::fmt(role, f),
            Self::Machine(_) => f.pad("machine"),
        }
    }
}

/// The other end of a [`CheckedFlow`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckedPeer {
    /// Every address.
    Anywhere,
    /// Every address of a network's subnets; by index.
    Network(Idx<Network>),
    /// Every address of a subnet.
    Subnet(Subnet),
    /// One machine; by index.
    Machine(Idx<Machine>),
    /// Every address of the subnets that the machines of a role are in.
    SubnetOfRole(Arc<CheckedGroup>),
    /// The machines of a role, by their addresses.
    Role(Arc<CheckedGroup>),
    /// Programs inside the machine itself.
    Inside {
        /// The interfaces that lead inside.
        interfaces: Arc<BTreeSet<BridgeName>>,
        /// The addresses inside.
        subnet: Subnet,
    },
}

impl CheckedPeer {
    /// The role of the peer's machines, if it names one.
    pub fn group(&self) -> Option<&CheckedGroup> {
        match self {
            Self::SubnetOfRole(group) | Self::Role(group) => Some(group),
            _ => None,
        }
    }
}

/// A [`Group`](crate::flow::Group) whose kind is right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckedGroup {
    /// The role's kind.
    pub kind: RoleName,
    /// The instance, if it names one.
    pub instance: Option<Arc<str>>,
}

/// `k3s-server`, `k3s-server of prod`.
impl fmt::Display for CheckedGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.kind, f)?;
        match &self.instance {
            Some(instance) => write!(f, " of {instance}"),
            None => Ok(()),
        }
    }
}
