//! A machine whose domain does not exist: it returns on the root that it has, or takes over kept data disks.

use std::sync::Arc;

use fmc_core::graph::{self, About, Address, Edge, Note, NoteKind};
use fmc_core::unit::Size;

use super::pinned::mark_of;
use super::{Asked, Pinned, Settling, hash_of, is_equal, twin, volume_address};
use crate::document::{Document, DomainDocument, kind};
use crate::mark::Mark;
use crate::provider::guard;
use crate::provider::object::{VolumeObject, is_blank};
use crate::provider::records;
use crate::volume::Ours;

impl<'a> Settling<'a, '_> {
    /// A machine whose domain does not exist. A root that is there is its own, from before somebody removed the
    /// definition or an apply was cut: the machine is defined on it again.
    pub(super) fn returns(
        &mut self,
        address: &Address,
        node: &graph::Node<Document>,
        wanted: &DomainDocument,
        asked: &Asked,
    ) {
        let Some((pool, root)) = &wanted.root else { return };
        let roots = self.roots(address, pool, &wanted.first);
        if let Some((volume, naming)) = roots.iter().find_map(|root| Some((root, root.named_by.first()?))) {
            let text = format!(
                "its root {} already exists, and the domain {} uses it: remove that domain, or give the machine another name",
                volume.name, naming.domain
            );
            return self.refuse(&wanted.name, text);
        }
        let disks = node.needs.iter().filter_map(|edge| self.present(&edge.to));
        let disks = disks.filter(|volume| matches!(&volume.ours, Ours::Disk { .. }));
        if let Some(text) = roots.iter().copied().chain(disks).find_map(guard::covered) {
            return self.refuse(&wanted.name, text);
        }
        // A root that never ran is from an apply that was cut, perhaps before it made the disks.
        if roots.iter().any(|root| !is_blank(root.allocation))
            && let Some(text) = self.lost_with_its_domain(node, wanted, asked)
        {
            return self.refuse(&wanted.name, text);
        }
        if let Some(text) = self.unproven_root(address, wanted).filter(|_| roots.is_empty() && !asked.replace)
        {
            return self.refuse(&wanted.name, text);
        }
        if asked.replace || roots.is_empty() {
            if self.volume(address, pool, root).is_some() {
                let at = volume_address(address, pool, root);
                self.anew.insert(at, "asked for by --replace".to_owned());
            }
            return self.takes_over(node, wanted, asked);
        }
        let [chosen] = roots.as_slice() else {
            let names: Vec<&str> = roots.iter().map(|root| root.name.as_str()).collect();
            let name = &wanted.name;
            let text = format!(
                "its domain is gone, and it has several roots ({}): only a person knows which one it ran on. Give the others other \
                 names (`mv` in the folder of the pool, then `virsh pool-refresh {pool}`), or `--replace {name}` makes a new one and \
                 deletes all of these",
                names.join(", ")
            );
            return self.refuse(name, text);
        };
        self.returns_unproven(node, &wanted.name);
        let wanted_hash = hash_of(root);
        let is_current = [twin(&wanted_hash), wanted_hash].contains(&hash_of(&chosen.name));
        self.added.insert(address.clone(), format!("on its root {}, which is there", chosen.name));
        let wanted = &DomainDocument { returns: true, ..wanted.clone() };
        let mut node = node.clone();
        node.document = Arc::new(Document::Domain(Box::new(wanted.clone())));
        self.nodes.to_mut().insert(address.clone(), node.clone());
        let node = &node;
        if !is_current {
            self.as_recorded(node);
            // Without its domain the image and the configuration that it was made from are not known.
            let boot =
                Ours::Boot { machine: wanted.first.to_string(), hash: hash_of(&chosen.name) }.to_string();
            let boot = wanted.boot.as_ref().and_then(|(pool, _)| self.volume(address, pool, &boot));
            let boot = boot.map(|boot| boot.name.as_str());
            let is_equal = is_equal(wanted, &hash_of(&chosen.name));
            // Its hash says that all else is as wanted: the image, the secrets, and what its roles say.
            let known = if is_equal { Mark { config: None, ..mark_of(wanted) } } else { Mark::default() };
            self.pin(
                address,
                node,
                wanted,
                &Pinned { root: &chosen.name, boot, mark: Some(&known), format: chosen.format.clone() },
            );
            if is_equal {
                return;
            }
            let name = &wanted.name;
            let text = format!(
                "returns on the root that it has, of another image or boot configuration (--replace {name} replaces it; its data disks stay)"
            );
            self.notes.push(Note { about: About::machine(&**name), kind: NoteKind::Outdated, text });
        } else if chosen.name != **root {
            self.pin(
                address,
                node,
                wanted,
                &Pinned { root: &chosen.name, boot: None, mark: None, format: None },
            );
        }
    }

    /// The kept data disks that a new machine takes over.
    fn takes_over(&mut self, node: &graph::Node<Document>, wanted: &DomainDocument, asked: &Asked) {
        if let Some(text) = self.unproven_disk(node) {
            return self.refuse(&wanted.name, text);
        }
        let mut taken = Vec::new();
        for Edge { to, .. } in &node.needs {
            let Some(volume) = self.present(to) else { continue };
            let Ours::Disk { disk, .. } = &volume.ours else { continue };
            if is_blank(volume.allocation) {
                continue;
            }
            if asked.delete_data {
                self.given_up.insert(wanted.name.to_string());
                let size = volume.capacity.map(|bytes| format!("{} of data, ", Size::bytes(bytes)));
                let reason = format!("{}given up by --delete-data", size.unwrap_or_default());
                self.anew.insert(to.clone(), reason);
            } else {
                let size = volume.capacity.map(|bytes| format!(" ({})", Size::bytes(bytes)));
                let known = records::about(volume, "").map(|about| format!(" with {about}"));
                taken.push(format!("{disk}{}{}", size.unwrap_or_default(), known.unwrap_or_default()));
            }
        }
        if !taken.is_empty() {
            let name = &wanted.name;
            if let Some(why) = self.unmountable(node, None) {
                let text = format!(
                    "it would take over a data disk of an earlier machine {name}: {why} (--delete-data {name} \
                                    begins with an empty one)"
                );
                return self.refuse(name, text);
            }
            if let Some(why) = self.stale(wanted) {
                let text = format!(
                    "it would take over the data disk {} of an earlier machine {name}: {why} (--delete-data {name} begins \
                     with an empty one)",
                    taken.join(", ")
                );
                return self.refuse(name, text);
            }
            let moved: String =
                self.moved_mounts(node, None).iter().map(|moved| format!("; {moved}")).collect();
            let (disks, begins) =
                if taken.len() > 1 { ("disks", "empty ones") } else { ("disk", "an empty one") };
            let text = format!(
                "takes over the data {disks} {} of an earlier machine {name}, with what is on it{moved} (--delete-data {name} \
                 begins with {begins})",
                taken.join(" and ")
            );
            self.notes.push(Note { about: About::machine(&**name), kind: NoteKind::Notice, text });
        }
    }

    /// The roots of a machine in a pool, in the order of their names.
    pub(super) fn roots(&self, at: &Address, pool: &str, machine: &str) -> Vec<&'a VolumeObject> {
        let first = volume_address(at, pool, &format!("{machine}.root."));
        let is_near = |address: &Address| {
            address.kind() == kind::VOLUME
                && address.name().starts_with(first.name())
                && address.place() == at.place()
        };
        let seen = self.seen.objects.range(first.clone()..).take_while(|(address, _)| is_near(address));
        let volumes = seen.filter_map(|(address, _)| self.present(address));
        volumes.filter(|volume| matches!(&volume.ours, Ours::Root { .. })).collect()
    }
}
