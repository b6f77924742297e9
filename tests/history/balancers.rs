//! Groups 14 and 15: an address that two balancers share, and HAProxy's configuration.

use fmc::balancer::{haproxy, keepalived};
use fmc::prelude::*;
use fmc_testkit::haproxy as judge;
use fmc_testkit::keepalived as shared_judge;

use crate::cluster::{CLUSTER, caught, text};
use crate::{found, seed};

/// The seed's cluster behind two balancers on the bastion's network, as it was in 2025.
fn pair(address: &str) -> String {
    format!(
        "clusters.prod.endpoint={{balancer: {{machines: [loadbalancer1, helper], virtual_address: {address}}}}}"
    )
}

const ADDRESS: &str = "clusters.prod.endpoint.balancer.virtual_address";

#[test]
fn h14_a_shared_address_is_right_by_itself() {
    let found = found(&seed(&[CLUSTER, &pair("10.17.3.30")]));
    let of_it = found.iter().find(|finding| finding.kind().as_str().starts_with("balancer-"));
    assert!(of_it.is_none(), "{of_it:?}");
    assert!(!found.iter().any(Finding::refuses), "{}", Report::new(found));
}

/// The address belonged to another device on the LAN: ARP conflicts followed, and then a bridge by hand.
#[test]
fn h14_a_shared_address_is_nobody_elses() {
    let finding = caught(
        &[&pair("10.17.3.11")],
        Kind::BalancerAddressTaken,
        ADDRESS,
        "write a free address of core (10.17.3.0/24)",
    );
    assert_eq!(finding.also_at(), ["machines.freeipa1.interfaces[0]"]);
    caught(&[&pair("10.17.3.150")], Kind::BalancerAddressTaken, ADDRESS, "write a free address of core");
}

/// The address was 10.17.15.10 for a day, then 10.17.5.10, while the balancers were on 192.168.0.0/24.
#[test]
fn h14_a_shared_address_is_of_a_network_that_all_members_are_on() {
    caught(
        &[&pair("10.17.15.10")],
        Kind::BalancerAddressOutside,
        ADDRESS,
        "write a free address of core (10.17.3.0/24)",
    );
    let apart =
        "clusters.prod.endpoint={balancer: {machines: [loadbalancer1, helper], virtual_address: 10.17.3.30}}";
    caught(
        &[apart, "machines.helper.interfaces=[{network: kube, address: 10.17.4.30}]"],
        Kind::BalancerAddressOutside,
        ADDRESS,
        "put helper and loadbalancer1 on one network",
    );
}

/// There were two balancers, but clients called only one of them.
#[test]
fn h14_two_balancers_share_an_address_and_are_two() {
    caught(
        &["clusters.prod.endpoint={balancer: {machines: [loadbalancer1, helper]}}"],
        Kind::BalancerAddressMissing,
        "clusters.prod.endpoint.balancer",
        ".virtual_address(",
    );
    let twice = "{balancer: {machines: [loadbalancer1, loadbalancer1], virtual_address: 10.17.3.30}}";
    let found = found(&seed(&[CLUSTER, &format!("clusters.prod.endpoint={twice}")]));
    let members = found.iter().find(|finding| finding.kind() == Kind::BalancerMembers).unwrap();
    assert_eq!(members.at(), "clusters.prod.endpoint.balancer.machines[1]");
    assert!(members.help().contains("name each machine once"), "{members}");
}

/// The balancers of two clusters have the same number on one network.
#[test]
fn h14_a_virtual_router_is_one_on_its_network() {
    let clusters = "clusters={prod: {version: v1.36.3+k3s1, servers: [master1], endpoint: {balancer: {machines: \
         [loadbalancer1], virtual_address: 10.17.3.30, virtual_router: 7}}}, stage: {version: v1.36.3+k3s1, \
         servers: [master2], endpoint: {balancer: {machines: [helper], virtual_address: 10.17.3.31, virtual_router: 7}}}}";
    let found = found(&seed(&[clusters]));
    let finding = found.iter().find(|finding| finding.kind() == Kind::BalancerRouterDuplicate).unwrap();
    assert_eq!(finding.at(), "clusters.stage.endpoint.balancer.virtual_router");
    assert_eq!(finding.also_at(), ["clusters.prod.endpoint.balancer.virtual_router"]);
    assert!(finding.help().contains(".virtual_router("), "{finding}");
}

