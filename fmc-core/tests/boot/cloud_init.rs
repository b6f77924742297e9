//! cloud-init judges the documents of Rocky Linux, `AlmaLinux` and Debian.

use expect_test::expect_file;
use fmc_core::guest::Guest;
use fmc_core::image::Os;
use fmc_core::machine::Interface;
use fmc_testkit::cloud_init::{self as consumer, Renderer};

use crate::guests;

const SYSTEMS: [(&str, Os); 3] = [("rocky", Os::Rocky), ("almalinux", Os::Almalinux), ("debian", Os::Debian)];

/// Names of the guest's interfaces with their MACs.
fn macs(os: Os, interfaces: Vec<Interface>) -> Vec<(String, String)> {
    let cloud = guests::cloud(os, interfaces, Guest::new());
    let interfaces = cloud.machines().iter().flat_map(|machine| &machine.interfaces).enumerate();
    interfaces.map(|(index, interface)| (format!("eth{index}"), interface.mac.to_string())).collect()
}

#[test]
fn the_schema_accepts_every_user_data_in_silence() {
    for (system, os) in SYSTEMS {
        for guest in [Guest::new(), guests::everything(), guests::everything().package("chrony")] {
            let user_data = guests::rendered(
                &guests::boot(os, vec![Interface::on("lab").address("10.17.3.10")], guest),
                "user-data",
            );
            consumer::schema(&user_data).unwrap_or_else(|refused| panic!("{system}: {refused}\n{user_data}"));
        }
    }
}

#[test]
fn a_guest_makes_of_every_network_what_was_meant() {
    for (system, os) in SYSTEMS {
        let renderer = if os == Os::Debian { Renderer::Netplan } else { Renderer::NetworkManager };
        for (network, interfaces) in guests::networks() {
            let macs = macs(os, interfaces.clone());
            let macs: Vec<_> = macs.iter().map(|(name, mac)| (name.as_str(), mac.as_str())).collect();
            let config = guests::rendered(&guests::boot(os, interfaces, Guest::new()), "network-config");
            let files = consumer::net_convert(&config, renderer, &macs)
                .unwrap_or_else(|refused| panic!("{system} {network}: {refused}\n{config}"));
            let text: String = files.iter().map(|(path, text)| format!("=== {path}\n{text}")).collect();
            for (_, mac) in &macs {
                assert!(text.to_lowercase().contains(mac), "{system} {network}: {text}");
            }
            assert!(!text.contains("interface-name"), "{system} {network}: {text}");
            expect_file![format!("golden/{system}.{network}.net")].assert_eq(&text);
        }
    }
}

#[test]
fn a_static_address_has_its_gateway_and_resolver_on_enterprise_linux() {
    let interfaces = vec![Interface::on("dual").address("10.17.5.10").address("fd00:17:5::10")];
    let macs = macs(Os::Rocky, interfaces.clone());
    let config = guests::rendered(&guests::boot(Os::Rocky, interfaces, Guest::new()), "network-config");
    let macs: Vec<_> = macs.iter().map(|(name, mac)| (name.as_str(), mac.as_str())).collect();
    let files = consumer::net_convert(&config, Renderer::NetworkManager, &macs).unwrap();
    let keyfile = &files["/etc/NetworkManager/system-connections/cloud-init-dual.nmconnection"];
    for line in [
        &format!("mac-address={}", macs[0].1.to_uppercase()),
        "address1=10.17.5.10/24",
        "gateway=10.17.5.1",
        "dns=10.17.5.1;",
        "dns-search=dual.example.com;",
        "address1=fd00:17:5::10/64",
        "gateway=fd00:17:5::1",
    ] {
        assert!(keyfile.lines().any(|has| has == line), "{line} is not in\n{keyfile}");
    }
}

#[test]
fn documents_read_as_a_person_would_review_them() {
    for (system, os) in SYSTEMS {
        for (network, interfaces) in guests::networks() {
            let boot = guests::boot(os, interfaces, Guest::new());
            let text: String =
                boot.files().iter().map(|(name, text)| format!("=== {name}\n{text}")).collect();
            expect_file![format!("golden/{system}.{network}.yaml")].assert_eq(&text);
        }
        let lab = vec![Interface::on("lab").address("10.17.3.10")];
        let boot = guests::boot(os, lab, guests::everything().package("chrony"));
        let (_, user_data) = boot.files()[2];
        expect_file![format!("golden/{system}.everything.yaml")].assert_eq(&user_data.to_string());
    }
}

#[test]
fn the_instance_id_follows_what_is_read_on_the_first_boot() {
    let meta_data = |address: &str, guest: Guest| {
        guests::rendered(
            &guests::boot(Os::Debian, vec![Interface::on("lab").address(address)], guest),
            "meta-data",
        )
    };
    let before = meta_data("10.17.3.10", Guest::new());
    assert_eq!(before, meta_data("10.17.3.10", Guest::new()));
    assert_ne!(before, meta_data("10.17.3.11", Guest::new()));
    assert_ne!(before, meta_data("10.17.3.10", Guest::new().package("chrony")));
}

/// NetworkManager takes the default routes of all interfaces, and cloud-init does not write that it must not. `tests/routes.rs` runs the
/// command.
#[test]
fn only_one_of_two_interfaces_has_a_default_route_on_enterprise_linux() {
    let interfaces =
        || vec![Interface::on("lab").reserved("10.17.3.10"), Interface::on("dual").default_route(false)];
    let boot = guests::boot(Os::Rocky, interfaces(), Guest::new());
    let user_data = guests::rendered(&boot, "user-data");
    let document = fmc_testkit::yaml::read(&user_data).unwrap();
    let commands = document["bootcmd"].as_array().unwrap();
    let words: Vec<String> =
        commands[0].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    let second = &macs(Os::Rocky, interfaces())[1].1;
    assert_eq!(words.last(), Some(second), "the interface without the default route: {words:?}");
    assert_eq!(words[..2], ["cloud-init-per", "instance"]);

    for os in [Os::Debian, Os::Rocky] {
        let one = guests::rendered(&guests::boot(os, vec![Interface::on("lab")], Guest::new()), "user-data");
        assert!(!one.contains("never-default"), "{one}");
    }
}

#[test]
fn a_router_outside_of_the_subnet_is_on_the_link() {
    let interfaces = || vec![Interface::on("hoster").address("203.0.113.7").address("2001:db8:7::7")];
    for (os, renderer, lines) in [
        (Os::Debian, Renderer::Netplan, ["via: 198.51.100.1", "on-link: true"]),
        (Os::Rocky, Renderer::NetworkManager, ["address1=203.0.113.7/32", "gateway=198.51.100.1"]),
    ] {
        let macs = macs(os, interfaces());
        let macs: Vec<_> = macs.iter().map(|(name, mac)| (name.as_str(), mac.as_str())).collect();
        let config = guests::rendered(&guests::boot(os, interfaces(), Guest::new()), "network-config");
        let files = consumer::net_convert(&config, renderer, &macs).unwrap();
        let text: String = files.into_values().collect();
        assert!(lines.iter().all(|line| text.contains(line)), "{lines:?} in {text}");
    }
}
