//! Fits the wanted objects to the existing ones: a machine stays on its present root and boot volumes, unless
//! it is to be replaced.
//!
//! A guest reads its image and boot configuration on the first boot only, and the names of root and boot
//! volumes tell from which ones they were made. A machine with older volumes is *outdated*: it keeps them,
//! and a note reports it. A replacement never takes a root that a guest may have booted from: if the name is
//! the same, it takes its [`twin`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::graph::{
    self, About, Address, Choices, DeleteData, Edge, Lookup, Note, NoteKind, Seen, Settled, State, Wanted,
};
use fmc_core::nearest::nearest;
use fmc_core::unit::Size;

use super::object::{DomainObject, Object, Owner, VolumeObject};
use crate::document::{Document, DomainDocument, kind};
use crate::mark::Mark;
use crate::volume::{Ours, VolumeName};
use crate::xml::outline::{Node, Outline};

type Nodes = BTreeMap<Address, graph::Node<Document>>;

pub(super) fn settle<'a>(
    wanted: &'a Wanted<Document>,
    seen: &Seen<Object>,
    choices: &Choices,
) -> Settled<'a, Document> {
    let mut settling = Settling {
        seen,
        wanted: Lookup::of(&wanted.nodes),
        states: Lookup::of(&seen.objects),
        nodes: Cow::Borrowed(&wanted.nodes),
        anew: BTreeMap::new(),
        added: BTreeMap::new(),
        notes: Vec::new(),
        dropped: Vec::new(),
    };
    let mut machines: BTreeSet<&str> = BTreeSet::new();
    for (address, node) in &wanted.nodes {
        if let Document::Domain(domain) = &*node.document {
            machines.insert(&domain.name);
            settling.machine(address, node, domain, choices.replace.contains(&*domain.name));
        }
    }
    settling.drop_unused_bases();
    settling.uploads();
    settling.unknown_replacements(&machines, choices);
    settling.unknown_data(choices);
    let Settling { nodes, anew, added, notes, .. } = settling;
    Settled { nodes, anew, added, notes }
}

struct Settling<'a, 'w> {
    seen: &'a Seen<Object>,
    /// The objects as they are wanted.
    wanted: Lookup<'w, graph::Node<Document>>,
    /// The existing objects.
    states: Lookup<'a, State<Object>>,
    /// The wanted objects as far as they are settled.
    nodes: Cow<'w, Nodes>,
    anew: BTreeMap<Address, String>,
    added: BTreeMap<Address, String>,
    notes: Vec<Note>,
    /// Roots that are no longer wanted because their machine stays on its present one.
    dropped: Vec<graph::Node<Document>>,
}

/// The root or boot volume of a domain.
struct Has {
    name: String,
    hash: String,
}

