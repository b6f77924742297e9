//! Reading servers: one search for the zones, and one for the names of each zone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use fmc_core::dns::DnsName;
use fmc_core::graph::{Address, Place, Seen, State, Wanted};

use super::document::{Access, Document};
use super::held::{self, zone_owner};
use super::link::{IpaLink, records, zones};
use super::{CONFIG_KIND, Ipa, ZONE_KIND, forward, hosts, off_thread, people, real};
use crate::client::{Code, IpaError, IpaRecord, IpaZone};
use crate::object::{DnsObject, Mark};
use crate::reading::{Reading, cut_kind};

/// The zones of a server that are read, by name.
type Readings<'a> = BTreeMap<&'a DnsName, Reading<'a>>;

impl Ipa {
    pub(super) async fn look(&self, wanted: &Wanted<Document>) -> Seen<DnsObject> {
        let mut seen = Seen::default();
        let mut servers: BTreeMap<&Place, (&Arc<Access>, Readings<'_>)> = BTreeMap::new();
        for (at, node) in wanted.nodes.iter().chain(&wanted.gone) {
            let document = &node.document;
            // With its machine goes all that it has.
            if wanted.is_destroyed && document.access.machine.is_some() {
                continue;
            }
            let (access, zones) =
                servers.entry(at.place()).or_insert_with(|| (&document.access, BTreeMap::new()));
            if !document.is_zoned() {
                continue;
            }
            let reading =
                zones.entry(&document.zone).or_insert_with(|| reading(at.place(), &document.zone, access));
            if wanted.nodes.contains_key(at) {
                reading.wanted.insert(at, document.name());
            }
        }
        for (place, (access, readings)) in servers {
            self.servers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(place.clone(), Arc::clone(access));
            for zone in readings.keys() {
                self.homes.know(place, zone, access);
            }
            match self.all_zones(access).await {
                Ok((link, zones)) => {
                    self.look_at(place, access, (&link, &zones), readings, wanted, &mut seen).await;
                    forwarding(place, Arc::clone(&link), wanted, &mut seen).await;
                    hosts::look(place, access, Arc::clone(&link), wanted, &mut seen).await;
                    let leaving = people::look(place, access, link, wanted, &mut seen).await;
                    let mut all = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
                    all.insert(place.clone(), Arc::new(leaving));
                }
                // A server on a machine of the cloud comes with the machine.
                Err(error) if access.machine.is_some() && is_absent(access, &error).await => {
                    readings.values().for_each(|reading| reading.not_yet(&mut seen));
                    hosts::not_yet(place, access, wanted, &mut seen);
                    people::not_yet(place, access, wanted, &mut seen);
                }
                Err(error) => {
                    seen.unknown.insert(place.clone(), format!("failed to {error}"));
                }
            }
        }
        seen
    }

    async fn all_zones(&self, access: &Access) -> Result<(Arc<dyn IpaLink>, Vec<IpaZone>), IpaError> {
        let link = self.link(access)?;
        let (user, domain) = (access.login.credentials.user().to_owned(), domain_of(&access.fqdn));
        let zones = off_thread(Arc::clone(&link), move |link| zones(link, &user, &domain)).await?;
        Ok((link, zones))
    }

    /// The zones of a server, wanted ones and others of ours.
    async fn look_at(
        &self,
        place: &Place,
        access: &Arc<Access>,
        (link, zones): (&Arc<dyn IpaLink>, &[IpaZone]),
        mut readings: Readings<'_>,
        wanted: &Wanted<Document>,
        seen: &mut Seen<DnsObject>,
    ) {
        let named = zones.iter().filter_map(|zone| Some((DnsName::parse(&zone.name()).ok()?, zone)));
        let named: BTreeMap<DnsName, &IpaZone> = named.collect();
        let mut more = Readings::new();
        for (name, zone) in &named {
            if !readings.contains_key(name) && zone_owner(&zone.entry().texts("cn")) == Some(&*wanted.owner) {
                self.homes.know(place, name, access);
                more.insert(name, reading(place, name, access));
            }
        }
        let all: BTreeSet<&DnsName> = readings.keys().chain(more.keys()).copied().collect();
        for (name, reading) in std::mem::take(&mut readings).into_iter().chain(more) {
            let Some(zone) = named.get(name) else { continue };
            let asked = name.to_string();
            match off_thread(Arc::clone(link), move |link| records(link, &asked)).await {
                Ok(records) => {
                    if let Some(ttl) = zone.settings().default_ttl {
                        let mut ttls = self.ttls.lock().unwrap_or_else(PoisonError::into_inner);
                        ttls.insert((place.clone(), name.to_string()), ttl);
                    }
                    let objects = objects(&reading, access, &records, zone, &wanted.owner);
                    let zone = DnsObject {
                        servers: held::servers(name, &records),
                        ..zone_object(&reading, zone, &wanted.owner)
                    };
                    let cuts = cuts(name, &objects);
                    reading.found(objects, zone, &cuts, (&all, wanted.is_destroyed), seen);
                }
                Err(error) if error.code() == Some(Code::NotFound) => {}
                Err(error) => reading.unknown(&format!("failed to {error}"), seen),
            }
        }
    }
}

fn reading<'a>(place: &'a Place, zone: &'a DnsName, access: &'a Access) -> Reading<'a> {
    Reading { place, zone, server: &access.name, machine: access.machine.as_ref(), wanted: BTreeMap::new() }
}

