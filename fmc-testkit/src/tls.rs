//! Stand-ins for API servers in a [`Lab`]. They speak TLS with the given certificates, and tell their names.

use std::path::Path;
use std::time::Duration;

use crate::Refused;
use crate::netns::{Daemon, Lab};
use crate::openssl::Pair;
use crate::program::{command, python};

const SERVER: &str = include_str!("tls_server.py");

/// A stand-in for an API server. It answers `/healthz`, `/readyz`, `/livez` with `ok`, `/ping` with `pong`,
/// and every other path with JSON: its `name`, the `path`, and the subject of the `client`'s certificate.
/// Each answer has the server's name in the header `Served-By`.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// The port, on all addresses of the host.
    pub port: u16,
    /// The certificate that it presents.
    pub certificate: &'a Pair,
    /// The authority of its clients. A certificate of another authority is refused; a client without a
    /// certificate is accepted.
    pub clients: Option<&'a Path>,
}

impl Server<'_> {
    /// Starts it in a host and returns once it answers. Its name is the host's.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    #[expect(clippy::panic, reason = "what the test stands on")]
    pub fn start<'lab>(&self, lab: &'lab Lab, host: &str) -> Daemon<'lab> {
        let (port, python) = (self.port.to_string(), python());
        let (certificate, key) = (self.certificate.certificate.display(), self.certificate.key.display());
        let (certificate, key) = (certificate.to_string(), key.to_string());
        let clients = self.clients.map(|path| path.display().to_string());
        let mut words = vec![&*python, "-c", SERVER, host, "", &port, &certificate, &key];
        words.extend(clients.as_deref());
        let mut daemon = lab.daemon(host, &words);
        if let Err(refused) = daemon.says("listens", Duration::from_secs(20)) {
            panic!("{refused}");
        }
        daemon
    }
}

/// A server's answer to a client in a host of a lab: the body of a success. The client verifies the server's
/// certificate by an authority.
///
/// # Errors
///
/// curl's error: there is no route, the certificate is of another authority or for another name, the answer
/// is not a success, or it takes longer than five seconds.
pub fn get(
    lab: &Lab,
    host: &str,
    url: &str,
    authority: &Path,
    client: Option<&Pair>,
) -> Result<String, Refused> {
    let _ = command("curl");
    let authority = authority.display().to_string();
    let client = client.map(|pair| (pair.certificate.display().to_string(), pair.key.display().to_string()));
    let mut words =
        vec!["curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--max-time", "5"];
    words.extend(["--cacert", &authority]);
    if let Some((certificate, key)) = &client {
        words.extend(["--cert", certificate, "--key", key]);
    }
    words.push(url);
    lab.run(host, &words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netns::{Nic, Port};
    use crate::openssl::Authority;

    const BALANCER: &str = "global\n  maxconn 100\ndefaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1m\n  timeout server 1m\n\
        \x20 option redispatch\n  retries 2\n\
        frontend api\n  bind :6443\n  default_backend servers\n\
        backend servers\n  option httpchk GET /readyz\n  default-server check check-ssl verify none inter 200ms fall 2 rise 1\n\
        \x20 server one 10.17.3.11:6443\n  server two 10.17.3.12:6443\n  server three 10.17.3.13:6443\n";

    const VRRP: &str = "global_defs {\n  vrrp_version 3\n}\nvrrp_instance api {\n  state BACKUP\n  interface eth0\n  virtual_router_id 51\n\
        \x20 priority PRIORITY\n  advert_int 0.2\n  virtual_ipaddress {\n    10.17.5.10/24\n  }\n}\n";

    /// Three servers, two balancers that share an address, and a client.
    fn lab() -> Lab {
        let lab = Lab::start();
        lab.network("cluster", "10.17.3.1/24");
        lab.network("edge", "10.17.5.1/24");
        for (host, last) in [("one", 11), ("two", 12), ("three", 13)] {
            lab.host(host, &[Nic::new("cluster", format!("10.17.3.{last}/24"))]);
        }
        for (host, last) in [("left", 2), ("right", 3)] {
            lab.host(host, &[Nic::new("edge", format!("10.17.5.{last}/24"))]);
        }
        lab.host("client", &[Nic::new("edge", "10.17.5.20/24")]);
        lab
    }

    #[test]
    fn a_server_dies_and_the_calls_go_on() {
        let lab = lab();
        let (servers, clients, other) =
            (Authority::new("servers"), Authority::new("clients"), Authority::new("clients"));
        let certificate = servers.server("api", &["IP:10.17.5.2", "DNS:api"]);
        let known = clients.own().certificate;
        let server = Server { port: 6443, certificate: &certificate, clients: Some(&known) };
        let mut running: Vec<_> =
            ["one", "two", "three"].map(|host| server.start(&lab, host)).into_iter().collect();
        crate::haproxy::check(BALANCER).unwrap();
        lab.write("left", "/etc/haproxy/haproxy.cfg", BALANCER, 0o644);
        let mut balancer = lab.daemon("left", &["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"]);
        balancer
            .until(Duration::from_secs(10), |_| lab.reaches("client", "10.17.5.2", Port::tcp(6443)))
            .unwrap();

        let admin = clients.client("admin", "system:masters");
        let authority = servers.own().certificate;
        let ask = |path: &str, client: Option<&Pair>| {
            get(&lab, "client", &format!("https://10.17.5.2:6443{path}"), &authority, client)
        };
        assert_eq!(ask("/readyz", None).unwrap(), "ok");
        let mut names: Vec<String> = (0..3).map(|_| ask("/who", Some(&admin)).unwrap()).collect();
        names.sort();
        for (said, name) in names.iter().zip(["one", "three", "two"]) {
            assert!(
                said.contains(&format!("\"name\": \"{name}\"")) && said.contains("system:masters"),
                "{said}"
            );
        }
        let stranger = other.client("admin", "system:masters");
        ask("/who", Some(&stranger)).unwrap_err();
        get(&lab, "client", "https://10.17.5.2:6443/readyz", &other.own().certificate, None).unwrap_err();
        running.remove(1).kill();
        for _ in 0..10 {
            let said = ask("/who", None).unwrap();
            assert!(!said.contains("\"two\""), "{said}");
        }
        drop(running);
        ask("/readyz", None).unwrap_err();
    }

    #[test]
    fn a_shared_address_moves_when_a_keepalived_dies() {
        let lab = lab();
        let mut running = Vec::new();
        for (host, priority) in [("left", "150"), ("right", "100")] {
            let text = VRRP.replace("PRIORITY", priority);
            crate::keepalived::check(&text, &["eth0"]).unwrap();
            lab.write(host, "/etc/keepalived/keepalived.conf", &text, 0o600);
            running.push(lab.daemon(host, &["keepalived", "--dont-fork", "--log-console", "--no-syslog"]));
        }
        let has = |host: &str| lab.has_address(host, "10.17.5.10");
        running[0].until(Duration::from_secs(20), |_| has("left")).unwrap();
        assert!(!has("right"), "one of them has it");
        running[0].kill();
        running[1].until(Duration::from_secs(20), |_| has("right")).unwrap();
    }
}
