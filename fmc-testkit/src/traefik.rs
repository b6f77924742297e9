//! Traefik, and its own readers of configurations.
//!
//! Debian has no Traefik, so it is built from its Go modules. The registry lacks some that it requires: the clients of clouds by which
//! ACME answers in DNS, of which this Traefik has none, and a fork of a module for passwords of users, in whose place it lets
//! nobody in. Nothing else is another Traefik's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::Refused;
use crate::go::{go, kept};
use crate::program::run;
use crate::tree::{copy, or_panic, scratch, write};

const MODULE: &str = "github.com/traefik/traefik/v3";
const VERSION: &str = "v3.7.13";
const MAIN: &str = include_str!("traefik/main.go");

/// A module that Traefik's own build replaces by a folder. The published module lacks the folder. Its types
/// have no fields; other builds add them.
const EXT: &str = "github.com/traefik/traefik/dynamic/ext";
const EXT_GO: &str = "package ext\n\n// HTTP adds nothing.\ntype HTTP struct{}\n\n// Router adds nothing.\ntype Router struct{}\n";

/// Traefik's client of ACME, with the one package that is replaced.
const LEGO: &str = "github.com/go-acme/lego/v5";
const LEGO_GO: &str = include_str!("traefik/none.go");

/// Passwords of users: Traefik requires a fork, which has two functions more.
const AUTH: &str = "github.com/abbot/go-http-auth";
const AUTH_GO: &str = include_str!("traefik/more.go");

/// Traefik itself.
///
/// The first call builds it. That takes ten minutes and needs Go 1.26 and the Go module registry, so
/// it is for the slow tier. It is kept in `FMC_TRAEFIK_CACHE`, or `fmc-traefik` in the user's cache
/// folder.
///
/// # Panics
///
/// When it cannot be built, with Go's output.
#[must_use]
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built_of = [VERSION, MAIN, EXT_GO, LEGO_GO, AUTH_GO].map(str::to_owned);
        kept("traefik", &built_of, build)
    })
}

/// Checks a dynamic configuration in YAML. It needs what [`program`] needs.
///
/// # Errors
///
/// The complaint of Traefik's file provider.
///
/// # Panics
///
/// As [`program`] does.
pub fn check(dynamic: &str) -> Result<(), Refused> {
    let folder = scratch();
    let file = folder.path().join("dynamic.yml");
    write(&file, dynamic.as_bytes());
    run(Command::new(judge()).arg(file)).silent_success().map(drop)
}

/// Checks arguments of Traefik's program, as `--accesslog=true`: its static configuration. It needs what [`program`] needs.
///
/// # Errors
///
/// The complaint of Traefik's own reader.
///
/// # Panics
///
/// As [`program`] does.
pub fn takes(arguments: &[&str]) -> Result<(), Refused> {
    run(Command::new(judge()).arg("static").args(arguments)).silent_success().map(drop)
}

/// The program of `main.go`, which lies beside it.
fn judge() -> PathBuf {
    program().with_file_name("judge")
}

fn build(folder: &Path) {
    let source = downloaded(folder, MODULE, VERSION);
    // Traefik's own requirements and replacements. Go uses them only for the main module, so they are copied.
    for name in ["go.mod", "go.sum"] {
        let path = source.join(name);
        write(&folder.join(name), or_panic(fs::read_to_string(&path), &path).as_bytes());
    }
    write(&folder.join("main.go"), MAIN.as_bytes());
    write(&folder.join("ext/ext.go"), EXT_GO.as_bytes());
    write(&folder.join("ext/go.mod"), format!("module {EXT}\n\ngo 1.22\n").as_bytes());
    let said = go(folder, &["list", "-mod=mod", "-m", "-f", "{{.Version}}", LEGO]);
    let lego = folder.join("lego");
    copy(&downloaded(folder, LEGO, said.trim()), &lego);
    let providers = lego.join("providers/dns");
    or_panic(fs::remove_dir_all(&providers), &providers);
    write(&providers.join("none.go"), LEGO_GO.as_bytes());
    let auth = folder.join("auth");
    let published = downloaded(folder, AUTH, "v0.4.0");
    for name in ["auth", "basic", "digest", "md5crypt", "misc", "users"].map(|name| format!("{name}.go")) {
        let path = published.join(&name);
        write(&auth.join(&name), or_panic(fs::read_to_string(&path), &path).as_bytes());
    }
    write(&auth.join("more.go"), AUTH_GO.as_bytes());
    write(&auth.join("go.mod"), format!("module {AUTH}\n\ngo 1.22\n").as_bytes());
    let require = format!("-require={MODULE}@{VERSION}");
    let replaced = [(EXT, "./ext"), (LEGO, "./lego"), (AUTH, "./auth")];
    let replaced = replaced.map(|(module, place)| format!("-replace={module}={place}"));
    go(
        folder,
        &[&["mod", "edit", "-module=judge", &require], &replaced.each_ref().map(String::as_str)[..]].concat(),
    );
    let program = format!("{MODULE}/cmd/traefik");
    for (name, package) in [("judge", "."), ("traefik", program.as_str())] {
        go(folder, &["build", "-mod=mod", "-trimpath", "-o", name, "-ldflags", "-s -w", package]);
    }
    or_panic(fs::remove_dir_all(&lego), &lego);
}

/// The folder of a module's published version.
#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn downloaded(folder: &Path, module: &str, version: &str) -> PathBuf {
    let said = go(folder, &["mod", "download", "-json", &format!("{module}@{version}")]);
    let downloaded: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    match downloaded.get("Dir").and_then(serde_json::Value::as_str) {
        Some(place) => PathBuf::from(place),
        None => panic!("go mod download: {said}"),
    }
}