/// The number in a line of keepalived, such as `priority 200`.
fn number(text: &str, word: &str) -> i32 {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(word)).unwrap();
    line.trim().parse().unwrap()
}

/// Both had one priority, and a weight of 2 over a distance of 10: a dead HAProxy kept the address.
#[test]
fn h14_a_member_whose_balancer_dies_falls_below_every_other() {
    let cloud = seed(&[CLUSTER, &pair("10.17.3.30")]);
    let [first, second] = ["loadbalancer1", "helper"].map(|machine| text(&cloud, machine, keepalived::PATH));
    let (high, low) = (number(&first, "priority"), number(&second, "priority"));
    assert!(low < high && high < 255, "{high} and {low}");
    for member in [&first, &second] {
        assert!(high + number(member, "weight") < low, "the weight is less than the distance: {member}");
    }
    assert_eq!(number(&first, "virtual_router_id"), number(&second, "virtual_router_id"));
}

/// keepalived does not know `virtual_macaddress`, and skipped the rest of the file after it.
/// `enable_script_security` without a user disabled the script. A notify script gave one member both
/// addresses.
#[test]
fn h14_keepalived_takes_what_it_is_told_without_a_warning() {
    for machine in ["loadbalancer1", "helper"] {
        let text = text(&seed(&[CLUSTER, &pair("10.17.3.30")]), machine, keepalived::PATH);
        for words in ["virtual_macaddress", "notify", "state MASTER", "auth_pass"] {
            assert!(!text.contains(words), "{words}: {text}");
        }
        assert!(text.contains("script_user nobody"), "{text}");
        // The machine finds its interface by an included file; here its name takes the place of that line.
        let text = text.replace(&format!("include {}", keepalived::INTERFACE), "interface lan0");
        // The script that asks the balancer is replaced by a program of this machine, and root runs it,
        // because keepalived 2.2.7 exits in a test that runs it as another user.
        let text =
            text.replace(keepalived::ASK, "/usr/bin/true").replace("script_user nobody", "script_user root");
        shared_judge::check(&text, &["lan0"]).unwrap_or_else(|refused| panic!("{refused:?}\n{text}"));
    }
}

/// `option tcp-check` in frontends, `forwardfor` in parts that do not read headers: HAProxy ignored both with
/// a warning that went unread.
#[test]
fn h15_haproxy_takes_what_it_is_told_without_a_warning() {
    let text = text(&seed(&[CLUSTER]), "loadbalancer1", haproxy::PATH);
    judge::check(&text).unwrap_or_else(|refused| panic!("{refused:?}\n{text}"));
    assert!(!text.contains("forwardfor"), "{text}");
    for part in text.split("\n\n").filter(|part| part.starts_with("frontend")) {
        assert!(!part.contains("option tcp-check"), "{part}");
    }
}

/// The inventory had storage1 in the group of workers, so it got the browsers' requests. The node ports were
/// copied from a chart once and not updated.
#[test]
fn h15_calls_go_to_the_nodes_of_the_cluster_alone() {
    let ingress = "clusters.prod.ingress=[worker1, worker2]";
    let text = text(&seed(&[CLUSTER, ingress]), "loadbalancer1", haproxy::PATH);
    let lines = text.lines().map(str::trim).filter_map(|line| line.strip_prefix("server "));
    let mut targets: Vec<String> =
        lines.map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    targets.sort();
    let masters = ["master1 10.17.4.21:6443", "master2 10.17.4.22:6443", "master3 10.17.4.23:6443"];
    let workers = ["worker1 10.17.4.24:443", "worker1 10.17.4.24:80"];
    let more = ["worker2 10.17.4.25:443", "worker2 10.17.4.25:80"];
    assert_eq!(targets, [masters.as_slice(), &workers, &more].concat());
}
