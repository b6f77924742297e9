//! Firewalls of machines: nft checks them, and connections test them on a wire.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod matrix;
mod wire;
mod written;

use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::firewall::K3S_INTERFACES;
use fmc_core::flow::{Flows, Peer, anything, tcp, udp};
use fmc_core::given::Given;
use fmc_core::guest::User;
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine};
use fmc_core::name::RoleName;
use fmc_core::network::Network;
use fmc_core::role::{CustomRole, Site};
use fmc_core::unit::SizeExt as _;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

/// A role of a kind with flows.
struct Plain(&'static str, Flows);

impl CustomRole for Plain {
    fn kind(&self) -> Given<RoleName> {
        self.0.into()
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        self.1.clone()
    }
}

fn machine(name: &str, image: Image, network: &str, address: &str) -> Machine {
    let image = image.path("/images/image.qcow2").digest(Digest::sha256(b""));
    Machine::new(name, image)
        .root_disk(20.gib())
        .interface(Interface::on(network).address(address))
        .resolvers(["10.17.3.11"])
        .user(User::admin("ops").key(KEY))
}

/// Two servers, two agents, a balancer that is also on the LAN, a bastion without a firewall, and a resolver
/// and a database whose machines accept flows themselves, on networks as the seed's.
fn cloud() -> Checked {
    let server = || {
        let flows = Flows::new()
            .accept(tcp(6443), Peer::subnet_of_role("agent"))
            .accept(tcp(6443), Peer::role("balancer"))
            .accept(tcp(2379).to(2380), Peer::role("server"))
            .accept(tcp(10250), Peer::subnet_of_role("server"))
            .accept(udp(8472), Peer::subnet_of_role("server"))
            .accept(anything(), Peer::inside(K3S_INTERFACES, "10.42.0.0/16"))
            .reach(tcp(2379).to(2380), Peer::role("server"))
            .reach(udp(8472), Peer::role("agent"));
        Plain("server", flows)
    };
    let agent = || {
        let flows = Flows::new()
            .accept(tcp(80), Peer::role("balancer"))
            .accept(tcp(443), Peer::role("balancer"))
            .accept(tcp(10250), Peer::subnet_of_role("server"))
            .accept(udp(8472), Peer::subnet_of_role("server"))
            .reach(tcp(6443), Peer::role("server"));
        Plain("agent", flows)
    };
    let balancer = Flows::new()
        .accept(tcp(80), Peer::Anywhere)
        .accept(tcp(443), Peer::Anywhere)
        .accept(tcp(6443), Peer::network("lan"))
        .accept(tcp(8404), Peer::machine("bastion"))
        .reach(tcp(6443), Peer::role("server"));
    let debian = || Image::debian("12");
    let cloud = Cloud::new("first")
        .host(Host::local().bridge("br0"))
        .network(Network::routed("kube", "10.17.4.0/24"))
        .network(Network::routed("core", "10.17.3.0/24"))
        .network(Network::bridge("lan", "br0").subnet("192.168.0.0/24").gateway("192.168.0.1"))
        .machines((1..=2).map(|n| {
            let address = format!("10.17.4.2{n}");
            machine(&format!("server{n}"), Image::fedora_coreos("40.20240906.3.0"), "kube", &address)
                .role(server())
        }))
        .machines((1..=2).map(|n| {
            let address = format!("10.17.4.3{n}");
            machine(&format!("agent{n}"), Image::flatcar("4593.2.0"), "kube", &address).role(agent())
        }))
        .machine(
            machine("balancer", Image::rocky("9.4"), "core", "10.17.3.12")
                .interface(Interface::on("lan").address("192.168.0.21"))
                .role(Plain("balancer", balancer)),
        )
        .machine(machine("bastion", debian(), "core", "10.17.3.20"))
        .machine(
            machine("dns", debian(), "core", "10.17.3.11")
                .resolvers(["10.17.3.1"])
                .accept(tcp(53), Peer::Anywhere)
                .accept(udp(53), Peer::Anywhere),
        )
        .machine(
            machine("database", debian(), "core", "10.17.3.13")
                .accept(tcp(5432), Peer::role("agent"))
                .accept(udp(8000).to(8009), Peer::network("core"))
                .accept(tcp(8432), Peer::machine("bastion"))
                .accept(tcp(9000).to(9999), Peer::inside(["docker0"], "172.17.0.0/16")),
        )
        .ssh_from([Peer::machine("bastion")]);
    cloud.check().map_err(|report| report.to_string()).unwrap()
}
