//! First boots: a cloud is applied to a hypervisor, and each machine says from inside what it became.
//!
//! The guest is a Debian that Ignition or cloud-init configures (`cargo xtask guest`). It proves what fmc compiles, by the programs that
//! read it; it does not prove Fedora CoreOS, Flatcar or Rocky Linux themselves. More boots are in the full tier.
#![cfg(feature = "virt")]

mod cloud;
#[cfg(feature = "full")]
mod full;
mod lab;

use fmc::prelude::*;
use fmc_testkit::guest::Style;

use cloud::{Expected, machine};
use lab::Lab;

#[test]
fn an_ignition_guest_and_a_cloud_init_guest_become_what_the_cloud_says() {
    let lab = Lab::start(&["local"]);
    let cloud = || {
        cloud::on(&[Host::local()])
            .machine(machine("flat", Style::Flatcar, 10).disk(cloud::data()))
            .machine(machine("deb", Style::Debian, 11).disk(cloud::data()))
    };
    lab.apply(&cloud());
    for (name, style, number) in [("flat", Style::Flatcar, 10), ("deb", Style::Debian, 11)] {
        let report = lab.boot(name, 1);
        Expected { name, style, number }.is_seen_in(&report, &lab.log(name));
        lab.expect_lease("local", "back", &format!("10.17.5.{number}"));
    }
    lab.expect_nothing_to_do(&cloud());
}
