//! The clusters of a simulated cloud.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use fmc_core::graph::Place;
use fmc_core::provider::SimulationError;

use super::{Kubernetes, NAME};
use crate::sim::Sim;

/// Clusters in memory, by name. One that is not known yet is made when it is asked for: its machines start then, so that its API does
/// not answer the first time.
#[derive(Clone, Default)]
pub(super) struct Simulated(Arc<Mutex<BTreeMap<String, Sim>>>);

impl Simulated {
    pub(super) fn cluster(&self, name: &str) -> Sim {
        let mut clusters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clusters.entry(name.to_owned()).or_insert_with(Sim::starting).clone()
    }

    /// A cluster whose machines are gone.
    fn forget(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// The clusters that answered, as a text; `None` if none did.
    fn state(&self) -> Option<String> {
        let clusters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = clusters.iter().filter(|(_, cluster)| cluster.has_answered());
        let states: BTreeMap<&String, String> =
            answered.map(|(name, cluster)| (name, cluster.state())).collect();
        if states.is_empty() { None } else { serde_json::to_string(&states).ok() }
    }
}

impl Kubernetes {
    /// Clusters in memory, from a state or from the beginning.
    pub(super) fn in_memory(state: Option<&str>) -> Result<Self, SimulationError> {
        let wrong = |cause: String| SimulationError { provider: NAME, cause };
        let states: BTreeMap<String, String> = match state {
            Some(text) => serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?,
            None => BTreeMap::new(),
        };
        let clusters: Result<BTreeMap<String, Sim>, String> =
            states.into_iter().map(|(name, state)| Ok((name, Sim::of_state(&state)?))).collect();
        let simulated = Simulated(Arc::new(Mutex::new(clusters.map_err(wrong)?)));
        Ok(Self { simulated: Some(simulated), ..Self::default() })
    }

    /// The machines of a simulated cluster go, and what was in it with them.
    pub(super) fn forget(&self, place: &Place) {
        if let (Some(simulated), Some(name)) = (&self.simulated, place.name()) {
            simulated.forget(name);
        }
    }

    /// The state of clusters in memory.
    pub(super) fn kept(&self) -> Option<String> {
        self.simulated.as_ref().and_then(Simulated::state)
    }
}
