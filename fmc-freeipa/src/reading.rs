//! A zone that is read: from the names that a server has to the objects of a plan.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::dns::DnsName;
use fmc_core::finding::NameList;
use fmc_core::graph::{Address, Place, Seen, State};

use crate::consent;
use crate::object::{DnsObject, seen_as};
use crate::records::{DNAME, NS};
use crate::wanted::{NAME_KIND, Name, ZONE_KIND, inner, is_in_inner};

/// A zone that is read.
pub(crate) struct Reading<'a> {
    pub(crate) place: &'a Place,
    pub(crate) zone: &'a DnsName,
    /// The server's name in the cloud.
    pub(crate) server: &'a str,
    /// The machine that the server is on.
    pub(crate) machine: Option<&'a Address>,
    /// What is wanted in it; `None` is the zone itself.
    pub(crate) wanted: BTreeMap<&'a Address, Option<&'a Name>>,
}

impl<'a> Reading<'a> {
    /// The wanted name, by its absolute name.
    pub(crate) fn names(&self) -> BTreeMap<&'a str, (&'a Address, &'a Name)> {
        let names = self.wanted.iter().filter_map(|(at, name)| Some((*at, (*name)?)));
        names.map(|(at, name)| (name.owner.as_str(), (at, name))).collect()
    }

    /// The server does not answer yet: all that is wanted in the zone waits for it.
    pub(crate) fn not_yet(&self, seen: &mut Seen<DnsObject>) {
        let phase = format!("the DNS server {} has {}", self.server, self.zone.bare());
        for at in self.wanted.keys().filter(|at| at.kind() != ZONE_KIND) {
            seen.objects.insert((*at).clone(), State::NotYet { phase: phase.clone(), is_new: true });
        }
    }

    /// The zone could not be read.
    pub(crate) fn unknown(&self, cause: &str, seen: &mut Seen<DnsObject>) {
        let cause = format!("failed to read the zone {} from {}: {cause}", self.zone.bare(), self.server);
        for at in self.wanted.keys() {
            seen.objects.insert((*at).clone(), State::Unknown { cause: cause.clone() });
        }
    }

    /// The names of the zone, by their absolute names, and the zone itself, whose `foreign` names need no object. Names of others in `cuts`
    /// take those below them away. `zones` are all that are read of the server.
    pub(crate) fn found(
        &self,
        objects: BTreeMap<String, DnsObject>,
        zone: DnsObject,
        cuts: &[(String, &'static str)],
        (zones, is_destroyed): (&BTreeSet<&DnsName>, bool),
        seen: &mut Seen<DnsObject>,
    ) {
        self.cut_off(cuts, seen);
        let names = self.names();
        let wanted = |name: &str| names.get(name).map(|(_, name)| *name);
        let many = consent::many(&objects, wanted).filter(|_| !is_destroyed);
        let bare = |name: &str| name.strip_suffix('.').unwrap_or(name).to_owned();
        let mut foreign: Vec<String> = zone.foreign.iter().map(bare).collect();
        for (name, mut object) in objects {
            let known = names.get(name.as_str());
            if known.is_none() && !object.is_ours {
                foreign.push(bare(&name));
                continue;
            }
            object.many = many;
            let at = match known {
                Some((at, _)) => (*at).clone(),
                None => self.address(&name, zones),
            };
            let fingerprint = seen_as(&object);
            seen.objects.entry(at).or_insert_with(|| State::present(object, fingerprint));
        }
        let at = Address::new(self.place.clone(), ZONE_KIND, self.zone.bare());
        let many = many.filter(|_| zone.is_ours);
        let object = DnsObject { foreign: NameList::new(foreign), many, ..zone };
        let fingerprint = seen_as(&object);
        seen.objects.insert(at, State::present(object, fingerprint));
    }

    /// The wanted names that nobody would find: a name of others above them leads elsewhere.
    fn cut_off(&self, cuts: &[(String, &'static str)], seen: &mut Seen<DnsObject>) {
        for (cut, kind) in cuts {
            let below = format!(".{cut}");
            let bare = cut.strip_suffix('.').unwrap_or(cut);
            for (owner, (at, _)) in self.names() {
                if owner.ends_with(&below) {
                    let cause = format!(
                        "{bare}, which fmc did not make, has {kind} records, so that nobody finds a name below it at {}: remove them there, or \
                         give {} another name",
                        self.server,
                        owner.strip_suffix('.').unwrap_or(owner)
                    );
                    seen.objects.insert(at.clone(), State::Unknown { cause });
                }
            }
        }
    }

    /// Something in the zone of which nothing is known.
    pub(crate) fn nothing(&self) -> DnsObject {
        DnsObject {
            zone: self.zone.bare().to_owned(),
            stands_on: self.machine.into_iter().cloned().collect(),
            ..DnsObject::of_step(BTreeMap::new(), None)
        }
    }

    /// The address of a name of ours that is not wanted.
    fn address(&self, name: &str, zones: &BTreeSet<&DnsName>) -> Address {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let is_inner =
            DnsName::parse(name).is_ok_and(|name| is_in_inner(&name, self.zone, zones.iter().copied()));
        let plain = Address::new(self.place.clone(), NAME_KIND, bare);
        if is_inner || self.wanted.keys().any(|at| **at == plain) {
            return Address::new(self.place.clone(), NAME_KIND, inner(bare, self.zone));
        }
        plain
    }
}

/// The name of a type whose records take the names below their own away; `None` for others.
pub(crate) fn cut_kind(kind: u16) -> Option<&'static str> {
    match kind {
        NS => Some("NS"),
        DNAME => Some("DNAME"),
        _ => None,
    }
}
