//! Steps, which are gathered into batches.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use fmc_core::dns::DnsName;
use fmc_core::graph::{Acting, ObserveError, Place, Provider, Seen, Step, StepError, Wanted};

use fmc_core::secret::{NoSecrets, SecretError, Secrets as _};

use super::batches::MOST;
use super::document::{Access, Document};
use super::host::Entry;
use super::work::{Job, Server, Task};
use super::{CONFIG_KIND, HOST_KIND, Ipa, ZONE_KIND, people};
use crate::object::DnsObject;

impl Provider for Ipa {
    async fn observe(&self, wanted: &Wanted<Document>) -> Result<Seen<DnsObject>, ObserveError> {
        self.forget();
        Ok(self.look(wanted).await)
    }

    async fn act(
        &self,
        step: &Step<Document>,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<(), StepError> {
        if acting.cancelled() {
            return Err(StepError::Cancelled);
        }
        let (access, zone) = self.home(step)?;
        let link = self.link(&access).map_err(|error| StepError::Input {
            what: step.address.to_string(),
            cause: format!("failed to {error}"),
        })?;
        let is_instant = link.is_instant();
        let place = step.address.place();
        let acting = acting.clone();
        let task = match (step.address.kind(), people::kind_at(step.address.kind())) {
            (HOST_KIND, _) => self.host(step)?,
            (_, Some(kind)) => Task::Entry {
                kind,
                name: step.address.name().to_owned(),
                wanted: step.document.as_ref().and_then(|document| document.entry.clone()),
                expects: step.expects,
            },
            _ => task(step, &zone)?,
        };
        let job = Job { task, zone, stopping: Arc::new(move || acting.stopping()) };
        let fresh = Arc::clone(&self.fresh);
        let leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner).get(place).map(Arc::clone);
        let leaving = leaving.unwrap_or_default();
        let ttls = self.ttls(place);
        let server = Server { access, link, place: place.clone(), fresh, ttls, leaving };
        let done = self.batches.run(place, job, is_instant, move |jobs| server.run(jobs)).await;
        done.unwrap_or_else(|| {
            let call = step.address.to_string();
            Err(StepError::Call { call, cause: "the thread that asks the server ended".to_owned() })
        })
    }

    async fn release(&self) {
        self.forget();
    }

    fn lanes(&self, _: &Place) -> usize {
        MOST
    }
}

impl Ipa {
    /// The time to live that names without one have, by their zone.
    fn ttls(&self, place: &Place) -> BTreeMap<String, u32> {
        let ttls = self.ttls.lock().unwrap_or_else(PoisonError::into_inner);
        ttls.iter().filter(|((at, _), _)| at == place).map(|((_, zone), ttl)| (zone.clone(), *ttl)).collect()
    }

    /// What a step about a host does.
    fn host(&self, step: &Step<Document>) -> Result<Task, StepError> {
        let document = step.document.as_ref();
        let wanted = document.and_then(|document| Some((document, document.host.as_ref()?)));
        let entry = |(document, host): (&Arc<Document>, &super::host::Host)| {
            let bytes = match &self.secrets {
                Some(secrets) => secrets.bytes(&host.one_time_password),
                None => NoSecrets.bytes(&host.one_time_password),
            };
            let failed = |error: SecretError| StepError::Input {
                what: step.address.to_string(),
                cause: error.to_string(),
            };
            let one_time_password = bytes.map_err(failed)?;
            Ok(Entry { owner: Arc::clone(&document.cloud), one_time_password })
        };
        let wanted = wanted.map(entry).transpose()?;
        Ok(Task::Host { fqdn: step.address.name().to_owned(), wanted, expects: step.expects })
    }

    /// The server and the zone of a step.
    fn home(&self, step: &Step<Document>) -> Result<(Arc<Access>, DnsName), StepError> {
        if let Some(document) = &step.document {
            return Ok((Arc::clone(&document.access), document.zone.clone()));
        }
        let home = match step.address.kind() {
            HOST_KIND => {
                let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
                let access = servers.get(step.address.place()).map(Arc::clone);
                access.zip(DnsName::parse(step.address.name()).ok())
            }
            kind if people::kind_at(kind).is_some() => {
                let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
                let access = servers.get(step.address.place()).map(Arc::clone);
                access.map(|access| (Arc::clone(&access), access.fqdn.clone()))
            }
            ZONE_KIND => self.homes.of_zone(&step.address),
            _ => self.homes.of_name(&step.address),
        };
        home.ok_or_else(|| gone(step))
    }
}

fn task(step: &Step<Document>, zone: &DnsName) -> Result<Task, StepError> {
    let name = step.document.as_ref().and_then(|document| document.name());
    if let Some(document) = &step.document
        && let Some(forwarding) = document.forwarding.clone()
    {
        return Ok(Task::Forward { is_config: step.address.kind() == CONFIG_KIND, forwarding });
    }
    Ok(match (&step.document, name) {
        (Some(document), None) => {
            Task::MakeZone { owner: document.cloud.to_string(), contact: document.contact.clone() }
        }
        (None, None) if step.address.kind() == ZONE_KIND => Task::DeleteZone,
        (_, Some(name)) => {
            Task::Name { owner: name.owner.clone(), wanted: Some(name.clone()), expects: step.expects }
        }
        (None, None) => {
            let bare = step.address.name().split('@').next().unwrap_or_default();
            let owner = DnsName::parse(bare).map_err(|_| gone(step))?;
            if !owner.is_within(zone) {
                return Err(gone(step));
            }
            Task::Name { owner, wanted: None, expects: step.expects }
        }
    })
}

fn gone(step: &Step<Document>) -> StepError {
    StepError::Changed { what: step.address.to_string() }
}
