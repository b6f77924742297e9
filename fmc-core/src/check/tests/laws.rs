//! Laws: no draft panics, a refused draft has an error, the order of declaration does not matter, and each of ten
//! thousand machines is looked at once.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;

use super::findings;
use crate::cloud::Cloud;
use crate::disk::{Allocation, Disk};
use crate::finding::At;
use crate::host::{CpuModel, Host, Pool};
use crate::image::{Arch, DirectKernel, Format, Image, Os};
use crate::machine::{Interface, Machine, Power, Root};
use crate::network::{Network, NetworkMode, Reservation};

/// Texts that are right somewhere, so that rules about right values meet them, and any others.
fn text() -> impl Strategy<Value = String> {
    let known = [
        "a",
        "b",
        "a_b",
        "",
        "10.0.0.0/24",
        "10.0.0.0/16",
        "10.0.0.0/31",
        "fd00::/64",
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.255",
        "10.0.0.1-10.0.0.9",
        "fd00::1",
        "fd00::1-fd00::9",
        "8.8.8.8",
        "1 GiB",
        "2 GiB",
        "8388607 TiB",
        "1 B",
        "br0",
        "52:54:00:00:00:01",
        "qemu:///system",
        "/a",
        "/var/lib/libvirt/images/fmc-a",
        "latest",
        "q35",
        "virt",
        "a.b",
        "b.a",
        "4096",
        "qemu64",
        "255.255.255.255",
        "0.0.0.0/0",
        "::/0",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    prop_oneof![9 => select(known.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(text())
}

prop_compose! {
    fn host()(
        name in text(), uri in maybe(), memory in maybe(), capacity in maybe(), base in maybe(), machine_type in maybe(),
        model in maybe(), topology in any::<Option<(u32, u32, u32)>>(),
        pools in prop::collection::vec((text(), text(), maybe()), 0..3), bridges in prop::collection::vec(text(), 0..3),
    ) -> Host {
        let mut host = Host::new(name);
        if let Some(uri) = uri { host = host.uri(uri); }
        if let Some(memory) = memory { host = host.memory(memory); }
        if let Some(capacity) = capacity { host = host.capacity(capacity); }
        if let Some(base) = base { host = host.base(base); }
        if let Some(machine_type) = machine_type { host = host.machine_type(machine_type); }
        if let Some(model) = model { host = host.cpu(CpuModel::Named(model)); }
        if let Some((sockets, cores, threads)) = topology { host = host.topology(sockets, cores, threads); }
        for (name, path, capacity) in pools {
            let pool = Pool::new(name, path);
            host = host.pool(match capacity { Some(capacity) => pool.capacity(capacity), None => pool });
        }
        bridges.into_iter().fold(host, Host::bridge)
    }
}

prop_compose! {
    fn network()(
        name in text(), mode in select(vec![NetworkMode::Nat, NetworkMode::Routed, NetworkMode::Open, NetworkMode::Isolated, NetworkMode::Bridge]),
        fields in prop::collection::vec(maybe(), 9), reservations in prop::collection::vec((text(), text()), 0..3),
        resolvers in prop::collection::vec(text(), 0..3),
    ) -> Network {
        let mut network = Network::new(name, mode).resolvers(resolvers);
        let mut fields = fields.into_iter();
        let mut next = || fields.next().flatten();
        if let Some(text) = next() { network = network.host(text); }
        if let Some(text) = next() { network = network.bridge_name(text); }
        if let Some(text) = next() { network = network.subnet(text); }
        if let Some(text) = next() { network = network.gateway(text); }
        if let Some(text) = next() { network = network.dhcp(text); }
        if let Some(text) = next() { network = network.ipv6(text); }
        if let Some(text) = next() { network = network.gateway6(text); }
        if let Some(text) = next() { network = network.dhcp6(text); }
        if let Some(text) = next() { network = network.mtu(text); }
        reservations.into_iter().fold(network, |network, (mac, address)| network.reservation(Reservation::new(mac, address)))
    }
}

prop_compose! {
    fn interface()(
        network in text(), address in maybe(), reserved in maybe(), mac in maybe(), default_route in any::<Option<bool>>(),
    ) -> Interface {
        let mut interface = Interface::on(network);
        if let Some(address) = address { interface = interface.address(address); }
        if let Some(reserved) = reserved { interface = interface.reserved(reserved); }
        if let Some(mac) = mac { interface = interface.mac(mac); }
        match default_route { Some(on) => interface.default_route(on), None => interface }
    }
}

prop_compose! {
    fn image()(
        os in select(vec![Os::None, Os::Debian, Os::Rocky, Os::Flatcar, Os::FedoraCoreos]), version in text(), source in 0..5,
        text in text(), digest in maybe(), raw in any::<bool>(), arm in any::<bool>(), minimum in maybe(), kernel in maybe(),
    ) -> Image {
        let mut image = Image::new(os, version);
        image = match source {
            0 => image.path(text),
            1 => image.file(text.clone(), text),
            2 => image.url(text.clone(), text),
            3 => image.volume(text.clone(), text),
            _ => image,
        };
        if let Some(digest) = digest { image = image.digest(digest); }
        if let Some(minimum) = minimum { image = image.minimum(minimum); }
        if let Some(kernel) = kernel { image = image.direct_kernel(DirectKernel::new(kernel.clone()).initrd(kernel)); }
        image.format(if raw { Format::Raw } else { Format::Qcow2 }).architecture(if arm { Arch::Aarch64 } else { Arch::X86_64 })
    }
}

prop_compose! {
    fn machine()(
        name in text(), image in image(), fields in prop::collection::vec(maybe(), 6),
        interfaces in prop::collection::vec(interface(), 0..4), resolvers in prop::collection::vec(text(), 0..3),
        disks in prop::collection::vec((text(), text(), maybe(), maybe()), 0..3), stopped in any::<bool>(),
    ) -> Machine {
        let mut machine = Machine::new(name, image).resolvers(resolvers);
        let mut fields = fields.into_iter();
        let mut next = || fields.next().flatten();
        if let Some(text) = next() { machine = machine.host(text); }
        if let Some(text) = next() { machine = machine.cpus(text); }
        if let Some(text) = next() { machine = machine.memory(text); }
        if let Some(text) = next() { machine = machine.root(Root::new(text).fully_allocated()); }
        if let Some(text) = next() { machine = machine.hostname(text); }
        if let Some(text) = next() { machine = machine.fqdn(text); }
        for (name, size, serial, pool) in disks {
            let mut disk = Disk::new(name, size);
            if let Some(serial) = serial { disk = disk.serial(serial); }
            if let Some(pool) = pool { disk = disk.pool(pool); }
            machine = machine.disk(disk);
        }
        if stopped { machine = machine.power(Power::Stopped); }
        interfaces.into_iter().fold(machine, Machine::interface)
    }
}

prop_compose! {
    fn cloud()(
        name in text(), owner in maybe(), domain in maybe(), accept in prop::collection::vec((text(), text()), 0..2),
        resolvers in prop::collection::vec(text(), 0..3), public in prop::collection::vec(text(), 0..2),
        hosts in prop::collection::vec(host(), 0..3), networks in prop::collection::vec(network(), 0..4),
        machines in prop::collection::vec(machine(), 0..4), lab in any::<bool>(),
    ) -> Cloud {
        let mut cloud = Cloud::new(name).resolvers(resolvers).hosts(hosts).networks(networks).machines(machines);
        if let Some(owner) = owner { cloud = cloud.owner(owner); }
        if let Some(domain) = domain { cloud = cloud.domain(domain); }
        cloud = public.into_iter().fold(cloud, Cloud::public_address);
        cloud = accept.into_iter().fold(cloud, |cloud, (kind, reason)| cloud.accept(kind, reason));
        if lab { cloud.lab() } else { cloud }
    }
}

/// A cloud of right values, so that the rules about whole clouds run: machines on networks, with values that two may
/// share.
fn right() -> impl Strategy<Value = Cloud> {
    let address = || {
        prop_oneof![
            (2..6u8).prop_map(|n| format!("10.0.0.{n}")),
            (2..6u8).prop_map(|n| format!("10.0.1.{n}"))
        ]
    };
    let net =
        (select(vec![NetworkMode::Nat, NetworkMode::Routed, NetworkMode::Isolated]), 0..3u8, any::<bool>());
    let mac = proptest::option::of((0..3u8).prop_map(|n| format!("52:54:00:00:00:0{n}")));
    let interface = (0..3usize, proptest::option::of(address()), mac, any::<Option<bool>>());
    let machine = (prop::collection::vec(interface, 0..3), 1..4u32, 1..9u32, any::<bool>(), any::<bool>());
    let resolvers = prop::collection::vec(prop_oneof![address(), Just("8.8.8.8".to_owned())], 0..3);
    (prop::collection::vec(net, 3), prop::collection::vec(machine, 0..6), resolvers).prop_map(
        |(nets, machines, resolvers)| {
            let mut cloud = Cloud::new("first")
                .resolvers(resolvers)
                .host(Host::local().memory("16 GiB").topology(1, 4, 2).capacity("64 GiB"));
            for (at, (mode, third, dhcp)) in nets.into_iter().enumerate() {
                let net = Network::new(format!("n{at}"), mode).subnet(format!("10.0.{third}.0/24"));
                cloud = cloud.network(if dhcp {
                    net.dhcp(format!("10.0.{third}.4-10.0.{third}.9"))
                } else {
                    net
                });
            }
            for (at, (interfaces, cpus, memory, debian, thin)) in machines.into_iter().enumerate() {
                let image =
                    if debian { Image::debian("12").path("/i/debian-12.qcow2") } else { Image::blank() };
                let allocation = if thin { Allocation::Thin } else { Allocation::Full };
                let root = Root { size: format!("{} GiB", memory * 4).into(), allocation };
                let mut machine = Machine::new(format!("m{at}"), image)
                    .cpus(cpus)
                    .memory(format!("{memory} GiB"))
                    .root(root);
                for (network, address, mac, route) in interfaces {
                    let mut interface = Interface::on(format!("n{network}"));
                    if let Some(address) = address {
                        interface = interface.address(address);
                    }
                    if let Some(mac) = mac {
                        interface = interface.mac(mac);
                    }
                    if let Some(route) = route {
                        interface = interface.default_route(route);
                    }
                    machine = machine.interface(interface);
                }
                cloud = cloud.machine(machine);
            }
            cloud
        },
    )
}

/// The same cloud, declared from the last to the first.
fn reversed(cloud: &Cloud) -> Cloud {
    let mut other = cloud.clone();
    other.hosts = cloud.hosts.iter().rev().cloned().collect();
    other.networks = cloud.networks.iter().rev().cloned().collect();
    other.machines = cloud.machines.iter().rev().cloned().collect();
    other
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_draft_panics_and_a_refused_one_has_an_error(cloud in cloud()) {
        findings(&cloud);
    }

    #[test]
    fn the_order_of_declaration_changes_nothing(cloud in right()) {
        prop_assert_eq!(findings(&cloud), findings(&reversed(&cloud)));
        prop_assert_eq!(findings(&cloud), findings(&cloud));
    }
}

/// A cloud of `count` machines on a network for each two hundred.
fn large(count: usize) -> Cloud {
    let mut cloud = Cloud::new("large").host(Host::local());
    for net in 0..count.div_ceil(200) {
        let name = format!("n{net}");
        cloud = cloud.network(Network::nat(&*name, format!("10.{}.{}.0/24", net / 256, net % 256)));
        for n in 0..200.min(count - net * 200) {
            let address = format!("10.{}.{}.{}", net / 256, net % 256, n + 2);
            cloud = cloud.machine(
                Machine::new(
                    format!("m{net}-{n}"),
                    Image::debian("12").path("/i/debian-12.qcow2").digest(DIGEST),
                )
                .root_disk("9 GiB")
                .interface(Interface::on(&*name).address(address))
                .user(crate::guest::User::admin("ops").key(KEY)),
            );
        }
    }
    cloud
}

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

#[test]
fn ten_thousand_right_machines_find_nothing() {
    let checked = large(10_000).check().unwrap();
    assert_eq!(checked.machines().len(), 10_000);
    assert!(checked.findings().is_empty());
    // Their common value is there once.
    let first = &checked.machines()[0];
    let shares = |machine: &crate::checked::Machine| {
        Arc::ptr_eq(&machine.guest, &first.guest) && Arc::ptr_eq(&machine.image, &first.image)
    };
    assert!(checked.machines().iter().all(shares));
}

#[test]
fn ten_thousand_wrong_machines_are_found_and_no_more() {
    let mut cloud = large(10_000);
    for machine in cloud.machines.iter_mut() {
        machine.interfaces[0].address = Some("10.0.0.2".into());
    }
    let findings = findings(&cloud);
    // All but the first two hundred are outside of their subnets, with one finding for each network; all machines of a
    // network have one address.
    let count = |kind: &str| findings.iter().filter(|finding| finding.kind().as_str() == kind).count();
    assert_eq!((count("address-duplicate"), count("address-outside"), findings.len()), (50, 49, 99));
    let outside = findings.iter().filter(|finding| finding.kind().as_str() == "address-outside");
    assert_eq!(outside.map(|finding| finding.also_at().len()).sum::<usize>(), 9_800);
    assert!(findings.iter().all(|finding| !finding.at().is_empty() && finding.at() != At::ROOT.to_string()));
}
