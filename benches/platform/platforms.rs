//! The clouds of the bench: the seed's, and one with any number of objects.

use fmc::k8s::config_map::ConfigMap;
use fmc::k8s::container::{Container, Probe};
use fmc::k8s::platform::{Namespace, Platform};
use fmc::k8s::quantity::CpuExt as _;
use fmc::k8s::workload::Deployment;
use fmc::prelude::*;

/// The seed's cloud with its services, and stand-ins for the files of their operators.
pub(crate) fn seed() -> Cloud {
    let text = [
        include_str!("../../examples/flatcar_micro_cloud/cloud.yaml"),
        include_str!("../../examples/flatcar_micro_cloud/services.yaml"),
    ];
    let cloud = fmc::file::from_yaml(&text.concat()).expect("the example is right");
    Platform::read_files_in(cloud, fmc_testkit::operators::file)
}

/// The cluster of [`cloud`] and [`machine`].
pub(crate) const CLUSTER: &str = "prod";

const IMAGE: &str = "registry.example.org/shop/web:1.4.2@sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// The workloads of a namespace, and the objects of each: a deployment, a service, a text and two policies.
const WORKLOADS: usize = 20;
const OBJECTS: usize = 5;

/// One machine with a cluster, and nothing in it.
pub(crate) fn machine() -> Cloud {
    let node = Machine::new("node", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
        .interface(Interface::on("lab").address("10.17.3.10"));
    Cloud::new("bench")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(node)
        .cluster(k3s::Cluster::new(CLUSTER, "v1.36.2+k3s1").servers(["node"]))
}

/// The same with a platform of so many objects, and a few more: those of its namespaces.
pub(crate) fn cloud(objects: usize) -> Cloud {
    let namespaces = objects.div_ceil(WORKLOADS * OBJECTS);
    let workloads = objects.div_ceil(namespaces * OBJECTS);
    let all = (0..namespaces).map(|number| namespace(number, workloads));
    machine().role(all.fold(Platform::on(CLUSTER), Platform::namespace))
}

/// Each workload calls the next one.
fn namespace(number: usize, workloads: usize) -> Namespace {
    let name = |index: usize| format!("web-{}", index % workloads);
    let mut namespace = Namespace::new(format!("shop-{number}"));
    for index in 0..workloads {
        let config = ConfigMap::new(format!("{}-config", name(index).as_str()).as_str())
            .file("web.conf", format!("workers = 2\nnumber = {index}\n"));
        let container = Container::new("web", IMAGE, 100.millicores(), 128.mib())
            .port("http", 8080)
            .ready(Probe::http("http", "/healthz"))
            .variable("NEXT", name(index + 1))
            .scratch("/tmp", 16.mib())
            .config("/etc/web", config);
        let deployment =
            Deployment::new(name(index).as_str(), container).replicas(0).ready_within(0).expose(80, "http");
        namespace =
            namespace.deployment(deployment).connect(name(index).as_str(), name(index + 1).as_str(), "http");
    }
    namespace
}
