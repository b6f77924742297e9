//! "Done", "empty" and exit code 0 mean that everything is as the cloud says.

use fmc::json::{Line, StatusObject, Versioned};
use fmc::libvirt::link::Link as _;
use fmc::libvirt::sim::Sim;
use fmc::libvirt::sim::file::SimFile;
use fmc::prelude::*;
use serde_json::Value;

use crate::stage::{Stage, cloud};

fn by_hand<T>(stage: &Stage, file: &str, change: impl FnOnce(&Sim) -> T) -> T {
    let file = SimFile::open(stage.path().join(file), "a test").unwrap();
    let done = change(file.sim());
    file.save().unwrap();
    done
}

fn outcome(lines: &str) -> Value {
    let last = lines.lines().last().unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!(last["event"], "outcome", "{last}");
    last
}

/// Two hosts with one network and one machine each.
fn two_hosts() -> Cloud {
    let on = |name: &str, host: &'static str, address: &str| {
        let network = format!("lab-{host}");
        Machine::new(name, Image::blank())
            .host(HostName::literal(host))
            .root_disk(1.gib())
            .interface(Interface::on(network.parse::<NetworkName>().unwrap()).address(address))
    };
    Cloud::new("first")
        .hosts([Host::new("a"), Host::new("b")])
        .network(Network::nat("lab-a", "10.17.3.0/24").host(HostName::literal("a")))
        .network(Network::nat("lab-b", "10.17.4.0/24").host(HostName::literal("b")))
        .machine(on("web", "a", "10.17.3.10"))
        .machine(on("db", "b", "10.17.4.10"))
}

#[test]
fn a_disk_that_the_cloud_makes_smaller_waits_for_a_person() {
    let stage = Stage::new();
    stage.done(cloud(), "apply --set machines.db.disks.data.size=6GiB");
    let plan = stage.run(cloud(), "plan --detailed-exitcode");
    assert_eq!(plan.code, 2, "{plan:?}");
    assert!(
        plan.out
            .contains("data disk data stays 6 GiB, not 5 GiB: a disk is never made smaller; say 6 GiB again")
            && plan.out.ends_with("  1 left\n"),
        "{plan:?}"
    );
    assert_eq!(stage.run(cloud(), "plan").code, 0);
    let applied = stage.run(cloud(), "apply");
    assert_eq!(applied.code, 2, "{applied:?}");
    assert!(applied.out.contains("0 steps done, 1 left"), "{applied:?}");
    let warning = "warning: machine db is left as it is: data disk data stays 6 GiB";
    assert!(applied.err.contains(warning), "{applied:?}");
    assert!(applied.err.contains("help: `program plan` shows this again"), "{applied:?}");
    let status = stage.run(cloud(), "status");
    let row = status.out.lines().find(|line| line.starts_with("  db ")).unwrap();
    assert!(row.contains("left: data disk data stays 6 GiB"), "{status:?}");
    let json: Value = serde_json::from_str(&stage.run(cloud(), "status --json").out).unwrap();
    assert_eq!(json["machines"][0]["left"].as_array().unwrap().len(), 1, "{json}");
    assert!(!status.out.contains("as wanted") && status.out.contains("1 left"), "{status:?}");
    assert!(status.out.ends_with("  left: machine db; `program plan` says why\n"), "{status:?}");
    let left = outcome(&stage.run(cloud(), "apply --json").out)["left"].clone();
    assert_eq!((&left[0]["about"], &left[0]["note"]), (&"machine/db".into(), &"left".into()));
}

#[test]
fn an_outdated_machine_waits_for_a_person_until_it_is_replaced() {
    let image = |version: u8| Image::debian("12").path(format!("/images/debian-{version}.qcow2"));
    let cloud = |version: u8| {
        let web = Machine::new("web", image(version)).root_disk(2.gib()).user(User::admin("ops"));
        Cloud::new("first").host(Host::local()).machine(web)
    };
    let stage = Stage::new();
    stage.done(cloud(1), "apply");
    let applied = stage.run(cloud(2), "apply");
    assert_eq!(applied.code, 2, "{applied:?}");
    assert!(applied.out.contains("  1 outdated\n") && !applied.out.contains("nothing to do"), "{applied:?}");
    assert!(!applied.err.contains("error"), "{applied:?}");
    let ran = stage.run(cloud(2), "apply --json");
    assert_eq!((ran.code, &outcome(&ran.out)["left"][0]["note"]), (2, &"outdated".into()));
    // What else there was to do is done.
    let changed = stage.run(cloud(2), "apply --set machines.web.memory=2GiB");
    assert!(changed.code == 2 && changed.out.contains("1 step done, 1 outdated"), "{changed:?}");
    stage.done(cloud(2), "apply --replace web --set machines.web.memory=2GiB");
}

