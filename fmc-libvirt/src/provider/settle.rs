//! Fits the wanted objects to the existing ones: a machine stays on its present root and boot volumes, unless
//! it is to be replaced.
//!
//! A guest reads its image and boot configuration on the first boot only, and the names of root and boot
//! volumes tell from which ones they were made. A machine with older volumes is *outdated*: it keeps them,
//! and a note reports it. A replacement never takes a root that a guest may have booted from: if the name is
//! the same, it takes its [`twin`].

mod birth;
mod crowded;
mod disks;
mod grown;
mod images;
mod kept;
mod kept_size;
mod lost;
mod members;
mod misnamed;
mod moved;
mod names;
mod pinned;
mod renamed;
mod returns;
pub(super) mod shrunk;
mod subnets;
mod swapped;
mod twice;
mod unknown;
mod unproven;
mod volumes;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::{
    self, About, Address, Choices, Edge, Lookup, Note, NoteKind, Seen, Settled, State, Wanted,
};
use fmc_core::machine::Power;
use fmc_core::unit::Size;

use self::disks::{format_of, names_disk};
pub(super) use self::images::root_of;
use self::pinned::Pinned;
pub(super) use self::volumes::twin;
use self::volumes::{hash_of, is_equal, volumes_of};
use super::guard::{self, StrangeDisk};
use super::object::{DomainObject, Object, Owner, VolumeObject};
use crate::document::{Document, DomainDocument, kind};
use crate::link::Suspended;
use crate::volume::Ours;

type Nodes = BTreeMap<Address, graph::Node<Document>>;

pub(super) fn settle<'a>(
    wanted: &'a Wanted<Document>,
    seen: &Seen<Object>,
    choices: &Choices,
) -> Settled<'a, Document> {
    let mut settling = Settling {
        seen,
        states: Lookup::of(&seen.objects),
        nodes: Cow::Borrowed(&wanted.nodes),
        anew: BTreeMap::new(),
        added: BTreeMap::new(),
        moved: BTreeMap::new(),
        renamed: BTreeMap::new(),
        notes: Vec::new(),
        dropped: Vec::new(),
        given_up: BTreeSet::new(),
        bereft: BTreeSet::new(),
        left: BTreeSet::new(),
    };
    let mut machines: BTreeSet<&str> = BTreeSet::new();
    for (address, node) in &wanted.nodes {
        if let Document::Domain(domain) = &*node.document {
            machines.insert(&domain.name);
            let asked = Asked {
                replace: choices.replace.contains(&*domain.name),
                delete_data: choices.delete_data.covers(&domain.name),
            };
            settling.machine(address, node, domain, &asked);
        }
    }
    settling.names();
    settling.grown();
    settling.shrunk();
    settling.members(wanted, choices);
    settling.movements(wanted, choices);
    settling.misnamed(wanted);
    settling.renamed();
    settling.grown_by_a_start();
    settling.one_hypervisor();
    settling.crowded();
    settling.known_pools();
    settling.unmounted();
    settling.images(wanted);
    settling.subnets(wanted);
    settling.records_in_the_way();
    settling.drop_unused_bases();
    settling.uploads();
    settling.sizes();
    settling.unknown_replacements(&machines, choices);
    settling.unknown_data(choices);
    let Settling { nodes, anew, added, moved, renamed, notes, .. } = settling;
    Settled { nodes, anew, added, moved, renamed, notes }
}

struct Settling<'a, 'w> {
    seen: &'a Seen<Object>,
    /// The existing objects.
    states: Lookup<'a, State<Object>>,
    /// The wanted objects as far as they are settled.
    nodes: Cow<'w, Nodes>,
    anew: BTreeMap<Address, String>,
    added: BTreeMap<Address, String>,
    /// The objects of a moved machine on its earlier host, each with the machine's domain on the new host.
    moved: BTreeMap<Address, Address>,
    /// Networks that are called otherwise now, each with the one in its place.
    renamed: BTreeMap<Address, Address>,
    notes: Vec<Note>,
    /// Roots that are no longer wanted because their machine stays on its present one.
    dropped: Vec<graph::Node<Document>>,
    /// The pools in which files of refused machines are gone.
    bereft: BTreeSet<Address>,
    /// Machines whose lost or kept data a person gave up.
    given_up: BTreeSet<String>,
    /// Domains that stay as they are, with the networks that they have.
    left: BTreeSet<Address>,
}

/// The options that name a machine.
struct Asked {
    replace: bool,
    delete_data: bool,
}

