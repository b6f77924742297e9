//! Three servers and an agent from compiled configuration, each in a namespace, with its machine's files in
//! their real places. The test runs the commands of its unit.
//!
//! With a real K3s, whose path is in `FMC_K3S`, this shows that the computed authorities, tokens and
//! kubeconfig form a cluster that survives the death of a server. The test does not download K3s; without it,
//! the test says that it did not run.
//!
//! The stand-in always runs through the same steps. That shows that the files, their modes and the units'
//! commands satisfy K3s's own rules, in the order in which servers wait for each other, through the firewalls
//! of all machines; that each joiner finds the endpoint and verifies the authority by its token's hash,
//! computed as K3s does; that a wrong token or authority is refused; and that the balancer leaves out a dead
//! server. It does not show that K3s accepts those authorities as its own, that an etcd of three forms and
//! survives, or that the kubeconfig is accepted: the stand-in has no etcd, no API and no node. `api` shows
//! the last with real API servers.

use std::path::Path;
use std::time::{Duration, Instant};

use fmc::firewall;
use fmc::k3s::pki::Ca;
use fmc::keys::RootKey;
use fmc_testkit::k3s::{STANDIN, binary_or_say, starts};
use fmc_testkit::netns::{Daemon, Lab};
use fmc_testkit::{tls, tree};

use crate::cloud::{AGENT, BALANCER, CLIENT, Model, SERVERS, keyring};
use crate::inside::{Inside, texts};

const BINARY: &str = "/usr/local/bin/k3s";
const CONFIG: &str = "/etc/rancher/k3s/config.yaml";

/// The time for four nodes to come up. It takes half a minute on an idle machine, mostly because they wait
/// for each other.
const PATIENCE: Duration = Duration::from_secs(300);

/// The K3s of a test: the stand-in or a real one.
#[derive(Clone, Copy)]
enum K3s<'a> {
    Standin,
    Real(&'a Path),
}

/// The cluster's hosts.
struct Hosts<'a> {
    model: &'a Model,
    lab: &'a Lab,
    k3s: K3s<'a>,
    /// The servers' authority, which clients trust.
    authority: &'a Path,
}