impl<'a> Settling<'a, '_> {
    fn machine(
        &mut self,
        address: &Address,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        replace: bool,
    ) {
        let about = || About::machine(&*wanted.name);
        let seen = match self.states.get(address) {
            None => return self.returns(address, wanted),
            Some(State::Present { object, .. }) => object,
            // Unknown: the planner defers it.
            Some(_) => return,
        };
        // Not ours: the planner refuses it.
        let Object::Domain(seen) = &**seen else { return };
        if seen.owner != Owner::Us {
            return;
        }
        self.empty_disks(node, seen);
        let Some((pool, root)) = &wanted.root else {
            if replace {
                self.anew.insert(address.clone(), "asked for by --replace".to_owned());
            }
            return;
        };
        if !self.is_read(address, pool) {
            return;
        }
        let has_root = has(seen, |ours| match ours {
            Ours::Root { machine, hash } if *machine == *wanted.name => Some(hash),
            _ => None,
        });
        let wanted_hash = hash_of(root);
        let has_root = match has_root {
            Some(has) if replace => {
                let reason = "asked for by --replace";
                let hash = if has.hash == wanted_hash { twin(&wanted_hash) } else { wanted_hash };
                return self.replaced(address, node, wanted, &hash, reason);
            }
            Some(has) if self.volume(address, pool, &has.name).is_none() => {
                return self.replaced(address, node, wanted, &wanted_hash, "its root volume is gone");
            }
            Some(has) => has,
            None => {
                return self.replaced(address, node, wanted, &wanted_hash, "it has no root volume of ours");
            }
        };
        if has_root.hash == wanted_hash {
            return;
        }
        if has_root.hash == twin(&wanted_hash) {
            self.pin(address, node, wanted, &Pinned { root: &has_root.name, boot: None, mark: None });
            return;
        }
        let (image, config) = older(wanted, seen);
        let what = match (image, config) {
            (true, true) => "an older image and an older boot configuration",
            (true, false) => "an older image",
            _ => "an older boot configuration",
        };
        let name = &wanted.name;
        let mut text = format!("boots with {what} (--replace {name} replaces it; its data disks stay)");
        let has_boot = has(seen, |ours| match ours {
            Ours::Boot { machine, hash } if *machine == *wanted.name => Some(hash),
            _ => None,
        });
        let alike = match (&has_boot, &wanted.boot) {
            (None, None) => true,
            (Some(has), Some((_, boot))) => {
                // Whether it is used as a disk, and not in the firmware's configuration.
                names_disk(&seen.record.xml, &has.name) == names_disk(&wanted.xml, boot)
            }
            _ => false,
        };
        if alike {
            if let Some(boot) =
                has_boot.as_ref().filter(|boot| self.volume(address, pool, &boot.name).is_none())
            {
                text.push_str(&format!("; its boot volume {} is gone, so it cannot start again", boot.name));
            }
            let boot = has_boot.as_ref().map(|boot| boot.name.as_str());
            self.pin(address, node, wanted, &Pinned { root: &has_root.name, boot, mark: seen.mark.as_ref() });
        } else {
            text.push_str(
                "; it gets its boot configuration in another way than the cloud wants now, so all other changes wait too",
            );
            self.leave(address, node, wanted, seen, &[Some(&has_root), has_boot.as_ref()]);
        }
        self.notes.push(Note { about: about(), kind: NoteKind::Outdated, text });
    }

    /// A machine whose domain does not exist. A root with its name may already have been booted from, so it
    /// is replaced.
    fn returns(&mut self, address: &Address, wanted: &DomainDocument) {
        let Some((pool, root)) = &wanted.root else { return };
        if let Some(volume) = self.volume(address, pool, root) {
            if let Some(naming) = volume.named_by.first() {
                let text = format!(
                    "its root {root} already exists, and the domain {} uses it: remove that domain, or give the machine another name",
                    naming.domain
                );
                self.notes.push(Note { about: About::machine(&*wanted.name), kind: NoteKind::Refused, text });
            } else {
                let at = volume_address(address, pool, root);
                self.anew
                    .insert(at, "its machine is not there, and a guest may have booted from it".to_owned());
            }
        }
    }

    /// Gives a machine a new root, with this hash in its name.
    fn replaced(
        &mut self,
        address: &Address,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        hash: &str,
        reason: &str,
    ) {
        let Some((pool, root)) = &wanted.root else { return };
        let name = Ours::Root { machine: wanted.name.to_string(), hash: hash.to_owned() }.to_string();
        if name != **root {
            self.pin(address, node, wanted, &Pinned { root: &name, boot: None, mark: None });
        }
        if self.volume(address, pool, &name).is_some() {
            let at = volume_address(address, pool, &name);
            self.anew.insert(at, "left over from an earlier replacement".to_owned());
        }
        let stays = self.data(node);
        let reason = if stays.is_empty() { reason.to_owned() } else { format!("{reason}; {stays} stays") };
        self.anew.insert(address.clone(), reason);
    }

    /// The data disks that an existing machine gets. They begin empty, whatever an earlier disk of the name held.
    fn empty_disks(&mut self, node: &graph::Node<Document>, seen: &DomainObject) {
        for Edge { to, .. } in &node.needs {
            let volume = self.wanted.get(to).map(|node| &*node.document);
            let is_disk = matches!(volume, Some(Document::Volume(volume)) if volume.name.contains(".disk."));
            if !is_disk || self.states.get(to).is_some() {
                continue;
            }
            let had_it = seen.needs.iter().any(|edge| edge.to == *to);
            let reason = if had_it { "begins empty: its volume is gone" } else { "begins empty" };
            self.added.insert(to.clone(), reason.to_owned());
        }
    }

    /// The data disks of a machine, with their sizes.
    fn data(&self, node: &graph::Node<Document>) -> String {
        let disks = node.needs.iter().filter_map(|edge| match self.object(&edge.to)? {
            Object::Volume(VolumeObject { name, capacity, ours: Ours::Disk { .. }, .. }) => {
                let size = capacity.map(|bytes| format!(" ({})", Size::bytes(bytes))).unwrap_or_default();
                Some(format!("{name}{size}"))
            }
            _ => None,
        });
        disks.collect::<Vec<_>>().join(", ")
    }

    /// Makes a domain use other root and boot volumes than those in its document, and wants these instead.
    fn pin(
        &mut self,
        address: &Address,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        pinned: &Pinned<'_>,
    ) {
        let mut node = node.clone();
        let same_content = pinned.mark.is_none();
        if let Some((pool, root)) = &wanted.root {
            self.rename(address, &mut node, pool, (root, pinned.root), same_content);
        }
        if let (Some((pool, boot)), Some(pinned)) = (&wanted.boot, pinned.boot) {
            self.rename(address, &mut node, pool, (boot, pinned), same_content);
        }
        let own_mark;
        let mark = match pinned.mark {
            Some(mark) => mark,
            None => {
                own_mark = mark_of(wanted);
                &own_mark
            }
        };
        let boot = pinned.boot.or(wanted.boot.as_ref().map(|(_, name)| &**name));
        let domain = wanted.keeping(Some(pinned.root), boot, mark);
        node.document = Arc::new(Document::Domain(Box::new(domain)));
        self.nodes.to_mut().insert(address.clone(), node);
    }

    /// Wants a volume under another name. The document does not record what a volume with different content
    /// was made from.
    fn rename(
        &mut self,
        at: &Address,
        node: &mut graph::Node<Document>,
        pool: &str,
        (from, to): (&str, &str),
        same_content: bool,
    ) {
        if from == to {
            return;
        }
        let (from_address, to_address) = (volume_address(at, pool, from), volume_address(at, pool, to));
        for edge in node.needs.iter_mut().filter(|edge| edge.to == from_address) {
            edge.to = to_address.clone();
        }
        let Some(volume) = self.nodes.to_mut().remove(&from_address) else { return };
        let is_there = self.seen.objects.contains_key(&to_address);
        if let Document::Volume(document) = &*volume.document {
            let document = document.renamed(to);
            let from_here = |edge: &&Edge| same_content || edge.to.kind() == kind::POOL;
            let needs = volume.needs.iter().filter(from_here).cloned().collect();
            let document = Arc::new(Document::Volume(document));
            if is_there || same_content {
                self.nodes
                    .to_mut()
                    .insert(to_address, graph::Node { document, needs, part_of: volume.part_of.clone() });
            } else {
                // An older boot configuration cannot be made again.
                node.needs.retain(|edge| edge.to != to_address);
            }
        }
        self.dropped.push(volume);
    }

    /// Leaves a domain unchanged.
    fn leave(
        &mut self,
        address: &Address,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        seen: &DomainObject,
        has: &[Option<&Has>; 2],
    ) {
        let mut node = node.clone();
        let pinned = [(&wanted.root, has.first()), (&wanted.boot, has.get(1))];
        for (place, has) in pinned {
            let Some((pool, name)) = place else { continue };
            match has.copied().flatten() {
                Some(has) => self.rename(address, &mut node, pool, (name, &has.name), false),
                None => {
                    let unused = volume_address(address, pool, name);
                    node.needs.retain(|edge| edge.to != unused);
                    self.dropped.extend(self.nodes.to_mut().remove(&unused));
                }
            }
        }
        let domain = DomainDocument { xml: seen.record.xml.as_str().into(), ..wanted.clone() };
        node.document = Arc::new(Document::Domain(Box::new(domain)));
        self.nodes.to_mut().insert(address.clone(), node);
    }

    /// A base image that only dropped roots needed is not sent. An existing one stays.
    fn drop_unused_bases(&mut self) {
        let mut bases: BTreeSet<Address> =
            self.dropped.iter().flat_map(|root| &root.needs).map(|edge| edge.to.clone()).collect();
        bases.retain(|base| {
            base.kind() == kind::VOLUME
                && self.nodes.contains_key(base)
                && !self.seen.objects.contains_key(base)
        });
        if bases.is_empty() {
            return;
        }
        for edge in self.nodes.values().flat_map(|node| &node.needs) {
            bases.remove(&edge.to);
        }
        self.nodes.to_mut().retain(|address, _| !bases.contains(address));
    }

    /// An interrupted upload is sent again, as long as no object uses the volume.
    fn uploads(&mut self) {
        for (address, node) in self.nodes.iter() {
            if !matches!(&*node.document, Document::Volume(_)) {
                continue;
            }
            match self.present(address) {
                Some(volume) if !volume.whole => match reliant(volume) {
                    Some(who) => {
                        let text = format!(
                            "the upload of {} was cut, and {who} uses it: remove that user, or delete the volume by hand",
                            volume.name
                        );
                        self.notes.push(Note {
                            about: About::Object(address.clone()),
                            kind: NoteKind::Refused,
                            text,
                        });
                    }
                    None => {
                        self.anew.insert(address.clone(), "its upload was cut".to_owned());
                    }
                },
                _ => {}
            }
        }
    }

    fn unknown_replacements(&mut self, machines: &BTreeSet<&str>, choices: &Choices) {
        for name in choices.replace.iter().filter(|name| !machines.contains(name.as_str())) {
            let hint = match nearest(name, machines.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None if machines.is_empty() => "no machine is wanted".to_owned(),
                None => {
                    let known: Vec<&str> = machines.iter().copied().take(10).collect();
                    let more = if machines.len() > known.len() { ", …" } else { "" };
                    format!("there are {}{more}", known.join(", "))
                }
            };
            let text = format!("--replace {name}: there is no such machine; {hint}");
            self.notes.push(Note { about: About::machine(name.as_str()), kind: NoteKind::Refused, text });
        }
    }

    /// Whether the content of a pool is known.
    fn is_read(&self, at: &Address, pool: &str) -> bool {
        let address = at.beside(kind::POOL, pool);
        matches!(
            self.object(&address),
            Some(Object::Pool(pool)) if pool.record.active && pool.owner == Owner::Us
        )
    }

    /// Reports data that was released for deletion but does not exist or is still wanted.
    fn unknown_data(&mut self, choices: &Choices) {
        let DeleteData::Of(names) = &choices.delete_data else { return };
        let data = self.seen.present().filter_map(|(address, object)| match object {
            Object::Volume(volume) if !self.nodes.contains_key(address) => {
                matches!(volume.ours, Ours::Disk { .. }).then(|| volume.ours.machine()).flatten()
            }
            _ => None,
        });
        let known: BTreeSet<&str> = data.collect();
        for name in names.iter().filter(|name| !known.contains(name.as_str())) {
            let text = format!("--delete-data {name}: it has no unwanted data disk");
            self.notes.push(Note { about: About::machine(name.as_str()), kind: NoteKind::Notice, text });
        }
    }

    fn volume(&self, at: &Address, pool: &str, name: &str) -> Option<&'a VolumeObject> {
        self.present(&volume_address(at, pool, name))
    }

    fn present(&self, address: &Address) -> Option<&'a VolumeObject> {
        match self.object(address) {
            Some(Object::Volume(volume)) => Some(volume),
            _ => None,
        }
    }

    fn object(&self, address: &Address) -> Option<&'a Object> {
        match self.states.get(address)? {
            State::Present { object, .. } => Some(object),
            _ => None,
        }
    }
}

