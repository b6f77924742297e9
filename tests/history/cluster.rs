//! Groups 9, 10, 20, 21 and 24 where they are a K3s cluster's: who joins whom, what its nodes reach, and what they are given.

use fmc::guest::checked::{Contents, Part};
use fmc::prelude::*;
use fmc::testing::checked;

use crate::{caught, found, seed, unreadable};

/// The cluster of the seed's document, as a file says it.
pub(crate) const CLUSTER: &str = "clusters={prod: {version: v1.36.3+k3s1, servers: [master1, master2, master3], \
     agents: [worker1, worker2, worker3], endpoint: {balancer: {machines: [loadbalancer1]}}, disable: [traefik]}}";

/// A text file of a machine, in which secrets stand by name.
pub(crate) fn text(cloud: &Cloud, machine: &str, path: &str) -> String {
    let cloud = checked(cloud);
    let machine = cloud.machine(machine).unwrap();
    let file = machine.guest.files.iter().find(|file| file.path.as_str() == path);
    let Some(file) = file else { panic!("{} has no {path}", machine.name) };
    match &file.contents {
        Contents::Text(text) => text.to_string(),
        Contents::Parts(parts) => parts.iter().map(part).collect(),
        other => panic!("{path} is no text: {other:?}"),
    }
}

fn part(part: &Part) -> String {
    match part {
        Part::Text(text) => text.to_string(),
        Part::Secret(secret) | Part::Quoted(secret) => format!("({secret})"),
    }
}

const CONFIG: &str = "/etc/rancher/k3s/config.yaml";

/// Masters joined by the address of the first one, later by a virtual address that came last, and a playbook rewrote the first
/// one in between.
#[test]
fn h09_one_server_begins_and_every_other_node_joins_by_the_endpoint() {
    let cloud = seed(&[CLUSTER]);
    let first = text(&cloud, "master1", CONFIG);
    let has = |config: &str, line: &str| config.lines().any(|own| own.starts_with(line));
    assert!(has(&first, "cluster-init: true") && !has(&first, "server: "), "{first}");
    for node in ["master2", "master3", "worker1", "worker2", "worker3"] {
        let config = text(&cloud, node, CONFIG);
        assert!(!config.contains("cluster-init"), "{config}");
        assert!(has(&config, "server: \"https://10.17.3.12:6443\""), "{config}");
    }
}

/// `server/tls` and `server/db/etcd` were deleted on every master, so that certificates knew another address.
#[test]
fn h09_certificates_know_every_server_and_the_endpoint_from_the_first_day() {
    let cloud = seed(&[CLUSTER]);
    for server in ["master1", "master2", "master3"] {
        let config = text(&cloud, server, CONFIG);
        let names = config.split("tls-san:\n").nth(1).unwrap();
        for name in ["10.17.3.12", "10.17.4.21", "10.17.4.22", "10.17.4.23"] {
            assert!(names.contains(&format!("- \"{name}\"\n")), "{name} is not in {names}");
        }
        for name in ["loadbalancer1", "master1", "master2", "master3"] {
            assert!(names.contains(&format!("- {name}.cefaslocalserver.internal\n")), "{name}: {names}");
        }
    }
}

/// What all servers must say alike is said once: no server has a place of its own for it.
#[test]
fn h09_what_servers_must_have_alike_has_one_place() {
    let cloud = seed(&[CLUSTER, "clusters.prod.pods=[10.44.0.0/16]"]);
    let networks = |server: &str| -> Vec<String> {
        let config = text(&cloud, server, CONFIG);
        config.lines().skip_while(|line| *line != "cluster-cidr:").take(2).map(str::to_owned).collect()
    };
    assert_eq!(networks("master1"), ["cluster-cidr:", "- \"10.44.0.0/16\""]);
    assert_eq!(networks("master2"), networks("master1"));
    assert_eq!(networks("master3"), networks("master1"));
}

/// The cluster's machines on two masqueraded networks, as libvirt makes them if nothing is said.
#[test]
fn h10_a_flow_that_the_networks_do_not_carry_is_refused() {
    let found = found(&seed(&[CLUSTER, "networks.core.mode=nat", "networks.kube.mode=nat"]));
    let flows: Vec<_> = found.iter().filter(|finding| finding.kind == Kind::FlowUnreachable).collect();
    assert!(!flows.is_empty(), "{}", Report::new(found));
    for finding in flows {
        assert!(finding.at.starts_with("clusters.prod."), "{finding}");
        assert!(finding.help.contains("routed"), "{finding}");
    }
}

/// Tokens of K3s in inventories: here they are made from the root key, and no file that has one can be read by others.
#[test]
fn h20_tokens_of_the_cluster_are_written_nowhere() {
    let cloud = seed(&[CLUSTER]);
    let config = text(&cloud, "master2", CONFIG);
    let token = config.lines().find(|line| line.starts_with("token:")).unwrap();
    assert!(token.contains("(secret ") && token.contains("generation 1"), "{token}");
    let checked = checked(&cloud);
    let mut secret = 0;
    for machine in &checked.machines {
        // A certificate is public, although it is made from the same key.
        let private = machine.guest.files.iter().filter(|file| !file.path.as_str().ends_with(".crt"));
        for file in private.filter(|file| file.contents.secrets().next().is_some()) {
            assert_eq!(file.mode.bits() & 0o077, 0, "others may read {} on {}", file.path, machine.name);
            secret += 1;
        }
    }
    assert!(secret >= 6, "a file for each node at least: {secret}");
}

/// `curl -sfL https://get.k3s.io`, of whichever release was the latest on that day.
#[test]
fn h21_a_release_of_k3s_is_one() {
    for version in ["latest", "stable", "v1.36"] {
        let finding = caught(
            &seed(&[CLUSTER, &format!("clusters.prod.version={version}")]),
            Kind::ValueInvalid,
            "clusters.prod.version",
            "v1.36.3+k3s1",
        );
        assert!(finding.message.contains(version), "{finding}");
    }
}

/// A key of `config.yaml` that K3s does not know, which K3s itself only logs on agents.
#[test]
fn h05_a_key_that_k3s_does_not_know_is_a_mistake() {
    let file = |key: &str| {
        format!(
            "name: first\nclusters: {{prod: {{version: v1.36.3+k3s1, servers: [a], config: {{{key}}}}}}}\n"
        )
    };
    unreadable(&file("flannel-backed: vxlan"), "flannel-backed");
    unreadable(&file("https-listen-port: 6443, disabel: traefik"), "disabel");
    fmc::file::from_yaml(&file("https-listen-port: 6443")).unwrap();
}
