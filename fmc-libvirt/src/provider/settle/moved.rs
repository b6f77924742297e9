//! A machine that goes in one place and comes in another: on another host, or under another name.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fmc_core::boot::Born;
use fmc_core::graph::{About, Address, Edge, Note, NoteKind, Place, Wanted};
use fmc_core::unit::Size;

use super::{Choices, Document, Object, Ours, Owner, Settling, State};
use crate::document::{DomainDocument, kind};
use crate::provider::object::DomainObject;

/// A machine that is not there, and its domain.
pub(super) type Coming<'w> = (&'w Address, &'w DomainDocument);

/// A machine of ours that is not wanted, and its domain.
type Going<'a> = (&'a Address, &'a DomainObject);

impl<'a> Settling<'a, '_> {
    /// Machines whose host is another one now, and machines that come while ones like them go.
    pub(super) fn movements(&mut self, wanted: &Wanted<Document>, choices: &Choices) {
        let (coming, going) = (self.coming(wanted), self.going(wanted));
        self.perhaps_moved(&coming);
        self.moved(&coming, &going, choices);
        self.alike(&coming, &going);
        self.successors(wanted);
    }

    /// A machine whose host is another one now. Its domain and its root are made anew there; its data does not move.
    fn moved(&mut self, coming: &[Coming<'_>], going: &[Going<'a>], choices: &Choices) {
        let mut left = BTreeSet::new();
        let mut by_first: BTreeMap<&str, Vec<Going<'a>>> = BTreeMap::new();
        for (was, seen) in going {
            by_first.entry(seen.first()).or_default().push((was, seen));
        }
        for (at, domain) in coming {
            let mut same = by_first.get(&*domain.first).into_iter().flatten();
            let Some((was, seen)) = same.find(|(was, _)| was.place() != at.place()) else { continue };
            let host = |address: &Address| address.place().name().unwrap_or_default().to_owned();
            let (from, to, name) = (host(was), host(at), &*domain.name);
            let (data, copy) = (self.data_of(seen), self.data_at(at));
            let begins = if copy.is_empty() {
                format!("what it has on {to} begins empty")
            } else {
                format!("on {to} it takes over an earlier copy, with what is on that ({copy})")
            };
            let (kind, text) = if data.is_empty() {
                let text = format!(
                    "moves from the host {from} to {to}: it is made anew there from its image, and its root on {from} goes"
                );
                (NoteKind::Notice, text)
            } else if choices.leave_data.contains(name) && choices.delete_data.covers(name) {
                left.insert(name.to_owned());
                let text = format!(
                    "--leave-data {name} and --delete-data {name} are one too many: its data on {from} ({data}) would be deleted. \
                     Delete an earlier copy on {to} while the cloud has {name} on {from} (`apply --delete-data {name}`), and move \
                     it then"
                );
                (NoteKind::Refused, text)
            } else if choices.leave_data.contains(name) {
                left.insert(name.to_owned());
                let text = format!(
                    "moves from the host {from} to {to}: it is made anew there from its image, and its root on {from} goes; its \
                     data stays on {from} ({data}), and {begins}"
                );
                (NoteKind::Notice, text)
            } else {
                let text = format!(
                    "it would move from the host {from} to {to}, and data does not move: its disks stay on {from} ({data}), and \
                     {begins}. Leave it on {from}; or copy what you need, and --leave-data {name} moves the \
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

    /// A machine that comes on one host may have been on another one, which could not be read.
    fn perhaps_moved(&mut self, coming: &[Coming<'_>]) {
        const NAMED: usize = 5;
        let is_read = |(at, _): &&Coming<'_>| self.seen.unknown_at(at.place()).is_none();
        let names: Vec<&str> = coming.iter().filter(is_read).map(|(_, domain)| &*domain.name).collect();
        if names.is_empty() {
            return;
        }
        let more = names.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = format!(
            "it could not be read, and {}{more} would be made on other hosts: if one of them was on this host, it may still run \
             there with the same name and addresses, and its data stays there; wait until the host answers, or make sure that \
             none of them was on it",
            names.get(..NAMED).unwrap_or(&names).join(", ")
        );
        let hosts = self.seen.unknown.keys().filter_map(Place::name);
        self.notes.extend(hosts.map(|host| Note {
            about: About::Host(host.into()),
            kind: NoteKind::Beforehand,
            text: text.clone(),
        }));
    }

    /// A machine that comes while one like it goes: it may be the same one, by a better name.
    fn alike(&mut self, coming: &[Coming<'_>], going: &[Going<'a>]) {
        let mut by_kind: BTreeMap<Kind<'_>, VecDeque<Going<'a>>> = BTreeMap::new();
        for (was, seen) in going {
            if let Some(born) = seen.mark.as_ref().and_then(|mark| mark.born.as_deref()) {
                by_kind.entry(kind_of(was, born)).or_default().push_back((was, seen));
            }
        }
        for (at, domain) in coming {
            let Some(born) = domain.born.as_deref() else { continue };
            let Some(like) = by_kind.get_mut(&kind_of(at, born)) else { continue };
            let is_other = |(_, seen): &Going<'a>| seen.first() != &*domain.first;
            let Some(index) = like.iter().position(is_other) else { continue };
            let Some((was, seen)) = like.remove(index) else { continue };
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

    /// Keeps the objects of a moved machine on its earlier host until its domain is on the new host.
    fn successors(&mut self, wanted: &Wanted<Document>) {
        let domains = wanted.nodes.iter().filter_map(|(at, node)| match &*node.document {
            Document::Domain(domain) => Some((&*domain.first, at)),
            _ => None,
        });
        let now: BTreeMap<&str, &Address> = domains.collect();
        for (at, object) in self.seen.present().filter(|(at, _)| !wanted.nodes.contains_key(at)) {
            let first = match object {
                Object::Domain(domain) if domain.owner == Owner::Us => domain.first(),
                Object::Volume(volume) => match volume.ours.machine() {
                    Some(machine) => machine,
                    None => continue,
                },
                _ => continue,
            };
            if let Some(to) = now.get(first).filter(|to| to.place() != at.place()) {
                self.moved.insert(at.clone(), (*to).clone());
            }
        }
    }

    /// The wanted machines that are not there.
    pub(super) fn coming<'w>(&self, wanted: &'w Wanted<Document>) -> Vec<Coming<'w>> {
        let nodes = wanted.nodes.iter().filter(|(at, _)| self.states.get(at).is_none());
        let domains = nodes.filter_map(|(at, node)| match &*node.document {
            Document::Domain(domain) => Some((at, &**domain)),
            _ => None,
        });
        domains.collect()
    }

    /// Our machines that are not wanted.
    fn going(&self, wanted: &Wanted<Document>) -> Vec<Going<'a>> {
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
        self.data_in(&seen.needs)
    }

    /// The data disks that are there for a machine that comes, with their sizes.
    fn data_at(&self, at: &Address) -> String {
        self.nodes.get(at).map(|node| self.data_in(&node.needs)).unwrap_or_default()
    }

    fn data_in(&self, needs: &[Edge]) -> String {
        let disks = needs.iter().filter_map(|edge| {
            let volume = self.present(&edge.to)?;
            let Ours::Disk { disk, .. } = &volume.ours else { return None };
            let size = volume.capacity.map(|bytes| format!(" {}", Size::bytes(bytes))).unwrap_or_default();
            Some(format!("{disk}{size}"))
        });
        disks.collect::<Vec<_>>().join(", ")
    }
}

/// The properties that machines which are made alike share: the place, the system, the roles, the data disks with their mounts, and
/// how many interfaces they have.
type Kind<'a> = (&'a Place, &'a str, BTreeSet<String>, Vec<(&'a str, Option<&'a str>)>, usize);

fn kind_of<'a>(at: &'a Address, born: &'a Born) -> Kind<'a> {
    let roles = born.roles.iter().map(ToString::to_string).collect();
    let disks = born.disks.iter().map(|disk| (&*disk.name, disk.mount.as_deref())).collect();
    (at.place(), &born.system, roles, disks, born.interfaces.len())
}
