//! A disk that lies over a volume of ours holds what was written since, whatever it is called, wherever it is, and whether
//! libvirt lists it: neither the volume below nor the domain that names the disk goes.

use fmc_core::disk::Disk;
use fmc_core::graph::{Action, Choices, DeleteData, NoteKind, Plan, Step, Wanted};
use fmc_core::machine::{Interface, Machine};
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::link::Link as _;

use crate::lab::{Lab, cloud, delete_all_data, lan, notes, nothing, replace, rocky, small, wanted, web};

const POOL: &str = "fmc-first";
const FOLDER: &str = "/var/lib/libvirt/images/fmc-first";

fn delete_data(name: &str) -> Choices {
    Choices { delete_data: DeleteData::Of([name.to_owned()].into()), ..Choices::default() }
}

/// A lab whose guests have run; the disk of db whose name begins so has an overlay, of which the pool's list knows nothing.
fn snapped(disk: &str, overlay: &str) -> Lab {
    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.snapshot("db", "nightly").unwrap();
    // Only this one: the other disk is merged.
    let other = if disk == "root" { "db.disk." } else { "db.root." };
    let plain = lab.volumes(other).into_iter().find(|name| !name.ends_with("nightly")).unwrap();
    lab.sim.now_on("db", &format!("{FOLDER}/{other}nightly"), &format!("{FOLDER}/{plain}")).unwrap();
    lab.sim.delete_volume(POOL, &format!("{other}nightly")).unwrap();
    lab.sim.rename_volume(POOL, &format!("db.{disk}.nightly"), overlay).unwrap();
    lab.sim.unlist_volume(POOL, overlay).unwrap();
    lab
}

fn without_db() -> Wanted<Document> {
    wanted(&cloud([lan()], [web()]))
}

fn without_its_disk() -> Wanted<Document> {
    let plain = Machine::new("db", rocky())
        .memory(4.gib())
        .root_disk(20.gib())
        .interface(Interface::on("lab").address("10.17.3.11"));
    wanted(&cloud([lan()], [web(), plain]))
}

/// Nothing of db goes, and the plan says what to do about the overlay.
fn stays(plan: &Plan<Document>, overlay: &str, target: &str) {
    let touches = |step: &Step<Document>| {
        step.part_of.as_deref() == Some("machine/db") || step.address.name().contains("/db.")
    };
    assert!(!plan.steps.iter().any(touches), "{plan}");
    let said = plan.notes.iter().filter(|note| note.kind.is_unmet());
    let command = format!("virsh blockcommit db {target} --active --shallow --pivot --wait");
    let mut texts = said.map(|note| format!("{}: {}", note.about, note.text));
    assert!(
        texts.any(|text| text.starts_with("machine/db: ")
            && text.contains(overlay)
            && text.contains(&command)),
        "{plan}"
    );
    let kept = notes(plan, NoteKind::Kept);
    // The other disk may be given up, with the machine.
    assert!(target == "vda" || !kept.iter().any(|note| note.contains("--delete-data")), "{plan}");
}

#[test]
fn neither_the_base_nor_the_machine_of_an_overlay_goes() {
    let cases = [
        ("disk", "db.disk.nightly", "vdb"),
        ("disk", "db.disk.data2", "vdb"),
        ("disk", "nightly.qcow2", "vdb"),
        ("root", "db.root.deadbeef", "vda"),
        ("root", "db.root.nightly", "vda"),
    ];
    for (disk, overlay, target) in cases {
        for wanted in [without_its_disk(), without_db(), nothing(), small()] {
            for choices in [Choices::default(), delete_data("db"), delete_all_data()] {
                let lab = snapped(disk, overlay);
                let before: Vec<String> = lab.volumes("db.");
                let plan = lab.plan_with(&wanted, &choices);
                stays(&plan, overlay, target);
                for _ in 0..2 {
                    drop(lab.try_apply(&wanted, &choices));
                    let after = lab.volumes("db.");
                    assert!(
                        before.iter().all(|name| after.contains(name)),
                        "{overlay} {choices:?}: {after:?}"
                    );
                    let record = lab.sim.domain("db").unwrap().unwrap();
                    assert!(record.active && record.xml.contains(overlay), "{overlay}");
                }
            }
        }
    }
}

