//! The call by which a name becomes as it is wanted: always one, with all of its values.

use fmc_core::dns::DnsName;

use super::held::{Held, is_of_hosts, marks_of};
use crate::client::{IpaCall, RecordChange};
use crate::records::{NS, Set};
use crate::wanted::Name;

/// The call for a name that a zone has so, or does not have.
pub(super) fn call(zone: &DnsName, owner: &DnsName, held: Option<&Held>, wanted: Option<&Name>) -> IpaCall {
    let relative = owner.relative_to(zone);
    match (held, wanted) {
        (None, Some(name)) => {
            let change = name.sets.values().fold(RecordChange::new(), set);
            let change = change.ttl(ttl(name)).marks(true, &marks_of(name));
            // The zone of the server is made in the same apply, and its address may come later.
            let change = if name.sets.contains_key(&NS) { change.force() } else { change };
            IpaCall::record_add(zone.as_str(), relative, &change)
        }
        (Some(held), Some(name)) => {
            let marks = [held.other_marks(), marks_of(name).to_vec()].concat();
            let change = replaced(held, name).marks(false, &marks);
            IpaCall::record_mod(zone.as_str(), relative, &change)
        }
        // The zone's own name stays, with the server's records.
        (Some(held), None) if owner == zone => {
            let kinds = held.sets.values().map(Set::kind);
            let change = kinds.fold(RecordChange::new(), |change, kind| change.set(kind, [""; 0])).no_ttl();
            let others = held.other_marks();
            let change =
                if others.is_empty() { change.unmark(&held.marks) } else { change.marks(false, &others) };
            IpaCall::record_mod(zone.as_str(), relative, &change)
        }
        (_, None) => IpaCall::record_del(zone.as_str(), relative),
    }
}

/// What differs between a name and the wanted one.
fn replaced(held: &Held, name: &Name) -> RecordChange {
    let mut change = RecordChange::new();
    let unwanted = held.sets.iter().filter(|(kind, _)| !name.sets.contains_key(*kind));
    for (_, there) in unwanted.filter(|(kind, _)| !is_of_hosts(**kind, &name.sets)) {
        change = change.set(there.kind(), [""; 0]);
    }
    for (kind, wanted) in &name.sets {
        let there = held.sets.get(kind);
        if there.is_none_or(|there| !there.has_same_data(wanted)) {
            change = set(change, wanted);
        }
    }
    let ttl = ttl(name);
    if held.sets.values().any(|set| set.ttl != ttl) || held.sets.is_empty() {
        change.ttl(ttl)
    } else {
        change
    }
}

fn set(change: RecordChange, set: &Set) -> RecordChange {
    change.set(set.kind(), set.texts())
}

/// The one time to live of a name: the check lets it have no two.
fn ttl(name: &Name) -> u32 {
    name.sets.values().map(|set| set.ttl).min().unwrap_or_default()
}
