//! Groups 8, 9 and 25: the effect of a change on running machines, and the order in which objects are made
//! and deleted.

use std::collections::BTreeMap;

use fmc::graph::{About, Action};
use fmc::testing::{
    Impact, NoteKind, Sim, assert_empty, assert_impact, assert_keeps, assert_note, assert_touches_only,
};

use crate::seed;

/// A changed template was applied without an effect, because Ignition is read once. 26 edits of one template
/// in a day.
#[test]
fn h08_a_plan_says_which_machines_boot_with_older_configuration() {
    let world = Sim::new();
    world.apply(&seed(&[]));
    assert_empty(&world.plan(&seed(&[])));
    let plan = world.plan(&seed(&["machines.postgresql1.time_zone=Europe/Madrid"]));
    assert_impact(&plan, "machine/postgresql1", Impact::None);
    assert_note(&plan, NoteKind::Outdated, "machine/postgresql1");
    let others = plan.notes.iter().filter(|note| note.kind == NoteKind::Outdated);
    assert_eq!(others.count(), 1, "{plan}");

    let plan = plan.replace("postgresql1");
    assert_impact(&plan, "machine/postgresql1", Impact::Replace);
    assert_keeps(&plan, "volume/postgresql1.disk.data");
    assert_touches_only(&plan, ["machine/postgresql1"]);
}

/// Other changes show their effect on running machines, too.
#[test]
fn h08_a_plan_says_what_a_change_does_to_what_runs() {
    let world = Sim::new();
    world.apply(&seed(&[]));
    let plan = world.plan(&seed(&["machines.helper.memory=1536MiB"]));
    assert!(plan.step("machine/helper").unwrap().impact() >= Impact::NextBoot, "{plan}");
    assert_touches_only(&plan, ["machine/helper"]);
}

/// Two documents disagreed on the order of the balancer and the masters.
#[test]
fn h09_every_step_comes_after_those_that_it_needs() {
    let plan = Sim::new().plan(&seed(&[]));
    let place: BTreeMap<String, usize> =
        plan.steps.iter().enumerate().map(|(at, step)| (step.address.to_string(), at)).collect();
    for (address, node) in &plan.wanted().graph().nodes {
        let own = place[&address.to_string()];
        for need in &node.needs {
            assert!(place[&need.to.to_string()] < own, "{address} before {}", need.to);
            assert!(plan.steps[own].after.contains(&place[&need.to.to_string()]), "{address} does not wait");
        }
    }
}

/// By hand, a server was stopped before the machines that use it, and the script deleted machines that did
/// not exist.
#[test]
fn h25_taking_away_is_the_reverse_of_making() {
    let world = Sim::new();
    let cloud = seed(&[]);
    world.apply(&cloud);
    let checked = cloud.check().unwrap();
    let made = fmc::compile(&checked);
    let plan = pollster::block_on(world.providers(&checked).plan(&made.nothing())).unwrap();
    let place: BTreeMap<String, usize> =
        plan.steps.iter().enumerate().map(|(at, step)| (step.address.to_string(), at)).collect();
    assert!(plan.steps.iter().all(|step| step.action == Action::Delete), "{plan}");
    let mut compared = 0;
    for (address, node) in &made.graph().nodes {
        for need in &node.needs {
            let both = (place.get(&address.to_string()), place.get(&need.to.to_string()));
            if let (Some(own), Some(needed)) = both {
                assert!(own < needed, "{} goes before {address}", need.to);
                compared += 1;
            }
        }
    }
    assert!(compared > checked.machines().len(), "{compared}");
    // Data stays, and is listed.
    assert_keeps(&plan, "volume/postgresql1.disk.data");
}

/// `eliminar_vms.sh` destroyed elasticsearch1, kibana1 and nfs1, which did not exist.
#[test]
fn h25_a_name_that_nothing_has_is_refused() {
    let world = Sim::new();
    world.apply(&seed(&[]));
    let plan = world.plan(&seed(&[])).only("machine/elasticsearch1");
    let refused: Vec<_> = plan.notes.iter().filter(|note| note.kind == NoteKind::Refused).collect();
    assert_eq!(refused.len(), 1, "{plan}");
    assert_eq!(refused[0].about, About::Name("machine/elasticsearch1".into()));
    let typo = world.plan(&seed(&[])).only("machine/postgresql");
    let note = typo.notes.iter().find(|note| note.kind == NoteKind::Refused).unwrap();
    assert!(note.text.contains("machine/postgresql1"), "{note:?}");
}
