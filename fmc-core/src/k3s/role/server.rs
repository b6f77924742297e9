//! The role of a server: API, controllers, datastore, and a node.

use std::sync::Arc;

use super::{Node, SERVER, SYSTEMS, config, files, flows, unit, updates};
use crate::flow::Flows;
use crate::given::Given;
use crate::guest::Guest;
use crate::name::RoleName;
use crate::path::AbsPath;
use crate::role::{CustomRole, Needs, Site};
use crate::unit::Size;

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
        let Some(node) = Node::of(site, &self.0) else { return Guest::new() };
        files::common(&node, config::server(&node))
            .with(files::server(&node))
            .with(unit::guest(&node))
            .with(updates::guest(&node))
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        Node::of(site, &self.0).map_or_else(Flows::new, |node| flows::server(&node))
    }

    /// docs.k3s.io, *Installation/Requirements*.
    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().memory(Size::gib(2)).cpus(2).systems(SYSTEMS).address()
    }

    /// docs.k3s.io, *Datastore*.
    fn state(&self) -> Option<AbsPath> {
        Some(AbsPath::literal("/var/lib/rancher/k3s/server/db"))
    }
}
