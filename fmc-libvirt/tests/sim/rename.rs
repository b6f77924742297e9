//! Machines whose names change: `formerly` keeps their guests.

use fmc_core::cloud::Cloud;
use fmc_core::disk::Disk;
use fmc_core::graph::{Choices, DeleteData, Impact, NoteKind, Plan, Provider as _, Wanted};
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine, Power};
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::mark::Mark;
use fmc_libvirt::provider::drifted::drift;
use fmc_libvirt::sim::{Fault, When};

use crate::lab::{
    Lab, blank, cloud, db, delete_all_data, delete_data, lan, notes, nothing, now, replace, small, wanted,
    web,
};

/// The machine with a data disk, called otherwise now.
fn renamed(name: &str) -> Machine {
    let mut machine = db().formerly("db");
    machine.name = name.to_owned().into();
    machine
}

fn better() -> Cloud {
    cloud([lan()], [web(), renamed("store")])
}

/// What stays with a guest: its UUID, MACs and disks.
fn identity(lab: &Lab, name: &str) -> Vec<String> {
    let xml = lab.sim.domain(name).unwrap().unwrap().xml;
    let is_kept =
        |line: &&str| ["<uuid>", "<mac ", "<source file=", "<serial>"].iter().any(|it| line.contains(it));
    xml.lines().filter(is_kept).map(|line| line.trim().to_owned()).collect()
}

fn refused(plan: &Plan<Document>, words: &str) {
    let said = notes(plan, NoteKind::Refused);
    assert!(said.iter().any(|note| note.contains(words)), "{plan}");
}

#[test]
fn a_renamed_machine_keeps_its_guest() {
    let lab = Lab::new();
    lab.apply(&small());
    let before = identity(&lab, "db");
    let volumes = lab.volumes("db.");
    let wanted = wanted(&better());
    let plan = lab.plan(&wanted);
    let step = plan.step("machine/store").unwrap();
    assert_eq!(step.impact(), Impact::Restart, "{plan}");
    let text = plan.to_string();
    assert!(
        text.contains("name db -> store")
            && text.contains("renamed, which libvirt does only while it is off"),
        "{text}"
    );
    assert!(notes(&plan, NoteKind::Outdated)[0].contains("1 setting (host name)"), "{plan}");
    assert!(plan.steps.iter().all(|step| step.impact < Impact::Replace), "{plan}");
    lab.apply(&wanted);
    assert!(lab.sim.domain("db").unwrap().is_none());
    assert!(lab.sim.domain("store").unwrap().unwrap().active);
    assert_eq!(identity(&lab, "store"), before);
    assert_eq!(lab.volumes("db."), volumes);
    let mark = Mark::read(&lab.sim.domain("store").unwrap().unwrap().xml).unwrap();
    assert_eq!((mark.address.as_str(), mark.first.as_deref()), ("libvirt/local/domain/store", Some("db")));
    // A replacement takes the data disk over, and the next plan has nothing to do.
    lab.apply_with(&wanted, &replace("store"));
    assert!(lab.plan(&wanted).is_empty());
    assert_eq!(lab.volumes("db.disk."), ["db.disk.data"]);
    assert_eq!(identity(&lab, "store")[..1], before[..1]);
    let found = drift(&wanted, &now(lab.provider.observe(&wanted)).unwrap());
    assert!(found.drift.is_empty() && found.unclear.is_empty(), "{found:?}");
}

#[test]
fn a_fresh_cloud_with_a_former_name_is_made_once() {
    let lab = Lab::new();
    lab.apply(&wanted(&better()));
    assert!(lab.plan(&wanted(&better())).is_empty());
    // Back to the first name, and to a third one.
    lab.apply(&small());
    assert!(lab.sim.domain("store").unwrap().is_none() && lab.sim.domain("db").unwrap().is_some());
    let third = wanted(&cloud([lan()], [web(), renamed("archive")]));
    lab.apply(&wanted(&better()));
    lab.apply(&third);
    assert!(lab.sim.domain("archive").unwrap().is_some() && lab.volumes("db.disk.").len() == 1);
}

