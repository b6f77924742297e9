//! What is on a data disk is known beside it, also when no machine has the disk any more.

use fmc_core::cloud::Cloud;
use fmc_core::disk::{Disk, Filesystem};
use fmc_core::graph::{Choices, Impact, NoteKind, Wanted};
use fmc_core::host::{Host, Pool};
use fmc_core::machine::{Interface, Machine};
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
    Lab, blank, cloud, delete_all_data, delete_data, lan, notes, nothing, replace, rocky, wanted,
};

const RECORD: &str = "db.disk.data.v1.ext4._srv_data";

fn bare() -> Machine {
    Machine::new("db", rocky()).root_disk(20.gib()).interface(Interface::on("lab").address("10.17.3.11"))
}

fn machine(disk: Disk) -> Machine {
    bare().disk(disk)
}

fn of(disk: Disk) -> Wanted<Document> {
    wanted(&cloud([lan()], [machine(disk)]))
}

fn data() -> Disk {
    Disk::new("data", 50.gib()).mount("/srv/data")
}

fn without() -> Wanted<Document> {
    wanted(&cloud([lan()], [blank("other")]))
}

#[test]
fn a_disk_that_was_left_behind_says_whose_it_was_what_is_on_it_and_since_when() {
    let lab = Lab::new();
    lab.apply(&of(data()));
    assert_eq!(lab.records(), [RECORD]);
    lab.apply(&without());
    assert_eq!(lab.records(), [RECORD], "it stays with its disk");
    lab.sim.put_time("fmc-first", RECORD, 1_735_689_599).unwrap();
    lab.sim.put_time("fmc-first", "db.disk.data", 1_764_374_399).unwrap();
    let known = "(50 GiB) with ext4 on /srv/data since 2024-12-31, kept since 2025-11-28";
    let plan = lab.plan(&without());
    let kept = "50 GiB of data (ext4 on /srv/data, of machine db since 2024-12-31, kept since 2025-11-28); --delete-data db";
    assert!(notes(&plan, NoteKind::Kept)[0].contains(kept), "{plan}");
    let plan = lab.plan(&of(data()));
    let said = notes(&plan, NoteKind::Notice);
    assert!(
        said[0].contains(&format!("takes over the data disk data {known} of an earlier machine db")),
        "{plan}"
    );
    // A pool with a record is not one with a stranger's file.
    lab.apply_with(&nothing(), &delete_all_data());
    assert_eq!(lab.lists(), Vec::<String>::new());
}

#[test]
fn an_unchanged_disk_costs_no_call_and_its_record_goes_with_it() {
    let lab = Lab::new();
    lab.apply(&of(data()));
    lab.sim.forget_calls();
    assert!(lab.plan(&of(data())).is_empty());
    assert_eq!(lab.calls("volume"), 0, "{:?}", lab.sim.calls());
    lab.apply(&without());
    lab.apply_with(&without(), &delete_data("db"));
    assert_eq!(lab.volumes("db."), Vec::<String>::new());
    // Somebody deletes the disk alone: the record is a rest, and a new disk does not get it.
    lab.apply(&of(data()));
    lab.apply(&without());
    lab.sim.delete_volume("fmc-first", "db.disk.data").unwrap();
    lab.copy().apply(&without());
    let plain = of(Disk::new("data", 50.gib()));
    lab.apply(&plain);
    assert_eq!(lab.records(), ["db.disk.data.v1.none.none"]);
}

#[test]
fn a_world_without_records_is_not_known_and_the_next_apply_writes_them_live() {
    let lab = Lab::new();
    lab.apply(&of(data()));
    lab.sim.delete_volume("fmc-first", RECORD).unwrap();
    let left = lab.copy();
    left.apply(&without());
    assert_eq!(left.records(), [RECORD], "the mark of its domain says what is on it, and goes");
    let kept = "50 GiB of data (ext4 on /srv/data, of machine db); --delete-data db";
    let plan = left.plan(&without());
    assert!(notes(&plan, NoteKind::Kept)[0].contains(kept), "{plan}");
    let plan = lab.plan(&of(data()));
    assert_eq!(plan.step("machine/db").unwrap().impact(), Impact::Live, "{plan}");
    lab.sim.forget_calls();
    lab.apply(&of(data()));
    assert_eq!((lab.calls("start-domain"), lab.calls("define-domain")), (0, 0));
    assert_eq!(lab.records(), [RECORD]);
}

