//! Traefik itself, built from its modules, from the compiled files: in front of three API servers, one of which dies, and of two
//! nodes with HTTP and HTTPS.

#![expect(clippy::unwrap_used, reason = "a program that does not start fails the test")]

use std::collections::BTreeSet;
use std::time::Duration;

use fmc_core::balancer::traefik::{DYNAMIC, STATIC};
use fmc_core::balancer::{Balancer, Software};
use fmc_core::digest::Digest;
use fmc_core::image::Os;
use fmc_testkit::netns::{Answer, Daemon, Lab, Port, Probe};

use crate::clouds::{self, api, call, call_at, https, within};

const LB: &str = "10.17.5.11";

/// What Traefik says of HTTP at each start, which passes through no entry point of ours.
const OF_HTTP: [&str; 2] = ["encoded-characters-configuration", "aliasHeadersStrategy"];

fn balancer() -> Balancer {
    Balancer::on("lb1")
        .software(Software::Traefik {
            url: "https://example.org/traefik".into(),
            digest: Digest::sha256(b"").into(),
        })
        .ingress_node_ports(30080, 30443)
}

/// Traefik with the compiled files, as its unit starts it.
fn traefik(lab: &Lab) -> Daemon<'_> {
    let program = fmc_testkit::traefik::program();
    let configuration = format!("--configFile={STATIC}");
    let mut daemon = lab.daemon("lb1", &[program.to_str().unwrap(), &configuration]);
    daemon.says("Starting provider *file.Provider", Duration::from_secs(30)).unwrap();
    daemon
}

#[test]
fn a_server_dies_and_the_calls_go_on() {
    let cloud = clouds::cloud(&balancer(), Os::Debian, None);
    let lab = clouds::lab(&cloud);
    clouds::certificate(&lab);
    let mut servers = ["master1", "master2", "master3"].map(|name| api(&lab, name));
    let mut one = (lab.listen("worker1", &[Port::tcp(30080)]), https(&lab, "worker1", 30443, "200"));
    let _two = (lab.listen("worker2", &[Port::tcp(30080)]), https(&lab, "worker2", 30443, "200"));
    let mut balancer = traefik(&lab);
    within(10, "a first answer", || call(&lab, LB).is_ok());
    let answered =
        |port| -> BTreeSet<String> { (0..6).filter_map(|_| call_at(&lab, LB, port).ok()).collect() };
    within(10, "all servers are called", || answered(6443).len() == 3);
    let probes = [(); 4].map(|()| Probe::new("client", LB, Port::tcp(80)));
    let http = || -> BTreeSet<String> {
        let name = |answer| if let Answer::Open(name) = answer { Some(name) } else { None };
        lab.probe(&probes).into_iter().filter_map(name).collect()
    };
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    within(10, "both nodes by HTTP", || http() == set(&["worker1", "worker2"]));
    within(10, "both nodes by HTTPS", || answered(443) == set(&["worker1", "worker2"]));

    let [_, dead, _] = &mut servers;
    dead.kill();
    one.0.kill();
    one.1.kill();
    // The dead ones get no more calls, and so no call fails.
    let all = |port| (0..6).all(|_| call_at(&lab, LB, port).is_ok());
    within(15, "two servers", || answered(6443) == set(&["master1", "master3"]) && all(6443));
    within(15, "one node by HTTPS", || answered(443) == set(&["worker2"]) && all(443));
    within(15, "one node by HTTP", || http() == set(&["worker2"]));
    let _again = api(&lab, "master2");
    within(20, "the server that is there again", || answered(6443).len() == 3);

    // The balancer has no certificate: the caller verifies the server.
    let words = ["curl", "-sSf", "--max-time", "5", "https://10.17.5.11:6443/whoami"];
    let refused = lab.run("client", &words).unwrap_err();
    assert!(refused.words().contains("certificate"), "{refused}");
    // No API, no dashboard, and its own state only for its own machine.
    for port in [8080, 8405] {
        assert!(!lab.reaches("client", LB, Port::tcp(port)), "{port}");
    }
    let local = |path: &str| {
        lab.run("lb1", &["curl", "-sSf", "--max-time", "5", &format!("http://127.0.0.1:8405/{path}")])
    };
    local("ping").unwrap();
    for path in ["api/overview", "dashboard/"] {
        local(path).unwrap_err();
    }
    assert!(balancer.is_running(), "{}", balancer.log());
    let is_told = |line: &&str| {
        (line.contains("WRN") || line.contains("ERR")) && !OF_HTTP.iter().any(|known| line.contains(known))
    };
    let log = balancer.log();
    let told: Vec<&str> =
        log.lines().filter(is_told).filter(|line| !line.contains("ealth check failed")).collect();
    assert!(told.iter().all(|line| line.contains("Error while dialing backend")), "{told:#?}");
}

#[test]
fn its_readers_take_the_compiled_files_on_every_system() {
    for os in [Os::Debian, Os::Rocky, Os::FedoraCoreos, Os::Flatcar] {
        let cloud = clouds::cloud(&balancer(), os, None);
        let files = &cloud.machine("lb1").unwrap().guest.files;
        let file = files.iter().find(|file| file.path.as_str() == DYNAMIC).unwrap();
        let fmc_core::guest::checked::Contents::Text(text) = &file.contents else { panic!("{DYNAMIC}") };
        fmc_testkit::traefik::check(text).unwrap();
    }
}