/// Whether nothing answers where a server will be. Its certificate authority cannot be read before it is there.
async fn is_absent(access: &Arc<Access>, error: &IpaError) -> bool {
    if !matches!(error, IpaError::Settings { .. }) {
        return error.is_absent();
    }
    let access = Arc::clone(access);
    crate::thread::off_thread(false, move || real::listens(&access)).await == Some(false)
}

/// Where a server asks for names that it does not have, as far as the cloud decides that.
async fn forwarding(
    place: &Place,
    link: Arc<dyn IpaLink>,
    wanted: &Wanted<Document>,
    seen: &mut Seen<DnsObject>,
) {
    let all =
        wanted.nodes.iter().filter(|(at, node)| at.place() == place && node.document.forwarding.is_some());
    let (configs, zones): (Vec<_>, Vec<_>) = all.partition(|(at, _)| at.kind() == CONFIG_KIND);
    let (is_config, is_zones) = (!configs.is_empty(), !zones.is_empty());
    let read = off_thread(link, move |link| {
        let config = if is_config { Some(forward::config(link)?) } else { None };
        Ok((config, if is_zones { forward::zones(link)? } else { BTreeMap::new() }))
    });
    let read = read.await;
    for (at, node) in configs.into_iter().chain(zones) {
        let state = match &read {
            Ok((config, zones)) => {
                let is_config = at.kind() == CONFIG_KIND;
                let forwards =
                    if is_config { config.as_ref() } else { zones.get(node.document.zone.as_str()) };
                let Some(forwards) = forwards else { continue };
                let object = DnsObject {
                    forwards: Some(forwards.clone()),
                    ..DnsObject::of_step(BTreeMap::new(), None)
                };
                State::present(object, forwards.fingerprint())
            }
            Err(error) => State::Unknown { cause: format!("failed to {error}") },
        };
        seen.objects.insert(at.clone(), state);
    }
}

/// The domain that a server is in.
fn domain_of(fqdn: &DnsName) -> String {
    fqdn.bare().split_once('.').map_or_else(|| fqdn.bare().to_owned(), |(_, domain)| domain.to_owned())
}

/// The names of a zone.
fn objects(
    reading: &Reading<'_>,
    access: &Access,
    records: &[IpaRecord],
    zone: &IpaZone,
    owner: &str,
) -> BTreeMap<String, DnsObject> {
    let names = reading.names();
    let mut nothing = reading.nothing();
    nothing.stands_on.push(Address::new(reading.place.clone(), ZONE_KIND, reading.zone.bare()));
    let entries = held::read(reading.zone, &access.fqdn, records, zone.settings().default_ttl);
    let objects = entries.into_iter().filter_map(|(name, entry)| {
        let wanted = names.get(name.as_str()).map(|(_, name)| *name);
        let object = entry.object(owner, wanted, nothing.clone())?;
        Some((name, object))
    });
    objects.collect()
}

/// The names of others whose NS or DNAME records take the names below them away.
fn cuts(zone: &DnsName, objects: &BTreeMap<String, DnsObject>) -> Vec<(String, &'static str)> {
    let foreign = objects.iter().filter(|(name, object)| !object.is_ours && *name != zone.as_str());
    foreign
        .filter_map(|(name, object)| {
            Some((name.clone(), object.sets.keys().find_map(|kind| cut_kind(*kind))?))
        })
        .collect()
}

/// The zone itself.
fn zone_object(reading: &Reading<'_>, zone: &IpaZone, owner: &str) -> DnsObject {
    let marks = zone.entry().texts("cn");
    let mark = zone_owner(&marks).map(|owner| Mark { owner: owner.to_owned(), made: None });
    let is_ours = mark.as_ref().is_some_and(|mark| mark.owner == owner);
    let name = reading.zone.bare();
    let held = (!zone.is_active()).then(|| {
        format!("it is disabled, so that no client gets an answer: run `ipa dnszone-enable {name}`")
    });
    DnsObject { mark, is_ours, held, ..reading.nothing() }
}
