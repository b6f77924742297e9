//! Nothing that a guest may have written is lost, hidden or blanked unless a person asked for it by name.

use fmc_core::graph::{Choices, DeleteData, NoteKind, Plan, Provider as _};
use fmc_core::image::Image;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::link::Link as _;

use crate::lab::{
    Lab, blank, cloud, db, delete_all_data, delete_data, lan, notes, nothing, now, replace, small, wanted,
    web,
};

const POOL: &str = "fmc-first";

/// A plan that changes nothing, and says this of a machine.
fn left(plan: &Plan<Document>, machine: &str, words: &[&str]) {
    assert!(plan.steps.is_empty(), "{plan}");
    assert!(!plan.is_empty(), "it is not done: {plan}");
    let said = notes(plan, NoteKind::Left);
    let is_said = |note: &String| {
        note.starts_with(&format!("machine/{machine}: ")) && words.iter().all(|word| note.contains(word))
    };
    assert!(said.iter().any(is_said), "{plan}");
}

fn refused(plan: &Plan<Document>, machine: &str, words: &[&str]) {
    let said = notes(plan, NoteKind::Refused);
    let is_said = |note: &String| {
        note.starts_with(&format!("machine/{machine}: ")) && words.iter().all(|word| note.contains(word))
    };
    assert!(said.iter().any(is_said), "{plan}");
}

fn world(lab: &Lab) -> String {
    lab.sim.to_json().unwrap()
}

#[test]
fn a_machine_with_a_snapshot_is_left_whatever_else_changes() {
    let lab = Lab::used();
    lab.sim.snapshot("db", "before-upgrade").unwrap();
    let before = world(&lab);
    left(&lab.plan(&small()), "db", &["db.root.before-upgrade", "virsh blockcommit db vda"]);
    let drift =
        fmc_libvirt::provider::drifted::drift(&small(), &now(lab.provider.observe(&small())).unwrap());
    let of_root = drift.drift.iter().find(|found| found.address.name().contains("db.root.")).unwrap();
    assert!(format!("{of_root:?}").contains("db.root.before-upgrade"), "{of_root:?}");
    // Each of these would take the guest off its overlays.
    for changed in [db().memory(8.gib()), db().time_zone("Europe/Madrid"), db().root_disk(30.gib())] {
        let wanted = wanted(&cloud([lan()], [web(), changed]));
        let plan = lab.plan(&wanted);
        assert!(plan.step("machine/db").is_none(), "{plan}");
        let outcome = lab.try_apply(&wanted, &Choices::default()).unwrap();
        assert!(!outcome.is_converged());
        assert_eq!(world(&lab), before);
    }
    refused(&lab.plan_with(&small(), &replace("db")), "db", &["db.root.before-upgrade"]);
    assert!(lab.try_apply(&small(), &replace("db")).is_err());
    assert_eq!(world(&lab), before);
}

#[test]
fn what_lies_under_a_snapshot_is_never_deleted() {
    let lab = Lab::used();
    let root = lab.volumes("db.root.").remove(0);
    lab.sim.snapshot("db", "before-upgrade").unwrap();
    let without = wanted(&cloud([lan()], [web()]));
    for choices in [Choices::default(), delete_data("db"), delete_all_data()] {
        let lab = lab.copy();
        lab.apply_with(&without, &choices);
        assert_eq!(lab.volumes("db.disk.data"), ["db.disk.data"], "{choices:?}");
        assert_eq!(lab.volumes(&root).len(), 1);
        drop(lab.try_apply(&nothing(), &choices));
        assert_eq!(lab.volumes(&root).len(), 1);
        assert_eq!(lab.volumes("base.").len(), 2, "the image and its commit");
    }
}

#[test]
fn a_snapshot_of_a_root_whose_name_looks_like_ours_is_one_too() {
    for name in ["deadbeef", "data2"] {
        let lab = Lab::used();
        lab.sim.snapshot("db", name).unwrap();
        let changed = wanted(&cloud([lan()], [web(), db().memory(8.gib())]));
        left(&lab.plan(&changed), "db", &["blockcommit"]);
        lab.apply_with(&wanted(&cloud([lan()], [web()])), &delete_data("db"));
        assert_eq!(lab.volumes("db.disk.").len(), 2, "{name}");
        lab.apply_with(&nothing(), &delete_all_data());
        assert_eq!(lab.volumes("db.disk.").len(), 2, "{name}");
    }
}

