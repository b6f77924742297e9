//! The node exporter: a role that gives Prometheus the measurements of its machine.
//!
//! It is the smallest of the built-in roles that a file can say, and the example of how one is added.

use serde::{Deserialize, Serialize};

use crate::draft::Setting as _;
use crate::field::is_default;
use crate::flow::{Flows, Peer, Service, tcp};
use crate::given::Given;
use crate::guest::{Guest, GuestFile, Unit};
use crate::image::Os;
use crate::ready::TcpPort;
use crate::role::{CustomRole, FileRole, Needs, RoleFindings, Site, rust_of_json};
use crate::rust::{Expr, Names, Unsaid};

/// The systems whose distribution has the package by itself.
const SYSTEMS: &[Os] = &[Os::Debian];

/// Gives Prometheus the measurements of its machine: processor, memory, disks, networks.
///
/// In a file it is `node-exporter`, or a map with its settings:
///
/// ```yaml
/// roles:
///   - node-exporter: {port: 9200, from: [{machine: watch}]}
/// ```
///
/// ```
/// use fmc_core::flow::Peer;
/// use fmc_core::node_exporter::NodeExporter;
///
/// let exporter = NodeExporter::new().from(Peer::machine("watch"));
/// assert_eq!(exporter.port(), 9100);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NodeExporter {
    /// The TCP port that it listens on; 9100 by default.
    #[serde(default, skip_serializing_if = "is_default")]
    port: Option<Given<TcpPort>>,
    /// The peers that may ask it. Without any, and without an `accept` of the machine for its port, no peer can: the check warns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    from: Vec<Peer>,
}

impl NodeExporter {
    /// On port 9100; no peer may call it until one is [allowed](Self::from).
    pub fn new() -> Self {
        Self::default()
    }

    /// The TCP port that it listens on.
    #[must_use]
    pub fn on_port(mut self, port: impl Into<Given<TcpPort>>) -> Self {
        self.port = Some(port.into());
        self
    }

    /// Lets a peer call it; call this once for each peer.
    #[must_use]
    pub fn from(mut self, peer: Peer) -> Self {
        self.from.push(peer);
        self
    }

    /// The TCP port that it listens on.
    pub fn port(&self) -> u16 {
        self.port.as_ref().and_then(Given::ok).map_or(9100, |port| port.get())
    }
}

impl NodeExporter {
    /// The constructor and the setters that make it.
    fn expression(&self) -> Result<Expr, Unsaid> {
        let mut made = Expr::new("NodeExporter::new()");
        self.port.say("on_port", &mut made, &Names::new())?;
        for peer in &self.from {
            peer.say("from", &mut made, &Names::new())?;
        }
        Ok(made)
    }
}

impl CustomRole for NodeExporter {
    fn guest(&self, _: &Site<'_>) -> Guest {
        let arguments = format!("ARGS=\"--web.listen-address=:{}\"\n", self.port());
        Guest::new()
            .package("prometheus-node-exporter")
            .file(GuestFile::text("/etc/default/prometheus-node-exporter", arguments))
            .unit(Unit::service("prometheus-node-exporter").enabled())
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        self.from.iter().fold(Flows::new(), |flows, peer| flows.accept(tcp(self.port()), peer.clone()))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().systems(SYSTEMS)
    }

    fn check(&self, _: &Site<'_>, findings: &mut RoleFindings<'_>) {
        if let Some(port) = &self.port {
            findings.leaf("port", port);
        }
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(self.port()))
    }
}

impl FileRole for NodeExporter {
    const KIND: &'static str = "node-exporter";

    fn to_rust(&self) -> String {
        match self.expression() {
            Ok(made) => format!("Role::said({})", made.line()),
            Err(_) => rust_of_json("Role", self),
        }
    }
}
