//! The cloud itself. Each `S` marks the contradiction in the seed's document that the line resolves.

use std::net::Ipv4Addr;

use fmc::prelude::*;

// S3: one name for one machine: `load_balancer1` was a virtual machine, `loadbalancer1` its host name.
// S2: no underscores, because neither DNS nor Kubernetes allows them: `helper_node` is `helper`.
const LOAD_BALANCER1: MachineName = MachineName::literal("loadbalancer1");
const FREEIPA1: MachineName = MachineName::literal("freeipa1");
const POSTGRESQL1: MachineName = MachineName::literal("postgresql1");
const HELPER: MachineName = MachineName::literal("helper");
const BASTION: MachineName = MachineName::literal("bastion");
const BOOTSTRAP: MachineName = MachineName::literal("bootstrap");

// S9: a network is more than a gateway: `kube_network_03` and `kube_network_02` get subnets.
const KUBE: NetworkName = NetworkName::literal("kube");
const CORE: NetworkName = NetworkName::literal("core");
const LAN: NetworkName = NetworkName::literal("lan");

/// FreeIPA, the cloud's DNS server.
const DNS: &str = "10.17.3.11";

/// The cloud.
pub(crate) fn cloud() -> Cloud {
    machines()
        // S16: the names of machines, nodes and the ingress follow from the cloud, and FreeIPA has them all.
        .dns(dns())
        .role(Spanning::said(directory()))
        .role(Spanning::said(time()))
        .accept(
            "freeipa-memory",
            "the document gives it 2 GB, and the host has no room for 4 GiB beside a cluster that grows",
        )
}

/// The machines, their networks, their cluster, their database and the way in, without the services that they have in common.
pub(crate) fn machines() -> Cloud {
    Cloud::new("flatcar-micro-cloud")
        // S17: an internal zone under a name that ICANN reserves for internal use; `cefaslocalserver.com` can
        // be sold.
        .domain("cefaslocalserver.internal")
        // S21: the document says London; the code of its day said Madrid.
        .time_zone("Europe/London")
        // S16: 8.8.8.8 cannot be the second server beside an internal one: if one denies a name, the other is
        // never asked.
        .resolvers([DNS])
        .host(proliant())
        .networks([kube(), core(), lan()])
        .machines((1..=3).map(master))
        .machines((1..=3).map(worker))
        .machines([bootstrap(), freeipa(), load_balancer(), postgresql(), helper(), bastion()])
        .cluster(cluster())
        .role(Spanning::said(database()))
        .role(Spanning::said(vpn()))
        .ssh_host_keys(true)
        .accept(
            "k3s-install-unpinned",
            "K3s's own release, judged by the sums beside it; who operates it pins `Install::binary`, which bootstrap then serves",
        )
        .accept(
            "k3s-selinux-policy",
            "the binary gets the label of container runtimes from the system's own policy",
        )
        .accept(
            "image-unpinned",
            "the images lie on the host under their versions; nobody kept their checksums",
        )
        .accept(
            "wireguard-endpoint-name",
            "the document's public address is a private one, and the router's own changes; people take the tunnel down and up then",
        )
}

/// The ProLiant DL380 G7. S23: its graphics chip cannot be used as a GPU by a machine, so it is left out.
fn proliant() -> Host {
    Host::new("proliant")
        // S6: an X5650 has 6 cores and 12 threads; two of them are 12 cores and 24 threads, not 24 cores.
        .topology(2, 6, 2)
        // S5: "35 GB" was measured as 35,904 MiB, and the host itself needs a part of it.
        .memory(35_904.mib())
        .reserve(2.gib())
        .cpu(CpuModel::HostPassthrough)
        .base("/mnt/lv_data/organized_storage/images")
        .capacity(2_700.gib())
        // S10: the only existing bridge; the document's VLANs were never defined.
        .bridge("br0")
}

/// The cluster's network. S22: routed, not masqueraded, since its machines ask the core network's DNS.
fn kube() -> Network {
    Network::routed(KUBE, "10.17.4.0/24").dhcp("10.17.4.100-10.17.4.199")
}

/// The network of the services that the cluster needs. S9: DHCP has a range of its own, without any machine's
/// address.
fn core() -> Network {
    Network::routed(CORE, "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199")
}

