//! A machine that goes in one place and comes in another: on another host, or under another name.

use std::collections::BTreeSet;

use fmc_core::boot::Born;
use fmc_core::graph::{About, Address, Note, NoteKind, Wanted};
use fmc_core::unit::Size;

use super::{Choices, Document, Object, Ours, Owner, Settling, State};
use crate::document::{DomainDocument, kind};
use crate::provider::object::DomainObject;

impl<'a> Settling<'a, '_> {
    /// A machine whose host is another one now. Its domain and its root are made anew there; its data does not move.
    pub(super) fn moved(&mut self, wanted: &Wanted<Document>, choices: &Choices) {
        let mut left = BTreeSet::new();
        for (at, domain) in self.new_machines(wanted) {
            let mut going = self.going(wanted).into_iter();
            let Some((was, seen)) =
                going.find(|(was, seen)| was.place() != at.place() && seen.first() == &*domain.first)
            else {
                continue;
            };
            let host = |address: &Address| address.place().name().unwrap_or_default().to_owned();
            let (from, to, name) = (host(was), host(at), &*domain.name);
            let data = self.data_of(seen);
            let (kind, text) = if data.is_empty() {
                let text = format!(
                    "moves from the host {from} to {to}: it is made anew there from its image, and its root on {from} goes"
                );
                (NoteKind::Notice, text)
            } else if choices.leave_data.contains(name) {
                left.insert(name.to_owned());
                let text = format!(
                    "moves from the host {from} to {to}: it is made anew there from its image, and its root on {from} goes; its \
                     data stays on {from} ({data}), and what it has on {to} begins empty"
                );
                (NoteKind::Notice, text)
            } else {
                let text = format!(
                    "it would move from the host {from} to {to}, and data does not move: its disks stay on {from} ({data}), and \
                     those on {to} begin empty. Leave it on {from}; or copy what you need, and --leave-data {name} moves the \
                     machine without it"
                );
                (NoteKind::Refused, text)
            };
            self.notes.push(Note { about: About::machine(name), kind, text });
        }
        for name in choices.leave_data.iter().filter(|name| !left.contains(*name)) {
            let text = format!("--leave-data {name}: it leaves no data on another host");
            self.notes.push(Note { about: About::machine(name.as_str()), kind: NoteKind::Notice, text });
        }
    }

    /// A machine that comes while one like it goes: it may be the same one, by a better name.
    pub(super) fn alike(&mut self, wanted: &Wanted<Document>) {
        let mut going = self.going(wanted);
        for (at, domain) in self.new_machines(wanted) {
            let is_like = |(was, seen): &(&Address, &DomainObject)| {
                let born = seen.mark.as_ref().and_then(|mark| mark.born.as_ref());
                let is_same = seen.first() == &*domain.first;
                was.place() == at.place()
                    && !is_same
                    && born.zip(domain.born.as_ref()).is_some_and(|(was, now)| like(was, now))
            };
            let Some(index) = going.iter().position(is_like) else { continue };
            let (was, seen) = going.remove(index);
            let (was, name) = (was.name(), &domain.name);
            let data = self.data_of(seen);
            let stays =
                if data.is_empty() { String::new() } else { format!(", its data stays behind ({data})") };
            let text = format!(
                "{name} comes and {was}, which is like it, goes: the root of {was} goes{stays}, and {name} begins empty. If it \
                 is {was} by another name, say `formerly: {was}` of {name} (`.formerly(\"{was}\")` in Rust), which keeps all"
            );
            self.notes.push(Note { about: About::machine(&**name), kind: NoteKind::Notice, text });
        }
    }

    /// The wanted machines that are not there.
    fn new_machines<'w>(&self, wanted: &'w Wanted<Document>) -> Vec<(&'w Address, &'w DomainDocument)> {
        let nodes = wanted.nodes.iter().filter(|(at, _)| self.states.get(at).is_none());
        let domains = nodes.filter_map(|(at, node)| match &*node.document {
            Document::Domain(domain) => Some((at, &**domain)),
            _ => None,
        });
        domains.collect()
    }

    /// Our machines that are not wanted.
    fn going(&self, wanted: &Wanted<Document>) -> Vec<(&'a Address, &'a DomainObject)> {
        let unwanted = self.seen.objects.iter().filter(|(at, _)| at.kind() == kind::DOMAIN);
        let unwanted = unwanted.filter(|(at, _)| !wanted.nodes.contains_key(at));
        let domains = unwanted.filter_map(|(at, state)| match state {
            State::Present { object, .. } => match &**object {
                Object::Domain(domain) if domain.owner == Owner::Us => Some((at, domain)),
                _ => None,
            },
            _ => None,
        });
        domains.collect()
    }

    /// The data disks of an existing machine, with their sizes.
    fn data_of(&self, seen: &DomainObject) -> String {
        let disks = seen.needs.iter().filter_map(|edge| {
            let volume = self.present(&edge.to)?;
            let Ours::Disk { disk, .. } = &volume.ours else { return None };
            let size = volume.capacity.map(|bytes| format!(" {}", Size::bytes(bytes))).unwrap_or_default();
            Some(format!("{disk}{size}"))
        });
        disks.collect::<Vec<_>>().join(", ")
    }
}

/// Whether two machines are made alike: the system, the roles, and the data disks with their mounts.
fn like(was: &Born, now: &Born) -> bool {
    let disks = |born: &Born| -> Vec<_> {
        born.disks.iter().map(|disk| (disk.name.clone(), disk.mount.clone())).collect()
    };
    let roles = |born: &Born| -> BTreeSet<String> { born.roles.iter().map(ToString::to_string).collect() };
    was.system == now.system
        && disks(was) == disks(now)
        && roles(was) == roles(now)
        && was.interfaces.len() == now.interfaces.len()
}
