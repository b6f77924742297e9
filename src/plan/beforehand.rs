//! Tasks for a person before an apply: a machine that is a member of something leaves it first, and not with too many others.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::boot::{Born, BornSecrets};
use fmc_core::graph::{self, About, Action, Address, Group, Impact, Note, NoteKind};
use fmc_core::provider::{AnyDocument, MachinePart, Rooms};
use fmc_core::role::{Fate, Membership, Moving, RoleFacts};
use fmc_core::roles;
use fmc_core::secret::RootKeyCheck;

use super::{Seen, derivation, root_key};
use crate::compile::Wanted;

/// The messages of roles about their members in a plan.
pub(super) fn notes(plan: &graph::Plan<AnyDocument>, wanted: &Wanted, seen: &Seen) -> BTreeSet<Note> {
    let rooms = wanted.rooms();
    let nodes = wanted.graph().nodes.iter();
    let domains = nodes.filter(|(at, node)| rooms.makes(at, &*node.document).is_some());
    let domains = domains.map(|(at, _)| (at.name(), at)).collect();
    let planned = Planned { wanted: wanted.graph(), seen, domains, rooms: &rooms, groups: groups(plan) };
    let members: Vec<Moving<'_>> = planned.there().chain(planned.coming()).collect();
    let (divided, refused) = derivation::divided(&planned, &members, wanted);
    // Another derivation for machines that share secrets changes what their roles advise: it is mended first.
    let told = roles::together(&members)
        .into_iter()
        .filter(|told| !told.is_refused || !refused.contains(told.machine.as_str()));
    let told = told.map(|told| {
        let kind = if told.is_refused { NoteKind::Refused } else { NoteKind::Beforehand };
        Note { about: About::machine(told.machine), kind, text: told.text }
    });
    told.chain(divided).chain(root_key::notes(&planned, &members, wanted)).collect()
}

fn groups(plan: &graph::Plan<AnyDocument>) -> BTreeMap<String, Group<'_, AnyDocument>> {
    plan.groups().into_iter().map(|group| (group.name().to_owned(), group)).collect()
}

/// A plan with what it was made from.
pub(super) struct Planned<'a> {
    wanted: &'a graph::Wanted<AnyDocument>,
    pub(super) seen: &'a Seen,
    domains: BTreeMap<&'a str, &'a Address>,
    rooms: &'a Rooms<'a>,
    /// The steps by machine.
    groups: BTreeMap<String, Group<'a, AnyDocument>>,
}

