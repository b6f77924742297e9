//! The smallest cluster: one machine with K3s. `cargo run --example single_node -- apply`, then `--
//! kubeconfig`

use fmc::prelude::*;

fn cloud() -> Cloud {
    let node = Machine::new("node", Image::debian("12").path("/var/lib/libvirt/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
        .interface(Interface::on("lab").address("10.17.3.10"))
        .user(User::admin("ops").key(include_str!("ops.pub")));
    let k3s = k3s::Cluster::new("single", "v1.36.3+k3s1").servers(["node"]);
    Cloud::new("single")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(node)
        .cluster(k3s)
}

fn main() -> ExitCode {
    fmc::cli::main(cloud())
}
