//! Many machines are a loop, not a language. `cargo run --example many_machines -- plan`

use fmc::prelude::*;

const KUBE: NetworkName = NetworkName::literal("kube");

/// Three servers, which hold the cluster's state, and any number of agents.
fn cloud(agents: u8) -> Cloud {
    let servers = (1..=3).map(|n| node("server", n, 20).memory(4.gib()).disk(Disk::new("etcd", 10.gib())));
    let agents = (1..=agents).map(|n| node("agent", n, 100).cpus(4).memory(8.gib()));
    Cloud::new("prod")
        .host(Host::local().memory(256.gib()).topology(2, 16, 2))
        .network(Network::nat(KUBE, "10.17.4.0/24"))
        .machines(servers)
        .machines(agents)
}

/// The common part of all machines. Addresses are counted up, so they are all different.
fn node(role: &str, n: u8, first: u8) -> Machine {
    Machine::new(
        format!("{role}{n}"),
        Image::flatcar("4593.2.0").path("/var/lib/libvirt/images/flatcar.qcow2"),
    )
    .cpus(2)
    .root_disk(20.gib())
    .interface(Interface::on(KUBE).address(Ipv4Addr::new(10, 17, 4, first + n)))
    .user(User::admin("ops").key(include_str!("ops.pub")))
}

fn main() -> ExitCode {
    fmc::cli::main(cloud(12))
}
