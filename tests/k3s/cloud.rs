//! A cloud with a cluster, the lab in which its machines are hosts, and the credentials for it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fmc::balancer::{Balancer, haproxy};
use fmc::k3s::{self, Endpoint, Install};
use fmc::keys::{Keyring, RootKey};
use fmc::prelude::*;
use fmc::secret::{NoSecrets, SecretRef, SecretScope, Secrets as _};
use fmc_testkit::netns::{Daemon, Lab, Nic, Port};

use crate::inside::Inside;

pub(crate) const BALANCER: &str = "balancer1";
pub(crate) const SERVERS: [&str; 3] = ["master1", "master2", "master3"];
pub(crate) const AGENT: &str = "worker1";
/// A host that is not a machine of the cloud: a person, or an intruder.
pub(crate) const CLIENT: &str = "client";

const NETWORK: &str = "kube";

/// The digest of a binary that these tests never fetch: each test brings its own K3s.
const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A checked cloud and its keys.
pub(crate) struct Model {
    pub(crate) checked: Checked,
    pub(crate) keyring: Keyring,
}

pub(crate) fn keyring(root: RootKey) -> Keyring {
    Keyring::new(root, &SecretScope::of(OwnerId::literal("prod")), Arc::new(NoSecrets))
}

impl Model {
    /// Three servers and an agent behind a balancer.
    pub(crate) fn new() -> Self {
        Self::with(|cluster| cluster)
    }

    /// The same, hardened as the CIS benchmark demands.
    #[cfg(feature = "full")]
    pub(crate) fn hardened() -> Self {
        Self::with(|cluster| cluster.cis(true))
    }

    fn with(more: impl FnOnce(k3s::Cluster) -> k3s::Cluster) -> Self {
        let machine =
            |(name, number): (&str, u8)| {
                Machine::new(name, Image::new(Os::Debian, "12").path("/var/lib/libvirt/images/debian.qcow2"))
                    .cpus(2)
                    .memory(4.gib())
                    .root_disk(20.gib())
                    .disk(Disk::new("rancher", 20.gib()).mount("/var/lib/rancher"))
                    .interface(Interface::on(NETWORK).address(format!("10.17.4.{number}")))
                    .user(User::admin("ops").key(
                        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM",
                    ))
            };
        let cluster = k3s::Cluster::new("prod", "v1.36.3+k3s1")
            .endpoint(Endpoint::balancer(Balancer::on(BALANCER)))
            .servers(SERVERS)
            .agents([AGENT])
            .install(Install::binary("https://mirror.example/k3s", DIGEST));
        let numbers = [(BALANCER, 10), (SERVERS[0], 21), (SERVERS[1], 22), (SERVERS[2], 23), (AGENT, 24)];
        let cloud = Cloud::new("prod")
            .host(Host::local())
            .network(Network::routed(NETWORK, "10.17.4.0/24").resolvers(["192.0.2.53"]))
            .machines(numbers.map(machine))
            .cluster(more(cluster));
        let checked = cloud.check().map_err(|report| report.to_string()).unwrap();
        Self { checked, keyring: keyring(RootKey::sample()) }
    }

    pub(crate) fn cluster(&self) -> &k3s::resolved::Cluster {
        &self.checked.clusters()[0]
    }

    pub(crate) fn address(&self, machine: &str) -> IpAddr {
        self.checked.machine(machine).unwrap().address().unwrap()
    }

    /// A secret's text.
    pub(crate) fn secret(&self, secret: &SecretRef) -> String {
        String::from_utf8(self.keyring.bytes(secret).unwrap().expose().to_vec()).unwrap()
    }

    /// The kubeconfig that is computed from a root key, valid for an hour.
    pub(crate) fn kubeconfig(&self, keyring: &Keyring) -> String {
        let cluster = self.cluster();
        let server = cluster.endpoint.public_url().parse().unwrap();
        let of = fmc::kubeconfig::Cluster { name: cluster.name.as_str(), server: &server, pki: &cluster.pki };
        let hour = Duration::from_secs(3600);
        let file = fmc::kubeconfig::kubeconfig(&of, keyring, SystemTime::now(), hour).unwrap();
        String::from_utf8(file.expose().to_vec()).unwrap()
    }

    /// The network, and the machines on it as hosts.
    pub(crate) fn lab(&self) -> Lab {
        let lab = Lab::start();
        lab.network(NETWORK, "10.17.4.1/24");
        for machine in self.checked.machines() {
            let address = format!("{}/24", machine.address().unwrap());
            lab.host(machine.name.as_str(), &[Nic::new(NETWORK, address)]);
        }
        lab.host(CLIENT, &[Nic::new(NETWORK, "10.17.4.200/24")]);
        lab
    }

    /// `HAProxy`'s configuration for the balancer's machine.
    pub(crate) fn balancer(&self) -> String {
        let inside = Inside::of(&self.checked, BALANCER, &self.keyring);
        inside.files[haproxy::PATH].1.clone()
    }

    /// Runs `HAProxy` with a configuration on the balancer's machine, and returns once the endpoint listens.
    pub(crate) fn balance<'lab>(&self, lab: &'lab Lab, configuration: &str) -> Daemon<'lab> {
        fmc_testkit::haproxy::check(configuration).unwrap();
        lab.write(BALANCER, haproxy::PATH, configuration, 0o644);
        // The distribution's package makes the folder, but this machine may lack it if its haproxy has never
        // run.
        lab.run(BALANCER, &["mkdir", "-p", "/var/lib/haproxy"]).unwrap();
        // The shell that runs the tests may open fewer files than a service may.
        let mut balancer = lab.daemon(BALANCER, &["haproxy", "-db", "-n", "1000", "-f", haproxy::PATH]);
        let endpoint = self.address(BALANCER).to_string();
        balancer
            .until(Duration::from_secs(20), |_| lab.reaches(CLIENT, &endpoint, Port::tcp(k3s::resolved::API)))
            .unwrap();
        balancer
    }
}
