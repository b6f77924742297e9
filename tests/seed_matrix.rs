//! The seed's twelve machines in namespaces, each with its compiled firewall: every pair and every flow, asked on the wire.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../examples/flatcar_micro_cloud/cloud.rs"]
mod corrected;
#[path = "../fmc-core/tests/firewall/matrix.rs"]
mod matrix;

use fmc::prelude::*;

#[test]
fn every_pair_of_the_seeds_machines_reaches_what_its_flows_say_and_nothing_else() {
    let checked = corrected::cloud().check().unwrap();
    assert_eq!(checked.machines.len(), 12);
    let wired = matrix::Wired::new(&checked);
    assert_eq!(wired.wrong(), []);
}

#[test]
fn only_the_balancer_faces_the_lan() {
    let checked = corrected::cloud().check().unwrap();
    let lan = || NetworkName::literal("lan");
    assert_eq!(checked.flows().into("loadbalancer1").from(lan()).ports(), [80, 443, 6443]);
    let guarded =
        checked.machines.iter().filter(|machine| machine.firewall && machine.name != "loadbalancer1");
    let mut count = 0;
    for machine in guarded {
        assert_eq!(checked.flows().into(&machine.name).from(lan()).ports(), [0_u16; 0], "{}", machine.name);
        count += 1;
    }
    assert_eq!(count, 7, "three servers, three agents and the bootstrap machine");
}
