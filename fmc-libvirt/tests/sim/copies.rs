//! Volumes that a person made, with content, whose names look like those of fmc's own.

use fmc_core::disk::Disk;
use fmc_core::graph::{Choices, NoteKind, Wanted};
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::sim::{Fault, When};

use crate::lab::{
    Lab, blank, cloud, db, delete_all_data, delete_data, lan, notes, nothing, replace, small, wanted, web,
};

/// Copies of the data disk `db.disk.data`, with names of the form of its records.
const COPIES: [&str; 4] = [
    "db.disk.data.v1.bak",
    "db.disk.data.v1.ext4._srv_old",
    "db.disk.data.v2.before-upgrade",
    "db.disk.data.v9.a.b",
];

fn put(lab: &Lab, name: &str) {
    let text = format!("<volume><name>{name}</name><capacity>1073741824</capacity></volume>");
    lab.sim.create_volume("fmc-first", &text).unwrap();
}

/// A copy of the file of a guest's disk that somebody called `lease` is not the lease of an apply.
#[test]
fn a_stranger_called_lease_is_not_taken_over() {
    let lab = Lab::new();
    lab.apply(&small());
    put(&lab, "lease");
    let more = wanted(&cloud([lan()], [blank("other")]));
    let outcome = lab.try_apply(&more, &Choices::default()).unwrap();
    let error = outcome.converged().unwrap_err().to_string();
    assert!(error.contains("the volume lease in the pool fmc-first is not of an apply"), "{error}");
    assert!(has(&lab, "lease"));
    lab.sim.delete_volume("fmc-first", "lease").unwrap();
    lab.apply(&more);
}

fn has(lab: &Lab, name: &str) -> bool {
    lab.sim.volume("fmc-first", name).unwrap().is_some()
}

/// The cloud with its data disk mounted, so that it gets another record.
fn mounted() -> Wanted<Document> {
    let mut db = db();
    db.disks.clear();
    wanted(&cloud([lan()], [db.disk(Disk::new("data", 50.gib()).mount("/srv/data"))]))
}

#[test]
fn a_copy_named_like_a_record_is_not_a_record_and_is_never_deleted() {
    let lab = Lab::new();
    lab.apply(&small());
    for copy in COPIES {
        put(&lab, copy);
    }
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
    // Another record is written, and earlier ones are deleted.
    lab.apply_with(&mounted(), &replace("db"));
    assert!(has(&lab, "db.disk.data.v1.ext4._srv_data") && !has(&lab, "db.disk.data.v1.none.none"));
    let rest = wanted(&cloud([lan()], [blank("other")]));
    lab.apply(&rest);
    let kept = notes(&lab.plan(&rest), NoteKind::Kept).join("\n");
    assert!(kept.contains("of data (ext4 on /srv/data") && !kept.contains("_srv_old"), "{kept}");
    lab.apply_with(&rest, &delete_data("db"));
    assert!(!has(&lab, "db.disk.data") && !has(&lab, "db.disk.data.v1.ext4._srv_data"));
    // The disk is gone, and another begins empty.
    lab.apply(&rest);
    lab.apply(&mounted());
    lab.apply_with(&nothing(), &delete_all_data());
    for copy in COPIES {
        assert!(has(&lab, copy), "{copy}: {:?}", lab.lists());
    }
    let plan = lab.plan(&nothing());
    assert!(notes(&plan, NoteKind::Kept).join("\n").contains("and 3 more, not ours"), "{plan}");
    assert_eq!(lab.lists().len(), 1 + COPIES.len(), "{:?}", lab.lists());
}

#[test]
fn a_copy_of_a_root_with_a_date_in_its_name_is_never_deleted() {
    let copies = ["db.root.20251129", "db.boot.20251129", "web.root.20240229", "base.202511291530"];
    let lab = Lab::new();
    lab.apply(&small());
    for copy in copies {
        put(&lab, copy);
    }
    let before = lab.lists();
    lab.apply(&small());
    assert_eq!(lab.lists(), before);
    lab.apply_with(&small(), &replace("db"));
    // Somebody undefines the domain: the machine returns on the root that it had.
    lab.sim.undefine("db").unwrap();
    lab.apply(&small());
    lab.apply_with(&nothing(), &delete_all_data());
    for copy in copies {
        assert!(has(&lab, copy), "{copy}: {:?}", lab.lists());
    }
    let plan = lab.plan(&nothing());
    assert!(notes(&plan, NoteKind::Kept).join("\n").contains("and 3 more, not ours"), "{plan}");
}

