//! The role of an agent: a node that runs pods.

use std::sync::Arc;

use super::{AGENT, Node, SYSTEMS, config, facts, files, flows, unit, updates};
use crate::flow::{Flows, Service};
use crate::given::Given;
use crate::guest::Guest;
use crate::name::RoleName;
use crate::role::{CustomRole, Facts, Needs, Site};
use crate::unit::Size;

/// An agent of the cluster of this name.
pub(crate) struct Agent(pub(super) Arc<str>);

impl CustomRole for Agent {
    fn kind(&self) -> Given<RoleName> {
        Given::value(AGENT)
    }

    fn instance(&self) -> Option<&str> {
        Some(&self.0)
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        Node::of(site, &self.0).map_or_else(Guest::new, |node| guest(&node))
    }

    fn equal_guests(&self, site: &Site<'_>) -> Vec<Guest> {
        Node::of(site, &self.0).map_or_else(Vec::new, |node| node.equal_guests(guest))
    }

    fn takes(&self, site: &Site<'_>) -> Vec<Service> {
        Node::of(site, &self.0).map_or_else(Vec::new, |node| flows::taken(&node))
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        Node::of(site, &self.0).map_or_else(Flows::new, |node| flows::agent(&node))
    }

    /// docs.k3s.io, *Installation/Requirements*.
    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().memory(Size::mib(512)).cpus(1).systems(SYSTEMS).address()
    }

    fn facts(&self, site: &Site<'_>) -> Facts {
        Node::of(site, &self.0).map_or_else(Facts::new, |node| facts::agent(&node))
    }
}

fn guest(node: &Node<'_>) -> Guest {
    files::common(node, config::agent(node), Vec::new()).with(unit::guest(node)).with(updates::guest(node))
}