#[test]
fn a_data_disk_with_a_serial_of_its_own_is_ours() {
    let lab = Lab::new();
    let with = |memory| {
        let disk = fmc_core::disk::Disk::new("data", 50.gib()).serial("payroll");
        wanted(&cloud([lan()], [web().disk(disk).memory(memory)]))
    };
    lab.apply(&with(2.gib()));
    lab.apply(&with(3.gib()));
    lab.apply(&small());
    assert_eq!(lab.volumes("web.disk."), ["web.disk.data"]);
}

#[test]
fn a_disk_that_a_person_attached_is_not_detached() {
    let lab = Lab::used();
    let disk = "<disk type='file' device='disk'><source file='/srv/more.qcow2'/><target dev='vdx' bus='virtio'/></disk></devices>";
    lab.sim.edit("db", "</devices>", disk).unwrap();
    let bigger = wanted(&cloud([lan()], [web(), db().memory(8.gib())]));
    for wanted in [small(), bigger] {
        let plan = lab.plan(&wanted);
        left(&plan, "db", &["/srv/more.qcow2", "vdx", "detach"]);
    }
}

#[test]
fn a_root_that_is_gone_is_made_anew_only_by_name() {
    let lab = Lab::used();
    let root = lab.volumes("web.root.").remove(0);
    lab.sim.delete_volume(POOL, &root).unwrap();
    let before = world(&lab);
    let plan = lab.plan(&small());
    assert!(plan.steps.is_empty(), "{plan}");
    refused(&plan, "web", &[&root, "mounted", "--replace web"]);
    assert!(lab.try_apply(&small(), &Choices::default()).is_err());
    assert_eq!(world(&lab), before);
    lab.apply_with(&small(), &replace("web"));
    assert_eq!(lab.volumes("web.root.").len(), 1);
    assert!(lab.plan(&small()).is_empty());
}

#[test]
fn a_data_disk_that_is_gone_begins_empty_only_by_name() {
    let lab = Lab::used();
    lab.sim.delete_volume(POOL, "db.disk.data").unwrap();
    for choices in [Choices::default(), replace("db")] {
        let plan = lab.plan_with(&small(), &choices);
        assert!(plan.steps.is_empty(), "{plan}");
        refused(&plan, "db", &["db.disk.data", "mounted", "--delete-data db"]);
        assert!(lab.try_apply(&small(), &choices).is_err());
    }
    assert_eq!(lab.volumes("db.disk."), [""; 0]);
    let plan = lab.plan_with(&small(), &delete_data("db"));
    assert!(plan.to_string().contains("begins empty: its data is given up by --delete-data"), "{plan}");
    lab.apply_with(&small(), &delete_data("db"));
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
}

#[test]
fn a_pool_that_is_not_mounted_stops_everything() {
    let lab = Lab::used();
    lab.sim.unmount(POOL).unwrap();
    let before = world(&lab);
    let plan = lab.plan(&small());
    refused(&plan, "db", &["mounted"]);
    refused(&plan, "web", &["mounted"]);
    assert!(lab.try_apply(&small(), &Choices::default()).is_err());
    assert_eq!(world(&lab), before);
}

/// The new machine alone is planned without the machines that show that the pool's files are elsewhere.
#[test]
fn nothing_new_is_made_in_a_pool_that_is_not_mounted() {
    let lab = Lab::used();
    lab.sim.unmount(POOL).unwrap();
    let before = world(&lab);
    let more = wanted(&cloud([lan()], [web(), db(), blank("new")]));
    let only = |name: &str| Choices { only: [format!("machine/{name}")].into(), ..Choices::default() };
    let plan = lab.plan_with(&more, &only("new"));
    refused(&plan, "new", &[POOL, "mounted"]);
    assert!(lab.try_apply(&more, &only("new")).is_err());
    assert_eq!(world(&lab), before);
    // Who gives up all that the machines had in it may go on with an empty pool.
    let names = ["web".to_owned(), "db".to_owned()];
    let all = Choices { replace: names.into(), delete_data: DeleteData::All, ..Choices::default() };
    lab.apply_with(&more, &all);
    assert!(lab.plan(&more).is_empty());
}

