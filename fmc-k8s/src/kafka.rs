//! Kafka, by the operator Strimzi.

use std::collections::BTreeMap;

use fmc_core::given::Given;
use fmc_core::unit::Size;
use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::container::Container;
use crate::name::{ImageName, ObjectName};
use crate::operated::{Beside, Operated, OperatedService, STRIMZI};
use crate::postgres::quantity;
use crate::quantity::{Cpu, CpuExt as _, bytes};
use crate::setters::setters;
use crate::stateful::{Stateful, VolumeClaim};
use crate::workload::{one, patience};

/// The port for its clients, with the name that Strimzi gives it.
pub(crate) const PORT: (&str, u16) = ("tcp-clients", 9092);

/// The port of its measurements.
pub(crate) const METRICS: (&str, u16) = ("tcp-prometheus", 9404);

/// The ports at which brokers, and Strimzi's own pods, call a broker: controllers, replication, and Strimzi's agent.
pub(crate) const INSIDE: [(&str, u16); 3] =
    [("tcp-ctrlplane", 9090), ("tcp-replication", 9091), ("tcp-kafkaagent", 8443)];

/// The user of Strimzi's images.
const USER: u32 = 1001;

/// The days that it keeps a message if nothing is said, as Kafka does.
const DAYS: u16 = 7;

/// The pod that makes topics: its share of a CPU, and its memory.
const TOPIC_OPERATOR: (u32, Size) = (100, Size::mib(256));

/// A Kafka that the operator Strimzi runs: brokers that are controllers too (KRaft), each with a volume.
///
/// Workloads reach it at `NAME-kafka-bootstrap`, port 9092, once a [connection](crate::platform::Namespace::connect) to the port `tcp-clients`
/// says so: everything in the namespace else is kept out. The platform has the files of the operator among its
/// [`operators`](crate::operator::Operator). Where the namespace enforces `restricted`, as fmc's do, the operator needs
/// `STRIMZI_POD_SECURITY_PROVIDER_CLASS=restricted` in its environment.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::kafka::{Kafka, KafkaTopic};
/// use fmc_k8s::platform::{Namespace, Platform};
///
/// let kafka = Kafka::new("events", "quay.io/strimzi/kafka:1.2.0-kafka-4.3.0", 2.gib(), 40.gib())
///     .brokers(3)
///     .topic(KafkaTopic::new("orders").partitions(6).keep(1.gib()));
/// let platform = Platform::on("prod").namespace(Namespace::new("shop").kafka(kafka));
/// let made: Vec<String> = platform.manifests().iter().map(ToString::to_string).collect();
/// assert!(made.contains(&"kafkatopic.kafka.strimzi.io orders".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    pub(crate) name: Given<ObjectName>,
    /// An image of Strimzi's, for the version of its operator.
    pub(crate) image: Given<ImageName>,
    /// The memory of each broker. Java's heap gets half of it; the rest is for the pages of files that are read again.
    pub(crate) memory: Given<Size>,
    /// The size of the volume of each broker.
    pub(crate) keep: Given<Size>,
    /// The number of brokers, each on a node of its own: 1, or an odd number from 3 on. It cannot change later, since each is a controller.
    #[serde(default = "one")]
    pub(crate) brokers: u16,
    /// The share of CPUs that each broker is sure of; 500m if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// The storage class of the volumes; the cluster's default if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<Given<ObjectName>>,
    /// The days that it keeps a message: 7 if not said. A topic may say otherwise.
    #[serde(default = "days")]
    pub(crate) days: u16,
    /// Its topics. Nothing else makes one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) topics: Vec<KafkaTopic>,
    /// Settings of its brokers, as `message.max.bytes: "2097152"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) config: BTreeMap<String, String>,
    /// How long an apply waits until it is ready, in seconds: 300 if not said, 0 for not at all.
    #[serde(default = "patience")]
    pub(crate) ready_within: u32,
}

/// A topic of a Kafka, with as many copies as there are brokers, at most 3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KafkaTopic {
    pub(crate) name: Given<ObjectName>,
    /// The number of its parts, each of which one consumer of a group reads: 1 if not said. It cannot fall later.
    #[serde(default = "one")]
    pub(crate) partitions: u16,
    /// The most that it keeps, all parts together and each copy counted once. If not said, its share of the volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keep: Option<Given<Size>>,
    /// The days that it keeps a message; those of its Kafka if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) days: Option<u16>,
}

fn days() -> u16 {
    DAYS
}

setters! { Kafka: cpu, class, ready_within }

