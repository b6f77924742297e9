//! The `config.yaml` of a server and of an agent. Derived keys take precedence over the user's.

use std::net::IpAddr;

use super::{Node, cis, files};
use crate::checked::Addressing;
use crate::k3s::cluster::{Cluster, S3, Snapshots};
use crate::k3s::key;
use crate::k3s::{Config, Key};
use crate::secret::Secret;

/// The configuration of a server.
pub(super) fn server(node: &Node<'_>) -> Config {
    let (cluster, said) = (node.cluster, node.cluster.said());
    let mut derived = shared(node);
    let is_known_outside = !node.site.machine().external_addresses.is_empty()
        || said.added_on_servers(Key::NodeExternalIp).next().is_some();
    if is_known_outside && let Some(address) = addresses(node).next() {
        // By default K3s would advertise the first external address, and nodes would leave the cloud to reach the API.
        derived = derived.set(key::ADVERTISE_ADDRESS, address.to_string());
    }
    derived = match (node.is_initial(), said.datastore.is_some()) {
        // Servers on a database recognise each other by it.
        (_, true) => derived.set(key::TOKEN, Secret::from(cluster.pki.server_token.clone())),
        (true, false) => {
            let derived = derived.set(key::TOKEN, Secret::from(cluster.pki.server_token.clone()));
            if cluster.has_etcd() { derived.set(key::CLUSTER_INIT, true) } else { derived }
        }
        (false, false) => derived
            .set(key::TOKEN, Secret::from(cluster.pki.server_join.clone()))
            .set(key::SERVER, cluster.endpoint.url()),
    };
    derived = derived.set(key::AGENT_TOKEN, Secret::from(cluster.pki.agent_token.clone()));
    derived = critical(node, derived);
    if let Some(datastore) = &said.datastore {
        // The datastore's address on a machine has a secret within its text, so its line follows the others.
        if let Some(endpoint) = &datastore.endpoint {
            derived = derived.set(key::DATASTORE_ENDPOINT, endpoint.clone());
        }
        if datastore.ca.is_some() {
            derived = derived.set(key::DATASTORE_CAFILE, files::DATASTORE_CA);
        }
        if datastore.certificate.is_some() {
            derived = derived
                .set(key::DATASTORE_CERTFILE, files::DATASTORE_CERTIFICATE)
                .set(key::DATASTORE_KEYFILE, files::DATASTORE_KEY);
        }
    } else if let Some(snapshots) = &said.snapshots {
        derived = self::snapshots(snapshots, derived);
    }
    let hardened = if said.cis { cis::server(node.version()) } else { Config::new() };
    let said = said.config.clone().with(said.server_config.clone()).for_servers();
    // The names have those of the user's own keys already.
    hardened.with(said).with(derived).set(key::TLS_SAN, cluster.names.iter().map(String::as_str))
}

/// The configuration of an agent.
pub(super) fn agent(node: &Node<'_>) -> Config {
    let (cluster, said) = (node.cluster, node.cluster.said());
    let derived = shared(node)
        .set(key::SERVER, cluster.endpoint.url())
        .set(key::TOKEN, Secret::from(cluster.pki.agent_join.clone()));
    let hardened = if said.cis { cis::node(node.version()) } else { Config::new() };
    let more = said.config.clone().with(said.agent_config.clone()).for_agents();
    hardened.with(more).with(derived)
}

/// A node's name, addresses, labels and taints.
fn shared(node: &Node<'_>) -> Config {
    let machine = node.site.machine();
    let mut config = Config::new().set(key::NODE_NAME, machine.hostname.as_str());
    let addresses: Vec<String> = addresses(node).map(|address| address.to_string()).collect();
    if !addresses.is_empty() {
        config = config.set(key::NODE_IP, addresses.iter().map(String::as_str));
    }
    if !machine.external_addresses.is_empty() {
        let addresses: Vec<String> = machine.external_addresses.iter().map(ToString::to_string).collect();
        config = config.set(key::NODE_EXTERNAL_IP, addresses.iter().map(String::as_str));
    }
    if !machine.labels.is_empty() {
        config = config.set(key::NODE_LABEL, machine.labels.iter().cloned());
    }
    if !machine.taints.is_empty() {
        config = config.set(key::NODE_TAINT, machine.taints.iter().cloned());
    }
    if node.has_selinux() {
        config = config.set(key::SELINUX, true);
    }
    config
}