/// A copy has content, as a guest's disk has.
fn put_full(lab: &Lab, name: &str) {
    let text = format!(
        "<volume><name>{name}</name><capacity>1073741824</capacity><allocation>1073741824</allocation></volume>"
    );
    lab.sim.create_volume("fmc-first", &text).unwrap();
}

#[test]
fn a_copy_of_a_data_disk_is_no_data_disk_of_its_machine() {
    let copies = ["db.disk.backup", "db.disk.data2", "web.disk.data"];
    let lab = Lab::new();
    lab.apply(&small());
    for copy in copies {
        put_full(&lab, copy);
    }
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
    let rest = wanted(&cloud([lan()], [blank("other")]));
    lab.apply(&rest);
    let kept = notes(&lab.plan(&rest), NoteKind::Kept);
    let of = |name: &str| kept.iter().find(|note| note.contains(&format!("/{name}: "))).unwrap();
    assert!(of("db.disk.data").contains("; --delete-data db deletes it"), "{kept:?}");
    for copy in copies {
        assert!(of(copy).contains("1 GiB of unknown data: nothing shows that fmc made it"), "{kept:?}");
    }
    let plan = lab.plan_with(&rest, &delete_data("web"));
    let notice = notes(&plan, NoteKind::Notice).join("\n");
    assert!(
        plan.steps.is_empty() && notice.contains("fmc made fmc-first/web.disk.data, so it stays"),
        "{plan}"
    );
    lab.apply_with(&rest, &delete_data("db"));
    assert!(!has(&lab, "db.disk.data"));
    lab.apply_with(&nothing(), &delete_all_data());
    for copy in copies {
        assert!(has(&lab, copy), "{copy}: {:?}", lab.lists());
    }
    assert!(lab.plan(&nothing()).steps.is_empty());
}

#[test]
fn a_copy_of_a_root_is_never_deleted_whatever_its_digits() {
    let copies = ["db.root.0a1b2c3d", "web.root.deadbeef", "gone.root.12345678"];
    let lab = Lab::new();
    lab.apply(&small());
    for copy in copies {
        put_full(&lab, copy);
    }
    let before = lab.lists();
    lab.apply(&small());
    assert_eq!(lab.lists(), before);
    lab.apply_with(&small(), &replace("db"));
    lab.sim.undefine("db").unwrap();
    lab.apply(&small());
    lab.apply_with(&mounted(), &replace("db"));
    lab.apply_with(&nothing(), &delete_all_data());
    for copy in copies {
        assert!(has(&lab, copy), "{copy}: {:?}", lab.lists());
    }
    assert_eq!(lab.lists().len(), 1 + copies.len(), "{:?}", lab.lists());
}

/// The root of a removed machine that ran goes although the apply that removed it was cut anywhere.
#[test]
fn a_root_that_a_cut_apply_left_behind_goes() {
    let start = Lab::new();
    start.apply(&wanted(&cloud([lan()], [web(), blank("other")])));
    for nth in 1..60 {
        let lab = start.copy();
        lab.sim.on(When::any().nth(nth), Fault::CutAfter);
        lab.cut_apply(&nothing(), &delete_all_data());
        lab.apply_with(&nothing(), &delete_all_data());
        assert_eq!(lab.lists(), [""; 0], "cut after {nth} calls");
    }
}

#[test]
fn a_copy_that_comes_between_plan_and_apply_is_not_deleted_either() {
    let lab = Lab::new();
    lab.apply(&small());
    let rest = wanted(&cloud([lan()], [blank("other")]));
    lab.apply(&rest);
    let choices = delete_data("db");
    let plan = lab.plan_with(&rest, &choices);
    put(&lab, "db.disk.data.v2.before-upgrade");
    drop(lab.run(plan, &rest, &choices, |_| {}));
    assert!(has(&lab, "db.disk.data.v2.before-upgrade") && !has(&lab, "db.disk.data"));
}
