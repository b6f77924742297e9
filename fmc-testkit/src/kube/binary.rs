//! The one binary with etcd, API server, controller manager, scheduler and kubectl, built from Go modules.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::program::command;
use crate::tree::{make_folder, or_panic};

/// What it is built of.
const SOURCES: [&str; 3] = ["go.mod", "go.sum", "main.go"];

/// What the build says of the version, beside what `go.mod` requires; the commit is that of the release.
const COMMITS: [(&str, &str); 1] = [("v1.36.2", "24e2b02af5543d7910c2bb074c7264df5a8f0467")];

/// The binary, built if it is not there yet: that takes about seven minutes, needs Go 1.26 and the Go module registry. It is kept in
/// `FMC_KUBE_CACHE`, or `fmc-kube` in the user's cache folder, once for each state of its sources; of several that ask at once, one
/// builds. The sources (`go.mod`, `go.sum`, `main.go`) are in `FMC_KUBE`, or in `../shared/kube` beside the workspace.
///
/// # Panics
///
/// When the sources are not there, and when it cannot be built, with what Go says.
#[must_use]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(prepare)
}

#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn prepare() -> PathBuf {
    let sources = sources();
    let texts = SOURCES.map(|name| {
        let path = sources.join(name);
        or_panic(fs::read_to_string(&path), &path)
    });
    let base = base();
    let folder = base.join(format!("{:016x}", key(&texts)));
    let binary = folder.join("kube");
    if binary.is_file() {
        return binary;
    }
    make_folder(&base);
    let lock = base.join("lock");
    or_panic(or_panic(File::create(&lock), &lock).lock(), &lock);
    if binary.is_file() {
        return binary;
    }
    let beside = base.join("being-built");
    let _ = fs::remove_dir_all(&beside);
    make_folder(&beside);
    for (name, text) in SOURCES.iter().zip(&texts) {
        let path = beside.join(name);
        or_panic(fs::write(&path, text), &path);
    }
    let mut build = go();
    build.current_dir(&beside).env("CGO_ENABLED", "0").env("GOFLAGS", "-buildvcs=false");
    build.args(["build", "-trimpath", "-o", "kube", "-ldflags", &flags(&texts), "."]);
    let output = or_panic(build.output(), Path::new("go"));
    if !output.status.success() {
        panic!("the control plane could not be built: {}", String::from_utf8_lossy(&output.stderr));
    }
    or_panic(fs::rename(&beside, &folder), &folder);
    binary
}

#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn sources() -> PathBuf {
    let told = std::env::var_os("FMC_KUBE").filter(|value| !value.is_empty()).map(PathBuf::from);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default();
    // A second checkout of the workspace may lie one folder deeper.
    let beside = ["../shared/kube", "../../shared/kube"].map(|path| workspace.join(path));
    told.into_iter().chain(beside).find(|folder| folder.join("main.go").is_file()).unwrap_or_else(|| {
        panic!("the sources of the control plane are not in ../shared/kube: FMC_KUBE says where they are")
    })
}

#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn base() -> PathBuf {
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("FMC_KUBE_CACHE")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("fmc-kube")))
        .or_else(|| Some(folder("HOME")?.join(".cache/fmc-kube")))
        .unwrap_or_else(|| panic!("no HOME: FMC_KUBE_CACHE says where the control plane is kept"))
}

/// Go from the path, or from where its own archive puts it.
fn go() -> Command {
    let usual = Path::new("/usr/local/go/bin/go");
    let is_in_path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("go").is_file());
    if !is_in_path && usual.is_file() { Command::new(usual) } else { command("go") }
}

/// What the binary says of its version, from what it is built of.
fn flags(texts: &[String]) -> String {
    let required = texts.first().and_then(|text| {
        text.split_whitespace().skip_while(|word| *word != "k8s.io/kubernetes").nth(1).map(str::to_owned)
    });
    let version = required.unwrap_or_default();
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let commit = COMMITS.iter().find(|(known, _)| *known == version).map_or("", |(_, commit)| commit);
    let of = "-X k8s.io/component-base/version.git";
    format!(
        "-s -w {of}Version={version} {of}Major={major} {of}Minor={minor} {of}TreeState=clean {of}Commit={commit}"
    )
}

/// FNV-1a over the sources.
fn key(texts: &[String]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_sources() {
        let texts = ["module kube\nrequire (\n\tk8s.io/kubernetes v1.36.2\n)\n".to_owned()];
        let flags = flags(&texts);
        assert!(flags.contains("gitVersion=v1.36.2 ") && flags.contains("gitMinor=36 "), "{flags}");
        assert_ne!(key(&texts), key(&[String::new()]));
    }
}
