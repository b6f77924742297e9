//! Steps: apply, take away what others added, delete, and wait.

use fmc_core::graph::{
    Acting, Action, Awaited, Event, NotUp, ObserveError, Place, Provider, Seen, Step, StepError, Wanted,
};
use serde_json::{Value, json};

use super::document::Wanted as OfOwner;
use super::foreign::foreign;
use super::model::has_foreign;
use super::observe::{apply_path, strangers};
use super::{
    API, Document, Kubernetes, Refusal, ask, call, claims, classes, data, get, patience, ready, replicas,
    served,
};
use crate::kind;
use crate::link::{ApiLink, Verb};
use crate::object::ApiObject;

/// The time between two questions, in milliseconds.
pub(super) const PAUSE: u64 = 500;

/// The time for an object to be gone, in seconds: a namespace takes what its content takes.
const GONE_WITHIN: u64 = 300;

impl Provider for Kubernetes {
    async fn observe(&self, wanted: &Wanted<Document>) -> Result<Seen<ApiObject>, ObserveError> {
        self.look(wanted).await
    }

    async fn act(
        &self,
        step: &Step<Document>,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<(), StepError> {
        let Some(link) = self.link(step.address.place()) else {
            return Err(StepError::Input {
                what: step.address.place().to_string(),
                cause: "there is no connection to it".to_owned(),
            });
        };
        let link = &*link;
        if let Some(Document::Api { within, .. }) = step.document.as_deref() {
            return answers(link, step, *within, acting).await;
        }
        if step.address.kind() == API {
            #[cfg(feature = "sim")]
            if step.action == Action::Delete {
                self.forget(step.address.place());
            }
            return Ok(());
        }
        match step.document.as_deref().and_then(Document::wanted) {
            Some(wanted) => {
                patience::awaited(link, &step.address, &wanted.awaited, acting).await?;
                let path = patience::located(link, &step.address, &wanted.manifest, acting).await?;
                self.make(&Making { link, step, wanted, path, acting }).await
            }
            None => {
                // The plan read it in one of the versions of its kind; without its kind it is gone.
                let mut changed = Ok(());
                for path in paths_at(link, step).await? {
                    match self.unchanged(link, step, path.clone()).await {
                        Ok(Some(there)) => return delete(link, step, &path, &there, acting).await,
                        Ok(None) => return Ok(()),
                        Err(error) => changed = Err(error),
                    }
                }
                changed
            }
        }
    }

    fn lanes(&self, _: &Place) -> usize {
        8
    }

    /// A custom object waits for its kind, its operator and its webhook.
    fn waiting_lanes(&self, step: &Step<Document>) -> Option<usize> {
        let wanted = step.document.as_deref()?.wanted()?;
        (wanted.manifest.kind().is_custom() || !wanted.awaited.is_empty()).then_some(32)
    }

    fn awaited(&self, step: &Step<Document>) -> Option<Awaited> {
        let wanted = step.document.as_deref()?.wanted()?;
        ready::awaited(&wanted.manifest)
    }

    async fn up(
        &self,
        step: &Step<Document>,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<u64, NotUp> {
        let wanted = step.document.as_deref().and_then(Document::wanted);
        match (self.link(step.address.place()), wanted) {
            (Some(link), Some(wanted)) => ready::wait(&*link, &wanted.manifest, acting).await,
            _ => Ok(0),
        }
    }
}

/// A step that makes an object as wanted.
struct Making<'a, A> {
    link: &'a dyn ApiLink,
    step: &'a Step<Document>,
    wanted: &'a OfOwner,
    /// The path of the object.
    path: String,
    acting: &'a A,
}

/// A version that no object has: the store begins with it, and each write has a later one. The server ignores it where it makes an object, and
/// refuses it where it finds one. So one request looks and makes.
const NO_VERSION: &str = "1";

impl<A> Making<'_, A> {
    /// Whether the plan saw no object.
    fn is_new(&self) -> bool {
        self.step.action == Action::Create && self.step.expects.is_none()
    }
}

