//! The requirements of the CIS benchmark (docs.k3s.io, *CIS Hardening Guide*).

use super::Node;
use crate::guest::{Directory, Guest, GuestFile};
use crate::k3s::kubelet::{Dropin, reads_dropins};
use crate::k3s::version::Version;
use crate::k3s::{Config, key};
use crate::unit::FileMode;

const ADMISSION: &str = "/var/lib/rancher/k3s/server/psa.yaml";
const AUDIT_POLICY: &str = "/var/lib/rancher/k3s/server/audit.yaml";
const AUDIT_FOLDER: &str = "/var/lib/rancher/k3s/server/logs";
const MANIFESTS: &str = "/var/lib/rancher/k3s/server/manifests";

/// The drop-in of a kubelet, before those of the user: of two with one setting the later one counts.
const DROPIN: &str = "10-fmc-cis.conf";

/// How long an idle connection of exec, logs or port-forward stays.
const IDLE: &str = "5m";

/// The most processes of a pod.
const PIDS: u32 = 4096;

/// The cipher suites of a kubelet.
const CIPHERS: [&str; 6] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
];

/// The keys of every node. A kubelet that reads drop-ins calls the arguments deprecated.
pub(super) fn node(version: Version) -> Config {
    let config = Config::new().set(key::PROTECT_KERNEL_DEFAULTS, true);
    if reads_dropins(version) {
        return config;
    }
    let ciphers = CIPHERS.join(",");
    config.set(
        key::KUBELET_ARG,
        [
            format!("streaming-connection-idle-timeout={IDLE}"),
            format!("tls-cipher-suites={ciphers}"),
            format!("pod-max-pids={PIDS}"),
        ],
    )
}

/// The kubelet's own settings on every node, where it reads drop-ins.
pub(super) fn kubelet(version: Version) -> Option<Dropin> {
    reads_dropins(version).then(|| {
        Dropin::new(DROPIN)
            .pod_pids_limit(PIDS)
            .streaming_connection_idle_timeout(IDLE)
            .tls_cipher_suites(CIPHERS)
    })
}

/// The keys of a server.
pub(super) fn server(version: Version) -> Config {
    let audit_log = format!("audit-log-path={AUDIT_FOLDER}/audit.log");
    let audit_policy = format!("audit-policy-file={AUDIT_POLICY}");
    let admission = format!("admission-control-config-file={ADMISSION}");
    node(version)
        .set(key::SECRETS_ENCRYPTION, true)
        .set(
            key::KUBE_APISERVER_ARG,
            [
                "enable-admission-plugins=NodeRestriction,EventRateLimit",
                &admission,
                &audit_log,
                &audit_policy,
                "audit-log-maxage=30",
                "audit-log-maxbackup=10",
                "audit-log-maxsize=100",
                "service-account-extend-token-expiration=false",
            ],
        )
        .set(key::KUBE_CONTROLLER_MANAGER_ARG, ["terminated-pod-gc-threshold=100"])
}

/// The files of a server.
pub(super) fn guest(node: &Node<'_>) -> Guest {
    let private = FileMode::new(0o600);
    let guest = Guest::new()
        .directory(Directory::new(AUDIT_FOLDER).mode(FileMode::new(0o700)))
        .file(GuestFile::text(ADMISSION, ADMISSION_CONFIGURATION).mode(private))
        .file(GuestFile::text(AUDIT_POLICY, AUDIT).mode(private));
    // K3s does not carry manifests from one server to another: one of them has these.
    if !node.is_initial() {
        return guest;
    }
    guest
        .file(GuestFile::text(format!("{MANIFESTS}/fmc-network-policies.yaml"), policies(node)).mode(private))
        .file(
            GuestFile::text(format!("{MANIFESTS}/fmc-service-accounts.yaml"), service_accounts())
                .mode(private),
        )
}

/// Pods are restricted in every namespace but K3s's own, and events cannot fill the datastore.
const ADMISSION_CONFIGURATION: &str = "\
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults:
      enforce: restricted
      enforce-version: latest
      audit: restricted
      audit-version: latest
      warn: restricted
      warn-version: latest
    exemptions:
      usernames: []
      runtimeClasses: []
      namespaces: [kube-system]
- name: EventRateLimit
  configuration:
    apiVersion: eventratelimit.admission.k8s.io/v1alpha1
    kind: Configuration
    limits:
    - type: Server
      qps: 5000
      burst: 20000
";

/// The audit log records who did what, without bodies: those contain Secrets.
const AUDIT: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Metadata
";

/// The namespaces that every cluster has, and in which pods run.
const NAMESPACES: [&str; 3] = ["default", "kube-public", "kube-system"];

/// Pods that name no service account get no token (CIS Kubernetes Benchmark, 5.1.5).
fn service_accounts() -> String {
    let each = NAMESPACES.iter().chain(&["kube-node-lease"]).map(|namespace| {
        format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: default\n  namespace: {namespace}\n\
             automountServiceAccountToken: false\n"
        )
    });
    each.collect::<Vec<_>>().join("---\n")
}

/// Pods are reached from their own namespace; the parts that K3s installs for all are reached from everywhere.
fn policies(node: &Node<'_>) -> String {
    use crate::k3s::Component;

    let mut all: Vec<String> = NAMESPACES.iter().map(|namespace| inside(namespace)).collect();
    let is_there = |component: Component| !node.cluster.said().leaves_out(component);
    if is_there(Component::Coredns) {
        let ports = "    - {protocol: UDP, port: 53}\n    - {protocol: TCP, port: 53}\n";
        all.push(open("fmc-dns", "k8s-app: kube-dns", Some(ports)));
    }
    if is_there(Component::MetricsServer) {
        all.push(open("fmc-metrics-server", "k8s-app: metrics-server", None));
    }
    if is_there(Component::Traefik) {
        all.push(open("fmc-traefik", "app.kubernetes.io/name: traefik", None));
        if is_there(Component::Servicelb) {
            all.push(open("fmc-svclb-traefik", "svccontroller.k3s.cattle.io/svcname: traefik", None));
        }
    }
    all.join("---\n")
}

fn inside(namespace: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: fmc-same-namespace\n  \
         namespace: {namespace}\nspec:\n  podSelector: {{}}\n  policyTypes: [Ingress]\n  ingress:\n  - from:\n    \
         - podSelector: {{}}\n"
    )
}

fn open(name: &str, label: &str, ports: Option<&str>) -> String {
    let rule = match ports {
        Some(ports) => format!("  ingress:\n  - ports:\n{ports}"),
        None => "  ingress:\n  - {}\n".to_owned(),
    };
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {name}\n  namespace: kube-system\n\
         spec:\n  podSelector:\n    matchLabels:\n      {label}\n  policyTypes: [Ingress]\n{rule}"
    )
}
