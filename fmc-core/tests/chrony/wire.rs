//! The time of a cloud in namespaces: servers and clients run with their compiled files.

use std::time::Duration;

use fmc_core::checked::{Checked, Machine as Built};
use fmc_core::chrony::Chrony;
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::guest::checked::{Contents, TextPart};
use fmc_core::host::Host;
use fmc_core::image::{Image, Os};
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_testkit::netns::{Daemon, Lab, Nic};
use fmc_testkit::{chrony, systemd};

/// The time that chrony has to believe a server: it asks four times, two seconds apart.
const PATIENCE: Duration = Duration::from_secs(30);

/// A key of the derived form.
const KEY: &str = "8f1d3c5b7a9e0f2d4c6b8a0e1f3d5c7b9a8e0f1d2c3b4a5e6f708192a3b4c5d6";

fn machine(name: &str, os: Os, network: &str, address: &str) -> Machine {
    let image = Image::new(os, "12").path("/images/root.qcow2").digest(Digest::sha256(b""));
    Machine::new(name, image).root_disk(20.gib()).interface(Interface::on(network).address(address))
}

/// A server on one network, clients on it and on another, and a network without clients.
fn cloud(chrony: &Chrony) -> Checked {
    let cloud = Cloud::new("first")
        .host(Host::local())
        .network(Network::routed("core", "10.17.3.0/24"))
        .network(Network::routed("edge", "10.17.5.0/24"))
        .network(Network::routed("guests", "10.17.6.0/24"))
        .machines([
            machine("ntp1", Os::Debian, "core", "10.17.3.11"),
            machine("near", Os::Rocky, "core", "10.17.3.21"),
            machine("far", Os::FedoraCoreos, "edge", "10.17.5.21"),
            machine("other", Os::Debian, "guests", "10.17.6.21"),
        ])
        .role(chrony.clone().servers(["ntp1"]).clients(["near", "far"]).local_stratum(10))
        .accept("chrony-left-out", "it is no client");
    cloud.check().unwrap_or_else(|report| panic!("{report}"))
}

/// The text of a machine's file of chrony, with the key in its place.
fn files(machine: &Built) -> Vec<(&str, String, u32)> {
    let files = machine.guest.files.iter().filter(|file| file.path.as_str().contains("chrony"));
    let text = |contents: &Contents| match contents {
        Contents::Text(text) => text.to_string(),
        Contents::Parts(parts) => {
            parts.iter().map(|part| if let TextPart::Text(text) = part { &**text } else { KEY }).collect()
        }
        other => panic!("{other:?}"),
    };
    files.map(|file| (file.path.as_str(), text(&file.contents), file.mode.bits().into())).collect()
}

fn lab(cloud: &Checked) -> Lab {
    let lab = Lab::start();
    for (name, router) in [("core", "10.17.3.1/24"), ("edge", "10.17.5.1/24"), ("guests", "10.17.6.1/24")] {
        lab.network(name, router);
    }
    for machine in cloud.machines() {
        let network = cloud.at(machine.interfaces.first().unwrap().network).unwrap().name.as_str();
        let name = machine.name.as_str();
        lab.host(name, &[Nic::new(network, format!("{}/24", machine.address().unwrap()))]);
        for (path, text, mode) in files(machine) {
            lab.write(name, path, &text, mode);
        }
        let ruleset = machine.guest.files.iter().find(|file| file.path.as_str() == "/etc/fmc/firewall.nft");
        if let Some(Contents::Text(rules)) = ruleset.map(|file| &file.contents) {
            lab.load_rules(name, rules).unwrap();
        }
        // The state of chrony, which the package makes.
        lab.run(name, &["mkdir", "-p", "/var/lib/chrony"]).unwrap();
    }
    lab
}

fn start<'lab>(lab: &'lab Lab, cloud: &Checked, host: &str) -> Daemon<'lab> {
    let files = files(cloud.machine(host).unwrap());
    let (config, ..) = files.iter().find(|(path, ..)| path.ends_with("chrony.conf")).unwrap();
    let words = chrony::daemon(config);
    lab.daemon(host, &words.each_ref().map(String::as_str))
}

fn tracking(lab: &Lab, host: &str) -> String {
    let program = chrony::folder().join("chronyc").display().to_string();
    lab.run(host, &[&program, "-n", "tracking"]).unwrap_or_else(|refused| refused.to_string())
}

/// Whether a host gets the time by these lines.
fn gets(lab: &Lab, host: &str, lines: &[&str]) -> bool {
    let words = chrony::question(lines);
    lab.run(host, &words.iter().map(String::as_str).collect::<Vec<_>>()).is_ok()
}

#[test]
fn every_file_is_accepted() {
    let said = Chrony::new().pools(["2.debian.pool.ntp.org"]).upstreams(["192.0.2.7"]);
    for cloud in [cloud(&said), cloud(&said.clone().authenticated(true))] {
        let mut judged = 0;
        for machine in cloud.machines() {
            for (path, text, _) in files(machine) {
                if path.ends_with("chrony.conf") {
                    chrony::check(&text).unwrap_or_else(|refused| panic!("{refused}\n{text}"));
                    judged += 1;
                }
            }
        }
        assert_eq!(judged, 3);
    }
    let cloud = cloud(&said);
    let near = &cloud.machine("near").unwrap().guest.units;
    let unit = near.iter().find(|unit| unit.name.as_str() == "fmc-time-sources.service").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = unit.contents.as_ref().unwrap().text().into_owned();
    fmc_testkit::tree::write(&folder.path().join("fmc-time-sources.service"), text.as_bytes());
    systemd::verify(folder.path(), &["/usr/bin/systemctl", "/usr/bin/mkdir", "/usr/bin/touch"]).unwrap();
}

#[test]
fn clients_follow_the_server_and_others_get_no_answer() {
    let cloud = cloud(&Chrony::new());
    let lab = lab(&cloud);
    let mut server = start(&lab, &cloud, "ntp1");
    let mut clients = ["near", "far"].map(|host| (host, start(&lab, &cloud, host)));
    for (host, client) in &mut clients {
        let is_right = |said: &str| said.contains("(10.17.3.11)") && said.contains(": Normal");
        client.until(PATIENCE, |_| is_right(&tracking(&lab, host))).unwrap();
        // One more than the server's.
        assert!(tracking(&lab, host).contains("Stratum         : 11"), "{}", tracking(&lab, host));
    }
    assert!(gets(&lab, "far", &["server 10.17.3.11 iburst"]));
    assert!(!gets(&lab, "other", &["server 10.17.3.11 iburst"]), "{}", server.log());
    assert!(server.is_running(), "{}", server.log());
}

#[test]
fn a_client_with_a_key_believes_only_who_has_it() {
    let cloud = cloud(&Chrony::new().authenticated(true));
    let lab = lab(&cloud);
    let _server = start(&lab, &cloud, "ntp1");
    let mut client = start(&lab, &cloud, "near");
    client.until(PATIENCE, |_| tracking(&lab, "near").contains("(10.17.3.11)")).unwrap();
    let source = "server 10.17.3.11 iburst key 1";
    lab.write("far", "/etc/other.keys", &format!("1 SHA256 HEX:{}\n", KEY.replace('8', "9")), 0o600);
    assert!(gets(&lab, "far", &[source, "keyfile /etc/chrony.keys"]));
    assert!(!gets(&lab, "far", &[source, "keyfile /etc/other.keys"]));
}
