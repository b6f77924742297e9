//! Snapshots inside the disks of a machine: they are known, and go only with words.

use fmc_core::graph::{Choices, NoteKind};
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::link::Link as _;

use crate::lab::{Lab, cloud, db, lan, notes, replace, small, wanted, web};

fn with_snapshots() -> Lab {
    let lab = Lab::used();
    for name in ["monday", "tuesday"] {
        lab.sim.snapshot_inside("web", name).unwrap();
    }
    lab
}

#[test]
fn a_plan_names_them_and_goes_on() {
    let lab = with_snapshots();
    let plan = lab.plan(&small());
    assert!(plan.is_empty(), "{plan}");
    let said = notes(&plan, NoteKind::Notice);
    assert!(said.len() == 1 && said[0].starts_with("machine/web: ") && said[0].ends_with("monday, tuesday"));
    lab.apply(&wanted(&cloud([lan()], [web().memory(3.gib()), db()])));
    assert_eq!(lab.sim.domain("web").unwrap().unwrap().snapshots.len(), 2);
}

#[test]
fn what_takes_them_with_it_says_so() {
    let lab = with_snapshots();
    let without = wanted(&cloud([lan()], [db()]));
    let plan = lab.plan(&without);
    assert!(plan.to_string().contains("its snapshots go too: monday, tuesday"), "{plan}");
    let plan = lab.plan_with(&small(), &replace("web"));
    assert!(plan.to_string().contains("its snapshots go too: monday, tuesday"), "{plan}");
    lab.apply_with(&small(), &replace("web"));
    assert_eq!(lab.sim.domain("web").unwrap().unwrap().snapshots, [], "its old disk had them");
    assert!(lab.plan(&small()).is_empty());
}

/// libvirt would refuse when the guest is off already.
#[test]
fn a_machine_with_snapshots_keeps_its_name() {
    let lab = with_snapshots();
    let mut renamed = web().formerly("web");
    renamed.name = "front".into();
    let renamed = wanted(&cloud([lan()], [renamed, db()]));
    let plan = lab.plan(&renamed);
    assert!(plan.step("machine/front").is_none() && plan.step("machine/web").is_none(), "{plan}");
    let said = notes(&plan, NoteKind::Left);
    assert!(said.iter().any(|note| note.contains("virsh snapshot-delete web monday")), "{plan}");
    assert!(lab.try_apply(&renamed, &Choices::default()).unwrap().waits_for_person());
    assert!(lab.sim.domain("web").unwrap().unwrap().active);
}

#[test]
fn a_snapshot_after_the_plan_stops_its_step() {
    let lab = Lab::used();
    let plan = lab.plan_with(&small(), &replace("web"));
    lab.sim.snapshot_inside("web", "now").unwrap();
    let outcome = lab.run(plan, &small(), &replace("web"), |_| {}).unwrap();
    assert!(!outcome.is_converged(), "{outcome:?}");
    assert_eq!(lab.sim.domain("web").unwrap().unwrap().snapshots.len(), 1);
}

/// QEMU does not resize a qcow2 file of the version that libvirt writes while it has snapshots inside.
#[test]
fn a_root_with_snapshots_grows_once_they_are_deleted() {
    let lab = with_snapshots();
    let larger = wanted(&cloud([lan()], [web().root_disk(30.gib()).memory(3.gib()), db()]));
    let plan = lab.plan(&larger);
    let left = notes(&plan, NoteKind::Left).join("\n");
    assert!(left.contains("stays 20 GiB and does not grow to 30 GiB"), "{plan}");
    assert!(left.contains("(monday, tuesday)") && left.contains("virsh snapshot-delete web NAME"), "{plan}");
    assert!(lab.try_apply(&larger, &Choices::default()).unwrap().waits_for_person());
    assert!(lab.sim.domain("web").unwrap().unwrap().xml.contains("3145728"), "the rest is done");
    assert!(lab.plan(&larger).steps.is_empty(), "{}", lab.plan(&larger));
    let anew = lab.copy();
    anew.apply_with(&larger, &replace("web"));
    assert!(anew.plan(&larger).is_empty(), "{}", anew.plan(&larger));
    lab.sim.forget_snapshots("web").unwrap();
    lab.apply(&larger);
    assert!(lab.plan(&larger).is_empty());
}