impl Kubernetes {
    async fn make<A: Acting + Clone + 'static>(&self, making: &Making<'_, A>) -> Result<(), StepError> {
        let Making { link, step, wanted, path, acting } = making;
        if making.is_new() {
            grow(*link, step, wanted).await?;
            return self.apply(making).await;
        }
        let there = self.unchanged(*link, step, path.clone()).await?;
        grow(*link, step, wanted).await?;
        if step.action == Action::Replace {
            if let Some(there) = there {
                delete(*link, step, path, &there, *acting).await?;
            }
            return self.apply(making).await;
        }
        if let Some(there) = &there {
            uncover(*link, step, wanted, path, there, *acting).await?;
            replicas::hand_over(*link, step, wanted, path, there, *acting).await?;
        }
        self.apply(making).await?;
        if let Some(there) = there {
            self.strip(making, &there).await?;
        }
        Ok(())
    }

    /// The object of a step, if it is what the plan saw.
    async fn unchanged(
        &self,
        link: &dyn ApiLink,
        step: &Step<Document>,
        path: String,
    ) -> Result<Option<ApiObject>, StepError> {
        let wanted = step.document.as_deref().and_then(Document::wanted);
        let there = self.read(link, path, wanted).await.map_err(|refusal| call(&step.address, &refusal))?;
        if there.as_ref().map(ApiObject::fingerprint) == step.expects {
            return Ok(there);
        }
        let without_form = wanted.and_then(|wanted| wanted.without_form);
        if without_form.is_some()
            && there.as_ref().and_then(ApiObject::fingerprint_without_form) == without_form
        {
            return Ok(there);
        }
        Err(StepError::Changed { what: step.address.to_string() })
    }

    async fn apply<A: Acting>(&self, making: &Making<'_, A>) -> Result<(), StepError> {
        let Making { link, step, wanted, path, acting } = making;
        let mut body = self.filled(wanted).map_err(|error| StepError::Input {
            what: step.address.to_string(),
            cause: format!("failed to {error}"),
        })?;
        let metadata = body.get_mut("metadata").and_then(Value::as_object_mut);
        if let Some(metadata) = metadata.filter(|_| making.is_new()) {
            metadata.insert("resourceVersion".to_owned(), NO_VERSION.into());
        }
        let to = apply_path(path, &wanted.owner, wanted.is_forced);
        patience::write(*link, &step.address, Verb::Apply(body), to, *acting).await?;
        if *wanted.manifest.kind() == kind::CUSTOM_RESOURCE_DEFINITION {
            patience::established(*link, &step.address, path, *acting).await?;
        }
        Ok(())
    }

    /// Takes away entries that others added to lists of ours: an apply merges into a list, and removes only what is its own.
    async fn strip<A: Acting>(&self, making: &Making<'_, A>, before: &ApiObject) -> Result<(), StepError> {
        let Making { link, step, wanted, path, acting } = making;
        if wanted.differences(before).iter().all(|one| one.added_at.is_none()) {
            return Ok(());
        }
        let failed = |refusal| call(&step.address, &refusal);
        let Some(there) = self.read(*link, path.clone(), Some(wanted)).await.map_err(failed)? else {
            return Ok(());
        };
        let found = wanted.differences(&there);
        // From the end, so that each place is still right when it is its turn.
        let mut removals: Vec<Value> = found
            .iter()
            .rev()
            .filter_map(|one| Some(json!({ "op": "remove", "path": one.added_at.as_ref()? })))
            .collect();
        if removals.is_empty() {
            return Ok(());
        }
        let version = json!({ "op": "test", "path": "/metadata/resourceVersion", "value": there.version() });
        removals.insert(0, version);
        let to = apply_path(path, &wanted.owner, false);
        patience::write(*link, &step.address, Verb::Patch(Value::Array(removals)), to, *acting)
            .await
            .map(drop)
    }
}

/// Makes the volumes of a set that are there as large as it wants them.
async fn grow(link: &dyn ApiLink, step: &Step<Document>, wanted: &OfOwner) -> Result<(), StepError> {
    if *wanted.manifest.kind() != kind::STATEFUL_SET {
        return Ok(());
    }
    let grown = claims::grow(link, &wanted.manifest, &wanted.owner, false).await;
    grown.map_err(|refusal| call(&step.address, &refusal))
}

