//! K3s: a stand-in that reads its configuration as K3s does, and a real one, where the person who runs the tests has one.
//!
//! The stand-in runs no container and no etcd. It proves that a machine has the files, arguments and environment of the model in the
//! places where K3s reads them, that K3s's own rules for them hold, and that a joiner finds the endpoint, judges the authority by its token,
//! and shows a password that is right. What K3s does with them, only a real one proves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::netns::{Daemon, Lab};
use crate::program::python;

/// The stand-in, a program in Python: it needs `python3`, `python3-yaml`, `openssl` and `iproute2` where it runs. It reads the
/// files of K3s below `K3S_STANDIN_ROOT`, and appends a [`Start`] for each start to `K3S_STANDIN_REPORT`, or else to [`REPORT`].
pub const STANDIN: &str = include_str!("k3s/standin.py");

/// Where the stand-in reports, in a machine: below `/opt`, so that the test guest's report has it.
pub const REPORT: &str = "/opt/k3s-report.jsonl";

/// One start of the stand-in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Start {
    /// `server` or `agent`.
    pub role: String,
    /// What followed on the command line.
    pub arguments: Vec<String>,
    /// The variables that K3s reads.
    pub environment: BTreeMap<String, String>,
    /// When, in UTC, as RFC 3339 has it.
    pub started: String,
    /// Whether systemd waited for its readiness.
    pub under_systemd: bool,
    /// What the machine was, then.
    pub surroundings: Surroundings,
    /// The settings that came of files, environment and arguments; nothing when they could not be read.
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
    /// All below `/etc/rancher` and K3s's data folder, by path, before it did anything.
    #[serde(default)]
    pub files: BTreeMap<String, Entry>,
    /// The node's name.
    #[serde(default)]
    pub node: Option<String>,
    /// Whether it was a member of etcd already: then `server` and `cluster-init` mean nothing.
    #[serde(default)]
    pub was_member: bool,
    /// The server that let it in.
    #[serde(default)]
    pub joined: Option<String>,
    /// A server's hash of its authority, as in a token.
    #[serde(default)]
    pub ca_hash: Option<String>,
    /// A server's port.
    #[serde(default)]
    pub port: Option<u16>,
    /// Why it did not start.
    #[serde(default)]
    pub refused: Option<String>,
}

/// What a start depends on; empty where the stand-in reads another root than the machine's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Surroundings {
    /// The addresses that are valid beyond the link.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Whether there was a default route, without which K3s does not start.
    #[serde(default)]
    pub has_default_route: bool,
    /// Whether the clock was set by NTP.
    #[serde(default)]
    pub synchronized: bool,
    /// Which of the kernel modules that K3s needs were loaded.
    #[serde(default)]
    pub modules: Vec<String>,
}

/// A file, folder or link that the stand-in found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// The permissions.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
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
    /// The line that cannot be read.
    pub fn read_all(report: &str) -> Result<Vec<Self>, String> {
        report
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|error| format!("{error}: {line}")))
            .collect()
    }
}

/// Starts the stand-in in a host of a lab: `k3s WORDS`. It reads the host's own files, and reports to [`REPORT`] in it.
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

/// A real K3s, by the path in `FMC_K3S`; it is in no registry, so nobody fetches it.
///
/// # Errors
///
/// Why there is none: what a test then says.
///
/// # Panics
///
/// When `FMC_K3S` names something that is no file: that is a mistake, not the absence of one.
pub fn binary() -> Result<PathBuf, String> {
    let Some(path) = std::env::var_os("FMC_K3S").filter(|value| !value.is_empty()).map(PathBuf::from) else {
        return Err(
            "FMC_K3S is not set: it is the path of a k3s binary, which this test would run".to_owned()
        );
    };
    assert!(path.is_file(), "FMC_K3S: {} is no file", path.display());
    Ok(path)
}

/// A real K3s, or `None` and a line on standard error that says which test did not run, and why.
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
