//! `HAProxy`'s configuration (the *`HAProxy` Configuration Manual*, 2.4 and later): TCP from end to end.
//!
//! It listens on all addresses of its machine, the shared one included once the machine has it: with the shared address alone, the
//! kernel of a machine that does not have it would refuse the bind, and `net.ipv4.ip_nonlocal_bind` would be a switch for all its
//! programs.
//!
//! The health check is `GET /readyz` over TLS. An API server that is up answers it with 200, or with 401 or 403 because
//! the balancer has no client certificate; while it starts, K3s answers 503. K3s's own `/ping` would not do: it answers
//! 16 to 23 s before the API does, and clients got the 503s of that time. HAProxy does not verify the answer's
//! certificate: the check learns only whether the server serves, and each client verifies the server that it reaches.
//!
//! API servers are listed by address, because another server changes the certificates of all servers anyway. Ingress
//! nodes are read from DNS (`ingress.CLUSTER.DOMAIN`), because agents come and go and DNS changes while everything
//! runs. Without a domain, or if the user names the nodes, they are listed.

use std::fmt::Write as _;

use super::setup::{Nodes, Setup, Target, socket};
use super::{ALIVE, ALIVE_PATH, API};

/// Where the configuration is, on every distribution.
pub const PATH: &str = "/etc/haproxy/haproxy.cfg";

/// The path by which an API server says that it serves, and the statuses that mean so.
const READY: (&str, &str) = ("/readyz", "200,401,403");

/// The most nodes that a name is published and read for: their addresses fit into an answer over UDP of 1,232 bytes,
/// the size that every resolver and every network carries (DNS flag day 2020). `HAProxy` ignores a truncated answer.
pub(crate) const SLOTS: usize = 64;

/// How often a target is checked, and how many answers mark it up or down: a dead target is out after 6 s, and earlier
/// calls to it are sent to another one. TCP ends its connections, at once when a program dies and by keepalives within
/// 30 s when a machine does. Shutting them down with the server would also cut those of a target that is merely busy,
/// and calls that are just being sent to another one.
const CHECKED: &str = "default-server check inter 2s fall 3 rise 2";

/// 8,000 connections take about 270 MiB at worst, each with two buffers of 16 KiB and a bit, which a small machine has.
const HEAD: &str = "\
global
    log stdout format short daemon info
    user haproxy
    group haproxy
    chroot /var/lib/haproxy
    stats socket /var/lib/haproxy/stats mode 600 level operator
    maxconn 8000

defaults
    log global
    mode tcp
    option dontlognull
    option log-health-checks
    option redispatch 1
    option clitcpka
    clitcpka-idle 15s
    clitcpka-intvl 5s
    clitcpka-cnt 3
    option srvtcpka
    srvtcpka-idle 15s
    srvtcpka-intvl 5s
    srvtcpka-cnt 3
    retries 3
    timeout connect 3s
    timeout check 2s
    timeout queue 10s
    timeout client 1m
    timeout server 1m
    timeout client-fin 30s
    timeout server-fin 30s
    # A watch of the API or a shell in a container may be silent for long.
    timeout tunnel 4h
";

