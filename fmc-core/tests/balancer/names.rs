//! Nodes that a name in DNS lists: one more of them changes nothing on the balancer.

#![expect(clippy::disallowed_methods, reason = "what a name server reads changes")]

use std::collections::BTreeSet;

use fmc_core::balancer::Balancer;
use fmc_core::image::Os;
use fmc_testkit::netns::{Answer, Port, Probe};

use crate::clouds::{self, haproxy, within};

#[test]
fn a_node_that_comes_is_found_and_one_that_dies_is_left() {
    let cloud = clouds::cloud(&Balancer::on("lb1"), Os::Debian, Some("example.org"));
    let lab = clouds::lab(&cloud);
    let hosts = lab.path().join("hosts");
    let write = |nodes: &[u8]| {
        let line = |n: &u8| format!("10.17.4.3{n} ingress.prod.example.org\n");
        std::fs::write(&hosts, nodes.iter().map(line).collect::<String>()).unwrap();
    };
    write(&[1]);
    let file = format!("--addn-hosts={}", hosts.display());
    let words =
        ["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--pid-file=", "--user=root", &file];
    let mut dns = lab.daemon("dns", &words);
    let ports = [Port::tcp(80), Port::tcp(443)];
    let mut one = lab.listen("worker1", &ports);
    let _two = lab.listen("worker2", &ports);
    let mut balancer = haproxy(&lab, "lb1");
    let answers = || -> BTreeSet<Option<String>> {
        let probes = [(); 4].map(|()| Probe::new("client", "10.17.5.11", Port::tcp(443)));
        let name = |answer| if let Answer::Open(name) = answer { Some(name) } else { None };
        lab.probe(&probes).into_iter().map(name).collect()
    };
    let of = |names: &[&str]| names.iter().map(|name| Some((*name).to_owned())).collect::<BTreeSet<_>>();
    within(15, "the node of the name", || answers() == of(&["worker1"]));
    write(&[1, 2]);
    dns.signal("HUP");
    within(20, "one more node", || answers() == of(&["worker1", "worker2"]));
    // Nobody answers for the name any more: what was known stays.
    dns.kill();
    one.kill();
    within(15, "the node that lives", || answers() == of(&["worker2"]));
    assert!(balancer.is_running(), "{}", balancer.log());
}
