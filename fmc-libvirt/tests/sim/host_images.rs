//! Images that lie on the host: their digests, files that are replaced in place, and what lies over ours unseen.

use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::graph::{Choices, NoteKind, Plan, Wanted};
use fmc_core::image::Image;
use fmc_core::machine::Machine;
use fmc_core::unit::{Size, SizeExt as _};
use fmc_libvirt::document::Document;
use fmc_libvirt::provider::drifted::drift;
use fmc_libvirt::sim::{Fault, When};

use crate::lab::{Lab, cloud, delete_all_data, lan, notes, nothing, now, replace, small, wanted, web};

const PATH: &str = "/var/lib/libvirt/images/debian-12.qcow2";
const OLD: &[u8] = b"the image of last month";
const NEW: &[u8] = b"the image of this month";

fn machine(name: &'static str, digest: Option<Digest>) -> Machine {
    let mut image = Image::debian("12").path(PATH);
    if let Some(digest) = digest {
        image = image.digest(digest);
    }
    Machine::new(name, image).memory(2.gib()).root_disk(20.gib())
}

fn of(machines: impl IntoIterator<Item = Machine>) -> Cloud {
    cloud([lan()], machines)
}

fn db(content: &[u8]) -> Wanted<Document> {
    wanted(&of([machine("db", Some(Digest::sha256(content)))]))
}

fn with_image(content: &[u8]) -> Lab {
    let lab = Lab::new();
    lab.sim.put_image(PATH, content, 2.gib().as_bytes());
    lab
}

#[track_caller]
fn refused(plan: &Plan<Document>, words: &[&str]) {
    let notes = notes(plan, NoteKind::Refused);
    let is_said = notes.iter().any(|note| words.iter().all(|word| note.contains(word)));
    assert!(is_said, "{words:?} in {notes:?}\n{plan}");
}

#[test]
fn the_digest_of_an_image_on_the_host_is_checked_once() {
    let lab = with_image(OLD);
    lab.apply(&db(OLD));
    assert_eq!(lab.calls("file-digest"), 1, "the plan, the apply and the next plan read it once");
    assert_eq!(lab.volumes("image.").len(), 1);
    // Another process, and another machine on the image.
    let later = lab.copy();
    let both = [machine("db", Some(Digest::sha256(OLD))), machine("web", Some(Digest::sha256(OLD)))];
    later.apply(&wanted(&of(both)));
    assert_eq!(later.calls("file-digest"), 0);
    assert_eq!(later.volumes("image.").len(), 1);
    later.apply_with(&nothing(), &delete_all_data());
    assert!(later.lists().is_empty(), "{:?}", later.lists());
}

#[test]
fn an_image_that_is_not_the_one_of_the_digest_is_refused_before_anything_is_made() {
    let lab = with_image(NEW);
    let plan = lab.plan(&db(OLD));
    refused(
        &plan,
        &["machine/db", PATH, "is not the image that the digest says", &Digest::sha256(NEW).hex()],
    );
    assert!(lab.try_apply(&db(OLD), &Choices::default()).is_err());
    assert!(lab.lists().is_empty(), "{:?}", lab.lists());
}

#[test]
fn an_image_that_changes_between_plan_and_apply_makes_no_root() {
    let lab = with_image(OLD);
    let plan = lab.plan(&db(OLD));
    lab.sim.put_image(PATH, NEW, 2.gib().as_bytes());
    let outcome = lab.run(plan, &db(OLD), &Choices::default(), |_| {});
    let said = format!("{outcome:?}");
    assert!(said.contains("is not the image that the digest says"), "{said}");
    assert!(lab.volumes("db.root.").is_empty() && lab.volumes("image.").is_empty(), "{:?}", lab.lists());
}

#[test]
fn an_image_that_was_replaced_under_its_overlays_is_an_error() {
    let lab = with_image(OLD);
    lab.apply(&db(OLD));
    lab.sim.put_image(PATH, NEW, 2.gib().as_bytes());
    let before = lab.lists();
    refused(
        &lab.plan(&db(OLD)),
        &["machine/db", PATH, "is not the image that the digest says", "--replace db"],
    );
    // Nor is the machine made anew of it.
    refused(&lab.plan_with(&db(OLD), &replace("db")), &["is not the image that the digest says"]);
    assert!(lab.try_apply(&db(OLD), &replace("db")).is_err());
    assert_eq!(lab.lists(), before);
    let seen = now(fmc_core::graph::Provider::observe(&lab.provider, &db(OLD))).unwrap();
    let found = drift(&db(OLD), &seen).drift;
    let said = format!("{found:?}");
    assert!(said.contains("machine/db") && said.contains(PATH) && said.contains("digest says"), "{said}");
    // With the digest of the new file the machine is still garbage, until it is made anew.
    refused(&lab.plan(&db(NEW)), &["machine/db", PATH, "not the file that it was"]);
    lab.apply_with(&db(NEW), &replace("db"));
    assert!(lab.plan(&db(NEW)).is_empty(), "{}", lab.plan(&db(NEW)));
    // The record of the former file does not vouch for it again.
    assert_eq!(lab.volumes("image.").len(), 1);
}

