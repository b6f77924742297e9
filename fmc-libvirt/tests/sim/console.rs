//! The output on machines' serial consoles: kept beside their disks, and deleted with them.

use fmc_core::cloud::Cloud;
use fmc_core::disk::Disk;
use fmc_core::graph::{Choices, Impact, Wanted};
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::machine::Machine;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::link::Link as _;

use crate::lab::{Lab, blank, cloud, delete_all_data, lan, notes, nothing, replace, small, wanted, web};

fn silent(machines: impl IntoIterator<Item = Machine>) -> Wanted<Document> {
    wanted(&Cloud::new("first").host(Host::local().console_log(false)).network(lan()).machines(machines))
}

#[test]
fn it_is_kept_while_its_machine_is_there() {
    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.print("web", "web login: ").unwrap();
    assert!(lab.volumes("web.console").is_empty(), "libvirt lists it after a refresh of the pool");
    lab.sim.refresh_pool("fmc-first").unwrap();
    let tail = lab.sim.volume_tail("fmc-first", "web.console", 11).unwrap();
    assert_eq!(tail.as_deref(), Some("web login: ".as_bytes()));
    let plan = lab.plan(&small());
    assert!(plan.is_empty() && plan.notes.is_empty(), "{plan}");
    lab.apply_with(&small(), &replace("web"));
    assert_eq!(lab.volumes("web.console"), ["web.console"], "a replaced machine continues the file");
}

#[test]
fn it_goes_with_its_machine_whether_libvirt_has_seen_it_or_not() {
    for seen in [false, true] {
        let lab = Lab::new();
        lab.apply(&small());
        if seen {
            lab.sim.refresh_pool("fmc-first").unwrap();
        }
        let one = wanted(&cloud([lan()], [web()]));
        lab.apply(&one);
        lab.sim.refresh_pool("fmc-first").unwrap();
        assert_eq!(lab.volumes("web.console"), ["web.console"]);
        assert!(lab.volumes("db.console").is_empty());
        lab.apply_with(&nothing(), &delete_all_data());
        assert!(lab.lists().is_empty(), "{:?}", lab.lists());
    }
}

#[test]
fn the_folder_is_read_as_often_for_many_machines_as_for_two() {
    let looks = |machines: u32| {
        let lab = Lab::new();
        let machine =
            |n: u32| Machine::new(format!("node{n}"), Image::blank()).disk(Disk::new("data", 1.gib()));
        lab.apply(&wanted(&cloud([], (0..machines).map(machine))));
        let made = lab.calls("volumes");
        lab.sim.refresh_pool("fmc-first").unwrap();
        lab.sim.forget_calls();
        lab.apply_with(&nothing(), &delete_all_data());
        assert!(lab.lists().is_empty());
        assert_eq!(lab.calls("refresh-pool"), 1);
        (made, lab.calls("volumes"))
    };
    assert_eq!(looks(20), looks(2));
}

#[test]
fn what_is_left_of_a_machine_that_somebody_removed_goes_too() {
    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.destroy_domain("web").unwrap();
    lab.sim.undefine_domain("web").unwrap();
    let one = wanted(&cloud([lan()], [blank("other")]));
    lab.sim.refresh_pool("fmc-first").unwrap();
    lab.apply_with(&one, &Choices::default());
    assert!(lab.volumes("web.console").is_empty());
    assert!(lab.plan(&one).is_empty());
}

#[test]
fn it_can_be_switched_off_and_on() {
    let lab = Lab::new();
    lab.apply(&silent([blank("db"), web()]));
    assert!(!lab.sim.domain("web").unwrap().unwrap().xml.contains("<log"));
    lab.sim.print("web", "nobody listens").unwrap_err();

    let kept = wanted(&cloud([lan()], [blank("db"), web()]));
    let plan = lab.plan(&kept);
    assert_eq!(plan.steps.len(), 2, "{plan}");
    assert!(plan.steps.iter().all(|step| step.impact == Impact::NextBoot), "{plan}");
    lab.apply(&kept);
    let pending = notes(&lab.plan(&kept), fmc_core::graph::NoteKind::PendingBoot);
    assert!(pending.len() == 2 && pending[0].contains("devices/serial/log"), "{pending:?}");

    // For a host that refuses the file, the domain has none, and the machine starts.
    let plan = lab.plan(&silent([blank("db"), web()]));
    assert_eq!(plan.steps.len(), 2, "{plan}");
    lab.apply(&silent([blank("db"), web()]));
    assert!(!lab.sim.domain("web").unwrap().unwrap().xml.contains("<log"));
}
