//! The pure half: how names differ, and what becomes of those that are not wanted.

use fmc_core::graph::{
    Address, Choices, Edge, Fingerprint, Model, Note, Place, Removal, Seen, Settled, Verdict, Wanted,
};

use super::Rfc2136;
use super::document::Document;
use crate::consent;
use crate::object::{self, DnsObject};
use crate::records::fingerprint;

impl Model for Rfc2136 {
    type Document = Document;
    type Object = DnsObject;

    fn known_as(&self, place: &Place) -> String {
        match place.name() {
            Some(server) => format!("the DNS server {server}"),
            None => "DNS".to_owned(),
        }
    }

    fn settle<'a>(
        &self,
        wanted: &'a Wanted<Document>,
        _: &Seen<DnsObject>,
        choices: &Choices,
    ) -> Settled<'a, Document> {
        let agree = |document: &Document| Document { is_agreed: true, ..document.clone() };
        consent::settle(wanted, choices, |document| document.zone.bare(), agree)
    }

    fn fingerprint(&self, document: &Document) -> Fingerprint {
        match document.name() {
            Some(name) => fingerprint(&name.sets),
            None => Fingerprint::of(format!("zone {}", document.zone).as_bytes()),
        }
    }

    fn summary(&self, _: &Address, document: &Document) -> String {
        match document.name() {
            Some(name) => object::shown(&name.sets),
            None => "waits until the server has it".to_owned(),
        }
    }

    fn compare(&self, _: &Address, document: &Document, object: &DnsObject) -> Verdict {
        match document.name() {
            Some(name) => object::compare(name, object, document.is_agreed),
            None => Verdict::Same,
        }
    }

    fn remove(
        &self,
        _: &Address,
        object: &DnsObject,
        _: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal {
        object::remove(object, choices)
    }

    fn needs(&self, _: &Address, object: &DnsObject) -> Vec<Edge> {
        object.needs()
    }

    fn notes(&self, at: &Address, document: &Document, object: &DnsObject) -> Vec<Note> {
        object.notes(at, &document.part)
    }
}
