//! A volume that an overlay of a person's stands on stays, and a disk that a person moved is not taken for an overlay.

use fmc_core::graph::{Choices, NoteKind};
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::sim::{Fault, When};

use crate::lab::{
    Lab, cloud, db, delete_all_data, delete_data, lan, notes, nothing, replace, small, wanted, web,
};

const POOL: &str = "fmc-first";
const FOLDER: &str = "/var/lib/libvirt/images/fmc-first";

/// Makes an overlay that no domain uses, as `qemu-img create -b` does.
fn put_over(lab: &Lab, pool: &str, name: &str, below: &str) {
    let text = format!(
        "<volume><name>{name}</name><capacity>1073741824</capacity><target><format type='qcow2'/></target>\
         <backingStore><path>{below}</path></backingStore></volume>"
    );
    lab.sim.create_volume(pool, &text).unwrap();
}

fn with_pool_of_snaps(lab: &Lab) {
    let pool = "<pool type='dir'><name>snaps</name><target><path>/snaps</path></target></pool>";
    lab.sim.plant_pool(pool).unwrap();
}

fn root(lab: &Lab) -> String {
    lab.volumes("db.root.").into_iter().find(|name| !name.ends_with(".snap")).unwrap()
}

fn has(lab: &Lab, name: &str) -> bool {
    lab.sim.volume(POOL, name).unwrap().is_some()
}

fn kept(
    lab: &Lab,
    wanted: &fmc_core::graph::Wanted<fmc_libvirt::document::Document>,
    choices: &Choices,
) -> String {
    notes(&lab.plan_with(wanted, choices), NoteKind::Kept).join("\n")
}

#[test]
fn a_replacement_of_an_up_to_date_machine_keeps_the_root_under_an_overlay() {
    let lab = Lab::used();
    let first = root(&lab);
    put_over(&lab, POOL, "db.root.snap", &format!("{FOLDER}/{first}"));
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
    let said = kept(&lab, &small(), &replace("db"));
    assert!(said.contains("fmc-first/db.root.snap has it as backing store"), "{said}");
    lab.apply_with(&small(), &replace("db"));
    assert!(has(&lab, &first) && lab.volumes("db.root.").len() == 3, "{:?}", lab.volumes("db.root."));
    // Another replacement would need the name of the root that stays.
    let plan = lab.plan_with(&small(), &replace("db"));
    let refused = notes(&plan, NoteKind::Refused).join("\n");
    assert!(refused.contains(&first) && refused.contains("fmc-first/db.root.snap"), "{plan}");
    assert!(lab.try_apply(&small(), &replace("db")).is_err());
    assert!(has(&lab, &first));
    lab.sim.delete_volume(POOL, "db.root.snap").unwrap();
    lab.apply_with(&small(), &replace("db"));
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
}

#[test]
fn a_root_in_use_grows_whatever_else_stands_on_it() {
    let lab = Lab::used();
    put_over(&lab, POOL, "db.root.snap", &format!("{FOLDER}/{}", root(&lab)));
    let larger = wanted(&cloud([lan()], [web(), db().root_disk(30.gib())]));
    assert!(lab.plan(&larger).step("machine/db").is_some(), "{}", lab.plan(&larger));
    lab.apply(&larger);
}

#[test]
fn an_overlay_in_another_pool_keeps_what_it_stands_on() {
    for slash in ["/", "//", "/./"] {
        let lab = Lab::used();
        with_pool_of_snaps(&lab);
        let root = root(&lab);
        put_over(&lab, "snaps", "data.qcow2", &format!("{FOLDER}/db.disk.data"));
        put_over(&lab, "snaps", "root.qcow2", &format!("{FOLDER}/{root}"));
        let text =
            ["\"backing\":\"", "\"backing\": \""].iter().fold(lab.sim.to_json().unwrap(), |text, key| {
                text.replace(&format!("{key}{FOLDER}/db."), &format!("{key}{FOLDER}{slash}db."))
            });
        let lab = Lab::on(fmc_libvirt::sim::Sim::from_json("sim:", &text).unwrap());
        let said = kept(&lab, &small(), &replace("db"));
        assert!(said.contains("snaps/root.qcow2 has it as backing store"), "{slash}: {said}");
        let replaced = lab.copy();
        replaced.apply_with(&small(), &replace("db"));
        assert!(has(&replaced, &root), "{slash}: {:?}", replaced.lists());
        let plan = replaced.plan(&small());
        assert!(plan.is_empty() && plan.to_string().contains("snaps/root.qcow2"), "{slash}: {plan}");
        for (wanted, choices) in
            [(nothing(), delete_all_data()), (wanted(&cloud([lan()], [web()])), delete_data("db"))]
        {
            let said = kept(&lab, &wanted, &choices);
            for words in
                ["snaps/data.qcow2 has it as backing store", "snaps/root.qcow2 has it as backing store"]
            {
                assert!(said.contains(words), "{slash} {words}: {said}");
            }
            let lab = lab.copy();
            drop(lab.try_apply(&wanted, &choices));
            assert!(has(&lab, &root) && has(&lab, "db.disk.data"), "{slash}: {:?}", lab.lists());
        }
    }
}

