//! The boot configurations of machines with a balancer or a mirror, on every operating system that can have
//! one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "units are written to where systemd reads them, and a refusal is what fails the test"
)]

use std::fs;

use fmc_core::balancer::{Balancer, Software};
use fmc_core::boot::Boot;
use fmc_core::checked::{Checked, Machine};
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::flow::{tcp, vrrp};
use fmc_core::given::Given;
use fmc_core::guest::checked::Contents;
use fmc_core::host::Host;
use fmc_core::image::Os;
use fmc_core::mirror::{self, Mirror, MirrorRole};
use fmc_core::network::Network;
use fmc_core::secret::NoSecrets;
use fmc_testkit::{cloud_init, ignition, systemd, tree};

use crate::clouds;

const PACKAGED: [Os; 3] = [Os::Rocky, Os::Almalinux, Os::Debian];
const ALL: [Os; 5] = [Os::Rocky, Os::Almalinux, Os::Debian, Os::FedoraCoreos, Os::Flatcar];

fn traefik(url: &str) -> Software {
    Software::Traefik { url: url.into(), digest: Digest::sha256(b"traefik").into() }
}

/// Checks a machine's boot configuration with the program that reads it, and its units with systemd.
fn judge(cloud: &Checked, machine: &Machine, programs: &[&str]) {
    let boot = Boot::of(cloud, machine).unwrap();
    for (name, template) in boot.files() {
        let bytes = template.render(&NoSecrets).unwrap();
        let text = std::str::from_utf8(bytes.expose()).unwrap();
        match name {
            "config.ign" => ignition::validate(text).unwrap(),
            "user-data" => cloud_init::schema(text).unwrap(),
            _ => {}
        }
    }
    let units = tree::scratch();
    for unit in &machine.guest.units {
        let path = units.path().join(unit.name.as_str());
        if let Some(contents) = &unit.contents {
            fs::write(&path, &*contents.text()).unwrap();
        }
        let folder = units.path().join(format!("{}.d", unit.name));
        for dropin in &unit.dropins {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(dropin.name.as_str()), &*dropin.contents.text()).unwrap();
        }
    }
    systemd::verify(units.path(), programs).unwrap_or_else(|refused| panic!("{}: {refused}", machine.name));
}

fn paths(machine: &Machine) -> Vec<&str> {
    machine.guest.files.iter().map(|file| file.path.as_str()).collect()
}

/// The units of a role, without the firewall's.
fn units(machine: &Machine) -> Vec<&str> {
    let names = machine.guest.units.iter().map(|unit| unit.name.as_str());
    names.filter(|name| *name != "fmc-firewall.service").collect()
}

/// The packages of a role, without the firewall's, which every machine with a role has.
fn packages(machine: &Machine) -> Vec<&str> {
    machine.guest.packages.iter().map(|name| name.as_str()).filter(|name| *name != "nftables").collect()
}

const PROGRAMS: [&str; 14] = [
    "/usr/sbin/nft",
    "/usr/sbin/haproxy",
    "/usr/sbin/keepalived",
    "/usr/sbin/nginx",
    "/usr/sbin/setsebool",
    "/usr/local/bin/fmc-keepalived-interface",
    "/usr/local/bin/traefik",
    "/usr/local/bin/caddy",
    "/opt/bin/traefik",
    "/opt/bin/caddy",
    "/usr/bin/bash",
    "/usr/bin/mkdir",
    "/usr/bin/tar",
    "/usr/bin/install",
];

/// Programs that the stock units use, and that unpacking needs.
fn programs() -> Vec<&'static str> {
    PROGRAMS.into_iter().chain(["/usr/bin/mv", "/bin/kill", "/sbin/start-stop-daemon"]).collect()
}

#[test]
fn haproxy_with_a_shared_address() {
    for os in PACKAGED {
        let balancer = Balancer::on_all(["lb1", "lb2"]).virtual_address("10.17.5.10");
        let cloud = clouds::cloud(&balancer, os, None);
        let machine = cloud.machine("lb1").unwrap();
        judge(&cloud, machine, &programs());
        assert_eq!(packages(machine), ["haproxy", "keepalived"]);
        let mut expected = vec!["haproxy.service", "keepalived.service"];
        if os != Os::Debian {
            expected.insert(0, "fmc-balancer-selinux.service");
        }
        assert_eq!(units(machine), expected);
        let other = cloud.machine("lb2").unwrap();
        assert_ne!(machine.guest, other.guest, "each has a priority of its own");
    }
}

#[test]
fn traefik_on_every_system() {
    for os in ALL {
        for (url, is_packed) in
            [("https://example.org/traefik", false), ("https://example.org/traefik.tar.gz", true)]
        {
            let balancer = Balancer::on("lb1").software(traefik(url));
            let cloud = clouds::cloud(&balancer, os, None);
            let machine = cloud.machine("lb1").unwrap();
            judge(&cloud, machine, &programs());
            let program = if os == Os::Flatcar { "/opt/bin/traefik" } else { "/usr/local/bin/traefik" };
            assert_eq!(paths(machine).contains(&program), !is_packed);
            assert_eq!(units(machine).contains(&"fmc-unpack-traefik.service"), is_packed);
            assert!(packages(machine).is_empty());
        }
    }
}

