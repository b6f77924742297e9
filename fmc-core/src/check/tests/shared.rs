//! A cause that many machines share is one finding, however many they are.

use std::collections::BTreeMap;

use super::findings;
use crate::check::problem::ReadyProblem;
use crate::cloud::Cloud;
use crate::digest::Digest;
use crate::finding::Finding;
use crate::flow::{Peer, tcp};
use crate::guest::{Guest, User};
use crate::host::Host;
use crate::image::Image;
use crate::machine::{Interface, Machine};
use crate::network::{Network, NetworkMode};
use crate::ready::Ready;
use crate::role::tests::Plain;
use crate::unit::SizeExt;

const MANY: usize = 500;

fn image() -> Image {
    Image::debian("12").path("/images/debian-12.qcow2").digest(Digest::sha256(b""))
}

fn address(n: usize) -> String {
    format!("10.17.{}.{}", 16 + n / 200, 10 + n % 200)
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

/// Machines that are alike, with the mistake that all of them have.
fn machines(image: &Image, wrong: impl Fn(usize, Machine) -> Machine) -> Vec<Machine> {
    let each = (0..MANY).map(|n| {
        let machine = Machine::new(format!("m{n:03}"), image.clone())
            .root_disk(2.gib())
            .interface(Interface::on("lab").address(address(n)))
            .user(User::admin("ops").key(KEY));
        wrong(n, machine)
    });
    each.collect()
}

fn lab() -> Network {
    Network::nat("lab", "10.17.16.0/20")
}

fn cloud(wrong: impl Fn(usize, Machine) -> Machine) -> Cloud {
    Cloud::new("first").host(Host::local()).network(lab()).machines(machines(&image(), wrong))
}

/// The mistakes, by a person's name for them, and the kinds that report them.
fn cases() -> Vec<(&'static str, Cloud)> {
    let alike = |_: usize, machine: Machine| machine;
    let plain = || machines(&image(), alike);
    let lan = || Network::bridge("lab", "br0").subnet("10.17.16.0/20");
    vec![
        ("no host", Cloud::new("first").network(lab()).machines(plain())),
        (
            "two hosts",
            Cloud::new("first")
                .hosts([Host::local(), Host::new("hv2").uri("qemu+ssh://hv2/system")])
                .network(lab())
                .machines(plain()),
        ),
        ("no network", Cloud::new("first").host(Host::local()).machines(plain())),
        ("no bridge", Cloud::new("first").host(Host::local()).network(lan()).machines(plain())),
        (
            "no resolver",
            Cloud::new("first").host(Host::local().bridge("br0")).network(lan()).machines(plain()),
        ),
        (
            "a resolver out of reach",
            cloud(|_, machine| machine)
                .network(Network::nat("other", "10.18.0.0/24"))
                .resolvers(["10.18.0.9"]),
        ),
        (
            "an image without a digest",
            Cloud::new("first")
                .host(Host::local())
                .network(lab())
                .machines(machines(&Image::debian("12").path("/images/debian-12.qcow2"), alike)),
        ),
        (
            "an image that is empty",
            Cloud::new("first").host(Host::local()).network(lab()).machines(machines(&Image::blank(), alike)),
        ),
        (
            "a system that is old",
            Cloud::new("first").host(Host::local()).network(lab()).machines(machines(
                &Image::debian("7").path("/images/debian.qcow2").digest(Digest::sha256(b"")),
                alike,
            )),
        ),
        ("a lease that nobody gives", cloud(|_, machine| machine.ready(Ready::lease()))),
        (
            "a wait without an interface",
            cloud(|_, machine| Machine { interfaces: Vec::new(), ..machine }.ready(Ready::tcp(22))),
        ),
        (
            "a firewall that is off",
            cloud(|_, machine| machine.firewall(false).accept(tcp(1), Peer::Anywhere)),
        ),
        ("a role that nobody is", cloud(|_, machine| machine.accept(tcp(1), Peer::role("nobody")))),
        ("a machine that is not there", cloud(|_, machine| machine.accept(tcp(1), Peer::machine("nobody")))),
        ("a network that is not there", cloud(|_, machine| machine.accept(tcp(1), Peer::network("nowhere")))),
        ("an interface on no network", cloud(|_, machine| machine.interface(Interface::on("nowhere")))),
        (
            "a role on nothing",
            Cloud::new("first")
                .host(Host::local())
                .network(lab())
                .machines(machines(&Image::blank(), |_, machine: Machine| {
                    machine.role(Plain("plain", crate::flow::Flows::new()))
                })),
        ),
        ("memory that is too much", cloud(|_, machine| machine.memory(64.gib()))),
        ("memory that is a word", cloud(|_, machine| machine.memory("much"))),
        (
            "a pool that is not there",
            cloud(|_, machine| machine.disk(crate::disk::Disk::new("data", 1.gib()).pool("fast"))),
        ),
        ("nobody logs in", cloud(|_, machine| Machine { guest: Guest::new(), ..machine })),
        (
            "a network that is isolated",
            Cloud::new("first")
                .host(Host::local())
                .network(Network::new("lab", NetworkMode::Isolated).subnet("10.17.16.0/20"))
                .machines(plain()),
        ),
        (
            "one address",
            cloud(|_, machine| Machine {
                interfaces: vec![Interface::on("lab").address("10.17.16.9")],
                ..machine
            }),
        ),
        ("a time zone that is none", cloud(|_, machine| machine.time_zone("Mars/Base"))),
    ]
}

#[test]
fn a_cause_that_machines_share_is_one_finding() {
    for (what, cloud) in cases() {
        let mut kinds: BTreeMap<&'static str, Vec<Finding>> = BTreeMap::new();
        for finding in findings(&cloud) {
            kinds.entry(finding.kind().as_str()).or_default().push(finding);
        }
        for (kind, all) in &kinds {
            // Two of a kind: one for the machines, one for their host or network.
            assert!(all.len() <= 2, "{what}: {} x {kind}\n{}", all.len(), all[0]);
        }
    }
}

#[test]
fn the_machines_are_counted_and_named_to_a_limit() {
    let cloud = cloud(|_, machine| machine.ready(Ready::lease()));
    let all = findings(&cloud);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.problem(), Some(&ReadyProblem::NoLease));
    assert_eq!((finding.at(), finding.machines().len()), ("machines.m000.ready", MANY - 1));
    let text = finding.to_string();
    assert!(
        text.contains("and on 499 more: m001, m002, m003, m004, m005, m006, m007, m008 and 491 more\n"),
        "{text}"
    );
    // All of them are data.
    let json = serde_json::to_value(finding).unwrap();
    assert_eq!(json["machines"].as_array().unwrap().len(), MANY - 1);
    let read: Finding = serde_json::from_value(json).unwrap();
    assert_eq!(read, *finding);
}

#[test]
fn findings_that_differ_stay_apart() {
    let wrong = |n: usize, machine: Machine| match n {
        7 => machine.memory("much"),
        9 => machine.memory("more"),
        11 => machine.memory("much"),
        _ => machine,
    };
    let found: Vec<(String, usize)> = findings(&cloud(wrong))
        .into_iter()
        .map(|finding| (finding.at().to_owned(), finding.machines().len()))
        .collect();
    assert_eq!(found, [("machines.m007.memory".to_owned(), 1), ("machines.m009.memory".to_owned(), 0)]);
}
