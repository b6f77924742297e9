//! A first cloud: a network and a machine, on this machine's hypervisor or on the simulation.
//!
//! ```text
//! cargo run --example first_cloud -- check
//! cargo run --example first_cloud -- apply
//! ```

use fmc::prelude::*;

/// A name is a constant: defined once, and referred to by its constant.
const LAB: NetworkName = NetworkName::literal("lab");
const WEB: MachineName = MachineName::literal("web");

fn cloud() -> Cloud {
    Cloud::new("first")
        .host(Host::local())
        // Gateway, bridge, MACs and UUIDs are derived, and stable.
        .network(Network::nat(LAB, "10.17.3.0/24"))
        .machine(
            Machine::new(WEB, Image::blank())
                .cpus(2)
                .memory(2.gib())
                .root_disk(20.gib())
                // Reserved in the network's DHCP; prefix, gateway and resolver: the network knows.
                .interface(Interface::on(LAB).address("10.17.3.10")),
        )
}

fn main() -> ExitCode {
    fmc::cli::main(cloud())
}
