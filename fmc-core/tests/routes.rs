//! A machine with its default route on the LAN still reaches its host's other routed networks.

#![expect(clippy::unwrap_used, reason = "a helper of tests")]

use fmc_core::boot::Boot;
use fmc_core::cloud::Cloud;
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_testkit::cloud_init::{Renderer, net_convert, run_command};
use fmc_testkit::tree::{self, EntryKind};

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

/// Its commands run before NetworkManager does, on the files that cloud-init has written for it.
#[test]
fn an_interface_with_dhcp_beside_the_default_route_takes_none() {
    const DHCP: &str = "52:54:00:00:00:0a";
    let cloud = Cloud::new("routes")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.5.0/24"))
        .network(Network::nat("back", "10.17.6.0/24").dhcp("10.17.6.100-10.17.6.200"))
        .machine(
            Machine::new("web", Image::rocky("9.4").path("/images/root.qcow2"))
                .root_disk("30 GiB")
                .interface(
                    Interface::on("lab").address("10.17.5.12").mac("52:54:00:00:00:01").default_route(true),
                )
                .interface(Interface::on("back").mac(DHCP)),
        );
    let checked = cloud.check().unwrap();
    let boot = Boot::of(&checked, checked.machine("web").unwrap()).unwrap();
    let part = |name: &str| {
        let (_, template) = boot.files().into_iter().find(|(file, _)| *file == name).unwrap();
        template.to_string()
    };
    let user_data: serde_json::Value = serde_saphyr::from_str(&part("user-data")).unwrap();
    let command = user_data["bootcmd"][0].as_array().unwrap();
    let words: Vec<&str> = command.iter().map(|word| word.as_str().unwrap()).collect();
    let ["cloud-init-per", "instance", _, "sh", "-c", script, DHCP] = words.as_slice() else {
        panic!("{words:?}")
    };

    let macs = [("eth0", "52:54:00:00:00:01"), ("eth1", DHCP)];
    let keyfiles = net_convert(&part("network-config"), Renderer::NetworkManager, &macs).unwrap();
    // The renderer of Enterprise Linux 8 and 9 writes files of this form.
    let ifcfg = |name: &str, mac: &str| {
        (
            format!("etc/sysconfig/network-scripts/ifcfg-{name}"),
            format!("BOOTPROTO=dhcp\nDEVICE={name}\nHWADDR={mac}\nONBOOT=yes\n"),
        )
    };
    let ifcfgs = [ifcfg("eth0", "52:54:00:00:00:01"), ifcfg("eth1", DHCP)];
    for (files, says) in
        [(keyfiles, "never-default=true"), (ifcfgs.into(), "DEFROUTE=no\nIPV6_DEFROUTE=no\n")]
    {
        let root = tree::scratch();
        for (path, text) in &files {
            tree::write(&root.path().join(path.trim_start_matches('/')), text.as_bytes());
        }
        let moved = script.replace("/etc/", &format!("{}/etc/", root.path().display()));
        let run = |mac: &str| run_command(&["/bin/sh", "-c", &moved, mac].map(str::to_owned));
        run(DHCP).unwrap();
        let changed = tree::read(root.path()).into_iter().filter(|(_, entry)| match &entry.kind {
            EntryKind::File(bytes) => String::from_utf8_lossy(bytes).contains(says),
            _ => false,
        });
        let changed: Vec<String> = changed.map(|(path, _)| path).collect();
        let [only] = changed.as_slice() else { panic!("{changed:?}") };
        assert!(only.contains("eth1") || only.contains("back"), "{only}");
        run("52:54:00:00:00:99").unwrap_err();
    }
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
