//! `drift` reports changes by hand, and does not report changes of the cloud.

use fmc::libvirt::link::{Link as _, VolumeRecord};
use fmc::libvirt::sim::Sim;
use fmc::libvirt::sim::file::SimFile;
use fmc::prelude::*;
use serde_json::Value;

use crate::stage::{Stage, cloud, machine};

/// A folder in which the cloud has been applied.
fn applied() -> Stage {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    stage
}

fn by_hand<T>(stage: &Stage, change: impl FnOnce(&Sim) -> T) -> T {
    let file = SimFile::open(stage.path().join("first.sim.json"), "a test").unwrap();
    let done = change(file.sim());
    file.save().unwrap();
    done
}

fn redefine(sim: &Sim, name: &str, from: &str, to: &str) {
    let xml = sim.domain(name).unwrap().unwrap().xml;
    assert!(xml.contains(from), "{xml}");
    sim.define_domain(&xml.replace(from, to)).unwrap();
}

/// The lines of `drift` below its title, and its exit code.
fn drift(stage: &Stage, cloud: Cloud) -> (u8, String) {
    let ran = stage.run(cloud, "drift");
    assert_eq!(ran.err, "");
    (ran.code, ran.out.split_once('\n').unwrap().1.to_owned())
}

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

#[test]
fn without_a_change_by_hand_there_is_none() {
    let stage = Stage::new();
    assert_eq!(drift(&stage, cloud()), (0, lines(&["no drift"])));
    stage.done(cloud(), "apply");
    assert_eq!(drift(&stage, cloud()), (0, lines(&["no drift"])));
    // A change of the cloud is not drift, before its apply and after it. Before it, manual changes of the same object cannot
    // be told apart, and the exit code does not claim that there are none.
    let before = |cloud: Cloud, arguments: &str| {
        let ran = stage.run(cloud, arguments);
        let unclear = if ran.out.contains("unclear") || ran.out.contains("edited") { 2 } else { 0 };
        assert_eq!(ran.code, unclear, "{arguments}: {ran:?}");
        let is_known = ["  by hand  ", "  missing", "  extra  "].iter().any(|kind| ran.out.contains(kind));
        assert!(!is_known, "{arguments}: {ran:?}");
    };
    let more = || cloud().machine(machine("third", "10.17.3.12"));
    let less = || {
        let lab = Network::nat("lab", "10.17.3.0/24");
        Cloud::new("first").host(Host::local()).network(lab).machine(machine("web", "10.17.3.10"))
    };
    for changed in [more(), less()] {
        before(changed.clone(), "drift");
        stage.done(changed.clone(), "apply");
        assert_eq!(drift(&stage, changed), (0, lines(&["no drift"])));
        stage.done(cloud(), "apply");
        assert_eq!(drift(&stage, cloud()), (0, lines(&["no drift"])));
    }
    for set in [
        "machines.web.memory=2GiB",
        "machines.web.power=stopped",
        "machines.web.autostart=false",
        "networks.lab.autostart=false",
        "machines.db.disks.data.size=6GiB",
    ] {
        before(cloud(), &format!("drift --set {set}"));
        stage.done(cloud(), &format!("apply --set {set}"));
        assert_eq!(stage.run(cloud(), &format!("drift --set {set}")).code, 0, "{set}");
        // A disk never shrinks, so the larger one remains; nothing shows whether the cloud or somebody made it so.
        let is_kept = set.contains("size");
        assert_eq!(stage.run(cloud(), "apply").code, if is_kept { 2 } else { 0 }, "{set}");
        let again = drift(&stage, cloud());
        assert_eq!(again.0, if is_kept { 2 } else { 0 }, "{set}: {}", again.1);
        assert_eq!(
            again.1.contains("! volume fmc-first/db.disk.data  unclear  data disk data 6 GiB -> 5 GiB"),
            is_kept
        );
    }
}

