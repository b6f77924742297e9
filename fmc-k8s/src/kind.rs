//! The kinds of objects: those that fmc knows, in one table, and those that a `CustomResourceDefinition` adds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A kind of objects of the API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Its word in addresses, as `deployment`; of a custom kind the name and the group, as `cluster.postgresql.cnpg.io`.
    pub word: &'static str,
    /// The group, as `apps`; empty for the core.
    pub group: &'static str,
    /// The version, as `v1`.
    pub version: &'static str,
    /// The name in a manifest, as `Deployment`.
    pub name: &'static str,
    /// The name in a path, as `deployments`; empty for a custom kind that no server was asked about.
    pub plural: &'static str,
    /// Whether its objects are in namespaces.
    pub is_namespaced: bool,
}

/// Makes rows of [`KINDS`].
const fn kind(
    word: &'static str,
    api: (&'static str, &'static str),
    name: &'static str,
    plural: &'static str,
) -> Kind {
    Kind { word, group: api.0, version: api.1, name, plural, is_namespaced: true }
}

/// The same for a kind whose objects are in no namespace.
const fn of_cluster(
    word: &'static str,
    api: (&'static str, &'static str),
    name: &'static str,
    plural: &'static str,
) -> Kind {
    Kind { is_namespaced: false, ..kind(word, api, name, plural) }
}

const ADMISSION: (&str, &str) = ("admissionregistration.k8s.io", "v1");
const CORE: (&str, &str) = ("", "v1");
const APPS: (&str, &str) = ("apps", "v1");
/// The group of K3s's controller of charts.
const HELM: (&str, &str) = ("helm.cattle.io", "v1");
const RBAC: (&str, &str) = ("rbac.authorization.k8s.io", "v1");

/// Namespaces.
pub const NAMESPACE: Kind =
    Kind { is_namespaced: false, ..kind("namespace", CORE, "Namespace", "namespaces") };
/// Texts that pods read.
pub const CONFIG_MAP: Kind = kind("config-map", CORE, "ConfigMap", "configmaps");
/// Bytes that pods read and nobody else should.
pub const SECRET: Kind = kind("secret", CORE, "Secret", "secrets");
/// Who the pods of a workload are at the API.
pub const SERVICE_ACCOUNT: Kind = kind("service-account", CORE, "ServiceAccount", "serviceaccounts");
/// Rights in a namespace.
pub const ROLE: Kind = kind("role", RBAC, "Role", "roles");
/// Who has rights in a namespace.
pub const ROLE_BINDING: Kind = kind("role-binding", RBAC, "RoleBinding", "rolebindings");
/// Rights in the whole cluster.
pub const CLUSTER_ROLE: Kind =
    Kind { is_namespaced: false, ..kind("cluster-role", RBAC, "ClusterRole", "clusterroles") };
/// Who has rights in the whole cluster.
pub const CLUSTER_ROLE_BINDING: Kind = Kind {
    is_namespaced: false,
    ..kind("cluster-role-binding", RBAC, "ClusterRoleBinding", "clusterrolebindings")
};
/// Names for a set of pods.
pub const SERVICE: Kind = kind("service", CORE, "Service", "services");
/// Pods that are alike.
pub const DEPLOYMENT: Kind = kind("deployment", APPS, "Deployment", "deployments");
/// Pods that keep data, each with a name and volumes of its own.
pub const STATEFUL_SET: Kind = kind("stateful-set", APPS, "StatefulSet", "statefulsets");
/// The volumes of pods, which the cluster makes for stateful sets.
pub const CLAIM: Kind = kind("claim", CORE, "PersistentVolumeClaim", "persistentvolumeclaims");
/// Who may talk to whom.
pub const NETWORK_POLICY: Kind =
    kind("network-policy", ("networking.k8s.io", "v1"), "NetworkPolicy", "networkpolicies");
