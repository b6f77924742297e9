//! Traefik's configuration (*Traefik Proxy Documentation*, 3.6 and later, which has health checks for TCP): TCP from
//! end to end, by the file provider.
//!
//! It has no API and no dashboard, and calls nothing outside. For a name, Traefik asks the machine's resolvers at each
//! connection and takes the first address that answers.

use std::fmt::Write as _;

use super::setup::{Nodes, Setup, socket};
use super::{ALIVE, API};
use crate::guest::{UnitFile, UnitSection};
use crate::program::{HARDENED, Program, RESTARTS};

/// Where the static configuration is.
pub const STATIC: &str = "/etc/traefik/traefik.yaml";

/// Where the routers and services are.
pub const DYNAMIC: &str = "/etc/traefik/dynamic.yaml";

/// The static configuration: it listens on these ports, and does nothing else.
pub fn static_configuration(setup: &Setup) -> String {
    let mut text = format!(
        "# The load balancer of the cluster {}, written by fmc.\n\
         global:\n  checkNewVersion: false\n  sendAnonymousUsage: false\n\
         log:\n  level: INFO\n\
         ping:\n  entryPoint: alive\n\
         providers:\n  file:\n    filename: {DYNAMIC}\n    watch: false\n\
         entryPoints:\n  alive:\n    address: 127.0.0.1:{ALIVE}\n",
        setup.cluster
    );
    // The wildcard of both families is one socket in Go.
    let host = match (setup.ipv4, setup.ipv6) {
        (true, false) => "0.0.0.0",
        (false, true) => "[::]",
        _ => "",
    };
    let entries = std::iter::once(("api", API));
    for (name, port) in entries.chain(setup.entries().map(|(name, (here, _), _)| (name, here))) {
        // Writing to a String cannot fail.
        let _ = write!(text, "  {name}:\n    address: \"{host}:{port}\"\n");
    }
    text
}

/// The routers and services.
pub fn dynamic_configuration(setup: &Setup) -> String {
    let mut text = format!("# The load balancer of the cluster {}, written by fmc.\n", setup.cluster);
    text.push_str("tcp:\n  routers:\n");
    let names: Vec<&str> = std::iter::once("api").chain(setup.entries().map(|(name, _, _)| name)).collect();
    for name in names {
        // A rule on the server's name is for TLS; with plain TCP this one matches everything.
        let tls = if name == "http" { "" } else { "      tls:\n        passthrough: true\n" };
        let _ = write!(
            text,
            "    {name}:\n      entryPoints:\n        - {name}\n      rule: HostSNI(`*`)\n      service: {name}\n{tls}"
        );
    }
    text.push_str("  services:\n");
    let servers = setup.servers.iter().map(|server| socket(server.address, API)).collect();
    service(&mut text, "api", servers);
    for (name, (_, there), nodes) in setup.entries() {
        let targets = match nodes {
            Nodes::Listed(nodes) => nodes.iter().map(|node| socket(node.address, there)).collect(),
            Nodes::Resolved { name, resolvers: _ } => vec![format!("{name}:{there}")],
        };
        service(&mut text, name, targets);
    }
    text.push_str("  serversTransports:\n    near:\n      dialTimeout: 5s\n      dialKeepAlive: 15s\n");
    text
}

fn service(text: &mut String, name: &str, targets: Vec<String>) {
    let _ = write!(
        text,
        "    {name}:\n      loadBalancer:\n        serversTransport: near\n        \
         healthCheck:\n          interval: 2s\n          timeout: 1s\n        servers:\n"
    );
    for target in targets {
        let _ = writeln!(text, "          - address: \"{target}\"");
    }
}

/// The unit: a user that exists while it runs, and only the right to listen below 1024.
pub fn unit(program: &Program) -> UnitFile {
    let service = UnitSection::new("Service")
        .set("ExecStart", format!("{} --configFile={STATIC}", program.path()))
        .set_all(RESTARTS)
        .set("LimitNOFILE", "65536")
        .set("DynamicUser", "yes")
        .set("User", "traefik")
        .set("AmbientCapabilities", "CAP_NET_BIND_SERVICE")
        .set("CapabilityBoundingSet", "CAP_NET_BIND_SERVICE")
        .set_all(HARDENED);
    UnitFile::new()
        .section(program.described("Traefik, the load balancer"))
        .section(service)
        .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::Value;

    use super::super::haproxy::tests::{resolved, setup};
    use super::*;

    /// Read back as YAML. In the slow tier Traefik itself reads and runs it.
    fn read(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn the_static_part() {
        let text = static_configuration(&setup());
        assert_eq!(read(&text).get("api"), None);
        expect![[r##"
            # The load balancer of the cluster prod, written by fmc.
            global:
              checkNewVersion: false
              sendAnonymousUsage: false
            log:
              level: INFO
            ping:
              entryPoint: alive
            providers:
              file:
                filename: /etc/traefik/dynamic.yaml
                watch: false
            entryPoints:
              alive:
                address: 127.0.0.1:8405
              api:
                address: "0.0.0.0:6443"
              http:
                address: "0.0.0.0:80"
              https:
                address: "0.0.0.0:443"
        "##]]
        .assert_eq(&text);
        let both = read(&static_configuration(&resolved()));
        assert_eq!(both["entryPoints"]["api"]["address"], ":6443");
    }

    #[test]
    fn the_dynamic_part() {
        let text = dynamic_configuration(&resolved());
        expect![[r##"
            # The load balancer of the cluster prod, written by fmc.
            tcp:
              routers:
                api:
                  entryPoints:
                    - api
                  rule: HostSNI(`*`)
                  service: api
                  tls:
                    passthrough: true
                http:
                  entryPoints:
                    - http
                  rule: HostSNI(`*`)
                  service: http
                https:
                  entryPoints:
                    - https
                  rule: HostSNI(`*`)
                  service: https
                  tls:
                    passthrough: true
              services:
                api:
                  loadBalancer:
                    serversTransport: near
                    healthCheck:
                      interval: 2s
                      timeout: 1s
                    servers:
                      - address: "10.17.4.21:6443"
                      - address: "10.17.4.22:6443"
                      - address: "10.17.4.23:6443"
                http:
                  loadBalancer:
                    serversTransport: near
                    healthCheck:
                      interval: 2s
                      timeout: 1s
                    servers:
                      - address: "ingress.prod.cefaslocalserver.com:30080"
                https:
                  loadBalancer:
                    serversTransport: near
                    healthCheck:
                      interval: 2s
                      timeout: 1s
                    servers:
                      - address: "ingress.prod.cefaslocalserver.com:30443"
              serversTransports:
                near:
                  dialTimeout: 5s
                  dialKeepAlive: 15s
        "##]]
        .assert_eq(&text);
        let listed = read(&dynamic_configuration(&setup()));
        let services = listed["tcp"]["services"].as_object().unwrap();
        for router in listed["tcp"]["routers"].as_object().unwrap().values() {
            assert!(services.contains_key(router["service"].as_str().unwrap()));
        }
        assert_eq!(services["https"]["loadBalancer"]["servers"][2]["address"], "10.17.4.26:443");
    }

    #[test]
    fn no_ingress() {
        let one = read(&dynamic_configuration(&Setup { ingress: None, ..setup() }));
        assert_eq!(one["tcp"]["routers"].as_object().unwrap().len(), 1);
    }
}
