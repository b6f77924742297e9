//! The provider: it lists, compares, applies, waits and prunes.

mod act;
mod beside;
mod ceph;
mod claims;
mod classes;
mod data;
mod document;
mod drift;
#[cfg(feature = "client")]
mod entered;
mod fixed;
mod foreign;
mod granted;
mod mentions;
mod model;
mod observe;
mod operated;
mod order;
mod patience;
mod ready;
mod record;
mod replicas;
mod room;
mod served;
mod shown;
#[cfg(feature = "sim")]
mod simulation;
mod takeover;
mod ways;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use fmc_core::graph::{Address, Place, StepError};
use fmc_core::secret::{SecretError, Secrets};
use serde_json::Value;

use crate::link::{ApiLink, NoAnswer, Request, Response, Verb};
use crate::manifest::{Manifest, manager};
use crate::object::ApiObject;
use crate::secret;

pub use document::Document;
#[cfg(feature = "sim")]
pub(crate) use ready::ready_status;

/// The provider's name in addresses.
pub const NAME: &str = "kubernetes";

/// The kind of the object that stands for the API itself: nothing else in a cluster exists before it answers.
pub const API: &str = "api";

/// The clusters that a cloud's platforms are applied to: those that a program connects to by itself, and, with the feature
/// `client`, those that the cloud makes, which are entered as their administrator by the root key.
#[derive(Clone, Default)]
pub struct Kubernetes {
    clusters: BTreeMap<String, Arc<dyn ApiLink>>,
    secrets: Option<Arc<dyn Secrets + Send + Sync>>,
    #[cfg(feature = "client")]
    entered: entered::Entered,
    #[cfg(feature = "sim")]
    simulated: Option<simulation::Simulated>,
}

impl Kubernetes {
    /// No cluster yet: it compiles, and a plan defers what is in clusters.
    pub fn new() -> Self {
        Self::default()
    }

    /// The connection to a cluster, by its name in the cloud.
    #[must_use]
    pub fn cluster(mut self, name: impl Into<String>, link: impl ApiLink) -> Self {
        self.clusters.insert(name.into(), Arc::new(link));
        self
    }

    fn secrets(&self) -> Option<&dyn Secrets> {
        self.secrets.as_deref().map(|secrets| -> &dyn Secrets { secrets })
    }

    /// An object that was read, without the bytes of its secrets.
    fn hidden(&self, mut object: ApiObject, wanted: Option<&document::Wanted>) -> ApiObject {
        let wanted = wanted.map(|wanted| (&wanted.manifest, wanted.owner.as_str()));
        secret::hide(&mut object, wanted, self.secrets());
        object
    }

    /// The object at a path, if there is one.
    async fn read(
        &self,
        link: &dyn ApiLink,
        path: String,
        wanted: Option<&document::Wanted>,
    ) -> Result<Option<ApiObject>, Refusal> {
        Ok(get(link, path).await?.map(|value| self.hidden(ApiObject::new(value), wanted)))
    }

    /// A manifest as it is sent, with the bytes of its secrets.
    fn filled(&self, wanted: &document::Wanted) -> Result<Value, SecretError> {
        secret::filled(&wanted.manifest, &wanted.owner, self.secrets())
    }

    fn link(&self, place: &Place) -> Option<Arc<dyn ApiLink>> {
        let name = place.name()?;
        #[cfg(feature = "sim")]
        if let Some(simulated) = &self.simulated {
            return Some(Arc::new(simulated.cluster(name)));
        }
        let own = self.clusters.get(name).cloned();
        #[cfg(feature = "client")]
        let own = own.or_else(|| self.entered.link(name));
        own
    }

    /// Makes the connection to a cluster that the cloud makes, unless there is one.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be made.
    fn enter(&self, place: &Place, documents: &BTreeMap<&Address, &Document>) -> Result<(), NoAnswer> {
        let access = documents.values().find_map(|document| match document {
            Document::Api { access, .. } => access.as_deref(),
            Document::Object(_) => None,
        });
        let is_known = place.name().is_some_and(|name| self.clusters.contains_key(name));
        #[cfg(feature = "sim")]
        let is_known = is_known || self.simulated.is_some();
        #[cfg(feature = "client")]
        if let Some(access) = access.filter(|_| !is_known) {
            self.entered.enter(access)?;
        }
        #[cfg(not(feature = "client"))]
        let _ = (access, is_known);
        Ok(())
    }
}

impl fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.clusters.keys()).finish()
    }
}

/// The server's refusal, or its silence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// There is no answer.
    NoAnswer(NoAnswer),
    /// It answered with an error: the status of HTTP, and its own `Status`.
    Status(u16, Value),
}

impl Refusal {
    fn status(&self) -> Option<u16> {
        match self {
            Self::NoAnswer(_) => None,
            Self::Status(status, _) => Some(*status),
        }
    }

    /// The server's words.
    fn words(&self) -> String {
        match self {
            Self::NoAnswer(error) => error.cause.clone(),
            Self::Status(status, body) => {
                let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
                if message.is_empty() { format!("HTTP {status}") } else { message.to_owned() }
            }
        }
    }

    /// The causes that the server names, each with its field.
    fn causes(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let body = match self {
            Self::Status(_, body) => Some(body),
            Self::NoAnswer(_) => None,
        };
        let causes = body.and_then(|body| body.pointer("/details/causes")).and_then(Value::as_array);
        causes.into_iter().flatten().map(|cause| {
            let text = |key: &str| cause.get(key).and_then(Value::as_str).unwrap_or_default();
            (text("reason"), text("field"), text("message"))
        })
    }
}

/// The body of a good answer.
async fn ask(link: &dyn ApiLink, verb: Verb, path: String) -> Result<Value, Refusal> {
    match link.send(Request { verb, path }).await {
        Ok(Response { status: 200..=299, body, .. }) => Ok(body),
        Ok(Response { status, body, .. }) => Err(Refusal::Status(status, body)),
        Err(error) => Err(Refusal::NoAnswer(error)),
    }
}

/// The object at a path, if there is one.
async fn get(link: &dyn ApiLink, path: String) -> Result<Option<Value>, Refusal> {
    match ask(link, Verb::Get, path).await {
        Err(Refusal::Status(404, _)) => Ok(None),
        other => other.map(Some),
    }
}

/// The path of one object.
fn path_of(manifest: &Manifest) -> String {
    format!("{}/{}", manifest.kind().path(manifest.namespace()), manifest.name())
}

fn call(step: &Address, refusal: &Refusal) -> StepError {
    StepError::Call { call: step.to_string(), cause: refusal.words() }
}
