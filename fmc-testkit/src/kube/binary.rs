//! The single binary with etcd, API server, controller manager, scheduler and kubectl, built from Go modules.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::go::{go, kept};
use crate::tree::{or_panic, write};

/// The sources of the build.
const SOURCES: [&str; 3] = ["go.mod", "go.sum", "main.go"];

/// The commits of releases. The build writes them into the version, beside the number that `go.mod` requires.
const COMMITS: [(&str, &str); 1] = [("v1.36.2", "24e2b02af5543d7910c2bb074c7264df5a8f0467")];

/// The binary. A missing one is built, which takes about seven minutes and needs Go 1.26 and the Go module
/// registry. It is kept in `FMC_KUBE_CACHE`, or `fmc-kube` in the user's cache folder, once for each state of
/// its sources (`kube/` of this crate); if several processes ask at once, one builds.
///
/// # Panics
///
/// When the build fails, with Go's output.
#[must_use]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(prepare)
}

fn prepare() -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("kube");
    let texts = SOURCES.map(|name| {
        let path = sources.join(name);
        or_panic(fs::read_to_string(&path), &path)
    });
    kept("kube", &texts, |folder| {
        for (name, text) in SOURCES.iter().zip(&texts) {
            write(&folder.join(name), text.as_bytes());
        }
        go(folder, &["build", "-trimpath", "-o", "kube", "-ldflags", &flags(&texts), "."]);
    })
}

/// The linker flags for the version that the binary prints, from its sources.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_sources() {
        let texts = ["module kube\nrequire (\n\tk8s.io/kubernetes v1.36.2\n)\n".to_owned()];
        let flags = flags(&texts);
        assert!(flags.contains("gitVersion=v1.36.2 ") && flags.contains("gitMinor=36 "), "{flags}");
    }
}
