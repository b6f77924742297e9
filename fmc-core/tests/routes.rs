//! A machine with its default route on the LAN still reaches its host's other routed networks.

#![expect(clippy::unwrap_used, reason = "a helper of tests")]

use fmc_core::boot::Boot;
use fmc_core::cloud::Cloud;
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_testkit::cloud_init::{Renderer, net_convert};

/// One document of the boot configuration of a balancer on the LAN and the core network.
fn part(image: Image, name: &str) -> String {
    let cloud = Cloud::new("routes")
        .host(Host::local().bridge("br0"))
        .network(Network::routed("kube", "10.17.4.0/24"))
        .network(Network::routed("core", "10.17.3.0/24"))
        .network(Network::nat("lab", "10.17.5.0/24"))
        .network(Network::bridge("lan", "br0").subnet("192.168.0.0/24").gateway("192.168.0.1"))
        .machine(
            Machine::new("balancer", image.path("/images/root.qcow2"))
                .root_disk("30 GiB")
                .interface(Interface::on("core").address("10.17.3.12").mac("52:54:00:00:00:01"))
                .interface(
                    Interface::on("lan").address("192.168.0.21").mac("52:54:00:00:00:02").default_route(true),
                )
                .resolvers(["10.17.3.1"]),
        );
    let checked = cloud.check().unwrap();
    let boot = Boot::of(&checked, checked.machine("balancer").unwrap()).unwrap();
    let (_, template) = boot.files().into_iter().find(|(file, _)| *file == name).unwrap();
    template.to_string()
}

#[test]
fn network_manager_gets_the_route_that_the_networks_imply() {
    let macs = [("eth0", "52:54:00:00:00:01"), ("eth1", "52:54:00:00:00:02")];
    let files =
        net_convert(&part(Image::rocky("9.4"), "network-config"), Renderer::NetworkManager, &macs).unwrap();
    let core = files.values().find(|text| text.contains("10.17.3.12/24")).unwrap();
    assert!(core.contains("10.17.4.0/24,10.17.3.1"), "{core}");
    assert!(!core.contains("10.17.5.0"), "a masqueraded network takes no new connections: {core}");
    let lan = files.values().find(|text| text.contains("192.168.0.21/24")).unwrap();
    assert!(lan.contains("gateway=192.168.0.1") && !lan.contains("10.17.4.0"), "{lan}");
}

#[test]
fn networkd_gets_the_route_that_the_networks_imply() {
    let macs = [("eth0", "52:54:00:00:00:01"), ("eth1", "52:54:00:00:00:02")];
    let files = net_convert(&part(Image::debian("12"), "network-config"), Renderer::Networkd, &macs).unwrap();
    let core = files.values().find(|text| text.contains("10.17.3.12/24")).unwrap();
    assert!(core.contains("Destination=10.17.4.0/24\n") && core.contains("Gateway=10.17.3.1\n"), "{core}");
}

#[test]
fn ignition_carries_the_route_for_both_of_its_systems() {
    let plain = |image| {
        let text = part(image, "config.ign");
        text.replace("%20", " ")
            .replace("%0A", "\n")
            .replace("%2F", "/")
            .replace("%3D", "=")
            .replace("%2C", ",")
    };
    let coreos = plain(Image::fedora_coreos("40.20240906.3.0"));
    assert!(coreos.contains("route1=10.17.4.0/24,10.17.3.1"), "{coreos}");
    let flatcar = plain(Image::flatcar("4593.2.0"));
    assert!(flatcar.contains("Destination=10.17.4.0/24\nGateway=10.17.3.1"), "{flatcar}");
}
