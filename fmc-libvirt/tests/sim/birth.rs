//! What a machine was made with is known later: names may change, and a plan says what differs.

use fmc_core::cloud::Cloud;
use fmc_core::disk::Disk;
use fmc_core::graph::{Choices, Impact, NoteKind};
use fmc_core::guest::{GuestFile, User};
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine};
use fmc_core::name::HostName;
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::mark::Mark;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::Sim;

use crate::lab::{Lab, cloud, db, lan, notes, replace, small, wanted, web};

fn mark(lab: &Lab, name: &str) -> Mark {
    Mark::read(&xml(lab, name)).unwrap()
}

fn xml(lab: &Lab, name: &str) -> String {
    lab.sim.domain(name).unwrap().unwrap().xml
}

fn mac(lab: &Lab, name: &str) -> String {
    let xml = xml(lab, name);
    xml.split_once("<mac address='").unwrap().1.split('\'').next().unwrap().to_owned()
}

/// Takes what an earlier version did not record out of a domain's mark.
fn forget(lab: &Lab, name: &str) {
    let xml = xml(lab, name);
    let (from, to) = (xml.find("<fmc:born").unwrap(), xml.find("</fmc:born>").unwrap() + "</fmc:born>".len());
    lab.sim.edit(name, &xml[from..to], "").unwrap();
    assert_eq!(mark(lab, name).born, None);
}

#[test]
fn an_outdated_machine_says_what_differs() {
    let lab = Lab::new();
    lab.apply(&small());
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";
    let newer = web().file(GuestFile::text("/etc/a", "a")).user(User::admin("ops").key(key));
    let wanted = wanted(&cloud([lan()], [newer, db()]));
    let said = notes(&lab.plan(&wanted), NoteKind::Outdated);
    assert!(said[0].starts_with("machine/web: 1 file (/etc/a); 1 user (ops) (--replace web"), "{said:?}");
    // It is still what the machine was made with, after an apply that changes something else.
    let before = mark(&lab, "web").born;
    lab.apply(&wanted);
    assert_eq!(mark(&lab, "web").born, before);
    lab.apply_with(&wanted, &replace("web"));
    assert_ne!(mark(&lab, "web").born, before);
    assert!(lab.plan(&wanted).is_empty());
}

#[test]
fn a_mark_without_birth_facts_is_not_known_and_the_next_apply_writes_them_live() {
    let lab = Lab::new();
    lab.apply(&small());
    let born = mark(&lab, "db").born;
    ["web", "db"].iter().for_each(|name| forget(&lab, name));
    let plan = lab.plan(&small());
    for name in ["machine/web", "machine/db"] {
        assert_eq!(plan.step(name).unwrap().impact(), Impact::Live, "{plan}");
    }
    // One that is outdated is not known: there is nothing to write.
    let newer = wanted(&cloud([lan()], [web().time_zone("Europe/Madrid"), db()]));
    let plan = lab.plan(&newer);
    assert!(plan.step("machine/web").is_none(), "{plan}");
    assert!(notes(&plan, NoteKind::Outdated)[0].contains("older boot configuration"), "{plan}");
    lab.sim.forget_calls();
    lab.apply(&small());
    assert_eq!((lab.calls("start-domain"), lab.calls("define-domain")), (0, 2));
    assert_eq!(mark(&lab, "db").born, born);
}

#[test]
fn a_network_with_a_better_name_leaves_guests_their_macs() {
    let lab = Lab::new();
    let dynamic = || Machine::new("lan", Image::debian("12").path("/srv/debian.qcow2")).root_disk(20.gib());
    let reserved = || Machine::new("kept", Image::debian("12").path("/srv/debian.qcow2")).root_disk(20.gib());
    let of = |network: &'static str| {
        [
            Machine::new("web", Image::debian("12").path("/srv/debian.qcow2"))
                .root_disk(20.gib())
                .interface(Interface::on(network).address("10.17.3.10")),
            dynamic().interface(Interface::on(network)),
            reserved().interface(Interface::on(network).reserved("10.17.3.20")),
        ]
    };
    let network = |name: &'static str| {
        Network::nat(name, "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199").bridge_name("br-x")
    };
    for is_recorded in [true, false] {
        let lab = lab.copy();
        lab.apply(&wanted(&cloud([network("lab")], of("lab"))));
        let names = ["web", "lan", "kept"];
        if !is_recorded {
            names.iter().for_each(|name| forget(&lab, name));
        }
        let before = names.map(|name| mac(&lab, name));
        let renamed = wanted(&cloud([network("core")], of("core")));
        let said = notes(&lab.plan(&renamed), NoteKind::Outdated);
        assert!(said.iter().all(|note| note.contains("its MAC on core stays")), "{said:?}");
        lab.apply(&renamed);
        assert_eq!(names.map(|name| mac(&lab, name)), before);
        assert!(lab.sim.network("core").unwrap().unwrap().xml.contains(&before[2]));
        let plan = lab.plan(&renamed);
        assert!(plan.steps.is_empty(), "{plan}");
        lab.apply_with(&renamed, &replace("kept"));
        assert_ne!(mac(&lab, "kept"), before[2]);
        assert!(lab.sim.network("core").unwrap().unwrap().xml.contains(&mac(&lab, "kept")));
        // By its first name it keeps them for ever.
        let formerly = wanted(&cloud([network("core").formerly("lab")], of("core")));
        lab.apply_with(&formerly, &replace("web"));
        assert_eq!(mac(&lab, "web"), before[0]);
    }
}

