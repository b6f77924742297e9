//! Steps: a message for each name, and waiting for a zone.

use std::sync::Arc;

use fmc_core::dns::{DnsName, ReadBy};
use fmc_core::graph::{Acting, ObserveError, Place, Provider, Seen, Step, StepError, Wanted};

use super::document::{Access, Document};
use super::link::DnsLink;
use super::rr::mark_name;
use super::update::Update;
use super::{DnsError, NAME_KIND, Rfc2136, index, off_thread, queries};
use crate::object::{DnsObject, Mark, seen_as};
use crate::records::{A, AAAA, NS, Set, Sets, TXT, is_servers_own};

/// How long an apply waits for a zone, in seconds: its server's machine boots, and installs the server.
const WITHIN: u64 = 900;

/// The time between two questions, in milliseconds.
const PAUSE: u64 = 1000;

impl Provider for Rfc2136 {
    async fn observe(&self, wanted: &Wanted<Document>) -> Result<Seen<DnsObject>, ObserveError> {
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
        if step.address.kind() != NAME_KIND {
            let Some(document) = &step.document else { return Ok(()) };
            return self.answers(step, document, acting).await;
        }
        let (access, zone) = self.home(step)?;
        let link = self.link(&access).map_err(|error| failed(step, &error))?;
        let owner = self.owner(step, &zone)?;
        let mut change = self.change(step, &zone, &owner, &access.name)?;
        if access.read_by == ReadBy::Queries {
            let cloud: &str = &access.cloud;
            let entry = match &step.document {
                Some(_) => index::enter(&zone, cloud, &owner),
                None => index::take_out(&zone, cloud, &owner),
            };
            change.update.changes.push(entry);
        }
        let sent = change.clone();
        off_thread(link, move |link| link.update(&sent.update))
            .await
            .map_err(|error| failed(step, &error))?;
        self.last_seen(step.address.place(), zone.as_str(), |names| {
            for (name, sets) in change.after {
                names.insert(name, sets);
            }
        });
        Ok(())
    }

    fn lanes(&self, _: &Place) -> usize {
        4
    }

    fn waiting_lanes(&self, step: &Step<Document>) -> Option<usize> {
        (step.address.kind() != NAME_KIND).then_some(64)
    }
}

/// A message, and the records of the names once it is done.
#[derive(Clone)]
struct Sent {
    update: Update,
    after: Vec<(String, Sets)>,
}

impl Rfc2136 {
    /// The server and the zone of a step.
    fn home(&self, step: &Step<Document>) -> Result<(Arc<Access>, DnsName), StepError> {
        if let Some(document) = &step.document {
            return Ok((Arc::clone(&document.access), document.zone.clone()));
        }
        self.homes.of_name(&step.address).ok_or_else(|| gone(step))
    }

    fn owner(&self, step: &Step<Document>, zone: &DnsName) -> Result<DnsName, StepError> {
        if let Some(name) = step.document.as_ref().and_then(|document| document.name()) {
            return Ok(name.owner.clone());
        }
        let name = step.address.name();
        let bare = name.split_once('@').map_or(name, |(bare, _)| bare);
        let owner = DnsName::parse(bare).map_err(|_| gone(step))?;
        if owner.is_within(zone) { Ok(owner) } else { Err(gone(step)) }
    }