#[test]
fn what_somebody_changed_is_told() {
    let stage = applied();
    by_hand(&stage, |sim| {
        redefine(sim, "web", "<memory unit='KiB'>1048576", "<memory unit='KiB'>2097152");
        sim.destroy_domain("db").unwrap();
        sim.set_network_autostart("lab", false).unwrap();
    });
    let told = [
        "~ machine db        by hand  power stopped -> running",
        "~ machine web       by hand  memory 2 GiB -> 1 GiB",
        "~ network lab       by hand  autostart off -> on",
        "3 changed by hand",
    ];
    assert_eq!(drift(&stage, cloud()), (2, lines(&told)));
    stage.done(cloud(), "apply");
    assert_eq!(drift(&stage, cloud()), (0, lines(&["no drift"])));
}

#[test]
fn what_is_missing_is_told_by_what_is_there() {
    let stage = applied();
    by_hand(&stage, |sim| {
        sim.destroy_domain("db").unwrap();
        sim.undefine_domain("db").unwrap();
        sim.stop_network("lab").unwrap();
        sim.undefine_network("lab").unwrap();
    });
    let told = [
        "- machine db        missing",
        "~ machine web       by hand  network/lab unplugged -> plugged in",
        "- network lab       missing",
        "1 changed by hand, 2 missing",
    ];
    assert_eq!(drift(&stage, cloud()), (2, lines(&told)));
    stage.done(cloud(), "apply");
    by_hand(&stage, |sim| {
        sim.destroy_domain("db").unwrap();
        let disk = |volume: &&VolumeRecord| volume.name.starts_with("db.disk.");
        let data = sim.volumes("fmc-first").unwrap().iter().find(disk).unwrap().name.clone();
        sim.delete_volume("fmc-first", &data).unwrap();
    });
    let (code, told) = drift(&stage, cloud());
    assert!(code == 2 && told.contains("- volume fmc-first/db.disk.data  missing\n"), "{told}");
}

/// A root without its domain is the trace of a machine that somebody deleted, and of an apply that did not come to the domain.
#[test]
fn a_machine_that_an_unfinished_apply_did_not_make_is_not_missing() {
    let stage = applied();
    by_hand(&stage, |sim| {
        sim.destroy_domain("db").unwrap();
        sim.undefine_domain("db").unwrap();
    });
    assert_eq!(drift(&stage, cloud()), (2, lines(&["- machine db        missing", "1 missing"])));
    by_hand(&stage, |sim| {
        let holder = r#"{"version":1,"nonce":"0","host":"desk","process":7,"began":3600}"#;
        sim.plant_lease("fmc-first", holder).unwrap();
    });
    let (code, said) = drift(&stage, cloud());
    let first =
        "  ! machine db        not made an apply that has not ended, process 7 on desk, since 01:00 UTC\n";
    assert!(code == 2 && said.starts_with(first) && said.ends_with("  1 not made\n"), "{said}");
    assert!(said.contains("the next `apply` makes it") && !said.contains("missing"), "{said}");
    let json: Value = serde_json::from_str(&stage.ends(cloud(), "drift --json", 2)).unwrap();
    assert_eq!(json["unclear"][0]["kind"], "not-made", "{json}");
    stage.done(cloud(), "apply");
    assert_eq!(drift(&stage, cloud()), (0, lines(&["no drift"])));
}

