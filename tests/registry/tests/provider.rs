//! A provider of another author takes part in everything, and adding it changes nothing in `src/`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use fmc::graph::{ApplyOptions, DeleteData, Event, NoteKind, StopFlag};
use fmc::prelude::*;
use fmc::sim::{Fault, Sim, When};
use fmc::{Plan, Providers, Wanted};
use fmc_registry::{Names, cloud};

struct Stage {
    world: Sim,
    names: Names,
    providers: Providers,
    wanted: Wanted,
}

impl Stage {
    fn new() -> Self {
        let world = Sim::new();
        let hypervisor = world.host(&HostName::literal("local"));
        let names = Names::new(&[("db.lab", "db", true), ("ns.lab", "ns", true), ("free.lab", "db", false)])
            .held_on(hypervisor);
        let checked = cloud().check().unwrap();
        let providers = world.providers(&checked).with(names.clone());
        let wanted = providers.compile(&checked);
        Self { world, names, providers, wanted }
    }

    fn plan(&self) -> Plan {
        pollster::block_on(self.providers.plan(&self.wanted)).unwrap()
    }

    fn apply(&self, plan: &Plan) -> fmc::graph::Outcome {
        pollster::block_on(plan.apply(&self.providers, |_| ())).unwrap()
    }
}

fn published(names: &[(&str, &str)]) -> Vec<(String, String)> {
    names.iter().map(|(name, target)| ((*name).to_owned(), (*target).to_owned())).collect()
}

const ALL: [(&str, &str); 3] = [("db.lab", "db"), ("free.lab", "db"), ("ns.lab", "ns")];

#[test]
fn names_are_made_in_a_later_phase_of_the_same_apply() {
    let stage = Stage::new();
    let first = stage.plan();
    let steps: Vec<String> = first.steps.iter().map(|step| step.address.to_string()).collect();
    assert!(steps.contains(&"names/name/free.lab".to_owned()), "{steps:?}");
    assert!(!steps.contains(&"names/name/db.lab".to_owned()), "its machine does not answer yet: {steps:?}");
    assert!(first.has_phases());
    let outcome = stage.apply(&first);
    assert!(outcome.is_converged(), "{outcome:?}");
    assert_eq!(stage.names.entries(), published(&ALL));
    assert!(stage.plan().is_empty(), "{}", stage.plan());
}

#[test]
fn a_change_by_hand_is_drift_and_is_mended() {
    let stage = Stage::new();
    assert!(stage.apply(&stage.plan()).is_converged());
    assert!(stage.plan().drift().is_empty());
    stage.names.change("db.lab", "ns");
    let plan = stage.plan();
    let drift = plan.drift();
    let told: Vec<String> = drift.drift.iter().map(|drifted| drifted.address.to_string()).collect();
    assert_eq!(told, ["names/name/db.lab"]);
    assert_eq!(drift.drift[0].changes[0].to_string(), "target ns -> db");
    assert_eq!(plan.step("name/db.lab").unwrap().impact(), Impact::Live, "{plan}");
    assert!(stage.apply(&plan).is_converged());
    assert_eq!(stage.names.entries(), published(&ALL));
}

#[test]
fn a_part_of_a_plan_may_be_a_name() {
    let stage = Stage::new();
    assert!(stage.apply(&stage.plan()).is_converged());
    stage.names.change("db.lab", "x");
    stage.names.change("ns.lab", "x");
    let plan = stage.plan().only("name/db.lab");
    assert_eq!(plan.steps.len(), 1, "{plan}");
    assert!(
        plan.notes
            .iter()
            .any(|note| note.kind == NoteKind::LeftOut && note.about.is_named("names/name/ns.lab"))
    );
    let wrong = stage.plan().only("name/db.lap");
    assert!(wrong.refused().any(|note| note.text.contains("did you mean name/db.lab?")), "{wrong}");
}

#[test]
fn destroy_takes_the_names_before_their_machine() {
    let stage = Stage::new();
    assert!(stage.apply(&stage.plan()).is_converged());
    let plan = pollster::block_on(stage.providers.plan(&stage.wanted.nothing())).unwrap();
    let place =
        |address: &str| plan.steps.iter().position(|step| step.address.to_string() == address).unwrap();
    for name in ["names/name/db.lab", "names/name/free.lab", "names/name/ns.lab"] {
        assert!(place(name) < place("libvirt/local/domain/ns"), "{plan}");
    }
    let plan = plan.delete_data(DeleteData::All);
    assert!(stage.apply(&plan).is_converged());
    assert!(stage.names.entries().is_empty());
}

#[test]
fn a_stop_leaves_names_to_the_next_apply() {
    let stage = Stage::new();
    let plan = stage.plan();
    let options = ApplyOptions { stop: StopFlag::default(), ..ApplyOptions::default() };
    let stop = options.stop.clone();
    let stops = |event: Event| {
        if matches!(event, Event::Done { .. }) {
            stop.finish();
        }
    };
    let outcome = pollster::block_on(plan.apply_with(&stage.providers, options, stops)).unwrap();
    assert!(!outcome.is_converged());
    assert!(stage.names.entries().len() < 3);
    assert!(stage.apply(&stage.plan()).is_converged());
    assert_eq!(stage.names.entries(), published(&ALL));
}

#[test]
fn a_dead_registry_does_not_stop_libvirts_part() {
    let stage = Stage::new();
    stage.names.dies(Some("connection refused"));
    let plan = stage.plan();
    assert_eq!(plan.step("machine/db").unwrap().impact(), Impact::Create, "{plan}");
    assert!(plan.to_string().contains("connection refused"), "{plan}");
    let outcome = stage.apply(&plan);
    assert!(!outcome.is_converged(), "names were put off: {outcome:?}");
    let rest = stage.plan();
    assert!(rest.steps.is_empty() && !rest.is_empty(), "{rest}");
    stage.names.dies(None);
    assert!(stage.apply(&stage.plan()).is_converged());
    assert_eq!(stage.names.entries(), published(&ALL));
}

#[test]
fn a_dead_libvirt_does_not_stop_names_that_need_no_machine() {
    let stage = Stage::new();
    stage.world.host(&HostName::literal("local")).on(When::call("domains"), Fault::Cut);
    let plan = stage.plan();
    let steps: Vec<String> = plan.steps.iter().map(|step| step.address.to_string()).collect();
    assert_eq!(steps, ["names/name/free.lab"], "{plan}");
    assert!(plan.to_string().contains("db.lab"), "{plan}");
    let outcome = stage.apply(&plan);
    assert!(!outcome.is_converged(), "{outcome:?}");
    assert_eq!(stage.names.entries(), published(&[("free.lab", "db")]));
    stage.world.recover();
    assert!(stage.apply(&stage.plan()).is_converged());
    assert_eq!(stage.names.entries(), published(&ALL));
}

#[test]
fn what_a_cloud_was_not_compiled_for_is_left_alone() {
    let stage = Stage::new();
    assert!(stage.apply(&stage.plan()).is_converged());
    let without = fmc::compile(&cloud().check().unwrap());
    let plan = pollster::block_on(stage.providers.plan(&without)).unwrap();
    assert!(plan.is_empty(), "{plan}");
    let end = pollster::block_on(stage.providers.plan(&without.nothing())).unwrap();
    assert!(end.steps.iter().all(|step| step.address.provider() == "libvirt"), "{end}");
}
