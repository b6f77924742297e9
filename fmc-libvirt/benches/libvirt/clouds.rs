//! The clouds of the measurements.

use std::net::Ipv4Addr;
use std::path::Path;

use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::graph::Wanted;
use fmc_core::host::Host;
use fmc_core::image::{Format, Image, Os};
use fmc_core::machine::{Interface, Machine, Power, Shutdown};
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::documents::documents;

/// Machines with only a processor, memory and an interface.
pub(crate) fn many(count: usize) -> Wanted<Document> {
    let network = Network::isolated("many", "10.64.0.0/16");
    let machines = (1..=count).map(|number| {
        let [.., high, low] = u32::try_from(number + 255).expect("fewer than 65,000").to_be_bytes();
        machine(format!("machine{number}"), Image::blank())
            .power(Power::Stopped)
            .interface(Interface::on("many").reserved(Ipv4Addr::new(10, 64, high, low)))
    });
    compiled(&Cloud::new("many").host(host()).network(network).machines(machines))
}

/// Twelve machines on two networks, with root disks on one image.
pub(crate) fn few(image: &Path, power: Power) -> Wanted<Document> {
    let bytes = std::fs::read(image).expect("the image is there");
    let image = Image::new(Os::None, "50 MiB")
        .file(image.to_str().expect("a path of ours"), Digest::sha256(&bytes))
        .format(Format::Raw);
    let networks = [("left", 1), ("right", 2)].map(|(name, third)| {
        Network::nat(name, format!("10.64.{third}.0/24")).dhcp(format!("10.64.{third}.100-10.64.{third}.199"))
    });
    let machines = (0..12_u8).map(|number| {
        let (network, third) = if number % 2 == 0 { ("left", 1) } else { ("right", 2) };
        machine(format!("machine{number}"), image.clone())
            .power(power)
            .root_disk(64.mib())
            .interface(Interface::on(network).reserved(Ipv4Addr::new(10, 64, third, 10 + number)))
    });
    compiled(&Cloud::new("few").host(host()).networks(networks).machines(machines))
}

/// The test driver runs only guests of its own type.
pub(crate) fn for_the_test_driver(wanted: Wanted<Document>) -> Wanted<Document> {
    super::changed(wanted, |document| {
        if let Document::Domain(domain) = document {
            domain.xml = domain.xml.replacen("type='qemu'", "type='test'", 1).into();
        }
    })
}

/// Bytes without holes.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(length).collect()
}

fn host() -> Host {
    Host::local().emulated()
}

fn machine(name: String, image: Image) -> Machine {
    // The guests do not listen to a shutdown.
    Machine::new(name, image).memory(32.mib()).autostart(false).shutdown(Shutdown::force_now())
}

/// The libvirt documents of a cloud.
pub(crate) fn compiled(cloud: &Cloud) -> Wanted<Document> {
    documents(&cloud.check().expect("the cloud is right"))
}
