//! Wrong input, and a command's answer to it.

use std::fs;

use fmc::prelude::*;
use fmc_libvirt::sim::file::SimFile;

use crate::stage::{Stage, cloud, machine, refused};

#[test]
fn wrong_usage_ends_with_64_on_standard_error() {
    let stage = Stage::new();
    let cases = [
        ("", "Usage"),
        ("chek", "check"),
        ("check --no-such-option", "--no-such-option"),
        ("compile", "--out"),
        ("plan --parallelism 0", "0"),
        ("plan --parallelism many", "many"),
        ("explain adress-duplicate", "did you mean `address-duplicate`?"),
        ("explain x", "`program explain` lists the kinds"),
        ("plan --set machines.web.memory", "PATH=VALUE"),
        ("plan --set machines.web.memroy=1GiB", "machines.web has no `memroy`: did you mean `memory`?"),
        ("plan --set machines.wbe.memory=1GiB", "machines has no `wbe`: did you mean `web`?"),
        ("plan --set networks.lab.reservations[*].mac=x", "`*` matches nothing"),
        ("plan --replace wbe", "did you mean `web`?"),
        ("plan --replace helper_node", "helper_node"),
        ("apply --delete-data bd", "did you mean `db`?"),
        ("destroy --replace web", "`destroy` does not use --replace"),
        ("plan --connect sim:", "write sim:FILE"),
        ("plan --connect xen:///system", "qemu"),
        ("plan --connect local", "://"),
        ("plan --connect lokal=sim:a.json", "did you mean `local`?"),
        ("plan --connect sim:a --connect sim:b", "--connect HOST=URI"),
        ("plan --connect local=sim:a --connect local=sim:b", "more than once"),
    ];
    for (arguments, words) in cases {
        let ran = stage.run(cloud(), arguments);
        assert_eq!(ran.code, 64, "{arguments}: {ran:?}");
        assert!(ran.err.contains(words), "{arguments} does not say {words:?}: {ran:?}");
        assert_eq!(ran.out, "", "{arguments}");
    }
    assert!(!stage.path().join("first.sim.json").exists(), "nothing is done");
}

#[test]
fn help_and_version_end_with_0_on_standard_output() {
    let stage = Stage::new();
    assert!(stage.done(cloud(), "--help").contains("compile"));
    assert!(stage.done(cloud(), "plan --help").contains("--detailed-exitcode"));
    assert!(stage.done(cloud(), "--version").starts_with("fmc "));
}

#[test]
fn check_shows_findings_where_results_are_and_ends_with_1() {
    let ran = Stage::new().run(refused(), "check");
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("error[address-outside]: "), "{ran:?}");
    assert!(ran.out.contains("  at machines.web.interfaces[0].address\n"), "{ran:?}");
    assert!(ran.out.contains("  help: "), "{ran:?}");
    assert!(ran.out.contains("  `program explain address-outside` says more\n"), "{ran:?}");
    assert_eq!(ran.err, "");
}

#[test]
fn check_as_json_is_an_array_of_findings_and_nothing_else() {
    let stage = Stage::new();
    let ran = stage.run(refused(), "check --json");
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let findings: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&ran.out).unwrap();
    let found = findings.iter().find(|finding| finding["kind"] == "address-outside").unwrap();
    assert_eq!(found["severity"], "error");
    assert_eq!(found["at"], "machines.web.interfaces[0].address");
    assert!(found["message"].is_string() && found["help"].is_string());
    assert_eq!(found["case"], "Outside");
    assert_eq!(found["data"]["subnet"], "10.17.3.0/24");
    let known = [
        "kind", "severity", "at", "also", "message", "help", "accepted", "machines", "case", "data",
        "remedies",
    ];
    assert!(findings.iter().flat_map(|finding| finding.keys()).all(|key| known.contains(&key.as_str())));

    let good = stage.done(cloud(), "check --json");
    assert!(serde_json::from_str::<Vec<serde_json::Value>>(&good).is_ok(), "{good}");
}

#[test]
fn check_shows_the_budget() {
    let out = Stage::new().done(cloud(), "check");
    let row = out.lines().find(|line| line.contains("memory")).unwrap();
    assert!(row.contains("16 GiB"), "{out}");
    assert!(out.contains("vCPUs by threads") && out.contains("pool fmc-first, at most"), "{out}");
    assert!(out.ends_with("0 accepted\n"), "{out}");
}

#[test]
fn an_accepted_finding_is_listed_with_its_reason() {
    let stage = Stage::new();
    let tight = "check --set 'hosts.local.memory=2 GiB'";
    let ran = stage.run(cloud(), tight);
    assert!(ran.code == 1 && ran.out.contains("memory-overcommit"), "{ran:?}");
    let out = stage.done(cloud().accept("memory-overcommit", "they sleep"), tight);
    assert!(out.contains("  accepted: they sleep\n"), "{out}");
    assert!(out.contains("0 errors") && out.contains("1 accepted"), "{out}");
}

