//! Groups 1, 2 and 16: one address and one name in many places, and the servers that answer for them.

use fmc::dns::zones_of;
use fmc::prelude::*;
use fmc::testing::{Artifacts, Impact, Sim, assert_impact};

use crate::{artifacts, caught, cluster, seed};

const OLD: &str = "10.17.4.26";
const NEW: &str = "10.17.4.28";

/// The storage server's address was in tfvars, Ignition, twenty inventories, a Corefile, haproxy.cfg and the
/// README, and no two of them agreed.
#[test]
fn h01_an_address_is_said_once_and_every_artifact_follows() {
    let before = artifacts(&seed(&[]));
    let after = artifacts(&seed(&["machines.worker3.interfaces[0].address=10.17.4.28"]));
    assert!(before.values().any(|text| text.contains(OLD)));
    for (path, text) in &after {
        assert!(!text.contains(OLD), "{path} still has the old address");
        if before.get(path) != Some(text) {
            assert!(
                text.contains(NEW) || path.contains("worker3"),
                "{path} changed, and is not about the machine"
            );
        }
    }
    for (path, text) in before.iter().filter(|(_, text)| text.contains(OLD)) {
        let follows = after.get(path).is_none_or(|after| after != text && after.contains(NEW));
        assert!(follows, "{path} has not followed");
    }
}

/// 20 November 2024: a second balancer at .13 pushed PostgreSQL to .14 and the helper to .15, by hand in
/// every repository.
#[test]
fn h01_a_balancer_that_moves_in_moves_the_others_and_restarts_nobody_else() {
    let world = Sim::new();
    world.apply(&seed(&[]));
    let balancer = Machine::new(
        "loadbalancer2",
        Image::rocky("9.4").path(
            "/mnt/lv_data/organized_storage/images/Rocky-9-GenericCloud-Base-9.4-20240609.1.x86_64.qcow2",
        ),
    )
    .memory(1.gib())
    .root_disk(30.gib())
    .interface(Interface::on("core").address("10.17.3.13"))
    .user(User::admin("ops").key(include_str!("../../examples/ops.pub")));
    let moved = seed(&[
        "machines.postgresql1.interfaces[0].address=10.17.3.14",
        "machines.helper.interfaces[0].address=10.17.3.15",
        "hosts.proliant.reserve=1GiB",
    ])
    .machine(balancer)
    .accept("cpu-overcommit", "as it was");
    let plan = world.plan(&moved);
    assert_impact(&plan, "machine/loadbalancer2", Impact::Create);
    for machine in ["master1", "worker1", "freeipa1", "loadbalancer1", "bastion", "bootstrap"] {
        assert_impact(&plan, &format!("machine/{machine}"), Impact::None);
    }
}

/// Before the others had moved, two machines had the same address.
#[test]
fn h01_an_address_that_is_still_taken_is_refused() {
    let finding = caught(
        &seed(&["machines.loadbalancer1.interfaces[0].address=10.17.3.13"]),
        Kind::AddressDuplicate,
        "machines.postgresql1.interfaces[0].address",
        "free address of core",
    );
    assert_eq!(finding.also_at(), ["machines.loadbalancer1.interfaces[0].address"]);
}

/// `ipa dnsrecord-add … postgresql1 --a-rec 10.17.3.1`, with a PTR: the address is the gateway's.
#[test]
fn h02_a_machine_has_not_the_address_of_the_gateway() {
    caught(
        &seed(&["machines.postgresql1.interfaces[0].address=10.17.3.1"]),
        Kind::AddressTaken,
        "machines.postgresql1.interfaces[0].address",
        "free address of core",
    );
}

/// The record was `load_balancer1`, but the machine called itself `loadbalancer1`.
#[test]
fn h02_a_name_that_dns_does_not_take_is_refused() {
    caught(
        &seed(&["machines.loadbalancer1.fqdn=load_balancer1.cefaslocalserver.internal"]),
        Kind::NameInvalid,
        "machines.loadbalancer1.fqdn",
        "try load-balancer1",
    );
    caught(
        &seed(&["machines.loadbalancer1.fqdn=load-balancer1.cefaslocalserver.internal"]),
        Kind::HostnameMismatch,
        "machines.loadbalancer1.fqdn",
        "loadbalancer1.cefaslocalserver.internal",
    );
}

/// The balancer asked for the workers in a zone that did not exist.
#[test]
fn h02_a_name_that_nobody_answers_for_is_said() {
    cluster::caught(
        &["machines.loadbalancer1.resolvers=[10.17.3.11]"],
        Kind::K3sIngressUnpublished,
        "clusters.prod.endpoint.balancer",
        "publish at 10.17.3.11 an A or AAAA record of ingress.prod.cefaslocalserver.internal for each node",
    );
    let published = Artifacts::of(&seed(&[cluster::CLUSTER]));
    for (worker, address) in [(1, "10.17.4.24"), (2, "10.17.4.25"), (3, "10.17.4.26")] {
        published.network("core").assert(
            &format!("dns/host[{address}]"),
            &format!(
                "{address} worker{worker}.cefaslocalserver.internal ingress.prod.cefaslocalserver.internal"
            ),
        );
    }
}

/// The records were typed: PostgreSQL had the gateway's address, and the reverse zones nothing at all.
#[test]
fn h02_every_address_has_a_name_that_leads_back_to_it() {
    let checked = seed(&[]).dns(Dns::new().server(DnsServer::on("freeipa", "freeipa1"))).check();
    let checked = checked.unwrap_or_else(|report| panic!("{report}"));
    let zones: String = zones_of(&checked).iter().map(|zone| zone.file()).collect();
    for machine in checked.machines() {
        let name = machine.fqdn.as_ref().unwrap();
        let address = machine.address().unwrap().to_string();
        let reverse: Vec<&str> = address.split('.').rev().collect();
        assert!(zones.contains(&format!("\n{name}. 3600 IN A {address}\n")), "{name}:\n{zones}");
        let pointer = format!("\n{}.in-addr.arpa. 3600 IN PTR {name}.\n", reverse.join("."));
        assert!(zones.contains(&pointer), "{name}:\n{zones}");
    }
    assert!(!zones.contains(" A 10.17.3.1\n"));
}

/// `8.8.8.8` was moved to the front of the list to reach the Internet, and the cloud's names no longer
/// resolved.
#[test]
fn h16_a_public_resolver_is_no_second_of_an_internal_one() {
    for order in ["[8.8.8.8, 10.17.3.11]", "[10.17.3.11, 8.8.8.8]"] {
        caught(
            &seed(&[&format!("resolvers={order}")]),
            Kind::ResolverMixed,
            "resolvers",
            "ask 10.17.3.11 alone, and let it forward to 8.8.8.8",
        );
    }
}

/// A playbook and a script wrote the resolvers too, one of them with a third domain.
#[test]
fn h16_the_resolvers_of_a_machine_have_one_writer_and_its_domain_one_value() {
    let path = "/etc/NetworkManager/conf.d/90-fmc-resolvers.conf";
    caught(
        &seed(&[&format!("machines.master1.guest.files={{{path}: {{contents: {{text: x}}}}}}")]),
        Kind::GuestClash,
        &format!("machines.master1.guest.files.{path}"),
        "set the machine's host name, addresses, time zone or administrators instead",
    );
    let artifacts = Artifacts::of(&seed(&[]));
    for machine in ["freeipa1", "postgresql1", "helper"] {
        let network = artifacts.machine(machine).boot("network-config");
        network.assert_contains("search: [cefaslocalserver.internal]");
    }
}
