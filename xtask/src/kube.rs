//! The control plane of the tests: a single binary with etcd, API server, controller manager, scheduler and kubectl, built
//! from Go modules.
//!
//! The tests use this crate's library, so that `cargo xtask test` can begin the build long before the first test asks.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::go::go;
use crate::kept::{is_kept, kept};

/// The name of the binary, and of the folder in which it is kept.
const NAME: &str = "kube";

/// The sources of the build, in `fmc-testkit/kube`.
const SOURCES: [&str; 3] = ["go.mod", "go.sum", "main.go"];

/// The variable that chooses a release: `newest` for the newest of Kubernetes, else the one that the newest K3s has.
pub const RELEASE: &str = "FMC_KUBE_RELEASE";

/// The release beside K3s's. Its modules, without the program, are in a folder of this name.
pub const NEWEST: &str = "newest";

/// The commits of releases. The build writes them into the version, beside the number that `go.mod` requires. Without one it is not said.
const COMMITS: [(&str, &str); 1] = [("v1.36.2", "24e2b02af5543d7910c2bb074c7264df5a8f0467")];

/// The binary. A missing one is built, which takes about seven minutes of two cores and needs the Go module registry, and Go 1.26 or
/// Python's registry, which has it. It is kept in `FMC_KUBE_CACHE`, or `fmc-kube` in the user's cache folder, once for each state of
/// its sources; if several processes ask at once, one builds.
///
/// # Errors
///
/// Go's output, when the build fails.
pub fn prepare() -> Result<PathBuf, Failure> {
    let texts = sources()?;
    let folder = kept(NAME, &texts, |folder| {
        for (name, text) in SOURCES.iter().zip(&texts) {
            fs::write(folder.join(name), text)?;
        }
        go(folder, &["build", "-trimpath", "-o", NAME, "-ldflags", &flags(&texts), "."]).map(drop)
    })?;
    Ok(folder.join(NAME))
}

/// Whether [`prepare`] has nothing to build.
#[must_use]
pub fn is_prepared() -> bool {
    sources().is_ok_and(|texts| is_kept(NAME, &texts))
}

fn sources() -> Result<Vec<String>, Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fmc-testkit/kube");
    let is_newest = std::env::var_os(RELEASE).is_some_and(|release| release == NEWEST);
    let read = |name: &str| {
        let is_module = name.starts_with("go.");
        let path = if is_newest && is_module { folder.join(NEWEST).join(name) } else { folder.join(name) };
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()).into())
    };
    SOURCES.iter().map(|name| read(name)).collect()
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
        assert_eq!(sources().unwrap().len(), SOURCES.len());
    }
}
