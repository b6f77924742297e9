//! Real API servers with the authorities that are derived from the root key, behind the compiled balancer.
//!
//! They are those of Kubernetes and not K3s: a real etcd and real API servers verify the certificates, the
//! service-account key and the kubeconfig. `real` tests how K3s prepares its files before it starts such a
//! server.

use std::collections::BTreeMap;
use std::fs;

use fmc::k3s::pki::Ca;
use fmc::keys::RootKey;
use fmc_testkit::kube::{ApiServer, Certificates, Etcd, EtcdCertificates, kubectl};
use fmc_testkit::netns::Lab;
use fmc_testkit::openssl::Authority;
use fmc_testkit::{tree, yaml};

use crate::cloud::{CLIENT, Model, SERVERS, keyring};
use crate::inside::{Inside, texts};

/// The line of a kubeconfig with the authority of the servers.
fn trust(kubeconfig: &str) -> &str {
    kubeconfig.lines().find(|line| line.trim_start().starts_with("certificate-authority-data:")).unwrap()
}

/// The parts of a hardened server beside its configuration.
struct Hardening {
    options: Vec<String>,
    files: BTreeMap<String, (u32, String)>,
    folders: Vec<String>,
    manifests: Vec<(String, String)>,
}

impl Hardening {
    fn of(model: &Model) -> Self {
        let mut inside = Inside::of(&model.checked, SERVERS[0], &model.keyring);
        let config = yaml::read(&inside.files["/etc/rancher/k3s/config.yaml"].1).unwrap();
        let options = texts(&config["kube-apiserver-arg"]).into_iter().map(|option| format!("--{option}"));
        inside.files.retain(|path, _| path.starts_with("/var/lib/rancher/k3s/server/"));
        let manifests = inside.files.iter().filter(|(path, _)| path.contains("/manifests/"));
        let manifests: Vec<_> = manifests.map(|(path, (_, text))| (path.clone(), text.clone())).collect();
        assert_eq!(manifests.len(), 2, "network policies and service accounts");
        let folders =
            inside.folders.into_keys().filter(|path| path.starts_with("/var/lib/rancher/k3s/server/"));
        Self { options: options.collect(), files: inside.files, folders: folders.collect(), manifests }
    }

    /// Puts the files that the options name to their places on a server.
    fn write(&self, lab: &Lab, host: &str) {
        for folder in &self.folders {
            lab.run(host, &["mkdir", "--parents", folder]).unwrap();
        }
        let named =
            self.files.iter().filter(|(path, _)| self.options.iter().any(|option| option.ends_with(*path)));
        for (path, (mode, text)) in named {
            lab.write(host, path, text, *mode);
        }
    }
}