#[test]
fn a_part_does_not_answer_for_the_rest() {
    let image = |version: u8| Image::debian("12").path(format!("/images/debian-{version}.qcow2"));
    let cloud = |version: u8, memory: u64| {
        let machine =
            |name: &str| Machine::new(name, image(version)).root_disk(2.gib()).user(User::admin("ops"));
        let web = Machine::new("web", Image::blank()).root_disk(2.gib()).memory(memory.gib());
        Cloud::new("first").host(Host::local()).machine(web).machine(machine("db"))
    };
    let stage = Stage::new();
    stage.done(cloud(1, 1), "apply");
    let plan = stage.run(cloud(2, 2), "plan --only machine/web --detailed-exitcode");
    assert!(plan.code == 2 && !plan.out.contains("1 outdated"), "{plan:?}");
    stage.done(cloud(2, 2), "apply --only machine/web");
    assert_eq!(stage.run(cloud(2, 2), "plan --only machine/web --detailed-exitcode").code, 0);
    assert_eq!(stage.run(cloud(2, 2), "apply --only machine/db").code, 2);
}

#[test]
fn a_part_is_not_put_off_by_a_host_that_does_not_answer() {
    let stage = Stage::new();
    let hosts = "--connect a=sim:a.json --connect b=test:///no/such/file.xml";
    let all = stage.run(two_hosts(), &format!("plan {hosts}"));
    assert!(all.out.contains("deferred"), "{all:?}");
    let part = stage.run(two_hosts(), &format!("apply {hosts} --only machine/web --yes"));
    assert_eq!(part.code, 0, "{part:?}");
    assert!(!part.out.contains("deferred") && !part.out.contains("left out"), "{part:?}");
    let other = stage.run(two_hosts(), &format!("apply {hosts} --only machine/db --yes"));
    assert_eq!(other.code, 1, "{other:?}");
}

#[test]
fn what_is_refused_elsewhere_does_not_refuse_a_part() {
    let stage = Stage::new();
    let more = || cloud().network(Network::nat("far", "10.17.9.0/24"));
    stage.done(cloud(), "apply");
    by_hand(&stage, "first.sim.json", |sim| {
        sim.plant_network("<network><name>far</name><bridge name='virbr9'/></network>").unwrap();
    });
    assert_eq!(stage.run(more(), "apply").code, 1);
    stage.done(more(), "apply --only machine/web --set machines.web.memory=2GiB");
    assert_eq!(stage.run(more(), "apply --only network/far").code, 1);
}

#[test]
fn what_another_host_lacks_does_not_refuse_a_part() {
    let stage = Stage::new();
    let lacking = || {
        two_hosts()
            .map_hosts(|host| {
                if host.name.to_string() == "b" { host.pool(Pool::new("fast", "/srv/fast")) } else { host }
            })
            .map_machines(|machine| {
                let is_db = machine.name.to_string() == "db";
                if is_db { machine.disk(Disk::new("data", 1.gib()).pool("fast")) } else { machine }
            })
    };
    stage.fails(lacking(), "apply", 1, &["it has no pool fast"]);
    stage.done(lacking(), "apply --only machine/web");
    stage.fails(lacking(), "apply --only machine/db", 1, &["it has no pool fast"]);
}

#[test]
fn what_is_asked_for_outside_of_the_part_is_refused() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    for option in ["--replace db", "--delete-data db"] {
        for command in ["plan", "apply"] {
            let line = format!("{command} --only machine/web {option}");
            stage.fails(cloud(), &line, 64, &["machine/db", "limited to other objects", "--only machine/db"]);
        }
    }
    stage.done(cloud(), "apply --only machine/web --only machine/db --replace db");
}

