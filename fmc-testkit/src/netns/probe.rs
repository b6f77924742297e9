//! Tests which hosts of a lab reach each other, with many ports at once.

use std::collections::BTreeMap;
use std::fmt;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Daemon, Lab};
use crate::program::{python, run_with_input};

const PROBE: &str = include_str!("probe.py");

/// The time before silence counts as an answer: longer than the second after which TCP sends again.
const SILENCE: Duration = Duration::from_millis(1500);

/// A port of TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Port {
    protocol: &'static str,
    port: u16,
}

/// A question: does a host reach a port of an address?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    /// The host that asks.
    pub from: String,
    /// The address that is asked, of either family.
    pub address: String,
    /// Its port.
    pub port: Port,
}

/// The answer to a [`Probe`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The port is open. The text is the host's name if [`Lab::listen`] listens there, and otherwise the
    /// service's first output, which is often empty.
    Open(String),
    /// The host is reached, but the port is closed or its firewall rejects.
    Refused,
    /// There is no route, or a firewall rejects.
    Unreachable,
    /// Nothing came back.
    Silent,
}

impl Port {
    /// A port of TCP.
    #[must_use]
    pub const fn tcp(port: u16) -> Self {
        Self { protocol: "tcp", port }
    }

    /// A port of UDP.
    #[must_use]
    pub const fn udp(port: u16) -> Self {
        Self { protocol: "udp", port }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.protocol, self.port)
    }
}

impl Probe {
    /// A question about one port.
    pub fn new(from: impl Into<String>, address: impl Into<String>, port: Port) -> Self {
        Self { from: from.into(), address: address.into(), port }
    }
}

impl Answer {
    /// Whether the port is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }
}

impl Lab {
    /// Listens on ports of a host, on all its addresses of both families, and answers with the host's name.
    ///
    /// # Panics
    ///
    /// When a port is taken, with the error.
    #[expect(clippy::panic, reason = "what the test stands on")]
    pub fn listen(&self, host: &str, ports: &[Port]) -> Daemon<'_> {
        let ports: Vec<String> = ports.iter().map(Port::to_string).collect();
        let python = python();
        let mut words = vec![python.as_str(), "-c", PROBE, "listen", host];
        words.extend(ports.iter().map(String::as_str));
        let mut daemon = self.daemon(host, &words);
        if let Err(refused) = daemon.says("listens", Duration::from_secs(20)) {
            panic!("{refused}");
        }
        daemon
    }

    /// Asks all questions at once, and gives the answers in the same order, in less than about two seconds
    /// for any number.
    ///
    /// # Panics
    ///
    /// When a host does not exist, or an address is invalid.
    #[must_use]
    #[expect(clippy::panic, reason = "a mistake of the test, or of the lab")]
    pub fn probe(&self, probes: &[Probe]) -> Vec<Answer> {
        let mut by_host: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, probe) in probes.iter().enumerate() {
            by_host.entry(&probe.from).or_default().push(index);
        }
        let mut answers = BTreeMap::new();
        thread::scope(|scope| {
            let asking: Vec<_> = by_host
                .into_iter()
                .map(|(host, indices)| {
                    scope.spawn(move || {
                        let asked: Vec<&Probe> =
                            indices.iter().filter_map(|index| probes.get(*index)).collect();
                        let answers = self.ask(host, &asked);
                        indices.into_iter().zip(answers).collect::<Vec<_>>()
                    })
                })
                .collect();
            for answered in asking {
                answers.extend(answered.join().unwrap_or_else(|_| panic!("the lab could not be asked")));
            }
        });
        assert_eq!(answers.len(), probes.len(), "each question has its answer");
        answers.into_values().collect()
    }

    /// Whether a host reaches a port.
    ///
    /// # Panics
    ///
    /// As [`probe`](Self::probe) does.
    #[must_use]
    pub fn reaches(&self, from: &str, address: &str, port: Port) -> bool {
        self.probe(&[Probe::new(from, address, port)]).iter().all(Answer::is_open)
    }

    #[expect(clippy::panic, reason = "a mistake of the test, or of the lab")]
    fn ask(&self, host: &str, probes: &[&Probe]) -> Vec<Answer> {
        #[derive(Serialize)]
        struct Target<'a> {
            address: &'a str,
            #[serde(flatten)]
            port: Port,
        }
        let targets: Vec<Target<'_>> =
            probes.iter().map(|probe| Target { address: &probe.address, port: probe.port }).collect();
        let targets = serde_json::to_string(&targets).unwrap_or_default();
        let mut command = self.command(host, SILENCE + Duration::from_secs(20));
        command.args([&python(), "-c", PROBE, "ask", &SILENCE.as_secs_f64().to_string()]);
        let said = run_with_input(&mut command, &targets)
            .success()
            .unwrap_or_else(|refused| panic!("{host}: {refused}"));
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{host}: {error}: {said}"))
    }
}
