//! The seed's cloud: as written, it is refused, contradiction by contradiction; the corrected one passes.

#![cfg(all(feature = "keys", feature = "yaml"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../examples/flatcar_micro_cloud/cloud.rs"]
mod corrected;
#[path = "../examples/seed_as_written/cloud.rs"]
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc::boot::Boot;
use fmc::graph::Change;
use fmc::keys::{Keyring, RootKey};
use fmc::libvirt::document::Document;
use fmc::libvirt::link::NetworkRecord;
use fmc::prelude::*;
use fmc::secret::{NoSecrets, SecretScope};
use fmc_testkit::libvirt_schema::{Kind as Schema, validate_all};
use fmc_testkit::{cloud_init, ignition, nft, tree};

fn findings() -> Vec<Finding> {
    written::cloud().check().unwrap_err().into_findings()
}

/// Asserts that the check has a finding of a kind at a place, and gives it. A finding that several machines
/// share is at the first of them and names the others.
#[track_caller]
fn found(kind: &str, at: &str) -> Finding {
    let (machine, place) = at.strip_prefix("machines.").and_then(|rest| rest.split_once('.')).unzip();
    let shares = |finding: &Finding| {
        finding.machines().iter().any(|other| Some(other) == machine)
            && place.is_some_and(|place| finding.at().ends_with(&format!(".{place}")))
    };
    let findings = findings();
    let found = findings
        .iter()
        .find(|finding| finding.kind().as_str() == kind && (finding.at() == at || shares(finding)));
    found.cloned().unwrap_or_else(|| panic!("no {kind} at {at} in:\n{}", Report::new(findings)))
}

#[test]
fn s1_worker3_has_the_address_of_master3() {
    let finding = found("address-duplicate", "machines.worker3.interfaces[0].address");
    assert_eq!(finding.also_at(), ["machines.master3.interfaces[0].address"]);
    assert!(finding.message().contains("10.17.4.23"), "{finding}");
}

#[test]
fn s2_a_host_name_has_an_underscore() {
    assert!(found("name-invalid", "machines.helper.hostname").help().contains("helper-node"));
}

#[test]
fn s3_a_machine_is_named_otherwise_than_its_host() {
    found("name-invalid", "machines.load_balancer1");
}

#[test]
fn s4_sizes_are_in_megabytes_of_two_kinds() {
    assert!(found("size-invalid", "machines.master1.root_disk").help().contains("51200 MiB"));
    assert!(found("size-invalid", "machines.freeipa1.root_disk").help().contains("32212 MiB"));
}

#[test]
fn s5_the_machines_need_more_memory_than_there_is() {
    found("memory-overcommit", "hosts.proliant.memory");
}

#[test]
fn s6_every_thread_of_the_host_is_given_away() {
    found("cpu-overcommit", "hosts.proliant.topology");
}

#[test]
fn s7_the_public_address_is_private() {
    found("address-not-public", "public_addresses[0]");
}

#[test]
fn s8_the_bastion_is_on_a_network_that_does_not_exist() {
    let finding = found("reference-unknown", "machines.bastion.interfaces[0].network");
    assert!(finding.message().contains("lan"), "{finding}");
}

#[test]
fn s9_networks_have_no_subnet() {
    found("address-invalid", "networks.kube_network_03.subnet");
    found("address-invalid", "networks.kube_network_02.subnet");
}

#[test]
fn s10_a_bridge_is_named_that_no_host_has() {
    found("bridge-unknown", "networks.bridge.bridge");
}

#[test]
fn s11_an_image_is_another_one_tomorrow() {
    let finding = found("image-unpinned", "machines.freeipa1.image.version");
    assert!(finding.message().contains("\"latest\" of Rocky Linux"), "{finding}");
    assert!(finding.help().contains("write the version of the image"), "{finding}");
    assert!(found("value-invalid", "clusters.k3s.version").help().contains("v1.36.3+k3s1"));
}

#[test]
fn s13_three_masters_are_reached_by_one_of_them() {
    let finding = found("k3s-endpoint-single", "clusters.k3s.endpoint");
    assert!(finding.help().contains("put a balancer before them"), "{finding}");
}

#[test]
fn s14_a_bootstrap_machine_makes_the_servers_even() {
    let finding = found("k3s-server-count", "clusters.k3s.servers");
    assert!(finding.message().contains("4 servers"), "{finding}");
    assert!(finding.help().contains("have 3 or 5 servers"), "{finding}");
}

#[test]
fn s16_a_public_resolver_is_the_second_of_an_internal_one() {
    let finding = found("resolver-mixed", "resolvers");
    assert!(finding.help().contains("ask 10.17.3.11 alone, and let it forward to 8.8.8.8"), "{finding}");
}

