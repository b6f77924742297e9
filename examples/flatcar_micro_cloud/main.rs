//! The seed's cloud, corrected: 12 machines, three networks, one host.
//!
//! `cargo run --example flatcar_micro_cloud -- apply` applies it to the simulation;
//! `cargo run --features virt --example flatcar_micro_cloud -- --connect qemu:///system --lab apply` applies a small
//! copy of it to this machine's libvirt.

mod cloud;

fn main() -> std::process::ExitCode {
    fmc::cli::main(cloud::cloud())
}
