//! A real control plane accepts the given certificates, and no others.

use std::path::Path;
use std::time::Duration;

use fmc_testkit::kube::{ApiServer, Certificates, Etcd, EtcdCertificates, kubectl};
use fmc_testkit::netns::{Lab, Nic, Port};
use fmc_testkit::openssl::{Authority, Pair};

const BALANCER: &str = "global\n  maxconn 100\ndefaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1m\n  timeout server 1m\n\
    \x20 option redispatch\nfrontend api\n  bind :6443\n  default_backend servers\n\
    backend servers\n  default-server check inter 200ms fall 2 rise 1 on-marked-down shutdown-sessions\n\
    \x20 server one 10.17.3.11:6443\n  server two 10.17.3.12:6443\n";

/// A kubeconfig that refers to files, which kubectl accepts too.
fn kubeconfig(url: &str, authority: &Path, client: &Pair) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: it\ncontexts: [{{name: it, context: {{cluster: it, user: it}}}}]\n\
         clusters: [{{name: it, cluster: {{server: '{url}', certificate-authority: '{}'}}}}]\n\
         users: [{{name: it, user: {{client-certificate: '{}', client-key: '{}'}}}}]\n",
        authority.display(),
        client.certificate.display(),
        client.key.display()
    )
}

#[test]
fn a_client_of_the_authority_gets_in_and_the_calls_go_on() {
    let lab = Lab::start();
    lab.network("cluster", "10.17.3.1/24");
    for (host, last) in [("etcd", 10), ("one", 11), ("two", 12), ("balancer", 2), ("client", 20)] {
        lab.host(host, &[Nic::new("cluster", format!("10.17.3.{last}/24"))]);
    }
    let [servers, clients, proxies, etcd_servers, etcd_peers, tokens] =
        ["server-ca", "client-ca", "request-header-ca", "etcd-server-ca", "etcd-peer-ca", "tokens"]
            .map(Authority::new);
    let etcd = Etcd::start(
        &lab,
        "etcd",
        "10.17.3.10",
        &EtcdCertificates {
            server: etcd_servers.peer("etcd", &["IP:10.17.3.10"]),
            server_authority: etcd_servers.own().certificate,
            peer: etcd_peers.peer("peer", &["IP:10.17.3.10"]),
            peer_authority: etcd_peers.own().certificate,
            client: etcd_servers.client("apiserver", "none"),
        },
    );
    let names = ["IP:10.17.3.11", "IP:10.17.3.12", "IP:10.17.3.2", "DNS:kubernetes"];
    let certificates = Certificates {
        serving: servers.server("kube-apiserver", &names),
        client_authority: clients.own().certificate,
        request_header_authority: proxies.own().certificate,
        service_account_key: tokens.token_key(),
    };
    let admin = clients.client("system:admin", "system:masters");
    let authority = servers.own().certificate;
    let start = |host, address| {
        ApiServer::start(&lab, host, (address, 6443), &certificates, &etcd, (&authority, &admin), &[])
    };
    let (mut one, _two) = (start("one", "10.17.3.11"), start("two", "10.17.3.12"));
    lab.write("balancer", "/etc/haproxy/haproxy.cfg", BALANCER, 0o644);
    let mut balancer = lab.daemon("balancer", &["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"]);
    balancer.until(Duration::from_secs(10), |_| lab.reaches("client", "10.17.3.2", Port::tcp(6443))).unwrap();

    let url = "https://10.17.3.2:6443";
    let ask = |authority: &Path, client: &Pair, words: &[&str]| {
        kubectl(&lab, "client", &kubeconfig(url, authority, client), words)
    };
    ask(&authority, &admin, &["create", "namespace", "demo"]).unwrap();
    assert_eq!(
        ask(&authority, &admin, &["get", "namespace", "demo", "-o", "name"]).unwrap(),
        "namespace/demo\n"
    );
    let token = ["create", "token", "default", "--namespace", "demo"];
    ask(&authority, &admin, &["create", "serviceaccount", "default", "--namespace", "demo"]).unwrap();
    assert_eq!(ask(&authority, &admin, &token).unwrap().split('.').count(), 3, "a signed token");

    let stranger = Authority::new("client-ca");
    let refused = ask(&authority, &stranger.client("system:admin", "system:masters"), &["get", "namespaces"])
        .unwrap_err();
    assert!(refused.words().contains("must be logged in"), "{refused}");
    let refused = ask(&stranger.own().certificate, &admin, &["get", "namespaces"]).unwrap_err();
    assert!(refused.words().contains("unknown authority"), "{refused}");
    let refused = ask(&authority, &clients.client("somebody", "people"), &["get", "namespaces"]).unwrap_err();
    assert!(refused.words().contains("Forbidden"), "{refused}");

    one.daemon.kill();
    for _ in 0..5 {
        assert_eq!(
            ask(&authority, &admin, &["get", "namespace", "demo", "-o", "name"]).unwrap(),
            "namespace/demo\n"
        );
    }
}
