//! The document, table by table, with its contradictions. Do not fix it: `flatcar_micro_cloud` is the
//! corrected one.

use fmc::prelude::*;

const FEDORA_COREOS: &str =
    "/mnt/lv_data/organized_storage/images/fedora-coreos-40.20240906.3.0-qemu.x86_64.qcow2";
const ROCKY: &str = "/mnt/lv_data/organized_storage/images/Rocky-9-GenericCloud-Base.latest.x86_64.qcow2";

/// A row of the table: name, processors, memory in MiB, address, domain name, disk, host name.
type Row = (&'static str, u32, u32, &'static str, &'static str, &'static str, &'static str);

/// S1: worker3 with its address in the diagram. S2 and S3: the last column, and load_balancer1's names. S4:
/// the disk sizes as printed.
const TABLE: [Row; 11] = [
    ("master1", 2, 4096, "10.17.4.21", "master1.cefaslocalserver.com", "51200 MB", "master1"),
    ("master2", 2, 4096, "10.17.4.22", "master2.cefaslocalserver.com", "51200 MB", "master2"),
    ("master3", 2, 4096, "10.17.4.23", "master3.cefaslocalserver.com", "51200 MB", "master3"),
    ("worker1", 2, 3584, "10.17.4.24", "worker1.cefaslocalserver.com", "51200 MB", "worker1"),
    ("worker2", 2, 3584, "10.17.4.25", "worker2.cefaslocalserver.com", "51200 MB", "worker2"),
    ("worker3", 2, 3584, "10.17.4.23", "worker3.cefaslocalserver.com", "51200 MB", "worker3"),
    ("bootstrap", 2, 3584, "10.17.4.27", "bootstrap.cefaslocalserver.com", "51200 MB", "bootstrap"),
    ("freeipa1", 2, 2048, "10.17.3.11", "freeipa1.cefaslocalserver.com", "32212 MB", "freeipa1"),
    (
        "load_balancer1",
        2,
        2048,
        "10.17.3.12",
        "loadbalancer1.cefaslocalserver.com",
        "32212 MB",
        "loadbalancer1",
    ),
    ("postgresql1", 2, 2048, "10.17.3.13", "postgresql1.cefaslocalserver.com", "32212 MB", "postgresql1"),
    ("helper", 2, 2048, "10.17.3.14", "helper.cefaslocalserver.com", "32212 MB", "helper_node"),
];

/// The cloud as the document describes it.
pub(crate) fn cloud() -> Cloud {
    Cloud::new("flatcar-micro-cloud")
        .domain("cefaslocalserver.com")
        .time_zone("Europe/London")
        .resolvers(["10.17.3.11", "8.8.8.8"])
        // S7: "IP Pública".
        .public_address("192.168.0.21")
        .host(
            Host::new("proliant")
                // S6: "Intel Xeon X5650 (24 cores)".
                .topology(1, 24, 1)
                // S5: "35 GB RAM", without a part for the host.
                .memory("35000000000 B"),
        )
        // S9: only gateways are given. S22: both networks are masqueraded, libvirt's default.
        .network(Network::nat("kube_network_03", "").gateway("10.17.4.1"))
        .network(Network::nat("kube_network_02", "").gateway("10.17.3.1"))
        // S10: "redes virtuales con bridge y VLANs", but none is defined.
        .network(Network::bridge("bridge", "br0"))
        .machines(TABLE.map(machine))
        // S11: no release. S13: three masters, and the API is reached only at the first one. S14: the
        // bootstrap machine beside them, which does not exist in K3s; as another server it makes four.
        .cluster(
            k3s::Cluster::new("k3s", "")
                .servers(["master1", "master2", "master3", "bootstrap"])
                .agents(["worker1", "worker2", "worker3"]),
        )
        // S8: the diagram's bastion, on a network that does not exist.
        .machine(
            Machine::new("bastion", Image::rocky("9").path(ROCKY))
                .cpus(2)
                .memory(2.gib())
                .root_disk("32212 MB")
                .interface(Interface::on("lan").address("192.168.0.20")),
        )
}

fn machine((name, cpus, memory, address, fqdn, disk, hostname): Row) -> Machine {
    let on_kube = address.starts_with("10.17.4.");
    let (image, network) = if on_kube {
        (Image::fedora_coreos("40.20240906.3.0").path(FEDORA_COREOS), "kube_network_03")
    } else {
        (Image::rocky("latest").path(ROCKY), "kube_network_02")
    };
    Machine::new(name, image)
        .cpus(cpus)
        .memory(memory.mib())
        .root_disk(disk)
        .hostname(hostname)
        .fqdn(fqdn)
        .interface(Interface::on(network).address(address))
}