/// Hosts that people outside of the cluster call.
pub const INGRESS: Kind = kind("ingress", ("networking.k8s.io", "v1"), "Ingress", "ingresses");
/// Budgets: the number of pods that an eviction leaves.
pub const DISRUPTION_BUDGET: Kind =
    kind("pod-disruption-budget", ("policy", "v1"), "PodDisruptionBudget", "poddisruptionbudgets");

/// Pods on each node.
pub const DAEMON_SET: Kind = kind("daemon-set", APPS, "DaemonSet", "daemonsets");
/// Pods that run to an end.
pub const JOB: Kind = kind("job", ("batch", "v1"), "Job", "jobs");
/// Jobs by the clock.
pub const CRON_JOB: Kind = kind("cron-job", ("batch", "v1"), "CronJob", "cronjobs");
/// Autoscalers: the number of pods that a load needs.
pub const AUTOSCALER: Kind = kind(
    "horizontal-pod-autoscaler",
    ("autoscaling", "v2"),
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
);
/// The most that a namespace takes.
pub const RESOURCE_QUOTA: Kind = kind("resource-quota", CORE, "ResourceQuota", "resourcequotas");
/// The requests of a namespace's containers that do not say theirs.
pub const LIMIT_RANGE: Kind = kind("limit-range", CORE, "LimitRange", "limitranges");
/// Addresses behind a name that are not of pods.
pub const ENDPOINT_SLICE: Kind =
    kind("endpoint-slice", ("discovery.k8s.io", "v1"), "EndpointSlice", "endpointslices");
/// Charts that K3s installs.
pub const HELM_CHART: Kind = kind("helm-chart", HELM, "HelmChart", "helmcharts");
/// Values of charts that K3s brings, as that of Traefik.
pub const HELM_CHART_CONFIG: Kind = kind("helm-chart-config", HELM, "HelmChartConfig", "helmchartconfigs");
/// Which pods go first when a node is full.
pub const PRIORITY_CLASS: Kind = Kind {
    is_namespaced: false,
    ..kind("priority-class", ("scheduling.k8s.io", "v1"), "PriorityClass", "priorityclasses")
};
/// Classes of volumes.
pub const STORAGE_CLASS: Kind = Kind {
    is_namespaced: false,
    ..kind("storage-class", ("storage.k8s.io", "v1"), "StorageClass", "storageclasses")
};

/// Kinds that people add to a cluster.
pub const CUSTOM_RESOURCE_DEFINITION: Kind = of_cluster(
    "custom-resource-definition",
    ("apiextensions.k8s.io", "v1"),
    "CustomResourceDefinition",
    "customresourcedefinitions",
);
/// Programs that the server asks before it takes an object.
pub const VALIDATING_WEBHOOKS: Kind = of_cluster(
    "validating-webhook-configuration",
    ADMISSION,
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
);
/// Programs that change an object before the server takes it.
pub const MUTATING_WEBHOOKS: Kind = of_cluster(
    "mutating-webhook-configuration",
    ADMISSION,
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
);
/// Rules that the server itself judges before it takes an object.
pub const ADMISSION_POLICY: Kind = of_cluster(
    "validating-admission-policy",
    ADMISSION,
    "ValidatingAdmissionPolicy",
    "validatingadmissionpolicies",
);
/// Where such rules hold.
pub const ADMISSION_POLICY_BINDING: Kind = of_cluster(
    "validating-admission-policy-binding",
    ADMISSION,
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
);
/// Servers behind the API.
pub const API_SERVICE: Kind =
    of_cluster("api-service", ("apiregistration.k8s.io", "v1"), "APIService", "apiservices");
/// Classes of ingresses.
pub const INGRESS_CLASS: Kind =
    of_cluster("ingress-class", ("networking.k8s.io", "v1"), "IngressClass", "ingressclasses");
/// Ways to run containers.
pub const RUNTIME_CLASS: Kind =
    of_cluster("runtime-class", ("node.k8s.io", "v1"), "RuntimeClass", "runtimeclasses");