#[test]
fn a_record_says_what_the_guest_has_and_not_what_the_cloud_wants_later() {
    let lab = Lab::new();
    lab.apply(&of(data()));
    let moved = of(data().mount("/srv/pg"));
    lab.apply(&moved);
    assert_eq!(lab.records(), [RECORD], "the guest mounts it where it did");
    let plan = lab.plan_with(&moved, &replace("db"));
    assert!(
        plan.to_string().contains("data was ext4 on /srv/data, and is on /srv/pg from then on"),
        "{plan}"
    );
    lab.apply_with(&moved, &replace("db"));
    assert_eq!(lab.records(), ["db.disk.data.v1.ext4._srv_pg"]);
    // A disk that an old guest gets has no file system until the guest is replaced.
    let second = machine(data().mount("/srv/pg")).disk(Disk::new("more", 2.gib()).mount("/srv/more"));
    let second = wanted(&cloud([lan()], [second]));
    lab.apply(&second);
    assert_eq!(lab.records(), ["db.disk.data.v1.ext4._srv_pg", "db.disk.more.v1.none.none"]);
    lab.apply_with(&second, &replace("db"));
    assert_eq!(lab.records(), ["db.disk.data.v1.ext4._srv_pg", "db.disk.more.v1.ext4._srv_more"]);
    // By another name it is the same disk, with the same record.
    let renamed = machine(Disk::new("pg", 50.gib()).formerly("data").mount("/srv/pg"));
    let renamed = renamed.disk(Disk::new("more", 2.gib()).mount("/srv/more"));
    let plan = lab.plan(&wanted(&cloud([lan()], [renamed])));
    assert!(plan.steps.is_empty(), "{plan}");
}

#[test]
fn a_file_system_that_changed_under_a_kept_disk_is_said_before_the_machine_is_replaced() {
    let lab = Lab::new();
    lab.apply(&of(data()));
    let xfs = of(data().filesystem(Filesystem::Xfs));
    let words = "its data disk data has the file system ext4, and the cloud wants xfs";
    let plan = lab.plan(&xfs);
    assert!(notes(&plan, NoteKind::Outdated)[0].contains(words), "{plan}");
    let plan = lab.plan_with(&xfs, &replace("db"));
    assert!(notes(&plan, NoteKind::Refused)[0].contains(words), "{plan}");
    lab.try_apply(&xfs, &replace("db")).unwrap_err();
    // A machine that takes it over would not mount it either.
    lab.apply(&without());
    let plan = lab.plan(&xfs);
    assert!(notes(&plan, NoteKind::Refused)[0].contains(words), "{plan}");
    lab.try_apply(&xfs, &Choices::default()).unwrap_err();
    let empty = lab.copy();
    empty.apply_with(&xfs, &delete_data("db"));
    assert_eq!(empty.records(), ["db.disk.data.v1.xfs._srv_data"]);
    // The records of a later version are left to it, and say nothing here.
    lab.sim.delete_volume("fmc-first", RECORD).unwrap();
    let later = "<volume><name>db.disk.data.v9.x</name><capacity>0</capacity></volume>";
    lab.sim.create_volume("fmc-first", later).unwrap();
    lab.apply(&of(data()));
    assert_eq!(lab.records(), ["db.disk.data.v9.x"]);
}

