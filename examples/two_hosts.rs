//! One cloud on two hypervisors that share the LAN: each has a bridge to it. `cargo run --example two_hosts
//! -- plan`

use fmc::prelude::*;

const HV1: HostName = HostName::literal("hv1");
const HV2: HostName = HostName::literal("hv2");
const LAN: NetworkName = NetworkName::literal("lan");

fn cloud() -> Cloud {
    Cloud::new("shop")
        .hosts([hypervisor(&HV1), hypervisor(&HV2)])
        // Both hosts have the bridge, so machines on either are on one network.
        .network(Network::bridge(LAN, "br0").subnet("192.168.1.0/24").gateway("192.168.1.1"))
        // A network that libvirt makes is on one host.
        .network(Network::isolated("replication", "10.17.9.0/24").host(HV2))
        .machine(web(1, &HV1))
        .machine(web(2, &HV2))
        .machine(database())
}

fn hypervisor(name: &HostName) -> Host {
    Host::new(name.clone()).uri(format!("qemu+ssh://{name}/system")).memory(64.gib()).bridge("br0")
}

fn image() -> Image {
    Image::debian("12").path("/var/lib/libvirt/images/debian-12.qcow2")
}

fn web(n: u8, host: &HostName) -> Machine {
    Machine::new(format!("web{n}"), image())
        .host(host.clone())
        .memory(2.gib())
        .root_disk(20.gib())
        .interface(Interface::on(LAN).address(Ipv4Addr::new(192, 168, 1, 20 + n)))
        .user(ops())
}

fn database() -> Machine {
    Machine::new("db", image())
        .host(HV2)
        .memory(8.gib())
        .root_disk(20.gib())
        .disk(Disk::new("data", 200.gib()))
        .interface(Interface::on(LAN).address("192.168.1.30"))
        .interface(Interface::on("replication").address("10.17.9.30"))
        .user(ops())
}

fn ops() -> User {
    User::admin("ops").key(include_str!("ops.pub"))
}

fn main() -> ExitCode {
    fmc::cli::main(cloud())
}