/// Drivers of volumes.
pub const CSI_DRIVER: Kind = of_cluster("csi-driver", ("storage.k8s.io", "v1"), "CSIDriver", "csidrivers");
/// Volumes that a person made.
pub const PERSISTENT_VOLUME: Kind =
    of_cluster("persistent-volume", CORE, "PersistentVolume", "persistentvolumes");

/// Every kind of Kubernetes' own that fmc writes, in the order in which a person reads them.
pub const KINDS: &[&Kind] = &[
    &NAMESPACE,
    &NETWORK_POLICY,
    &CONFIG_MAP,
    &SECRET,
    &SERVICE_ACCOUNT,
    &ROLE,
    &ROLE_BINDING,
    &CLUSTER_ROLE,
    &CLUSTER_ROLE_BINDING,
    &CLAIM,
    &DEPLOYMENT,
    &STATEFUL_SET,
    &DISRUPTION_BUDGET,
    &SERVICE,
    &INGRESS,
    &DAEMON_SET,
    &JOB,
    &CRON_JOB,
    &AUTOSCALER,
    &RESOURCE_QUOTA,
    &LIMIT_RANGE,
    &ENDPOINT_SLICE,
    &HELM_CHART,
    &HELM_CHART_CONFIG,
    &PRIORITY_CLASS,
    &STORAGE_CLASS,
    &CUSTOM_RESOURCE_DEFINITION,
    &VALIDATING_WEBHOOKS,
    &MUTATING_WEBHOOKS,
    &ADMISSION_POLICY,
    &ADMISSION_POLICY_BINDING,
    &API_SERVICE,
    &INGRESS_CLASS,
    &RUNTIME_CLASS,
    &CSI_DRIVER,
    &PERSISTENT_VOLUME,
];

/// The groups of Kubernetes itself. A `CustomResourceDefinition` adds no kind to them; one with another name that ends with `k8s.io`
/// may be a custom group, as `gateway.networking.k8s.io`.
const OWN_GROUPS: [&str; 22] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// The most custom kinds that one process knows. They are kept for as long as it runs.
const MOST_CUSTOM: usize = 16_384;

/// The custom kinds that were named so far: a kind is a value that is copied, so its texts live as long as the process.
static CUSTOM: Mutex<BTreeMap<Texts, &'static Kind>> = Mutex::new(BTreeMap::new());

/// The group, the version, the name and the plural of a custom kind, and whether its objects are in namespaces.
type Texts = ([String; 4], bool);

impl Kind {
    /// The kind with this word in addresses.
    pub fn by_word(word: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.word == word).copied()
    }

    /// A kind that a `CustomResourceDefinition` adds, by its `apiVersion`, its `kind` and its scope; `None` for texts that are neither, for
    /// a group of Kubernetes itself, and for the 16 385th kind of a process.
    pub fn custom(api: &str, name: &str, is_namespaced: bool) -> Option<&'static Self> {
        let (group, version) = api.split_once('/')?;
        let is_label = |text: &str| {
            text.bytes().all(|one| one.is_ascii_alphanumeric() || one == b'-')
                && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        };
        let is_group = group.contains('.') && group.len() <= 253 && group.split('.').all(is_label);
        let is_name = |text: &str| text.len() <= 63 && is_label(text);
        if OWN_GROUPS.contains(&group) || !is_group || !is_name(version) || !is_name(name) {
            return None;
        }
        kept([group, version, name, ""], is_namespaced)
    }

    /// The same custom kind as a server serves it: with its plural and its scope.
    pub(crate) fn served(&self, plural: &str, is_namespaced: bool) -> Option<&'static Self> {
        kept([self.group, self.version, self.name, plural], is_namespaced)
    }

    /// Whether a `CustomResourceDefinition` adds it.
    pub fn is_custom(&self) -> bool {
        self.word.contains('.')
    }

    /// Whether a group is one of Kubernetes itself.
    pub(crate) fn is_own_group(group: &str) -> bool {
        OWN_GROUPS.contains(&group)
    }

    /// The name of the `CustomResourceDefinition` of a custom kind that a server serves, as `clusters.postgresql.cnpg.io`.
    pub(crate) fn definition(&self) -> Option<String> {
        (self.is_custom() && !self.plural.is_empty()).then(|| format!("{}.{}", self.plural, self.group))
    }

    /// The kind of a manifest, by its `apiVersion` and `kind`.
    pub fn of(api: &str, name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name && kind.api() == api).copied()
    }

    /// The `apiVersion` of a manifest.
    pub fn api(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether its objects make pods of a template.
    pub(crate) fn has_pods(&self) -> bool {
        *self == DEPLOYMENT || *self == STATEFUL_SET || *self == DAEMON_SET
    }

    /// The path of its objects on the server: all of them, or those of a namespace.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis/" };
        let Self { group, version, plural, .. } = self;
        match namespace {
            Some(namespace) => format!("{root}{group}/{version}/namespaces/{namespace}/{plural}"),
            None => format!("{root}{group}/{version}/{plural}"),
        }
    }
}