/// The volumes that a domain is pinned to.
struct Pinned<'a> {
    root: &'a str,
    boot: Option<&'a str>,
    /// The mark that records their image and configuration.
    mark: Option<&'a Mark>,
}

/// Another name for a root of the same content: each digit's complement, so that the twin of a twin is the
/// original.
pub(super) fn twin(hash: &str) -> String {
    hash.chars()
        .map(|digit| digit.to_digit(16).and_then(|value| char::from_digit(15 - value, 16)).unwrap_or(digit))
        .collect()
}

fn hash_of(root: &str) -> String {
    match VolumeName::parse(root).map(|name| name.ours) {
        Some(Ours::Root { hash, .. }) => hash,
        _ => String::new(),
    }
}

/// The volume of a kind in a domain.
fn has(seen: &DomainObject, is: impl Fn(&Ours) -> Option<&String>) -> Option<Has> {
    seen.files.iter().find_map(|file| {
        let (_, name) = file.rsplit_once('/')?;
        let parsed = VolumeName::parse(name).filter(|parsed| !parsed.is_commit)?;
        let hash = is(&parsed.ours)?.clone();
        Some(Has { name: name.to_owned(), hash })
    })
}

/// Whether a document uses a volume as the source of a disk.
fn names_disk(xml: &str, name: &str) -> bool {
    let ends = |file: &str| file.strip_suffix(name).is_some_and(|folder| folder.ends_with('/'));
    let Some(outline) = Outline::read(xml) else { return false };
    let devices = outline.root().at("devices");
    devices
        .into_iter()
        .flat_map(Node::children)
        .filter_map(|device| device.at("source"))
        .any(|source| source.attribute("file").is_some_and(ends))
}

