//! Manual changes since the last apply, as far as the objects themselves show them.
//!
//! A mark holds the fingerprint of the document from which its object was made. If the wanted document has
//! the same fingerprint, the cloud has not changed, and every difference is a manual change. Otherwise the
//! cloud has changed since; manual changes cannot be told apart then, and all differences are reported as
//! unclear.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fmc_core::graph::{Address, Change, Choices, Seen, Verdict, Wanted};
use fmc_core::provider::{Drift, DriftKind, Drifted, Moved};
use fmc_core::unit::Size;

use super::guard::StrangeDisk;
use super::model::{compare, part_of};
use super::object::{DomainObject, ImageObject, NetworkObject, Object, Owner, pool_identity};
use super::records::RECORD;
use super::settle::shrunk::{Shrunk, shrunk};
use super::settle::{root_of, settle};
use crate::document::{Document, kind};
use crate::drift::pending_boot;
use crate::link::Suspended;
use crate::mark::{Mark, is_stale};
use crate::volume::{Ours, own_pool};
use crate::xml::Outline;

/// Manual changes, found by comparing the wanted with the existing objects.
pub fn drift(wanted: &Wanted<Document>, seen: &Seen<Object>) -> Drift {
    let settled = settle(wanted, seen, &Choices::default());
    let mut looking = Looking { found: Drift::unknown_of(seen), covering: covering(seen) };
    for (address, object) in seen.present() {
        match settled.nodes.get(address) {
            Some(node) => looking.compare(address, &node.document, object),
            None => looking.extra(address, object),
        }
        if let Some(above) = covered(object) {
            looking.covered(address, object, above);
        }
    }
    looking.swapped(wanted, seen);
    looking.shrunk(wanted, seen);
    looking.missing(wanted, seen);
    let Looking { mut found, .. } = looking;
    found.drift.sort_by(|one, other| one.address.cmp(&other.address));
    found
}

/// The findings so far.
struct Looking {
    found: Drift,
    /// The disks that lie over volumes of ours: the volumes tell of them.
    covering: BTreeSet<String>,
}

impl Looking {
    fn compare(&mut self, address: &Address, document: &Document, object: &Object) {
        if let Some(moved) = without_mark(document, object) {
            return self.tell(address, object, DriftKind::Changed, vec![moved]);
        }
        let mut changes = match compare(document, object) {
            Verdict::Same => Vec::new(),
            Verdict::Differs(changes) => changes,
            // A pool in another folder; or an object that is not ours, which cannot have drifted.
            Verdict::Refused(_) | Verdict::Held(_) => return,
        };
        if changes.is_empty() {
            changes = running(document, object);
        }
        // A record follows the cloud: nobody but fmc has a use for it.
        changes.retain(|change| change.path != RECORD);
        let (known, unclear): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(|change| is_known(document, object, change));
        let mut moved: Vec<Moved> = known.into_iter().map(Moved::from).collect();
        if let Object::Domain(domain) = object {
            moved.extend(by_hand(domain, &self.covering));
        }
        if !moved.is_empty() {
            self.tell(address, object, DriftKind::Changed, moved);
        }
        if !unclear.is_empty() {
            let changes = unclear.into_iter().map(Moved::from).collect();
            let part_of = part_of(address, object).map(Arc::from);
            let kind = if is_edited(document, object) { DriftKind::Edited } else { DriftKind::Changed };
            let unclear = Drifted { address: address.clone(), part_of, kind, changes };
            self.found.unclear.push(unclear);
        }
    }

    /// A volume that lies under a disk which fmc did not make, as the root of a machine with a snapshot.
    fn covered(&mut self, address: &Address, object: &Object, above: &str) {
        let Object::Volume(volume) = object else { return };
        let (from, to) = (Some(above.to_owned()), Some(volume.path.clone()));
        let moved = Moved { path: "disk".to_owned(), from, to };
        self.tell(address, object, DriftKind::Changed, vec![moved]);
    }

    /// A machine whose root lies over an image that was replaced.
    fn swapped(&mut self, wanted: &Wanted<Document>, seen: &Seen<Object>) {
        for (address, node) in &wanted.nodes {
            let Document::Domain(domain) = &*node.document else { continue };
            let Some((_, image)) = root_of(wanted, address, domain) else { continue };
            let at = ImageObject::address(address.place(), image);
            let (Some(Object::Domain(there)), Some(Object::Image(image))) =
                (seen.object(address), seen.object(&at))
            else {
                continue;
            };
            if let Some(what) = image.swapped(there).filter(|_| there.owner == Owner::Us) {
                let object = Object::Domain(there.clone());
                let path = format!("image {}", image.image.path);
                let moved =
                    Moved { path, from: Some(what), to: Some("the file that its root lies over".to_owned()) };
                self.tell(address, &object, DriftKind::Changed, vec![moved]);
            }
        }
    }

