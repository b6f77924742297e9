//! Drop-ins of the kubelet's configuration (Kubernetes, *Kubelet Configuration (v1beta1)*; docs.k3s.io, *Kubelet
//! Configuration*), which K3s 1.32 and later read.

mod reserve;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::piece::{Piece, pieces};
use super::quantity::{Percent, Quantity, Threshold};
use super::value::{Count, Duration, Line};
use super::version::Version;
use super::word::TlsVersion;
use crate::draft::{Look, Setting};
use crate::finding::{At, Finding, leaf, problems};
use crate::given::{Given, Leaf};
use crate::name::DropinName;
use crate::named::{Keyed, unnamed};
use crate::path::AbsPath;
use crate::rust::{Expr, Names, Unsaid, quoted};
use crate::yaml::Node;

pub(crate) use reserve::Reserve;

/// Where K3s's kubelet reads drop-ins, in the order of their names; `00-k3s-defaults.conf` there is K3s's own.
pub const DROPINS: AbsPath = AbsPath::literal("/var/lib/rancher/k3s/agent/etc/kubelet.conf.d");

/// The name of K3s's own drop-in.
const DEFAULTS: &str = "00-k3s-defaults.conf";

/// Signals on which a kubelet evicts pods (Kubernetes, *Node-pressure Eviction*).
const SIGNALS: [&str; 9] = [
    "memory.available",
    "nodefs.available",
    "nodefs.inodesFree",
    "imagefs.available",
    "imagefs.inodesFree",
    "containerfs.available",
    "containerfs.inodesFree",
    "allocatableMemory.available",
    "pid.available",
];

/// Resources that a kubelet keeps for the system (Kubernetes, *Reserve Compute Resources for System Daemons*).
const RESERVED: [&str; 4] = ["cpu", "memory", "ephemeral-storage", "pid"];

/// Whether K3s of this version reads drop-ins.
pub fn reads_dropins(version: Version) -> bool {
    version.is_at_least(1, 32)
}

