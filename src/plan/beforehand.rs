//! What a person must do before an apply: a machine that leaves a cluster is a member that somebody has to let go.

use std::collections::BTreeSet;

use fmc_core::graph::{self, Action, Note, NoteKind, Step};
use fmc_core::provider::{AnyDocument, Rooms};

use super::Seen;

/// The notes of the machines that are deleted or made anew.
pub(super) fn notes(plan: &graph::Plan<AnyDocument>, seen: &Seen, rooms: &Rooms<'_>) -> BTreeSet<Note> {
    let there = plan.steps.iter().filter(|step| step.expects.is_some());
    let marked =
        there.filter_map(|step| Some((step, rooms.memberships(&step.address, seen.object(&step.address)?)?)));
    marked.filter_map(|(step, roles)| note(plan, roles, step)).collect()
}

fn note(plan: &graph::Plan<AnyDocument>, roles: &str, step: &Step<AnyDocument>) -> Option<Note> {
    let about = step.part_of.as_deref().map_or_else(|| step.address.to_string(), str::to_owned);
    let action = plan.step(&about).map_or(step.action, |group| group.action());
    if !matches!(action, Action::Delete | Action::Replace) {
        return None;
    }
    let name = step.address.name();
    let texts: Vec<String> = roles.split(' ').filter_map(|role| text(name, role, action)).collect();
    (!texts.is_empty()).then(|| Note { about, kind: NoteKind::Beforehand, text: texts.join("; ") })
}

/// What must be done for a role before its machine goes (docs.k3s.io, *Datastore*, *High Availability Embedded etcd*: a node
/// that is deleted from the cluster leaves etcd, and cannot come back with the state that it had).
fn text(name: &str, role: &str, action: Action) -> Option<String> {
    let (kind, rest) = role.split_once('/')?;
    let cluster = rest.strip_suffix("/disk").unwrap_or(rest);
    let comes_back = action == Action::Replace;
    let drain = format!("`kubectl drain {name} --ignore-daemonsets --delete-emptydir-data`");
    let delete = format!("`kubectl delete node {name}`");
    match kind {
        "k3s-server" if comes_back && rest != cluster => Some(format!(
            "{name} is a server of {cluster}: {drain}; it comes back with the state on its disk, and must stay a member of etcd \
             until then; one server at a time, or etcd loses its majority"
        )),
        "k3s-server" => Some(format!(
            "{name} is a server of {cluster}, and with embedded etcd one of its members: {drain}, then {delete}, which takes it \
             out of etcd; one server at a time, or etcd loses its majority"
        )),
        "k3s-agent" if comes_back => {
            Some(format!("{name} is a node of {cluster}: {drain}; it comes back as the same node"))
        }
        "k3s-agent" => Some(format!("{name} is a node of {cluster}: {drain}, then {delete}")),
        _ => None,
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use crate::prelude::*;
    use crate::sim::Sim;

    /// A role of a name and an instance.
    struct Member(&'static str);

    impl CustomRole for Member {
        fn kind(&self) -> Given<RoleName> {
            self.0.into()
        }

        fn instance(&self) -> Option<&str> {
            Some("prod")
        }
    }

    fn cloud(machines: &[(&'static str, &'static str)]) -> Cloud {
        let image = || Image::debian("12").path("/images/debian-12.qcow2");
        let machine = |(name, role): &(&'static str, &'static str)| {
            Machine::new(*name, image()).root_disk(2.gib()).role(Member(role))
        };
        Cloud::new("first").host(Host::local()).machines(machines.iter().map(machine))
    }

    fn told(plan: &crate::Plan) -> Vec<(String, String)> {
        let notes = plan.notes.iter().filter(|note| note.kind == fmc_core::graph::NoteKind::Beforehand);
        notes.map(|note| (note.about.clone(), note.text.clone())).collect()
    }

    #[test]
    fn a_member_that_goes_is_let_go_first() {
        let all = [("master1", "k3s-server"), ("worker1", "k3s-agent"), ("web", "other")];
        let world = Sim::new();
        world.apply(&cloud(&all));
        assert!(told(&world.plan(&cloud(&all))).is_empty());
        let told = told(&world.plan(&cloud(&[])));
        let [master, worker] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((&*master.0, &*worker.0), ("machine/master1", "machine/worker1"));
        assert!(
            master.1.contains("out of etcd") && worker.1.contains("kubectl delete node worker1"),
            "{told:?}"
        );
    }

    #[test]
    fn one_that_is_made_anew_is_too() {
        let all = [("master1", "k3s-server"), ("worker1", "k3s-agent")];
        let world = Sim::new();
        world.apply(&cloud(&all));
        let plan = world.plan(&cloud(&all)).replace("master1");
        let told = told(&plan);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].1.contains("kubectl delete node master1"), "{told:?}");
        assert!(plan.to_string().contains("! machine master1"), "{plan}");
        let worker = told_of(&world.plan(&cloud(&all)).replace("worker1"), "worker1");
        assert!(worker.contains("comes back as the same node"), "{worker}");
    }

    #[test]
    fn one_that_keeps_its_state_stays_a_member() {
        let cloud = |is_there: bool| {
            let image = Image::debian("12").path("/images/debian-12.qcow2");
            let master = Machine::new("master1", image)
                .root_disk(2.gib())
                .disk(Disk::new("k3s", 2.gib()).mount("/var/lib/rancher/k3s"))
                .role(Member("k3s-server"));
            Cloud::new("first").host(Host::local()).machines(is_there.then_some(master))
        };
        let world = Sim::new();
        world.apply(&cloud(true));
        let anew = told_of(&world.plan(&cloud(true)).replace("master1"), "master1");
        assert!(anew.contains("must stay a member") && !anew.contains("delete node"), "{anew}");
        let gone = told_of(&world.plan(&cloud(false)), "master1");
        assert!(gone.contains("kubectl delete node master1"), "{gone}");
    }

    fn told_of(plan: &crate::Plan, machine: &str) -> String {
        let about = format!("machine/{machine}");
        told(plan).into_iter().find(|(told, _)| *told == about).map(|(_, text)| text).unwrap_or_default()
    }
}
