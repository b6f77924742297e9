//! Tasks for a person before an apply: a machine that is a member of something leaves it first.

use std::collections::BTreeSet;

use fmc_core::graph::{self, About, Action, Note, NoteKind, Step};
use fmc_core::provider::{AnyDocument, Rooms};
use fmc_core::role::Membership;
use fmc_core::roles;

use super::Seen;

/// The notes of the machines that are deleted or replaced.
pub(super) fn notes(plan: &graph::Plan<AnyDocument>, seen: &Seen, rooms: &Rooms<'_>) -> BTreeSet<Note> {
    let there = plan.all_steps().filter(|step| step.expects.is_some());
    let marked =
        there.filter_map(|step| Some((step, rooms.memberships(&step.address, seen.object(&step.address)?))));
    marked.filter_map(|(step, members)| note(plan, members, step)).collect()
}

fn note(plan: &graph::Plan<AnyDocument>, members: &[Membership], step: &Step<AnyDocument>) -> Option<Note> {
    let about = About::object(&step.address, step.part_of.as_deref());
    let action = plan.step(&about.to_string()).map_or(step.action, |group| group.action());
    if !matches!(action, Action::Delete | Action::Replace) {
        return None;
    }
    let (name, is_replaced) = (step.address.name(), action == Action::Replace);
    let members = members.iter();
    let texts: Vec<String> = members.filter_map(|of| roles::before(of, name, is_replaced)).collect();
    (!texts.is_empty()).then(|| Note { about, kind: NoteKind::Beforehand, text: texts.join("; ") })
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