/// Takes a set whose volumes grew away around its pods: the apply that follows makes it again.
async fn uncover(
    link: &dyn ApiLink,
    step: &Step<Document>,
    wanted: &OfOwner,
    path: &str,
    there: &ApiObject,
    acting: &(impl Acting + Clone + 'static),
) -> Result<(), StepError> {
    let found = wanted.differences(there);
    if claims::fate(&wanted.manifest, there, &found) != claims::Fate::Grow {
        return Ok(());
    }
    delete_with(link, step, path, there, "Orphan", acting).await
}

/// Deletes an object, that one and no other, and waits until it is gone. A namespace is looked into first: somebody may have put
/// something there since the plan.
async fn delete(
    link: &dyn ApiLink,
    step: &Step<Document>,
    path: &str,
    there: &ApiObject,
    acting: &(impl Acting + Clone + 'static),
) -> Result<(), StepError> {
    if step.address.kind() == kind::NAMESPACE.word {
        let owner = there.owner().unwrap_or_default();
        // Volumes of ours went before by steps of their own: one that is there has data that nobody meant.
        let foreign = foreign(link, step.address.name(), owner, true).await;
        let foreign = foreign.map_err(|refusal| call(&step.address, &refusal))?;
        if !foreign.is_empty() {
            let cause = has_foreign(&foreign);
            return Err(StepError::Call { call: "delete it".to_owned(), cause });
        }
    }
    let is_unasked = step.reasons.iter().any(|reason| reason == data::NO_OBJECTS);
    if step.address.kind() == kind::CUSTOM_RESOURCE_DEFINITION.word && is_unasked {
        let owner = there.owner().unwrap_or_default();
        let strangers =
            strangers(link, there, owner).await.map_err(|refusal| call(&step.address, &refusal))?;
        if !strangers.is_empty() {
            let cause = format!("{}: plan again", data::takes_along(&strangers));
            return Err(StepError::Call { call: "delete it".to_owned(), cause });
        }
    }
    if step.address.kind() == kind::STORAGE_CLASS.word {
        let claims = classes::claims(link, step.address.name()).await;
        let claims = claims.map_err(|refusal| call(&step.address, &refusal))?;
        if !claims.is_empty() {
            let cause = classes::has_claims(&claims);
            return Err(StepError::Call { call: "delete it".to_owned(), cause });
        }
    }
    delete_with(link, step, path, there, "Foreground", acting).await
}

/// Deletes an object in a way (`propagationPolicy`), and waits until it is gone.
async fn delete_with(
    link: &dyn ApiLink,
    step: &Step<Document>,
    path: &str,
    there: &ApiObject,
    way: &str,
    acting: &(impl Acting + Clone + 'static),
) -> Result<(), StepError> {
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": way,
        "preconditions": { "uid": there.uid(), "resourceVersion": there.version() },
    });
    match ask(link, Verb::Delete(options), path.to_owned()).await {
        Ok(_) | Err(Refusal::Status(404, _)) => {}
        Err(Refusal::Status(409, _)) => return Err(StepError::Changed { what: step.address.to_string() }),
        Err(refusal) => return Err(call(&step.address, &refusal)),
    }
    let mut has_said = false;
    for _ in 0..GONE_WITHIN * 1000 / PAUSE {
        let left = get(link, path.to_owned()).await.map_err(|refusal| call(&step.address, &refusal))?;
        if left.map(ApiObject::new).is_none_or(|left| left.uid() != there.uid()) {
            return Ok(());
        }
        if acting.cancelled() {
            return Err(StepError::Cancelled);
        }
        if !has_said {
            acting.say(Event::Doing {
                address: step.address.to_string(),
                what: "waits until it is gone".to_owned(),
            });
            has_said = true;
        }
        link.pause(PAUSE).await;
    }
    Err(StepError::Deadline { call: "delete it".to_owned(), seconds: GONE_WITHIN })
}

/// Waits until the API answers.
async fn answers(
    link: &dyn ApiLink,
    step: &Step<Document>,
    within: u64,
    acting: &(impl Acting + Clone + 'static),
) -> Result<(), StepError> {
    let mut last = String::new();
    for _ in 0..=within * 1000 / PAUSE {
        match ask(link, Verb::Get, "/readyz".to_owned()).await {
            Ok(_) => return Ok(()),
            Err(refusal) => last = refusal.words(),
        }
        if acting.cancelled() {
            return Err(StepError::Cancelled);
        }
        link.pause(PAUSE).await;
    }
    let cause = format!("it does not answer within {within} s: {last}");
    Err(StepError::Call { call: step.address.to_string(), cause })
}

/// The paths of an object that is not wanted any more, one for each version of its kind; none if the server does not have the kind any more.
async fn paths_at(link: &dyn ApiLink, step: &Step<Document>) -> Result<Vec<String>, StepError> {
    let kinds = served::by_word(link, step.address.kind()).await;
    let kinds = kinds.map_err(|refusal| call(&step.address, &refusal))?;
    let name = step.address.name();
    let (namespace, name) = match name.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, name),
    };
    Ok(kinds.into_iter().map(|kind| format!("{}/{name}", kind.path(namespace))).collect())
}
