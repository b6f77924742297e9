//! Groups 5 to 22 as far as they are about a K3s cluster: how nodes join, what they reach, and what they are
//! given.

use fmc::guest::checked::{Contents, TextPart};
use fmc::prelude::*;
use fmc::testing::checked;

use crate::{found, seed, unreadable};

/// The cluster of the seed's document, in the form of a file.
pub(crate) const CLUSTER: &str = "clusters={prod: {version: v1.36.3+k3s1, servers: [master1, master2, master3], \
     agents: [worker1, worker2, worker3], endpoint: {balancer: {machines: [loadbalancer1]}}, disable: [traefik]}}";

/// Asserts that settings on the seed's cluster cause a finding that it does not have without them: of this
/// kind, at this place, with a help that names the remedy.
#[track_caller]
pub(crate) fn caught(more: &[&str], kind: Kind, at: &str, remedy: &str) -> Finding {
    let before = found(&seed(&[CLUSTER]));
    let new =
        found(&seed(&[&[CLUSTER], more].concat())).into_iter().filter(|finding| !before.contains(finding));
    let new: Vec<Finding> = new.collect();
    let Some(finding) = new.iter().find(|finding| finding.kind() == kind && finding.at() == at) else {
        panic!("no {kind} at {at}:\n{}", Report::new(new))
    };
    assert!(finding.help().contains(remedy), "the help does not name {remedy:?}:\n{finding}");
    finding.clone()
}

/// Asserts that the seed's cluster itself has this finding.
#[track_caller]
fn told(kind: Kind, at: &str, remedy: &str) {
    let found = found(&seed(&[CLUSTER]));
    let finding = found.iter().find(|finding| finding.kind() == kind && finding.at() == at);
    assert!(finding.unwrap().help().contains(remedy), "{finding:?}");
}

/// A text file of a machine. Secrets appear by name.
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

fn part(part: &TextPart) -> String {
    match part {
        TextPart::Text(text) => text.to_string(),
        TextPart::Secret(secret) | TextPart::Quoted(secret) | TextPart::Component(secret) => {
            format!("({secret})")
        }
    }
}

const CONFIG: &str = "/etc/rancher/k3s/config.yaml";

/// Masters joined by the address of the first one, later by a virtual address that came last, and in between
/// a playbook replaced the address of the first one.
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

/// `server/tls` and `server/db/etcd` were deleted on every master to get certificates for another address.
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

/// A setting that must be equal on all servers is set once: there is no place to set it for one server.
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

/// A master joined by its own address, and workers joined by the first master's.
#[test]
fn h09_no_node_joins_by_itself_and_several_servers_are_not_reached_by_one() {
    caught(
        &["clusters.prod.endpoint={address: 10.17.4.22}"],
        Kind::K3sEndpointSelf,
        "clusters.prod.endpoint.address",
        "write an endpoint that leads to all servers",
    );
    caught(
        &["clusters.prod.endpoint=server"],
        Kind::K3sEndpointSingle,
        "clusters.prod.endpoint",
        "put a balancer before them",
    );
}

/// There was a bootstrap node beside three masters. OpenShift has such nodes; K3s does not.
#[test]
fn h09_servers_are_odd_in_number_and_none_waits_for_itself() {
    let four = "clusters.prod.servers=[bootstrap, master1, master2, master3]";
    caught(&[four], Kind::K3sServerCount, "clusters.prod.servers", "have 3 or 5 servers");
    caught(
        &["clusters.prod.bootstrap=master1"],
        Kind::K3sBootstrapMember,
        "clusters.prod.bootstrap",
        "leave it out of `servers`",
    );
}

/// One master had a flag that the others did not have.
#[test]
fn h09_what_servers_must_have_alike_is_not_said_a_second_time() {
    caught(
        &["clusters.prod.server_config={cluster-cidr: [10.44.0.0/16]}"],
        Kind::K3sConfigOwned,
        "clusters.prod.server_config.cluster-cidr",
        "it follows from `pods` of the cluster",
    );
}

/// The inventory had storage1 in the group of workers, so it got the browsers' requests.
#[test]
fn h15_a_machine_that_is_no_node_takes_no_calls() {
    caught(
        &["clusters.prod.ingress=[helper]"],
        Kind::K3sIngressOutside,
        "clusters.prod.ingress[0]",
        "name agents or servers of the cluster",
    );
}

/// The binary was the one that the server happened to have that day.
#[test]
fn h21_a_binary_without_a_digest_is_told_of() {
    told(Kind::K3sInstallUnpinned, "clusters.prod.install", ".install(Install::binary(URL, \"sha256:…\"))");
}

/// The cluster's state was on the disk that each attempt replaced.
#[test]
fn h22_a_cluster_whose_state_is_on_root_disks_is_told_of() {
    told(Kind::K3sDataOnRoot, "clusters.prod.servers", ".mount(\"/var/lib/rancher/k3s\")");
}

/// Labels were set on a machine that is not in a cluster.
#[test]
fn h07_labels_of_no_node_are_told_of() {
    caught(
        &["machines.helper.labels=[storage=longhorn]"],
        Kind::K3sLabelUnused,
        "machines.helper.labels",
        "name the machine among the servers or agents",
    );
}

/// The cluster's machines were on two masqueraded networks, which is libvirt's default.
#[test]
fn h10_a_flow_that_the_networks_do_not_carry_is_refused() {
    let found = found(&seed(&[CLUSTER, "networks.core.mode=nat", "networks.kube.mode=nat"]));
    let flows: Vec<_> = found.iter().filter(|finding| finding.kind() == Kind::FlowUnreachable).collect();
    assert!(!flows.is_empty(), "{}", Report::new(found));
    for finding in flows {
        assert!(finding.at().starts_with("clusters.prod."), "{finding}");
        assert!(finding.help().contains("routed"), "{finding}");
    }
}

/// Inventories contained tokens of K3s. Here they are derived from the root key, and other users cannot read
/// a file that contains one.
#[test]
fn h20_tokens_of_the_cluster_are_written_nowhere() {
    let cloud = seed(&[CLUSTER]);
    let config = text(&cloud, "master2", CONFIG);
    let token = config.lines().find(|line| line.starts_with("token:")).unwrap();
    assert!(token.contains("(secret ") && token.contains("generation 1"), "{token}");
    let checked = checked(&cloud);
    let mut secret = 0;
    for machine in checked.machines() {
        // A certificate is public, although it is derived from the same key.
        let private = machine.guest.files.iter().filter(|file| !file.path.as_str().ends_with(".crt"));
        for file in private.filter(|file| file.contents.secrets().next().is_some()) {
            assert_eq!(file.mode.bits() & 0o077, 0, "others may read {} on {}", file.path, machine.name);
            secret += 1;
        }
    }
    assert!(secret >= 6, "a file for each node at least: {secret}");
}

/// `curl -sfL https://get.k3s.io` installed the latest release of the day.
#[test]
fn h21_a_release_of_k3s_is_one() {
    for version in ["latest", "stable", "v1.36"] {
        let finding = caught(
            &[&format!("clusters.prod.version={version}")],
            Kind::ValueInvalid,
            "clusters.prod.version",
            "v1.36.3+k3s1",
        );
        assert!(finding.message().contains(version), "{finding}");
    }
}

/// `config.yaml` had a key that K3s does not know. K3s itself only logs that on agents.
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
