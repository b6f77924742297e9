//! First boots of the servers of a K3s cluster. A stand-in takes the place of K3s: it reads its configuration
//! as K3s does, applies K3s's rules, and reports at each start what it found. It has neither containers nor
//! etcd.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc::checked::Checked;
use fmc::k3s::{self, Endpoint, Install};
use fmc::keys::{Keyring, RootKey};
use fmc::prelude::*;
use fmc::secret::{NoSecrets, SecretRef, SecretScope, Secrets as _};
use fmc_testkit::guest::{Report, Style};
use fmc_testkit::k3s::{STANDIN, Start};
use fmc_testkit::{ntp, tree};

use crate::cloud::{HOSTS, KEY, image};
use crate::inside::{Inside, texts};
use crate::lab::Lab;

/// The hypervisor's address on the guests' network. The mirror, the clock and the cluster's endpoint are
/// there.
const GATEWAY: &str = "10.17.3.1";

/// A balancer in front of the servers, at the endpoint, as a user's own would be. fmc's balancer has tests of
/// its own.
const BALANCER: &str = "global\n  maxconn 100\ndefaults\n  mode tcp\n  timeout connect 2s\n  timeout client 1m\n  timeout server 1m\n\
    frontend api\n  bind :6443\n  default_backend servers\n\
    backend servers\n  option httpchk GET /ping\n  default-server check check-ssl verify none inter 1s fall 2 rise 1\n";

/// The nodes, and the last number of their addresses.
const NODES: [(&str, u8); 4] = [("master1", 11), ("master2", 12), ("master3", 13), ("worker1", 21)];

fn machine(name: &str, number: u8, memory: Size) -> Machine {
    Machine::new(name, image(Style::Debian))
        .memory(memory)
        .root_disk(2.gib())
        .shutdown(Shutdown::never_force(300))
        .interface(Interface::on("lan").address(format!("10.17.3.{number}")))
        // etcd's state survives a replacement of the machine.
        .disk(Disk::new("rancher", 128.mib()).mount("/var/lib/rancher"))
        .user(User::admin("ops").key(KEY))
        // The network's time server, which the user sets. Debian starts this client on its own; the test
        // guest starts nothing on its own.
        .file(GuestFile::text("/etc/systemd/timesyncd.conf.d/lan.conf", format!("[Time]\nNTP={GATEWAY}\n")))
        .unit(Unit::service("systemd-timesyncd").enabled())
}

/// The cluster: three servers and an agent. Two of the four run at a time.
fn cloud(digest: &str, running: [&str; 2], memory: Size) -> Cloud {
    let cluster = k3s::Cluster::new("prod", "v1.36.3+k3s1")
        .endpoint(Endpoint::address(GATEWAY))
        .servers(["master1", "master2", "master3"])
        .agents(["worker1"])
        .install(Install::binary(format!("http://{GATEWAY}:8000/k3s"), digest));
    Cloud::new("boot")
        .host(Host::new(HOSTS[0]).emulated().machine_type("pc"))
        .network(Network::nat("lan", "10.17.3.0/24").host(HOSTS[0]).domain("lan.example.com"))
        .machines(NODES.map(|(name, number)| {
            let power = if running.contains(&name) { Power::Running } else { Power::Stopped };
            machine(name, number, memory).power(power)
        }))
        .cluster(cluster)
        .accept("role-needs", "a stand-in needs less than K3s")
}

/// Starts the services that the network offers its machines: the binary, the time, and a balancer before the
/// servers.
fn serve(lab: &Lab) {
    let own = lab.own(HOSTS[0]);
    let mirror = own.path().join("mirror");
    std::fs::create_dir(&mirror).unwrap();
    std::fs::write(mirror.join("k3s"), STANDIN).unwrap();
    own.start_inside(
        "mirror",
        &format!("exec python3 -m http.server --directory '{}' 8000", mirror.display()),
    );
    ntp::start(own);
    let servers: String =
        (1..=3).map(|number| format!("  server master{number} 10.17.3.{}:6443\n", 10 + number)).collect();
    let settings = own.path().join("haproxy.cfg");
    std::fs::write(&settings, format!("{BALANCER}{servers}")).unwrap();
    own.start_inside("balancer", &format!("exec haproxy -db -f '{}'", settings.display()));
}

/// The stand-in's hash, by coreutils.
fn digest() -> String {
    let folder = tree::scratch();
    let path = folder.path().join("k3s");
    std::fs::write(&path, STANDIN).unwrap();
    let said = std::process::Command::new("sha256sum").arg(path).output().unwrap();
    format!("sha256:{}", String::from_utf8(said.stdout).unwrap().split(' ').next().unwrap())
}

struct Cluster {
    cloud: Cloud,
    checked: Checked,
    keyring: Arc<Keyring>,
}

impl Cluster {
    /// Asserts that each boot of a machine starts K3s once, and that the last start follows the model.
    fn is_seen_in(&self, name: &str, report: &Report, boots: usize) -> Start {
        assert!(report.failed.is_empty(), "{name}: {:#?}", report.failed);
        assert_eq!(report.state, "running", "{name}");
        assert_eq!(report.k3s.len(), boots, "{name} starts K3s once a boot: {:#?}", report.k3s);
        let start = report.k3s.last().unwrap();
        assert_eq!(start.refused, None, "{name}");
        assert!(start.under_systemd, "{name}");
        self.waited_in(name, report, start);
        let (inside, unit) = (Inside::of(&self.checked, name, &*self.keyring), unit(name));
        if boots == 1 {
            inside.is_what_started(unit, start);
        } else {
            inside.is_in(unit, start);
        }

        let (cluster, machine) = (&self.checked.clusters()[0], self.checked.machine(name).unwrap());
        let setting = |key: &str| start.settings.get(key).map(texts);
        assert_eq!(start.node.as_deref(), Some(machine.hostname.as_str()));
        assert_eq!(setting("node-ip"), Some(vec![machine.address().unwrap().to_string()]));
        let is_server = start.role == "server";
        assert_eq!(setting("tls-san"), is_server.then(|| cluster.names.clone()));
        assert_eq!(setting("agent-token"), is_server.then(|| vec![self.secret(&cluster.pki.agent_token)]));
        start.clone()
    }