#[test]
fn status_ends_with_0_only_if_all_is_as_the_cloud_says() {
    let stage = Stage::new();
    stage.ends(cloud(), "status", 2);
    stage.done(cloud(), "apply");
    assert!(stage.done(cloud(), "status").ends_with("  as wanted\n"));
    by_hand(&stage, "first.sim.json", |sim| sim.destroy_domain("web").unwrap());
    let off = stage.ends(cloud(), "status", 2);
    assert!(off.lines().any(|line| line.contains("web") && line.contains("off")), "{off}");
    stage.ends(cloud(), "status --json", 2);
    // A machine that should be off is as it should be.
    stage.done(cloud(), "status --set machines.web.power=stopped");
    stage.done(cloud(), "apply");
    // What is refused is an error, as it is for a plan.
    let more = || cloud().network(Network::nat("far", "10.17.9.0/24"));
    by_hand(&stage, "first.sim.json", |sim| {
        sim.plant_network("<network><name>far</name><bridge name='virbr9'/></network>").unwrap();
    });
    stage.fails(more(), "status", 1, &["error: network far: ", "it is not fmc's"]);
}

#[test]
fn a_plan_does_not_count_what_is_refused_as_made() {
    let stage = Stage::new();
    by_hand(&stage, "first.sim.json", |sim| {
        sim.plant_domain("<domain type='kvm'><name>web</name><memory>1</memory></domain>").unwrap();
    });
    let plan = stage.run(cloud(), "plan");
    assert!(
        plan.code == 1 && plan.out.contains("! machine web") && !plan.out.contains("+ machine web"),
        "{plan:?}"
    );
    assert!(plan.out.ends_with("  3 to create, 0 to delete · 1 refused\n"), "{plan:?}");
}

#[test]
fn what_is_gone_already_is_said_to_be() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    stage.done(cloud(), "destroy --only machine/web");
    let again = stage.done(cloud(), "destroy --only machine/web");
    assert!(again.contains("! machine web       notice   it is gone already\n"), "{again}");
    assert!(again.contains("  nothing to do\n"), "{again}");
    assert!(stage.ends(cloud(), "status", 2).contains("running"), "the other machine is there");
    let both = stage.done(cloud(), "destroy --only machine/web --only machine/db");
    assert!(both.contains("- machine db") && both.contains("gone already"), "{both}");
    stage.fails(cloud(), "destroy --only machine/wbe", 64, &["no object has this name"]);
}

#[test]
fn a_refused_apply_ends_with_an_outcome() {
    let stage = Stage::new();
    by_hand(&stage, "first.sim.json", |sim| {
        sim.plant_network("<network><name>lab</name><bridge name='virbr9'/></network>").unwrap();
    });
    let ran = stage.run(cloud(), "apply --json");
    assert_eq!(ran.code, 1, "{ran:?}");
    let events: Vec<Versioned<Line>> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(matches!(events.first().unwrap().value, Line::Plan(_)));
    let Line::Outcome(end) = &events.last().unwrap().value else { panic!("{ran:?}") };
    assert!(end.done == 0 && end.left.iter().any(|left| left.about.contains("network/lab")), "{end:?}");
    // One way of counting: that of the plan.
    let text = stage.run(cloud(), "apply");
    assert!(text.out.contains("1 refused") && text.err.contains("1 refused"), "{text:?}");
}

#[test]
fn status_as_json_says_what_could_not_be_read() {
    let stage = Stage::new();
    let hosts = "--connect a=sim:a.json --connect b=test:///no/such/file.xml";
    let ran = stage.run(two_hosts(), &format!("status --json {hosts}"));
    assert_eq!(ran.code, 1, "{ran:?}");
    let status: Versioned<StatusObject> = serde_json::from_str(&ran.out).unwrap();
    let unknown = &status.value.unknown["machine/db"];
    assert!(unknown.contains("host b does not answer"), "{unknown}");
    assert!(!status.value.unknown.contains_key("machine/web"));
}

