//! Reading servers: each zone by one transfer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::dns::{DnsName, ReadBy};
use fmc_core::finding::NameList;
use fmc_core::graph::{Place, Seen, Wanted};

use super::document::{Access, Document};
use super::rr::{Rr, Sorted, marked};
use super::{DnsError, Rfc2136, off_thread, queries};
use crate::object::{DnsObject, Mark};
use crate::reading::Reading;
use crate::records::{NS, Names, is_servers_own, own_servers};

impl Rfc2136 {
    pub(super) async fn look(&self, wanted: &Wanted<Document>) -> Seen<DnsObject> {
        let mut seen = Seen::default();
        let mut zones: BTreeMap<(&Place, &DnsName), (Reading<'_>, &Arc<Access>)> = BTreeMap::new();
        for (at, node) in wanted.nodes.iter().chain(&wanted.gone) {
            let document = &node.document;
            // With its machine goes all that it has.
            if wanted.is_destroyed && document.access.machine.is_some() {
                continue;
            }
            let (zone, _) = zones.entry((at.place(), &document.zone)).or_insert_with(|| {
                let reading = Reading {
                    place: at.place(),
                    zone: &document.zone,
                    server: &document.access.name,
                    machine: document.access.machine.as_ref(),
                    wanted: BTreeMap::new(),
                };
                (reading, &document.access)
            });
            if wanted.nodes.contains_key(at) {
                zone.wanted.insert(at, document.name());
            }
        }
        let mut absent: BTreeSet<&Place> = BTreeSet::new();
        for (zone, access) in zones.values() {
            self.homes.know(zone.place, zone.zone, access);
            if absent.contains(zone.place) {
                continue;
            }
            match self.read(zone, access, &wanted.owner).await {
                Ok((records, listed)) => {
                    let names = zone.names();
                    let Sorted { names, strangers, cuts } =
                        Sorted::of(zone.zone, records, |name| names.contains_key(name));
                    let all = zones.keys().filter(|(place, _)| *place == zone.place);
                    let all = all.map(|(_, name)| *name).collect();
                    let mut objects = objects(zone, &names, &wanted.owner);
                    if let Some(listed) = listed {
                        let unlisted = objects.iter_mut().filter(|(name, _)| !listed.contains(*name));
                        unlisted.for_each(|(_, object)| object.is_unlisted = object.is_ours);
                    }
                    let servers = names.get(zone.zone.as_str()).and_then(|sets| sets.get(&NS));
                    let servers = servers.map(own_servers).unwrap_or_default();
                    self.last_seen(zone.place, zone.zone.as_str(), |last| *last = names);
                    let itself = DnsObject { foreign: NameList::from(strangers), servers, ..zone.nothing() };
                    zone.found(objects, itself, &cuts, (&all, wanted.is_destroyed), &mut seen);
                }
                // A server on a machine of the cloud comes with the machine.
                Err(error) if error.is_absent() && access.machine.is_some() && !wanted.is_destroyed => {
                    zone.not_yet(&mut seen);
                }
                Err(error) if matches!(error, DnsError::NoAnswer { .. } | DnsError::Key { .. }) => {
                    absent.insert(zone.place);
                    seen.unknown.insert(zone.place.clone(), error.to_string());
                }
                Err(error) => zone.unknown(&error.to_string(), &mut seen),
            }
        }
        seen
    }

    /// The records of a zone, and of one that is read name by name the names in its index.
    async fn read(
        &self,
        zone: &Reading<'_>,
        access: &Access,
        owner: &Arc<str>,
    ) -> Result<(Vec<Rr>, Option<BTreeSet<String>>), DnsError> {
        let link = self.link(access)?;
        let name = zone.zone.clone();
        if access.read_by == ReadBy::Transfer {
            let records = off_thread(link, move |link| link.transfer(name.as_str())).await?;
            return Ok((records, None));
        }
        let owner = Arc::clone(owner);
        let wanted = zone.names().into_keys().map(str::to_owned).collect();
        let asked = off_thread(link, move |link| queries::read(link, &name, &owner, wanted)).await?;
        Ok((asked.records, Some(asked.listed)))
    }
}

/// The names of a zone with their marks.
fn objects(zone: &Reading<'_>, names: &Names, owner: &str) -> BTreeMap<String, DnsObject> {
    let apex = zone.zone.to_string();
    let mut marks: BTreeMap<String, Mark> = BTreeMap::new();
    let mut objects: BTreeMap<String, DnsObject> = BTreeMap::new();
    for (name, sets) in names {
        if let Some(owner) = marked(zone.zone, name) {
            marks.extend(Mark::of(sets).map(|mark| (owner, mark)));
            continue;
        }
        let sets = sets.iter().filter(|(kind, _)| !is_servers_own(**kind, *name == apex));
        let sets: BTreeMap<_, _> = sets.map(|(kind, set)| (*kind, set.clone())).collect();
        if !sets.is_empty() {
            objects.insert(name.clone(), DnsObject { sets, ..zone.nothing() });
        }
    }
    for (name, mark) in marks {
        let object = objects.entry(name).or_insert_with(|| zone.nothing());
        object.is_ours = mark.owner == owner;
        object.mark = Some(mark);
    }
    objects
}
