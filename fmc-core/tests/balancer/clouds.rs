//! Clouds with a balancer, and their machines in namespaces.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a cloud of these tests that is refused is a mistake of the test"
)]
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "programs run, and time passes")]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use fmc_core::balancer::{Balancer, BalancerRole};
use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::flow::{Flows, Peer, tcp};
use fmc_core::given::Given;
use fmc_core::guest::User;
use fmc_core::guest::checked::Contents;
use fmc_core::host::Host;
use fmc_core::image::{Image, Os};
use fmc_core::machine::{Interface, Machine};
use fmc_core::name::{DomainName, RoleName};
use fmc_core::network::Network;
use fmc_core::role::{CustomRole, Site};
use fmc_core::unit::SizeExt as _;
use fmc_testkit::Refused;
use fmc_testkit::netns::{Daemon, Lab, Nic};

/// A machine of the cluster, with the parts that a balancer sees.
struct Node(&'static str);

impl CustomRole for Node {
    fn kind(&self) -> Given<RoleName> {
        self.0.into()
    }

    fn instance(&self) -> Option<&str> {
        Some("prod")
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        let ports = [80, 443, 6443, 30080, 30443];
        ports.into_iter().fold(Flows::new(), |flows, port| flows.accept(tcp(port), Peer::Anywhere))
    }
}

pub(crate) fn machine(name: &str, network: &str, address: &str, os: Os) -> Machine {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";
    let version = if os == Os::Debian { "12" } else { "9.4" };
    let image = Image::new(os, version).path("/images/root.qcow2").digest(Digest::sha256(b""));
    Machine::new(name, image)
        .root_disk(20.gib())
        .interface(Interface::on(network).address(address))
        .user(User::admin("ops").key(KEY))
}

/// Two balancer machines on one network, three servers and two agents on another.
pub(crate) fn cloud(balancer: &Balancer, os: Os, domain: Option<&str>) -> Checked {
    let lb = |name, address| {
        machine(name, "edge", address, os).role(BalancerRole::new("prod", balancer.clone(), []))
    };
    let node =
        |name: String, address: String, kind| machine(&name, "kube", &address, Os::Debian).role(Node(kind));
    let mut machines = vec![lb("lb1", "10.17.5.11"), lb("lb2", "10.17.5.12")];
    machines.truncate(balancer.machines().len());
    for n in 1..=3 {
        machines.push(node(format!("master{n}"), format!("10.17.4.2{n}"), "k3s-server"));
    }
    for n in 1..=2 {
        machines.push(node(format!("worker{n}"), format!("10.17.4.3{n}"), "k3s-agent"));
    }
    let mut cloud = Cloud::new("first")
        .host(Host::local())
        .network(Network::routed("edge", "10.17.5.0/24"))
        .network(Network::routed("kube", "10.17.4.0/24"))
        .machines(machines);
    if let Some(domain) = domain {
        cloud = cloud.domain(Given::<DomainName>::from(domain));
    }
    cloud.check().unwrap()
}

/// The networks and machines of a cloud, with their compiled files, and a client beside the balancers.
pub(crate) fn lab(cloud: &Checked) -> Lab {
    let lab = Lab::start();
    lab.network("edge", "10.17.5.1/24");
    lab.network("kube", "10.17.4.1/24");
    lab.host("client", &[Nic::new("edge", "10.17.5.99/24")]);
    for machine in cloud.machines() {
        let interface = &machine.interfaces[0];
        let network = cloud.at(interface.network).unwrap().name.as_str();
        let nic = Nic::new(network, format!("{}/24", machine.address().unwrap()));
        // A name that the kernel might give, and that the cloud cannot know.
        let nics = [nic.mac(interface.mac.to_string()).name("enp7s0")];
        lab.host(machine.name.as_str(), &nics);
        for file in &machine.guest.files {
            let text = match &file.contents {
                Contents::Text(text) => text,
                // A program, which a test has from elsewhere.
                Contents::Remote { .. } => continue,
                _ => panic!("{}", file.path),
            };
            lab.write(machine.name.as_str(), file.path.as_str(), text, file.mode.bits().into());
        }
    }
    lab
}

/// `HAProxy` with the compiled file.
pub(crate) fn haproxy<'lab>(lab: &'lab Lab, host: &str) -> Daemon<'lab> {
    let mut daemon = lab.daemon(host, &["haproxy", "-db", "-dW", "-f", fmc_core::balancer::haproxy::PATH]);
    let port = ["sh", "-c", "ss -Hltn | grep -q 127.0.0.1:8405"];
    daemon.until(Duration::from_secs(20), |_| lab.run(host, &port).is_ok()).unwrap();
    daemon
}

