//! Workloads whose pods an operator makes: fmc writes the object of the operator's kind.

use std::collections::BTreeMap;

use fmc_core::unit::Size;

use crate::kafka::Kafka;
use crate::postgres::Postgres;
use crate::quantity::Cpu;
use crate::stateful::Stateful;
use crate::workload::Workload;

/// A workload whose pods an operator makes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operated {
    /// Its pods as the operator makes them: the rules, the budget and the policies see them so.
    pub(crate) pods: Stateful,
    /// The label by which its operator marks its pods.
    pub(crate) label: (&'static str, String),
    /// The pod that its operator makes beside them, if it makes one.
    pub(crate) beside: Option<Beside>,
    pub(crate) service: OperatedService,
}

/// A pod that an operator makes beside the pods of a workload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Beside {
    /// Its name without the end that the cluster adds.
    pub(crate) name: String,
    pub(crate) cpu: Cpu,
    pub(crate) memory: Size,
}

/// The service that a workload is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OperatedService {
    Postgres(Postgres),
    Kafka(Kafka),
}

/// An operator whose objects fmc writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownOperator {
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// The group of its kinds.
    pub(crate) group: &'static str,
    /// The kind whose definition shows that it is there.
    pub(crate) kind: &'static str,
    /// The label of its own pods.
    pub(crate) pods: (&'static str, &'static str),
    /// The namespace in which its project's files have it.
    pub(crate) namespace: &'static str,
    /// The label by which it marks the pods of a workload, whose name is the value.
    pub(crate) label: &'static str,
    /// The file of its project that has its pods.
    pub(crate) file: &'static str,
}

/// CloudNativePG.
pub(crate) const CNPG: KnownOperator = KnownOperator {
    name: "CloudNativePG",
    group: "postgresql.cnpg.io",
    kind: "Cluster",
    pods: ("app.kubernetes.io/name", "cloudnative-pg"),
    namespace: "cnpg-system",
    label: "cnpg.io/cluster",
    file: "cnpg-VERSION.yaml",
};

/// Strimzi.
pub(crate) const STRIMZI: KnownOperator = KnownOperator {
    name: "Strimzi",
    group: "kafka.strimzi.io",
    kind: "Kafka",
    pods: ("name", "strimzi-cluster-operator"),
    namespace: "kafka",
    label: "strimzi.io/cluster",
    file: "strimzi-cluster-operator-VERSION.yaml",
};

/// Rook.
pub(crate) const ROOK: KnownOperator = KnownOperator {
    name: "Rook",
    group: "ceph.rook.io",
    kind: "CephCluster",
    pods: ("app", "rook-ceph-operator"),
    namespace: "rook-ceph",
    label: "rook_cluster",
    file: "operator.yaml",
};

/// The operators whose objects fmc writes.
pub(crate) const KNOWN: [KnownOperator; 3] = [CNPG, STRIMZI, ROOK];

/// The namespaces of the operators that a platform's files bring, by the group of their kinds.
pub(crate) type OperatorNamespaces = BTreeMap<String, String>;

impl OperatedService {
    pub(crate) const fn operator(&self) -> KnownOperator {
        match self {
            Self::Postgres(_) => CNPG,
            Self::Kafka(_) => STRIMZI,
        }
    }
}

impl Operated {
    /// It as the rules and the policies see it.
    pub(crate) fn workload(&self) -> Workload<'_> {
        let (key, value) = &self.label;
        Workload { is_service: true, label: Some((key, value)), ..(&self.pods).into() }
    }

    /// The names of the services that its operator makes.
    pub(crate) fn services(&self) -> Vec<String> {
        let ends: &[&str] = match self.service {
            OperatedService::Postgres(_) => &["rw", "ro", "r"],
            OperatedService::Kafka(_) => &["kafka-bootstrap", "kafka-brokers"],
        };
        ends.iter().map(|end| format!("{}-{end}", self.pods.name)).collect()
    }

    /// The namespace of its operator's pods.
    pub(crate) fn operator_namespace<'a>(&self, namespaces: &'a OperatorNamespaces) -> &'a str {
        let operator = self.service.operator();
        namespaces.get(operator.group).map_or(operator.namespace, String::as_str)
    }
}
