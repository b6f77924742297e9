use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use super::*;

/// Drops everything but answers and one port, as fmc's own rules for a guest do.
const RULES: &str = "table inet demo {
    chain input {
        type filter hook input priority filter; policy drop;
        iif lo accept
        ct state established,related accept
        meta l4proto { icmp, ipv6-icmp } accept
        ip saddr 10.17.3.0/24 tcp dport 6443 accept
        udp dport 8472 accept
    }
}
";

fn two() -> Lab {
    let lab = Lab::start();
    lab.network("cluster", "10.17.3.1/24");
    lab.network("edge", "10.17.5.1/24");
    lab.host("server", &[Nic::new("cluster", "10.17.3.11/24")]);
    lab.host("client", &[Nic::new("edge", "10.17.5.20/24").name("ens3").mac("52:54:00:00:00:07")]);
    lab
}

#[test]
fn a_firewall_shows_in_the_answers() {
    let lab = two();
    let ports = [Port::tcp(6443), Port::tcp(22), Port::udp(8472), Port::udp(53)];
    let _server = lab.listen("server", &ports);
    let _client = lab.listen("client", &[Port::tcp(6443)]);
    lab.host("agent", &[Nic::new("cluster", "10.17.3.31/24")]);
    let ask = |from: &str| lab.probe(&ports.map(|port| Probe::new(from, "10.17.3.11", port)));
    let open = || Answer::Open("server".to_owned());
    assert_eq!(ask("client"), vec![open(); 4], "the router carries it");
    assert!(lab.reaches("server", "10.17.5.20", Port::tcp(6443)));
    lab.load_rules("server", RULES).unwrap();
    assert_eq!(ask("client"), [Answer::Silent, Answer::Silent, open(), Answer::Silent]);
    assert_eq!(ask("agent"), [open(), Answer::Silent, open(), Answer::Silent]);
    assert_eq!(ask("server"), vec![open(); 4], "itself, over the loopback");
    lab.load_rules("server", "table inet demo { chain input { tcp dport banana accept; } }").unwrap_err();
    assert_eq!(
        lab.probe(&[
            Probe::new("server", "10.17.5.20", Port::tcp(22)),
            Probe::new("client", "192.0.2.1", Port::tcp(22))
        ]),
        [Answer::Refused, Answer::Unreachable]
    );
}

#[test]
fn an_isolated_network_leads_nowhere_and_both_families_work() {
    let lab = two();
    lab.isolated("storage");
    lab.network("six", "fd00:17::1/64");
    let nic = |last| {
        [Nic::new("storage", format!("10.99.0.{last}/24")), Nic::new("six", format!("fd00:17::1{last}/64"))]
    };
    let [storage, six] = nic(1);
    lab.host("one", &[storage.address("10.99.1.1/32"), six]);
    lab.host("two", &nic(2));
    let _two = lab.listen("two", &[Port::tcp(80), Port::udp(80)]);
    for (address, from, is_open) in [
        ("10.99.0.2", "one", true),
        ("fd00:17::12", "one", true),
        ("10.99.0.2", "server", false),
        ("fd00:17::12", "server", false),
    ] {
        for port in [Port::tcp(80), Port::udp(80)] {
            assert_eq!(lab.reaches(from, address, port), is_open, "{from} {address} {port}");
        }
    }
    assert!(lab.has_address("one", "10.99.1.1"));
    assert!(!lab.has_address("two", "10.99.1.1"));
}

