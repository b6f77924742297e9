//! The order in which nodes wait for each other: a shell runs the compiled scripts against servers of the
//! test that answer as K3s does.

use fmc_core::image::Os;
use fmc_testkit::shell::{Answers, run};
use fmc_testkit::tree;

use crate::cluster;

const WAIT: &str = "/etc/rancher/k3s/wait.sh";

/// The script of a machine, with short pauses, a stamp in the test's folder, and the test's servers.
fn script(machine: &str, before: &Answers, endpoint: &Answers, stamp: &std::path::Path) -> String {
    let cloud = cluster::cloud(Os::Flatcar, cluster::seed());
    let text = cluster::text(&cloud, machine, WAIT);
    let text = text
        .replace("https://10.17.4.10:6443", endpoint.url())
        .replace("https://10.17.4.21:6443", before.url())
        .replace("https://10.17.4.22:6443", before.url())
        .replace("sleep 5", "sleep 0.05");
    assert!(!text.contains("https://10."), "{text}");
    let stamp = stamp.display().to_string();
    text.replace("/var/lib/rancher/k3s/server/db/etcd", &stamp)
        .replace("/var/lib/rancher/k3s/agent/client-kubelet.key", &stamp)
}

#[test]
fn a_server_joins_when_the_one_before_it_has_joined_and_the_endpoint_answers() {
    let folder = tree::scratch();
    let stamp = folder.path().join("etcd");
    let (before, endpoint) = (Answers::with(503), Answers::with(503));
    let text = script("master3", &before, &endpoint, &stamp);
    // An API server answers 401 to unknown clients.
    run(&text, &[&|| before.say(401), &|| endpoint.say(200)]);
}

#[test]
fn a_server_that_has_joined_does_not_wait() {
    let folder = tree::scratch();
    let stamp = folder.path().join("etcd");
    tree::make_folder(&stamp);
    let down = Answers::with(503);
    run(&script("master2", &down, &down, &stamp), &[]);
}

#[test]
fn an_agent_joins_when_the_endpoint_answers() {
    let folder = tree::scratch();
    let stamp = folder.path().join("client-kubelet.key");
    let endpoint = Answers::with(503);
    let text = script("worker1", &endpoint, &endpoint, &stamp);
    run(&text, &[&|| endpoint.say(200)]);
    endpoint.say(503);
    tree::write(&stamp, b"key");
    run(&text, &[]);
}

#[test]
fn the_server_that_begins_does_not_wait() {
    let cloud = cluster::cloud(Os::Flatcar, cluster::seed());
    let guest = &cloud.machine("master1").unwrap().guest;
    assert!(guest.files.iter().all(|file| file.path.as_str() != WAIT));
    assert!(!cluster::unit(&cloud, "master1", "k3s.service").contains("wait.sh"));
    let unit = cluster::unit(&cloud, "master2", "k3s.service");
    assert!(
        unit.contains("ExecStartPre=/bin/sh /etc/rancher/k3s/wait.sh\nExecStart=/opt/bin/k3s server\n"),
        "{unit}"
    );
}