#[test]
fn a_file_that_was_only_touched_is_the_image_still() {
    let lab = with_image(OLD);
    lab.apply(&db(OLD));
    lab.sim.put_image(PATH, OLD, 2.gib().as_bytes());
    assert!(lab.plan(&db(OLD)).is_empty(), "{}", lab.plan(&db(OLD)));
}

#[test]
fn a_file_without_a_digest_that_was_replaced_is_an_error_too() {
    let lab = with_image(OLD);
    let plain = wanted(&of([machine("db", None)]));
    lab.apply(&plain);
    lab.sim.put_image(PATH, NEW, 2.gib().as_bytes());
    refused(&lab.plan(&plain), &["machine/db", PATH, "not the file that it was"]);
    lab.apply_with(&plain, &replace("db"));
    assert!(lab.plan(&plain).is_empty(), "{}", lab.plan(&plain));
}

#[test]
fn a_promise_that_nobody_can_keep_is_refused() {
    let lab = Lab::new();
    lab.sim.missing(PATH);
    refused(&lab.plan(&db(OLD)), &[PATH, "a promise that nobody can keep", "leave the digest out"]);
}

#[test]
fn a_root_that_is_smaller_than_the_image_on_the_host_is_refused() {
    let lab = Lab::new();
    lab.sim.put_image(PATH, OLD, 40.gib().as_bytes());
    refused(&lab.plan(&db(OLD)), &["root disk of 20 GiB is smaller than the image", "40 GiB"]);
    assert_eq!(Size::bytes(40 << 30), 40.gib());
}

/// A domain that is off, with a disk in no pool.
fn foreign(lab: &Lab, below: &str) {
    let between = "/home/ops/between.qcow2";
    lab.sim.put_overlay(between, below);
    lab.sim.put_overlay("/home/ops/theirs.qcow2", between);
    let xml = "<domain type='kvm'><name>theirs</name><memory>65536</memory><os><type>hvm</type></os><devices>\
               <disk type='file' device='disk'><source file='/home/ops/theirs.qcow2'/><target dev='vda'/></disk>\
               </devices></domain>";
    lab.sim.plant_domain(xml).unwrap();
}

#[test]
fn a_base_under_a_foreign_machine_that_is_off_stays() {
    let lab = Lab::new();
    lab.apply(&small());
    let base = lab.volumes("base.").into_iter().find(|name| !name.ends_with(".ok")).unwrap();
    foreign(&lab, &format!("/var/lib/libvirt/images/fmc-first/{base}"));
    let plan = lab.plan_with(&nothing(), &delete_all_data());
    assert!(plan.to_string().contains("theirs, not ours, uses it"), "{plan}");
    lab.apply_with(&nothing(), &delete_all_data());
    assert_eq!(lab.volumes("base.").len(), 2, "the base and its commit: {:?}", lab.lists());
}

#[test]
fn a_root_under_a_foreign_machine_that_is_off_stays() {
    let lab = Lab::new();
    lab.apply(&small());
    let root = lab.volumes("web.root.").remove(0);
    foreign(&lab, &format!("/var/lib/libvirt/images/fmc-first/{root}"));
    lab.apply_with(&small(), &replace("web"));
    assert!(lab.volumes("web.root.").contains(&root), "{:?}", lab.lists());
    let without = wanted(&cloud([lan()], [web()]));
    lab.apply_with(&without, &Choices::default());
    lab.apply_with(&nothing(), &delete_all_data());
    assert!(lab.volumes("web.root.").contains(&root), "{:?}", lab.lists());
}

#[test]
fn a_foreign_disk_that_libvirt_cannot_read_stands_against_nothing() {
    let lab = Lab::new();
    lab.apply(&small());
    foreign(&lab, "/home/ops/base.qcow2");
    let fault = || Fault::Fail("cannot read header '/home/ops/theirs.qcow2'".into());
    lab.sim.on(When::call("file").of("/home/ops/theirs.qcow2"), fault());
    assert!(lab.plan(&small()).is_empty());
    let lab = Lab::new();
    lab.sim.on(When::call("file").of(PATH), fault());
    refused(&lab.plan(&db(OLD)), &[PATH, "a promise that nobody can keep"]);
}

#[test]
fn an_image_that_is_gone_under_its_overlays_is_asked_for() {
    for digest in [Some(Digest::sha256(OLD)), None] {
        let lab = with_image(OLD);
        let cloud = wanted(&of([machine("db", digest)]));
        lab.apply(&cloud);
        lab.sim.missing(PATH);
        refused(&lab.plan(&cloud), &["machine/db", PATH, "is its file system mounted?"]);
    }
}
