//! A machine whose domain somebody removed returns on its own disks only if they hold all that was written.

use fmc_core::graph::Choices;
use fmc_libvirt::link::Link as _;

use crate::lab::{Lab, cloud, delete_all_data, delete_data, lan, replace, small, wanted, web};

const POOL: &str = "fmc-first";

fn undefine(lab: &Lab, machine: &str) {
    lab.sim.destroy_domain(machine).unwrap();
    lab.sim.undefine_domain(machine).unwrap();
}

/// The plan of the small cloud is refused for the machine db with these words, and changes nothing.
fn refused(lab: &Lab, choices: &Choices, words: &[&str]) {
    // A refresh lists the console.
    let disks =
        || lab.volumes("db.").into_iter().filter(|name| !name.ends_with(".console")).collect::<Vec<_>>();
    let before = disks();
    let plan = lab.plan_with(&small(), choices);
    let is_said = |text: &str| words.iter().all(|word| text.contains(word));
    assert!(plan.refused().any(|note| is_said(&note.text)), "{choices:?}: {plan}");
    assert!(lab.try_apply(&small(), choices).is_err());
    assert_eq!(lab.sim.domain("db").unwrap(), None);
    assert_eq!(disks(), before);
}

#[test]
fn an_undefined_machine_does_not_return_under_its_snapshot() {
    // With a name like those of our own roots, and with another one.
    for name in ["nightly", "deadbeef"] {
        let lab = Lab::used();
        lab.sim.snapshot("db", name).unwrap();
        undefine(&lab, "db");
        let overlay = format!("db.root.{name}");
        for choices in [Choices::default(), replace("db"), delete_data("db"), delete_all_data()] {
            refused(&lab, &choices, &[&overlay, "qemu-img commit", "virsh vol-delete"]);
        }
    }
}

#[test]
fn an_undefined_machine_does_not_return_under_an_overlay_of_its_data_alone() {
    let lab = Lab::used();
    lab.sim.snapshot("db", "nightly").unwrap();
    undefine(&lab, "db");
    lab.sim.delete_volume(POOL, "db.root.nightly").unwrap();
    refused(&lab, &Choices::default(), &["data disk db.disk.data", "fmc-first/db.disk.nightly"]);
    refused(&lab, &replace("db"), &["data disk db.disk.data", "fmc-first/db.disk.nightly"]);
    // It is merged, and its file goes.
    lab.sim.delete_volume(POOL, "db.disk.nightly").unwrap();
    lab.apply(&small());
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
}

#[test]
fn an_overlay_that_its_pool_does_not_list_yet_is_found() {
    let lab = Lab::used();
    lab.sim.snapshot("db", "nightly").unwrap();
    for overlay in ["db.root.nightly", "db.disk.nightly"] {
        lab.sim.unlist_volume(POOL, overlay).unwrap();
    }
    undefine(&lab, "db");
    lab.sim.forget_calls();
    assert_eq!(lab.volumes("db.root.").len(), 1);
    let plan = lab.plan(&small());
    assert!(plan.refused().any(|note| note.text.contains("db.root.nightly")), "{plan}");
    refused(&lab, &Choices::default(), &["db.root.nightly"]);
}

#[test]
fn a_machine_that_comes_back_does_not_take_the_disk_under_a_snapshot() {
    let lab = Lab::used();
    lab.sim.snapshot("db", "nightly").unwrap();
    undefine(&lab, "db");
    lab.apply(&wanted(&cloud([lan()], [web()])));
    refused(&lab, &Choices::default(), &["nightly", "qemu-img commit"]);
    let overlays: Vec<String> =
        lab.volumes("db.").into_iter().filter(|name| name.contains("nightly")).collect();
    for overlay in overlays.iter().filter(|name| name.contains(".root.")) {
        lab.sim.delete_volume(POOL, overlay).unwrap();
    }
    for choices in [Choices::default(), delete_data("db")] {
        refused(&lab, &choices, &["data disk db.disk.data", "fmc-first/db.disk.nightly"]);
    }
}

#[test]
fn a_pool_is_not_refreshed_while_every_machine_has_its_domain() {
    let lab = Lab::used();
    lab.sim.forget_calls();
    assert!(lab.plan(&small()).is_empty());
    assert_eq!(lab.calls("refresh-pool"), 0);
}

#[test]
fn an_undefined_machine_whose_data_is_gone_begins_empty_only_by_name() {
    let lab = Lab::used();
    undefine(&lab, "db");
    lab.sim.delete_volume(POOL, "db.disk.data").unwrap();
    for choices in [Choices::default(), replace("db")] {
        refused(&lab, &choices, &["db.disk.data", "mounted", "--delete-data db"]);
    }
    let given_up = delete_data("db");
    let plan = lab.plan_with(&small(), &given_up);
    assert!(plan.to_string().contains("begins empty: its data is given up by --delete-data"), "{plan}");
    assert!(!plan.to_string().contains("it has no unwanted data disk"), "{plan}");
    lab.apply_with(&small(), &given_up);
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
}

#[test]
fn a_root_that_never_ran_is_no_proof_of_data() {
    let lab = Lab::new();
    let stopped = crate::lab::db().power(fmc_core::machine::Power::Stopped);
    lab.apply(&wanted(&cloud([lan()], [web(), stopped])));
    lab.sim.undefine_domain("db").unwrap();
    lab.sim.delete_volume(POOL, "db.disk.data").unwrap();
    lab.apply(&small());
    assert_eq!(lab.volumes("db.disk."), ["db.disk.data"]);
}