macro_rules! fields {
    ($(
        #[doc = $doc:literal]
        $field:ident $yaml:literal $kind:ident $(<$leaf:ty>)?;
    )+) => {
        /// A drop-in of the kubelet's configuration. Unset fields keep the values of K3s or Kubernetes.
        ///
        /// ```
        /// use fmc_core::k3s::kubelet::Dropin;
        ///
        /// let dropin = Dropin::new("50-density.conf")
        ///     .max_pods(200)
        ///     .eviction_hard([("memory.available", "200Mi"), ("nodefs.available", "10%")]);
        /// # let _ = dropin;
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(rename = "KubeletDropin"))]
        #[serde(deny_unknown_fields)]
        pub struct Dropin {
            #[serde(skip, default = "unnamed")]
            name: Given<DropinName>,
            $(
                #[doc = $doc]
                #[serde(default, rename = $yaml, skip_serializing_if = "Option::is_none")]
                $field: Option<fields!(@type $kind $(<$leaf>)?)>,
            )+
        }

        impl Dropin {
            /// A drop-in by its file name, which ends in `.conf`.
            pub fn new(name: impl Into<Given<DropinName>>) -> Self {
                Self { name: name.into(), $($field: None,)+ }
            }

            $(fields!(@setter $doc $field $kind $(<$leaf>)?);)+

            /// Its path on the machine, when its name is right.
            pub fn path(&self) -> Option<AbsPath> {
                DROPINS.join(self.name.ok()?.as_str()).ok()
            }

            /// The file, in YAML.
            pub fn pieces(&self) -> Vec<Piece> {
                let mut members = vec![
                    ("apiVersion", Node::text("kubelet.config.k8s.io/v1beta1")),
                    ("kind", Node::text("KubeletConfiguration")),
                ];
                $(
                    if let Some(value) = &self.$field {
                        members.push(($yaml, fields!(@node value $kind)));
                    }
                )+
                pieces(&Node::Map(members))
            }

            fn check_leaves(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
                $(
                    if let Some(value) = &self.$field {
                        fields!(@check value $kind, &at.key($yaml), findings);
                    }
                )+
            }
        }

        impl Setting for Dropin {
            fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
                self.check(at, look.findings);
            }

            fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
                let mut on = Expr::of("k3s::kubelet::Dropin::new", vec![self.name.rust(names)?]);
                $(
                    if let Some(value) = &self.$field {
                        on.call(stringify!($field), fields!(@rust value $kind names));
                    }
                )+
                Ok(on)
            }
        }
    };
    (@type flag) => { bool };
    (@type one<$leaf:ty>) => { Given<$leaf> };
    (@type list<$leaf:ty>) => { Vec<Given<$leaf>> };
    (@type map<$leaf:ty>) => { BTreeMap<String, Given<$leaf>> };
    (@type flags) => { BTreeMap<String, bool> };
    (@setter $doc:literal $field:ident flag) => {
        #[doc = $doc]
        #[must_use]
        pub fn $field(mut self, yes: bool) -> Self {
            self.$field = Some(yes);
            self
        }
    };
    (@setter $doc:literal $field:ident one<$leaf:ty>) => {
        #[doc = $doc]
        #[must_use]
        pub fn $field(mut self, value: impl Into<Given<$leaf>>) -> Self {
            self.$field = Some(value.into());
            self
        }
    };
    (@setter $doc:literal $field:ident list<$leaf:ty>) => {
        #[doc = $doc]
        #[must_use]
        pub fn $field(mut self, values: impl IntoIterator<Item = impl Into<Given<$leaf>>>) -> Self {
            self.$field.get_or_insert_default().extend(values.into_iter().map(Into::into));
            self
        }
    };
    (@setter $doc:literal $field:ident map<$leaf:ty>) => {
        #[doc = $doc]
        #[must_use]
        pub fn $field<K: Into<String>, V: Into<Given<$leaf>>>(mut self, values: impl IntoIterator<Item = (K, V)>) -> Self {
            let values = values.into_iter().map(|(key, value)| (key.into(), value.into()));
            self.$field.get_or_insert_default().extend(values);
            self
        }
    };
    (@setter $doc:literal $field:ident flags) => {
        #[doc = $doc]
        #[must_use]
        pub fn $field<K: Into<String>>(mut self, values: impl IntoIterator<Item = (K, bool)>) -> Self {
            self.$field.get_or_insert_default().extend(values.into_iter().map(|(key, value)| (key.into(), value)));
            self
        }
    };
    (@node $value:ident flag) => { Node::Flag(*$value) };
    (@node $value:ident one) => { node($value) };
    (@node $value:ident list) => { Node::List($value.iter().map(node).collect()) };
    (@node $value:ident map) => { Node::Map($value.iter().map(|(key, value)| (key.as_str(), node(value))).collect()) };
    (@node $value:ident flags) => {
        Node::Map($value.iter().map(|(key, value)| (key.as_str(), Node::Flag(*value))).collect())
    };
    (@rust $value:ident flag $names:ident) => { $value.to_string() };
    (@rust $value:ident one $names:ident) => { $value.rust($names)?.line() };
    // An empty array needs its type.
    (@rust $value:ident list $names:ident) => {
        if $value.is_empty() { "[\"\"; 0]".to_owned() } else { $value.rust($names)?.line() }
    };
    (@rust $value:ident map $names:ident) => {{
        let pairs = $value.iter().map(|(key, value)| Ok((key, value.rust($names)?.line())));
        array(pairs.collect::<Result<_, Unsaid>>()?, "(\"\", \"\")")
    }};
    (@rust $value:ident flags $names:ident) => {
        array($value.iter().map(|(key, value)| (key, value.to_string())).collect(), "(\"\", true)")
    };
    (@check $value:ident flag, $at:expr, $findings:ident) => { let _ = $value; };
    (@check $value:ident flags, $at:expr, $findings:ident) => { let _ = $value; };
    (@check $value:ident one, $at:expr, $findings:ident) => { leaf($value, $at, $findings); };
    (@check $value:ident list, $at:expr, $findings:ident) => {
        for (index, value) in $value.iter().enumerate() {
            leaf(value, &$at.index(index), $findings);
        }
    };
    (@check $value:ident map, $at:expr, $findings:ident) => {
        for (key, value) in $value {
            leaf(value, &$at.key(key), $findings);
        }
    };
}

