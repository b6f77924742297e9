//! A cloud of the seed's shape in any size: a host, three networks, twelve machines and a K3s cluster of nine
//! of them, repeated.

use std::net::Ipv4Addr;

use fmc::prelude::*;

/// Machines on one host.
const RACK: usize = 12;
/// The number of machines that a cluster needs: the first ones.
const CLUSTER: usize = 9;

/// A cloud of so many machines.
pub(crate) fn cloud(machines: usize) -> Cloud {
    with(machines, |machine| machine)
}

/// The same cloud, with less memory for one machine.
pub(crate) fn cloud_with_one_change(machines: usize) -> Cloud {
    let mut first = true;
    with(machines, |machine| if std::mem::take(&mut first) { machine.memory(1_536.mib()) } else { machine })
}

fn with(machines: usize, change: impl FnMut(Machine) -> Machine) -> Cloud {
    let racks: Vec<Rack> = (0..machines.div_ceil(RACK)).map(Rack::new).collect();
    Cloud::new("bench")
        .domain("cloud.internal")
        .time_zone("Europe/London")
        .hosts(racks.iter().map(Rack::host))
        .networks(racks.iter().flat_map(Rack::networks))
        .machines(racks.iter().flat_map(Rack::machines).take(machines).map(change))
        .clusters(racks.iter().filter(|rack| rack.number * RACK + CLUSTER <= machines).map(Rack::cluster))
}

/// The names and addresses of one host and of its objects.
struct Rack {
    number: usize,
    /// The third and fourth number of the addresses differ by network and machine, the second and third by rack.
    kube: [u8; 2],
    core: [u8; 2],
    lan: u32,
}

impl Rack {
    fn new(number: usize) -> Self {
        let subnet = |number: usize| {
            let [.., high, low] = u32::try_from(number).expect("fewer than 2^15 racks").to_be_bytes();
            [high, low]
        };
        // Each LAN is 16 addresses of 172.16.0.0/12.
        let lan = u32::from(Ipv4Addr::new(172, 16, 0, 0)) + 16 * u32::try_from(number).expect("few racks");
        Self { number, kube: subnet(2 * number), core: subnet(2 * number + 1), lan }
    }

    fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.number)
    }

    fn host(&self) -> Host {
        Host::new(self.name("rack"))
            .uri(format!("qemu+ssh://rack-{}/system", self.number))
            .topology(2, 6, 2)
            .memory(35_904.mib())
            .reserve(2.gib())
            .cpu(CpuModel::HostPassthrough)
            .capacity(2_700.gib())
            .bridge(self.name("lan"))
    }

    fn networks(&self) -> [Network; 3] {
        let own = |name, [high, low]: [u8; 2]| {
            Network::routed(self.name(name), format!("10.{high}.{low}.0/24"))
                .host(self.name("rack"))
                .dhcp(format!("10.{high}.{low}.100-10.{high}.{low}.199"))
                .resolvers([self.core(11)])
        };
        let lan = Network::bridge(self.name("lan"), self.name("lan"))
            .subnet(format!("{}/28", self.lan(0)))
            .gateway(self.lan(1))
            .resolvers([self.core(11)]);
        [own("kube", self.kube), own("core", self.core), lan]
    }

    fn cluster(&self) -> k3s::Cluster {
        let each = |what: &str| (1..=3).map(|n| self.name(&format!("{what}{n}"))).collect::<Vec<_>>();
        let install = k3s::Install::binary("https://mirror.example/k3s", Digest::sha256(b"K3s"))
            .selinux_policy("https://mirror.example/k3s-selinux.rpm", Digest::sha256(b"policy"));
        k3s::Cluster::new(self.name("prod"), "v1.36.3+k3s1")
            .endpoint(k3s::Endpoint::balancer(Balancer::on(self.name("loadbalancer1"))))
            .servers(each("master"))
            .agents(each("worker"))
            .bootstrap(self.name("bootstrap").as_str())
            .install(install)
            .pods("172.24.0.0/16")
            .services("172.25.0.0/16")
    }

    fn machines(&self) -> Vec<Machine> {
        let masters = (1..=3).map(|n| {
            self.kube_node(&format!("master{n}"), 20 + n).cpus(2).memory(4.gib()).root_disk(50.gib())
        });
        let workers = (1..=3).map(|n| {
            let worker = self.kube_node(&format!("worker{n}"), 23 + n).cpus(2).memory(3_584.mib());
            worker.root_disk(50.gib()).disk(Disk::new("osd", 200.gib()))
        });
        let bootstrap = self.kube_node("bootstrap", 27).cpus(1).memory(2.gib()).root_disk(50.gib());
        let freeipa = self.core_node("freeipa1", 11).cpus(2).memory(2.gib()).root_disk(30.gib());
        let balancer = self.core_node("loadbalancer1", 12).interface(self.on_lan(3));
        let postgresql = self.core_node("postgresql1", 13).cpus(2).memory(2.gib()).root_disk(30.gib());
        let helper = self.core_node("helper", 14).cpus(1).memory(1.gib()).root_disk(30.gib());
        let bastion = self.core_node("bastion", 20).interface(self.on_lan(4));
        // The name server for the others comes first, because the last host may have room for only one
        // machine. The cluster comes next.
        [freeipa.resolvers([self.core(1)])]
            .into_iter()
            .chain(masters)
            .chain(workers)
            .chain([
                bootstrap,
                balancer.cpus(2).memory(1.gib()).root_disk(30.gib()),
                postgresql.disk(Disk::new("data", 100.gib())),
                helper,
                bastion.cpus(1).memory(1.gib()).root_disk(20.gib()),
            ])
            .collect()
    }

    fn kube_node(&self, role: &str, last: u8) -> Machine {
        let [high, low] = self.kube;
        let image = Image::fedora_coreos("40.20240906.3.0")
            .path("/var/lib/libvirt/images/fedora-coreos-40.20240906.3.0-qemu.x86_64.qcow2")
            .digest(Digest::sha256(b"Fedora CoreOS"))
            .minimum(10.gib());
        self.node(role, image, "kube", Ipv4Addr::new(10, high, low, last))
    }

    fn core_node(&self, role: &str, last: u8) -> Machine {
        let image = Image::rocky("9.4")
            .path("/var/lib/libvirt/images/Rocky-9-GenericCloud-Base-9.4-20240609.1.x86_64.qcow2")
            .digest(Digest::sha256(b"Rocky"))
            .minimum(10.gib());
        self.node(role, image, "core", self.core(last))
    }

    fn node(&self, role: &str, image: Image, network: &str, address: Ipv4Addr) -> Machine {
        Machine::new(self.name(role), image)
            .host(self.name("rack"))
            .interface(Interface::on(self.name(network)).address(address))
            .user(User::admin("ops").key(include_str!("../../examples/ops.pub")))
    }

    fn on_lan(&self, last: u32) -> Interface {
        Interface::on(self.name("lan")).address(self.lan(last)).default_route(true)
    }

    fn core(&self, last: u8) -> Ipv4Addr {
        let [high, low] = self.core;
        Ipv4Addr::new(10, high, low, last)
    }

    fn lan(&self, last: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.lan + last)
    }
}
