//! Who may call whom: in a namespace, and between two of them.

use fmc_core::given::Given;
use serde::{Deserialize, Serialize};

use crate::name::{NamespacedName, ObjectName, PortName};

/// A workload that may talk to another one of its namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The workload that asks.
    pub(crate) from: Given<ObjectName>,
    /// The workload that answers.
    pub(crate) to: Given<ObjectName>,
    /// Its container's port, by name.
    pub(crate) port: Given<PortName>,
}

impl Connection {
    /// The names of its policies: of the one that lets the asking workload out, and of the one that lets it in.
    pub(crate) fn policy_names(&self) -> [String; 2] {
        let Self { from, to, port } = self;
        [format!("{from}-to-{to}-{port}"), format!("{to}-from-{from}-{port}")]
    }
}

/// A workload that may talk to one of another namespace, which it finds by `WORKLOAD.NAMESPACE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NamespacedConnection {
    /// The workload that asks, as `shop/web`.
    pub(crate) from: Given<NamespacedName>,
    /// The workload that answers, as `data/db`.
    pub(crate) to: Given<NamespacedName>,
    /// Its container's port, by name.
    pub(crate) port: Given<PortName>,
}

impl NamespacedConnection {
    /// Its two ends, if both are right: the workload that asks, and the one that answers.
    pub(crate) fn ends(&self) -> Option<[&NamespacedName; 2]> {
        Some([self.from.ok()?, self.to.ok()?])
    }

    /// The names of its policies, each in the namespace of its workload: of the one that lets the asking workload out, and of the one that
    /// lets it in. No name of a workload has a dot, so that no two connections give one name.
    pub(crate) fn policy_names(&self) -> Option<[String; 2]> {
        let [from, to] = self.ends()?;
        let port = &self.port;
        Some([
            format!("{}.to.{}.{}.{port}", from.name(), to.namespace(), to.name()),
            format!("{}.from.{}.{}.{port}", to.name(), from.namespace(), from.name()),
        ])
    }
}
