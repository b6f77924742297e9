//! Arguments of Kubernetes' programs that a user adds to K3s's own.

use super::configs;
use super::view::Cluster;
use crate::check::view::View;
use crate::finding::{At, Finding, Remedy, problems};
use crate::k3s::{Key, Value};
use crate::nearest::nearest;

/// Arguments that K3s writes from settings of the cluster, and those settings.
const OWNED: &[(Key, &str, &str)] = &[
    (Key::KubeApiserverArg, "advertise-address", "the addresses of the machine"),
    (Key::KubeApiserverArg, "bind-address", "the key bind-address"),
    (Key::KubeApiserverArg, "etcd-servers", "`datastore` of the cluster"),
    (Key::KubeApiserverArg, "encryption-provider-config", "`secrets_encryption` of the cluster"),
    (Key::KubeApiserverArg, "secure-port", "`endpoint` of the cluster"),
    (Key::KubeApiserverArg, "service-cluster-ip-range", "`services` of the cluster"),
    (Key::KubeApiserverArg, "service-node-port-range", "the key service-node-port-range"),
    (Key::KubeControllerManagerArg, "cluster-cidr", "`pods` of the cluster"),
    (Key::KubeControllerManagerArg, "service-cluster-ip-range", "`services` of the cluster"),
    (Key::KubeletArg, "cluster-dns", "`cluster_dns` of the cluster"),
    (Key::KubeletArg, "cluster-domain", "`cluster_domain` of the cluster"),
    (Key::KubeletArg, "container-runtime-endpoint", "the key container-runtime-endpoint"),
    (Key::KubeletArg, "hostname-override", "the name of the machine"),
    (Key::KubeletArg, "node-ip", "the addresses of the machine"),
    (Key::KubeletArg, "node-labels", "`labels` of the machine"),
    (Key::KubeletArg, "protect-kernel-defaults", "the key protect-kernel-defaults"),
    (Key::KubeletArg, "register-with-taints", "`taints` of the machine"),
    (Key::KubeProxyArg, "cluster-cidr", "`pods` of the cluster"),
    (Key::KubeProxyArg, "hostname-override", "the name of the machine"),
    (Key::EtcdArg, "data-dir", "a disk of the machine that is mounted at /var/lib/rancher/k3s"),
    (Key::EtcdArg, "initial-cluster", "`servers` of the cluster"),
    (Key::EtcdArg, "name", "the name of the machine"),
];

/// Arguments of the kubelet's log, and the keys of K3s that set it. All components are one process with one log, which
/// K3s has set up before the kubelet starts: the kubelet ends with "the logging configuration should not be changed after
/// setting it once" (measured on v1.36.2), and with it the node.
const LOGGING: [(&str, Key); 2] = [("v", Key::V), ("vmodule", Key::Vmodule)];

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

/// An argument replaces K3s's own, and a wrong value keeps the program from starting.
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
                let Some(problem) = wrong(key, flag, value) else { continue };
                let config = at.key(field);
                let list = config.key(key.as_str());
                findings.push(problem.at(list.index(index)));
            }
        }
    }
}

fn wrong(key: Key, flag: &str, value: &str) -> Option<ArgumentProblem> {
    if let Some((_, flag, owner)) = OWNED.iter().find(|(of, name, _)| *of == key && *name == flag) {
        return Some(ArgumentProblem::Owned { flag, owner });
    }
    if let Some((flag, instead)) = LOGGING.iter().find(|(name, _)| key == Key::KubeletArg && *name == flag) {
        return Some(ArgumentProblem::Logging { flag, instead: *instead });
    }
    match flag {
        "tls-min-version" => unknown(value, "version of TLS", &TLS),
        "tls-cipher-suites" => value.split(',').find_map(|name| unknown(name, "cipher suite", &CIPHERS)),
        _ => None,
    }
}

fn unknown(name: &str, what: &'static str, known: &[&'static str]) -> Option<ArgumentProblem> {
    let name = name.trim();
    if known.contains(&name) {
        return None;
    }
    let ending = known.iter().copied().find(|known| !name.is_empty() && known.ends_with(name));
    let near = ending.or_else(|| nearest(name, known.iter().copied())).or_else(|| known.last().copied());
    let example = near.unwrap_or_default().to_owned();
    Some(ArgumentProblem::Unknown { what, name: name.to_owned(), example })
}

/// A key of the log as a setting.
fn log_level(key: Key) -> Remedy {
    match key {
        Key::Vmodule => Remedy::either(
            "config: {vmodule: kubelet=4}",
            ".config(Config::new().set(key::VMODULE, \"kubelet=4\"))",
        ),
        _ => Remedy::either("config: {v: 2}", ".config(Config::new().set(key::V, 2))"),
    }
}

problems! {
    /// Problems with arguments of Kubernetes' programs.
    pub enum ArgumentProblem {
        Owned { flag: &'static str, owner: &'static str } is K3sArgument:
            "the argument {flag} replaces what the cluster decides",
            "leave it out: it follows from {owner}";
        Logging { flag: &'static str, instead: Key } is K3sArgument:
            "the argument {flag} ends the kubelet, and with it the node: K3s has set up the log before",
            "leave it out, and write the key {instead} of K3s itself, {example}",
            example = log_level(*instead);
        Unknown { what: &'static str, name: String, example: String } is K3sArgument:
            "Kubernetes does not know the {what} {name:?}",
            "write, for example, {example}";
    }
}