/// The LAN with the bastion's address. S8: it was only in the diagram.
fn lan() -> Network {
    Network::bridge(LAN, "br0").subnet("192.168.0.0/24").gateway("192.168.0.1")
}

/// S11: the document's images, with their versions instead of `latest`. Fedora CoreOS in a project named
/// after Flatcar is a choice, not a mistake.
fn fedora_coreos() -> Image {
    Image::fedora_coreos("40.20240906.3.0")
        .path("/mnt/lv_data/organized_storage/images/fedora-coreos-40.20240906.3.0-qemu.x86_64.qcow2")
        .minimum(10.gib())
}

fn rocky() -> Image {
    Image::rocky("9.4")
        .path("/mnt/lv_data/organized_storage/images/Rocky-9-GenericCloud-Base-9.4-20240609.1.x86_64.qcow2")
        .minimum(10.gib())
}

/// S23: the document says that a key is included, but it is not. The private half of this key was thrown
/// away.
fn ops() -> User {
    User::admin("ops").key(include_str!("../ops.pub"))
}

/// The cluster: three servers behind the balancer, three agents, and the machine that they are installed
/// from.
fn cluster() -> k3s::Cluster {
    k3s::Cluster::new("prod", "v1.36.3+k3s1")
        .endpoint(k3s::Endpoint::balancer(LOAD_BALANCER1))
        .servers(["master1", "master2", "master3"])
        .agents(["worker1", "worker2", "worker3"])
        .bootstrap(BOOTSTRAP)
        .secrets_encryption(k3s::EncryptionProvider::Secretbox)
        .snapshots(k3s::Snapshots::every("0 */6 * * *").keep(12))
}

/// The database of the shop. Its clients run on the agents, and it admits their subnet and the helper: another agent
/// changes nothing here. S24: its data outlives its machine, and so do two weeks of backups, on a disk of their own.
fn database() -> Postgresql {
    Postgresql::new("main", 16, POSTGRESQL1)
        .user(postgresql::DatabaseUser::new("shop"))
        .database(
            postgresql::Database::new("shop", "shop")
                .from(Peer::subnet_of_role("k3s-agent").of("prod"))
                .from(Peer::machine(HELPER)),
        )
        .size(100.gib())
        .backup(postgresql::Backup::new().size(200.gib()).keep(2))
}

/// The way in from outside. The balancer faces the LAN, and the router sends UDP port 51820 on to it; from the tunnel
/// people reach the bastion, and the services of the ingress.
fn vpn() -> Wireguard {
    Wireguard::new("office")
        .subnets(["10.8.0.0/24"])
        .gateway(LOAD_BALANCER1)
        .endpoint("vpn.cloud.example.org")
        .person(wireguard::TunnelPerson::new("ops").reach(Peer::machine(BASTION)))
}

/// FreeIPA: DNS and accounts. It asks its network's own forwarder for the names of the world.
fn directory() -> FreeIpa {
    FreeIpa::on(FREEIPA1)
        .clients([LOAD_BALANCER1, POSTGRESQL1, HELPER, BASTION])
        .forwarders(["10.17.3.1"])
        .without_validation()
}

/// S16: FreeIPA's machine was its own source of time. It asks the world now, and all others ask it.
fn time() -> Chrony {
    let clients = [
        "bastion",
        "bootstrap",
        "helper",
        "loadbalancer1",
        "master1",
        "master2",
        "master3",
        "postgresql1",
        "worker1",
        "worker2",
        "worker3",
    ];
    Chrony::new().servers([FREEIPA1]).clients(clients).pools(["2.rocky.pool.ntp.org"])
}

/// The zones of the cloud, kept up to date by FreeIPA's API. Its authority is a copy of the server's `/etc/ipa/ca.crt`.
fn dns() -> Dns {
    let login = IpaLogin::new("admin", directory().admin_password()).ca(Secret::file("ipa-ca", "ipa-ca.crt"));
    Dns::new().server(DnsServer::on("freeipa", FREEIPA1).ipa(login))
}