#[test]
fn a_refused_cloud_is_refused_by_every_command() {
    let stage = Stage::new();
    for command in ["compile --out out", "plan", "plan --destroy", "apply", "drift", "console web"] {
        stage.fails(refused(), command, 1, &["error[address-outside]", "the cloud is refused: 1 error"]);
        assert_eq!(stage.run(refused(), command).out, "", "{command}");
    }
    assert_eq!(fs::read_dir(stage.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn what_stands_is_shown_and_destroyed_though_the_cloud_is_refused() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    let wrong = || cloud().machine(machine("third", "10.17.4.10"));
    let marks = "warning: the cloud has 1 error: status goes by the marks of the objects of the owner `first` on its hosts\n";
    stage.fails(wrong(), "status", 1, &["error[address-outside]", marks]);
    let status = stage.run(wrong(), "status").out;
    for name in ["web", "db"] {
        assert!(status.lines().any(|line| line.contains(name) && line.contains("running")), "{status}");
    }
    assert!(!status.contains("third") && !status.contains("as wanted"), "{status}");
    let json: serde_json::Value = serde_json::from_str(&stage.run(wrong(), "status --json").out).unwrap();
    assert_eq!((&json["machines"][0]["name"], &json["machines"][0]["host"]), (&"db".into(), &"local".into()));

    let one = stage.run(wrong(), "destroy --only machine/web");
    assert!(one.code == 0 && one.err.contains("destroy goes by the marks"), "{one:?}");
    assert!(!stage.done(cloud(), "plan").contains("machine db"), "the other machine stays");
    let all = stage.run(wrong(), "destroy");
    assert_eq!(all.code, 0, "{all:?}");
    // Data stays, as it does for a cloud that is right.
    assert!(all.out.contains("- machine db") && all.out.contains("db.disk.data"), "{all:?}");
    assert!(all.out.contains("kept"), "{all:?}");
    let gone = stage.done(cloud(), "plan");
    assert!(gone.contains("+ machine web") && gone.contains("+ machine db"), "{gone}");
}

#[test]
fn a_wrong_host_or_owner_finds_no_objects() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    for wrong in [cloud().owner("No Owner"), cloud().host(Host::new("no host"))] {
        for command in ["status", "destroy"] {
            stage.fails(wrong.clone(), command, 1, &["the cloud is refused: "]);
        }
    }
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 0, "nothing was destroyed");
}

#[test]
fn explain_shows_the_page_of_every_kind() {
    let stage = Stage::new();
    for kind in Kind::ALL {
        let out = stage.done(cloud(), &format!("explain {}", kind.as_str()));
        assert!(out.starts_with(kind.as_str()) && out.contains(kind.page().trim()), "{out}");
    }
    let page: serde_json::Value =
        serde_json::from_str(&stage.done(cloud(), "explain address-duplicate --json")).unwrap();
    assert_eq!((&page["kind"], &page["severity"]), (&"address-duplicate".into(), &"error".into()));
    assert!(page["page"].is_string() && page["acceptable"].is_boolean());
    // A page can be shown even if the cloud is wrong.
    stage.done(refused(), "explain address-duplicate");
}

#[cfg(not(feature = "virt"))]
#[test]
fn a_libvirt_without_the_feature_says_which_is_missing() {
    for command in
        ["plan --connect qemu:///system", "apply --connect hosts", "status --connect local=qemu:///system"]
    {
        Stage::new().fails(cloud(), command, 1, &["the feature `virt`", "--features virt", "the host local"]);
    }
    // It is not put off beside a host that is there: no apply of this program can reach it.
    let two = Cloud::new("first").host(Host::new("a")).host(Host::new("b"));
    let command = "plan --connect a=sim:a.json --connect b=qemu:///system";
    Stage::new().fails(two, command, 1, &["the feature `virt`", "the host b"]);
}

#[test]
fn a_simulation_that_could_not_be_saved_is_refused_by_plan_too() {
    let stage = Stage::new();
    for command in ["plan", "apply", "status", "destroy"] {
        let command = format!("{command} --connect sim:nodir/x.json");
        stage.fails(cloud(), &command, 1, &["there is no such folder", "nodir"]);
    }
    assert_eq!(fs::read_dir(stage.path()).unwrap().count(), 0);
}

#[cfg(feature = "virt")]
#[test]
fn a_libvirt_that_does_not_answer_is_named() {
    let missing = "qemu:///system?socket=/nowhere/libvirt-sock";
    Stage::new().fails(
        cloud(),
        &format!("plan --connect {missing}"),
        1,
        &["error: the host local does not answer: failed to ", "/nowhere/libvirt-sock"],
    );
}