impl<'a> Planned<'a> {
    /// The members that are there.
    fn there(&self) -> impl Iterator<Item = Moving<'a>> {
        let present = self.seen.present();
        present.flat_map(move |(at, object)| {
            let members = self.rooms.memberships(at, object);
            let facts = (self.rooms.born(at, object), self.makes(at));
            members.iter().map(move |member| self.existing(at, member, facts))
        })
    }

    fn existing(
        &self,
        at: &'a Address,
        member: &Membership,
        facts: (Option<&'a Born>, Option<&'a Born>),
    ) -> Moving<'a> {
        let (born, makes) = facts;
        let (was, wanted) =
            (born.and_then(|born| role_of(born, member)), makes.and_then(|makes| role_of(makes, member)));
        // Nothing is known of a role that was not recorded.
        let has_it_again = wanted.is_some() || was.is_none();
        let keeps_state =
            member.keeps_state() && wanted.is_none_or(|wanted| self.keeps_disk(at, wanted, born, makes));
        let group = self.group(at);
        let fate = match group.map(|group| (group.action(), group.impact())) {
            Some((Action::Delete, _)) => Fate::Leaves,
            Some((Action::Replace, _)) if has_it_again => Fate::Replaced { keeps_state },
            Some((Action::Replace, _)) => Fate::Changes,
            // A restart in which data is deleted has the impact of a deletion.
            Some((Action::Restart | Action::Stop, _) | (_, Impact::Restart | Impact::Stop)) => {
                Fate::Restarts { keeps_state: keeps_state == member.keeps_state() }
            }
            _ => Fate::Stays,
        };
        Moving::new(at.name(), member.clone(), fate).facts(was, wanted)
    }

    /// The members that come: of new machines, and of machines that are replaced and did not have the role.
    fn coming(&self) -> impl Iterator<Item = Moving<'a>> {
        self.wanted.nodes.keys().flat_map(move |at| {
            let makes = self.makes(at).into_iter();
            let object = self.seen.object(at);
            makes.flat_map(move |makes| {
                let roles = makes.roles.iter();
                roles.filter_map(move |role| {
                    let members = object.map(|object| self.rooms.memberships(at, object)).unwrap_or_default();
                    if members.iter().any(|member| is_of(role, member)) {
                        return None;
                    }
                    let action = self.group(at)?.action();
                    let disk = role.state().and_then(|path| makes.disk_of(path));
                    let has_state = match (object.is_some(), action) {
                        (true, Action::Replace) => false,
                        (false, Action::Create) => match disk {
                            Some(disk) => !self.makes_part(at, MachinePart::Disk(&disk.name)),
                            None => !self.makes_part(at, MachinePart::Root),
                        },
                        _ => return None,
                    };
                    let member = Membership::new(role.kind.clone(), role.instance.as_deref());
                    let member = member.with_state_kept(disk.is_some());
                    Some(Moving::new(at.name(), member, Fate::Comes { has_state }).facts(None, Some(role)))
                })
            })
        })
    }

    /// Whether a step makes this machine with the configuration of the cloud.
    pub(super) fn is_made(&self, machine: &str) -> bool {
        let Some(at) = self.domains.get(machine) else { return false };
        match self.group(at).map(Group::action) {
            Some(Action::Replace) => true,
            // One that returns on its root keeps what the root was made with.
            Some(Action::Create) => self.makes_part(at, MachinePart::Root),
            _ => false,
        }
    }

    /// Whether the disk with the state of a role is the one that the machine has.
    fn keeps_disk(&self, at: &Address, role: &RoleFacts, born: Option<&Born>, makes: Option<&Born>) -> bool {
        let Some((path, makes)) = role.state().zip(makes) else { return false };
        let Some(disk) = makes.disk_of(path) else { return false };
        let was = born.and_then(|born| born.disk_of(path));
        was.is_none_or(|was| was.serial == disk.serial) && !self.makes_part(at, MachinePart::Disk(&disk.name))
    }

    /// Whether a step makes this part of a machine, so that it begins empty.
    fn makes_part(&self, at: &Address, part: MachinePart<'_>) -> bool {
        self.group(at).into_iter().flat_map(Group::steps).any(|step| {
            let document = step.document.as_deref();
            matches!(step.action, Action::Create | Action::Replace)
                && document.and_then(|document| self.rooms.machine_part(&step.address, document))
                    == Some(part)
        })
    }

    /// The check values of the root keys that the secrets of wanted machines were made from, and whether the machine itself says it:
    /// also by its boot configuration, if it returns on its root. If it does not, the records beside its data disks may.
    pub(super) fn root_keys(&self) -> impl Iterator<Item = (&'a str, RootKeyCheck, bool)> {
        self.domains.iter().filter_map(|(name, at)| {
            let object = self.seen.object(at);
            let of_mark = object.and_then(|object| self.rooms.root_key_check(at, object));
            let of_disks = || {
                let needs = &self.wanted.nodes.get(at)?.needs;
                needs
                    .iter()
                    .find_map(|edge| self.rooms.kept_root_key_check(&edge.to, self.seen.object(&edge.to)?))
            };
            let says_itself = of_mark.is_some() || self.returns(at);
            Some((*name, of_mark.or_else(of_disks)?, says_itself))
        })
    }

    /// The machines that return on their roots with secrets from a root key which nothing tells: only their domains did.
    pub(super) fn unknown_root_keys(&self) -> BTreeSet<&'a str> {
        let known: BTreeSet<&str> = self.root_keys().map(|(machine, ..)| machine).collect();
        let is_unknown = |(name, at): &(&&'a str, &&'a Address)| {
            let makes = self.makes(at);
            self.returns(at)
                && !known.contains(**name)
                && makes.is_some_and(|makes| matches!(makes.secrets, BornSecrets::Derived(_)))
        };
        self.domains.iter().filter(is_unknown).map(|(name, _)| *name).collect()
    }

    /// Whether a machine without a domain is defined again on the root that it has.
    fn returns(&self, at: &Address) -> bool {
        let mut steps = self.group(at).into_iter().flat_map(Group::steps);
        let nodes = &self.wanted.nodes;
        let mut needs = nodes.get(at).into_iter().flat_map(|node| &node.needs);
        let is_root = |of: &Address| {
            let document = nodes.get(of).map(|node| &*node.document);
            document.is_some_and(|document| self.rooms.machine_part(of, document) == Some(MachinePart::Root))
        };
        steps.any(|step| step.address == *at && step.action == Action::Create)
            && needs.any(|edge| is_root(&edge.to))
            && !self.makes_part(at, MachinePart::Root)
    }

    fn group(&self, at: &Address) -> Option<&Group<'a, AnyDocument>> {
        self.groups.get(&format!("machine/{}", at.name()))
    }

    fn makes(&self, at: &Address) -> Option<&'a Born> {
        self.rooms.makes(at, &*self.wanted.nodes.get(at)?.document)
    }
}

