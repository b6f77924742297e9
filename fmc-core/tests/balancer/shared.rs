//! Two balancers that share an address: it moves when one of them dies in any way.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "programs run, and time passes")]

use std::time::Duration;

use fmc_core::balancer::{Balancer, keepalived};
use fmc_core::image::Os;
use fmc_testkit::netns::{Daemon, Lab};

use crate::clouds::{self, api, call, haproxy, within};

const SHARED: &str = "10.17.5.10";

/// Runs keepalived as its unit does: after the script that finds the interface.
fn keepalived<'lab>(lab: &'lab Lab, host: &str) -> Daemon<'lab> {
    // The balancer is up before it has found its servers up, and its member takes part in the election from
    // the start.
    within(10, "a balancer that is alive", || lab.run(host, &[keepalived::ASK]).is_ok());
    lab.run(host, &[keepalived::FIND]).unwrap();
    let mut daemon = lab.daemon(host, &["keepalived", "--dont-fork", "--log-console", "--no-syslog"]);
    daemon.says("Entering BACKUP STATE", Duration::from_secs(20)).unwrap();
    daemon
}

#[track_caller]
fn is_at(lab: &Lab, host: &str, other: &str) {
    within(15, &format!("the address at {host}"), || {
        lab.has_address(host, SHARED) && !lab.has_address(other, SHARED)
    });
    within(10, "an answer by the address", || call(lab, SHARED).is_ok());
}

fn two(preempt: bool) -> Lab {
    let balancer =
        Balancer::on_all(["lb1", "lb2"]).virtual_address(SHARED).preempt(preempt).without_ingress();
    let lab = clouds::lab(&clouds::cloud(&balancer, Os::Debian, None));
    clouds::certificate(&lab);
    lab
}

#[test]
fn the_address_moves_when_a_balancer_or_its_keepalived_dies() {
    let lab = two(true);
    let _server = api(&lab, "master1");
    let mut first = haproxy(&lab, "lb1");
    let _second = haproxy(&lab, "lb2");
    let mut leader = keepalived(&lab, "lb1");
    let follower = keepalived(&lab, "lb2");
    is_at(&lab, "lb1", "lb2");
    for daemon in [&leader, &follower] {
        let log = daemon.log();
        assert!(!log.to_lowercase().contains("warning") && !log.contains("SECURITY"), "{log}");
    }
    first.kill();
    is_at(&lab, "lb2", "lb1");
    let _first = haproxy(&lab, "lb1");
    is_at(&lab, "lb1", "lb2");
    leader.stop();
    is_at(&lab, "lb2", "lb1");
    let _leader = keepalived(&lab, "lb1");
    is_at(&lab, "lb1", "lb2");
    // The machine is gone and could not give up the address.
    lab.unplug("lb1", true);
    within(15, "the address at lb2", || lab.has_address("lb2", SHARED));
    within(10, "an answer by the address", || call(&lab, SHARED).is_ok());
}

#[test]
fn without_preemption_it_stays_where_it_is() {
    let lab = two(false);
    let _server = api(&lab, "master1");
    let mut first = haproxy(&lab, "lb1");
    let _second = haproxy(&lab, "lb2");
    let _leader = keepalived(&lab, "lb1");
    within(15, "the address at lb1", || lab.has_address("lb1", SHARED));
    let _follower = keepalived(&lab, "lb2");
    is_at(&lab, "lb1", "lb2");
    first.kill();
    is_at(&lab, "lb2", "lb1");
    let _first = haproxy(&lab, "lb1");
    within(10, "the first alive again", || lab.run("lb1", &[keepalived::ASK]).is_ok());
    std::thread::sleep(Duration::from_secs(6));
    is_at(&lab, "lb2", "lb1");
}