impl<'a> Settling<'a, '_> {
    fn machine(
        &mut self,
        address: &Address,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        asked: &Asked,
    ) {
        let about = || About::machine(&*wanted.name);
        let replace = asked.replace;
        let seen = match self.states.get(address) {
            None => return self.returns(address, node, wanted, asked),
            Some(State::Present { object, .. }) => object,
            // Unknown: the planner defers it.
            Some(_) => return,
        };
        // Not ours: the planner refuses it.
        let Object::Domain(seen) = &**seen else { return };
        if seen.owner != Owner::Us || !seen.is_machine(wanted) {
            return;
        }
        let [has_root, has_boot] = volumes_of(wanted, seen);
        let is_overlay = |disk: &StrangeDisk| self.is_overlay(node, wanted, seen, disk);
        let stands_against = guard::held(wanted, seen, is_overlay)
            .or_else(|| (replace && is_saved(seen)).then(|| guard::saved_words(&wanted.on_host)));
        if let Some(text) = stands_against {
            // Only a person's own wish is refused; without one the machine waits, and others go on.
            let kind = if replace { NoteKind::Refused } else { NoteKind::Left };
            self.notes.push(Note { about: about(), kind, text });
            let still = still(wanted, seen);
            return self.leave(address, node, &still, seen, &[has_root.as_ref(), has_boot.as_ref()]);
        }
        if let Some(text) = self.lost(address, node, wanted, seen, has_root.as_ref(), asked) {
            self.notes.push(Note { about: about(), kind: NoteKind::Refused, text });
            let still = still(wanted, seen);
            return self.leave(address, node, &still, seen, &[has_root.as_ref(), has_boot.as_ref()]);
        }
        if let Some(text) = self.unproven_disk(node) {
            self.notes.push(Note { about: about(), kind: NoteKind::Refused, text });
            let still = still(wanted, seen);
            return self.leave(address, node, &still, seen, &[has_root.as_ref(), has_boot.as_ref()]);
        }
        if let Some(text) = self.unrecordable(node, seen) {
            self.notes.push(Note { about: about(), kind: NoteKind::Left, text });
            let still = still(wanted, seen);
            return self.leave(address, node, &still, seen, &[has_root.as_ref(), has_boot.as_ref()]);
        }
        self.disks_again(node, wanted, seen);
        self.empty_disks(node);
        self.gone_boot(node, seen);
        if let Some(text) = self.swapped_disks(node, wanted, seen, asked) {
            self.notes.push(Note { about: about(), kind: NoteKind::Left, text });
            let still = still(wanted, seen);
            return self.leave(address, node, &still, seen, &[has_root.as_ref(), has_boot.as_ref()]);
        }
        let Some((pool, root)) = &wanted.root else {
            if replace {
                self.anew.insert(address.clone(), "asked for by --replace".to_owned());
            }
            return;
        };
        if !self.is_read(address, pool) {
            return;
        }
        let wanted_hash = hash_of(root);
        let has_root = match has_root {
            _ if replace => {
                if let Some(text) = self.unmountable(node, Some(seen)) {
                    return self.refuse(&wanted.name, text);
                }
                let has_it = has_root.is_some_and(|has| has.hash == wanted_hash);
                let hash = if has_it { twin(&wanted_hash) } else { wanted_hash };
                let snapshots = seen.snapshots();
                let with = if snapshots.is_empty() {
                    String::new()
                } else {
                    format!("; its snapshots go too: {snapshots}")
                };
                let what = if has_it {
                    String::new()
                } else {
                    let (image, config) = older(wanted, seen);
                    let differs = birth::outdated(wanted, seen, image, config);
                    if differs.is_empty() { differs } else { format!(": {differs}") }
                };
                let reason = format!("asked for by --replace{what}{with}");
                return self.replaced(address, node, wanted, &hash, (Some(seen), &reason));
            }
            Some(has) => has,
            // Without `--replace` it is refused above.
            None => return,
        };
        if [wanted_hash.clone(), twin(&wanted_hash)].contains(&has_root.hash) {
            if has_root.hash != wanted_hash {
                let pinned = Pinned { root: &has_root.name, boot: None, mark: None, format: None };
                self.pin(address, node, wanted, &pinned);
            }
            self.keep_born(address, seen);
            self.as_wanted(node);
            let faces = self.faces(address, wanted, seen);
            return self.keep_faces(address, seen, &faces);
        }
        // If only history differs, it is as good as one with the wanted configuration.
        let is_equal = is_equal(wanted, &has_root.hash);
        let unmountable = self.unmountable(node, Some(seen));
        self.as_born(node, seen);
        let (image, config) = older(wanted, seen);
        let what = birth::outdated(wanted, seen, image, config);
        let name = &wanted.name;
        let faces = self.faces(address, wanted, seen);
        if let Some(text) = &faces.lost {
            self.notes.push(Note { about: about(), kind: NoteKind::Left, text: text.clone() });
            let still = still(wanted, seen);
            return self.leave(address, node, &still, seen, &[Some(&has_root), has_boot.as_ref()]);
        }
        let mut text = format!("{what} (--replace {name} replaces it; its data disks stay){}", faces.words());
        let mut is_outdated = !is_equal;
        if let Some(why) = unmountable {
            text.push_str(&format!("; but {why}"));
        }
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
                is_outdated = true;
                text.push_str(&format!("; its boot volume {} is gone, so it cannot start again", boot.name));
            }
            let boot = has_boot.as_ref().map(|boot| boot.name.as_str());
            let format = format_of(&seen.record.xml, &has_root.name);
            let pinned = Pinned { root: &has_root.name, boot, mark: seen.mark.as_ref(), format };
            self.pin(address, node, wanted, &pinned);
            self.keep_faces(address, seen, &faces);
        } else {
            is_outdated = true;
            text.push_str(
                "; it gets its boot configuration in another way than the cloud wants now, so all other changes wait too",
            );
            self.leave(address, node, wanted, seen, &[Some(&has_root), has_boot.as_ref()]);
        }
        if is_outdated {
            self.notes.push(Note { about: about(), kind: NoteKind::Outdated, text });
        }
    }

    /// Whether a wanted volume is a data disk.
    fn is_disk(&self, at: &Address) -> bool {
        let volume = self.nodes.get(at).map(|node| &*node.document);
        matches!(volume, Some(Document::Volume(volume)) if volume.name.contains(".disk."))
    }

    /// The name that a wanted data disk had before.
    fn former_disk(&self, at: &Address) -> Option<String> {
        let Document::Volume(volume) = &*self.nodes.get(at)?.document else { return None };
        let now = &volume.data.as_ref()?.name;
        let (_, disk) = volume.name.rsplit_once(".disk.")?;
        (disk != &**now).then(|| disk.to_owned())
    }

    fn refuse(&mut self, machine: &str, text: String) {
        self.notes.push(Note { about: About::machine(machine), kind: NoteKind::Refused, text });
    }

    /// Gives a machine a new root, with this hash in its name.
    fn replaced(
        &mut self,
        address: &Address,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        hash: &str,
        (seen, reason): (Option<&DomainObject>, &str),
    ) {
        let Some((pool, root)) = &wanted.root else { return };
        let name = Ours::Root { machine: wanted.first.to_string(), hash: hash.to_owned() }.to_string();
        let there = self.volume(address, pool, &name);
        if let Some(text) = there.and_then(guard::stood_on) {
            return self.refuse(&wanted.name, text);
        }
        if name != **root {
            self.pin(address, node, wanted, &Pinned { root: &name, boot: None, mark: None, format: None });
        }
        if there.is_some() {
            let at = volume_address(address, pool, &name);
            self.anew.insert(at, "left over from an earlier replacement".to_owned());
        }
        let stays = self.data(node);
        let mut reason =
            if stays.is_empty() { reason.to_owned() } else { format!("{reason}; it keeps {stays}") };
        for moved in self.moved_mounts(node, seen) {
            reason.push_str(&format!("; {moved}"));
        }
        self.anew.insert(address.clone(), reason);
    }

    /// The data disks that an existing machine gets. They begin empty, whatever an earlier disk of the name held.
    fn empty_disks(&mut self, node: &graph::Node<Document>) {
        for Edge { to, .. } in &node.needs {
            // A disk that it had is lost, and somebody gave its data up.
            if self.states.get(to).is_none() && self.is_disk(to) {
                let begins = match self.former_disk(to) {
                    Some(former) => {
                        format!(
                            "begins empty: formerly {former}, and no data disk of the machine was called so"
                        )
                    }
                    None => "begins empty".to_owned(),
                };
                self.added.entry(to.clone()).or_insert(begins);
            }
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

    /// An interrupted upload is sent again, as long as no object uses the volume.
    fn uploads(&mut self) {
        for (address, node) in self.nodes.iter() {
            if !matches!(&*node.document, Document::Volume(_)) {
                continue;
            }
            match self.present(address) {
                // It was made from a volume that had arrived, as every step is made after those that it needs.
                Some(volume) if volume.lacks_its_commit() => {}
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
                        let reason = match &volume.applied_by {
                            Some(who) => format!("another apply ({who}) still sends it, or was cut"),
                            None => "its upload was cut".to_owned(),
                        };
                        self.anew.insert(address.clone(), reason);
                    }
                },
                _ => {}
            }
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

/// The wanted domain of a machine that is neither started nor stopped.
fn still(wanted: &DomainDocument, seen: &DomainObject) -> DomainDocument {
    DomainDocument { power: Power::Unmanaged, autostart: seen.record.autostart, ..wanted.clone() }
}

fn is_saved(seen: &DomainObject) -> bool {
    matches!(seen.record.suspended, Some(Suspended::Saved))
}

/// Whether the image and the boot configuration differ from those in the domain's mark.
fn older(wanted: &DomainDocument, seen: &DomainObject) -> (bool, bool) {
    let mark = seen.mark.as_ref();
    let image =
        mark.and_then(|mark| mark.image.as_deref()).is_some_and(|image| *image != *wanted.image_digest);
    let config = mark.and_then(|mark| mark.config.as_deref()).unwrap_or_default() != &*wanted.config_digest;
    (image, config)
}

/// An object that uses a volume whose upload was interrupted.
fn reliant(volume: &VolumeObject) -> Option<String> {
    let domain = volume.named_by.first().map(|naming| format!("the domain {}", naming.domain));
    domain.or_else(|| volume.used_by.first().map(|user| format!("the volume {user}")))
}

fn volume_address(at: &Address, pool: &str, name: &str) -> Address {
    at.beside(kind::VOLUME, format!("{pool}/{name}"))
}