#[test]
fn the_computed_kubeconfig_gets_in_and_the_calls_go_on_when_a_server_dies() {
    let model = Model::hardened();
    let (cluster, lab) = (model.cluster(), model.lab());
    let hardening = Hardening::of(&model);
    let authority = |ca| {
        let secrets = cluster.pki.authority(ca);
        Authority::known(&model.secret(&secrets.certificates), &model.secret(&secrets.key))
    };
    let [servers, clients, proxies, etcd_peers, etcd_servers] =
        [Ca::Server, Ca::Client, Ca::RequestHeader, Ca::EtcdPeer, Ca::EtcdServer].map(authority);

    // One etcd for all: these tests are not about etcd's own cluster.
    let [first, second, third] = SERVERS.map(|name| model.address(name).to_string());
    let named = format!("IP:{first}");
    let etcd = Etcd::start(
        &lab,
        SERVERS[0],
        &first,
        &EtcdCertificates {
            server: etcd_servers.peer("etcd", &[&named]),
            server_authority: etcd_servers.own().certificate,
            peer: etcd_peers.peer("peer", &[&named]),
            peer_authority: etcd_peers.own().certificate,
            client: etcd_servers.client("apiserver", "none"),
        },
    );
    let keys = tree::scratch();
    let service_key = keys.path().join("service.key");
    let text = model.secret(&cluster.pki.service_key);
    assert!(
        text.starts_with("-----BEGIN EC PRIVATE KEY-----\n"),
        "what an API server reads a public key out of"
    );
    fs::write(&service_key, text).unwrap();
    let names: Vec<String> = cluster
        .names
        .iter()
        .map(|name| match name.parse::<std::net::IpAddr>() {
            Ok(address) => format!("IP:{address}"),
            Err(_) => format!("DNS:{name}"),
        })
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let certificates = Certificates {
        serving: servers.server("kube-apiserver", &names),
        client_authority: clients.own().certificate,
        request_header_authority: proxies.own().certificate,
        service_account_key: service_key,
    };
    let own = (servers.own().certificate, clients.client("system:admin", "system:masters"));
    let start = |host, address: &str| {
        hardening.write(&lab, host);
        let own = (own.0.as_path(), &own.1);
        ApiServer::start(&lab, host, (address, 6443), &certificates, &etcd, own, &hardening.options)
    };
    let mut running = vec![start(SERVERS[0], &first), start(SERVERS[1], &second), start(SERVERS[2], &third)];
    let balancer = model.balance(&lab, &model.balancer());

    let computed = model.kubeconfig(&model.keyring);
    let ask = |kubeconfig: &str, words: &[&str]| kubectl(&lab, CLIENT, kubeconfig, words);
    let namespaces = ["get", "namespaces", "--output=name"];
    ask(&computed, &["create", "namespace", "demo"]).unwrap();
    assert!(ask(&computed, &namespaces).unwrap().contains("namespace/demo\n"));
    assert_eq!(ask(&computed, &["auth", "can-i", "*", "*"]).unwrap().trim(), "yes", "an administrator's");
    ask(&computed, &["create", "serviceaccount", "robot", "--namespace=demo"]).unwrap();
    let token = ask(&computed, &["create", "token", "robot", "--namespace=demo"]).unwrap();

    // The manifests of a hardened cluster, which K3s gives to its own API server.
    for (path, text) in &hardening.manifests {
        lab.write(CLIENT, path, text, 0o600);
        ask(&computed, &["apply", "--validate=strict", "--filename", path]).unwrap();
    }
    let automount = "--output=jsonpath={.automountServiceAccountToken}";
    for namespace in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        let of = format!("--namespace={namespace}");
        assert_eq!(ask(&computed, &["get", "serviceaccount", "default", &of, automount]).unwrap(), "false");
    }
    let policies = ask(&computed, &["get", "networkpolicies", "--all-namespaces", "--output=name"]).unwrap();
    assert_eq!(policies.lines().count(), 7, "{policies}");
    // A pod that the benchmark forbids, outside of K3s's own namespace.
    let pod = ["run", "root", "--image=root", "--namespace=demo"];
    let refused = ask(&computed, &pod).unwrap_err();
    assert!(refused.words().contains("violates PodSecurity \"restricted:latest\""), "{refused}");
    let audit = lab.run(SERVERS[0], &["cat", "/var/lib/rancher/k3s/server/logs/audit.log"]).unwrap();
    assert!(audit.contains("\"audit.k8s.io/v1\""), "{audit}");

    // Credentials from another root key do not trust the servers, and the servers do not trust them.
    let other = model.kubeconfig(&keyring(RootKey::from_bytes([7; 32])));
    let refused = ask(&other, &namespaces).unwrap_err();
    assert!(refused.words().contains("unknown authority"), "{refused}");
    let refused = ask(&other.replace(trust(&other), trust(&computed)), &namespaces).unwrap_err();
    assert!(refused.words().contains("must be logged in"), "{refused}");

    // One server signs the token of a service account, and another with the same key accepts it.
    let with_token = |kubeconfig: &str| {
        let has_no_client = |line: &&str| !line.trim_start().starts_with("client-");
        let without: Vec<&str> = kubeconfig.lines().filter(has_no_client).collect();
        without.join("\n").replace("  user:\n", &format!("  user:\n    token: {}\n", token.trim()))
    };
    let robot = with_token(&computed);
    let whoami = ["auth", "whoami", "--output=jsonpath={.status.userInfo.username}"];
    let who = |kubeconfig: &str| ask(kubeconfig, &whoami).unwrap();
    for _ in 0..6 {
        assert_eq!(who(&robot), "system:serviceaccount:demo:robot");
    }

    running.remove(1).daemon.kill();
    for _ in 0..10 {
        assert!(ask(&computed, &namespaces).unwrap().contains("namespace/demo\n"), "{}", balancer.log());
    }
    assert_eq!(who(&robot), "system:serviceaccount:demo:robot");
    drop(running);
    let refused = ask(&computed, &namespaces).unwrap_err();
    assert!(!refused.words().contains("logged in"), "no server is left to refuse: {refused}");
}
