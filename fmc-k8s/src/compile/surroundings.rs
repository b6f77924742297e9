//! The surroundings of a namespace: the other namespaces of its platform, and its cloud.

use fmc_core::checked::Checked;

use super::account::ApiServers;
use super::between::Between;
use super::operated;
use super::outside::Outside;
use super::scrape::{Asking, asking};
use crate::gateway::Gateways;
use crate::operated::OperatorNamespaces;
use crate::platform::Platform;
use crate::prometheus::config::Scrapes;

/// The surroundings that all namespaces of a platform have alike.
pub(super) struct Surroundings<'a> {
    /// The targets of each Prometheus.
    pub(super) scrapes: Scrapes,
    /// Each Prometheus.
    pub(super) asking: Asking,
    /// The API, for workloads with an account.
    pub(super) api: ApiServers,
    /// The addresses outside of the cluster.
    pub(super) outside: Outside,
    /// Who calls whom in another namespace.
    pub(super) between: Between,
    /// The namespaces of operators.
    pub(super) operators: OperatorNamespaces,
    /// Where calls from outside come in.
    pub(super) gateways: Gateways<'a>,
}

impl<'a> Surroundings<'a> {
    /// Those of a platform in a cloud. Without one, no machine and no address is known.
    pub(super) fn of(platform: &'a Platform, cloud: Option<&Checked>) -> Self {
        let cluster = cloud.and_then(|cloud| Some((cloud, cloud.cluster(&platform.cluster.to_string())?)));
        Self {
            gateways: Gateways::of(platform),
            scrapes: Scrapes::of(platform, cloud),
            asking: asking(platform),
            api: cluster.map(|(cloud, cluster)| ApiServers::of(cluster, cloud)).unwrap_or_default(),
            between: Between::of(platform),
            operators: operated::namespaces(platform),
            outside: cluster
                .map(|(cloud, cluster)| Outside::of(platform, cluster, cloud))
                .unwrap_or_default(),
        }
    }
}
