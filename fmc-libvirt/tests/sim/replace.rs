//! Configuration of the first boot only: outdated machines, and replacements.

use fmc_core::graph::{Action, Choices, Impact, NoteKind};
use fmc_core::image::Image;
use fmc_core::machine::Machine;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::sim::{Fault, When};

use crate::lab::{Lab, cloud, db, lan, notes, replace, small, wanted, web};

/// The same machine with another boot configuration.
fn newer(machine: Machine) -> Machine {
    machine.time_zone("Europe/Madrid")
}

/// The same machine on another image.
fn other_image() -> Machine {
    Machine::new("web", Image::debian("12").path("/srv/images/debian-12.qcow2"))
        .cpus(2)
        .memory(2.gib())
        .root_disk(20.gib())
        .interface(fmc_core::machine::Interface::on("lab").address("10.17.3.10"))
}

#[test]
fn a_newer_configuration_makes_a_machine_outdated_and_nothing_else() {
    let lab = Lab::new();
    lab.apply(&small());
    let before = lab.sim.to_json().unwrap();
    let wanted = wanted(&cloud([lan()], [newer(web()), db()]));
    let plan = lab.plan(&wanted);
    assert!(plan.steps.is_empty() && !plan.is_empty(), "{plan}");
    let outdated = notes(&plan, NoteKind::Outdated);
    assert_eq!(outdated.len(), 1, "{plan}");
    assert!(outdated[0].contains("machine/web") && outdated[0].contains("--replace web"), "{outdated:?}");
    assert!(outdated[0].contains(": 1 setting (time zone) ("), "what differs: {outdated:?}");
    lab.apply(&wanted);
    assert_eq!(lab.sim.to_json().unwrap(), before);
}

#[test]
fn a_newer_image_does_too() {
    let lab = Lab::new();
    lab.apply(&small());
    let wanted = wanted(&cloud([lan()], [other_image(), db()]));
    let plan = lab.plan(&wanted);
    assert!(plan.steps.is_empty() && !plan.is_empty(), "{plan}");
    assert!(notes(&plan, NoteKind::Outdated)[0].contains("image "), "{plan}");
}

#[test]
fn an_outdated_machine_still_follows_other_changes() {
    let lab = Lab::new();
    lab.apply(&small());
    let changed = wanted(&cloud([lan()], [newer(web()).memory(3.gib()).root_disk(25.gib()), db()]));
    let root = lab.volumes("web.root.");
    assert_eq!(lab.plan(&changed).step("machine/web").unwrap().impact(), Impact::Restart);
    lab.apply(&changed);
    assert_eq!(lab.volumes("web.root."), root);
    let plan = lab.plan(&changed);
    assert_eq!(notes(&plan, NoteKind::Outdated).len(), 1, "still: {plan}");
    assert!(lab.sim.domain("web").unwrap().unwrap().xml.contains("3145728"));
}

#[test]
fn a_replacement_takes_a_new_root_and_keeps_data_disks() {
    let lab = Lab::new();
    lab.apply(&small());
    let wanted = wanted(&cloud([lan()], [web(), newer(db())]));
    let (root, boot) = (lab.volumes("db.root."), lab.volumes("db.boot."));
    let plan = lab.plan_with(&wanted, &replace("db"));
    let group = plan.step("machine/db").unwrap();
    assert_eq!((group.action(), group.impact()), (Action::Replace, Impact::Replace), "{plan}");
    assert!(!plan.steps.iter().any(|step| step.address.name().ends_with("db.disk.data")), "{plan}");
    lab.apply_with(&wanted, &replace("db"));
    assert!(lab.plan(&wanted).is_empty());
    assert!(notes(&lab.plan(&wanted), NoteKind::Outdated).is_empty());
    assert_ne!(lab.volumes("db.root."), root);
    assert_ne!(lab.volumes("db.boot."), boot);
    assert_eq!(lab.volumes("db.root.").len(), 1);
    assert_eq!(lab.volumes("db.disk."), ["db.disk.data"]);
}

#[test]
fn a_replacement_of_an_up_to_date_machine_takes_a_new_root_too_and_a_second_one_again() {
    let lab = Lab::new();
    lab.apply(&small());
    let first = lab.volumes("web.root.");
    lab.apply_with(&small(), &replace("web"));
    let second = lab.volumes("web.root.");
    assert_ne!(first, second);
    assert_eq!(second.len(), 1);
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
    lab.apply_with(&small(), &replace("web"));
    assert_eq!(lab.volumes("web.root."), first);
    assert!(lab.plan(&small()).is_empty());
}

#[test]
fn a_replacement_that_is_cut_anywhere_never_boots_an_old_root() {
    let made = Lab::new();
    made.apply(&small());
    let old = made.volumes("web.root.").remove(0);
    let whole = made.copy();
    whole.sim.forget_calls();
    whole.apply_with(&small(), &replace("web"));
    let calls = u64::try_from(whole.sim.calls().len()).unwrap();
    for nth in 1..=calls {
        for fault in [Fault::Cut, Fault::CutAfter] {
            let lab = made.copy();
            lab.sim.on(When::any().nth(nth), fault);
            lab.cut_apply(&small(), &replace("web"));
            // The machine runs either on the old root disk, not replaced, or on a new one.
            lab.apply(&small());
            let record = lab.sim.domain("web").unwrap().unwrap();
            assert!(record.active);
            let (xml, live) = (record.xml, record.live_xml.unwrap());
            assert_eq!(xml.contains(&old), live.contains(&old), "cut at {nth}");
            lab.apply_with(&small(), &replace("web"));
            assert!(lab.plan(&small()).is_empty());
        }
    }
}

#[test]
fn a_machine_nobody_knows_is_not_replaced() {
    let lab = Lab::new();
    lab.apply(&small());
    let plan = lab.plan_with(&small(), &replace("wbe"));
    let refused = notes(&plan, NoteKind::Refused);
    assert!(refused.iter().any(|note| note.contains("wbe") && note.contains("web")), "{plan}");
    assert!(lab.try_apply(&small(), &replace("wbe")).is_err());
}

#[test]
fn a_base_goes_when_nothing_is_made_from_it() {
    let lab = Lab::new();
    lab.apply(&small());
    let only_web = wanted(&cloud([lan()], [other_image()]));
    lab.apply_with(&only_web, &Choices::default());
    assert_eq!(lab.volumes("base.").len(), 2, "web still runs on it");
    lab.apply_with(&only_web, &replace("web"));
    lab.apply(&only_web);
    assert!(lab.volumes("base.").is_empty());
}

#[test]
fn a_plan_says_what_data_a_replacement_leaves() {
    let lab = Lab::new();
    lab.apply(&small());
    let plan = lab.plan_with(&small(), &replace("db")).to_string();
    assert!(plan.contains("asked for by --replace; it keeps db.disk.data (50 GiB)"), "{plan}");
    let plan = lab.plan_with(&small(), &replace("web")).to_string();
    assert!(plan.contains("asked for by --replace") && !plan.contains("stays"), "{plan}");
}