    /// A data disk that somebody cut: fmc never makes one smaller.
    fn shrunk(&mut self, wanted: &Wanted<Document>, seen: &Seen<Object>) {
        for (_, object) in seen.present() {
            let Object::Domain(domain) = object else { continue };
            for edge in &domain.needs {
                let Some(Shrunk { volume, now, before }) = shrunk(seen, domain, &edge.to) else { continue };
                // A cloud that says the smaller size knows it.
                let is_told = matches!(
                    wanted.nodes.get(&edge.to).map(|node| &*node.document),
                    Some(Document::Volume(document)) if document.capacity > now
                );
                if is_told {
                    let [from, to] = [now, before].map(|bytes| Some(Size::bytes(bytes).to_string()));
                    let moved = Moved { path: "size, of which bytes are lost:".to_owned(), from, to };
                    self.found.unclear.retain(|drifted| drifted.address != edge.to);
                    self.tell(&edge.to, &Object::Volume(volume.clone()), DriftKind::Changed, vec![moved]);
                }
            }
        }
    }

    /// A copy of one of our objects: its mark has another address.
    fn extra(&mut self, address: &Address, object: &Object) {
        let (mark, owner) = match object {
            Object::Domain(domain) => (domain.mark.clone(), &domain.owner),
            Object::Network(network) => (Mark::read(&network.record.xml), &network.owner),
            Object::Pool(_) | Object::Volume(_) | Object::Image(_) => return,
        };
        if let Some(mark) = mark.filter(|_| *owner == Owner::Copied) {
            let copy = Moved { path: "copy of".to_owned(), from: Some(mark.address), to: None };
            self.tell(address, object, DriftKind::Extra, vec![copy]);
        }
    }

    /// Missing objects that an existing object shows to have existed: one that it needs, or a machine's root.
    fn missing(&mut self, wanted: &Wanted<Document>, seen: &Seen<Object>) {
        let mut missing: BTreeMap<Address, Option<Arc<str>>> = BTreeMap::new();
        // Without its pool libvirt does not know a file to be a volume, and a machine still names it.
        let pools = wanted.nodes.iter().filter_map(|(at, node)| match &*node.document {
            Document::Pool(pool) if !seen.objects.contains_key(at) => {
                Some((at, PathBuf::from(pool_identity(&pool.xml).1?)))
            }
            _ => None,
        });
        let pools: Vec<(&Address, PathBuf)> = pools.collect();
        for (address, object) in seen.present() {
            if matches!(object, Object::Domain(DomainObject { owner: Owner::Us, .. }) | Object::Volume(_)) {
                let of = |to: &Address| wanted.nodes.get(to).and_then(|node| node.part_of.clone());
                missing.extend(object.needs().iter().map(|edge| (edge.to.clone(), of(&edge.to))));
            }
            if let Object::Domain(domain @ DomainObject { owner: Owner::Us, .. }) = object {
                let lost = pools.iter().filter(|(at, folder)| {
                    let is_in = |file: &String| Path::new(file.as_str()).parent() == Some(folder);
                    at.place() == address.place() && domain.files.iter().any(is_in)
                });
                missing.extend(lost.map(|(at, _)| ((*at).clone(), None)));
            }
            if let Object::Volume(volume) = object
                && let (Ours::Root { .. }, Some(machine)) = (&volume.ours, &volume.machine)
            {
                let domain = address.beside(kind::DOMAIN, machine.as_str());
                if let Some(node) = wanted.nodes.get(&domain) {
                    missing.insert(domain, node.part_of.clone());
                }
            }
        }
        let is_ours =
            |address: &Address| wanted.nodes.contains_key(address) || is_our_volume(address, wanted);
        missing.retain(|address, _| !seen.objects.contains_key(address) && is_ours(address));
        for (address, part_of) in missing {
            match unfinished(&address, wanted, seen) {
                Some(apply) => {
                    let path = format!("an apply that has not ended, {apply}");
                    let changes = vec![Moved { path, from: None, to: None }];
                    self.found.unclear.push(Drifted { address, part_of, kind: DriftKind::NotMade, changes });
                }
                None => self.found.drift.push(Drifted {
                    address,
                    part_of,
                    kind: DriftKind::Missing,
                    changes: Vec::new(),
                }),
            }
        }
    }

    fn tell(&mut self, address: &Address, object: &Object, kind: DriftKind, changes: Vec<Moved>) {
        let part_of = part_of(address, object).map(Arc::from);
        self.found.drift.push(Drifted { address: address.clone(), part_of, kind, changes });
    }
}

/// The apply that holds the lease on a host, if it makes this machine: it makes the volumes of a machine before its domain.
fn unfinished<'a>(at: &Address, wanted: &Wanted<Document>, seen: &'a Seen<Object>) -> Option<&'a str> {
    if at.kind() != kind::DOMAIN {
        return None;
    }
    match seen.object(&at.beside(kind::POOL, own_pool(&wanted.owner)))? {
        Object::Pool(pool) => pool.applied_by.as_deref(),
        _ => None,
    }
}

