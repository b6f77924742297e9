//! A data disk that somebody made smaller by hand has lost bytes: a plan says so, and does not grow it as if it were whole.

use fmc_core::disk::Disk;
use fmc_core::graph::{Choices, NoteKind, Wanted};
use fmc_core::provider::DriftKind;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::provider::drifted::drift;
use fmc_libvirt::sim::Sim;

use crate::lab::{Lab, cloud, db, delete_data, lan, notes, now, replace, small, wanted, web};

const DISK: &str = "db.disk.data";
const GIB: u64 = 1 << 30;

/// The world in which the disk of db has this size.
fn cut(lab: &Lab, bytes: u64) -> Lab {
    let mut world: serde_json::Value = serde_json::from_str(&lab.sim.to_json().unwrap()).unwrap();
    world["pools"]["fmc-first"]["volumes"][DISK]["capacity"] = bytes.into();
    Lab::on(Sim::from_json("sim:", &world.to_string()).unwrap())
}

fn of_size(gib: u32) -> Wanted<Document> {
    let mut db = db();
    db.disks.clear();
    wanted(&cloud([lan()], [web(), db.disk(Disk::new("data", gib.gib()))]))
}

fn size(lab: &Lab) -> u64 {
    lab.sim.volume("fmc-first", DISK).unwrap().unwrap().capacity / GIB
}

#[track_caller]
fn tells(lab: &Lab, wanted: &Wanted<Document>, words: &str) {
    for choices in [Choices::default(), replace("db")] {
        let left = notes(&lab.plan_with(wanted, &choices), NoteKind::Left).join("\n");
        assert!(left.contains(words) && left.contains("is lost"), "{left}");
    }
    let drift = drift(wanted, &now(fmc_core::graph::Provider::observe(&lab.provider, wanted)).unwrap());
    let told: Vec<_> = drift.drift.iter().filter(|one| one.address.name().ends_with(DISK)).collect();
    assert!(matches!(told.as_slice(), [one] if one.kind == DriftKind::Changed), "{drift:?}");
    assert!(drift.unclear.iter().all(|one| !one.address.name().ends_with(DISK)), "{drift:?}");
    let before = size(lab);
    drop(lab.try_apply(wanted, &Choices::default()));
    drop(lab.try_apply(wanted, &replace("db")));
    assert_eq!(size(lab), before, "it was grown");
    let left = notes(&lab.plan(wanted), NoteKind::Left).join("\n");
    assert!(left.contains(words), "after an apply: {left}");
}

#[test]
fn a_disk_that_was_cut_is_told_with_both_sizes_and_not_grown() {
    let lab = Lab::used();
    tells(&cut(&lab, 3 * GIB), &small(), "has 3 GiB, and had 50 GiB");
    // Another change of the machine goes on.
    let lab = cut(&lab, 3 * GIB);
    let larger = wanted(&cloud([lan()], [web(), db().memory(8.gib())]));
    assert!(lab.plan(&larger).step("machine/db").is_some(), "{}", lab.plan(&larger));
    tells(&lab, &larger, "has 3 GiB, and had 50 GiB");
    // Put back, it is whole.
    let lab = cut(&lab, 50 * GIB);
    assert!(lab.plan(&larger).notes.iter().all(|note| note.kind != NoteKind::Left), "{}", lab.plan(&larger));
}

#[test]
fn a_disk_that_grew_and_was_cut_is_told_with_the_size_that_it_had() {
    let lab = Lab::used();
    lab.apply(&of_size(80));
    assert_eq!(size(&lab), 80);
    assert!(lab.plan(&of_size(80)).is_empty(), "{}", lab.plan(&of_size(80)));
    tells(&cut(&lab, 60 * GIB), &of_size(80), "has 60 GiB, and had 80 GiB");
    // More is wanted than it ever had.
    tells(&cut(&lab, 60 * GIB), &of_size(90), "has 60 GiB, and had 80 GiB");
    // Its domain is changed in the same apply.
    let mut larger = db().memory(8.gib());
    larger.disks.clear();
    lab.apply(&wanted(&cloud([lan()], [web(), larger.disk(Disk::new("data", 90.gib()))])));
    lab.sim.destroy_domain("db").unwrap();
    lab.apply(&of_size(100));
    tells(&cut(&lab, 60 * GIB), &of_size(100), "has 60 GiB, and had 100 GiB");
}

#[test]
fn a_smaller_size_that_the_cloud_says_and_a_disk_that_is_made_anew_are_no_loss() {
    let lab = Lab::used();
    let small_one = cut(&lab, 3 * GIB);
    assert!(small_one.plan(&of_size(3)).is_empty(), "{}", small_one.plan(&of_size(3)));
    // Its data is given up, and the new one is smaller from the beginning.
    lab.apply(&wanted(&cloud([lan()], [web()])));
    lab.apply_with(&of_size(10), &delete_data("db"));
    assert_eq!(size(&lab), 10);
    lab.apply(&of_size(20));
    assert_eq!(size(&lab), 20);
    assert!(lab.plan(&of_size(20)).is_empty(), "{}", lab.plan(&of_size(20)));
}