/// The addresses of a node inside the cluster: of each family that pods have, in the pods' order, on the interface by
/// which others find the machine.
pub(super) fn addresses<'a>(node: &Node<'a>) -> impl Iterator<Item = IpAddr> + use<'a> {
    let known = node.site.machine().interfaces.iter().find(|interface| interface.address().is_some());
    node.cluster.pods.iter().filter_map(move |subnet| {
        let interface = known?;
        let family = if subnet.is_ipv4() { interface.ipv4 } else { interface.ipv6 };
        family.and_then(Addressing::address)
    })
}

/// The keys that must be equal on all servers.
fn critical(node: &Node<'_>, mut config: Config) -> Config {
    let cluster = node.cluster;
    let Cluster {
        pods,
        services,
        cluster_dns,
        cluster_domain,
        flannel,
        secrets_encryption,
        disable,
        egress,
        ..
    } = cluster.said();
    if !pods.is_empty() {
        config = config.set(key::CLUSTER_CIDR, pods.iter().cloned());
    }
    if !services.is_empty() {
        config = config.set(key::SERVICE_CIDR, services.iter().cloned());
    }
    if !cluster_dns.is_empty() {
        config = config.set(key::CLUSTER_DNS, cluster_dns.iter().cloned());
    }
    if let Some(domain) = cluster_domain {
        config = config.set(key::CLUSTER_DOMAIN, domain.clone());
    }
    if let Some(backend) = flannel {
        config = config.set(key::FLANNEL_BACKEND, backend.clone());
    }
    if cluster.is_dual_stack() {
        // Pods' IPv6 addresses are private, so nothing outside could answer them.
        config = config.set(key::FLANNEL_IPV6_MASQ, true);
    }
    if let Some(provider) = secrets_encryption {
        config =
            config.set(key::SECRETS_ENCRYPTION, true).set(key::SECRETS_ENCRYPTION_PROVIDER, provider.clone());
    }
    if !disable.is_empty() {
        config = config.set(key::DISABLE, disable.iter().cloned());
    }
    if let Some(mode) = egress {
        config = config.set(key::EGRESS_SELECTOR_MODE, mode.clone());
    }
    config
}

fn snapshots(snapshots: &Snapshots, mut config: Config) -> Config {
    let Snapshots { enabled, schedule, keep, compress, s3 } = snapshots;
    if !enabled {
        return config.set(key::ETCD_DISABLE_SNAPSHOTS, true);
    }
    if let Some(schedule) = schedule {
        config = config.set(key::ETCD_SNAPSHOT_SCHEDULE_CRON, schedule.clone());
    }
    if let Some(keep) = keep {
        config = config.set(key::ETCD_SNAPSHOT_RETENTION, keep.clone());
    }
    if *compress {
        config = config.set(key::ETCD_SNAPSHOT_COMPRESS, true);
    }
    match s3 {
        Some(s3) => self::s3(s3, config),
        None => config,
    }
}

fn s3(s3: &S3, mut config: Config) -> Config {
    let S3 { bucket, endpoint, region, folder, access_key, secret_key, ca, lookup, timeout, insecure } = s3;
    config = config.set(key::ETCD_S3, true).set(key::ETCD_S3_BUCKET, bucket.clone());
    if let Some(endpoint) = endpoint {
        config = config.set(key::ETCD_S3_ENDPOINT, endpoint.clone());
    }
    if let Some(region) = region {
        config = config.set(key::ETCD_S3_REGION, region.clone());
    }
    if let Some(folder) = folder {
        config = config.set(key::ETCD_S3_FOLDER, folder.clone());
    }
    if let Some(access) = access_key {
        config = config.set(key::ETCD_S3_ACCESS_KEY, access.clone());
    }
    if let Some(secret) = secret_key {
        config = config.set(key::ETCD_S3_SECRET_KEY, secret.clone());
    }
    if ca.is_some() {
        config = config.set(key::ETCD_S3_ENDPOINT_CA, files::S3_CA);
    }
    if let Some(lookup) = lookup {
        config = config.set(key::ETCD_S3_BUCKET_LOOKUP_TYPE, lookup.clone());
    }
    if let Some(timeout) = timeout {
        config = config.set(key::ETCD_S3_TIMEOUT, timeout.clone());
    }
    if *insecure {
        config = config.set(key::ETCD_S3_INSECURE, true);
    }
    config
}
