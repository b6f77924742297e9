//! Clouds with a cluster, for the tests of its machines' boot configurations.

use fmc_core::balancer::Balancer;
use fmc_core::boot::Boot;
use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::guest::User;
use fmc_core::host::Host;
use fmc_core::image::{Image, Os};
use fmc_core::k3s::{self, Endpoint};
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_core::secret::{SecretBytes, SecretError, SecretRef, Secrets};
use fmc_core::unit::SizeExt as _;

/// A digest for downloads that never happen.
pub(crate) const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ops@first";

/// The systems, each with a name.
pub(crate) const SYSTEMS: [(&str, Os); 5] = [
    ("fedora-coreos", Os::FedoraCoreos),
    ("flatcar", Os::Flatcar),
    ("rocky", Os::Rocky),
    ("almalinux", Os::Almalinux),
    ("debian", Os::Debian),
];

pub(crate) fn image(os: Os) -> Image {
    let version = match os {
        Os::FedoraCoreos => "44.20260802.3.1",
        Os::Flatcar => "4593.2.0",
        Os::Rocky | Os::Almalinux => "9.4",
        _ => "12",
    };
    Image::new(os, version).path("/var/lib/libvirt/images/image.qcow2")
}

pub(crate) fn machine(name: &str, os: Os, last: u8) -> Machine {
    let interface =
        Interface::on("kube").address(format!("10.17.4.{last}")).address(format!("fd00:17:4::{last}"));
    Machine::new(name, image(os))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .interface(interface)
        .user(User::admin("ops").key(KEY))
}

/// The seed's cluster: three servers and two agents behind a balancer.
pub(crate) fn seed() -> k3s::Cluster {
    seed_of("v1.36.3+k3s1")
}

/// The seed's cluster with this release of K3s.
pub(crate) fn seed_of(version: &str) -> k3s::Cluster {
    k3s::Cluster::new("prod", version)
        .endpoint(Endpoint::balancer(Balancer::on("loadbalancer1")))
        .servers(["master1", "master2", "master3"])
        .agents(["worker1", "worker2"])
}

/// A cloud with this cluster on machines of this system. Its balancer has an address on the LAN too.
pub(crate) fn draft(os: Os, cluster: k3s::Cluster) -> Cloud {
    let masters = (1..=3).map(|n| machine(&format!("master{n}"), os, 20 + n));
    let workers = (1..=2).map(|n| machine(&format!("worker{n}"), os, 23 + n));
    let worker = |n: usize, worker: Machine| match n {
        0 => worker.label("example.com/disk=ssd").taint("example.com/only=db:NoSchedule"),
        _ => worker,
    };
    let balancer = Machine::new("loadbalancer1", image(Os::Rocky))
        .memory(1.gib())
        .root_disk(20.gib())
        .interface(Interface::on("lan").address("192.168.0.30"))
        .interface(Interface::on("kube").address("10.17.4.10").address("fd00:17:4::10"))
        .user(User::admin("ops").key(KEY));
    Cloud::new("first")
        .domain("example.com")
        .host(Host::local().bridge("br-lan"))
        .network(
            Network::bridge("lan", "br-lan")
                .subnet("192.168.0.0/24")
                .gateway("192.168.0.1")
                .resolvers(["192.168.0.1"]),
        )
        .network(Network::routed("kube", "10.17.4.0/24").ipv6("fd00:17:4::/64").resolvers(["192.168.0.1"]))
        .machines(masters)
        .machines(workers.enumerate().map(|(n, machine)| worker(n, machine)))
        .machine(balancer)
        .cluster(cluster)
}

/// The same, checked.
pub(crate) fn cloud(os: Os, cluster: k3s::Cluster) -> Checked {
    // These tests only read boot configurations and never replace a machine.
    let draft = draft(os, cluster).accept("k3s-data-on-root", "nothing is kept");
    draft.check().map_err(|report| report.to_string()).unwrap()
}

/// Gives each secret's name as its bytes.
pub(crate) struct Named;

impl Secrets for Named {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(format!("secret-{}-{}", secret.name, secret.generation).into_bytes()))
    }
}

/// A machine's boot configuration with its secrets filled in.
pub(crate) fn rendered(cloud: &Checked, machine: &str) -> String {
    let boot = Boot::of(cloud, cloud.machine(machine).unwrap()).unwrap();
    let (_, template) =
        boot.files().into_iter().find(|(name, _)| matches!(*name, "config.ign" | "user-data")).unwrap();
    String::from_utf8(template.render(&Named).unwrap().expose().to_vec()).unwrap()
}

/// The text of a file of a machine, with a mark for each secret.
pub(crate) fn text(cloud: &Checked, machine: &str, path: &str) -> String {
    use fmc_core::guest::checked::{Contents, TextPart};

    let guest = &cloud.machine(machine).unwrap().guest;
    let file = guest.files.iter().find(|file| file.path.as_str() == path);
    let file = file.unwrap_or_else(|| panic!("{machine} has no {path}"));
    let secret = |secret: &SecretRef| format!("secret-{}-{}", secret.name, secret.generation);
    match &file.contents {
        Contents::Text(text) => text.to_string(),
        Contents::Secret(hole) => secret(hole),
        Contents::Parts(parts) => parts
            .iter()
            .map(|part| match part {
                TextPart::Text(text) => text.to_string(),
                TextPart::Secret(hole) | TextPart::Quoted(hole) | TextPart::Component(hole) => secret(hole),
            })
            .collect(),
        Contents::Remote { url, digest } => format!("{url} {digest}"),
    }
}

/// The contents of a unit of a machine.
pub(crate) fn unit(cloud: &Checked, machine: &str, name: &str) -> String {
    let guest = &cloud.machine(machine).unwrap().guest;
    let unit = guest.units.iter().find(|unit| unit.name.as_str() == name);
    let contents = unit.unwrap_or_else(|| panic!("{machine} has no {name}")).contents.as_ref();
    contents.map(|contents| contents.text().into_owned()).unwrap_or_default()
}

/// The `config.yaml` of a machine, parsed as YAML.
pub(crate) fn config(cloud: &Checked, machine: &str) -> serde_json::Value {
    serde_saphyr::from_str(&text(cloud, machine, k3s::Config::PATH)).unwrap()
}