/// The configuration.
pub fn configuration(setup: &Setup) -> String {
    let mut text = format!("# The load balancer of the cluster {}, written by fmc.\n{HEAD}", setup.cluster);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "\n# Alive is a balancer that reaches a server. It says so to its own machine alone.\n\
         frontend alive\n    mode http\n    timeout http-request 5s\n    bind 127.0.0.1:{ALIVE}\n    \
         monitor-uri {ALIVE_PATH}\n    monitor fail if {{ nbsrv(api) lt 1 }}\n"
    );
    frontend(&mut text, setup, "api", API);
    let (path, statuses) = READY;
    let _ = write!(
        text,
        "\nbackend api\n    balance leastconn\n    option httpchk\n    http-check send meth GET uri {path}\n    \
         http-check expect status {statuses}\n    {CHECKED} check-ssl verify none\n"
    );
    listed(&mut text, &setup.servers, API);
    let mut asks = None;
    for (name, (here, there), nodes) in setup.entries() {
        frontend(&mut text, setup, name, here);
        let _ = write!(text, "\nbackend {name}\n    balance roundrobin\n    {CHECKED}\n");
        match nodes {
            Nodes::Listed(nodes) => listed(&mut text, nodes, there),
            Nodes::Resolved { name, resolvers } => {
                let prefer = if setup.ipv4 { "ipv4" } else { "ipv6" };
                let _ = writeln!(
                    text,
                    "    server-template node 1-{SLOTS} {name}:{there} resolvers dns resolve-prefer {prefer} init-addr none"
                );
                asks = Some(resolvers);
            }
        }
    }
    if let Some(resolvers) = asks {
        // Known addresses stay while no resolver answers: health checks tell which nodes live.
        text.push_str(
            "\nresolvers dns\n    accepted_payload_size 1232\n    resolve_retries 3\n    timeout resolve 5s\n    \
             timeout retry 1s\n    hold valid 5s\n    hold obsolete 30s\n    hold nx 30s\n    hold other 1d\n    \
             hold refused 1d\n    hold timeout 1d\n",
        );
        for (index, resolver) in resolvers.iter().enumerate() {
            let _ = writeln!(text, "    nameserver dns{} {}", index + 1, socket(*resolver, 53));
        }
    }
    text
}

fn frontend(text: &mut String, setup: &Setup, name: &str, port: u16) {
    let _ = write!(text, "\nfrontend {name}\n    option tcplog\n");
    if setup.ipv4 {
        let _ = writeln!(text, "    bind 0.0.0.0:{port}");
    }
    if setup.ipv6 {
        let _ = writeln!(text, "    bind [::]:{port} v6only");
    }
    let _ = writeln!(text, "    default_backend {name}");
}