/// The disk that lies over a volume of ours and hides it.
fn covered(object: &Object) -> Option<&String> {
    let Object::Volume(volume) = object else { return None };
    volume.under.as_ref().filter(|_| volume.named_by.is_empty())
}

fn covering(seen: &Seen<Object>) -> BTreeSet<String> {
    seen.present().filter_map(|(_, object)| covered(object)).cloned().collect()
}

/// The manual changes of a machine that its document does not show; fmc never makes them.
fn by_hand(domain: &DomainObject, covering: &BTreeSet<String>) -> Vec<Moved> {
    let mut moved = Vec::new();
    if domain.owner != Owner::Us {
        return moved;
    }
    let state = match &domain.record.suspended {
        Some(Suspended::Paused(why)) => Some(format!("paused ({why})")),
        Some(Suspended::Saved) => Some("saved to a file".to_owned()),
        None => None,
    };
    moved.extend(state.map(|state| Moved {
        path: "state".to_owned(),
        from: Some(state),
        to: Some("running".to_owned()),
    }));
    // One that may only look like a disk of somebody's is compared by its document.
    let is_told = |disk: &&StrangeDisk| disk.in_doubt || covering.contains(&disk.source);
    moved.extend(domain.strange.iter().filter(|disk| !is_told(disk)).map(|disk| Moved {
        path: format!("disk {}", disk.target),
        from: Some(disk.source.clone()),
        to: None,
    }));
    let snapshots = Some(domain.snapshots()).filter(|names| !names.is_empty());
    moved.extend(snapshots.map(|names| Moved { path: "snapshots".to_owned(), from: Some(names), to: None }));
    moved.extend(domain.copying.iter().map(|target| Moved {
        path: format!("disk {target}"),
        from: Some("a job that copies it".to_owned()),
        to: None,
    }));
    moved
}

/// Whether an unwanted volume, for example an older root, is ours by its name.
fn is_our_volume(address: &Address, wanted: &Wanted<Document>) -> bool {
    let Some((pool, name)) = address.name().split_once('/') else { return false };
    address.kind() == kind::VOLUME && super::object::volume_name(pool, name, &wanted.owner).is_some()
}

/// Whether a difference is a manual change, and not a change of the cloud.
fn is_known(document: &Document, object: &Object, change: &Change) -> bool {
    match (document, object) {
        (Document::Domain(wanted), Object::Domain(seen)) => is_made_from(&wanted.xml, &seen.record.xml),
        (Document::Network(wanted), Object::Network(seen)) => is_made_from(&wanted.xml, &seen.record.xml),
        (Document::Pool(_), Object::Pool(_)) => matches!(change.path.as_str(), "active" | "autostart"),
        // libvirt keeps no mark for a volume: either it was grown by hand, or the cloud now wants a smaller one.
        _ => false,
    }
}

/// Whether the cloud is known to have changed there since the last apply.
fn is_edited(document: &Document, object: &Object) -> bool {
    match (document, object) {
        (Document::Domain(wanted), Object::Domain(seen)) => !is_made_from(&wanted.xml, &seen.record.xml),
        (Document::Network(wanted), Object::Network(seen)) => !is_made_from(&wanted.xml, &seen.record.xml),
        // Nobody makes a volume smaller than it was.
        (Document::Volume(wanted), Object::Volume(seen)) => {
            seen.capacity.is_some_and(|has| has < wanted.capacity)
        }
        _ => false,
    }
}

/// Whether an object was made from a document, judged by its mark.
fn is_made_from(wanted: &str, seen: &str) -> bool {
    !is_stale(seen, wanted)
}

/// Manual changes of a running guest that are not in its definition.
fn running(document: &Document, object: &Object) -> Vec<Change> {
    match (document, object) {
        (Document::Domain(wanted), Object::Domain(seen)) => match &seen.record.live_xml {
            Some(live) if is_made_from(&wanted.xml, live) => pending_boot(wanted, &seen.record),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The mark was removed from an object that has our UUID.
fn without_mark(document: &Document, object: &Object) -> Option<Moved> {
    let seen = match object {
        Object::Domain(DomainObject { owner: Owner::Unmarked, record, .. }) => &record.xml,
        Object::Network(NetworkObject { owner: Owner::Unmarked, record, .. }) => &record.xml,
        _ => return None,
    };
    let uuid = |xml: &str| Outline::read(xml)?.root().at("uuid")?.text().map(str::to_owned);
    let ours: BTreeSet<Option<String>> = [uuid(document.xml()), uuid(seen)].into();
    let is_ours = ours.len() == 1 && !ours.contains(&None);
    is_ours.then(|| Moved { path: "metadata".to_owned(), from: None, to: Some("our mark".to_owned()) })
}
