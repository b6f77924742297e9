//! What a plan, a status and an apply tell of one thing: in one line, with the machine, the reason and the next command.

use fmc::prelude::*;

use crate::stage::{Stage, cloud};

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The cloud of the stage, with its network called otherwise now.
fn renamed() -> Cloud {
    let mut cloud = cloud();
    for network in cloud.networks.iter_mut() {
        *network = Network::nat("office", "10.17.3.0/24").formerly("lab");
    }
    for machine in cloud.machines.iter_mut() {
        for interface in &mut machine.interfaces {
            interface.network = "office".into();
        }
    }
    cloud
}

#[test]
fn a_renamed_network_is_one_line_that_says_what_its_guests_meet() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    let plan = stage.done(renamed(), "plan");
    let line = one_line(&plan);
    assert!(line.contains("~ network office rename bridge br-office 10.17.3.0/24 (lab until now"), "{plan}");
    assert!(
        line.contains("db and web follow with a restart, and are without it from when lab goes"),
        "{plan}"
    );
    assert!(!plan.contains("- network lab") && !plan.contains("+ network"), "{plan}");
    assert!(line.contains("1 to update, 2 to restart, 0 to delete"), "{plan}");
    let json: serde_json::Value = serde_json::from_str(&stage.done(renamed(), "plan --json")).unwrap();
    assert_eq!(json["plan"]["impact"], "restart", "nothing is lost");
    // The old one goes before the new one, which has its addresses, is made.
    let applied = stage.run(renamed(), "apply");
    let at = |words: &str| applied.err.find(words).unwrap_or_else(|| panic!("{words}: {applied:?}"));
    assert!(at("network/lab: delete done") < at("network/office: create done"), "{applied:?}");
    let again = stage.done(renamed(), "plan");
    assert!(!again.contains("rename") && !again.contains("restart"), "{again}");
    // Without its former name it is another one.
    let fresh = Stage::new();
    fresh.done(cloud(), "apply");
    let mut plain = renamed();
    for network in plain.networks.iter_mut() {
        network.formerly = None;
    }
    let plan = fresh.run(plain, "plan").out;
    assert!(plan.contains("- network lab") && !plan.contains("rename"), "{plan}");
}

#[test]
fn a_renamed_network_without_guests_names_none() {
    let lab = |network: Network| Cloud::new("first").host(Host::local()).network(network);
    let stage = Stage::new();
    stage.done(lab(Network::nat("lab", "10.17.3.0/24")), "apply");
    // With another subnet too, the new one is made first.
    let plan = stage.done(lab(Network::nat("office", "10.17.4.0/24").formerly("lab")), "plan");
    assert!(plan.contains("rename") && !plan.contains("follow"), "{plan}");
    stage.done(lab(Network::nat("office", "10.17.4.0/24").formerly("lab")), "apply");
}

#[test]
fn an_apply_that_leaves_machines_outdated_says_which_why_and_what_is_next() {
    let cloud = |version: u8, names: &[&'static str]| {
        let image = || Image::debian("12").path(format!("/images/debian-{version}.qcow2"));
        let machines = names.iter().map(|name| Machine::new(*name, image()).root_disk(2.gib()));
        machines.fold(Cloud::new("first").host(Host::local()), Cloud::machine)
    };
    let stage = Stage::new();
    stage.done(cloud(1, &["web"]), "apply");
    let ran = stage.run(cloud(2, &["web"]), "apply");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("warning: machine web is outdated: another image of Debian 12"), "{ran:?}");
    assert!(ran.err.contains("help: `program apply --replace web` makes it anew"), "{ran:?}");
    let names = ["a", "b", "c", "d", "e", "f", "web"];
    let many = Stage::new();
    many.done(cloud(1, &names), "apply");
    let ran = many.run(cloud(2, &names), "apply");
    assert!(ran.err.contains("and 2 more: `program plan` shows all"), "{ran:?}");
    assert!(ran.err.contains("`program apply --replace outdated` makes the 7 anew"), "{ran:?}");
}