fn role_of<'a>(born: &'a Born, member: &Membership) -> Option<&'a RoleFacts> {
    born.roles.iter().find(|role| is_of(role, member))
}

fn is_of(role: &RoleFacts, member: &Membership) -> bool {
    role.kind == *member.kind() && role.instance.as_deref() == member.instance()
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use fmc_core::graph::About;

    use crate::prelude::*;
    use crate::sim::Sim;

    /// A member of a directory whose state may be on its own disk.
    struct Directory {
        instance: &'static str,
        has_disk: bool,
    }

    impl CustomRole for Directory {
        fn instance(&self) -> Option<&str> {
            Some(self.instance)
        }

        fn disks(&self) -> Vec<Disk> {
            self.has_disk
                .then(|| Disk::new("directory", 2.gib()).mount("/srv/directory"))
                .into_iter()
                .collect()
        }

        fn leaving(&self, site: &Site<'_>) -> Leaving {
            let name = &site.machine().name;
            Leaving::new()
                .removed(format!("`ldapremove {name}` & wait, or {} loses it", self.instance))
                .replaced(format!("{name} comes back by itself"))
        }
    }

    fn cloud(machines: &[&'static str]) -> Cloud {
        let image = || Image::debian("12").path("/images/debian-12.qcow2");
        let role = || Directory { instance: "eu", has_disk: true };
        let machine = |name: &&'static str| {
            let machine = Machine::new(*name, image()).root_disk(2.gib());
            if *name == "web" { machine } else { machine.role(role()) }
        };
        Cloud::new("first").host(Host::local()).machines(machines.iter().map(machine))
    }

    fn told(plan: &crate::Plan) -> Vec<(About, String)> {
        let notes = plan.notes.iter().filter(|note| note.kind == fmc_core::graph::NoteKind::Beforehand);
        notes.map(|note| (note.about.clone(), note.text.clone())).collect()
    }

    #[test]
    fn a_deleted_member_is_let_go_first_although_the_cloud_no_longer_has_its_role() {
        let all = ["one", "two", "web"];
        let world = Sim::new();
        world.apply(&cloud(&all));
        assert!(told(&world.plan(&cloud(&all))).is_empty());
        let text = |name: &str| (About::machine(name), format!("`ldapremove {name}` & wait, or eu loses it"));
        assert_eq!(told(&world.plan(&cloud(&[]))), [text("one"), text("two")]);
    }

    #[test]
    fn a_replaced_member_is_let_go_first_too() {
        let all = ["one", "two"];
        let world = Sim::new();
        world.apply(&cloud(&all));
        let plan = world.plan(&cloud(&all)).replace("two");
        assert_eq!(told(&plan), [(About::machine("two"), "two comes back by itself".to_owned())]);
        assert!(plan.to_string().contains("! machine two"), "{plan}");
    }
}
