//! Guests whose network is lost under them are on it again after one apply.

use fmc_core::graph::{Action, Plan};
use fmc_libvirt::document::Document;
use fmc_libvirt::link::Link as _;

use crate::lab::{Lab, small};

/// The steps of a plan: the network, then the machines that are plugged into it.
fn restarts(plan: &Plan<Document>) -> Vec<(String, Action)> {
    plan.steps.iter().map(|step| (step.address.name().to_owned(), step.action)).collect()
}

fn both() -> [(String, Action); 2] {
    [("db".to_owned(), Action::Restart), ("web".to_owned(), Action::Restart)]
}

/// The guests that have lost a network.
fn lost(lab: &Lab) -> usize {
    let domains = lab.sim.domains().unwrap();
    let live = domains.iter().filter_map(|domain| domain.live_xml.as_deref());
    let ports = lab.sim.network_ports("lab").unwrap().unwrap();
    live.filter(|xml| !ports.iter().any(|port| xml.contains(port.as_str()))).count()
}

#[test]
fn a_network_that_was_undefined_under_guests_comes_back_with_them() {
    let lab = Lab::used();
    lab.sim.stop_network("lab").unwrap();
    lab.sim.undefine_network("lab").unwrap();
    let plan = lab.plan(&small());
    let network = ("lab".to_owned(), Action::Create);
    assert_eq!(restarts(&plan), [[network].as_slice(), &both()].concat(), "{plan}");
    lab.apply(&small());
    assert_eq!(lost(&lab), 0);
}

/// libvirt says that the network is active, and its guests that they run.
#[test]
fn a_bridge_that_was_deleted_comes_back_with_its_guests() {
    let lab = Lab::used();
    lab.sim.delete_bridge(&bridge(&lab));
    let plan = lab.plan(&small());
    let network = ("lab".to_owned(), Action::Restart);
    assert_eq!(restarts(&plan), [[network].as_slice(), &both()].concat(), "{plan}");
    lab.apply(&small());
    assert_eq!(lost(&lab), 0);
}

/// Of a host elsewhere libvirt lists the interfaces, in some builds without the bridges of its networks: that is no reason to
/// restart a guest.
#[test]
fn a_bridge_elsewhere_is_missed_where_another_one_is_listed() {
    let lab = Lab::used();
    lab.sim.place_elsewhere();
    lab.sim.delete_bridge(&bridge(&lab));
    assert!(lab.plan(&small()).is_empty());
    let theirs = "<network><name>theirs</name><bridge name='br-theirs'/></network>";
    lab.sim.plant_network(theirs).unwrap();
    let network = ("lab".to_owned(), Action::Restart);
    assert_eq!(restarts(&lab.plan(&small())), [[network].as_slice(), &both()].concat());
    lab.sim.delete_bridge("br-theirs");
    assert!(lab.plan(&small()).is_empty());
}

/// No guest has to restart for it.
#[test]
fn a_dnsmasq_that_ended_runs_again() {
    let lab = Lab::used();
    lab.sim.end_dnsmasq("lab");
    let plan = lab.plan(&small());
    assert_eq!(restarts(&plan), [("lab".to_owned(), Action::Update)], "{plan}");
    lab.apply(&small());
    assert!(lab.sim.networks_here().unwrap().served.contains("lab"));
    assert!(!lab.sim.network("lab").unwrap().unwrap().xml.contains("invalid"));
}

/// The guests count as unplugged then, and a start of theirs fails without the bridge.
#[test]
fn guests_that_lost_the_network_and_its_bridge_are_not_left_off() {
    let lab = Lab::used();
    lab.sim.stop_network("lab").unwrap();
    lab.sim.start_network("lab").unwrap();
    lab.sim.delete_bridge(&bridge(&lab));
    lab.apply(&small());
    assert_eq!(lost(&lab), 0);
    assert!(lab.sim.domains().unwrap().iter().all(|domain| domain.active));
}

fn bridge(lab: &Lab) -> String {
    let xml = lab.sim.network("lab").unwrap().unwrap().xml;
    xml.split_once("<bridge name='").unwrap().1.split_once('\'').unwrap().0.to_owned()
}

/// Nothing makes it again: a restart would only unplug what a person plugged in.
#[test]
fn a_network_that_nobody_wants_restarts_no_guest() {
    let lab = Lab::used();
    lab.sim.plant_network("<network><name>theirs</name><bridge name='br-theirs'/></network>").unwrap();
    let more =
        "<interface type='network'><mac address='52:54:00:aa:bb:cc'/><source network='theirs'/></interface>";
    lab.sim.edit("web", "</devices>", &format!("{more}</devices>")).unwrap();
    lab.sim.destroy_domain("web").unwrap();
    lab.sim.start_domain("web").unwrap();
    lab.sim.edit("web", more, "").unwrap();
    lab.sim.stop_network("theirs").unwrap();
    lab.sim.undefine_network("theirs").unwrap();
    let plan = lab.plan(&small());
    assert!(plan.steps.is_empty(), "{plan}");
}
