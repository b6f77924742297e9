//! The network around a hypervisor, as the preflight compares it with the cloud.

use fmc_core::cloud::Cloud;
use fmc_core::graph::{Note, NoteKind};
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::documents::documents;
use fmc_libvirt::link::Filter;
use fmc_libvirt::sim::Sim;

use crate::lab::{Lab, now};

/// The notes about a cloud with these networks.
fn preflight(sim: &Sim, networks: impl IntoIterator<Item = Network>) -> Vec<Note> {
    let machine = Machine::new("web", Image::blank())
        .root_disk(4.gib())
        .interface(Interface::on("lab").address("10.17.3.10"));
    let cloud = Cloud::new("first")
        .host(Host::local().bridge("br-office"))
        .networks(networks)
        .machine(machine)
        .accept("image-missing", "nothing boots");
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    let lab = Lab::on(sim.clone());
    now(fmc_core::graph::Provider::observe(&lab.provider, &documents(&checked))).unwrap();
    now(lab.provider.preflight(&checked))
}

fn said(notes: &[Note], kind: NoteKind) -> Vec<&str> {
    notes.iter().filter(|note| note.kind == kind).map(|note| &*note.text).collect()
}

fn lan() -> Network {
    Network::nat("lab", "10.17.3.0/24").bridge_name("br-lab").ipv6("fd00:17:3::/64")
}

#[test]
fn a_subnet_that_the_host_itself_is_in_is_refused() {
    for (to, device) in [("10.17.3.0/24", "eth0"), ("fd00:17:3::/64", "wg0")] {
        let sim = Sim::new();
        sim.route("0.0.0.0/0", "eth0");
        sim.route(to, device);
        let notes = preflight(&sim, [lan()]);
        let refused = said(&notes, NoteKind::Refused);
        assert!(refused.len() == 1 && refused[0].contains(to) && refused[0].contains(device), "{notes:?}");
    }
}

#[test]
fn a_route_that_overlaps_is_said_once() {
    let sim = Sim::new();
    sim.route("10.0.0.0/8", "tun0");
    sim.route("10.0.0.0/8", "tun0");
    sim.route("10.17.3.77/32", "tun0");
    let notes = preflight(&sim, [lan()]);
    assert_eq!(said(&notes, NoteKind::Refused), [] as [&str; 0]);
    let notices = said(&notes, NoteKind::Notice);
    assert!(
        notices.len() == 1 && notices[0].contains("10.0.0.0/8") && notices[0].contains("tun0"),
        "{notes:?}"
    );
}

#[test]
fn the_routes_of_the_clouds_own_bridge_are_no_matter() {
    let sim = Sim::new();
    sim.route("10.17.3.0/24", "br-lab");
    sim.route("127.0.0.0/8", "lo");
    assert_eq!(preflight(&sim, [lan()]), []);
}

#[test]
fn an_inactive_network_that_starts_with_the_host_is_refused() {
    let sim = Sim::new();
    let theirs =
        "<network><name>default</name><bridge name='virbr0'/><ip address='10.17.3.1' prefix='24'/></network>";
    sim.plant_network(theirs).unwrap();
    fmc_libvirt::link::Link::stop_network(&sim, "default").unwrap();
    fmc_libvirt::link::Link::set_network_autostart(&sim, "default", true).unwrap();
    let notes = preflight(&sim, [lan()]);
    let refused = said(&notes, NoteKind::Refused);
    assert!(refused.len() == 1 && refused[0].contains("default"), "{notes:?}");
}

#[test]
fn what_stands_in_the_way_of_routed_guests_is_named() {
    let sim = Sim::new();
    sim.filters([Filter::Docker, Filter::Firewalld, Filter::Ufw, Filter::Bridged]);
    let routed = || Network::routed("lab", "10.17.3.0/24").bridge_name("br-lab");
    let notes = preflight(&sim, [routed()]);
    let notices = said(&notes, NoteKind::Notice);
    let words = ["DOCKER-USER -i br-lab", "firewall-cmd", "ufw route"];
    assert_eq!(notices.len(), words.len(), "{notices:?}");
    assert!(words.iter().all(|word| notices.iter().any(|notice| notice.contains(word))), "{notices:?}");
    assert_eq!(preflight(&sim, [lan()]), [], "libvirt's own rules let masqueraded guests pass");
    let bridged = || Network::bridge("lab", "br-office").subnet("10.17.3.0/24").gateway("10.17.3.1");
    let notes = preflight(&sim, [bridged()]);
    let notices = said(&notes, NoteKind::Notice);
    assert!(notices.iter().any(|notice| notice.contains("bridge-nf-call-iptables")), "{notes:?}");
}

#[test]
fn docker_on_a_hypervisor_elsewhere_is_known_by_its_bridge() {
    let sim = Sim::new();
    sim.bridges(["docker0"]);
    let notes = preflight(&sim, [Network::routed("lab", "10.17.3.0/24").bridge_name("br-lab")]);
    assert!(said(&notes, NoteKind::Notice)[0].contains("Docker"), "{notes:?}");
}

#[test]
fn a_session_has_no_networks() {
    let sim = Sim::from_json("qemu:///session", &Sim::new().to_json().unwrap()).unwrap();
    let notes = preflight(&sim, [lan()]);
    let refused = said(&notes, NoteKind::Refused);
    assert!(refused.len() == 1 && refused[0].contains("qemu:///system"), "{notes:?}");
    let bridged = Network::bridge("lab", "br-office").subnet("10.17.3.0/24").gateway("10.17.3.1");
    assert_eq!(said(&preflight(&sim, [bridged]), NoteKind::Refused), [] as [&str; 0]);
}