#[test]
fn a_host_that_the_cloud_had_is_cleared_when_it_is_named() {
    let stage = Stage::new();
    stage.done(two_hosts(), "apply --connect a=sim:a.json --connect b=sim:b.json");
    let without = || {
        Cloud::new("first").host(Host::new("a")).network(Network::nat("lab-a", "10.17.3.0/24")).machine(
            Machine::new("web", Image::blank())
                .root_disk(1.gib())
                .interface(Interface::on(NetworkName::literal("lab-a")).address("10.17.3.10")),
        )
    };
    let hosts = "--connect a=sim:a.json --connect b=sim:b.json";
    let plan = stage.done(without(), &format!("plan {hosts}"));
    assert!(plan.contains("- machine db") && plan.contains("- network lab-b"), "{plan}");
    assert!(plan.contains("machine") && !plan.contains("- machine web"), "{plan}");
    stage.done(without(), &format!("apply {hosts}"));
    assert!(by_hand(&stage, "b.json", |sim| sim.domain("db").unwrap().is_none()));
    assert_eq!(stage.run(without(), &format!("plan --detailed-exitcode {hosts}")).code, 0);
    // While a host of the cloud is not named, it is a mistyped name.
    stage.fails(without(), "plan --connect c=sim:b.json", 64, &["a host that the cloud does not have"]);
}

#[test]
fn one_simulation_is_not_two_hosts() {
    let stage = Stage::new();
    for command in ["plan", "apply"] {
        stage.fails(
            two_hosts(),
            &format!("{command} --connect a=sim:x.json --connect b=sim:./x.json"),
            64,
            &["the hosts a and b are both sim:x.json", "--connect b=sim:"],
        );
    }
    assert!(!stage.path().join("x.json").exists());
}

#[test]
fn a_disk_of_a_machine_that_is_there_begins_empty() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    let more = || {
        cloud().map_machines(|machine| {
            if machine.name.to_string() == "web" { machine.disk(Disk::new("logs", 1.gib())) } else { machine }
        })
    };
    let plan = stage.done(more(), "plan");
    assert!(plan.contains("~ machine web") && plan.contains("logs 1 GiB begins empty"), "{plan}");
    by_hand(&stage, "first.sim.json", |sim| {
        sim.destroy_domain("db").unwrap();
        sim.delete_volume("fmc-first", "db.disk.data").unwrap();
    });
    // What a domain names and is gone begins empty only if a person gives its data up.
    let ran = stage.run(cloud(), "plan");
    assert!(
        ran.code == 1 && ran.out.contains("db.disk.data is gone") && ran.out.contains("mounted"),
        "{ran:?}"
    );
    assert_eq!(stage.run(cloud(), "apply --yes").code, 1);
    let plan = stage.done(cloud(), "plan --delete-data db");
    let db = plan.lines().find(|line| line.contains("machine db")).unwrap();
    assert!(db.contains("~ machine db"), "{plan}");
    assert!(plan.contains("data 5 GiB begins empty: its data is given up by --delete-data"), "{plan}");
    // A machine that is new is not told of: everything of it begins empty.
    assert!(!Stage::new().done(cloud(), "plan").contains("begins empty"));
}

#[test]
fn a_lost_pool_is_drift() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    by_hand(&stage, "first.sim.json", |sim| {
        for machine in ["web", "db"] {
            sim.destroy_domain(machine).unwrap();
        }
        sim.refresh_pool("fmc-first").unwrap();
        for volume in sim.volumes("fmc-first").unwrap() {
            sim.delete_volume("fmc-first", &volume.name).unwrap();
        }
        sim.delete_pool("fmc-first").unwrap();
    });
    let ran = stage.run(cloud(), "drift");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.out.contains("- pool fmc-first"), "{ran:?}");
}

