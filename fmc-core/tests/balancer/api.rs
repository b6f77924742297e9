//! `HAProxy` in front of three API servers, one of which dies, and of two nodes with HTTP and HTTPS.

use std::collections::BTreeSet;

use fmc_core::balancer::Balancer;
use fmc_core::image::Os;
use fmc_testkit::netns::{Answer, Port, Probe};

use crate::clouds::{self, api, api_that_says, call, haproxy, within};

const LB: &str = "10.17.5.11";

#[test]
fn a_server_dies_and_the_calls_go_on() {
    let cloud = clouds::cloud(&Balancer::on("lb1").without_ingress(), Os::Debian, None);
    let lab = clouds::lab(&cloud);
    clouds::certificate(&lab);
    let mut servers = ["master1", "master2", "master3"].map(|name| api(&lab, name));
    let mut balancer = haproxy(&lab, "lb1");
    within(10, "a first answer", || call(&lab, LB).is_ok());
    let answered = |calls: usize| -> BTreeSet<String> {
        (0..calls)
            .map(|index| {
                call(&lab, LB).unwrap_or_else(|refused| panic!("call {index}: {refused}\n{}", balancer.log()))
            })
            .collect()
    };
    assert_eq!(answered(6).len(), 3, "all servers are called");

    // At once, and for as long as it takes until the dead server gets no more requests.
    let [_, dead, _] = &mut servers;
    dead.kill();
    assert_eq!(answered(12), BTreeSet::from(["master1".to_owned(), "master3".to_owned()]));
    // A machine that is gone does not even refuse connections.
    lab.unplug("master1", true);
    assert_eq!(answered(2), BTreeSet::from(["master3".to_owned()]));
    let again = api(&lab, "master2");
    within(20, "the server that is there again", || answered(2).len() == 2);
    assert!(balancer.is_running(), "{}", balancer.log());

    // The balancer has no certificate: the caller verifies the server.
    let words = ["curl", "-sSf", "--max-time", "5", "https://10.17.5.11:6443/whoami"];
    let refused = lab.run("client", &words).unwrap_err();
    assert!(refused.words().contains("certificate"), "{refused}");
    // The balancer shows its own state only to its own machine.
    assert!(!lab.reaches("client", LB, Port::tcp(8405)));
    let alive = ["curl", "-sSf", "--max-time", "5", "http://127.0.0.1:8405/ping"];
    lab.run("lb1", &alive).unwrap();
    drop(servers);
    drop(again);
    within(30, "no server, and so not alive", || lab.run("lb1", &alive).is_err());
}

#[test]
fn a_server_gets_calls_once_its_api_is_up() {
    let cloud = clouds::cloud(&Balancer::on("lb1").without_ingress(), Os::Debian, None);
    let lab = clouds::lab(&cloud);
    clouds::certificate(&lab);
    let _up = [("master1", "200"), ("master3", "403")].map(|(name, says)| api_that_says(&lab, name, says));
    // Its supervisor answers a ping, as K3s does long before its API is up.
    let starting = api_that_says(&lab, "master2", "503");
    let balancer = haproxy(&lab, "lb1");
    within(10, "a first answer", || call(&lab, LB).is_ok());
    within(10, "the server that is not up is out", || balancer.log().contains("Server api/master2 is DOWN"));
    let answered = || -> BTreeSet<String> { (0..8).map(|_| call(&lab, LB).unwrap()).collect() };
    assert_eq!(answered(), BTreeSet::from(["master1".to_owned(), "master3".to_owned()]));
    drop(starting);
    let _now = api(&lab, "master2");
    within(20, "all three", || answered().len() == 3);
}

#[test]
fn http_and_https_go_to_the_nodes_that_live() {
    let cloud = clouds::cloud(&Balancer::on("lb1").ingress_node_ports(30080, 30443), Os::Debian, None);
    let lab = clouds::lab(&cloud);
    let ports = [Port::tcp(30080), Port::tcp(30443)];
    let mut one = lab.listen("worker1", &ports);
    let _two = lab.listen("worker2", &ports);
    let _balancer = haproxy(&lab, "lb1");
    let probes = |port| [(); 4].map(|()| Probe::new("client", LB, Port::tcp(port)));
    let answers = |port| -> BTreeSet<Option<String>> {
        let name = |answer| if let Answer::Open(name) = answer { Some(name) } else { None };
        lab.probe(&probes(port)).into_iter().map(name).collect()
    };
    let both: BTreeSet<_> = ["worker1", "worker2"].map(|name| Some(name.to_owned())).into();
    for port in [80, 443] {
        within(10, "both nodes", || answers(port) == both);
    }
    one.kill();
    let left = BTreeSet::from([Some("worker2".to_owned())]);
    for port in [80, 443] {
        within(15, "the other node", || answers(port) == left);
    }
}