#[test]
fn a_refused_machine_that_is_not_chosen_is_not_as_wanted() {
    let lab = Lab::used();
    let root = lab.volumes("db.root.").remove(0);
    lab.sim.destroy_domain("db").unwrap();
    lab.sim.delete_volume(POOL, &root).unwrap();
    let more = wanted(&cloud([lan()], [web(), db(), blank("new")]));
    let only = Choices { only: ["machine/new".to_owned()].into(), ..Choices::default() };
    let plan = lab.plan_with(&more, &only);
    assert_eq!(plan.refused().count(), 0, "{plan}");
    assert_eq!(notes(&plan, NoteKind::LeftOut), ["machine/db: refused"]);
    let text = plan.to_string();
    assert!(text.contains("1 machine         no change") && text.contains("1 left out"), "{text}");
}

#[test]
fn the_folder_of_a_known_pool_is_not_made() {
    for undefined in [false, true] {
        let lab = Lab::used();
        lab.sim.missing("/var/lib/libvirt/images/fmc-first");
        lab.sim.stop_pool(POOL).unwrap();
        if undefined {
            lab.sim.forget_pool(POOL).unwrap();
        }
        let outcome = lab.try_apply(&small(), &Choices::default());
        assert!(!outcome.as_ref().is_ok_and(|outcome| outcome.is_converged()));
        let words = format!("{outcome:?}");
        assert!(words.contains("mount the pool's file system"), "{words}");
        assert!(!lab.sim.pool(POOL).unwrap().is_some_and(|pool| pool.active));
    }
}

#[test]
fn an_undefined_machine_returns_on_its_root() {
    let lab = Lab::used();
    let (root, boot) = (lab.volumes("web.root."), lab.volumes("web.boot."));
    lab.sim.destroy_domain("web").unwrap();
    lab.sim.undefine_domain("web").unwrap();
    lab.sim.forget_calls();
    let plan = lab.plan(&small());
    assert!(plan.to_string().contains(&format!("on its root {}", root[0])), "{plan}");
    lab.apply(&small());
    assert_eq!((lab.volumes("web.root."), lab.volumes("web.boot.")), (root, boot));
    assert_eq!((lab.calls("delete-volume"), lab.calls("create-volume")), (0, 0));
    let record = lab.sim.domain("web").unwrap().unwrap();
    assert!(record.active && record.persistent);
}

#[test]
fn it_returns_on_an_older_root_too_and_is_outdated_then() {
    let lab = Lab::used();
    let root = lab.volumes("web.root.");
    lab.sim.destroy_domain("web").unwrap();
    lab.sim.undefine_domain("web").unwrap();
    let other = Image::blank();
    let changed = web().time_zone("Europe/Madrid");
    let blank = fmc_core::machine::Machine::new("web", other)
        .memory(2.gib())
        .root_disk(20.gib())
        .interface(fmc_core::machine::Interface::on("lab").address("10.17.3.10"));
    for changed in [changed, blank] {
        let lab = lab.copy();
        let wanted = wanted(&cloud([lan()], [changed, db()]));
        lab.apply(&wanted);
        assert_eq!(lab.volumes("web.root."), root);
        assert_eq!(notes(&lab.plan(&wanted), NoteKind::Outdated).len(), 1);
        let xml = lab.sim.domain("web").unwrap().unwrap().xml;
        assert!(xml.contains(&format!("/{}'", root[0])), "{xml}");
        assert!(xml.contains("name='qemu' type='qcow2'"), "{xml}");
        lab.apply_with(&wanted, &replace("web"));
        assert!(lab.plan(&wanted).is_empty());
        assert_ne!(lab.volumes("web.root."), root);
    }
}

#[test]
fn an_outdated_machine_keeps_the_format_of_its_root() {
    let lab = Lab::used();
    let raw = Image::debian("12").path("/srv/images/debian-12.raw").format(fmc_core::image::Format::Raw);
    let changed = fmc_core::machine::Machine::new("web", raw)
        .memory(3.gib())
        .root_disk(20.gib())
        .interface(fmc_core::machine::Interface::on("lab").address("10.17.3.10"));
    let driver = |lab: &Lab| {
        let xml = lab.sim.domain("web").unwrap().unwrap().xml;
        let at = xml.find("web.root.").unwrap();
        let driver = xml.get(..at).unwrap().rfind("<driver").unwrap();
        xml.get(driver..at).unwrap().split('\n').next().unwrap().to_owned()
    };
    let before = driver(&lab);
    lab.apply(&wanted(&cloud([lan()], [changed, db()])));
    assert_eq!(driver(&lab), before);
}

