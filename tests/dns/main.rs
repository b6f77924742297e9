//! The cloud's zones: files that BIND takes, and a real server that is kept up to date.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

mod export;
mod faults;
mod ipa;
mod others;
mod server;
mod simulated;

use std::ffi::OsString;
use std::path::Path;

use fmc::cli::{Io, Program};
use fmc::dns::Dns;
use fmc::libvirt::sim::Sim;
use fmc::prelude::*;

const LOCAL: HostName = HostName::literal("local");

/// A hypervisor in memory, on the LAN.
pub(crate) fn hypervisor() -> Sim {
    let sim = Sim::new();
    sim.bridges(["br0"]);
    sim
}

/// Runs a command of the seed's program: its exit code, and all that it said.
pub(crate) fn run(cloud: Cloud, folder: &Path, arguments: &[&str]) -> (u8, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io { folder: folder.to_owned(), ..Io::new(&mut out, &mut err) };
    let arguments = ["seed"].iter().chain(arguments).map(OsString::from);
    let code = Program::new(cloud).run(arguments, &mut io);
    (code, String::from_utf8([out, err].concat()).unwrap())
}

/// The seed's twelve machines on three networks.
pub(crate) fn seed(dns: Dns) -> Cloud {
    const MACHINES: [(&str, &str, &str); 12] = [
        ("freeipa1", "kube", "10.17.3.11"),
        ("loadbalancer1", "kube", "10.17.3.12"),
        ("postgresql1", "kube", "10.17.3.13"),
        ("helper", "kube", "10.17.3.14"),
        ("bootstrap", "nodes", "10.17.4.20"),
        ("master1", "nodes", "10.17.4.21"),
        ("master2", "nodes", "10.17.4.22"),
        ("master3", "nodes", "10.17.4.23"),
        ("worker1", "nodes", "10.17.4.24"),
        ("worker2", "nodes", "10.17.4.25"),
        ("worker3", "nodes", "10.17.4.26"),
        ("bastion", "lan", "192.168.0.20"),
    ];
    let machine = |(name, network, address): (&str, &str, &str)| {
        Machine::new(name, Image::blank())
            .memory(1.gib())
            .root_disk(2.gib())
            .interface(Interface::on(network).address(address))
    };
    Cloud::new("seed")
        .domain("cefaslocalserver.com")
        .host(Host::local().bridge("br0"))
        .network(Network::routed("kube", "10.17.3.0/24"))
        .network(Network::routed("nodes", "10.17.4.0/24"))
        .network(Network::bridge("lan", "br0").subnet("192.168.0.0/24").gateway("192.168.0.1"))
        .machines(MACHINES.map(machine))
        .dns(dns)
}

/// Every type of record in one zone.
pub(crate) fn every_type(zone: Zone) -> Zone {
    zone.records("www", ["60 CNAME loadbalancer1"])
        .records("@", ["MX 10 helper", "TXT v=spf1 -all", "CAA 0 issue \"ca.example\""])
        .records("_ldap._tcp", ["SRV 0 100 389 freeipa1", "SRV 10 100 389 helper"])
        .records(
            "_443._tcp.www2",
            ["TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"],
        )
        .records("www2", ["A 10.17.3.80", "A 10.17.3.81", "AAAA fd00::80"])
        .records("*.apps", ["A 10.17.3.12"])
        .records("old", ["DNAME new.example.org."])
        .records("_http._tcp", ["URI 10 1 \"https://www.example.org/\""])
        .records("sip", ["NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.org!\" ."])
        .records("gate", ["SSHFP 4 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"])
        .records("long", [format!("TXT \"{}\"", "0123456789".repeat(40)).as_str()])
}