    /// The message of a step, from the records that were read last.
    fn change(
        &self,
        step: &Step<Document>,
        zone: &DnsName,
        owner: &DnsName,
        server: &str,
    ) -> Result<Sent, StepError> {
        let mark_at = mark_name(zone, owner).ok_or_else(|| StepError::Input {
            what: owner.bare().to_owned(),
            cause: "it is so long that its mark, 5 bytes longer, has no place: shorten it".to_owned(),
        })?;
        let (seen, seen_mark) = self.last_seen(step.address.place(), zone.as_str(), |names| {
            let of = |name: &DnsName| names.get(name.as_str()).cloned().unwrap_or_default();
            (of(owner), of(&mark_at))
        });
        let is_apex = owner == zone;
        let mut own = seen.clone();
        own.retain(|kind, _| !is_servers_own(*kind, is_apex));
        let mark = Mark::of(&seen_mark);
        let object = DnsObject::of_step(own.clone(), mark.clone());
        let is_there = !own.is_empty() || mark.is_some();
        if is_there.then(|| seen_as(&object)) != step.expects {
            return Err(StepError::Changed { what: format!("{} at {server}", step.address.name()) });
        }
        let name = step.document.as_ref().and_then(|document| document.name());
        let mut wanted = name.map(|name| name.beside(&own).into_owned()).unwrap_or_default();
        if name.is_none() && self.is_name_server(step.address.place(), zone, owner) {
            // A zone whose name server has no address is not loaded again, and BIND refuses to come to it.
            wanted = own
                .iter()
                .filter(|(kind, _)| [A, AAAA].contains(*kind))
                .map(|(kind, set)| (*kind, set.clone()))
                .collect();
        }
        let ttl = wanted.values().map(|set| set.ttl).min().unwrap_or_default();
        let mark: Sets = name.map(|name| (TXT, name.mark().set(ttl))).into_iter().collect();
        // A zone itself always has records, which are the server's own: without ours there is no condition of emptiness.
        let mut update = Update::of(
            zone.as_str(),
            [(owner.as_str(), &own, &wanted), (mark_at.as_str(), &seen_mark, &mark)],
        );
        if own.len() != seen.len() {
            update.conditions.retain(|condition| !matches!(condition, super::update::Condition::Unused(name) if name == owner.as_str()));
        }
        let servers: Vec<(u16, Set)> =
            seen.into_iter().filter(|(kind, _)| is_servers_own(*kind, is_apex)).collect();
        let after = wanted.into_iter().chain(servers).collect();
        Ok(Sent { update, after: vec![(owner.to_string(), after), (mark_at.to_string(), mark)] })
    }

    /// Whether the zone names a name of its own as its server.
    fn is_name_server(&self, place: &Place, zone: &DnsName, owner: &DnsName) -> bool {
        self.last_seen(place, zone.as_str(), |names| {
            let servers = names.get(zone.as_str()).and_then(|sets| sets.get(&NS));
            servers.is_some_and(|servers| servers.data.contains_key(&owner.wire()))
        })
    }

    /// Waits until the server has a zone.
    async fn answers(
        &self,
        step: &Step<Document>,
        document: &Document,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<(), StepError> {
        let link = self.link(&document.access).map_err(|error| failed(step, &error))?;
        let zone = document.zone.to_string();
        let read_by = document.access.read_by;
        let acting = acting.clone();
        let end = off_thread(link, move |link| Ok(wait(link, &zone, read_by, &acting))).await;
        match end {
            Ok(Some(Ok(()))) => Ok(()),
            Ok(Some(Err(error))) | Err(error) => Err(failed(step, &error)),
            Ok(None) => Err(StepError::Cancelled),
        }
    }
}

/// Asks for a zone until it is there, an error lasts, or the apply stops; `None` if it stops.
fn wait(
    link: &dyn DnsLink,
    zone: &str,
    read_by: ReadBy,
    acting: &impl Acting,
) -> Option<Result<(), DnsError>> {
    let mut left = WITHIN * 1000 / PAUSE;
    loop {
        let answer = match read_by {
            ReadBy::Queries => link.ask(zone, &[queries::of_zone(zone)]),
            _ => link.transfer(zone),
        };
        match answer {
            Ok(_) => return Some(Ok(())),
            Err(error) if !error.is_absent() || left == 0 => return Some(Err(error)),
            Err(_) if acting.stopping() => return None,
            Err(_) => {}
        }
        left -= 1;
        link.pause(PAUSE);
    }
}

fn failed(step: &Step<Document>, error: &DnsError) -> StepError {
    let what = step.address.to_string();
    match error {
        DnsError::Changed(_) => StepError::Changed { what },
        DnsError::Key { name, cause } => {
            StepError::Input { what: format!("the key {name}"), cause: cause.clone() }
        }
        other => StepError::Call { call: what, cause: other.to_string() },
    }
}

fn gone(step: &Step<Document>) -> StepError {
    StepError::Changed { what: step.address.to_string() }
}
