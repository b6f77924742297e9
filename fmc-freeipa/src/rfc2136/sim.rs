//! Servers in memory: they take updates by the rules of RFC 2136, and have any zone that they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fmc_core::provider::SimulationError;
use serde::{Deserialize, Serialize};

use super::document::Access;
use super::error::DnsError;
use super::link::DnsLink;
use super::rr::Rr;
use super::update::{Change, Condition, Update};
use super::{NAME, Rfc2136};
use crate::records::{Names, Set};

/// Servers in memory, by name.
#[derive(Clone, Default)]
pub(super) struct Simulated(Arc<Mutex<BTreeMap<String, Server>>>);

/// A server in memory.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Server {
    /// Whether it answers. One on a machine of the cloud does not the first time: the machine boots.
    is_up: bool,
    zones: BTreeMap<String, BTreeMap<String, Vec<KeptSet>>>,
    #[serde(skip)]
    names: BTreeMap<String, Names>,
    /// The zones that it was asked for while it did not answer.
    #[serde(skip)]
    asked: BTreeSet<String>,
}

/// A record set as it is kept: JSON has no bytes as keys.
#[derive(Clone, Serialize, Deserialize)]
struct KeptSet {
    kind: u16,
    ttl: u32,
    data: Vec<(Vec<u8>, String)>,
}

impl Simulated {
    fn servers(&self) -> MutexGuard<'_, BTreeMap<String, Server>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn server(&self, access: &Access) -> Arc<dyn DnsLink> {
        let is_up = access.machine.is_none();
        self.servers().entry(access.name.clone()).or_insert_with(|| Server { is_up, ..Server::default() });
        Arc::new(Handle { all: self.clone(), name: access.name.clone() })
    }

    /// The servers that answered, as a text; `None` if none did.
    pub(super) fn state(&self) -> Option<String> {
        let servers = self.servers();
        let answered = servers.iter().filter(|(_, server)| server.is_up);
        let kept: BTreeMap<&String, Server> = answered.map(|(name, server)| (name, server.kept())).collect();
        if kept.is_empty() { None } else { serde_json::to_string(&kept).ok() }
    }
}

impl Server {
    /// The server with its zones as lists, as they are kept.
    fn kept(&self) -> Self {
        let set = |(kind, set): (&u16, &Set)| KeptSet {
            kind: *kind,
            ttl: set.ttl,
            data: set.data.iter().map(|(data, text)| (data.clone(), text.clone())).collect(),
        };
        let zone = |names: &Names| {
            names.iter().map(|(name, sets)| (name.clone(), sets.iter().map(set).collect())).collect()
        };
        let zones = self.names.iter().map(|(name, names)| (name.clone(), zone(names))).collect();
        Self { is_up: self.is_up, zones, ..Self::default() }
    }

    /// The server from its lists.
    fn woken(self) -> Self {
        let zones = self.zones.into_iter().map(|(zone, names)| {
            let names = names.into_iter().map(|(name, sets)| {
                let set =
                    |kept: KeptSet| (kept.kind, Set { ttl: kept.ttl, data: kept.data.into_iter().collect() });
                (name, sets.into_iter().map(set).collect())
            });
            (zone, names.collect())
        });
        Self { is_up: self.is_up, names: zones.collect(), ..Self::default() }
    }
}

/// A handle of one of them.
struct Handle {
    all: Simulated,
    name: String,
}

impl DnsLink for Handle {
    fn transfer(&self, zone: &str) -> Result<Vec<Rr>, DnsError> {
        let mut servers = self.all.servers();
        let server = servers.entry(self.name.clone()).or_default();
        if !server.is_up && server.asked.insert(zone.to_owned()) {
            let cause = "its machine starts".to_owned();
            return Err(DnsError::NoAnswer { cause, is_absent: true });
        }
        server.is_up = true;
        let names = server.names.entry(zone.to_owned()).or_default();
        let records = names.iter().flat_map(|(owner, sets)| {
            sets.iter().flat_map(move |(kind, set)| {
                set.data.keys().map(move |data| Rr {
                    owner: owner.clone(),
                    kind: *kind,
                    ttl: set.ttl,
                    data: data.clone(),
                })
            })
        });
        Ok(records.collect())
    }

    fn ask(&self, zone: &str, questions: &[(String, u16)]) -> Result<Vec<Rr>, DnsError> {
        let records = self.transfer(zone)?;
        let asked: BTreeSet<(&str, u16)> =
            questions.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
        let is_asked = |record: &Rr| asked.contains(&(record.owner.as_str(), record.kind));
        Ok(records.into_iter().filter(is_asked).collect())
    }

    fn update(&self, update: &Update) -> Result<(), DnsError> {
        let mut servers = self.all.servers();
        let names =
            servers.entry(self.name.clone()).or_default().names.entry(update.zone.clone()).or_default();
        for condition in &update.conditions {
            let holds = match condition {
                Condition::Unused(name) => names.get(name).is_none_or(BTreeMap::is_empty),
                Condition::Used(name) => names.get(name).is_some_and(|sets| !sets.is_empty()),
                Condition::Without(name, kind) => names.get(name).is_none_or(|sets| !sets.contains_key(kind)),
                Condition::Exactly(name, kind, set) => {
                    let there = names.get(name).and_then(|sets| sets.get(kind));
                    there.is_some_and(|there| there.data.keys().eq(set.data.keys()))
                }
            };
            if !holds {
                return Err(DnsError::Changed("NXRRSET".to_owned()));
            }
        }
        for change in &update.changes {
            match change {
                Change::Delete(name, kind) => {
                    if let Some(sets) = names.get_mut(name) {
                        sets.remove(kind);
                    }
                }
                Change::Remove(name, kind, data) => {
                    if let Some(sets) = names.get_mut(name) {
                        if let Some(set) = sets.get_mut(kind) {
                            set.data.remove(data);
                        }
                        sets.retain(|_, set| !set.data.is_empty());
                    }
                }
                Change::Add(name, kind, set) => {
                    let there = names.entry(name.clone()).or_default().entry(*kind).or_default();
                    there.ttl = set.ttl;
                    there.data.extend(set.data.clone());
                }
            }
        }
        names.retain(|_, sets| !sets.is_empty());
        Ok(())
    }

    fn is_instant(&self) -> bool {
        true
    }

    fn pause(&self, _: u64) {}
}

impl Rfc2136 {
    /// Servers in memory, from a state or from the beginning.
    pub(super) fn in_memory(state: Option<&str>) -> Result<Self, SimulationError> {
        let wrong = |error: serde_json::Error| SimulationError { provider: NAME, cause: error.to_string() };
        let servers: BTreeMap<String, Server> = match state {
            Some(text) => serde_json::from_str(text).map_err(wrong)?,
            None => BTreeMap::new(),
        };
        let servers = servers.into_iter().map(|(name, server)| (name, server.woken())).collect();
        Ok(Self { simulated: Some(Simulated(Arc::new(Mutex::new(servers)))), ..Self::default() })
    }
}
