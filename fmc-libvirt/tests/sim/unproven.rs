//! What nothing but a name says to be fmc's is neither deleted nor used, and each plan shows it.

use fmc_core::cloud::Cloud;
use fmc_core::disk::Disk;
use fmc_core::graph::{Choices, NoteKind, Wanted};
use fmc_core::host::{Host, Pool};
use fmc_core::machine::Machine;
use fmc_core::name::HostName;
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::files::Files;
use fmc_libvirt::image::Images;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::{Fault, Sim, When};

use crate::lab::{
    Lab, blank, cloud, db, delete_all_data, delete_data, lan, notes, nothing, replace, small, wanted, web,
};

const POOL: &str = "fmc-first";
const RECORD: &str = "db.disk.data.v1.none.none";
const COPY: &str = "fmc.first.db.disk.data";

/// A file with content, as a person's copy of a disk is one.
fn put(lab: &Lab, pool: &str, name: &str) {
    let text = format!(
        "<volume><name>{name}</name><capacity>1073741824</capacity><allocation>1073741824</allocation></volume>"
    );
    lab.sim.create_volume(pool, &text).unwrap();
}

fn has(lab: &Lab, pool: &str, name: &str) -> bool {
    lab.sim.volume(pool, name).unwrap().is_some()
}

/// A plan as it is shown, without the space of its columns.
fn shown(lab: &Lab, wanted: &Wanted<Document>, choices: &Choices) -> String {
    lab.plan_with(wanted, choices).to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn kept(lab: &Lab, wanted: &Wanted<Document>, choices: &Choices) -> String {
    notes(&lab.plan_with(wanted, choices), NoteKind::Kept).join("\n")
}

fn rest() -> Wanted<Document> {
    wanted(&cloud([lan()], [blank("other")]))
}

fn with_disk(disk: Disk) -> Wanted<Document> {
    wanted(&cloud([lan()], [web(), db().disk(disk)]))
}

/// Somebody removes the domain db and all that was made for it but its data.
fn remove_all_but_data(lab: &Lab) {
    lab.sim.destroy_domain("db").unwrap();
    lab.sim.undefine_domain("db").unwrap();
    for name in lab.volumes("db.root.").into_iter().chain(lab.volumes("db.boot.")) {
        lab.sim.delete_volume(POOL, &name).unwrap();
    }
}

/// A host with the pools `fast`, in which db has its data, and `backup`.
fn two_pools(machines: impl IntoIterator<Item = Machine>) -> Wanted<Document> {
    let host = Host::local().pool(Pool::new("fast", "/fast")).pool(Pool::new("backup", "/backup"));
    wanted(&Cloud::new("first").host(host).network(lan()).machines(machines))
}

fn in_fast() -> Machine {
    let mut db = db();
    db.disks.clear();
    db.disk(Disk::new("data", 50.gib()).pool("fast"))
}

fn with_pools(kind: &str) -> Lab {
    let lab = Lab::new();
    for pool in ["fast", "backup"] {
        let xml =
            format!("<pool type='{kind}'><name>{pool}</name><target><path>/{pool}</path></target></pool>");
        lab.sim.plant_pool(&xml).unwrap();
    }
    lab.apply(&two_pools([in_fast(), blank("other")]));
    lab
}

#[test]
fn a_copy_of_the_same_name_in_another_pool_is_not_deleted() {
    for kind in ["dir", "logical"] {
        let lab = with_pools(kind);
        put(&lab, "backup", COPY);
        put(&lab, POOL, "db.disk.data");
        let copies = || has(&lab, "backup", COPY) && has(&lab, POOL, "db.disk.data");
        assert!(lab.plan(&two_pools([in_fast(), blank("other")])).is_empty());
        let lost = "- volume fast/fmc.first.db.disk.data delete 50 GiB of data, released by --delete-data";
        for (wanted, choices) in
            [(nothing(), delete_all_data()), (two_pools([blank("other")]), delete_data("db"))]
        {
            let lab = lab.copy();
            let plan = shown(&lab, &wanted, &choices);
            assert!(plan.contains(lost), "{plan}");
            let said = kept(&lab, &wanted, &choices);
            assert!(said.contains("backup/fmc.first.db.disk.data: 1 GiB of unknown data"), "{said}");
            lab.apply_with(&wanted, &choices);
            assert!(!has(&lab, "fast", COPY) && has(&lab, "backup", COPY), "{kind}: {:?}", lab.lists());
            assert!(has(&lab, POOL, "db.disk.data"), "{kind}: {:?}", lab.lists());
        }
        // In two steps, with the disk kept in between.
        lab.apply(&two_pools([blank("other")]));
        lab.apply_with(&nothing(), &delete_all_data());
        assert!(kind == "logical" || (!has(&lab, "fast", COPY) && copies()), "{:?}", lab.lists());
    }
}

/// Two hosts have the same storage of the network: what one machine has is in the lists of both.
#[test]
fn the_data_of_a_machine_is_not_deleted_on_another_host_that_has_its_storage() {
    for (source, is_shared) in [("nas", true), ("other-nas", false)] {
        let (one, two) = (Sim::new(), Sim::new());
        two.identity("6a0b2a4e-6e7a-4f6c-9d5e-1f2f3a4b5c6d");
        for (sim, host) in [(&one, "nas"), (&two, source)] {
            let pool = format!(
                "<pool type='netfs'><name>fast</name><source><host name='{host}'/><dir path='/export'/></source><target>\
                 <path>/fast</path></target></pool>"
            );
            sim.plant_pool(&pool).unwrap();
        }
        let name = HostName::literal;
        let provider = Libvirt::new().host(name("a"), one.clone()).host(name("b"), two.clone());
        let provider = provider.images(Images::default().files(Files::anywhere("")));
        let lab = Lab { sim: one, provider };
        let host = |name| Host::new(name).pool(Pool::new("fast", "/fast"));
        let network = Network::nat("lab", "10.17.3.0/24").host("a");
        let cloud = Cloud::new("first").hosts([host("a"), host("b")]).network(network);
        let wanted = wanted(&cloud.machine(in_fast().host("a")));
        lab.apply(&wanted);
        let there = Lab::on(two);
        put(&there, "fast", COPY);
        let record = format!("<volume><name>{COPY}.v1.none.none</name><capacity>0</capacity></volume>");
        there.sim.create_volume("fast", &record).unwrap();
        let plan = lab.plan_with(&wanted, &delete_data("db"));
        assert_eq!(plan.steps.is_empty(), is_shared, "{plan}");
        assert_eq!(kept(&lab, &wanted, &Choices::default()).is_empty(), is_shared, "{plan}");
        let plan = lab.plan_with(&nothing(), &delete_all_data()).to_string();
        assert_eq!(
            plan.matches("released by --delete-data").count(),
            if is_shared { 1 } else { 2 },
            "{plan}"
        );
    }
}

/// Somebody copies all files of a pool, with the records beside the disks.
#[test]
fn a_copy_with_its_record_is_not_deleted() {
    let lab = with_pools("dir");
    put(&lab, "backup", COPY);
    let record = format!("<volume><name>{COPY}.v1.none.none</name><capacity>0</capacity></volume>");
    lab.sim.create_volume("backup", &record).unwrap();
    let one = two_pools([blank("other")]);
    for (wanted, choices) in [(&nothing(), delete_all_data()), (&one, delete_data("db"))] {
        let lab = lab.copy();
        lab.apply_with(wanted, &choices);
        assert!(!has(&lab, "fast", COPY) && has(&lab, "backup", COPY), "{:?}", lab.lists());
    }
    // Once the machine is gone nothing shows which one it had.
    lab.apply(&one);
    let said = kept(&lab, &one, &delete_data("db"));
    assert!(said.matches("it is one of several of this name").count() == 2, "{said}");
    lab.apply_with(&one, &delete_data("db"));
    lab.copy().apply(&two_pools([in_fast(), blank("other")]));
    lab.sim.rename_volume("backup", COPY, "copy.img").unwrap();
    lab.apply_with(&one, &delete_data("db"));
    assert!(!has(&lab, "fast", COPY) && has(&lab, "backup", "copy.img"), "{:?}", lab.lists());
}

/// Nothing tells such a copy from a disk that its owner moved or restored, so it is what its record says: kept data.
#[test]
fn a_copy_with_its_record_is_kept_data_once_the_original_is_gone() {
    let lab = with_pools("dir");
    put(&lab, "backup", COPY);
    let record = format!("<volume><name>{COPY}.v1.none.none</name><capacity>0</capacity></volume>");
    lab.sim.create_volume("backup", &record).unwrap();
    let one = two_pools([blank("other")]);
    lab.apply_with(&one, &delete_data("db"));
    assert!(!has(&lab, "fast", COPY), "{:?}", lab.lists());
    // Each plan shows it, and none deletes it unasked.
    let said = kept(&lab, &one, &Choices::default());
    assert!(said.contains("backup/fmc.first.db.disk.data: 1 GiB of data"), "{said}");
    assert!(said.contains("--delete-data db deletes it"), "{said}");
    lab.apply(&one);
    lab.apply(&nothing());
    assert!(has(&lab, "backup", COPY), "{:?}", lab.lists());
    // A machine that has it again says so, and the deletion of a person's choice has a line with its place.
    let mut db = db();
    db.disks.clear();
    let again = two_pools([db.disk(Disk::new("data", 1.gib()).pool("backup")), blank("other")]);
    let plan = shown(&lab, &again, &Choices::default());
    assert!(plan.contains("takes over the data disk data (1 GiB)"), "{plan}");
    let plan = shown(&lab, &one, &delete_data("db"));
    let line = "- volume backup/fmc.first.db.disk.data delete 1 GiB of data, released by --delete-data";
    assert!(plan.contains(line), "{plan}");
}

#[test]
fn destroy_names_each_data_disk_that_it_deletes() {
    let lab = Lab::new();
    lab.apply(&with_disk(Disk::new("logs", 50.gib())));
    let plan = shown(&lab, &nothing(), &delete_all_data());
    for disk in ["fmc-first/db.disk.data", "fmc-first/db.disk.logs"] {
        assert!(plan.contains(&format!("- volume {disk} delete 50 GiB of data, released")), "{plan}");
    }
    assert!(plan.contains("5 to delete"), "a network, a pool, two machines and a base: {plan}");
}

#[test]
fn a_copy_of_a_root_is_never_the_root_of_a_machine_whose_domain_is_gone() {
    let lab = Lab::used();
    remove_all_but_data(&lab);
    put(&lab, POOL, "db.root.0a1b2c3d");
    let plan = lab.plan(&small());
    let said = notes(&plan, NoteKind::Refused).join("\n");
    assert!(said.contains("nothing shows whether it ran on db.root.0a1b2c3d"), "{plan}");
    lab.try_apply(&small(), &Choices::default()).unwrap_err();
    // It may be asked for.
    let root = said.split("virsh vol-clone db.root.0a1b2c3d ").nth(1).unwrap().split(' ').next().unwrap();
    let cloned = lab.copy();
    put(&cloned, POOL, root);
    cloned.apply(&small());
    assert!(cloned.sim.domain("db").unwrap().unwrap().xml.contains(root));
    lab.apply_with(&small(), &replace("db"));
    let xml = lab.sim.domain("db").unwrap().unwrap().xml;
    assert!(has(&lab, POOL, "db.root.0a1b2c3d") && !xml.contains("0a1b2c3d"), "{:?}", lab.lists());
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
}

#[test]
fn a_root_that_a_replacement_deletes_has_a_line() {
    let lab = Lab::used();
    lab.sim.destroy_domain("db").unwrap();
    lab.sim.undefine_domain("db").unwrap();
    let root = lab.volumes("db.root.").remove(0);
    let other = with_disk(Disk::new("more", 1.gib()).mount("/srv/more"));
    lab.sim.delete_volume(POOL, "db.disk.data").unwrap();
    let choices = Choices { replace: ["db".to_owned()].into(), ..delete_data("db") };
    let plan = shown(&lab, &other, &choices);
    let line = format!("- volume fmc-first/{root} delete 20 GiB of an earlier root");
    assert!(plan.contains(&line), "{plan}");
    lab.apply_with(&other, &choices);
    assert!(!has(&lab, POOL, &root));
}

/// A boot configuration that was not sent to its end cannot be told from a copy of one.
#[test]
fn a_boot_configuration_that_is_not_committed_has_a_line_when_it_goes() {
    let lab = Lab::used();
    put(&lab, POOL, "db.boot.0a1b2c3d");
    let larger = wanted(&cloud([lan()], [web(), db().memory(6.gib())]));
    for (wanted, choices) in [(larger, Choices::default()), (nothing(), delete_all_data())] {
        let plan = shown(&lab, &wanted, &choices);
        assert!(plan.contains("- volume fmc-first/db.boot.0a1b2c3d delete the rest of an upload"), "{plan}");
    }
}

/// Somebody attaches copies of its own disks to a machine, to look into them.
#[test]
fn a_copy_that_is_attached_to_its_machine_stays_a_copy() {
    let lab = Lab::used();
    let folder = "/var/lib/libvirt/images/fmc-first";
    let disk = |target: &str, name: &str| {
        format!(
            "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{folder}/{name}'/><target \
             dev='{target}' bus='virtio'/></disk></devices>"
        )
    };
    for (target, name) in [("vdy", "db.root.0a1b2c3d"), ("vdz", "db.disk.backup")] {
        put(&lab, POOL, name);
        lab.sim.edit("db", "</devices>", &disk(target, name)).unwrap();
    }
    for (wanted, choices) in [(rest(), delete_data("db")), (nothing(), delete_all_data())] {
        let lab = lab.copy();
        lab.apply_with(&wanted, &choices);
        lab.apply_with(&wanted, &choices);
        assert!(lab.sim.domain("db").unwrap().is_none() && !has(&lab, POOL, "db.disk.data"));
        for copy in ["db.root.0a1b2c3d", "db.disk.backup"] {
            assert!(has(&lab, POOL, copy), "{copy}: {:?}", lab.lists());
        }
    }
}

/// Somebody lets a machine go on with a copy of its data in the place of the data.
#[test]
fn a_copy_in_the_place_of_a_data_disk_stays_a_copy() {
    let lab = Lab::used();
    put(&lab, POOL, "db.disk.backup");
    let folder = "/var/lib/libvirt/images/fmc-first";
    lab.sim.now_on("db", &format!("{folder}/db.disk.data"), &format!("{folder}/db.disk.backup")).unwrap();
    for wanted in [rest(), nothing()] {
        for _ in 0..3 {
            drop(lab.try_apply(&wanted, &delete_all_data()));
        }
        assert!(has(&lab, POOL, "db.disk.backup"), "{:?}", lab.lists());
    }
    assert!(kept(&lab, &nothing(), &delete_all_data()).contains("db.disk.backup: "));
}

#[test]
fn a_saved_copy_of_a_console_stays() {
    for is_listed in [true, false] {
        for lists_later in [true, false] {
            let lab = Lab::used();
            put(&lab, POOL, "db-before-crash.console");
            if !is_listed {
                lab.sim.unlist_volume(POOL, "db-before-crash.console").unwrap();
            }
            lab.apply(&small());
            for wanted in [rest(), nothing()] {
                if lists_later {
                    lab.sim.refresh_pool(POOL).unwrap();
                }
                drop(lab.try_apply(&wanted, &delete_all_data()));
            }
            lab.sim.refresh_pool(POOL).unwrap();
            assert!(has(&lab, POOL, "db-before-crash.console"), "{:?}", lab.lists());
            assert_eq!(lab.volumes(""), ["db-before-crash.console"]);
            let said = kept(&lab, &nothing(), &delete_all_data());
            assert!(said.contains("holds db-before-crash.console, not ours"), "{said}");
        }
    }
}

#[test]
fn a_copy_does_not_become_a_new_data_disk_of_a_machine() {
    let lab = Lab::used();
    put(&lab, POOL, "db.disk.backup");
    let more = || with_disk(Disk::new("backup", 1.gib()));
    let before = (lab.lists(), lab.sim.domain("db").unwrap().unwrap().xml);
    for choices in [Choices::default(), replace("db"), delete_data("db"), delete_all_data()] {
        let plan = lab.plan_with(&more(), &choices);
        let said = notes(&plan, NoteKind::Refused).join("\n");
        let words = ["fmc-first/db.disk.backup, 1 GiB of unknown data", "virsh vol-create-as fmc-first"];
        assert!(words.iter().all(|words| said.contains(words)), "{plan}");
        lab.try_apply(&more(), &choices).unwrap_err();
    }
    assert_eq!(before, (lab.lists(), lab.sim.domain("db").unwrap().unwrap().xml));
    // A machine that is not there does not get it either.
    let new = lab.copy();
    new.apply(&rest());
    assert!(notes(&new.plan(&more()), NoteKind::Refused).join("\n").contains("db.disk.backup"));
    new.try_apply(&more(), &delete_data("db")).unwrap_err();
    assert!(has(&new, POOL, "db.disk.backup"));
    // Somebody says that it is the cloud's.
    let record = "<volume><name>db.disk.backup.v1.none.none</name><capacity>0</capacity></volume>";
    lab.sim.create_volume(POOL, record).unwrap();
    let plan = lab.plan(&more());
    let said = notes(&plan, NoteKind::Notice).join("\n");
    assert!(said.contains("takes over the data disk fmc-first/db.disk.backup (1 GiB)"), "{plan}");
    lab.apply(&more());
    lab.apply_with(&nothing(), &delete_all_data());
    assert!(lab.lists().is_empty(), "{:?}", lab.lists());
}

/// A person's file has the name that the record of a disk would have.
#[test]
fn a_disk_whose_record_cannot_be_written_is_not_made() {
    let lab = Lab::new();
    lab.apply(&wanted(&cloud([lan()], [web()])));
    put(&lab, POOL, RECORD);
    let plan = lab.plan(&small());
    let said = notes(&plan, NoteKind::Refused).join("\n");
    assert!(said.starts_with("machine/db: ") && said.contains(RECORD), "{plan}");
    lab.try_apply(&small(), &Choices::default()).unwrap_err();
    assert!(has(&lab, POOL, RECORD) && !has(&lab, POOL, "db.disk.data"));
    lab.sim.rename_volume(POOL, RECORD, "kept-by-hand").unwrap();
    lab.apply(&small());
    // One that comes between plan and apply.
    lab.apply_with(&rest(), &delete_data("db"));
    let plan = lab.plan(&small());
    put(&lab, POOL, RECORD);
    let outcome = lab.run(plan, &small(), &Choices::default(), |_| {}).unwrap();
    let error = outcome.converged().unwrap_err().to_string();
    assert!(error.contains(RECORD) && error.contains("which fmc did not make"), "{error}");
    assert!(has(&lab, POOL, RECORD) && !has(&lab, POOL, "db.disk.data"));
}

#[test]
fn a_machine_whose_disk_cannot_have_a_record_is_not_removed() {
    let lab = Lab::used();
    lab.sim.delete_volume(POOL, RECORD).unwrap();
    put(&lab, POOL, RECORD);
    let mut bare = db();
    bare.disks.clear();
    let bare = wanted(&cloud([lan()], [web(), bare]));
    for wanted in [rest(), nothing(), bare] {
        let plan = lab.plan(&wanted);
        let said = notes(&plan, NoteKind::Left).join("\n");
        assert!(said.contains("db.disk.data") && said.contains(RECORD), "{plan}");
        let lab = lab.copy();
        let outcome = lab.try_apply(&wanted, &Choices::default()).unwrap();
        assert!(!outcome.is_converged(), "{outcome:?}");
        assert!(lab.sim.domain("db").unwrap().is_some_and(|db| db.xml.contains("db.disk.data")));
    }
    lab.sim.rename_volume(POOL, RECORD, "kept-by-hand").unwrap();
    lab.apply(&rest());
    assert!(kept(&lab, &rest(), &Choices::default()).contains("--delete-data db deletes it"));
}

#[test]
fn a_record_that_changes_and_cannot_be_written_is_left_and_the_earlier_one_stays() {
    let lab = Lab::used();
    let mut moved = db();
    moved.disks.clear();
    let moved = wanted(&cloud([lan()], [web(), moved.disk(Disk::new("data", 50.gib()).mount("/srv/data"))]));
    let file = "db.disk.data.v1.ext4._srv_data";
    put(&lab, POOL, file);
    let plan = lab.plan_with(&moved, &replace("db"));
    assert!(notes(&plan, NoteKind::Left).join("\n").contains(file), "{plan}");
    let outcome = lab.try_apply(&moved, &replace("db")).unwrap();
    assert!(!outcome.is_converged(), "{outcome:?}");
    assert!(has(&lab, POOL, file) && has(&lab, POOL, RECORD), "{:?}", lab.lists());
}

#[test]
fn a_pool_without_room_for_a_record_fails_the_apply() {
    let lab = Lab::used();
    lab.sim.delete_volume(POOL, RECORD).unwrap();
    let more = with_disk(Disk::new("more", 1.gib()));
    for (wanted, record) in [(more, "db.disk.more.v1.none.none"), (rest(), RECORD)] {
        let lab = lab.copy();
        let full = "cannot create: No space left on device".to_owned();
        lab.sim.on(When::call("create-volume").of(record), Fault::Fail(full));
        let outcome = lab.try_apply(&wanted, &Choices::default()).unwrap();
        let error = outcome.converged().unwrap_err().to_string();
        assert!(error.contains("No space left"), "{error}");
        assert!(lab.sim.domain("db").unwrap().is_some());
    }
}

/// A version of fmc that wrote no records kept the data, and its machine is gone.
#[test]
fn data_without_a_record_is_shown_as_unknown() {
    let lab = Lab::used();
    lab.sim.delete_volume(POOL, RECORD).unwrap();
    remove_all_but_data(&lab);
    for wanted in [rest(), nothing()] {
        let lab = lab.copy();
        for _ in 0..2 {
            let said = kept(&lab, &wanted, &delete_all_data());
            let command = "`virsh vol-create-as fmc-first db.disk.data.v1.none.none 0 --format raw`";
            let words = ["fmc-first/db.disk.data: 50 GiB of unknown data", command, "--delete-data db"];
            assert!(words.iter().all(|words| said.contains(words)), "{said}");
            lab.apply_with(&wanted, &delete_all_data());
            assert!(has(&lab, POOL, "db.disk.data"));
        }
        let plan = lab.plan_with(&wanted, &delete_data("db"));
        let said = notes(&plan, NoteKind::Notice).join("\n");
        assert!(said.contains("Nothing shows that fmc made fmc-first/db.disk.data, so it stays"), "{plan}");
        assert!(!plan.to_string().contains("vol-delete"), "{plan}");
        let record = format!("<volume><name>{RECORD}</name><capacity>0</capacity></volume>");
        lab.sim.create_volume(POOL, &record).unwrap();
        let taken = lab.copy();
        taken.apply(&small());
        assert!(taken.sim.domain("db").unwrap().is_some());
        lab.apply_with(&wanted, &delete_data("db"));
        assert!(!lab.lists().iter().any(|name| name.contains("db.disk.data")), "{:?}", lab.lists());
    }
}

/// A machine returns on its root and has its data again, although an earlier version wrote no record.
#[test]
fn a_machine_that_returns_has_its_data_and_the_plan_says_so() {
    let lab = Lab::used();
    lab.sim.delete_volume(POOL, RECORD).unwrap();
    lab.sim.destroy_domain("db").unwrap();
    lab.sim.undefine_domain("db").unwrap();
    let plan = lab.plan(&small());
    let said = notes(&plan, NoteKind::Notice).join("\n");
    assert!(said.contains("gets the data disk fmc-first/db.disk.data (50 GiB)"), "{plan}");
    lab.apply(&small());
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
    lab.apply(&rest());
    assert_eq!(lab.records(), [RECORD]);
}