fields! {
    /// The most pods on the node; 110 by default.
    max_pods "maxPods" one<Count>;
    /// The most processes of a pod.
    pod_pids_limit "podPidsLimit" one<Count>;
    /// Whether the kubelet refuses to start if kernel settings differ from its defaults.
    protect_kernel_defaults "protectKernelDefaults" flag;
    /// Whether the kubelet refuses to start when there is swap.
    fail_swap_on "failSwapOn" flag;
    /// How long an idle connection of exec, logs or port-forward stays.
    streaming_connection_idle_timeout "streamingConnectionIdleTimeout" one<Duration>;
    /// Cipher suites of the kubelet's server, by their names in Go.
    tls_cipher_suites "tlsCipherSuites" list<Line>;
    /// The least version of TLS of the kubelet's server: `VersionTLS12` or `VersionTLS13`.
    tls_min_version "tlsMinVersion" one<TlsVersion>;
    /// Sysctls that pods may set although they are not safe, with `*` at the end for many.
    allowed_unsafe_sysctls "allowedUnsafeSysctls" list<Line>;
    /// Pods are evicted at once when one of these signals is below its amount.
    eviction_hard "evictionHard" map<Threshold>;
    /// Pods are evicted after a grace period when one of these signals is below its amount.
    eviction_soft "evictionSoft" map<Threshold>;
    /// The grace period of each signal of `evictionSoft`.
    eviction_soft_grace_period "evictionSoftGracePeriod" map<Duration>;
    /// How much is freed at least when pods are evicted.
    eviction_minimum_reclaim "evictionMinimumReclaim" map<Threshold>;
    /// The longest grace period of a pod that is evicted by a soft limit, in seconds.
    eviction_max_pod_grace_period "evictionMaxPodGracePeriod" one<Count>;
    /// Resources kept for the system: `cpu`, `memory`, `ephemeral-storage`, `pid`.
    system_reserved "systemReserved" map<Quantity>;
    /// Resources kept for Kubernetes itself.
    kube_reserved "kubeReserved" map<Quantity>;
    /// Images are deleted from this share of the disk on, in percent.
    image_gc_high_threshold_percent "imageGCHighThresholdPercent" one<Percent>;
    /// Images are deleted down to this share of the disk, in percent.
    image_gc_low_threshold_percent "imageGCLowThresholdPercent" one<Percent>;
    /// How long unused images stay at least.
    image_minimum_gc_age "imageMinimumGCAge" one<Duration>;
    /// The greatest size of a container's log before it is rotated.
    container_log_max_size "containerLogMaxSize" one<Quantity>;
    /// How many logs of a container are kept, 2 at least.
    container_log_max_files "containerLogMaxFiles" one<Count>;
    /// Whether images are pulled one after another.
    serialize_image_pulls "serializeImagePulls" flag;
    /// How many images are pulled at a time, unless they are pulled one after another.
    max_parallel_image_pulls "maxParallelImagePulls" one<Count>;
    /// How long a shutdown of the machine waits for pods; needs systemd.
    shutdown_grace_period "shutdownGracePeriod" one<Duration>;
    /// How much of that is for critical pods.
    shutdown_grace_period_critical_pods "shutdownGracePeriodCriticalPods" one<Duration>;
    /// How often the node says that it lives.
    node_status_update_frequency "nodeStatusUpdateFrequency" one<Duration>;
    /// Features of Kubernetes that are turned on or off, by name.
    feature_gates "featureGates" flags;
}

impl Dropin {
    /// Every leaf that is wrong, and what a kubelet would refuse.
    pub fn check(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        if let Some(name) = leaf(&self.name, at, findings)
            && name == DEFAULTS
        {
            findings.push(KubeletProblem::Reserved { name: DEFAULTS }.at(at));
        }
        self.check_leaves(at, findings);
        let maps = [
            ("evictionHard", keys(self.eviction_hard.as_ref()), &SIGNALS[..]),
            ("evictionSoft", keys(self.eviction_soft.as_ref()), &SIGNALS[..]),
            ("evictionSoftGracePeriod", keys(self.eviction_soft_grace_period.as_ref()), &SIGNALS[..]),
            ("evictionMinimumReclaim", keys(self.eviction_minimum_reclaim.as_ref()), &SIGNALS[..]),
            ("systemReserved", keys(self.system_reserved.as_ref()), &RESERVED[..]),
            ("kubeReserved", keys(self.kube_reserved.as_ref()), &RESERVED[..]),
        ];
        for (field, keys, known) in maps {
            for key in keys.into_iter().filter(|key| !known.contains(key)) {
                let problem = KubeletProblem::Unknown { key: key.to_owned(), known: known.to_vec() };
                findings.push(problem.at(at.key(field)));
            }
        }
        self.check_pairs(at, findings);
    }

