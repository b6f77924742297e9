//! First boots: a cloud is applied to a hypervisor, and each machine reports its state from inside.
//!
//! The guest is a Debian that Ignition or cloud-init configures (`cargo xtask guest`). It tests fmc's output
//! with the programs that read it; it does not test Fedora CoreOS, Flatcar or Rocky Linux themselves. The
//! full tier has more boots.
#![cfg(feature = "virt")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure here is the test's"
)]

mod cloud;
#[cfg(feature = "full")]
mod full;
#[path = "../k3s/inside.rs"]
mod inside;
mod k3s;
mod lab;
#[cfg(feature = "full")]
mod vlan;

use fmc_testkit::guest::Style;

use cloud::{Guest, HOSTS, cloud};
use lab::Lab;

#[test]
fn an_ignition_guest_and_a_cloud_init_guest_become_what_the_cloud_says() {
    let guests = [Guest::new("flat", Style::Flatcar, 10), Guest::new("deb", Style::Debian, 11)];
    let lab = Lab::start(&HOSTS[..1]);
    lab.apply(&cloud(1, &guests));
    for guest in guests {
        let report = lab.boot(guest.name, 1);
        guest.is_seen_in(&report, &[&report.boot_id], &[&report.boot_id]);
        lab.expect_lease(&guest);
    }
    lab.expect_nothing_to_do(&cloud(1, &guests));
}