/// As written, it is open whether Traefik in a virtual machine stands before K3s's own or replaces it. So a
/// cluster behind a Traefik must decide.
#[cfg(feature = "yaml")]
#[test]
fn s20_traefik_is_there_twice() {
    let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let cluster = format!(
        "clusters={{prod: {{version: v1.36.3+k3s1, servers: [master1, master2, master3], endpoint: {{balancer: {{machines: \
         [loadbalancer1], software: {{traefik: {{url: 'https://example.com/traefik.tar.gz', digest: '{digest}'}}}}}}}}}}}}"
    );
    let cloud = fmc::set::set(&corrected::cloud(), &[cluster.parse().unwrap()]).unwrap();
    let findings = cloud.check().unwrap().findings().to_vec();
    let finding = findings.iter().find(|finding| finding.kind().as_str() == "k3s-traefik-twice").unwrap();
    assert_eq!(finding.at(), "clusters.prod.disable");
    assert!(finding.help().contains("leave K3s's out with `.disable(Component::Traefik)`"), "{finding}");
}

/// As written, the networks have no subnets, so reachability cannot be judged (S9). With the corrected
/// subnets, masqueraded as libvirt does by default, it can.
#[cfg(feature = "yaml")]
#[test]
fn s22_the_two_networks_do_not_reach_each_other() {
    let masqueraded = ["networks.core.mode=nat", "networks.kube.mode=nat"].map(|text| text.parse().unwrap());
    let cloud = fmc::set::set(&corrected::cloud(), &masqueraded).unwrap();
    let findings = cloud.check().unwrap_err().into_findings();
    let finding = findings.iter().find(|finding| finding.kind() == Kind::ResolverUnreachable).unwrap();
    assert_eq!(finding.at(), "resolvers[0]");
    assert!(finding.message().contains("core is masqueraded (nat)"), "{finding}");
    assert!(finding.help().contains("make core a routed network"), "{finding}");
}

#[test]
fn s23_a_key_is_included_and_is_not_there() {
    let finding = found("login-missing", "machines.bastion.guest.users");
    assert_eq!(
        finding.data().get::<Vec<String>>("machines").map(|machines| machines.len()),
        Some(12),
        "{finding}"
    );
    assert!(finding.help().contains("add a user with a key"), "{finding}");
}

#[test]
fn the_corrected_cloud_has_the_machines_of_the_table_and_the_bastion() {
    let checked = corrected::cloud().check().unwrap();
    let names: BTreeSet<_> = checked.machines().iter().map(|machine| machine.name.as_str()).collect();
    let table =
        ["bastion", "bootstrap", "freeipa1", "helper", "loadbalancer1", "master1", "master2", "master3"];
    let more = ["postgresql1", "worker1", "worker2", "worker3"];
    assert_eq!(names, table.into_iter().chain(more).collect());
    assert_eq!(checked.networks().len(), 3);
    assert_eq!(checked.hosts().len(), 1);
    assert!(
        checked.findings().iter().all(|finding| finding.accepted().is_some()),
        "{:?}",
        checked.findings()
    );
}

#[test]
fn the_lab_of_the_corrected_cloud_is_as_right_as_the_cloud() {
    let checked = corrected::cloud().lab().check().unwrap();
    assert_eq!(checked.owner().as_str(), "flatcar-micro-cloud-lab");
    assert!(checked.machines().iter().all(|machine| machine.memory == Size::mib(64)));
}

#[test]
fn the_balancer_reaches_the_cluster_although_its_default_route_is_the_lan() {
    let checked = corrected::cloud().check().unwrap();
    let balancer = checked.machine("loadbalancer1").unwrap();
    let core = balancer.interfaces.iter().find(|interface| !interface.default_route).unwrap();
    let routes: Vec<_> =
        core.routes.iter().map(|route| (route.to.to_string(), route.via.to_string())).collect();
    assert_eq!(routes, [("10.17.4.0/24".to_owned(), "10.17.3.1".to_owned())]);
}

#[test]
fn libvirt_takes_every_document_of_the_corrected_cloud() {
    let wanted = fmc::compile(&corrected::cloud().check().unwrap());
    let mut judged = 0;
    for schema in [Schema::Domain, Schema::Network, Schema::Pool, Schema::Volume] {
        let all = wanted.graph().nodes.iter();
        let all = all.filter_map(|(at, node)| Some((at, node.document.downcast_ref::<Document>()?)));
        let documents = all.filter(|(_, document)| match document {
            Document::Domain(_) => schema == Schema::Domain,
            Document::Network(_) => schema == Schema::Network,
            Document::Pool(_) => schema == Schema::Pool,
            Document::Volume(_) => schema == Schema::Volume,
        });
        let named: Vec<_> =
            documents.map(|(address, document)| (address.name().replace('/', "."), document.xml())).collect();
        judged += named.len();
        validate_all(schema, named.iter().map(|(name, xml)| (name.as_str(), *xml))).unwrap();
    }
    assert_eq!(judged, wanted.graph().nodes.len());
}