    /// Asserts that K3s started after the network and the clock.
    fn waited_in(&self, name: &str, report: &Report, start: &Start) {
        let (unit, address) = (&report.units[unit(name)], self.checked.machine(name).unwrap().address());
        assert_eq!((&*unit.state, unit.restarts), ("active", 0), "{name}");
        for before in ["network-online.target", "systemd-time-wait-sync.service", "time-sync.target"] {
            let before_it = &report.units[before];
            assert_eq!(before_it.state, "active", "{name}: {before}");
            assert!(
                0 < before_it.started && before_it.started <= unit.began,
                "{name}: {before} {before_it:?} {unit:?}"
            );
        }
        let found = &start.surroundings;
        assert!(found.has_default_route && found.synchronized, "{name}: {found:?}");
        assert_eq!(found.addresses, [address.unwrap().to_string()], "{name}");
        assert_eq!(found.modules, ["br_netfilter", "overlay"], "{name}");
    }

    fn secret(&self, secret: &SecretRef) -> String {
        String::from_utf8(self.keyring.bytes(secret).unwrap().expose().to_vec()).unwrap()
    }
}

fn unit(name: &str) -> &'static str {
    if name == "worker1" { "k3s-agent.service" } else { "k3s.service" }
}

fn setting(start: &Start, key: &str) -> Option<Vec<String>> {
    start.settings.get(key).map(texts)
}

/// Applies the cloud to a hypervisor of the test's own, which offers the services that the machines need.
fn start(running: [&str; 2]) -> (Lab, Cluster) {
    let digest = digest();
    let keyring = Arc::new(Keyring::new(
        RootKey::sample(),
        &SecretScope::of(OwnerId::literal("boot")),
        Arc::new(NoSecrets),
    ));
    let lab = Lab::start(&HOSTS[..1]).secrets(Arc::clone(&keyring) as _);
    serve(&lab);
    let cloud = cloud(&digest, running, 448.mib());
    let checked = cloud.check().map_err(|report| report.to_string()).unwrap();
    lab.apply(&cloud);
    (lab, Cluster { cloud, checked, keyring })
}

#[test]
fn a_server_starts_once_after_its_network_and_its_time_and_a_second_one_joins_it() {
    let (lab, cluster) = start(["master1", "master2"]);
    let starts: BTreeMap<&str, Start> = ["master1", "master2"]
        .map(|name| (name, cluster.is_seen_in(name, &lab.boot(name, 1), 1)))
        .into_iter()
        .collect();

    let model = &cluster.checked.clusters()[0];
    let (first, second) = (&starts["master1"], &starts["master2"]);
    assert_eq!((&*first.role, &*second.role), ("server", "server"));
    assert_eq!(setting(first, "cluster-init"), Some(vec!["true".to_owned()]));
    assert_eq!(setting(first, "token"), Some(vec![cluster.secret(&model.pki.server_token)]));
    assert_eq!((setting(first, "server"), &first.joined), (None, &None));
    assert_eq!(setting(second, "cluster-init"), None);
    assert_eq!(setting(second, "server"), Some(vec![model.endpoint.url()]));
    let join = cluster.secret(&model.pki.server_join);
    assert_eq!(setting(second, "token"), Some(vec![join.clone()]));
    assert_eq!(second.joined.as_deref(), Some("master1"), "by the endpoint, the only way in its settings");
    // Both show the authority whose hash the token contains, which was computed before they existed.
    let hash = first.ca_hash.as_deref().unwrap();
    assert!(join.starts_with(&format!("K10{hash}::server:")), "{hash}");
    assert_eq!(second.ca_hash.as_deref(), Some(hash));
    assert!(first.started < second.started);

    let said = |server: &str| lab.own(HOSTS[0]).said(server);
    for address in ["10.17.3.11", "10.17.3.12"] {
        let asked = said("mirror");
        let fetched = asked.lines().filter(|line| line.starts_with(&format!("{address} ")));
        assert_eq!(fetched.count(), 1, "{asked}");
        assert!(said("ntp").lines().any(|line| line == address), "{address} asked for the time");
    }
    lab.expect_nothing_to_do(&cluster.cloud);
}

#[cfg(feature = "full")]
#[test]
fn an_agent_joins_by_the_endpoint_and_another_boot_starts_each_once_more() {
    let names = ["master1", "worker1"];
    let (lab, cluster) = start(names);
    let [server, agent] = names.map(|name| cluster.is_seen_in(name, &lab.boot(name, 1), 1));
    let model = &cluster.checked.clusters()[0];
    assert_eq!((&*server.role, &*agent.role), ("server", "agent"));
    assert_eq!(setting(&agent, "server"), Some(vec![model.endpoint.url()]));
    assert_eq!(setting(&agent, "token"), Some(vec![cluster.secret(&model.pki.agent_join)]));
    assert_eq!(agent.joined.as_deref(), Some("master1"));
    assert!(!server.was_member && server.started < agent.started);

    // A change of memory needs a restart.
    lab.apply(&cloud(&digest(), names, 464.mib()));
    let [server, agent] = names.map(|name| cluster.is_seen_in(name, &lab.boot(name, 2), 2));
    assert!(server.was_member, "what etcd keeps is where it was");
    assert_eq!(agent.joined.as_deref(), Some("master1"));
}