/// No document changed there, and the next apply waits for a person all the same.
#[test]
fn what_keeps_a_machine_from_being_changed_is_told() {
    let extra = "<disk type='file' device='disk'><source file='/srv/more.qcow2'/><target dev='vdx' bus='virtio'/></disk></devices>";
    type ByHand<'a> = &'a dyn Fn(&Sim);
    let root = |sim: &Sim| {
        let volumes = sim.volumes("fmc-first").unwrap();
        volumes.into_iter().map(|it| it.path).find(|path| path.contains("/db.root.")).unwrap()
    };
    let cases: [(ByHand<'_>, &str); 6] = [
        (&|sim| sim.snapshot_inside("db", "monday").unwrap(), "snapshots monday added"),
        (&|sim| sim.pause("db", "user").unwrap(), "state paused (user) -> running"),
        (&|sim| sim.save("db").unwrap(), "state saved to a file -> running"),
        (&|sim| sim.edit("db", "</devices>", extra).unwrap(), "disk vdx /srv/more.qcow2 added"),
        (&|sim| sim.snapshot("db", "deadbeef").unwrap(), "/db.root.deadbeef"),
        (
            &|sim| {
                sim.put_overlay("/srv/db.root.deadbeef", &root(sim));
                sim.now_on("db", &root(sim), "/srv/db.root.deadbeef").unwrap();
            },
            "disk /srv/db.root.deadbeef -> ",
        ),
    ];
    for (change, said) in cases {
        let stage = applied();
        by_hand(&stage, change);
        let (code, told) = drift(&stage, cloud());
        let mut changed = told.lines().filter(|line| line.contains("  by hand  "));
        assert!(code == 2 && changed.any(|line| line.contains(said)), "{said}: {code} {told}");
        let plan = stage.run(cloud(), "plan");
        assert!(plan.out.contains(" machine db "), "{said}: {plan:?}");
        let status = stage.run(cloud(), "status").out;
        assert!(!said.contains("monday") || status.contains("running, snapshots: monday"), "{status}");
    }
}

#[test]
fn a_copy_of_a_machine_is_extra() {
    let stage = applied();
    by_hand(&stage, |sim| {
        let xml = sim.domain("web").unwrap().unwrap().xml;
        let uuid = xml.split_once("<uuid>").unwrap().1.split_once('<').unwrap().0;
        let copy = xml.replace(uuid, "11111111-2222-4333-8444-555555555555");
        sim.define_domain(&copy.replace("<name>web<", "<name>copy<")).unwrap();
    });
    let told = ["+ machine copy      extra    copy of libvirt/local/domain/web added", "1 extra"];
    assert_eq!(drift(&stage, cloud()), (2, lines(&told)));
}

#[test]
fn a_mark_that_somebody_took_is_told() {
    let stage = applied();
    by_hand(&stage, |sim| {
        let xml = sim.domain("web").unwrap().unwrap().xml;
        let (start, end) = (xml.find("<metadata>").unwrap(), xml.find("</metadata>").unwrap());
        sim.define_domain(&format!("{}{}", &xml[..start], &xml[end + "</metadata>".len()..])).unwrap();
    });
    let told = ["~ machine web       by hand  metadata our mark removed", "1 changed by hand"];
    assert_eq!(drift(&stage, cloud()), (2, lines(&told)));
}

#[test]
fn where_both_changed_it_both_are_said() {
    let stage = applied();
    by_hand(&stage, |sim| {
        redefine(sim, "web", "<memory unit='KiB'>1048576", "<memory unit='KiB'>2097152");
        sim.destroy_domain("db").unwrap();
    });
    let ran = stage.run(cloud(), "drift --set machines.web.cpus=2");
    assert_eq!(ran.code, 2);
    let told = [
        "~ machine db        by hand  power stopped -> running",
        "! machine web       edited   memory 2 GiB -> 1 GiB; vcpu 1 -> 2",
        "edited: the cloud itself has changed there since its last apply, and `plan` shows what an apply does. A change by hand of \
         the same object cannot be told apart before that",
        "1 changed by hand, 1 edited",
    ];
    assert_eq!(ran.out.split_once('\n').unwrap().1, lines(&told));
    by_hand(&stage, |sim| sim.start_domain("db").unwrap());
    // Somebody may have changed it, which is not the same as nobody.
    let unclear = stage.run(cloud(), "drift --set machines.web.cpus=2");
    assert!(unclear.code == 2 && unclear.out.ends_with("  1 edited\n"), "{unclear:?}");
}

#[test]
fn an_outdated_machine_has_not_drifted_by_that() {
    let cloud = |version: u8| {
        let image = Image::debian("12").path(format!("/images/debian-{version}.qcow2"));
        let web = Machine::new("web", image).memory(1.gib()).root_disk(2.gib()).user(User::admin("ops"));
        Cloud::new("first").host(Host::local()).machine(web)
    };
    let stage = Stage::new();
    stage.done(cloud(1), "apply");
    assert_eq!(drift(&stage, cloud(2)), (0, lines(&["no drift"])));
    by_hand(&stage, |sim| redefine(sim, "web", "<memory unit='KiB'>1048576", "<memory unit='KiB'>2097152"));
    let told = ["~ machine web       by hand  memory 2 GiB -> 1 GiB", "1 changed by hand"];
    assert_eq!(drift(&stage, cloud(2)), (2, lines(&told)));
    assert_eq!(stage.run(cloud(2), "apply").code, 2, "it is still outdated");
    stage.done(cloud(2), "apply --replace web");
    assert_eq!(drift(&stage, cloud(2)), (0, lines(&["no drift"])));
    stage.done(cloud(2), "apply --replace web");
    assert_eq!(drift(&stage, cloud(2)), (0, lines(&["no drift"])));
}

#[test]
fn drift_as_json_says_path_from_and_to() {
    let stage = applied();
    by_hand(&stage, |sim| {
        redefine(sim, "web", "<memory unit='KiB'>1048576", "<memory unit='KiB'>2097152");
    });
    let ran = stage.run(cloud(), "drift --json");
    assert_eq!(ran.code, 2);
    let drift: Value = serde_json::from_str(&ran.out).unwrap();
    let web = &drift["drift"][0];
    assert_eq!((&drift["version"], &web["address"]), (&1.into(), &"libvirt/local/domain/web".into()));
    let change = &web["changes"][0];
    assert_eq!(change["path"], "memory");
    assert_eq!((&change["from"], &change["to"]), (&"2 GiB".into(), &"1 GiB".into()));
}

#[test]
fn a_world_that_cannot_be_read_is_a_failure() {
    let stage = applied();
    by_hand(&stage, |sim| sim.stop_pool("fmc-first").unwrap());
    let ran = stage.run(cloud(), "drift");
    assert!(ran.code == 2 && ran.out.contains("active inactive -> active"), "{ran:?}");
    std::fs::write(stage.path().join("first.sim.json"), "{").unwrap();
    assert_eq!(stage.run(cloud(), "drift").code, 1);
}

#[test]
fn an_image_that_was_replaced_under_its_machine_is_drift_and_no_plan() {
    const PATH: &str = "/var/lib/libvirt/images/debian-12.qcow2";
    let (old, new): (&[u8], &[u8]) = (b"of last month", b"of this month");
    let of = |content: &[u8]| {
        let image = Image::debian("12").path(PATH).digest(Digest::sha256(content));
        let store = Machine::new("store", image)
            .root_disk(20.gib())
            .interface(Interface::on("lab").address("10.17.3.20"));
        cloud().machine(store)
    };
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    by_hand(&stage, |sim| sim.put_image(PATH, old, 2 << 30));
    stage.done(of(old), "apply");
    by_hand(&stage, |sim| sim.put_image(PATH, new, 2 << 30));
    let (code, said) = drift(&stage, of(old));
    let is_not_it = "is not the image that the digest says";
    assert!(
        code == 2 && said.contains("machine store") && said.contains(PATH) && said.contains(is_not_it),
        "{said}"
    );
    let unchanged = |arguments: &str, cloud: Cloud| {
        let before = std::fs::read(stage.path().join("first.sim.json")).unwrap();
        let ran = stage.run(cloud, arguments);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(ran.code != 0 && said.contains(PATH), "{arguments}: {said}");
        assert!(std::fs::read(stage.path().join("first.sim.json")).unwrap() == before, "{arguments}");
    };
    unchanged("plan", of(old));
    unchanged("apply", of(old));
    unchanged("apply --replace store", of(old));
    unchanged("apply", of(new));
    stage.done(of(new), "apply --replace store");
    assert_eq!(drift(&stage, of(new)), (0, lines(&["no drift"])));
}