/// Whether the image and the boot configuration differ from those in the domain's mark.
fn older(wanted: &DomainDocument, seen: &DomainObject) -> (bool, bool) {
    let mark = seen.mark.as_ref();
    let image =
        mark.and_then(|mark| mark.image.as_deref()).is_some_and(|image| *image != *wanted.image_digest);
    let config = mark.and_then(|mark| mark.config.as_deref()).unwrap_or_default() != &*wanted.config_digest;
    (image, config)
}

/// The mark of a domain that is made from the wanted document.
fn mark_of(wanted: &DomainDocument) -> Mark {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Mark {
        owner: String::new(),
        address: String::new(),
        fingerprint: String::new(),
        image: some(&wanted.image_digest),
        config: some(&wanted.config_digest),
        shutdown: None,
        memberships: Vec::new(),
    }
}

/// An object that uses a volume whose upload was interrupted.
fn reliant(volume: &VolumeObject) -> Option<String> {
    let domain = volume.named_by.first().map(|naming| format!("the domain {}", naming.domain));
    domain.or_else(|| volume.used_by.first().map(|user| format!("the volume {user}")))
}

fn volume_address(at: &Address, pool: &str, name: &str) -> Address {
    at.beside(kind::VOLUME, format!("{pool}/{name}"))
}