#[test]
fn several_hosts_are_named_one_by_one_or_simulated_together() {
    let two = || {
        Cloud::new("first")
            .host(Host::new("a").uri("qemu+ssh://a/system"))
            .host(Host::new("b").uri("qemu+ssh://b/system"))
            .machine(Machine::new("web", Image::blank()).host("a"))
            .machine(Machine::new("db", Image::blank()).host("b"))
    };
    let stage = Stage::new();
    stage.fails(two(), "plan --connect qemu:///system", 64, &["stands for the only host", "of a, b"]);
    stage.fails(
        two(),
        "plan --connect a=sim:x",
        64,
        &["where the host b is", "--connect b=qemu+ssh://b/system"],
    );
    stage.done(two(), "apply");
    for host in ["a", "b"] {
        assert!(stage.path().join(format!("first.{host}.sim.json")).is_file());
    }
    stage.done(two(), "apply --connect a=sim:one.json --connect b=sim:two.json");
    assert!(stage.path().join("one.json").is_file() && stage.path().join("two.json").is_file());
    assert!(stage.done(two(), "status").contains("running"));
}

#[test]
fn a_simulation_that_is_none_is_left_as_it_is() {
    let stage = Stage::new();
    let file = stage.path().join("first.sim.json");
    for text in ["", "{", "[1]", "{\"domains\": 1}", "\u{0}\u{1}"] {
        fs::write(&file, text).unwrap();
        for command in ["plan", "apply", "status", "destroy"] {
            stage.fails(cloud(), command, 1, &["first.sim.json", "move it away"]);
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    stage.fails(cloud(), "apply --connect sim:no/such/folder/x.json", 1, &["no/such/folder"]);
}

#[test]
fn two_applies_at_once_do_not_meet() {
    let stage = Stage::new();
    let held = SimFile::open(stage.path().join("first.sim.json"), "process 4711, apply").unwrap();
    for command in ["apply", "destroy"] {
        stage.fails(cloud(), command, 1, &["held by process 4711, apply"]);
    }
    // Commands that only read are not blocked.
    stage.done(cloud(), "plan");
    drop(held);
    stage.done(cloud(), "apply");
}

/// The image does not exist, so a command that fetched it would fail.
#[test]
fn a_simulation_fetches_no_image() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let image = Image::debian("12").url("https://example.com/debian-12.qcow2", digest);
    let fetched = Machine::new("fetched", image).root_disk(3.gib()).interface(Interface::on("lab"));
    let stage = Stage::new();
    let cloud = cloud().machine(fetched).accept("login-missing", "a test");
    let plan = stage.done(cloud.clone(), "plan");
    assert!(plan.contains("fetched from https://example.com/debian-12.qcow2"), "{plan}");
    stage.done(cloud.clone(), "apply");
    // The lab needs no image.
    stage.done(cloud, "--lab apply");
}

#[test]
fn a_finding_about_a_value_that_an_argument_set_names_the_argument() {
    let stage = Stage::new();
    let set = "machines.web.interfaces[0].address=10.17.9.9";
    let ran = stage.run(cloud(), &format!("check --set {set}"));
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains(&format!("at --set {set}\n")), "{}", ran.out);
    let json = stage.run(cloud(), &format!("check --json --set {set}"));
    let findings: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert!(findings.as_array().unwrap().iter().any(|finding| finding["set"] == *set), "{findings}");
    // Other findings keep their places, even if `--set` changed something else in the same machine.
    let other = stage.run(refused(), "check --set machines.*.memory=2GiB");
    assert!(other.out.contains("at machines.web.interfaces[0].address"), "{}", other.out);
}

#[test]
fn completions_know_the_machines_of_the_cloud() {
    let stage = Stage::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = stage.done(cloud(), &format!("completions {shell}"));
        for name in ["web", "db", "all", "machine/web", "network/lab"] {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
    let script = stage.done(cloud(), "completions bash");
    let after = script.split("--replace)").nth(1).unwrap();
    assert!(after.lines().take(2).any(|line| line.contains("\"db web\"")), "{after:.200}");
    // A refused cloud has no names, so its completions contain none.
    assert!(!stage.done(refused(), "completions bash").contains("\"web\""));
}

#[test]
fn no_number_in_the_file_of_a_simulation_panics() {
    for key in ["next_id", "now", "shutdown_seconds", "dies", "boots"] {
        let stage = Stage::new();
        let most = u64::MAX;
        let value =
            if matches!(key, "dies" | "boots") { format!(r#"{{"web":{most}}}"#) } else { most.to_string() };
        fs::write(stage.path().join("first.sim.json"), format!(r#"{{"host":{{"{key}":{value}}}}}"#)).unwrap();
        for arguments in ["apply", "--replace web apply", "status", "destroy --yes"] {
            let ran = stage.run(cloud(), arguments);
            assert!(!format!("{ran:?}").contains("panicked"), "{key}: {arguments}: {ran:?}");
        }
    }
}
