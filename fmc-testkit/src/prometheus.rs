//! The packages by which Prometheus and Alertmanager read their configurations, as a judge.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::go::{go, kept};
use crate::tree::{or_panic, write};

/// The sources of the build.
const SOURCES: [&str; 3] = ["go.mod", "go.sum", "main.go"];

/// Loads `prometheus.yml` in a folder with the rules that it names, as Prometheus does. Gives a line for each of its jobs and alerts.
///
/// # Errors
///
/// Prometheus's own words, if it refuses a file.
///
/// # Panics
///
/// When the judge cannot be built, which takes two minutes once and needs Go 1.26 and the Go module registry.
pub fn loaded(folder: &Path) -> Result<Vec<String>, String> {
    judged(Command::new(binary()).arg(folder.join("prometheus.yml")), folder)
}

/// Loads the configuration of an Alertmanager, as Alertmanager does, with the files of its secrets. Gives a line for each receiver, with
/// its numbers of webhooks, mails and channels of Slack, and one for each of the severities, with the receiver that its alerts go to.
///
/// # Errors
///
/// Alertmanager's own words, if it refuses the file, or the secret whose file is missing.
///
/// # Panics
///
/// As [`loaded`].
pub fn alertmanager_loaded(file: &Path, severities: &[&str]) -> Result<Vec<String>, String> {
    judged(Command::new(binary()).arg("alertmanager").arg(file).args(severities), file)
}

/// The lines that a judge prints, or what it says of a mistake.
fn judged(command: &mut Command, path: &Path) -> Result<Vec<String>, String> {
    let output = or_panic(command.output(), path);
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("promcheck");
        let texts = SOURCES.map(|name| {
            let path = sources.join(name);
            or_panic(fs::read_to_string(&path), &path)
        });
        kept("promcheck", &texts, |folder| {
            for (name, text) in SOURCES.iter().zip(&texts) {
                write(&folder.join(name), text.as_bytes());
            }
            go(folder, &["build", "-trimpath", "-o", "promcheck", "-ldflags", "-s -w", "."]);
        })
    })
}