impl<'a> Hosts<'a> {
    /// Writes a machine's files to their places, and runs its unit's commands before K3s and then K3s itself.
    fn start(&self, machine: &str) -> Daemon<'a> {
        let inside = Inside::of(&self.model.checked, machine, &self.model.keyring);
        for (path, mode) in &inside.folders {
            self.lab.run(machine, &["install", "-d", "-m", &format!("{mode:o}"), path]).unwrap();
        }
        for (path, (mode, text)) in inside.files.iter().filter(|(path, _)| path.contains("rancher")) {
            self.lab.write(machine, path, text, *mode);
        }
        guard(self.lab, machine, &inside);
        self.program(machine);
        let unit = unit(machine);
        // Commands that may fail load modules. All hosts share the machine's modules.
        let before = inside.lines(unit, "ExecStartPre");
        let before = before.iter().filter(|line| !line.starts_with('-'));
        let [command] = &inside.lines(unit, "ExecStart")[..] else { panic!("{unit} runs one program") };
        let script =
            format!("set -e\n{}exec {command}\n", before.map(|line| format!("{line}\n")).collect::<String>());
        // systemd passes hardly any environment to a service.
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        self.lab.daemon(machine, &["env", "-i", path, "sh", "-c", &script])
    }

    /// Puts K3s where the machine's unit expects it. A namespace offers less than a machine, so a real K3s
    /// gets a few settings more.
    fn program(&self, machine: &str) {
        match self.k3s {
            K3s::Standin => self.lab.write(machine, BINARY, STANDIN, 0o755),
            K3s::Real(path) => {
                let path = path.canonicalize().unwrap();
                self.lab.run(machine, &["ln", "-sfn", path.to_str().unwrap(), BINARY]).unwrap();
                // Several kubelets would share the machine's control groups, so the servers run without one.
                // The hosts' folders are overlays already, and the connection table is the machine's.
                let more = if machine == AGENT {
                    self.lab
                        .run(
                            machine,
                            &[
                                "sh",
                                "-c",
                                "mount --make-rshared / && mount -t cgroup2 cgroup2 /sys/fs/cgroup",
                            ],
                        )
                        .unwrap();
                    "snapshotter: native\nkube-proxy-arg: [conntrack-max-per-core=0]\n"
                } else {
                    "disable-agent: true\n"
                };
                self.lab.write(machine, &format!("{CONFIG}.d/99-namespace.yaml"), more, 0o600);
            }
        }
    }

    /// The endpoint's answer to a client that trusts only the computed authority.
    fn ping(&self) -> Option<String> {
        let url = format!("{}/ping", self.model.cluster().endpoint.public_url());
        tls::get(self.lab, CLIENT, &url, self.authority, None).ok()
    }

    /// The cluster's answer to a kubeconfig, by K3s's own kubectl.
    fn kubectl(&self, kubeconfig: &str, words: &[&str]) -> Result<String, fmc_testkit::Refused> {
        self.lab.write(CLIENT, "/etc/kubeconfig", kubeconfig, 0o600);
        self.program(CLIENT);
        let mut all = vec![BINARY, "kubectl", "--kubeconfig=/etc/kubeconfig"];
        all.extend(words);
        self.lab.run(CLIENT, &all)
    }

    /// Asserts that a server with a foreign token, on a host outside of the cluster, is refused with these
    /// words.
    fn stranger(&self, token: &str, words: &[&str]) {
        let config = format!("server: {}\ntoken: {token}\n", self.model.cluster().endpoint.url());
        self.lab.write(CLIENT, CONFIG, &config, 0o600);
        self.program(CLIENT);
        let mut stranger = self.lab.daemon(CLIENT, &[BINARY, "server"]);
        let is_refused = |daemon: &Daemon<'_>| words.iter().any(|words| daemon.log().contains(words));
        stranger.until(PATIENCE, is_refused).unwrap();
    }
}

/// Loads a machine's compiled firewall into its host.
fn guard(lab: &Lab, machine: &str, inside: &Inside) {
    let (_, rules) = &inside.files[firewall::PATH];
    lab.load_rules(machine, rules).unwrap();
}

fn unit(machine: &str) -> &'static str {
    if machine == AGENT { "k3s-agent.service" } else { "k3s.service" }
}

