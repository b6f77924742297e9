//! The names that the domains of a host have in the cloud.

use std::collections::BTreeMap;

use fmc_core::graph::Place;

use super::read::HostRead;
use super::wants::Wants;
use crate::document::kind;
use crate::provider::object::Owner;

/// A domain that is ours or has a name of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// The cloud's name of it.
    pub(super) name: String,
    /// The name that it is to have, while another domain has it.
    pub(super) awaits: Option<String>,
}

/// Each domain of a host, in their order. A machine of ours is known by the name that it had first, whatever it is called on
/// the host.
pub(super) fn domains(place: &Place, read: &HostRead, wants: &Wants) -> Vec<Option<Known>> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let domains = read.domains.iter().zip(&read.domain_marks).zip(&read.owners);
    let each = domains.map(|((record, mark), owner)| {
        let mark = mark.as_ref();
        let own = mark.filter(|_| *owner == Owner::Us);
        let wanted = own.and_then(|mark| wants.renamed(place, mark.first()));
        let plain = || match own {
            Some(mark) => Some(mark.name()),
            None => wants.known_as(place, kind::DOMAIN, &record.name, mark),
        };
        let name = wanted.or_else(plain)?.to_owned();
        *taken.entry(name.clone()).or_default() += 1;
        Some((name, own.map(|mark| mark.name().to_owned())))
    });
    let each: Vec<Option<(String, Option<String>)>> = each.collect();
    let known = each.into_iter().map(|found| {
        let (name, was) = found?;
        let is_taken = taken.get(&name).is_some_and(|count| *count > 1);
        Some(match was.filter(|was| is_taken && *was != name) {
            Some(was) => Known { name: was, awaits: Some(name) },
            None => Known { name, awaits: None },
        })
    });
    known.collect()
}