#[test]
fn wherever_an_apply_is_cut_the_next_one_makes_the_records_right() {
    let moved = of(data().mount("/srv/pg"));
    let lab = Lab::new();
    lab.apply(&of(data()));
    let runs: [(Lab, &Wanted<Document>, Choices, &[&str]); 3] = [
        (Lab::new(), &of(data()), Choices::default(), &[RECORD]),
        (lab.copy(), &moved, replace("db"), &["db.disk.data.v1.ext4._srv_pg"]),
        (lab.copy(), &nothing(), delete_all_data(), &[]),
    ];
    for (start, wanted, choices, records_after) in runs {
        for nth in 1..90 {
            let lab = start.copy();
            lab.sim.on(When::any().nth(nth), Fault::CutAfter);
            lab.cut_apply(wanted, &choices);
            lab.apply_with(wanted, &choices);
            let found = if lab.lists().is_empty() { Vec::new() } else { lab.records() };
            assert_eq!(found, records_after, "cut after {nth} calls");
        }
    }
}

#[test]
fn a_guest_that_mounts_a_disk_is_not_restarted_without_it_unless_somebody_asks_for_it() {
    let lab = Lab::new();
    lab.apply(&of(data()));
    let told = |kind: NoteKind, wanted: &Wanted<Document>, choices: &Choices| {
        notes(&lab.plan_with(wanted, choices), kind).join("\n")
    };
    let said = |wanted: &Wanted<Document>, choices: &Choices| told(NoteKind::Notice, wanted, choices);
    let left = |wanted: &Wanted<Document>| told(NoteKind::Left, wanted, &Choices::default());
    let gone = wanted(&cloud([lan()], [bare()]));
    let stops = "its guest mounts data until it is replaced, and would not find it: its next start would wait for /srv/data \
                 and then stop, unless the line of /srv/data is taken out of its /etc/fstab. So nothing of db is changed: put \
                 the disk back into the cloud; or --replace db makes a guest that does not look for it; or --delete-data db";
    let text = left(&gone);
    assert!(text.contains(&format!("the data disk data (50 GiB) stays behind; {stops}")), "{text}");
    // A move of the disk to another pool, and another serial, are the same to the guest.
    let xml = || lab.sim.domain("db").unwrap().unwrap().xml;
    let before = xml();
    let renamed = of(Disk::new("other", 50.gib()).mount("/srv/data"));
    for other in [&gone, &renamed, &of(data().serial("abc"))] {
        assert_eq!(lab.plan(other).steps.len(), 0, "{}", lab.plan(other));
        let outcome = lab.try_apply(other, &Choices::default()).unwrap();
        assert!(outcome.waits_for_person() && xml() == before, "{outcome:?}");
        assert!(lab.sim.domain("db").unwrap().unwrap().active && lab.volumes("db.disk.") == ["db.disk.data"]);
    }
    for choices in [replace("db"), delete_data("db")] {
        let lab = lab.copy();
        lab.apply_with(&gone, &choices);
        assert!(!lab.sim.domain("db").unwrap().unwrap().xml.contains("db.disk.data"), "{choices:?}");
        assert!(lab.plan(&gone).steps.is_empty(), "{}", lab.plan(&gone));
    }
    let text = said(&gone, &delete_data("db"));
    assert!(text.contains("the data disk data (50 GiB) is deleted; its guest mounts data"), "{text}");
    assert!(!said(&gone, &replace("db")).contains("its guest mounts"));
    let text = left(&of(data().serial("abc")));
    assert!(text.contains(&format!("the data disk data gets the serial abc; {stops}")), "{text}");
    assert_eq!(said(&of(data().serial("abc")), &replace("db")), "");
    // A disk that the guest does not mount is not missed.
    let plain = Lab::new();
    plain.apply(&of(Disk::new("data", 50.gib())));
    assert_eq!(notes(&plain.plan(&gone), NoteKind::Notice), Vec::<String>::new());
}

#[test]
fn a_disk_in_another_pool_is_another_disk_and_formerly_is_no_advice() {
    let lab = Lab::new();
    lab.apply(&of(data()));
    let pool = "<pool type='dir'><name>fast</name><target><path>/fast</path></target></pool>";
    lab.sim.plant_pool(pool).unwrap();
    let host = Host::local().pool(Pool::new("fast", "/fast"));
    let elsewhere =
        wanted(&Cloud::new("first").host(host).network(lan()).machine(machine(data().pool("fast"))));
    let said = notes(&lab.plan(&elsewhere), NoteKind::Left).join("\n");
    let words = "the data disk data (50 GiB) stays behind in the pool fmc-first, and data begins empty in the pool fast";
    assert!(said.contains(words) && !said.contains("formerly"), "{said}");
    lab.apply_with(&elsewhere, &replace("db"));
    let records: Vec<String> = lab.sim.volumes("fast").unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(records, ["fmc.first.db.disk.data", "fmc.first.db.disk.data.v1.ext4._srv_data"]);
}