/// Waits for an answer. Without one, it fails with the logs of all nodes.
#[track_caller]
fn until<T>(nodes: &[(&str, Daemon<'_>)], question: impl Fn() -> Option<T>) -> T {
    let asked = Instant::now();
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        if asked.elapsed() > PATIENCE {
            let said: String =
                nodes.iter().map(|(name, node)| format!("== {name}\n{}", node.log())).collect();
            panic!("no answer within {PATIENCE:?}\n{said}");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn form_a_cluster(k3s: K3s<'_>) {
    let model = Model::new();
    let (lab, pki, folder) = (model.lab(), &model.cluster().pki, tree::scratch());
    let authority = folder.path().join("server-ca.crt");
    tree::write(&authority, model.secret(&pki.authority(Ca::Server).certificates).as_bytes());
    let hosts = Hosts { model: &model, lab: &lab, k3s, authority: &authority };
    guard(&lab, BALANCER, &Inside::of(&model.checked, BALANCER, &model.keyring));
    let _balancer = model.balance(&lab, &model.balancer());

    // All at once and the last first, because they wait for each other on their own.
    let mut nodes: Vec<_> =
        [AGENT, SERVERS[2], SERVERS[1], SERVERS[0]].map(|name| (name, hosts.start(name))).into();
    assert_eq!(until(&nodes, || hosts.ping()), "pong");
    match k3s {
        K3s::Standin => have_joined(&hosts, &nodes),
        K3s::Real(_) => is_let_in(&hosts, &nodes),
    }

    // The right hash with a wrong password, and the hash of another root key's authority.
    let join = model.secret(&pki.server_join);
    let (hash, _) = join.split_once("::").unwrap();
    hosts.stranger(&format!("{hash}::server:nobody"), &["nauthorized", "not authorized"]);
    let other = Model { keyring: keyring(RootKey::from_bytes([7; 32])), ..Model::new() };
    hosts.stranger(&other.secret(&pki.server_join), &["token CA hash does not match"]);

    let (_, mut first) = nodes.pop().unwrap();
    first.kill();
    // `HAProxy` stops using a dead server within four seconds; until then a request may fail.
    std::thread::sleep(Duration::from_secs(5));
    for _ in 0..10 {
        assert_eq!(hosts.ping().as_deref(), Some("pong"));
    }
    if let K3s::Real(_) = k3s {
        let computed = model.kubeconfig(&model.keyring);
        let create = ["create", "namespace", "after"];
        until(&nodes, || hosts.kubectl(&computed, &create).ok());
    }
}

/// For the stand-in: each node started with its compiled configuration, after the previous one, and joined
/// through a server.
fn have_joined(hosts: &Hosts<'_>, nodes: &[(&str, Daemon<'_>)]) {
    let (model, cluster) = (hosts.model, hosts.model.cluster());
    let started = |name: &str| {
        let start = until(nodes, || starts(hosts.lab, name).into_iter().next());
        assert_eq!(start.refused, None, "{name}");
        Inside::of(&model.checked, name, &model.keyring).is_what_started(unit(name), &start);
        start
    };
    let [first, second, third, agent] = [SERVERS[0], SERVERS[1], SERVERS[2], AGENT].map(started);
    assert!(first.started < second.started && second.started < third.started, "one after another");
    assert!(first.started < agent.started, "the agent waited for the endpoint");
    assert_eq!(first.joined, None);
    for (start, token) in [
        (&second, &cluster.pki.server_join),
        (&third, &cluster.pki.server_join),
        (&agent, &cluster.pki.agent_join),
    ] {
        assert_eq!(texts(&start.settings["server"]), [cluster.endpoint.url()]);
        assert_eq!(texts(&start.settings["token"]), [model.secret(token)]);
        let by = start.joined.as_deref().unwrap();
        assert!(SERVERS.contains(&by) && Some(by) != start.node.as_deref(), "{by}");
    }
    let hash = first.ca_hash.unwrap();
    assert!(model.secret(&cluster.pki.server_join).starts_with(&format!("K10{hash}::")));
}

/// For a real K3s: the computed kubeconfig is accepted, that of another root key is not, and the agent is a
/// node.
fn is_let_in(hosts: &Hosts<'_>, nodes: &[(&str, Daemon<'_>)]) {
    let model = hosts.model;
    let computed = model.kubeconfig(&model.keyring);
    until(nodes, || hosts.kubectl(&computed, &["create", "namespace", "demo"]).ok());
    until(nodes, || hosts.kubectl(&computed, &["get", "node", AGENT, "--output=name"]).ok());
    let other = model.kubeconfig(&keyring(RootKey::from_bytes([7; 32])));
    let trust = |kubeconfig: &str| {
        let is_it = |line: &&str| line.trim_start().starts_with("certificate-authority-data:");
        kubeconfig.lines().find(is_it).unwrap().to_owned()
    };
    let get = ["get", "namespaces"];
    let refused = hosts.kubectl(&other, &get).unwrap_err();
    assert!(refused.words().contains("unknown authority"), "{refused}");
    let refused = hosts.kubectl(&other.replace(&trust(&other), &trust(&computed)), &get).unwrap_err();
    let words = refused.words();
    assert!(words.contains("logged in") || words.contains("nauthorized"), "{refused}");
}

#[test]
fn the_stand_in_forms_a_cluster_from_compiled_configuration() {
    form_a_cluster(K3s::Standin);
}

#[test]
fn a_real_k3s_forms_a_cluster_from_compiled_configuration() {
    if let Some(path) = binary_or_say("a_real_k3s_forms_a_cluster_from_compiled_configuration") {
        form_a_cluster(K3s::Real(&path));
    }
}