#[test]
fn what_a_system_has_no_package_of_is_refused() {
    for (balancer, os) in [
        (Balancer::on("lb1"), Os::Flatcar),
        (
            Balancer::on("lb1")
                .virtual_address("10.17.5.10")
                .software(traefik("https://example.org/traefik")),
            Os::FedoraCoreos,
        ),
    ] {
        let lb = clouds::machine("lb1", "edge", "10.17.5.11", os);
        let lb = lb.role(fmc_core::balancer::BalancerRole::new("prod", balancer, []));
        let network = Network::nat("edge", "10.17.5.0/24");
        let report =
            Cloud::new("first").host(Host::local()).network(network).machine(lb).check().unwrap_err();
        assert!(report.findings().iter().any(|finding| finding.kind().as_str() == "role-needs"), "{report}");
    }
}

#[test]
fn flows_of_a_balancer() {
    let balancer = Balancer::on_all(["lb1", "lb2"]).virtual_address("10.17.5.10").ingress_ports(8080, 8443);
    let cloud = clouds::cloud(&balancer, Os::Debian, None);
    let into = || cloud.flows().into("lb1");
    assert_eq!(into().ports(), [22, 6443, 8080, 8443]);
    assert!(into().from("10.17.5.12".parse::<std::net::IpAddr>().unwrap()).allows(vrrp()));
    assert!(!into().from("10.17.5.99".parse::<std::net::IpAddr>().unwrap()).allows(vrrp()));
    assert!(into().from("10.17.4.77".parse::<std::net::IpAddr>().unwrap()).allows(tcp(6443)));
    assert!(!into().from("192.0.2.1".parse::<std::net::IpAddr>().unwrap()).allows(tcp(6443)));
    assert!(into().from("192.0.2.1".parse::<std::net::IpAddr>().unwrap()).allows(tcp(8443)));
}

#[test]
fn one_more_agent_changes_no_balancer_that_asks_a_name() {
    let balancer = Balancer::on("lb1");
    let with = clouds::cloud(&balancer, Os::Debian, Some("example.org"));
    let text = |cloud: &Checked| {
        let mut files = cloud.machine("lb1").unwrap().guest.files.iter();
        let file = files.find(|file| file.path.as_str() == fmc_core::balancer::haproxy::PATH).unwrap();
        match &file.contents {
            Contents::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert!(text(&with).contains("server-template") && !text(&with).contains("worker1"), "{}", text(&with));
    let without = clouds::cloud(&balancer, Os::Debian, None);
    assert!(text(&without).contains("server worker2 10.17.4.32:443"), "{}", text(&without));
}

fn mirror(os: Os, mirror: &Mirror) -> Checked {
    let file = |name: &str| {
        let url: Given<fmc_core::path::HttpUrl> = format!("https://example.org/{name}").into();
        (url.ok().unwrap().clone(), Digest::sha256(name.as_bytes()))
    };
    let role = MirrorRole::new("prod", [file("k3s"), file("k3s-images.tar.zst")], mirror.program().cloned());
    let bootstrap = clouds::machine("bootstrap", "kube", "10.17.4.27", os).role(role);
    let network = Network::nat("kube", "10.17.4.0/24");
    Cloud::new("first").host(Host::local()).network(network).machine(bootstrap).check().unwrap()
}

#[test]
fn a_mirror_on_every_system() {
    let plain = Mirror::on("bootstrap");
    let caddy = plain.clone().server("https://example.org:8443/caddy.tar.gz", Digest::sha256(b"caddy"));
    for (os, said) in ALL.into_iter().flat_map(|os| [(os, &plain), (os, &caddy)]) {
        let cloud = mirror(os, said);
        let machine = cloud.machine("bootstrap").unwrap();
        judge(&cloud, machine, &programs());
        let fetched =
            machine.guest.files.iter().filter(|file| matches!(file.contents, Contents::Remote { .. }));
        let (is_packaged, has_caddy) = (PACKAGED.contains(&os), said.program().is_some());
        assert_eq!(fetched.count(), if is_packaged || !has_caddy { 2 } else { 3 });
        assert_eq!(packages(machine).contains(&"nginx"), is_packaged);
        let serves: &[&str] = match (is_packaged, has_caddy) {
            (true, _) => &["nginx.service"],
            (_, true) => &["caddy.service", "fmc-unpack-caddy.service"],
            _ => &["fmc-mirror.socket", "fmc-mirror@.service"],
        };
        assert!(serves.iter().all(|unit| units(machine).contains(unit)), "{os:?}: {:?}", units(machine));
        assert!(!machine.guest.units.iter().any(|unit| {
            unit.name.as_str().contains('@') && unit.state == fmc_core::guest::State::Enabled
        }));
        let reaches = cloud.flows_of(machine).iter().any(|flow| flow.service.overlaps(tcp(8443)));
        assert_eq!(reaches, has_caddy && !is_packaged, "{os:?}");
        let sums =
            machine.guest.files.iter().find(|file| file.path.as_str().ends_with("/SHA256SUMS")).unwrap();
        let Contents::Text(sums) = &sums.contents else { panic!("{sums:?}") };
        for line in sums.lines() {
            let (hash, path) = line.split_once("  ").unwrap();
            assert_eq!(path.split('/').next(), Some(&*format!("sha256-{hash}")));
            assert!(paths(machine).contains(&&*format!("{}/{path}", mirror::ROOT)));
        }
    }
}