#[test]
fn a_root_under_a_file_outside_of_its_pool_stays_with_its_machine() {
    let lab = Lab::new();
    lab.apply(&small());
    let root = lab.volumes("db.root.").remove(0);
    lab.sim.now_on("db", &format!("{FOLDER}/{root}"), "/srv/snaps/db.snap").unwrap();
    // With a header that says what lies below, and without one.
    for known in [false, true] {
        for name in ["db.snap", root.as_str()] {
            let lab = lab.copy();
            lab.sim.now_on("db", "/srv/snaps/db.snap", &format!("/srv/snaps/{name}")).unwrap();
            if known {
                lab.sim.put_overlay(&format!("/srv/snaps/{name}"), &format!("{FOLDER}/{root}"));
            }
            stays(&lab.plan(&without_db()), name, "vda");
            for _ in 0..3 {
                drop(lab.try_apply(&without_db(), &delete_data("db")));
                drop(lab.try_apply(&nothing(), &delete_all_data()));
            }
            assert_eq!(lab.volumes("db.root."), std::slice::from_ref(&root));
            assert_eq!(lab.volumes("db.disk."), ["db.disk.data"]);
            assert!(lab.sim.domain("db").unwrap().unwrap().active);
            // It is merged.
            lab.sim.now_on("db", &format!("/srv/snaps/{name}"), &format!("{FOLDER}/{root}")).unwrap();
            lab.apply_with(&nothing(), &delete_all_data());
            assert_eq!(lab.lists(), [""; 0]);
        }
    }
}

#[test]
fn a_machine_that_is_off_under_an_overlay_stays_too() {
    let lab = snapped("disk", "db.disk.nightly");
    lab.sim.destroy_domain("db").unwrap();
    for wanted in [without_its_disk(), without_db(), nothing()] {
        let plan = lab.plan_with(&wanted, &delete_all_data());
        stays(&plan, "db.disk.nightly", "vdb");
    }
}

#[test]
fn a_disk_that_a_person_attached_does_not_keep_its_machine() {
    let lab = Lab::new();
    lab.apply(&small());
    let disk = "<disk type='file' device='disk'><source file='/srv/more.qcow2'/><target dev='vdx' bus='virtio'/></disk></devices>";
    lab.sim.edit("db", "</devices>", disk).unwrap();
    let plan = lab.plan(&without_db());
    assert!(plan.steps.iter().any(|step| step.action == Action::Delete), "{plan}");
    lab.apply(&without_db());
    assert_eq!(lab.sim.domain("db").unwrap(), None);
}

#[test]
fn an_overlay_is_merged_and_the_machine_can_go() {
    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.snapshot("db", "nightly").unwrap();
    assert!(lab.try_apply(&small(), &replace("db")).is_err());
    lab.sim.merge("db").unwrap();
    lab.apply(&without_db());
    assert_eq!(lab.sim.domain("db").unwrap(), None);
    assert_eq!(lab.volumes("db.disk."), ["db.disk.data"]);
}

#[test]
fn an_earlier_root_stays_while_the_machines_own_is_missing() {
    let lab = snapped("disk", "db.disk.nightly");
    let root = lab.volumes("db.root.").remove(0);
    lab.sim.delete_volume(POOL, &root).unwrap();
    let earlier = "<volume><name>db.root.deadbeef</name><capacity>1000</capacity></volume>";
    lab.sim.plant_volume(POOL, earlier).unwrap();
    let plan = lab.plan(&small());
    assert!(plan.steps.is_empty(), "{plan}");
    let text = plan.to_string();
    for words in ["db.root.deadbeef", "an earlier root", &root, "--replace db deletes it"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_disk_under_an_overlay_does_not_grow() {
    let larger = Machine::new("db", rocky())
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("data", 60.gib()))
        .interface(Interface::on("lab").address("10.17.3.11"));
    let larger = wanted(&cloud([lan()], [web(), larger]));
    for is_on in [true, false] {
        let lab = Lab::used();
        lab.sim.snapshot("db", "nightly").unwrap();
        if !is_on {
            lab.sim.destroy_domain("db").unwrap();
        }
        let plan = lab.plan(&larger);
        assert!(plan.steps.is_empty(), "{plan}");
        stays(&plan, "db.root.nightly", "vda");
        // It grows once it is merged.
        lab.sim.merge("db").unwrap();
        lab.apply(&larger);
    }
}