#[test]
fn a_host_is_a_machine_of_its_own() {
    let lab = two();
    lab.write("server", "/etc/demo/demo.conf", "one", 0o600);
    assert_eq!(
        lab.run("server", &["stat", "-c", "%a %U", "/etc/demo/demo.conf"]).unwrap().trim(),
        "600 root"
    );
    lab.run("client", &["cat", "/etc/demo/demo.conf"]).unwrap_err();
    assert!(!Path::new("/etc/demo").exists(), "the machine that tests keeps its own");
    assert_eq!(lab.run("server", &["hostname"]).unwrap().trim(), "server");
    let links = lab.run("client", &["ip", "-brief", "link"]).unwrap();
    assert!(links.contains("ens3") && links.contains("52:54:00:00:00:07"), "{links}");
    let tree = scratch();
    tree::write(&tree.path().join("etc/demo/more.conf"), b"two");
    lab.write_tree("server", tree.path());
    assert_eq!(lab.run("server", &["cat", "/etc/demo/more.conf"]).unwrap(), "two");
    assert_eq!(lab.run_with("server", &["tr", "a-z", "A-Z"], "words").unwrap(), "WORDS");
    let started = Instant::now();
    lab.run_for("server", Duration::from_millis(200), &["sleep", "60"]).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
#[should_panic(expected = "is not of the lab's host alone")]
fn what_has_no_layer_is_not_written() {
    two().write("server", "/etc/../boot/demo", "one", 0o600);
}

#[test]
fn a_daemon_ends_with_all_that_it_started() {
    let lab = two();
    let count = |lab: &Lab| lab.run(Lab::ROUTER, &["pgrep", "-fc", "^sleep 98765$"]).unwrap_or_default();
    let words = ["sh", "-c", "echo is there; sleep 98765 & sleep 98765"];
    let mut daemon = lab.daemon("server", &words);
    daemon.says("is there", Duration::from_secs(10)).unwrap();
    daemon.until(Duration::from_secs(10), |_| count(&lab).trim() == "2").unwrap();
    daemon.kill();
    assert!(!daemon.is_running());
    assert_eq!(count(&lab), "", "pgrep finds none and fails");
    let mut daemon = lab.daemon("server", &["sh", "-c", "echo no; exit 3"]);
    let refused = daemon.says("yes", Duration::from_secs(10)).unwrap_err();
    assert!(refused.words().contains("no\n(it ended)"), "{refused}");
    let mut daemon = lab.daemon("server", &words);
    daemon.says("is there", Duration::from_secs(10)).unwrap();
    daemon.stop();
    assert!(!daemon.is_running());
}

/// The number of processes on this machine with these words in their command line.
fn running(words: &str) -> usize {
    let processes: Vec<PathBuf> =
        std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).collect();
    let is_so = |path: &&PathBuf| {
        std::fs::read(path.join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).replace('\0', " ").trim() == words)
    };
    processes.iter().filter(is_so).count()
}

#[test]
fn nothing_is_left_of_a_lab_whose_test_panics() {
    let panics = thread_of(|| {
        let lab = two();
        let mut daemon = lab.daemon("server", &["sleep", "87654"]);
        daemon.until(Duration::from_secs(10), |_| running("sleep 87654") == 1).unwrap();
        // As when the process ends: no value is dropped in order.
        std::mem::forget(daemon);
        panic!("a test that fails");
    });
    assert!(panics);
    assert_eq!(running("sleep 87654"), 0);
}

fn thread_of(body: impl FnOnce() + Send + 'static) -> bool {
    std::thread::spawn(body).join().is_err()
}

#[test]
fn a_matrix_of_twelve_hosts_takes_seconds() {
    let lab = Lab::start();
    for network in 3..6 {
        lab.network(&format!("n{network}"), &format!("10.17.{network}.1/24"));
    }
    let hosts: BTreeMap<String, String> =
        (0..12).map(|host| (format!("h{host}"), format!("10.17.{}.{}", 3 + host % 3, 10 + host))).collect();
    for (host, address) in &hosts {
        let network = address.split('.').nth(2).unwrap_or_default();
        lab.host(host, &[Nic::new(format!("n{network}"), format!("{address}/24"))]);
        lab.load_rules(host, RULES).unwrap();
    }
    let ports: Vec<Port> = (0..14).map(|port| Port::tcp(6436 + port)).chain([Port::udp(8472)]).collect();
    let _listeners: Vec<_> = hosts.keys().map(|host| lab.listen(host, &ports)).collect();
    let ports = &ports;
    let pairs = || {
        hosts.iter().flat_map(|from| hosts.iter().map(move |to| (from, to))).filter(|(from, to)| from != to)
    };
    let probes: Vec<Probe> = pairs()
        .flat_map(|(from, to)| ports.iter().map(move |port| Probe::new(from.0, to.1, *port)))
        .collect();
    let started = Instant::now();
    let answers = lab.probe(&probes);
    let took = started.elapsed();
    for (probe, answer) in probes.iter().zip(answers) {
        let is_near = hosts[&probe.from].starts_with("10.17.3.");
        let is_allowed = probe.port == Port::udp(8472) || (probe.port == Port::tcp(6443) && is_near);
        assert_eq!(answer.is_open(), is_allowed, "{probe:?}");
    }
    assert!(took < Duration::from_secs(15), "{took:?}");
}