#[test]
fn a_mac_that_a_guest_does_not_know_waits_for_its_replacement() {
    let lab = Lab::new();
    lab.apply(&small());
    let before = xml(&lab, "web");
    let other = Machine::new("web", crate::lab::rocky())
        .cpus(2)
        .memory(2.gib())
        .root_disk(20.gib())
        .interface(Interface::on("lab").address("10.17.3.10").mac("52:54:00:0a:11:03"));
    let wanted = wanted(&cloud([lan()], [other, db()]));
    let said = notes(&lab.plan(&wanted), NoteKind::Left);
    assert!(said.iter().any(|note| note.contains("it would have no network")), "{said:?}");
    lab.apply(&wanted);
    assert_eq!(xml(&lab, "web"), before);
    lab.apply_with(&wanted, &replace("web"));
    assert_eq!(mac(&lab, "web"), "52:54:00:0a:11:03");
}

#[test]
fn a_data_disk_with_a_better_name_stays_if_it_says_its_first_one() {
    let lab = Lab::new();
    let machine = |disk: Disk| {
        Machine::new("db", Image::debian("12").path("/srv/debian.qcow2"))
            .root_disk(20.gib())
            .disk(disk.mount("/srv/data"))
            .interface(Interface::on("lab").address("10.17.3.11"))
    };
    let of = |disk: Disk| wanted(&cloud([lan()], [machine(disk)]));
    lab.apply(&of(Disk::new("data", 50.gib())));
    let plan = lab.plan(&of(Disk::new("pgdata", 50.gib())));
    let said = notes(&plan, NoteKind::Left);
    let is_said = |note: &String| {
        note.contains(
            "the data disk data (50 GiB) stays behind, and pgdata begins empty (`formerly: data` on pgdata",
        ) && note.contains("its guest mounts data until it is replaced")
    };
    assert!(said.iter().any(is_said), "{plan}");
    let plan = lab.plan(&of(Disk::new("pgdata", 50.gib()).formerly("data")));
    assert!(plan.is_empty(), "it is the same disk: {plan}");
}

#[test]
fn one_hypervisor_under_two_names_is_refused() {
    let sim = Sim::new();
    let (a, b) = (HostName::literal("a"), HostName::literal("b"));
    let provider = Libvirt::new().host(a, sim.clone()).host(b, sim.clone());
    let lab = Lab { sim, provider };
    let machine = |name: &'static str, host: &'static str| {
        Machine::new(name, Image::blank()).host(HostName::literal(host)).root_disk(4.gib())
    };
    let one = Cloud::new("first").host(Host::new("a")).machine(machine("web", "a"));
    assert!(lab.try_apply(&wanted(&one), &Choices::default()).unwrap().is_converged());
    // Also where the cloud has only one of the two.
    lab.try_apply(&wanted(&one), &Choices::default()).unwrap_err();
    let two = Cloud::new("first")
        .hosts([Host::new("a"), Host::new("b")])
        .machine(machine("web", "a"))
        .machine(machine("db", "b"));
    let said = notes(&lab.plan(&wanted(&two)), NoteKind::Refused);
    assert!(said.iter().any(|note| note.contains("they are one hypervisor under two URIs")), "{said:?}");
    lab.try_apply(&wanted(&two), &Choices::default()).unwrap_err();
    assert!(lab.sim.domain("web").unwrap().is_some());
}