#[test]
fn a_machine_that_moves_to_another_host_is_one_thing_and_leaves_no_data_unasked() {
    let (one, two) = (Sim::new(), Sim::new());
    two.identity("6a0b2a4e-6e7a-4f6c-9d5e-1f2f3a4b5c6d");
    let name = HostName::literal;
    let provider = Libvirt::new().host(name("a"), one.clone()).host(name("b"), two.clone());
    let provider = provider.images(Images::default().files(Files::anywhere("")));
    let lab = Lab { sim: one, provider };
    let hosts = || [Host::new("a"), Host::new("b")];
    let on = |host: &'static str, machine: Machine| {
        let network = Network::nat("lab", "10.17.3.0/24").host(host);
        wanted(&Cloud::new("first").hosts(hosts()).network(network).machine(machine.host(host)))
    };
    lab.apply(&on("a", machine(data())));
    let moved = on("b", machine(data()));
    let plan = lab.plan(&moved);
    let said = notes(&plan, NoteKind::Refused).join("\n");
    assert!(
        said.contains("machine/db: it would move from the host a to b, and data does not move"),
        "{plan}"
    );
    assert!(said.contains("(data 50 GiB)") && said.contains("--leave-data db"), "{plan}");
    lab.try_apply(&moved, &Choices::default()).unwrap_err();
    let leave = Choices { leave_data: ["db".to_owned()].into(), ..Choices::default() };
    let plan = lab.plan_with(&moved, &leave);
    let said = notes(&plan, NoteKind::Notice).join("\n");
    assert!(
        said.contains("moves from the host a to b") && said.contains("its data stays on a (data 50 GiB)"),
        "{plan}"
    );
    lab.apply_with(&moved, &leave);
    assert!(two.domain("db").unwrap().is_some() && lab.sim.domain("db").unwrap().is_none());
    assert_eq!(lab.volumes("db."), ["db.disk.data"]);
    // It has moved: nothing is left to say but that the data is there.
    assert!(lab.plan(&moved).is_empty());
    let said = notes(&lab.plan_with(&moved, &leave), NoteKind::Notice).join("\n");
    assert!(said.contains("--leave-data db: it leaves no data on another host"), "{said}");
    // Without data it moves at once.
    lab.apply_with(&on("b", bare()), &delete_data("db"));
    let plan = lab.plan(&on("a", bare()));
    assert!(
        notes(&plan, NoteKind::Notice).join("\n").contains("moves from the host b to a: it is made anew"),
        "{plan}"
    );
    assert_eq!(notes(&plan, NoteKind::Refused), Vec::<String>::new());
}

#[test]
fn a_machine_that_comes_while_one_like_it_goes_may_be_the_same_one() {
    let lab = Lab::new();
    lab.apply(&of(data()));
    let named = |disk: Disk| {
        let machine = Machine::new("store", rocky()).root_disk(20.gib()).disk(disk);
        wanted(&cloud([lan()], [machine.interface(Interface::on("lab").address("10.17.3.11"))]))
    };
    let said = notes(&lab.plan(&named(data())), NoteKind::Notice).join("\n");
    let words = "store comes and db, which is like it, goes: the root of db goes, its data stays behind (data 50 GiB), and store \
                 begins empty. If it is db by another name, say `formerly: db` of store";
    assert!(said.contains(words), "{said}");
    // Another kind of machine is another one.
    assert_eq!(notes(&lab.plan(&named(data().mount("/srv/other"))), NoteKind::Notice), Vec::<String>::new());
    assert_eq!(notes(&lab.plan(&without()), NoteKind::Notice), Vec::<String>::new());
}
