//! A cloud with one of everything, for the tests.

use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::disk::Disk;
use fmc_core::host::{Host, Pool};
use fmc_core::image::{DirectKernel, Image};
use fmc_core::machine::{Interface, Machine, Power};
use fmc_core::network::{Network, Reservation};
use fmc_core::unit::SizeExt as _;

pub(crate) fn networks() -> Vec<Network> {
    vec![
        Network::nat("lab", "10.17.3.0/24")
            .dhcp("10.17.3.100-10.17.3.199")
            .ipv6("fd00:17:3::/64")
            .domain("lab.example.com")
            .reservation(Reservation::new("52:54:00:00:00:01", "10.17.3.5").hostname("printer"))
            .host("hv1"),
        Network::routed("core", "10.17.4.0/24").mtu(9000).host("hv1"),
        Network::open("edge", "10.17.5.0/24").host("hv1").autostart(false),
        Network::isolated("quiet", "10.17.6.0/24").host("hv2"),
        Network::bridge("lan", "br0").subnet("192.168.0.0/24").gateway("192.168.0.1"),
    ]
}

pub(crate) fn machines() -> Vec<Machine> {
    let file = Image::rocky("9.4").file("/srv/images/rocky-9.4.qcow2", Digest::sha256(b"rocky"));
    let flatcar = Image::flatcar("4593.2.0")
        .path("/var/lib/libvirt/images/flatcar.img")
        .digest(Digest::sha256(b"flatcar"));
    vec![
        Machine::new("web", file.clone())
            .host("hv1")
            .cpus(2)
            .memory(2.gib())
            .root_disk(20.gib())
            .interface(Interface::on("lab").address("10.17.3.10"))
            .interface(Interface::on("core").address("10.17.4.10")),
        Machine::new("db", file)
            .host("hv1")
            .memory(4.gib())
            .root_disk(20.gib())
            .disk(Disk::new("data", 50.gib()).fully_allocated())
            .disk(Disk::new("log", 10.gib()).pool("fast").serial("db-log"))
            .interface(Interface::on("core").address("10.17.4.11"))
            .interface(Interface::on("lan").address("192.168.0.20")),
        Machine::new("node", flatcar)
            .host("hv1")
            .memory(3.gib())
            .root_disk(15.gib())
            .interface(Interface::on("core").address("10.17.4.12")),
        Machine::new(
            "probe",
            Image::blank().direct_kernel(
                DirectKernel::new("/boot/vmlinuz").initrd("/boot/initrd").command_line("console=ttyS0 quiet"),
            ),
        )
        .host("hv2")
        .memory(256.mib())
        .power(Power::Stopped)
        .autostart(false)
        .interface(Interface::on("quiet").address("10.17.6.10")),
        Machine::new(
            "seeded",
            Image::debian("12").path("/srv/images/debian-12.raw").format(fmc_core::image::Format::Raw),
        )
        .host("hv2")
        .memory(512.mib())
        .root_disk(8.gib())
        .interface(Interface::on("quiet").address("10.17.6.11")),
    ]
}

pub(crate) fn cloud(networks: Vec<Network>, machines: Vec<Machine>) -> Checked {
    Cloud::new("first")
        .hosts([
            Host::new("hv1").uri("qemu+ssh://hv1/system").pool(Pool::new("fast", "/srv/fast")).bridge("br0"),
            Host::new("hv2").uri("qemu+ssh://hv2/system").emulated().machine_type("pc"),
        ])
        .networks(networks)
        .machines(machines)
        .check()
        .unwrap()
}

pub(crate) fn checked() -> Checked {
    cloud(networks(), machines())
}
