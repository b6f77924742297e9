//! Programs of others judge what the examples' platforms compile to: a runtime of containers starts their services, and
//! schemas and rules for manifests read every object.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot be set up fails"
)]

mod manifests;
mod pods;

use std::sync::Arc;

use fmc::Providers;
use fmc::k8s::platform::Platform;
use fmc::k8s::provider::Kubernetes;
use fmc::k8s::sim::Sim;
use fmc::libvirt::image::Images;
use fmc::libvirt::sim::Sim as Hypervisor;
use pollster::block_on;
use serde_json::Value;

/// The objects that the clusters of a cloud get, with the bytes of secrets.
fn objects(cloud: &str) -> Vec<Value> {
    let cloud = Platform::read_files_in(fmc::file::from_yaml(cloud).unwrap(), fmc_testkit::operators::file);
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    let clusters: Vec<(String, Sim)> =
        checked.clusters().iter().map(|cluster| (cluster.name.to_string(), Sim::new())).collect();
    let kubernetes =
        clusters.iter().fold(Kubernetes::new(), |all, (name, sim)| all.cluster(name, sim.clone()));
    let providers =
        Providers::new().secrets(Arc::new(fmc::sim::StandIns)).images(Images::stand_ins()).with(kubernetes);
    let hosts = checked.hosts().iter();
    let providers = hosts.fold(providers, |all, host| all.host(host.name.clone(), Hypervisor::new()));
    let plan = block_on(providers.plan(&providers.compile(&checked))).unwrap();
    let outcome =
        block_on(plan.apply(&providers, |_| ())).unwrap_or_else(|refused| panic!("{refused}\n{plan}"));
    outcome.converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    let states = clusters.iter().map(|(_, sim)| serde_json::from_str::<Vec<Value>>(&sim.state()).unwrap());
    states.flatten().collect()
}
