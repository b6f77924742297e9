//! The seed's twelve machines in namespaces, each with its compiled firewall: every pair and every flow is
//! tested on the wire.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

#[path = "../examples/flatcar_micro_cloud/cloud.rs"]
mod corrected;
#[path = "../fmc-core/tests/firewall/matrix.rs"]
mod matrix;

use fmc::prelude::*;
use fmc_testkit::netns::Port;

#[test]
fn every_pair_of_the_seeds_machines_reaches_what_its_flows_say_and_nothing_else() {
    let checked = corrected::cloud().check().unwrap();
    assert_eq!(checked.machines().len(), 12);
    let wired = matrix::Wired::new(&checked);
    assert_eq!(wired.wrong(), []);
}

#[test]
fn only_the_balancer_and_the_bastion_face_the_lan() {
    let checked = corrected::cloud().check().unwrap();
    let lan = || NetworkName::literal("lan");
    assert_eq!(checked.flows().into("loadbalancer1").from(lan()).ports(), [80, 443, 6443, 51820]);
    assert_eq!(checked.flows().into("bastion").from(lan()).ports(), [22]);
    let outer =
        |machine: &&fmc::checked::Machine| ["loadbalancer1", "bastion"].contains(&machine.name.as_str());
    let guarded = checked.machines().iter().filter(|machine| machine.firewall && !outer(machine));
    let mut count = 0;
    for machine in guarded {
        assert_eq!(checked.flows().into(&machine.name).from(lan()).ports(), [0_u16; 0], "{}", machine.name);
        count += 1;
    }
    assert_eq!(count, 10, "every other machine");
}

/// A role is allowed by its subnet.
#[test]
fn the_database_is_for_the_agents_subnet_and_the_helper() {
    let checked = corrected::cloud().check().unwrap();
    let from =
        |name: &'static str| checked.flows().into("postgresql1").from(MachineName::literal(name)).ports();
    assert_eq!(from("worker1"), [5432]);
    assert_eq!(from("helper"), [5432]);
    assert_eq!(from("freeipa1"), [0_u16; 0]);
    assert_eq!(from("bastion"), [22]);

    let wired = matrix::Wired::new(&checked);
    let (lab, database, other) = (&wired.lab, Port::tcp(5432), Port::tcp(5433));
    let _listening = lab.listen("postgresql1", &[database, other]);
    assert!(lab.reaches("worker1", "10.17.3.13", database) && lab.reaches("worker3", "10.17.3.13", database));
    assert!(lab.reaches("helper", "10.17.3.13", database));
    assert!(!lab.reaches("worker1", "10.17.3.13", other));
    for name in ["loadbalancer1", "freeipa1", "bastion"] {
        assert!(!lab.reaches(name, "10.17.3.13", database), "{name}");
    }
}