#[test]
fn kept_data_that_a_new_machine_takes_over_is_said() {
    let lab = Lab::used();
    lab.apply(&wanted(&cloud([lan()], [web()])));
    let plan = lab.plan(&small());
    let said = notes(&plan, NoteKind::Notice);
    assert!(
        said.iter().any(|note| note.contains("data (50 GiB)") && note.contains("--delete-data db")),
        "{plan}"
    );
    let emptied = lab.plan_with(&small(), &delete_data("db"));
    assert!(emptied.to_string().contains("given up by --delete-data"), "{emptied}");
    lab.sim.forget_calls();
    lab.apply_with(&small(), &delete_data("db"));
    let deleted = lab.sim.calls().into_iter().filter(|call| call.name == "delete-volume");
    let deleted: Vec<String> =
        deleted.map(|call| call.object).filter(|name| !name.ends_with(".ok") && name != "lease").collect();
    assert_eq!(deleted, ["db.disk.data", "db.disk.data.v1.none.none"]);
    assert!(lab.plan(&small()).is_empty());
}

#[test]
fn a_disk_that_no_guest_used_is_taken_without_a_word() {
    let fresh = Lab::new();
    fresh.apply(&wanted(&cloud([lan()], [web(), db().power(fmc_core::machine::Power::Stopped)])));
    fresh.apply(&wanted(&cloud([lan()], [web()])));
    let plan = fresh.plan(&small());
    assert_eq!(notes(&plan, NoteKind::Notice), [""; 0], "{plan}");
}

#[test]
fn an_object_whose_definition_was_removed_while_it_runs_is_defined_again() {
    let lab = Lab::used();
    lab.sim.undefine("db").unwrap();
    lab.sim.undefine_active_network("lab").unwrap();
    lab.sim.undefine_active_pool(POOL).unwrap();
    let root = lab.volumes("db.root.");
    let plan = lab.plan(&small());
    assert!(!plan.is_empty());
    lab.sim.forget_calls();
    lab.apply(&small());
    assert!(lab.sim.domain("db").unwrap().unwrap().persistent);
    assert!(lab.sim.network("lab").unwrap().unwrap().persistent);
    assert!(lab.sim.pool(POOL).unwrap().unwrap().persistent);
    assert_eq!(lab.volumes("db.root."), root);
    assert_eq!((lab.calls("destroy-domain"), lab.calls("shutdown-domain")), (0, 0), "nothing restarts");
}

#[test]
fn a_running_machine_without_a_definition_survives_a_restart_and_can_go() {
    let lab = Lab::used();
    lab.sim.undefine("db").unwrap();
    lab.apply(&wanted(&cloud([lan()], [web(), db().memory(8.gib())])));
    let record = lab.sim.domain("db").unwrap().unwrap();
    assert!(record.persistent && record.active && record.xml.contains("8388608"));
    lab.sim.undefine("db").unwrap();
    lab.apply(&wanted(&cloud([lan()], [web()])));
    assert_eq!(lab.sim.domain("db").unwrap(), None);
}

#[test]
fn a_paused_machine_is_left_with_the_reason() {
    let lab = Lab::used();
    lab.sim.pause("db", "I/O error").unwrap();
    let before = world(&lab);
    left(&lab.plan(&small()), "db", &["paused (I/O error)", "virsh resume db", "room"]);
    let changed = wanted(&cloud([lan()], [web(), db().memory(8.gib())]));
    left(&lab.plan(&changed), "db", &["paused"]);
    drop(lab.try_apply(&changed, &Choices::default()));
    assert_eq!(world(&lab), before);
    lab.sim.resume("db").unwrap();
    lab.apply(&changed);
}

#[test]
fn a_saved_machine_goes_on_only_as_it_was() {
    let lab = Lab::used();
    lab.sim.save("db").unwrap();
    let before = world(&lab);
    let changed = wanted(&cloud([lan()], [web(), db().memory(8.gib())]));
    left(&lab.plan(&changed), "db", &["saved", "virsh start db", "managedsave-remove db"]);
    drop(lab.try_apply(&changed, &Choices::default()));
    refused(&lab.plan_with(&small(), &replace("db")), "db", &["saved"]);
    assert!(lab.try_apply(&small(), &replace("db")).is_err());
    assert_eq!(world(&lab), before);
    lab.apply(&small());
    assert!(lab.sim.domain("db").unwrap().unwrap().active);
    let gone = {
        lab.sim.save("db").unwrap();
        lab.plan(&wanted(&cloud([lan()], [web()])))
    };
    assert!(gone.to_string().contains("saved memory"), "{gone}");
}

