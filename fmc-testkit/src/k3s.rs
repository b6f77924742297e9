//! K3s: a stand-in that reads its configuration as K3s does, and a real K3s if the person who runs the tests
//! has one.
//!
//! The stand-in runs neither containers nor etcd. It proves that a machine has the model's files, arguments
//! and environment in the places where K3s reads them, that K3s's own rules for them hold, and that a joiner
//! finds the endpoint, verifies the authority by its token and presents a valid password. Only a real K3s
//! proves how K3s acts on them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::netns::{Daemon, Lab};
use crate::program::python;

/// The stand-in, a Python program. It needs `python3`, `python3-yaml`, `openssl` and `iproute2` where it
/// runs. It reads K3s's files below `K3S_STANDIN_ROOT`, and appends a [`Start`] for each start to
/// `K3S_STANDIN_REPORT`, or to [`REPORT`] without that variable.
pub const STANDIN: &str = include_str!("k3s/standin.py");

/// The stand-in's report in a machine. It is below `/opt`, so that the test guest's report contains it.
pub const REPORT: &str = "/opt/k3s-report.jsonl";

/// One start of the stand-in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Start {
    /// `server` or `agent`.
    pub role: String,
    /// The rest of the command line.
    pub arguments: Vec<String>,
    /// The variables that K3s reads.
    pub environment: BTreeMap<String, String>,
    /// The time of the start in UTC, as in RFC 3339.
    pub started: String,
    /// Whether systemd waited for its readiness notification.
    pub under_systemd: bool,
    /// The state of the machine at the start.
    pub surroundings: Surroundings,
    /// The settings from files, environment and arguments; empty if they could not be read.
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Everything below `/etc/rancher` and K3s's data folder before the start, by path.
    #[serde(default)]
    pub files: BTreeMap<String, Entry>,
    /// The node's name.
    #[serde(default)]
    pub node: Option<String>,
    /// Whether it was already a member of etcd. K3s then ignores `server` and `cluster-init`.
    #[serde(default)]
    pub was_member: bool,
    /// The server through which it joined.
    #[serde(default)]
    pub joined: Option<String>,
    /// A server's hash of its authority, as a token contains it.
    #[serde(default)]
    pub ca_hash: Option<String>,
    /// A server's port.
    #[serde(default)]
    pub port: Option<u16>,
    /// The reason why it did not start.
    #[serde(default)]
    pub refused: Option<String>,
}

/// The state that a start depends on; empty if the stand-in reads another root than the machine's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Surroundings {
    /// The addresses with more than link scope.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Whether there was a default route. K3s does not start without one.
    #[serde(default)]
    pub has_default_route: bool,
    /// Whether NTP had set the clock.
    #[serde(default)]
    pub synchronized: bool,
    /// The loaded kernel modules, among those that K3s needs.
    #[serde(default)]
    pub modules: Vec<String>,
}

/// A file, folder or link that the stand-in found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// The permissions.
    pub mode: u32,
    /// The owner's id.
    pub uid: u32,
    /// The group's id.
    pub gid: u32,
    /// A file's first 64 KiB.
    #[serde(default)]
    pub contents: Option<String>,
    /// A link's target.
    #[serde(default)]
    pub target: Option<String>,
}

impl Start {
    /// All starts in a report.
    ///
    /// # Errors
    ///
    /// The line that cannot be parsed.
    pub fn read_all(report: &str) -> Result<Vec<Self>, String> {
        report
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|error| format!("{error}: {line}")))
            .collect()
    }
}

/// Starts the stand-in in a host of a lab: `k3s WORDS`. It reads the host's own files, and reports to
/// [`REPORT`] there.
pub fn start_standin<'lab>(lab: &'lab Lab, host: &str, words: &[&str]) -> Daemon<'lab> {
    let python = python();
    let mut all = vec![python.as_str(), "-c", STANDIN];
    all.extend(words);
    lab.daemon(host, &all)
}

/// The starts of the stand-in in a host of a lab.
///
/// # Panics
///
/// When a report cannot be read.
#[must_use]
#[expect(clippy::panic, reason = "what the test stands on")]
pub fn starts(lab: &Lab, host: &str) -> Vec<Start> {
    let report = lab.run(host, &["cat", REPORT]).unwrap_or_default();
    Start::read_all(&report).unwrap_or_else(|error| panic!("{host}: {error}"))
}

/// A real K3s, by the path in `FMC_K3S`. Package registries do not have it, so the tests never fetch it.
///
/// # Errors
///
/// The reason why there is none, for the test to print.
///
/// # Panics
///
/// When `FMC_K3S` names something that is not a file: that is a mistake, while an unset variable is not.
pub fn binary() -> Result<PathBuf, String> {
    let Some(path) = std::env::var_os("FMC_K3S").filter(|value| !value.is_empty()).map(PathBuf::from) else {
        return Err(
            "FMC_K3S is not set: it is the path of a k3s binary, which this test would run".to_owned()
        );
    };
    assert!(path.is_file(), "FMC_K3S: {} is no file", path.display());
    Ok(path)
}

/// A real K3s. Without one, `None` and a line on standard error with the test that did not run, and the
/// reason.
///
/// # Panics
///
/// As [`binary`] does.
#[must_use]
#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
pub fn binary_or_say(test: &str) -> Option<PathBuf> {
    binary().inspect_err(|why| eprintln!("{test} did not run: {why}")).ok()
}

#[cfg(test)]
mod tests;
