//! The kinds of objects that fmc writes, in one table.

use std::fmt;

/// A kind of objects of the API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Its word in addresses, as `deployment`.
    pub word: &'static str,
    /// The group, as `apps`; empty for the core.
    pub group: &'static str,
    /// The version, as `v1`.
    pub version: &'static str,
    /// The name in a manifest, as `Deployment`.
    pub name: &'static str,
    /// The name in a path, as `deployments`.
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

/// Every kind, in the order in which a person reads them.
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
];

impl Kind {
    /// The kind with this word in addresses.
    pub fn by_word(word: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.word == word).copied()
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
}
