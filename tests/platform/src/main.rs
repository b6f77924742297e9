//! A program with fmc's commands for a cloud with a cluster and a platform in it, as a user would write it.

use fmc::cli::Program;
use fmc::prelude::*;
use fmc_k8s::config_map::ConfigMap;
use fmc_k8s::container::{Container, Probe};
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::provider::Kubernetes;
use fmc_k8s::quantity::CpuExt as _;
use fmc_k8s::workload::Deployment;

#[derive(clap::Args)]
struct Flags {
    /// How many pods the shop has
    #[arg(long, default_value_t = 2)]
    pods: u16,
}

fn cloud() -> Cloud {
    let node = Machine::new("node", Image::debian("12").path("/var/lib/libvirt/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
        .interface(Interface::on("lab").address("10.17.3.10"));
    Cloud::new("shop")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(node)
        .cluster(k3s::Cluster::new("prod", "v1.36.2+k3s1").servers(["node"]))
}

fn platform(pods: u16) -> Platform {
    let image = format!("registry.example.org/shop/web:1.4.2@sha256:{}", "0".repeat(64));
    let web = Container::new("web", image, 100.millicores(), 128.mib())
        .port("http", 8080)
        .ready(Probe::http("http", "/healthz"))
        .scratch("/tmp", 16.mib())
        .config("/etc/web", ConfigMap::new("settings").file("web.conf", "workers = 2\n"));
    Platform::on("prod").namespace(
        Namespace::new("shop").deployment(Deployment::new("web", web).replicas(pods).expose(80, "http")),
    )
}

fn main() -> ExitCode {
    Program::new(cloud())
        .provider(Kubernetes::new())
        .spanning_role::<Platform>()
        .flags(|cloud, flags: Flags| cloud.role(platform(flags.pods)))
        .main()
}
