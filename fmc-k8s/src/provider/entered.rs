//! Clusters that the cloud makes, entered as their administrator by kubeconfigs that are computed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use fmc_core::secret::{ClusterAccess, Kubeconfigs};

use crate::client::Server;
use crate::link::{ApiLink, NoAnswer};

/// A connection, with what it was made from.
type Made = (ClusterAccess, Arc<dyn ApiLink>);

/// The connections, by cluster. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Entered {
    kubeconfigs: Option<Arc<dyn Kubeconfigs + Send + Sync>>,
    links: Arc<Mutex<BTreeMap<String, Made>>>,
}

impl Entered {
    /// By these kubeconfigs, with no connection yet.
    pub(super) fn by(kubeconfigs: Arc<dyn Kubeconfigs + Send + Sync>) -> Self {
        Self { kubeconfigs: Some(kubeconfigs), links: Arc::default() }
    }

    /// Makes the connection to a cluster. A cloud whose secrets are made in another way gets another one.
    pub(super) fn enter(&self, access: &ClusterAccess) -> Result<(), NoAnswer> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if links.get(&access.cluster).is_some_and(|(made, _)| made == access) {
            return Ok(());
        }
        let failed = |cause: String| NoAnswer { cause, is_absent: false };
        let Some(kubeconfigs) = &self.kubeconfigs else {
            return Err(failed(
                "there is no connection to it: fmc enters a cluster by the root key that its secrets are made from, and has none: say `--root-key FILE`, or set FMC_ROOT_KEY"
                    .to_owned(),
            ));
        };
        let kubeconfig = kubeconfigs.kubeconfig(access).map_err(failed)?;
        let text = std::str::from_utf8(kubeconfig.expose()).map_err(|error| failed(error.to_string()))?;
        let server = Server::of_kubeconfig(text).map_err(|error| failed(error.to_string()))?;
        links.insert(access.cluster.clone(), (access.clone(), Arc::new(server)));
        Ok(())
    }

    pub(super) fn link(&self, cluster: &str) -> Option<Arc<dyn ApiLink>> {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.get(cluster).map(|(_, link)| Arc::clone(link))
    }
}