/// A certificate for every address of these tests. It is its own authority, and its key is in the same file.
pub(crate) fn certificate(lab: &Lab) -> PathBuf {
    let path = lab.path().join("api.pem");
    let names = (1..=3).map(|n| format!("IP:10.17.4.2{n}"));
    let names: Vec<String> = names.chain(["IP:10.17.5.10".into(), "IP:10.17.5.11".into()]).collect();
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    openssl.args(["-subj", "/CN=api", "-days", "2", "-addext"]);
    openssl.arg(format!("subjectAltName={}", names.join(",")));
    let done = openssl.arg("-keyout").arg(&path).arg("-out").arg(lab.path().join("ca.pem")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let ca = std::fs::read_to_string(lab.path().join("ca.pem")).unwrap();
    let key = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, key + &ca).unwrap();
    path
}

/// A stand-in for an API server: HTTP over TLS. It answers `pong` to a ping, as K3s does before its API is up, the
/// given status to `/readyz`, and its name to `/whoami`.
const API: &str = "
import http.server, socket, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (b'pong' if self.path == '/ping' else socket.gethostname().encode())
        ready = int(sys.argv[2]) if self.path == '/readyz' else 401
        self.send_response(200 if self.path in ('/ping', '/whoami') else ready)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
class Server(http.server.ThreadingHTTPServer):
    def get_request(self):
        connection, address = super().get_request()
        connection.settimeout(10)
        return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address
    def handle_error(self, *_):
        pass
server = Server(('', int(sys.argv[3])), Handler)
print('listening', flush=True)
server.serve_forever()
";

/// A server whose API is up: it refuses clients without a certificate.
pub(crate) fn api<'lab>(lab: &'lab Lab, host: &str) -> Daemon<'lab> {
    api_that_says(lab, host, "401")
}

/// A server whose API answers `/readyz` with this status.
pub(crate) fn api_that_says<'lab>(lab: &'lab Lab, host: &str, status: &str) -> Daemon<'lab> {
    https(lab, host, 6443, status)
}

/// Such a server at another port.
pub(crate) fn https<'lab>(lab: &'lab Lab, host: &str, port: u16, status: &str) -> Daemon<'lab> {
    let certificate = lab.path().join("api.pem");
    let port = port.to_string();
    let mut daemon = lab.daemon(host, &["python3", "-c", API, certificate.to_str().unwrap(), status, &port]);
    daemon.says("listening", Duration::from_secs(20)).unwrap();
    daemon
}

/// The name of the server that answers a call to the API at an address. The caller verifies the certificate.
pub(crate) fn call(lab: &Lab, address: &str) -> Result<String, Refused> {
    call_at(lab, address, 6443)
}

/// The name of the server that answers at a port.
pub(crate) fn call_at(lab: &Lab, address: &str, port: u16) -> Result<String, Refused> {
    let ca = lab.path().join("ca.pem");
    let url = format!("https://{address}:{port}/whoami");
    let words = ["curl", "-sSf", "--max-time", "10", "--cacert", ca.to_str().unwrap(), &url];
    lab.run("client", &words)
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn within(seconds: u64, what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(seconds), "{what}: not within {seconds} s");
        std::thread::sleep(Duration::from_millis(100));
    }
}