#[test]
fn a_machine_that_is_off_is_renamed_without_a_restart() {
    let lab = Lab::new();
    let off = |machine: Machine| wanted(&cloud([lan()], [web(), machine.power(Power::Stopped)]));
    lab.apply(&off(db()));
    let plan = lab.plan(&off(renamed("store")));
    assert_eq!(plan.step("machine/store").unwrap().impact(), Impact::Live, "{plan}");
    lab.sim.forget_calls();
    lab.apply(&off(renamed("store")));
    assert_eq!((lab.calls("rename-domain"), lab.calls("start-domain")), (1, 0));
}

#[test]
fn a_rename_that_is_cut_anywhere_ends_as_one_that_is_not() {
    let lab = Lab::new();
    lab.apply(&small());
    let before = identity(&lab, "db");
    let wanted = wanted(&better());
    let counted = lab.copy();
    counted.sim.forget_calls();
    counted.apply_with(&wanted, &Choices::default());
    let calls = u64::try_from(counted.sim.calls().len()).unwrap();
    for nth in 1..=calls {
        let lab = lab.copy();
        lab.sim.on(When::any().nth(nth), Fault::CutAfter);
        lab.cut_apply(&wanted, &Choices::default());
        lab.apply(&wanted);
        assert_eq!(identity(&lab, "store"), before, "cut after {nth} calls");
        assert!(lab.sim.domain("store").unwrap().unwrap().active);
        assert_eq!(lab.volumes("db.disk."), ["db.disk.data"]);
    }
}

#[test]
fn a_name_that_another_domain_has_is_not_taken_from_it() {
    let lab = Lab::new();
    // The machine `store` is there, and `db` is to be called so.
    lab.apply(&wanted(&cloud([lan()], [web(), db(), blank("store")])));
    let before = lab.sim.to_json().unwrap();
    let plan = lab.plan(&wanted(&better()));
    refused(&plan, "is not the one that was called db");
    let kept = notes(&plan, NoteKind::Kept);
    assert!(kept.iter().any(|note| note.contains("it is to be called store")), "{plan}");
    lab.try_apply(&wanted(&better()), &Choices::default()).unwrap_err();
    assert_eq!(lab.sim.to_json().unwrap(), before);
    // Without `formerly` it would be another machine.
    let lab = Lab::new();
    lab.apply(&wanted(&better()));
    let mut plain = db();
    plain.name = "store".into();
    refused(&lab.plan(&wanted(&cloud([lan()], [web(), plain]))), "was called db first");
}

#[test]
fn a_renamed_machine_goes_by_its_name() {
    let lab = Lab::new();
    lab.apply(&wanted(&better()));
    let without = wanted(&cloud([lan()], [web()]));
    let data =
        |name: &str| Choices { delete_data: DeleteData::Of([name.to_owned()].into()), ..Choices::default() };
    for name in ["store", "db"] {
        let lab = lab.copy();
        lab.apply_with(&without, &data(name));
        assert!(lab.volumes("db.").is_empty(), "{name}: {:?}", lab.volumes("db."));
    }
    lab.apply(&without);
    assert_eq!(lab.volumes("db."), ["db.disk.data"]);
    lab.apply_with(&nothing(), &delete_all_data());
    assert!(lab.lists().is_empty(), "{:?}", lab.lists());
}

/// A machine, called otherwise now.
fn called(mut machine: Machine, first: &str, name: &str) -> Machine {
    machine = machine.formerly(first);
    machine.name = name.to_owned().into();
    machine
}

#[test]
fn names_move_along_a_chain() {
    let lab = Lab::new();
    lab.apply(&small());
    let (first, second) = (identity(&lab, "db"), identity(&lab, "web"));
    let chain = wanted(&cloud([lan()], [called(db(), "db", "ci"), called(web(), "web", "db")]));
    lab.apply(&chain);
    assert_eq!((identity(&lab, "ci"), identity(&lab, "db")), (first, second));
}

