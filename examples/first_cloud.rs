//! A first cloud: a network and a machine. `cargo run --example first_cloud -- plan`

use fmc::prelude::*;

const LAB: NetworkName = NetworkName::literal("lab");
const WEB: MachineName = MachineName::literal("web");
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR you";

fn cloud() -> Cloud {
    Cloud::new("first").host(Host::local()).network(Network::nat(LAB, "10.17.3.0/24")).machine(
        Machine::new(WEB, Image::debian("12").path("/var/lib/libvirt/images/debian-12.qcow2"))
            .cpus(2)
            .memory(2.gib())
            .root_disk(20.gib())
            .interface(Interface::on(LAB).address("10.17.3.10"))
            .user(User::admin("ops").key(KEY)),
    )
}

fn main() -> ExitCode {
    fmc::cli::main(cloud())
}
