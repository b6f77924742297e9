//! Accounts: the rights of a workload's pods at the API of their cluster.

use serde::{Deserialize, Serialize};

/// The account of a workload. Its pods have a token of it, and may do at the cluster's API what its rules say, and nothing else. Pods of
/// a workload without an account have no token.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::account::{Account, AccountRule};
/// use fmc_k8s::container::Container;
/// use fmc_k8s::platform::{Namespace, Platform};
/// use fmc_k8s::quantity::CpuExt as _;
/// use fmc_k8s::workload::Deployment;
///
/// let reads = AccountRule::of(["get", "list", "watch"], ["pods"]);
/// let agent = Container::new("agent", "registry.example.org/agent:1.0", 50.millicores(), 64.mib());
/// let agent = Deployment::new("agent", agent).account(Account::new().may(reads));
/// let platform = Platform::on("prod").namespace(Namespace::new("ci").deployment(agent));
/// let kinds: Vec<&str> = platform.manifests().iter().map(|one| one.kind().name).collect();
/// assert_eq!(kinds[3..], ["ServiceAccount", "Role", "RoleBinding", "Deployment"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The rights in its own namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rules: Vec<AccountRule>,
    /// The rights in the whole cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cluster_rules: Vec<AccountRule>,
    /// Whether its token is for the nodes alone, so that its pods need no way to the API.
    #[serde(skip)]
    pub(crate) is_for_nodes: bool,
}

/// A right: verbs, and what they may be done with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountRule {
    /// The verbs, as `get`, `list`, `watch`, `create`, `update`, `patch` and `delete`.
    pub(crate) verbs: Vec<String>,
    /// The kinds of objects by their plurals, as `pods` or `pods/log`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) resources: Vec<String>,
    /// The API groups of these kinds, as `apps`: the core's if not said, whose name is empty.
    #[serde(default = "core", skip_serializing_if = "is_core")]
    pub(crate) groups: Vec<String>,
    /// The names of the objects: all if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) names: Vec<String>,
    /// Paths of the API outside of its objects, as `/metrics`, in place of resources. A rule with paths stands below `cluster_rules`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) paths: Vec<String>,
}

fn core() -> Vec<String> {
    vec![String::new()]
}

fn is_core(groups: &[String]) -> bool {
    groups == [String::new()]
}

impl Account {
    /// One without rights: its pods can show who they are.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that reads the measurements of kubelets.
    pub(crate) fn of_kubelets() -> Self {
        let reads = AccountRule::of(["get"], ["nodes/metrics"]);
        Self { is_for_nodes: true, ..Self::new().may_in_cluster(reads) }
    }

    /// A right in its own namespace.
    #[must_use]
    pub fn may(mut self, rule: AccountRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// A right in the whole cluster.
    #[must_use]
    pub fn may_in_cluster(mut self, rule: AccountRule) -> Self {
        self.cluster_rules.push(rule);
        self
    }
}

impl AccountRule {
    /// Verbs with kinds of objects of the core, as `get` with `pods`.
    pub fn of<V: Into<String>, R: Into<String>>(
        verbs: impl IntoIterator<Item = V>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self {
            verbs: verbs.into_iter().map(Into::into).collect(),
            resources: resources.into_iter().map(Into::into).collect(),
            groups: core(),
            names: Vec::new(),
            paths: Vec::new(),
        }
    }

    /// Verbs with paths of the API outside of its objects, as `get` with `/metrics`.
    pub fn of_paths<V: Into<String>, P: Into<String>>(
        verbs: impl IntoIterator<Item = V>,
        paths: impl IntoIterator<Item = P>,
    ) -> Self {
        let paths = paths.into_iter().map(Into::into).collect();
        Self { paths, ..Self::of(verbs, Vec::<String>::new()) }
    }

    /// The API groups of the kinds instead of the core, as `apps`.
    #[must_use]
    pub fn groups<G: Into<String>>(self, groups: impl IntoIterator<Item = G>) -> Self {
        Self { groups: groups.into_iter().map(Into::into).collect(), ..self }
    }

    /// Objects of these names alone.
    #[must_use]
    pub fn names<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), ..self }
    }
}