/// A machine that gets its boot configuration in another way than the cloud wants keeps its name until it is replaced.
#[test]
fn a_name_is_free_only_when_its_machine_gives_it_up() {
    let lab = Lab::new();
    lab.apply(&small());
    let mut other = called(db(), "db", "ci");
    other.image = Image::flatcar("4593.2.0").path("/images/flatcar.img");
    let chain = |further: Option<Machine>| {
        let machines = [other.clone(), called(web(), "web", "db")].into_iter().chain(further);
        wanted(&cloud([lan()], machines))
    };
    let plan = lab.plan(&chain(None));
    let left = notes(&plan, NoteKind::Left);
    assert!(
        left.iter()
            .any(|note| note.contains("it is to be called db, and ci still has that name on the host")),
        "{plan}"
    );
    assert!(plan.steps.iter().all(|step| step.address.kind() == "network"), "{plan}");
    lab.apply(&chain(None));
    // A new machine does not get it either: it is refused, and nothing is done.
    let mut new = other.clone();
    new.name = "ci".into();
    let new = wanted(&cloud([lan()], [new, web(), called(blank("db"), "store", "db")]));
    refused(&lab.plan(&new), "ci still has that name on the host, because ci is left as it is");

    lab.apply_with(&chain(None), &replace("ci"));
    lab.apply(&chain(None));
    assert!(lab.sim.domain("ci").unwrap().is_some() && lab.sim.domain("web").unwrap().is_none());
}

#[test]
fn a_running_machine_whose_definition_was_removed_is_renamed() {
    let undefined = || {
        let lab = Lab::new();
        lab.apply(&small());
        lab.sim.undefine("db").unwrap();
        lab
    };
    let lab = undefined();
    let before = identity(&Lab::used(), "db");
    lab.apply(&wanted(&better()));
    assert_eq!(identity(&lab, "store").first(), before.first());
    for nth in 1..=lab.sim.calls().len().try_into().unwrap() {
        let lab = undefined();
        lab.sim.on(When::any().nth(nth), Fault::CutAfter);
        lab.cut_apply(&wanted(&better()), &Choices::default());
        lab.apply(&wanted(&better()));
        assert!(lab.sim.domain("store").unwrap().unwrap().active, "cut after {nth} calls");
        assert_eq!(lab.volumes("db.disk."), ["db.disk.data"]);
    }
}

#[test]
fn two_machines_do_not_change_their_names_with_each_other_at_once() {
    let lab = Lab::new();
    lab.apply(&small());
    let swap = cloud([lan()], [called(db(), "db", "web"), called(web(), "web", "db")]);
    if let Ok(checked) = swap.check() {
        refused(&lab.plan(&fmc_libvirt::documents::documents(&checked)), "change one of them first");
    }
}

/// A network by another name takes the bridge and the subnet of the one that a machine stays on.
#[test]
fn a_network_is_not_followed_while_a_machine_stays_on_it() {
    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.snapshot("db", "before").unwrap();
    let mut core = lan().formerly("lab");
    core.name = "core".into();
    let mut only_web = web();
    only_web.interfaces = vec![Interface::on("core").address("10.17.3.10")];
    let plan = lab.plan(&wanted(&cloud([core], [only_web])));
    refused(&plan, "which network/lab has: the line of network/lab says why that stays");
}

/// `first` with a data disk, called `name` now.
fn kept_as(first: &'static str, name: &'static str, disk: bool) -> Machine {
    let mut machine = blank(name).root_disk(1.gib());
    machine.interfaces.clear();
    let machine = if disk { machine.disk(Disk::new("data", 2.gib())) } else { machine };
    if first == name { machine } else { machine.formerly(first) }
}

fn only(machines: impl IntoIterator<Item = Machine>) -> Wanted<Document> {
    wanted(&cloud([lan()], machines))
}

