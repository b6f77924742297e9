//! The pure half: how zones and names differ, and what becomes of those that are not wanted.

use fmc_core::finding::NameList;
use fmc_core::graph::{
    Address, Choices, Edge, Fingerprint, Model, Note, Place, Removal, Seen, Settled, Verdict, Wanted,
};

use super::document::Document;
use super::{HOST_KIND, Ipa, ZONE_KIND, forward, host, people};
use crate::consent;
use crate::object::{self, DnsObject};
use crate::records::fingerprint;

impl Model for Ipa {
    type Document = Document;
    type Object = DnsObject;

    fn known_as(&self, place: &Place) -> String {
        match place.name() {
            Some(server) => format!("the FreeIPA server {server}"),
            None => "FreeIPA".to_owned(),
        }
    }

    fn settle<'a>(
        &self,
        wanted: &'a Wanted<Document>,
        seen: &Seen<DnsObject>,
        choices: &Choices,
    ) -> Settled<'a, Document> {
        let agree = |document: &Document| Document { is_agreed: true, ..document.clone() };
        let mut settled = consent::settle(wanted, choices, |document| document.zone.bare(), agree);
        let retired = people::retire(wanted, seen, choices);
        if !retired.is_empty() {
            settled.nodes.to_mut().extend(retired);
        }
        settled
    }

    fn fingerprint(&self, document: &Document) -> Fingerprint {
        if let Some(host) = &document.host {
            return host.fingerprint();
        }
        if let Some(entry) = &document.entry {
            return entry.fingerprint();
        }
        match (document.name(), &document.forwarding) {
            (Some(name), _) => fingerprint(&name.sets),
            (None, Some(forwarding)) => Fingerprint::of(forward::shown(forwarding).as_bytes()),
            (None, None) => {
                Fingerprint::of(format!("zone {} {}", document.zone, document.contact).as_bytes())
            }
        }
    }

    fn summary(&self, _: &Address, document: &Document) -> String {
        if document.host.is_some() {
            return "with the one-time password of its machine".to_owned();
        }
        if let Some(entry) = &document.entry {
            return entry.summary();
        }
        match (document.name(), &document.forwarding) {
            (Some(name), _) => object::shown(&name.sets),
            (None, Some(forwarding)) => forward::shown(forwarding),
            (None, None) => "is made unless the server has it".to_owned(),
        }
    }

    fn compare(&self, _: &Address, document: &Document, object: &DnsObject) -> Verdict {
        if let Some(wanted) = &document.host {
            return host::compare(wanted, &document.cloud, object);
        }
        if let Some(entry) = &document.entry {
            return people::compare(entry, object);
        }
        if let Some(forwarding) = &document.forwarding {
            return forward::compare(forwarding, object, document.zone.bare());
        }
        match (document.name(), &object.held) {
            (Some(name), _) => object::compare(name, object, document.is_agreed),
            (None, Some(held)) => Verdict::Held(held.clone()),
            (None, None) => Verdict::Same,
        }
    }

    fn remove(
        &self,
        at: &Address,
        object: &DnsObject,
        _: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal {
        if at.kind() == HOST_KIND {
            return host::remove(object, choices);
        }
        if let Some(kind) = people::kind_at(at.kind()) {
            return people::remove(kind, at, object, choices);
        }
        if at.kind() != ZONE_KIND || !object.is_ours {
            return object::remove(object, choices);
        }
        // FreeIPA makes this name for each zone.
        let kerberos = format!("_kerberos.{}", object.zone);
        let others = NameList::new(object.foreign.iter().filter(|name| **name != *kerberos));
        if others.is_empty() {
            return object::remove(object, choices);
        }
        Removal::Keep(format!("it has names that fmc did not make: {others}"))
    }

    fn needs(&self, _: &Address, object: &DnsObject) -> Vec<Edge> {
        object.needs()
    }

    fn notes(&self, at: &Address, document: &Document, object: &DnsObject) -> Vec<Note> {
        if at.kind() == HOST_KIND { host::notes(at, object) } else { object.notes(at, &document.part) }
    }
}