    fn check_pairs(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        let soft = keys(self.eviction_soft.as_ref());
        let grace = keys(self.eviction_soft_grace_period.as_ref());
        for signal in soft.iter().filter(|signal| !grace.contains(signal)) {
            let problem = KubeletProblem::NoGrace { signal: (*signal).to_owned() };
            findings.push(problem.at(at.key("evictionSoft")));
        }
        let high =
            self.image_gc_high_threshold_percent.as_ref().and_then(Given::ok).map_or(85, |high| high.get());
        let low =
            self.image_gc_low_threshold_percent.as_ref().and_then(Given::ok).map_or(80, |low| low.get());
        if low >= high {
            let field = if self.image_gc_low_threshold_percent.is_some() { "Low" } else { "High" };
            let field = format!("imageGC{field}ThresholdPercent");
            findings.push(KubeletProblem::Thresholds { high, low }.at(at.key(&field)));
        }
        let whole = self.shutdown_grace_period.as_ref().map(Given::ok);
        let critical = self.shutdown_grace_period_critical_pods.as_ref().and_then(Given::ok);
        if let Some(critical) = critical
            && let Some(whole) = whole.unwrap_or(Some(&Duration::from_millis(0)))
            && critical > whole
        {
            let problem = KubeletProblem::Grace { critical: critical.to_string(), whole: whole.to_string() };
            findings.push(problem.at(at.key("shutdownGracePeriodCriticalPods")));
        }
        if self.container_log_max_files.as_ref().and_then(Given::ok).is_some_and(|files| files.get() < 2) {
            findings.push(KubeletProblem::OneLog.at(at.key("containerLogMaxFiles")));
        }
        if self.serialize_image_pulls != Some(false)
            && self.max_parallel_image_pulls.as_ref().and_then(Given::ok).is_some_and(|pulls| pulls.get() > 1)
        {
            findings.push(KubeletProblem::Serialized.at(at.key("maxParallelImagePulls")));
        }
    }
}

impl Keyed for Dropin {
    type Name = DropinName;

    fn name(&self) -> &Given<DropinName> {
        &self.name
    }

    fn with_name(mut self, name: Given<DropinName>) -> Self {
        self.name = name;
        self
    }
}

/// Pairs as an array. An empty one needs its type.
fn array(pairs: Vec<(&String, String)>, of: &str) -> String {
    if pairs.is_empty() {
        return format!("[{of}; 0]");
    }
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("({}, {value})", quoted(key))).collect();
    format!("[{}]", pairs.join(", "))
}

fn keys<V>(map: Option<&BTreeMap<String, V>>) -> Vec<&str> {
    map.into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

fn node<'a, T: Leaf, S>(given: &'a Given<T>) -> Node<'a, S> {
    let text = given.to_string();
    let number = if T::is_number() { text.parse().ok() } else { None };
    number.map_or_else(|| Node::text(text), Node::Number)
}

problems! {
    /// Problems with a drop-in of the kubelet's configuration.
    pub enum KubeletProblem {
        Reserved { name: &'static str } is ValueInvalid:
            "{name} is the name of K3s's own drop-in",
            "give it another name, for example 50-own.conf";
        Unknown { key: String, known: Vec<&'static str> } is ValueInvalid with (list = known.join(", ")):
            "the kubelet does not know `{key}`",
            "write one of {list}";
        NoGrace { signal: String } is ValueInvalid:
            "`{signal}` has no grace period",
            "give one in `evictionSoftGracePeriod`, for example 90s, or use `evictionHard`";
        Thresholds { high: u8, low: u8 } is ValueInvalid:
            "the kubelet would begin to delete images at {high} % and stop at {low} %",
            "make `imageGCLowThresholdPercent` less than `imageGCHighThresholdPercent`";
        Grace { critical: String, whole: String } is ValueInvalid:
            "critical pods get {critical}, more than the {whole} that the whole shutdown waits",
            "raise `shutdownGracePeriod` above it";
        OneLog is ValueInvalid:
            "a container's log cannot be rotated into fewer than 2 files",
            "write 2 or more";
        Serialized is ValueInvalid:
            "several images are to be pulled in parallel, but the kubelet pulls one after another",
            "set `serializeImagePulls` to false";
    }
}

#[cfg(test)]
mod tests;