/// The kept custom kind with this group, version, name and plural.
fn kept(texts: [&str; 4], is_namespaced: bool) -> Option<&'static Kind> {
    let mut all = CUSTOM.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (texts.map(str::to_owned), is_namespaced);
    if let Some(known) = all.get(&key) {
        return Some(known);
    }
    if all.len() >= MOST_CUSTOM {
        return None;
    }
    let text = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let [group, version, name, plural] = texts.map(text);
    let word = text(&format!("{}.{group}", name.to_ascii_lowercase()));
    let kind: &'static Kind = Box::leak(Box::new(Kind { word, group, version, name, plural, is_namespaced }));
    all.insert(key, kind);
    Some(kind)
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_its_group_and_namespace() {
        assert_eq!(NAMESPACE.path(None), "/api/v1/namespaces");
        assert_eq!(SERVICE.path(Some("shop")), "/api/v1/namespaces/shop/services");
        assert_eq!(DEPLOYMENT.path(Some("shop")), "/apis/apps/v1/namespaces/shop/deployments");
    }

    #[test]
    fn each_kind_is_found_by_its_word_and_by_its_manifest() {
        for kind in KINDS {
            assert_eq!(Kind::by_word(kind.word), Some(*kind));
            assert_eq!(Kind::of(&kind.api(), kind.name), Some(*kind));
        }
    }

    #[test]
    fn a_custom_kind_has_a_group_that_is_not_of_kubernetes() {
        let kind = Kind::custom("postgresql.cnpg.io/v1", "Cluster", true).unwrap();
        assert_eq!(kind.word, "cluster.postgresql.cnpg.io");
        assert!(kind.is_custom() && !DEPLOYMENT.is_custom() && kind.definition().is_none());
        let served = kind.served("clusters", true).unwrap();
        assert_eq!(served.path(Some("shop")), "/apis/postgresql.cnpg.io/v1/namespaces/shop/clusters");
        assert_eq!(served.definition().as_deref(), Some("clusters.postgresql.cnpg.io"));
        assert!(std::ptr::eq(kind, Kind::custom("postgresql.cnpg.io/v1", "Cluster", true).unwrap()));
        for (api, name) in [
            ("v1", "Cluster"),
            ("apps/v1", "Deploymnt"),
            ("storage.k8s.io/v1", "Class"),
            ("a.b/v1/c", "Cluster"),
            ("a..b/v1", "Cluster"),
            ("a.b/v1", "Clus/ter"),
            ("a.b/", "Cluster"),
            ("a.b/v1", ""),
        ] {
            assert_eq!(Kind::custom(api, name, true), None, "{api} {name}");
        }
    }
}
