//! A resource moves from one object to another: the first apply both frees it and takes it.

use fmc_core::graph::{Address, Plan};
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;

use crate::lab::{Lab, cloud, wanted};

fn on(network: &str, address: &str) -> Machine {
    Machine::new("web", Image::blank())
        .memory(1.gib())
        .root_disk(4.gib())
        .interface(Interface::on(network.to_owned()).address(address.to_owned()))
}

fn place(plan: &Plan<Document>, name: &str) -> usize {
    let is = |address: &Address| address.is_named(name);
    plan.steps.iter().position(|step| is(&step.address)).unwrap()
}

#[test]
fn a_new_network_takes_the_subnet_and_the_bridge_of_one_that_goes() {
    let lab = Lab::new();
    lab.apply(&wanted(&cloud([Network::nat("old", "10.17.3.0/24").bridge_name("br-x")], [])));
    for new in [
        Network::nat("aaa", "10.17.3.0/24").bridge_name("br-x"),
        Network::nat("zzz", "10.17.2.0/23"),
        Network::nat("mmm", "10.17.3.128/25").bridge_name("br-x"),
    ] {
        lab.apply(&wanted(&cloud([new], [])));
    }
}

#[test]
fn a_machine_moves_to_a_network_of_the_same_subnet() {
    let lab = Lab::new();
    let network = |name: &str| Network::nat(name.to_owned(), "10.17.3.0/24").bridge_name("br-x");
    lab.apply(&wanted(&cloud([network("old")], [on("old", "10.17.3.10")])));
    let next = wanted(&cloud([network("new")], [on("new", "10.17.3.10")]));
    let plan = lab.plan(&next);
    assert!(place(&plan, "network/old") < place(&plan, "network/new"), "{plan}");
    assert!(place(&plan, "network/new") < place(&plan, "domain/web"), "{plan}");
    lab.apply(&next);
    assert_eq!(lab.lists().iter().filter(|name| name.starts_with("network ")).count(), 1);
}

#[test]
fn a_network_that_moves_makes_room_for_a_new_one() {
    let lab = Lab::new();
    let old = |subnet: &str| Network::nat("old", subnet.to_owned());
    lab.apply(&wanted(&cloud([old("10.17.3.0/24")], [on("old", "10.17.3.10")])));
    let new = Network::nat("anew", "10.17.3.0/24");
    lab.apply(&wanted(&cloud([old("10.17.4.0/24"), new], [on("old", "10.17.4.10")])));
}

#[test]
fn two_networks_that_change_places_are_refused_with_what_to_do() {
    let lab = Lab::new();
    let networks = |one: &str, other: &str| {
        [Network::nat("one", one.to_owned()), Network::nat("other", other.to_owned())]
    };
    lab.apply(&wanted(&cloud(networks("10.17.3.0/24", "10.17.4.0/24"), [])));
    let before = lab.sim.to_json().unwrap();
    let swapped = wanted(&cloud(networks("10.17.4.0/24", "10.17.3.0/24"), []));
    let plan = lab.plan(&swapped);
    let refused: Vec<&str> = plan.refused().map(|note| note.text.as_str()).collect();
    assert!(
        refused.len() == 1 && refused[0].contains("each needs something that the other still holds"),
        "{plan}"
    );
    assert!(plan.steps.is_empty() && !plan.is_empty());
    assert_eq!(lab.sim.to_json().unwrap(), before);
}