#[test]
fn a_saved_machine_goes_on_in_a_network_that_was_started_again() {
    let lab = Lab::used();
    lab.sim.save("db").unwrap();
    lab.sim.stop_network("lab").unwrap();
    lab.apply(&small());
    assert!(lab.sim.domain("db").unwrap().unwrap().active);
}

#[test]
fn a_snapshot_that_would_overwrite_a_file_is_not_taken() {
    let lab = Lab::used();
    lab.sim.snapshot("db", "nightly").unwrap();
    let before = world(&lab);
    let refused = lab.sim.snapshot("db", "nightly").unwrap_err();
    assert!(refused.to_string().contains("db.root.nightly"), "{refused}");
    assert_eq!(world(&lab), before);
}

#[test]
fn a_copy_of_a_machine_is_a_strangers() {
    let lab = Lab::used();
    let xml = lab.sim.domain("db").unwrap().unwrap().xml;
    let uuid = xml.split("<uuid>").nth(1).unwrap().split("</uuid>").next().unwrap().to_owned();
    let copy = xml
        .replace("<name>db</name>", "<name>db-clone</name>")
        .replace(&uuid, "11111111-2222-4333-8444-555555555555")
        .replace("/fmc-first/db.", "/clones/db-clone-");
    lab.sim.plant_domain(&copy).unwrap();
    let before = world(&lab);
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
    lab.apply(&small());
    assert_eq!(world(&lab), before);
    // Nor is it taken when the original is gone, and the copy has its name.
    lab.apply_with(&nothing(), &delete_all_data());
    assert!(lab.sim.domain("db-clone").unwrap().is_some());
    let lab = Lab::new();
    lab.sim.plant_domain(&copy.replace("db-clone", "db")).unwrap();
    refused(&lab.plan(&small()), "db", &["copy"]);
}

#[test]
fn two_hosts_that_are_one_hypervisor_take_nothing_from_each_other() {
    let machine = |name: &str, host: &str, network: &str, last: u8| {
        fmc_core::machine::Machine::new(name.to_owned(), Image::blank())
            .memory(1.gib())
            .root_disk(4.gib())
            .host(host)
            .interface(fmc_core::machine::Interface::on(network).address(format!("10.17.{last}.10")))
    };
    let net = |name: &str, host: &str, last: u8| {
        fmc_core::network::Network::nat(name.to_owned(), format!("10.17.{last}.0/24")).host(host)
    };
    let cloud = fmc_core::cloud::Cloud::new("first")
        .hosts([fmc_core::host::Host::new("a"), fmc_core::host::Host::new("b")])
        .networks([net("one", "a", 3), net("two", "b", 4)])
        .machines([machine("web", "a", "one", 3), machine("db", "b", "two", 4)])
        .accept("image-missing", "nothing boots");
    let sim = fmc_libvirt::sim::Sim::new();
    sim.identity("4c4c4544-0031-3010-8031-b9c04f474432");
    let checked = cloud.check().unwrap();
    let wanted = fmc_libvirt::documents::documents(&checked);
    let one = |host: &str| {
        let name = fmc_core::name::HostName::literal(if host == "a" { "a" } else { "b" });
        fmc_libvirt::provider::Libvirt::new().host(name, sim.clone())
    };
    // Each host alone, as two people who connect to one of them would do it.
    for host in ["a", "b", "a", "b"] {
        let provider = one(host);
        let seen = now(provider.observe(&wanted)).unwrap();
        let plan = fmc_core::graph::plan(&provider, &wanted, &seen, &Choices::default());
        assert!(plan.steps.iter().all(|step| step.action != fmc_core::graph::Action::Delete), "{plan}");
        let apply =
            fmc_core::graph::apply(&plan, &provider, fmc_core::graph::ApplyOptions::default(), |_| {});
        drop(now(apply));
    }
    let both = one("a").host(fmc_core::name::HostName::literal("b"), sim.clone());
    now(both.observe(&wanted)).unwrap();
    let notes = now(both.preflight(&checked));
    let is_said = |text: &str| text.contains("the same hypervisor as the host a");
    assert!(notes.iter().any(|note| note.kind == NoteKind::Refused && is_said(&note.text)), "{notes:?}");
}

#[test]
fn a_guest_whose_start_libvirt_did_not_finish_starts_again() {
    let lab = Lab::used();
    lab.sim.pause("db", "starting up").unwrap();
    let plan = lab.plan(&small());
    assert!(plan.to_string().contains("the guest never ran"), "{plan}");
    lab.apply(&small());
    assert!(lab.plan(&small()).is_empty());
}
