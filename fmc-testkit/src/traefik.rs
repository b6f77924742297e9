//! Traefik, as its file provider reads a dynamic configuration.
//!
//! Debian has no Traefik, and the whole of it cannot be built of Go modules: some that it requires are not in the registry. Its file
//! provider can. So a configuration is judged by the code that reads it in production: unknown fields and wrong types are refused. What only
//! shows when it runs (rules that do not parse, a service that nothing names, the static configuration) is not judged here.

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

/// A module that Traefik's own build replaces by a folder, which is not in the module as it is published: types without fields, into which
/// others put more.
const EXT: &str = "github.com/traefik/traefik/dynamic/ext";
const EXT_GO: &str = "package ext\n\n// HTTP adds nothing.\ntype HTTP struct{}\n\n// Router adds nothing.\ntype Router struct{}\n";

/// A dynamic configuration in YAML.
///
/// The judge is built at the first time: that takes ten minutes, needs Go 1.26 and the Go module registry, and is for the slow tier. It is
/// kept in `FMC_TRAEFIK_CACHE`, or `fmc-traefik` in the user's cache folder.
///
/// # Errors
///
/// What Traefik's file provider says against it.
///
/// # Panics
///
/// When the judge cannot be built, with what Go says.
pub fn check(dynamic: &str) -> Result<(), Refused> {
    static JUDGE: OnceLock<PathBuf> = OnceLock::new();
    let judge = JUDGE.get_or_init(|| kept("traefik", &[VERSION, MAIN, EXT_GO].map(str::to_owned), build));
    let folder = scratch();
    let file = folder.path().join("dynamic.yml");
    write(&file, dynamic.as_bytes());
    run(Command::new(judge).arg(file)).silent_success().map(drop)
}

#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn build(folder: &Path) {
    let module = format!("github.com/traefik/traefik/v3@{VERSION}");
    let said = go(folder, &["mod", "download", "-json", &module]);
    let downloaded: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let Some(source) = downloaded.get("Dir").and_then(serde_json::Value::as_str).map(Path::new) else {
        panic!("go mod download: {said}")
    };
    // What Traefik itself is built with: its requirements and replacements, which hold for the main module only.
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
