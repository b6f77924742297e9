//! Arguments of Kubernetes' programs that a user adds to K3s's own.

use super::configs;
use crate::check::view::{Cluster, View};
use crate::finding::{At, Finding, Kind};
use crate::k3s::{Key, Value};
use crate::nearest::nearest;

/// Arguments that K3s writes from what the cluster says, and what says it.
const OWNED: &[(Key, &str, &str)] = &[
    (Key::KubeApiserverArg, "advertise-address", "the addresses of the machine"),
    (Key::KubeApiserverArg, "bind-address", "`bind-address`"),
    (Key::KubeApiserverArg, "etcd-servers", "`Cluster::datastore`"),
    (Key::KubeApiserverArg, "encryption-provider-config", "`Cluster::secrets_encryption`"),
    (Key::KubeApiserverArg, "secure-port", "`Cluster::endpoint`"),
    (Key::KubeApiserverArg, "service-cluster-ip-range", "`Cluster::services`"),
    (Key::KubeApiserverArg, "service-node-port-range", "`service-node-port-range`"),
    (Key::KubeControllerManagerArg, "cluster-cidr", "`Cluster::pods`"),
    (Key::KubeControllerManagerArg, "service-cluster-ip-range", "`Cluster::services`"),
    (Key::KubeletArg, "cluster-dns", "`Cluster::cluster_dns`"),
    (Key::KubeletArg, "cluster-domain", "`Cluster::cluster_domain`"),
    (Key::KubeletArg, "container-runtime-endpoint", "`container-runtime-endpoint`"),
    (Key::KubeletArg, "hostname-override", "the name of the machine"),
    (Key::KubeletArg, "node-ip", "the addresses of the machine"),
    (Key::KubeletArg, "node-labels", "`Machine::label`"),
    (Key::KubeletArg, "protect-kernel-defaults", "`protect-kernel-defaults`"),
    (Key::KubeletArg, "register-with-taints", "`Machine::taint`"),
    (Key::KubeProxyArg, "cluster-cidr", "`Cluster::pods`"),
    (Key::KubeProxyArg, "hostname-override", "the name of the machine"),
    (Key::EtcdArg, "data-dir", "a disk of the machine that is mounted at /var/lib/rancher/k3s"),
    (Key::EtcdArg, "initial-cluster", "`Cluster::servers`"),
    (Key::EtcdArg, "name", "the name of the machine"),
];

/// Versions of TLS, as Kubernetes names them (Kubernetes, *kube-apiserver*, `--tls-min-version`).
const TLS: [&str; 4] = ["VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"];

/// Cipher suites that Kubernetes' programs know (Kubernetes, *kube-apiserver*, `--tls-cipher-suites`).
const CIPHERS: [&str; 26] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_RC4_128_SHA",
];

/// An argument replaces what K3s says itself, and one with a wrong value keeps the program from starting.
pub(super) fn check(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (field, config) in configs(cluster) {
        for (key, value) in config.iter() {
            let Value::List(arguments) = value else { continue };
            if !key.as_str().ends_with("-arg") {
                continue;
            }
            for (index, argument) in arguments.iter().enumerate() {
                let (flag, value) = argument.split_once('=').unwrap_or((argument, ""));
                let flag = flag.strip_suffix(['-', '+']).unwrap_or(flag);
                let Some((message, help)) = wrong(key, flag, value) else { continue };
                let config = at.key(field);
                let list = config.key(key.as_str());
                findings.push(Finding::new(Kind::K3sArgument, list.index(index), message, help));
            }
        }
    }
}

fn wrong(key: Key, flag: &str, value: &str) -> Option<(String, String)> {
    if let Some((_, _, owner)) = OWNED.iter().find(|(of, name, _)| *of == key && *name == flag) {
        return Some((
            format!("{flag} replaces what the cluster says"),
            format!("leave it out: what decides it is {owner}"),
        ));
    }
    match flag {
        "tls-min-version" => unknown(value, "version of TLS", &TLS),
        "tls-cipher-suites" => value.split(',').find_map(|name| unknown(name, "cipher suite", &CIPHERS)),
        _ => None,
    }
}

fn unknown(name: &str, what: &str, known: &[&str]) -> Option<(String, String)> {
    let name = name.trim();
    if known.contains(&name) {
        return None;
    }
    let ending = known.iter().copied().find(|known| !name.is_empty() && known.ends_with(name));
    let near = ending.or_else(|| nearest(name, known.iter().copied())).or_else(|| known.last().copied());
    Some((
        format!("{name:?} is no {what} that Kubernetes knows"),
        format!("write, for example, {}", near.unwrap_or_default()),
    ))
}