#[test]
fn the_name_of_data_is_the_one_that_its_machine_has_today() {
    let lab = Lab::new();
    lab.apply(&only([kept_as("a", "a", true), kept_as("c", "c", true)]));
    lab.apply(&only([kept_as("a", "b", true), kept_as("c", "a", true)]));
    // Both lose their disks: `a.disk.data` is the data of `b`, and `c.disk.data` that of `a`.
    let bare = only([kept_as("a", "b", false), kept_as("c", "a", false)]);
    lab.apply(&bare);
    let kept = notes(&lab.plan(&bare), NoteKind::Kept).join("\n");
    assert!(kept.contains("a.disk.data: 2 GiB of data; --delete-data b deletes"), "{kept}");
    let one = lab.copy();
    one.apply_with(&bare, &delete_data("a"));
    assert_eq!(
        one.volumes("").iter().filter(|it| it.contains(".disk.")).collect::<Vec<_>>(),
        ["a.disk.data"]
    );
    // `b` goes. Its data keeps the name `a.disk.data`, but today's machine `a` does not own it.
    let rest = only([kept_as("c", "a", false)]);
    lab.apply(&rest);
    let kept = notes(&lab.plan(&rest), NoteKind::Kept).join("\n");
    let words = "2 GiB of data, which today's machine a does not have: another machine of this name had it, or a person copied it";
    assert!(kept.contains(words) && !kept.contains("vol-delete"), "{kept}");
    lab.apply_with(&rest, &delete_data("a"));
    assert_eq!(lab.volumes("a.disk."), ["a.disk.data"]);
    assert_eq!(lab.volumes("c.disk."), Vec::<String>::new());
    lab.apply_with(&nothing(), &delete_all_data());
    assert_eq!(lab.lists(), Vec::<String>::new());
}

#[test]
fn a_destroyed_cloud_still_knows_whose_data_it_was() {
    let cloud = only([kept_as("a", "b", true), kept_as("c", "a", true)]);
    let lab = Lab::new();
    lab.apply(&cloud);
    lab.apply(&cloud.emptied());
    let kept = notes(&lab.plan(&cloud.emptied()), NoteKind::Kept).join("\n");
    assert!(
        kept.contains("--delete-data b deletes it") && kept.contains("--delete-data a deletes it"),
        "{kept}"
    );
    lab.apply_with(&cloud.emptied(), &delete_data("a"));
    assert_eq!((lab.volumes("a.disk.").len(), lab.volumes("c.disk.").len()), (1, 0));
    lab.apply_with(&cloud.emptied(), &delete_data("b"));
    assert_eq!(lab.lists(), Vec::<String>::new());
}

/// A machine that waits for its replacement is on its old network, which somebody stopped.
#[test]
fn a_guest_that_waits_on_an_old_network_is_not_started_without_it() {
    let lab = Lab::new();
    lab.apply(&small());
    let on = |network: &str, mut machine: Machine| {
        machine.interfaces = vec![Interface::on(network.to_owned()).address("10.17.3.12")];
        machine
    };
    let mut other = on("lan", db());
    other.image = Image::flatcar("4593.2.0").path("/images/flatcar.img");
    let next = wanted(&cloud([Network::nat("lan", "10.17.3.0/24")], [other]));
    lab.sim.stop_network("lab").unwrap();
    lab.sim.destroy_domain("db").unwrap();
    lab.sim.destroy_domain("web").unwrap();
    lab.apply(&next);
    let left = notes(&lab.plan(&next), NoteKind::Left);
    assert!(left.iter().any(|note| note.contains("its network lab is not active")), "{left:?}");
    assert!(!lab.sim.domain("db").unwrap().unwrap().active);
    // Both ways that the note names lead on.
    let back = lab.copy();
    back.apply(&small());
    assert!(back.sim.domain("db").unwrap().unwrap().active);
    lab.apply_with(&next, &replace("db"));
    assert!(lab.sim.domain("db").unwrap().unwrap().active);
    assert!(lab.sim.network("lab").unwrap().is_none());
}

/// The new network takes the bridge of the old one, which goes: who is on that comes along.
#[test]
fn a_part_of_a_plan_takes_no_network_from_a_running_machine() {
    let lab = Lab::new();
    lab.apply(&small());
    let mut core = lan().formerly("lab");
    core.name = "core".into();
    let on_core = |mut machine: Machine, last: u8| {
        machine.interfaces = vec![Interface::on("core").address(format!("10.17.3.{last}"))];
        machine
    };
    let followed = wanted(&cloud([core], [on_core(web(), 10), on_core(db(), 11)]));
    for name in ["network/core", "machine/web", "network/lab"] {
        let lab = lab.copy();
        let choices = Choices { only: [name.to_owned()].into(), ..Choices::default() };
        let plan = lab.plan_with(&followed, &choices);
        for machine in ["machine/web", "machine/db"] {
            assert_eq!(plan.step(machine).map(|step| step.impact()), Some(Impact::Restart), "{name}: {plan}");
        }
        lab.apply_with(&followed, &choices);
        for domain in lab.sim.domains().unwrap() {
            assert!(domain.live_xml.unwrap().contains("network='core'"), "{name}");
        }
        assert!(lab.plan(&followed).steps.is_empty(), "{name}: {}", lab.plan(&followed));
    }
}