#[test]
fn an_overlay_that_came_after_the_plan_keeps_what_it_stands_on() {
    let lab = Lab::used();
    with_pool_of_snaps(&lab);
    let root = root(&lab);
    let (plan, choices) = (lab.plan_with(&nothing(), &delete_all_data()), delete_all_data());
    put_over(&lab, "snaps", "data.qcow2", &format!("{FOLDER}/db.disk.data"));
    put_over(&lab, "snaps", "root.qcow2", &format!("{FOLDER}/{root}"));
    let outcome = lab.run(plan, &nothing(), &choices, |_| {}).unwrap();
    let error = outcome.converged().unwrap_err().to_string();
    assert!(error.contains("has it as backing store"), "{error}");
    assert!(has(&lab, &root) && has(&lab, "db.disk.data"), "{:?}", lab.lists());
    for name in ["data.qcow2", "root.qcow2"] {
        lab.sim.delete_volume("snaps", name).unwrap();
    }
    drop(lab.try_apply(&nothing(), &choices));
    assert!(!lab.lists().iter().any(|name| name.contains("/db.")), "{:?}", lab.lists());
}

#[test]
fn a_pool_that_cannot_be_read_stops_a_deletion() {
    let lab = Lab::used();
    with_pool_of_snaps(&lab);
    let root = root(&lab);
    let plan = lab.plan_with(&small(), &replace("db"));
    lab.sim.on(When::call("volumes").of("snaps"), Fault::Fail("no answer".to_owned()));
    drop(lab.run(plan, &small(), &replace("db"), |_| {}));
    assert!(has(&lab, &root));
}

/// What a plan says of the machine db, with changes that would restart it, and when it would go.
fn said_of_db(lab: &Lab) -> String {
    let more = wanted(&cloud([lan()], [web(), db().memory(8.gib())]));
    let plans = [lab.plan(&small()), lab.plan(&more), lab.plan(&nothing())];
    plans.iter().map(ToString::to_string).collect()
}

#[test]
fn a_disk_that_a_person_moved_is_not_merged_into_its_image() {
    for is_on in [true, false] {
        for is_moved in [true, false] {
            let lab = Lab::used();
            let (root, base) = (root(&lab), lab.volumes("base.").remove(0));
            let file = format!("/fast/{root}");
            lab.sim.now_on("db", &format!("{FOLDER}/{root}"), &file).unwrap();
            lab.sim.put_overlay(&file, &format!("{FOLDER}/{base}"));
            if is_moved {
                lab.sim.delete_volume(POOL, &root).unwrap();
            }
            if !is_on {
                lab.sim.destroy_domain("db").unwrap();
            }
            let text = said_of_db(&lab);
            for words in [&*file, "moved by hand", "virsh edit db"] {
                assert!(text.contains(words), "{is_on} {is_moved} {words}: {text}");
            }
            for words in ["blockcommit", "qemu-img commit"] {
                assert!(!text.contains(words), "{is_on} {is_moved}: {text}");
            }
            assert!(lab.plan(&nothing()).to_string().contains(&file), "{}", lab.plan(&nothing()));
            // With an overlay over it the command is the same danger.
            lab.sim.now_on("db", &file, "/fast/db.snap").unwrap();
            lab.sim.put_overlay("/fast/db.snap", &file);
            let text = said_of_db(&lab);
            assert!(text.contains("/fast/db.snap") && !text.contains("commit"), "{text}");
            // So is it over the root of another machine.
            lab.sim.put_overlay("/fast/db.snap", &format!("{FOLDER}/{}", lab.volumes("web.root.").remove(0)));
            let text = said_of_db(&lab);
            assert!(text.contains("/fast/db.snap") && !text.contains("commit"), "{text}");
        }
    }
}

#[test]
fn a_path_with_two_slashes_is_the_same_path() {
    let lab = Lab::used();
    let root = root(&lab);
    lab.sim.now_on("db", &format!("{FOLDER}/{root}"), &format!("{FOLDER}//{root}")).unwrap();
    let text = said_of_db(&lab);
    assert!(!text.contains("did not make") && !text.contains("commit"), "{text}");
    lab.apply(&small());
    assert!(lab.plan(&small()).is_empty(), "{}", lab.plan(&small()));
    lab.apply_with(&nothing(), &delete_all_data());
    assert_eq!(lab.lists(), Vec::<String>::new());
}

#[test]
fn a_machine_that_goes_names_the_file_that_stays() {
    let lab = Lab::used();
    let root = lab.volumes("web.root.").remove(0);
    lab.sim.now_on("web", &format!("{FOLDER}/{root}"), "/fast/web.qcow2").unwrap();
    lab.sim.delete_volume(POOL, &root).unwrap();
    let plan = lab.plan(&wanted(&cloud([lan()], [db()])));
    assert!(plan.step("machine/web").is_some(), "{plan}");
    assert!(plan.to_string().contains("its disk vda stays: /fast/web.qcow2"), "{plan}");
}