fn node(
    name: impl Into<Given<MachineName>>,
    image: Image,
    network: &NetworkName,
    address: Ipv4Addr,
) -> Machine {
    Machine::new(name, image).interface(Interface::on(network).address(address)).user(ops())
}

/// A server of the cluster. S13: there are three, and their endpoint is the balancer instead of one of them.
fn master(n: u8) -> Machine {
    node(format!("master{n}"), fedora_coreos(), &KUBE, Ipv4Addr::new(10, 17, 4, 20 + n))
        .cpus(2)
        .memory(4.gib())
        // S4: 51200 "MB" is 50 GiB, and 32212 "MB" is 30 GiB: one unit for both.
        .root_disk(50.gib())
        // A replaced server finds its etcd data again.
        .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
}

/// An agent of the cluster. S1: worker3 is .26 as in the table, not .23 as in the diagram: that is master3.
fn worker(n: u8) -> Machine {
    node(format!("worker{n}"), fedora_coreos(), &KUBE, Ipv4Addr::new(10, 17, 4, 23 + n))
        .cpus(2)
        .memory(3_584.mib())
        .root_disk(50.gib())
        // S12: Ceph needs a raw device of its own. What runs on the workers, its sizes (S18, S19) and how long it keeps
        // data (S24) is in services.yaml.
        .disk(Disk::new("osd", 200.gib()))
}

/// S14: it is not a member of etcd, because four would not help: it serves the files from which the others
/// are installed.
fn bootstrap() -> Machine {
    node(BOOTSTRAP, fedora_coreos(), &KUBE, Ipv4Addr::new(10, 17, 4, 27))
        .cpus(1)
        .memory(2.gib())
        .root_disk(50.gib())
}

fn freeipa() -> Machine {
    node(FREEIPA1, rocky(), &CORE, Ipv4Addr::new(10, 17, 3, 11))
        .cpus(2)
        .memory(2.gib())
        .root_disk(30.gib())
        // S16: a DNS server cannot ask itself before it is installed, so it asks the network's own forwarder.
        .resolvers(["10.17.3.1"])
}

/// S25: HTTPS reaches the balancer at its own address on the LAN, not through the SSH jump host.
/// S7: 192.168.0.21 is that address; it is private, and the router forwards the public address's traffic to
/// it.
/// S20: its HAProxy passes connections on unchanged; the only Traefik is that of K3s, on the agents.
fn load_balancer() -> Machine {
    node(LOAD_BALANCER1, rocky(), &CORE, Ipv4Addr::new(10, 17, 3, 12))
        .interface(Interface::on(LAN).address("192.168.0.21").default_route(true))
        // Its network's own forwarder, which asks FreeIPA for the names of the cloud.
        .resolvers(["10.17.3.1"])
        .cpus(2)
        .memory(1.gib())
        .root_disk(30.gib())
}

/// S18: a virtual machine has sizes, not Kubernetes limits; those of its PostgreSQL follow from its memory.
fn postgresql() -> Machine {
    node(POSTGRESQL1, rocky(), &CORE, Ipv4Addr::new(10, 17, 3, 13))
        .cpus(2)
        .memory(2.gib())
        .root_disk(30.gib())
}

/// S15: the helper had no service; now it has what administrators need for the database and the other machines. Who
/// administrates the cluster gets a certificate for hours from `fmc kubeconfig`.
fn helper() -> Machine {
    let administration = Helper::new()
        .users(["ops"])
        .tool(helper::Tool::new("psql"))
        .database(helper::HelperDatabase::new("shop", "main"));
    node(HELPER, rocky(), &CORE, Ipv4Addr::new(10, 17, 3, 14))
        .cpus(1)
        .memory(1.gib())
        .root_disk(30.gib())
        .role(Role::said(administration))
}

/// S8: the diagram's jump host, on the LAN and on the core network.
/// S25: it is the only way in by SSH, and it serves only SSH.
/// S7: people dial it on the LAN, since the document has no address that is public.
fn bastion() -> Machine {
    node(BASTION, rocky(), &CORE, Ipv4Addr::new(10, 17, 3, 20))
        .interface(Interface::on(LAN).address("192.168.0.20").default_route(true))
        .cpus(1)
        .memory(1.gib())
        .root_disk(20.gib())
        .role(Role::said(Bastion::new()))
}