#[test]
fn the_data_of_a_renamed_machine_that_leaves_the_cloud_has_a_name_before_and_after() {
    let lab = Lab::new();
    lab.apply(&only([kept_as("a", "a", true)]));
    lab.apply(&only([kept_as("a", "b", true)]));
    let none = only([]);
    let kept = notes(&lab.plan(&none), NoteKind::Kept).join("\n");
    assert!(kept.contains("--delete-data b deletes it, and --delete-data a once b is gone"), "{kept}");
    let at_once = lab.copy();
    at_once.apply_with(&none, &delete_data("b"));
    lab.apply(&none);
    lab.apply_with(&none, &delete_data("a"));
    for lab in [at_once, lab] {
        assert!(lab.lists().iter().all(|name| !name.contains("a.disk.")), "{:?}", lab.lists());
    }
}

#[test]
fn a_former_name_that_no_disk_had_is_said() {
    let lab = Lab::new();
    lab.apply(&small());
    let with = |former: &'static str| {
        let mut db = db();
        db.disks.push(Disk::new("more", 1.gib()).formerly(former));
        wanted(&cloud([lan()], [web(), db]))
    };
    let plan = lab.plan(&with("mor")).to_string();
    assert!(
        plan.contains("begins empty: formerly mor, and no data disk of the machine was called so"),
        "{plan}"
    );
    lab.apply(&with("mor"));
    assert!(!lab.plan(&with("mor")).to_string().contains("formerly"), "a former name may stay for ever");
}

/// The disks of the machine db, whose domain somebody removed, and the same machine under its new name.
fn undefined_and_renamed() -> (Lab, Wanted<Document>) {
    let lab = Lab::used();
    lab.sim.destroy_domain("db").unwrap();
    lab.sim.undefine_domain("db").unwrap();
    (lab, wanted(&better()))
}

#[test]
fn a_machine_that_returns_under_a_new_name_is_not_made_anew() {
    let (lab, wanted) = undefined_and_renamed();
    let root = lab.volumes("db.root.").remove(0);
    let plan = lab.plan(&wanted);
    let text = plan.to_string();
    assert!(text.contains(&format!("on its root {root}, which is there")), "{text}");
    assert!(!text.contains("made anew"), "{text}");
    lab.apply(&wanted);
    assert_eq!(lab.volumes("db.root."), [root]);
    assert_eq!(lab.volumes("db.disk."), ["db.disk.data"]);
}

#[test]
fn a_copy_at_the_new_name_is_not_called_an_earlier_machines() {
    let (lab, wanted) = undefined_and_renamed();
    let names: Vec<String> = lab.volumes("db.disk.").into_iter().chain(lab.records()).collect();
    // A copy of the disk alone, and one with its record.
    for name in names {
        let (copy, content) =
            (name.replace("db.", "store."), if name == "db.disk.data" { 1 << 30 } else { 0 });
        let text = format!(
            "<volume><name>{copy}</name><capacity>{content}</capacity><allocation>{content}</allocation></volume>"
        );
        lab.sim.create_volume("fmc-first", &text).unwrap();
        for choices in [Choices::default(), delete_data("store")] {
            let plan = lab.plan_with(&wanted, &choices);
            let kept = notes(&plan, NoteKind::Kept).join("\n");
            assert!(kept.contains("store.disk.data") && kept.contains("copied it"), "{plan}");
            for words in ["of an earlier machine", "of machine store", "vol-delete", "--delete-data store"] {
                assert!(!kept.contains(words), "{words}: {kept}");
            }
            let lab = lab.copy();
            lab.apply_with(&wanted, &choices);
            assert_eq!(lab.volumes("store.disk."), ["store.disk.data"]);
            assert_eq!(lab.volumes("db.disk."), ["db.disk.data"]);
        }
    }
}
