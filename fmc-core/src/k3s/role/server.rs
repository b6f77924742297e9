//! The role of a server: API, controllers, datastore, and a node.

use std::sync::Arc;

use super::{Node, SERVER, SYSTEMS, config, database, facts, files, flows, unit, updates};
use crate::flow::{Flows, Service};
use crate::given::Given;
use crate::guest::Guest;
use crate::name::RoleName;
use crate::path::AbsPath;
use crate::role::{After, CustomRole, Facts, Needs, Site};
use crate::unit::Size;

/// Where a server has its datastore.
pub(super) const STATE: AbsPath = AbsPath::literal("/var/lib/rancher/k3s/server/db");

/// A server of the cluster of this name.
pub(crate) struct Server(pub(super) Arc<str>);

impl CustomRole for Server {
    fn kind(&self) -> Given<RoleName> {
        Given::value(SERVER)
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
        Node::of(site, &self.0).map_or_else(Flows::new, |node| flows::server(&node))
    }

    /// docs.k3s.io, *Installation/Requirements*.
    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().memory(Size::gib(2)).cpus(2).systems(SYSTEMS).address()
    }

    /// The database, if it is on a machine of the cloud: without it no server starts.
    fn after(&self, site: &Site<'_>) -> After {
        let database = Node::of(site, &self.0).and_then(|node| database::machine(&node));
        match database.filter(|(machine, _)| machine.name != site.machine().name) {
            Some((machine, service)) => After::new().machine(machine.name.clone(), service),
            None => After::new(),
        }
    }

    /// docs.k3s.io, *Datastore*.
    fn state(&self) -> Option<AbsPath> {
        Some(STATE)
    }

    fn facts(&self, site: &Site<'_>) -> Facts {
        Node::of(site, &self.0).map_or_else(Facts::new, |node| facts::server(&node))
    }
}

fn guest(node: &Node<'_>) -> Guest {
    files::common(node, config::server(node), database::endpoint(node))
        .with(files::server(node))
        .with(unit::guest(node))
        .with(updates::guest(node))
}