/// A boot configuration's document, with secrets from the public sample key.
fn rendered(boot: &Boot, name: &str) -> String {
    let keyring =
        Keyring::new(RootKey::sample(), &SecretScope::of(OwnerId::literal("seed")), Arc::new(NoSecrets));
    let files = boot.files();
    let (_, template) = files.iter().find(|(file, _)| *file == name).unwrap();
    String::from_utf8(template.render(&keyring).unwrap().expose().to_vec()).unwrap()
}

#[test]
fn every_guest_of_the_corrected_cloud_is_taken_by_what_reads_it() {
    let wanted = fmc::compile(&corrected::cloud().check().unwrap());
    let (mut ignitions, mut clouds) = (0, 0);
    for (machine, boot) in wanted.boots() {
        match &**boot {
            Boot::Ignition(_) => {
                let config = rendered(boot, "config.ign");
                ignition::validate(&config).unwrap_or_else(|refused| panic!("{machine}: {refused:?}"));
                let root = tree::scratch();
                let written = ignition::apply(&config, root.path()).unwrap();
                assert_eq!(written["/etc/hostname"].text(), Some(format!("{machine}\n").as_str()));
                ignitions += 1;
            }
            Boot::CloudInit { .. } => {
                cloud_init::schema(&rendered(boot, "user-data")).unwrap();
                clouds += 1;
            }
            other => panic!("{machine} boots in a way that is not judged: {other:?}"),
        }
    }
    assert_eq!((ignitions, clouds), (7, 5));
}

#[test]
fn a_worker_more_changes_no_other_machine() {
    let worker4 = r#"machines.worker4={image: {os: fedora-coreos, version: 40.20240906.3.0, minimum: 10 GiB,
        source: {path: /images/fcos.qcow2}}, memory: 512 MiB, root_disk: 20 GiB,
        interfaces: [{network: kube, address: 10.17.4.28}]}"#;
    let more = [worker4, "clusters.prod.agents=[worker1, worker2, worker3, worker4]"]
        .map(|text| text.parse().unwrap());
    let before = fmc::compile(&corrected::cloud().check().unwrap());
    let grown = fmc::set::set(&corrected::cloud(), &more).unwrap();
    let after = fmc::compile(&grown.check().unwrap());
    let digests = |wanted: &fmc::Wanted| -> BTreeMap<String, [u8; 32]> {
        wanted.boots().map(|(machine, boot)| (machine.to_owned(), boot.digest())).collect()
    };
    let mut machines = digests(&after);
    assert!(machines.remove("worker4").is_some());
    assert_eq!(digests(&before), machines);

    // Without a DNS of the cloud's own, two networks change while they run: the worker's network, and the one that tells the
    // balancer about the worker.
    // Nor without its roles: FreeIPA's machine has no firewall then, and a bastion wants one.
    let machines =
        fmc::set::set(&corrected::machines(), &["machines.bastion.roles=".parse().unwrap()]).unwrap();
    let before = fmc::compile(&machines.check().unwrap());
    let grown = fmc::set::set(&machines, &more).unwrap();
    let after = fmc::compile(&grown.check().unwrap());
    let network = |wanted: &fmc::Wanted, name: &str| {
        let mut all = wanted.graph().nodes.values().map(|node| Arc::clone(&node.document));
        let found = all.find_map(|document| match document.downcast_ref()? {
            Document::Network(network) if &*network.name == name => Some(network.clone()),
            _ => None,
        });
        found.unwrap()
    };
    let changes = |name: &str| {
        let seen = NetworkRecord {
            name: name.to_owned(),
            xml: network(&before, name).xml.to_string(),
            live_xml: None,
            active: true,
            persistent: true,
            autostart: true,
        };
        let changes = fmc::libvirt::drift::compare_network(&network(&after, name), &seen);
        let line = |change: Change| format!("{}: {} ({})", change.path, change.to.unwrap(), change.impact);
        changes.into_iter().map(line).collect::<Vec<_>>()
    };
    let domain = "cefaslocalserver.internal";
    assert_eq!(
        changes("core"),
        [format!("dns/host[10.17.4.28]: 10.17.4.28 worker4.{domain} ingress.prod.{domain} (in place)")]
    );
    assert!(matches!(&changes("kube")[..], [one] if one.ends_with("10.17.4.28 worker4 (in place)")));
    assert_eq!(changes("lan"), [""; 0]);
}

#[test]
fn the_hosts_table_of_the_corrected_cloud_loads_and_loads_again() {
    let wanted = fmc::compile(&corrected::cloud().check().unwrap());
    let [ruleset] = wanted.by_hand() else { panic!("one host, one table") };
    let listing = nft::load_twice_is_stable(&ruleset.text).unwrap();
    assert!(listing.contains("masquerade"), "{listing}");
}
