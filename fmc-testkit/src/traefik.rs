//! Checks a dynamic configuration as Traefik's file provider reads it, and arguments as its program reads them.
//!
//! Debian has no Traefik, and the whole of it cannot be built from Go modules, because the registry lacks
//! some that it requires. Its readers of configurations can be built. So the code that reads them in
//! production judges them: it refuses unknown fields and wrong types. Faults that only show when Traefik runs
//! (rules that do not parse, a service that is not used) are not found here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::Refused;
use crate::go::{go, kept};
use crate::program::run;
use crate::tree::{or_panic, scratch, write};

const VERSION: &str = "v3.7.13";
const MAIN: &str = include_str!("traefik/main.go");

/// A module that Traefik's own build replaces by a folder. The published module lacks the folder. Its types
/// have no fields; other builds add them.
const EXT: &str = "github.com/traefik/traefik/dynamic/ext";
const EXT_GO: &str = "package ext\n\n// HTTP adds nothing.\ntype HTTP struct{}\n\n// Router adds nothing.\ntype Router struct{}\n";

/// Checks a dynamic configuration in YAML.
///
/// The first call builds the judge. That takes ten minutes and needs Go 1.26 and the Go module registry, so
/// it is for the slow tier. The judge is kept in `FMC_TRAEFIK_CACHE`, or `fmc-traefik` in the user's cache
/// folder.
///
/// # Errors
///
/// The complaint of Traefik's file provider.
///
/// # Panics
///
/// When the judge cannot be built, with Go's output.
pub fn check(dynamic: &str) -> Result<(), Refused> {
    let folder = scratch();
    let file = folder.path().join("dynamic.yml");
    write(&file, dynamic.as_bytes());
    run(Command::new(judge()).arg(file)).silent_success().map(drop)
}

/// Checks arguments of Traefik's program, as `--accesslog=true`: its static configuration. It needs what [`check`] needs.
///
/// # Errors
///
/// The complaint of Traefik's own reader.
///
/// # Panics
///
/// When the judge cannot be built, with Go's output.
pub fn takes(arguments: &[&str]) -> Result<(), Refused> {
    run(Command::new(judge()).arg("static").args(arguments)).silent_success().map(drop)
}

fn judge() -> &'static Path {
    static JUDGE: OnceLock<PathBuf> = OnceLock::new();
    JUDGE.get_or_init(|| kept("traefik", &[VERSION, MAIN, EXT_GO].map(str::to_owned), build))
}

#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn build(folder: &Path) {
    let module = format!("github.com/traefik/traefik/v3@{VERSION}");
    let said = go(folder, &["mod", "download", "-json", &module]);
    let downloaded: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let Some(source) = downloaded.get("Dir").and_then(serde_json::Value::as_str).map(Path::new) else {
        panic!("go mod download: {said}")
    };
    // Traefik's own requirements and replacements. Go uses them only for the main module, so they are copied.
    for name in ["go.mod", "go.sum"] {
        let path = source.join(name);
        write(&folder.join(name), or_panic(fs::read_to_string(&path), &path).as_bytes());
    }
    write(&folder.join("main.go"), MAIN.as_bytes());
    write(&folder.join("ext/ext.go"), EXT_GO.as_bytes());
    write(&folder.join("ext/go.mod"), format!("module {EXT}\n\ngo 1.22\n").as_bytes());
    let replace = format!("-replace={EXT}=./ext");
    go(folder, &["mod", "edit", "-module=judge", &format!("-require={module}"), &replace]);
    go(folder, &["build", "-mod=mod", "-trimpath", "-o", "traefik", "-ldflags", "-s -w", "."]);
}
