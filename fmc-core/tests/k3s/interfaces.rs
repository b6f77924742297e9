//! Nodes on several networks: the compiled script, run in a namespace, tells flannel the interface of the
//! node's cluster address.

use fmc_core::checked::Checked;
use fmc_core::image::Os;
use fmc_core::k3s::{Cluster, Config, FlannelBackend, key};
use fmc_core::machine::Interface;
use fmc_testkit::netns::{Lab, Nic};

use crate::cluster;

const SCRIPT: &str = "/etc/rancher/k3s/flannel.sh";
const CALL: &str = "ExecStartPre=/bin/sh /etc/rancher/k3s/flannel.sh\n";

/// The cluster with a worker that is also on the LAN and has its default route there.
fn two_networks(cluster: Cluster) -> Checked {
    let lan = Interface::on("lan").address("192.168.0.40").default_route(true);
    let worker = cluster::machine("worker3", Os::Flatcar, 26).interface(lan);
    let draft =
        cluster::draft(Os::Flatcar, cluster.agents(["worker1", "worker2", "worker3"])).machine(worker);
    let draft = draft.accept("k3s-data-on-root", "nothing is kept");
    draft.check().map_err(|report| report.to_string()).unwrap()
}

fn has_script(cloud: &Checked, machine: &str) -> bool {
    let guest = &cloud.machine(machine).unwrap().guest;
    guest.files.iter().any(|file| file.path.as_str() == SCRIPT)
}

#[test]
fn flannel_is_told_where_it_would_take_another_interface() {
    let cloud = two_networks(cluster::seed());
    assert!(
        has_script(&cloud, "worker3") && !has_script(&cloud, "worker2") && !has_script(&cloud, "master1")
    );
    assert!(cluster::unit(&cloud, "worker3", "k3s-agent.service").contains(CALL));
    assert!(!cluster::unit(&cloud, "worker2", "k3s-agent.service").contains(CALL));

    let lab = Lab::start();
    lab.network("kube", "10.17.4.1/24");
    lab.network("lan", "192.168.0.1/24");
    lab.host("worker3", &[Nic::new("lan", "192.168.0.40/24"), Nic::new("kube", "10.17.4.26/24")]);
    lab.write("worker3", SCRIPT, &cluster::text(&cloud, "worker3", SCRIPT), 0o755);
    lab.run("worker3", &["sh", SCRIPT]).unwrap();
    let written = lab.run("worker3", &["cat", "/etc/rancher/k3s/config.yaml.d/50-fmc-flannel.yaml"]).unwrap();
    let named = written.trim().strip_prefix("flannel-iface: ").unwrap();
    let shown = lab.run("worker3", &["ip", "-oneline", "-4", "address", "show", "dev", named]).unwrap();
    assert!(shown.contains("10.17.4.26/24"), "{written}{shown}");
}

#[test]
fn who_says_an_interface_or_has_no_flannel_is_told_none() {
    let said = cluster::seed().agent_config(Config::new().set(key::FLANNEL_IFACE, "eth1"));
    for cluster in [said, cluster::seed().flannel(FlannelBackend::None)] {
        assert!(!has_script(&two_networks(cluster), "worker3"));
    }
}
