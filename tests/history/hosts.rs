//! Groups 11, 18 and 19: changes that must not be made to a host, and features that it must have.

use fmc::prelude::*;
use fmc::testing::{NoteKind, Sim};
use fmc_testkit::nft;

use crate::{artifacts, caught, found, seed};

/// `flush ruleset` deleted libvirt's chains: `LIBVIRT_INP: No chain/target/match by that name`.
#[test]
fn h11_no_ruleset_touches_a_table_that_is_not_the_clouds() {
    let wanted = fmc::compile(&seed(&[]).check().unwrap());
    let [ruleset] = wanted.by_hand() else { panic!("one host, one table") };
    for line in ruleset.text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        assert!(!line.contains("flush"), "{line}");
        if line.contains("table ") {
            assert!(line.contains("table inet fmc_flatcar_micro_cloud"), "not ours: {line}");
        }
    }
    for (path, text) in artifacts(&seed(&[])) {
        assert!(!text.contains("flush ruleset"), "{path}");
    }
}

/// The ruleset is loaded at every start of the host, beside a table of libvirt's, which stays unchanged.
#[test]
fn h11_a_ruleset_that_is_loaded_again_changes_nothing() {
    let wanted = fmc::compile(&seed(&[]).check().unwrap());
    let [ruleset] = wanted.by_hand() else { panic!("one host, one table") };
    let theirs = "table ip libvirt_network\ndelete table ip libvirt_network\n\
                  table ip libvirt_network { chain guest_input { accept; }; }\n";
    let listing = nft::load_twice_is_stable(&format!("{theirs}{}", ruleset.text)).unwrap();
    assert!(listing.contains("table ip libvirt_network") && listing.contains("guest_input"), "{listing}");
    assert!(listing.contains("masquerade"), "{listing}");
}

/// A wrong label was worked around by `setenforce 0` on the host and `SELINUX=disabled` in the guests.
#[test]
fn h18_nothing_that_is_compiled_turns_selinux_off() {
    for (path, text) in artifacts(&seed(&[])) {
        for words in ["SELINUX=disabled", "SELINUX=permissive", "setenforce", "selinux=0", "enforcing=0"] {
            assert!(!text.contains(words), "{path} has {words}");
        }
    }
}

/// 53 commits in a day over machine types and processors: `qemu64` does not boot Enterprise Linux 9.
#[test]
fn h19_a_processor_is_new_enough_for_the_system() {
    let finding = caught(
        &seed(&["hosts.proliant.cpu={named: qemu64}"]),
        Kind::CpuLevel,
        "machines.bastion.image",
        "name a model of level x86-64-v2",
    );
    assert_eq!(finding.also_at(), ["hosts.proliant.cpu"]);
    assert!(found(&seed(&["hosts.proliant.cpu={named: Nehalem}"])).is_empty());
}

/// A machine type that is not for virtual machines.
#[test]
fn h19_a_machine_type_is_one() {
    caught(
        &seed(&["hosts.proliant.machine_type=isapc"]),
        Kind::ValueInvalid,
        "hosts.proliant.machine_type",
        "q35",
    );
}

/// The cloud describes a host wrongly: a plan asks the host.
#[test]
fn h19_a_plan_compares_the_host_with_what_is_said_of_it() {
    let cloud = seed(&[]);
    let checked = cloud.check().unwrap();
    let world = Sim::new();
    let host = world.host(&HostName::literal("proliant"));
    host.hardware(35_904 << 10, 24, ["qemu"]);
    host.bridges(["br-vip"]);
    let plan = world.plan(&cloud);
    let providers = world.providers(&checked);
    let notes = pollster::block_on(async {
        providers.observe(plan.wanted()).await.unwrap();
        providers.preflight(&checked).await
    });
    let refused: Vec<&str> =
        notes.iter().filter(|note| note.kind == NoteKind::Refused).map(|note| note.text.as_str()).collect();
    assert!(refused.iter().any(|text| text.contains("cannot run guests of type kvm")), "{refused:?}");
    assert!(refused.iter().any(|text| text.contains("no bridge br0")), "{refused:?}");
    assert_eq!(refused.len(), 2, "{refused:?}");
}