#[test]
fn a_machine_that_is_made_over_its_data_is_created_and_its_data_is_told_apart() {
    let cloud = |size: u64| {
        let db = Machine::new("db", Image::debian("12").path("/images/debian-12.qcow2"))
            .root_disk(2.gib())
            .disk(Disk::new("data", size.gib()).mount("/srv/data"));
        Cloud::new("first").host(Host::local()).machine(db)
    };
    let stage = Stage::new();
    stage.done(cloud(5), "apply");
    let grown = stage.done(cloud(6), "plan");
    assert!(
        grown.contains("run inside the guest: sudo /usr/lib/systemd/systemd-growfs /srv/data"),
        "{grown}"
    );
    stage.done(cloud(5), "destroy");
    // The row of a machine that is not there says what is.
    let status = stage.run(cloud(5), "status");
    let row = status.out.lines().find(|line| line.starts_with("  db ")).unwrap();
    assert!(
        row.contains("not there") && row.contains("left: volume/fmc-first/db.disk.data is still there"),
        "{status:?}"
    );
    // A new guest grows what it mounts when it starts.
    let larger = stage.done(cloud(6), "plan");
    assert!(larger.contains("its file system grows when the guest starts"), "{larger}");
    assert!(!larger.contains("growfs"), "{larger}");
    // Nothing of the machine is replaced but its data.
    let given_up = one_line(&stage.done(cloud(5), "plan --delete-data db"));
    assert!(given_up.contains("+ machine db create"), "{given_up}");
    assert!(
        given_up.contains("± volume fmc-first/db.disk.data replace 5 GiB of data, given up by --delete-data"),
        "{given_up}"
    );
    assert!(given_up.contains("1 to create, 1 to replace, 0 to delete"), "{given_up}");
    stage.done(cloud(5), "apply --delete-data db");
}

#[test]
fn explain_suggests_from_all_words_that_it_knows() {
    let stage = Stage::new();
    for (word, help) in [
        ("plann", "did you mean `plan`?"),
        ("adress-duplicate", "did you mean `address-duplicate`?"),
        ("outdated", "`outdated` is a word of a plan: `program explain plan` says what it means"),
        ("defered", "`deferred` is a word of a plan"),
        ("rename", "`rename` is a word of a plan"),
        ("xyz", "`program explain plan` has the words of a plan"),
    ] {
        stage.fails(cloud(), &format!("explain {word}"), 64, &[help]);
    }
}

#[test]
fn two_machines_with_one_address_are_both_named_and_neither_is_blamed() {
    let twice = cloud().machine(crate::stage::machine("zoo", "10.17.3.10"));
    let ran = stage_check(twice);
    assert!(ran.contains("10.17.3.10 is the address of two machines: web and zoo"), "{ran}");
    assert!(
        ran.contains("give one of them a free address of lab (10.17.3.0/24), for example 10.17.3.12"),
        "{ran}"
    );
}

fn stage_check(cloud: Cloud) -> String {
    Stage::new().run(cloud, "check").out
}

#[test]
fn one_of_a_thing_is_told_as_one() {
    let small = Cloud::new("first")
        .host(Host::local().memory(1.gib()).topology(1, 1, 1))
        .machine(Machine::new("web", Image::blank()).cpus(2).memory(4.gib()).root_disk(2.gib()));
    let said = stage_check(small);
    assert!(said.contains("1 machine needs 4 GiB"), "{said}");
    assert!(said.contains("2 virtual processors on 1 thread (1 socket × 1 core × 1 thread)"), "{said}");
    let stage = Stage::new();
    let only = || Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24"));
    stage.done(only(), "plan --out p.json");
    stage.done(only(), "apply");
    stage.fails(only(), "apply p.json", 1, &["its only step is no longer needed: it was applied already"]);
}
