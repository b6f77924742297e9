use fmc::prelude::*;

const CORE: NetworkName = NetworkName::literal("core");
const KUBE: NetworkName = NetworkName::literal("kube");
const LAN: NetworkName = NetworkName::literal("lan");

fn cloud() -> Cloud {
    Cloud::new("flatcar-micro-cloud")
        .domain("cefaslocalserver.internal")
        .time_zone("Europe/London")
        .resolvers(["10.17.3.11"])
        .ssh_host_keys(true)
        .host(
            Host::new("proliant")
                .topology(2, 6, 2)
                .memory(35904.mib())
                .reserve(2.gib())
                .base("/mnt/lv_data/organized_storage/images")
                .capacity(2700.gib())
                .bridge("br0"),
        )
        .network(Network::routed(KUBE, "10.17.4.0/24").dhcp("10.17.4.100-10.17.4.199"))
        .network(Network::routed(CORE, "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199"))
        .network(Network::bridge(LAN, "br0").subnet("192.168.0.0/24").gateway("192.168.0.1"))
        .machine(
            Machine::new(
                "master1",
                Image::fedora_coreos("40.20240906.3.0")
                    .path("/mnt/lv_data/organized_storage/images/fedora-coreos-40.20240906.3.0-qemu.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(2)
            .memory(4.gib())
            .root_disk(50.gib())
            .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
            .interface(Interface::on(KUBE).address("10.17.4.21"))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            ),
        )
        .machine(
            Machine::new(
                "master2",
                Image::fedora_coreos("40.20240906.3.0")
                    .path("/mnt/lv_data/organized_storage/images/fedora-coreos-40.20240906.3.0-qemu.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(2)
            .memory(4.gib())
            .root_disk(50.gib())
            .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
            .interface(Interface::on(KUBE).address("10.17.4.22"))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            ),
        )
        .machine(
            Machine::new(
                "master3",
                Image::fedora_coreos("40.20240906.3.0")
                    .path("/mnt/lv_data/organized_storage/images/fedora-coreos-40.20240906.3.0-qemu.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(2)
            .memory(4.gib())
            .root_disk(50.gib())
            .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
            .interface(Interface::on(KUBE).address("10.17.4.23"))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            ),
        )
        .machine(
            Machine::new(
                "worker1",
                Image::fedora_coreos("40.20240906.3.0")
                    .path("/mnt/lv_data/organized_storage/images/fedora-coreos-40.20240906.3.0-qemu.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(2)
            .memory(3584.mib())
            .root_disk(50.gib())
            .disk(Disk::new("osd", 200.gib()))
            .interface(Interface::on(KUBE).address("10.17.4.24"))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            ),
        )
        .machine(
            Machine::new(
                "worker2",
                Image::fedora_coreos("40.20240906.3.0")
                    .path("/mnt/lv_data/organized_storage/images/fedora-coreos-40.20240906.3.0-qemu.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(2)
            .memory(3584.mib())
            .root_disk(50.gib())
            .disk(Disk::new("osd", 200.gib()))
            .interface(Interface::on(KUBE).address("10.17.4.25"))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            ),
        )
        .machine(
            Machine::new(
                "worker3",
                Image::fedora_coreos("40.20240906.3.0")
                    .path("/mnt/lv_data/organized_storage/images/fedora-coreos-40.20240906.3.0-qemu.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(2)
            .memory(3584.mib())
            .root_disk(50.gib())
            .disk(Disk::new("osd", 200.gib()))
            .interface(Interface::on(KUBE).address("10.17.4.26"))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            ),
        )
        .machine(
            Machine::new(
                "bootstrap",
                Image::fedora_coreos("40.20240906.3.0")
                    .path("/mnt/lv_data/organized_storage/images/fedora-coreos-40.20240906.3.0-qemu.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(1)
            .memory(2.gib())
            .root_disk(50.gib())
            .interface(Interface::on(KUBE).address("10.17.4.27"))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            ),
        )
        .machine(
            Machine::new(
                "freeipa1",
                Image::rocky("9.4")
                    .path("/mnt/lv_data/organized_storage/images/Rocky-9-GenericCloud-Base-9.4-20240609.1.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(2)
            .memory(2.gib())
            .root_disk(30.gib())
            .interface(Interface::on(CORE).address("10.17.3.11"))
            .resolvers(["10.17.3.1"])
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            ),
        )
        .machine(
            Machine::new(
                "loadbalancer1",
                Image::rocky("9.4")
                    .path("/mnt/lv_data/organized_storage/images/Rocky-9-GenericCloud-Base-9.4-20240609.1.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(2)
            .memory(1.gib())
            .root_disk(30.gib())
            .interface(Interface::on(CORE).address("10.17.3.12"))
            .interface(Interface::on(LAN).address("192.168.0.21").default_route(true))
            .resolvers(["10.17.3.1"])
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            ),
        )
        .machine(
            Machine::new(
                "postgresql1",
                Image::rocky("9.4")
                    .path("/mnt/lv_data/organized_storage/images/Rocky-9-GenericCloud-Base-9.4-20240609.1.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(2)
            .memory(2.gib())
            .root_disk(30.gib())
            .interface(Interface::on(CORE).address("10.17.3.13"))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            ),
        )
        .machine(
            Machine::new(
                "helper",
                Image::rocky("9.4")
                    .path("/mnt/lv_data/organized_storage/images/Rocky-9-GenericCloud-Base-9.4-20240609.1.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(1)
            .memory(1.gib())
            .root_disk(30.gib())
            .interface(Interface::on(CORE).address("10.17.3.14"))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            )
            .role(Role::said(Helper::new().users(["ops"]).tool(helper::Tool::new("psql")).database(helper::HelperDatabase::new("shop", "main")))),
        )
        .machine(
            Machine::new(
                "bastion",
                Image::rocky("9.4")
                    .path("/mnt/lv_data/organized_storage/images/Rocky-9-GenericCloud-Base-9.4-20240609.1.x86_64.qcow2")
                    .minimum(10.gib()),
            )
            .cpus(1)
            .memory(1.gib())
            .root_disk(20.gib())
            .interface(Interface::on(CORE).address("10.17.3.20"))
            .interface(Interface::on(LAN).address("192.168.0.20").default_route(true))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINhkSSGYbhWMwip3dcd+DMGpB5B0Pymsom625vHyoFhR ops@flatcar-micro-cloud"),
            )
            .role(Role::said(Bastion::new())),
        )
        .cluster(
            k3s::Cluster::new("prod", "v1.36.3+k3s1")
                .endpoint(k3s::Endpoint::balancer(Balancer::on("loadbalancer1")))
                .servers(["master1", "master2", "master3"])
                .agents(["worker1", "worker2", "worker3"])
                .secrets_encryption("secretbox")
                .snapshots(k3s::Snapshots::every("0 */6 * * *").keep(12))
                .bootstrap("bootstrap"),
        )
        .dns(
            Dns::new()
                .server(
                    DnsServer::on("freeipa", "freeipa1")
                        .ipa(
                            IpaLogin::new("admin", Secret::password("freeipa-admin"))
                                .ca(Secret::file("ipa-ca", "ipa-ca.crt")),
                        ),
                ),
        )
        .role(Spanning::said(Postgresql::new("main", 16, "postgresql1").user(postgresql::DatabaseUser::new("shop")).database(postgresql::Database::new("shop", "shop").from(Peer::subnet_of_role("k3s-agent").of("prod")).from(Peer::machine("helper"))).size(100.gib()).backup(postgresql::Backup::new().keep(2).size(200.gib()))))
        .role(Spanning::said(Wireguard::new("office").subnets(["10.8.0.0/24"]).gateway("loadbalancer1").person(wireguard::TunnelPerson::new("ops").reach(Peer::machine("bastion"))).endpoint("vpn.cloud.example.org")))
        .role(Spanning::said(FreeIpa::on("freeipa1").clients(["loadbalancer1", "postgresql1", "helper", "bastion"]).forwarders(["10.17.3.1"]).without_validation()))
        .role(Spanning::said(Chrony::new().servers(["freeipa1"]).clients(["bastion", "bootstrap", "helper", "loadbalancer1", "master1", "master2", "master3", "postgresql1", "worker1", "worker2", "worker3"]).pools(["2.rocky.pool.ntp.org"])))
        .accept("k3s-install-unpinned", "K3s's own release, judged by the sums beside it; who operates it pins `Install::binary`, which bootstrap then serves")
        .accept("k3s-selinux-policy", "the binary gets the label of container runtimes from the system's own policy")
        .accept("image-unpinned", "the images lie on the host under their versions; nobody kept their checksums")
        .accept("wireguard-endpoint-name", "the document's public address is a private one, and the router's own changes; people take the tunnel down and up then")
        .accept("freeipa-memory", "the document gives it 2 GB, and the host has no room for 4 GiB beside a cluster that grows")
}

fn main() -> ExitCode {
    fmc::cli::main(cloud())
}
