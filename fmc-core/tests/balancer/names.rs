//! Nodes that a DNS name lists: one more node changes nothing on the balancer.

#![expect(clippy::disallowed_methods, reason = "what a name server reads changes")]

use std::collections::BTreeSet;

use fmc_core::balancer::Balancer;
use fmc_core::image::Os;
use fmc_testkit::netns::{Answer, Lab, Port, Probe};

use crate::clouds::{self, haproxy, within};

/// The options that libvirt 9.0 gives its dnsmasq for a network whose domain only that dnsmasq answers.
const DNSMASQ: [&str; 8] = [
    "dnsmasq",
    "--keep-in-foreground",
    "--conf-file=/dev/null",
    "--strict-order",
    "--local=/example.org/",
    "--domain=example.org",
    "--expand-hosts",
    "--no-resolv",
];

#[test]
fn a_node_that_comes_is_found_and_one_that_dies_is_left() {
    let cloud = clouds::cloud(&Balancer::on("lb1"), Os::Debian, Some("example.org"));
    let lab = clouds::lab(&cloud);
    let hosts = lab.path().join("hosts");
    let published = &cloud.network("edge").unwrap().names;
    // In libvirt's format.
    let write = |nodes: usize| {
        let line = |one: &fmc_core::checked::PublishedName| {
            let names: String = one.names.iter().map(|name| format!("{name}\t")).collect();
            format!("{}\t{names}\n", one.address)
        };
        std::fs::write(&hosts, published.iter().take(nodes).map(line).collect::<String>()).unwrap();
    };
    write(1);
    let mut words = DNSMASQ.map(str::to_owned).to_vec();
    let (file, bridge) =
        (format!("--addn-hosts={}", hosts.display()), "--listen-address=10.17.5.1".to_owned());
    words.extend([file, bridge, "--bind-interfaces".into(), "--pid-file=".into(), "--user=root".into()]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut dns = lab.daemon(Lab::ROUTER, &words);
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
    write(2);
    dns.signal("HUP");
    within(20, "one more node", || answers() == of(&["worker1", "worker2"]));
    // Without a name server, the balancer keeps the nodes that it knows.
    dns.kill();
    one.kill();
    within(15, "the node that lives", || answers() == of(&["worker2"]));
    assert!(balancer.is_running(), "{}", balancer.log());
}
