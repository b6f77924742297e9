use expect_test::expect;

use super::*;
use crate::prelude::*;
use crate::sim::Sim;

fn cloud(memory: u32) -> Cloud {
    let machine = |name: &'static str| Machine::new(name, Image::blank()).root_disk(2.gib());
    Cloud::new("first")
        .host(Host::local())
        .machine(machine("web").memory(memory.gib()))
        .machine(machine("db"))
}

fn saved(plan: &Plan) -> Saved {
    Saved::of(plan).on("local", "sim:here").set(["machines.web.memory".to_owned()])
}

#[test]
fn it_is_read_as_it_was_written() {
    let world = Sim::new();
    let plan = world.plan(&cloud(1)).replace("web").delete_data(DeleteData::Of(["db".to_owned()].into()));
    let written = saved(&plan);
    let text = written.to_json();
    let read: Saved = text.parse().unwrap();
    assert_eq!((&read, read.to_json()), (&written, text));
    assert_eq!(read.choices().replace, ["web".to_owned()].into());
    assert_eq!(read.choices().delete_data, DeleteData::Of(["db".to_owned()].into()));
    assert!(!read.is_destroy() && !read.is_lab());
    assert!(read.is_still(&plan).is_ok());
}

#[test]
fn what_is_cut_or_changed_is_refused() {
    let text = saved(&Sim::new().plan(&cloud(1))).to_json();
    for end in (0..text.trim_end().len()).filter(|end| text.is_char_boundary(*end)) {
        let error = text[..end].parse::<Saved>().unwrap_err();
        assert!(error.to_string().starts_with("read the plan: "), "{error}");
    }
    let written: Saved = text.parse().unwrap();
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else { continue };
        // White space between two keys may change; every other change is detected.
        assert!(changed.parse::<Saved>().is_err() || changed.parse::<Saved>().unwrap() == written, "{at}");
    }
    assert_eq!(
        text.replace("\"owner\": \"first\"", "\"owner\": \"other\"").parse::<Saved>(),
        Err(SavedError::Altered)
    );
}

#[test]
fn what_is_no_plan_of_this_version_is_refused() {
    let text = saved(&Sim::new().plan(&cloud(1))).to_json();
    let said = |text: String| text.parse::<Saved>().unwrap_err().to_string();
    expect![[r#"
        read the plan: it is not a plan of fmc: expected ident at line 1 column 2: plan again
        read the plan: it ends too early: plan again
        read the plan: it is not a plan of fmc: plan again
        read the plan: it is not a plan of fmc: recursion limit exceeded at line 1 column 128: plan again
        read the plan: it was made by version 9.9.9, and this is 0.1.0: plan again
        read the plan: its file has the format 2, and this program reads the format 1: plan again
        read the plan: it is not a plan of fmc: unknown field `more`, expected one of `form`, `version`, `fmc`, `cloud`, `owner`, `lab`, `destroy`, `set`, `hosts`, `replace`, `delete_data`, `leave_data`, `force_conflicts`, `only`, `root_key`, `wanted`, `digest`, `shown`, `steps` at line 3 column 10: plan again
    "#]]
    .assert_eq(
        &[
            said("name: first".to_owned()),
            said(String::new()),
            said("[]".to_owned()),
            said("[".repeat(20_000)),
            said(text.replace("\"fmc\": \"0.1.0\"", "\"fmc\": \"9.9.9\"")),
            said(text.replace("\"version\": 1", "\"version\": 2")),
            said(text.replace("\"form\"", "\"more\": 1, \"form\"")),
        ]
        .map(|line| line + "\n")
        .concat(),
    );
}

#[test]
fn what_has_changed_since_is_said() {
    let world = Sim::new();
    world.apply(&cloud(1));
    let saved = saved(&world.plan(&cloud(2)));
    assert!(saved.is_still(&world.plan(&cloud(2))).is_ok());
    let said = |plan: &Plan| saved.is_still(plan).unwrap_err().to_string() + "\n";

    let cloud_changed = said(&world.plan(&cloud(3)));
    let other_owner = said(&Sim::new().plan(&Cloud::new("other").host(Host::local())));
    let checked = cloud(2).check().unwrap();
    let end = crate::compile(&checked).nothing();
    let end = said(&pollster::block_on(world.providers(&checked).plan(&end)).unwrap());
    let chosen_otherwise = said(&world.plan(&cloud(2)).replace("db"));
    world.apply(&cloud(2));
    let done_already = said(&world.plan(&cloud(2)));
    world.apply(&cloud(4));
    let changed_by_somebody = said(&world.plan(&cloud(2)));
    expect![[r#"
        run the plan: the cloud is no longer the one that was planned (libvirt/local/domain/web: restart has changed since): plan again
        run the plan: it was saved for the cloud first, not for the cloud other
        run the plan: it was saved for the cloud first, not for the destruction of first
        run the plan: the world is no longer what the plan saw (libvirt/local/volume/fmc-first/db.root.e658fc39: create is new; libvirt/local/domain/db: replace is new; libvirt/local/volume/fmc-first/db.root.19a703c6: delete is new): plan again
        run the plan: the world is no longer what the plan saw (its only step is no longer needed: it was applied already, or somebody did the same): plan again
        run the plan: the world is no longer what the plan saw (libvirt/local/domain/web: restart has changed since): plan again
    "#]].assert_eq(
        &(cloud_changed + &other_owner + &end + &chosen_otherwise + &done_already + &changed_by_somebody),
    );
}

#[test]
fn a_change_of_the_cloud_that_is_no_step_is_one() {
    let image = |version: u8| Image::debian("12").path(format!("/images/debian-{version}.qcow2"));
    let cloud = |version: u8| {
        let web = Machine::new("web", image(version)).root_disk(2.gib()).user(User::admin("ops"));
        Cloud::new("first").host(Host::local()).machine(web)
    };
    let world = Sim::new();
    world.apply(&cloud(1));
    // With another image the machine is outdated, and stays.
    let (before, after) = (world.plan(&cloud(1)), world.plan(&cloud(2)));
    assert_eq!(before.digest(), after.digest());
    assert!(matches!(Saved::of(&before).is_still(&after), Err(SavedError::Cloud(_))));
}

#[test]
fn many_differences_are_not_all_told() {
    let many = |count: usize| {
        let machines = (0..count).map(|number| Machine::new(format!("web{number}"), Image::blank()));
        machines.fold(Cloud::new("first").host(Host::local()), Cloud::machine)
    };
    let world = Sim::new();
    let error = Saved::of(&world.plan(&many(0))).is_still(&world.plan(&many(200))).unwrap_err();
    assert_eq!(error.to_string().matches("is new").count(), 3);
    assert!(error.to_string().ends_with(" more): plan again"), "{error}");
}