impl KafkaTopic {
    /// A topic of one part.
    pub fn new(name: impl Into<Given<ObjectName>>) -> Self {
        Self { name: name.into(), partitions: one(), keep: None, days: None }
    }

    /// The number of its parts.
    #[must_use]
    pub fn partitions(self, partitions: u16) -> Self {
        Self { partitions, ..self }
    }

    /// The most that it keeps, all parts together and each copy counted once.
    #[must_use]
    pub fn keep(self, size: impl Into<Given<Size>>) -> Self {
        Self { keep: Some(size.into()), ..self }
    }

    /// The days that it keeps a message.
    #[must_use]
    pub fn days(self, days: u16) -> Self {
        Self { days: Some(days), ..self }
    }
}

impl Kafka {
    /// One broker with so much memory, and a volume of a size.
    pub fn new(
        name: impl Into<Given<ObjectName>>,
        image: impl Into<Given<ImageName>>,
        memory: impl Into<Given<Size>>,
        keep: impl Into<Given<Size>>,
    ) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            memory: memory.into(),
            keep: keep.into(),
            brokers: one(),
            cpu: None,
            class: None,
            days: DAYS,
            topics: Vec::new(),
            config: BTreeMap::new(),
            ready_within: patience(),
        }
    }

    /// The number of brokers, each on a node of its own.
    #[must_use]
    pub fn brokers(self, brokers: u16) -> Self {
        Self { brokers, ..self }
    }

    /// The days that it keeps a message.
    #[must_use]
    pub fn days(self, days: u16) -> Self {
        Self { days, ..self }
    }

    /// A topic.
    #[must_use]
    pub fn topic(mut self, topic: KafkaTopic) -> Self {
        self.topics.push(topic);
        self
    }

    /// A setting of its brokers.
    #[must_use]
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.insert(name.into(), value.into());
        self
    }

    /// The copies of each part of a topic.
    pub(crate) fn copies(&self) -> u16 {
        self.brokers.clamp(1, 3)
    }

    /// The size that topics may have together, each copy counted once: 85 % of the volumes, because a broker whose volume is full stops.
    pub(crate) fn room(&self) -> Size {
        let all = self.keep.ok().map_or(0, |keep| keep.as_bytes()).saturating_mul(self.brokers.into());
        Size::bytes(all / u64::from(self.copies()) / 100 * 85)
    }

    /// The size of a topic: what it says, or an equal share of what the others leave.
    pub(crate) fn size_of(&self, topic: &KafkaTopic) -> Size {
        match topic.keep.as_ref().and_then(|keep| keep.ok()) {
            Some(keep) => *keep,
            None => {
                let silent = self.topics.iter().filter(|one| one.keep.is_none()).count();
                let share = self.room().saturating_sub(self.said()).as_bytes();
                Size::bytes(share / u64::try_from(silent.max(1)).unwrap_or(1))
            }
        }
    }

    /// The sum of the sizes that topics say.
    pub(crate) fn said(&self) -> Size {
        self.topics.iter().filter_map(|one| one.keep.as_ref()?.ok().copied()).sum()
    }

    /// The workload that it is.
    pub(crate) fn lowered(&self) -> Operated {
        let cpu = self.cpu.clone().unwrap_or_else(|| 500.millicores().into());
        let container = [PORT, METRICS].into_iter().chain(INSIDE).fold(
            Container::new("kafka", self.image.clone(), cpu, self.memory.clone()),
            |container, (name, number)| container.port(name, number),
        );
        let mut claim = VolumeClaim::new("data", self.keep.clone());
        claim.class.clone_from(&self.class);
        let container = container.metrics(METRICS.0, "/metrics").user(USER).volume("/var/lib/kafka", "data");
        let pods = Stateful::new(self.name.clone(), container).replicas(self.brokers).claim_of(claim);
        let beside = Beside {
            name: format!("{}-entity-operator", self.name),
            cpu: TOPIC_OPERATOR.0.millicores(),
            memory: TOPIC_OPERATOR.1,
        };
        Operated {
            pods: pods.ready_within(self.ready_within),
            label: (STRIMZI.label, self.name.to_string()),
            beside: Some(beside),
            service: OperatedService::Kafka(self.clone()),
        }
    }

    /// The objects of Strimzi, with the image and the share of CPUs of its lowered container. `clients` are the workloads that call it.
    pub(crate) fn objects(
        &self,
        container: &Container,
        clients: &[NetworkPolicyPeer],
        namespace: &str,
    ) -> Vec<Value> {
        let name = self.name.to_string();
        let labels = json!({ STRIMZI.label: name });
        let amount = json!({ "cpu": container.cpu.to_string(), "memory": quantity(&self.memory) });
        let heap = format!("{}m", self.memory.ok().map_or(0, |memory| memory.as_mib_floor() / 2).max(1));
        let pool = json!({
            "apiVersion": format!("{}/v1", STRIMZI.group),
            "kind": "KafkaNodePool",
            "metadata": { "name": format!("{name}-brokers"), "namespace": namespace, "labels": labels },
            "spec": {
                "replicas": self.brokers,
                "roles": ["controller", "broker"],
                "resources": { "requests": amount, "limits": amount },
                "jvmOptions": { "-Xms": heap, "-Xmx": heap },
                "storage": { "type": "jbod", "volumes": [{
                    "id": 0,
                    "type": "persistent-claim",
                    "size": quantity(&self.keep),
                    "class": self.class.as_ref().map(ToString::to_string),
                    "kraftMetadata": "shared",
                    "deleteClaim": false,
                }] },
                "template": { "pod": { "affinity": { "podAntiAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [{
                        "labelSelector": { "matchLabels": { "strimzi.io/name": format!("{name}-kafka") } },
                        "topologyKey": "kubernetes.io/hostname",
                    }],
                } } } },
            },
        });
        let kafka = json!({
            "apiVersion": format!("{}/v1", STRIMZI.group),
            "kind": STRIMZI.kind,
            "metadata": { "name": name, "namespace": namespace },
            "spec": {
                "kafka": {
                    "image": container.image.to_string(),
                    "listeners": [{
                        "name": "plain",
                        "port": PORT.1,
                        "type": "internal",
                        "tls": false,
                        // Without a peer Strimzi's own policy lets in everything.
                        "networkPolicyPeers": peers(&name, clients),
                    }],
                    "config": self.settings(),
                    "metricsConfig": { "type": "strimziMetricsReporter", "values": { "allowList": [".*"] } },
                },
                // Also without a topic: one that left the cloud is kept, and goes only while its operator runs.
                "entityOperator": entity_operator(),
            },
        });
        let topics = self.topics.iter().map(|topic| self.topic_object(topic, &labels, namespace));
        [pool, kafka].into_iter().chain(topics).collect()
    }

    /// The settings of its brokers.
    fn settings(&self) -> BTreeMap<String, Value> {
        let copies = self.copies();
        let in_step = if copies > 2 { 2 } else { 1 };
        let own = [
            ("auto.create.topics.enable", json!(false)),
            ("default.replication.factor", json!(copies)),
            ("min.insync.replicas", json!(in_step)),
            ("offsets.topic.replication.factor", json!(copies)),
            ("transaction.state.log.replication.factor", json!(copies)),
            ("transaction.state.log.min.isr", json!(in_step)),
            ("log.retention.ms", json!(milliseconds(self.days))),
        ];
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
        own.chain(self.config.iter().map(|(key, value)| (key.clone(), json!(value)))).collect()
    }

    fn topic_object(&self, topic: &KafkaTopic, labels: &Value, namespace: &str) -> Value {
        // Kafka counts the size of each part.
        let each = self.size_of(topic).as_bytes() / u64::from(topic.partitions.max(1));
        json!({
            "apiVersion": format!("{}/v1", STRIMZI.group),
            "kind": "KafkaTopic",
            "metadata": { "name": topic.name.to_string(), "namespace": namespace, "labels": labels },
            "spec": {
                "partitions": topic.partitions,
                "replicas": self.copies(),
                "config": {
                    "retention.ms": milliseconds(topic.days.unwrap_or(self.days)),
                    "retention.bytes": each,
                },
            },
        })
    }
}

fn milliseconds(days: u16) -> u64 {
    u64::from(days) * 24 * 60 * 60 * 1000
}

/// The pods that the listener lets in: those of the Kafka itself, and its clients.
fn peers(name: &str, clients: &[NetworkPolicyPeer]) -> Vec<Value> {
    let own = json!({ "podSelector": { "matchLabels": { STRIMZI.label: name } } });
    [own].into_iter().chain(clients.iter().map(|client| json!(client))).collect()
}

fn entity_operator() -> Value {
    let (cpu, memory) = TOPIC_OPERATOR;
    let amount = json!({ "cpu": cpu.millicores().to_string(), "memory": bytes(memory) });
    json!({ "topicOperator": { "resources": { "requests": amount, "limits": amount } } })
}
