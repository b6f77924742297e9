//! Reading servers: each zone by one transfer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::dns::DnsName;
use fmc_core::finding::NameList;
use fmc_core::graph::{Address, Place, Seen, State, Wanted};

use super::document::{Access, Document};
use super::model::{DnsObject, differences, seen_as};
use super::rr::{Mark, Names, is_servers_own, marked, sorted};
use super::{NAME_KIND, Rfc2136, ZONE_KIND, off_thread};

/// As many names of a zone may always change without a person's word.
const FEW: usize = 3;

impl Rfc2136 {
    pub(super) async fn look(&self, wanted: &Wanted<Document>) -> Seen<DnsObject> {
        let mut seen = Seen::default();
        let mut zones: BTreeMap<(&Place, &DnsName), Zone<'_>> = BTreeMap::new();
        for (at, node) in wanted.nodes.iter().chain(&wanted.gone) {
            let document = &node.document;
            let zone = zones.entry((at.place(), &document.zone)).or_insert_with(|| Zone {
                place: at.place(),
                name: &document.zone,
                access: &document.access,
                wanted: BTreeMap::new(),
            });
            if wanted.nodes.contains_key(at) {
                zone.wanted.insert(at, document);
            }
        }
        let mut absent: BTreeSet<&Place> = BTreeSet::new();
        for zone in zones.values() {
            self.know(zone.place, zone.name, zone.access);
            if absent.contains(zone.place) {
                continue;
            }
            let read = match self.link(zone.access) {
                Ok(link) => {
                    let name = zone.name.to_string();
                    off_thread(link, move |link| link.transfer(&name)).await
                }
                Err(error) => Err(error),
            };
            match read {
                Ok(records) => {
                    let names = sorted(records);
                    self.last_seen(zone.place, zone.name.as_str(), |last| last.clone_from(&names));
                    zone.found(&names, wanted, &mut seen);
                }
                // A server on a machine of the cloud comes with the machine.
                Err(error) if error.is_absent() && zone.access.machine.is_some() && !wanted.is_destroyed => {
                    zone.not_yet(&mut seen);
                }
                // With its machine goes all that it has.
                Err(error) if error.is_absent() && zone.access.machine.is_some() => {}
                Err(error)
                    if matches!(error, super::DnsError::NoAnswer { .. } | super::DnsError::Key { .. }) =>
                {
                    absent.insert(zone.place);
                    seen.unknown.insert(zone.place.clone(), error.to_string());
                }
                Err(error) => zone.unknown(&error.to_string(), &mut seen),
            }
        }
        seen
    }
}

/// A zone that is read.
struct Zone<'a> {
    place: &'a Place,
    name: &'a DnsName,
    access: &'a Arc<Access>,
    wanted: BTreeMap<&'a Address, &'a Arc<Document>>,
}

impl Zone<'_> {
    /// The server does not answer yet: all that is wanted in the zone waits for it.
    fn not_yet(&self, seen: &mut Seen<DnsObject>) {
        let phase = format!("the DNS server {} has {}", self.access.name, self.name.bare());
        for at in self.wanted.keys().filter(|at| at.kind() != ZONE_KIND) {
            seen.objects.insert((*at).clone(), State::NotYet { phase: phase.clone(), is_new: true });
        }
    }

    /// The zone could not be read.
    fn unknown(&self, cause: &str, seen: &mut Seen<DnsObject>) {
        let cause =
            format!("failed to read the zone {} from {}: {cause}", self.name.bare(), self.access.name);
        for at in self.wanted.keys() {
            seen.objects.insert((*at).clone(), State::Unknown { cause: cause.clone() });
        }
    }

    /// The names of the zone.
    fn found(&self, names: &Names, wanted: &Wanted<Document>, seen: &mut Seen<DnsObject>) {
        let zone = self.name.to_string();
        let mut marks: BTreeMap<String, Mark> = BTreeMap::new();
        let mut objects: BTreeMap<String, DnsObject> = BTreeMap::new();
        for (name, sets) in names {
            if let Some(owner) = marked(self.name, name) {
                marks.extend(Mark::of(sets).map(|mark| (owner, mark)));
                continue;
            }
            let sets = sets.iter().filter(|(kind, _)| !is_servers_own(**kind, *name == zone));
            let sets: BTreeMap<_, _> = sets.map(|(kind, set)| (*kind, set.clone())).collect();
            if !sets.is_empty() {
                objects.insert(name.clone(), DnsObject { sets, ..self.nothing() });
            }
        }
        for (name, mark) in marks {
            let is_ours = *mark.owner == *wanted.owner;
            let object = objects.entry(name).or_insert_with(|| self.nothing());
            object.is_ours = is_ours;
            object.mark = Some(mark);
        }
        let by_name: BTreeMap<String, (&Address, &Document)> = self
            .wanted
            .iter()
            .filter_map(|(at, document)| Some((document.name()?.owner.to_string(), (*at, &***document))))
            .collect();
        let many = self.many(&objects, &by_name).filter(|_| !wanted.is_destroyed);
        let mut foreign = Vec::new();
        for (name, mut object) in objects {
            let known = by_name.get(&name);
            if known.is_none() && !object.is_ours {
                foreign.push(name.strip_suffix('.').unwrap_or(&name).to_owned());
                continue;
            }
            object.many = many;
            let at = match known {
                Some((at, _)) => (*at).clone(),
                None => self.address(&name),
            };
            let fingerprint = seen_as(&object);
            seen.objects.insert(at, State::present(object, fingerprint));
        }
        let at = Address::new(self.place.clone(), ZONE_KIND, self.name.bare());
        let object = DnsObject { foreign: NameList::new(foreign), ..self.nothing() };
        let fingerprint = seen_as(&object);
        seen.objects.insert(at, State::present(object, fingerprint));
    }

    fn nothing(&self) -> DnsObject {
        DnsObject {
            zone: self.name.bare().to_owned(),
            sets: BTreeMap::new(),
            mark: None,
            is_ours: false,
            many: None,
            foreign: NameList::default(),
            stands_on: self.access.machine.iter().cloned().collect(),
        }
    }

    /// The address of a name of ours that is not wanted.
    fn address(&self, name: &str) -> Address {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let plain = Address::new(self.place.clone(), NAME_KIND, bare);
        let is_elsewhere = self.wanted.keys().any(|at| **at == plain);
        if is_elsewhere { Address::new(self.place.clone(), NAME_KIND, inner(bare, self.name)) } else { plain }
    }

    /// How many names of ours a plan would change or delete, and how many there are, if that is more than a third.
    fn many(
        &self,
        objects: &BTreeMap<String, DnsObject>,
        wanted: &BTreeMap<String, (&Address, &Document)>,
    ) -> Option<(usize, usize)> {
        let ours = objects.iter().filter(|(_, object)| object.is_ours);
        let all = ours.clone().count();
        let changed = ours.filter(|(name, object)| {
            let name = wanted.get(*name).and_then(|(_, document)| document.name());
            name.is_none_or(|name| !differences(&object.sets, &name.sets).is_empty())
        });
        let changed = changed.count();
        (changed > FEW && changed * 3 > all).then_some((changed, all))
    }
}

/// How a name is called in a plan if another zone of the server has it too: the servers of a zone inside another one.
pub(super) fn inner(bare: &str, zone: &DnsName) -> String {
    format!("{bare}@{}", zone.bare())
}