#[test]
fn a_lab_of_hosts_that_share_a_bridge_is_on_one() {
    let lan = Network::bridge("lan", "br0").subnet("192.168.1.0/24").gateway("192.168.1.1");
    let host = |name: &str| Host::new(name).bridge("br0").memory(64.gib());
    let pool = Pool::new("fast", "/srv/fast");
    let web = |number: u8, host: &str| {
        Machine::new(format!("web{number}"), Image::blank())
            .host(host.parse::<HostName>().unwrap())
            .root_disk(1.gib())
            .interface(Interface::on("lan").address(format!("192.168.1.{number}")))
    };
    let cloud = || {
        Cloud::new("shop")
            .hosts([host("hv2").pool(pool.clone()), host("hv1")])
            .network(lan.clone())
            .network(Network::isolated("replication", "10.17.9.0/24").host(HostName::literal("hv2")))
            .machine(web(20, "hv1"))
            .machine(web(21, "hv2").disk(Disk::new("data", 2.gib()).pool("fast")))
    };
    let stage = Stage::new();
    stage.done(cloud(), "check --lab");
    let applied = stage.done(cloud(), "apply --lab");
    assert!(applied.contains("shop on sim:shop-lab.sim.json"), "{applied}");
    let status = stage.done(cloud(), "status --lab");
    assert!(status.matches("running").count() == 2 && status.ends_with("  as wanted\n"), "{status}");
    // Without a lab each host has its own.
    assert!(stage.run(cloud(), "plan").out.contains("hv2=sim:"));
}

#[test]
fn each_flag_is_for_the_commands_that_use_it() {
    let stage = Stage::new();
    for (arguments, option) in [
        ("check --only machine/none", "--only: plan, apply and destroy do"),
        ("--replace web graph", "--replace: plan and apply do"),
        ("compile --out x --connect here=sim:x", "--connect: "),
        ("status --delete-data web", "--delete-data: plan, apply and destroy do"),
        ("convert yaml --json", "--json: "),
        ("destroy --replace web", "--replace: plan and apply do"),
        ("schema --lab", "--lab: "),
        ("root-key new --set a=b", "--set: "),
    ] {
        stage.fails(cloud(), arguments, 64, &["does not use", option]);
    }
    assert!(!stage.done(cloud(), "check --help").contains("--only"));
    assert!(stage.done(cloud(), "apply --help").contains("--only"));
    let script = stage.done(cloud(), "completions bash");
    let options = |command: &str| {
        let of = script.split_once(&format!("program__subcmd__{command})")).unwrap().1;
        of.lines().find(|line| line.contains("opts=")).unwrap().to_owned()
    };
    assert!(
        !options("check").contains("--only") && options("check").contains("--lab"),
        "{}",
        options("check")
    );
    assert!(options("apply").contains("--only") && options("apply").contains("--replace"));
}

#[test]
fn a_root_key_that_cannot_be_read_is_said_where_none_is_needed() {
    let stage = Stage::new();
    for command in ["plan", "apply", "status", "drift", "destroy", "compile --out out"] {
        stage.fails(cloud(), &format!("{command} --root-key none.key"), 1, &["none.key"]);
    }
    assert!(!stage.path().join("first.sim.json").exists());
}

#[test]
fn the_exit_codes_are_in_the_help_the_manual_and_the_readme() {
    let stage = Stage::new();
    let (help, man) = (stage.done(cloud(), "--help"), stage.done(cloud(), "man"));
    let readme = include_str!("../../README.md");
    for code in ["0", "1", "2", "64", "130"] {
        assert!(
            help.lines().any(|line| line.trim_start().starts_with(&format!("{code}  "))),
            "{code}: {help}"
        );
        assert!(readme.contains(&format!("\n| {code} | ")), "{code} is not in the README");
    }
    assert!(man.contains("wrong usage") && man.contains("waits for a person"), "{man}");
}

#[test]
fn help_and_status_fit_a_narrow_terminal() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    stage.done(cloud(), "apply --lab");
    for arguments in [["apply", "--help"], ["plan", "--help"], ["status", "--lab"], ["--lab", "drift"]] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = fmc::cli::Io {
            width_out: Some(60),
            width_err: Some(60),
            folder: stage.path().to_owned(),
            ..fmc::cli::Io::new(&mut out, &mut err)
        };
        let line = ["program"].into_iter().chain(arguments).map(std::ffi::OsString::from);
        assert_eq!(fmc::cli::run(cloud(), line, &mut io), 0, "{arguments:?}");
        let out = String::from_utf8(out).unwrap();
        let too_long = out.lines().find(|line| line.chars().count() > 60 && line.trim().contains(' '));
        assert_eq!(too_long, None, "{arguments:?}");
    }
}