fn listed(text: &mut String, targets: &[Target], port: u16) {
    for target in targets {
        let _ = writeln!(text, "    server {} {}", target.name, socket(target.address, port));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use expect_test::expect;

    use super::*;
    use crate::balancer::setup::Entry;

    pub(in super::super) fn setup() -> Setup {
        let targets = |stem: &str, first: u8| {
            (1..=3)
                .map(|n| Target { name: format!("{stem}{n}"), address: [10, 17, 4, first + n].into() })
                .collect()
        };
        Setup {
            cluster: "prod".to_owned(),
            ipv4: true,
            ipv6: false,
            servers: targets("master", 20),
            ingress: Some(Entry {
                http: (80, 80),
                https: (443, 443),
                nodes: Nodes::Listed(targets("worker", 23)),
            }),
        }
    }

    pub(in super::super) fn resolved() -> Setup {
        let nodes = Nodes::Resolved {
            name: "ingress.prod.cefaslocalserver.com".to_owned(),
            resolvers: vec![[10, 17, 3, 11].into(), "fd00:17::11".parse().unwrap()],
        };
        Setup {
            ipv6: true,
            ingress: Some(Entry { http: (80, 30080), https: (443, 30443), nodes }),
            ..setup()
        }
    }

    #[test]
    fn a_list_of_nodes() {
        let text = configuration(&setup());
        fmc_testkit::haproxy::check(&text).unwrap();
        expect![[r#"
            # The load balancer of the cluster prod, written by fmc.
            global
                log stdout format short daemon info
                user haproxy
                group haproxy
                chroot /var/lib/haproxy
                stats socket /var/lib/haproxy/stats mode 600 level operator
                maxconn 8000

            defaults
                log global
                mode tcp
                option dontlognull
                option log-health-checks
                option redispatch 1
                option clitcpka
                clitcpka-idle 15s
                clitcpka-intvl 5s
                clitcpka-cnt 3
                option srvtcpka
                srvtcpka-idle 15s
                srvtcpka-intvl 5s
                srvtcpka-cnt 3
                retries 3
                timeout connect 3s
                timeout check 2s
                timeout queue 10s
                timeout client 1m
                timeout server 1m
                timeout client-fin 30s
                timeout server-fin 30s
                # A watch of the API or a shell in a container may be silent for long.
                timeout tunnel 4h

            # Alive is a balancer that reaches a server. It says so to its own machine alone.
            frontend alive
                mode http
                timeout http-request 5s
                bind 127.0.0.1:8405
                monitor-uri /ping
                monitor fail if { nbsrv(api) lt 1 }

            frontend api
                option tcplog
                bind 0.0.0.0:6443
                default_backend api

            backend api
                balance leastconn
                option httpchk
                http-check send meth GET uri /readyz
                http-check expect status 200,401,403
                default-server check inter 2s fall 3 rise 2 check-ssl verify none
                server master1 10.17.4.21:6443
                server master2 10.17.4.22:6443
                server master3 10.17.4.23:6443

            frontend http
                option tcplog
                bind 0.0.0.0:80
                default_backend http

            backend http
                balance roundrobin
                default-server check inter 2s fall 3 rise 2
                server worker1 10.17.4.24:80
                server worker2 10.17.4.25:80
                server worker3 10.17.4.26:80

            frontend https
                option tcplog
                bind 0.0.0.0:443
                default_backend https

            backend https
                balance roundrobin
                default-server check inter 2s fall 3 rise 2
                server worker1 10.17.4.24:443
                server worker2 10.17.4.25:443
                server worker3 10.17.4.26:443
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn nodes_by_a_name() {
        let text = configuration(&resolved());
        fmc_testkit::haproxy::check(&text).unwrap();
        let (_, text) = text.split_once("server master3").unwrap();
        expect![[r#"
             10.17.4.23:6443

            frontend http
                option tcplog
                bind 0.0.0.0:80
                bind [::]:80 v6only
                default_backend http

            backend http
                balance roundrobin
                default-server check inter 2s fall 3 rise 2
                server-template node 1-64 ingress.prod.cefaslocalserver.com:30080 resolvers dns resolve-prefer ipv4 init-addr none

            frontend https
                option tcplog
                bind 0.0.0.0:443
                bind [::]:443 v6only
                default_backend https

            backend https
                balance roundrobin
                default-server check inter 2s fall 3 rise 2
                server-template node 1-64 ingress.prod.cefaslocalserver.com:30443 resolvers dns resolve-prefer ipv4 init-addr none

            resolvers dns
                accepted_payload_size 1232
                resolve_retries 3
                timeout resolve 5s
                timeout retry 1s
                hold valid 5s
                hold obsolete 30s
                hold nx 30s
                hold other 1d
                hold refused 1d
                hold timeout 1d
                nameserver dns1 10.17.3.11:53
                nameserver dns2 [fd00:17::11]:53
        "#]].assert_eq(text);
    }

    #[test]
    fn each_family_and_no_ingress() {
        for (ipv4, ipv6) in [(true, false), (false, true), (true, true)] {
            let text = configuration(&Setup { ipv4, ipv6, ingress: None, ..setup() });
            fmc_testkit::haproxy::check(&text).unwrap();
            assert_eq!(text.contains("bind 0.0.0.0:6443\n"), ipv4);
            assert_eq!(text.contains("bind [::]:6443 v6only\n"), ipv6);
            assert!(!text.contains("443\n    default_backend https"));
        }
        let servers = vec![Target { name: "six".to_owned(), address: "fd00:17::21".parse().unwrap() }];
        let text = configuration(&Setup { servers, ..setup() });
        fmc_testkit::haproxy::check(&text).unwrap();
        assert!(text.contains("server six [fd00:17::21]:6443\n"), "{text}");
    }
}
