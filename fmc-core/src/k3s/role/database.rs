//! The machine of the cloud that a cluster's database is on: the peers that it accepts, and the address by which
//! servers reach it.

use super::{DATASTORE, Node, SERVER};
use crate::checked::{Checked, Machine};
use crate::flow::{Flows, Peer, Service, tcp};
use crate::given::Given;
use crate::k3s::{Cluster, Piece, SqlName};
use crate::name::{MachineName, RoleName};
use crate::role::{CustomRole, Needs, Site, SpanMembers, SpanningRole};

/// The database of a cluster as a role that spans machines: it is on one of them.
pub(crate) struct Stored {
    cluster: String,
    machine: Given<MachineName>,
    port: u16,
    /// Whether the database is in a PostgreSQL of the cloud, whose own role lets the servers in.
    is_kept: bool,
}

impl Stored {
    /// The datastore of a cluster, if it is on a machine of the cloud.
    pub(crate) fn of(cluster: &Cluster) -> Option<Self> {
        let datastore = cluster.datastore.as_ref()?;
        let (machine, port) = (datastore.machine.clone()?, datastore.tcp_port()?);
        let is_kept = datastore.postgresql.is_some();
        Some(Self { cluster: cluster.name.to_string(), machine, port, is_kept })
    }
}

impl SpanningRole for Stored {
    fn kind(&self) -> Given<RoleName> {
        Given::value(DATASTORE)
    }

    fn instance(&self) -> Option<&str> {
        Some(&self.cluster)
    }

    fn members(&self) -> SpanMembers<'_> {
        let role = Database { cluster: self.cluster.clone(), port: self.port, is_kept: self.is_kept };
        SpanMembers::new().one("machine", &self.machine, role).told_above()
    }

    fn is_resolved(&self, cloud: &Checked) -> bool {
        cloud.cluster(&self.cluster).is_some()
    }
}

/// The machine that the database of the cluster of this name is on.
struct Database {
    cluster: String,
    port: u16,
    is_kept: bool,
}

impl CustomRole for Database {
    fn kind(&self) -> Given<RoleName> {
        Given::value(DATASTORE)
    }

    fn instance(&self) -> Option<&str> {
        Some(&self.cluster)
    }

    /// The servers reach it by an address in their configuration.
    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().address()
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        if self.is_kept {
            return Flows::new();
        }
        Flows::new().accept(tcp(self.port), Peer::role(SERVER).of(&self.cluster))
    }
}

/// The machine that the cluster's database is on, and the service by which it answers there.
pub(super) fn machine<'a>(node: &Node<'a>) -> Option<(&'a Machine, Service)> {
    let machine = node.site.cloud().at(node.cluster.datastore?)?;
    Some((machine, tcp(node.cluster.said().datastore.as_ref()?.tcp_port()?)))
}

/// The line of `config.yaml` with the address of the database, and the password in it.
pub(super) fn endpoint(node: &Node<'_>) -> Vec<Piece> {
    line(node).unwrap_or_default()
}

fn line(node: &Node<'_>) -> Option<Vec<Piece>> {
    let (machine, service) = machine(node)?;
    let said = node.cluster.said().datastore.as_ref()?;
    let name = |given: Option<&Given<SqlName>>| given.map_or_else(|| "k3s".to_owned(), ToString::to_string);
    let host = match machine.address_towards(node.site.machine())? {
        address if address.is_ipv6() => format!("[{address}]"),
        address => address.to_string(),
    };
    let mode = said.sslmode.as_ref().map(|mode| format!("?sslmode={mode}")).unwrap_or_default();
    let (user, port, database) = (name(said.user.as_ref()), service.first, name(said.database.as_ref()));
    Some(vec![
        Piece::Text(format!("datastore-endpoint: \"postgres://{user}:")),
        Piece::Component(said.password.clone()?),
        Piece::Text(format!("@{host}:{port}/{database}{mode}\"\n")),
    ])
}
