//! The clouds of the tests on a real libvirt, and their expected results.

use fmc_core::cloud::Cloud;
use fmc_core::disk::Disk;
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;

/// One network, and one machine of each kind: without an operating system but with data, with cloud-init,
/// with Ignition.
pub(crate) fn small() -> Cloud {
    Cloud::new("small").host(Host::local()).network(lan()).machines([blank(), rocky(), flatcar()])
}

/// The same with one more machine.
pub(crate) fn grown() -> Cloud {
    small().machine(plain("another", Image::blank(), 13))
}

fn lan() -> Network {
    Network::nat("lan", "10.73.1.0/24")
        .dhcp("10.73.1.100-10.73.1.199")
        .ipv6("fd73:1::/64")
        .domain("small.example.com")
}

/// A machine that boots nothing and has a data disk.
fn blank() -> Machine {
    plain("blank", Image::blank(), 10).disk(Disk::new("data", 64.mib()))
}

/// A machine that cloud-init configures.
fn rocky() -> Machine {
    plain("rocky", Image::rocky("9.4").path("/srv/rocky-9.4.qcow2"), 11)
}

/// A machine that Ignition configures.
fn flatcar() -> Machine {
    plain("flatcar", Image::flatcar("4593.2.0").path("/srv/flatcar.img"), 12)
}

fn plain(name: &str, image: Image, last: u8) -> Machine {
    Machine::new(name, image)
        .memory(1.gib())
        .root_disk(1.gib())
        .interface(Interface::on("lan").address(format!("10.73.1.{last}")))
}
