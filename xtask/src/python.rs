//! Packages of Python's registry, kept beside each other: one folder for each set of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::kept::kept;

/// Debian's Python, which has pip by `cargo xtask setup`. The path may contain another one first.
const SYSTEM: &str = "/usr/bin/python3";

/// The folder with packages of exact versions, as `kubernetes-validate==1.36.0`, and with what they need. A missing one
/// is filled from the registry that this machine's pip is configured with; [`kept`] says where it is.
///
/// # Errors
///
/// pip's output, when it fails.
pub fn packages(name: &str, versions: &[&str]) -> Result<PathBuf, Failure> {
    let python = if Path::new(SYSTEM).is_file() { SYSTEM } else { "python3" };
    // What is compiled suits one version of Python.
    let version = said(Command::new(python).arg("--version"))?;
    let built_of: Vec<String> = versions.iter().map(|one| (*one).to_owned()).chain([version]).collect();
    kept(name, &built_of, |folder| {
        let mut pip = Command::new(python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--target",
        ]);
        said(pip.arg(folder).args(versions)).map(drop)
    })
}

fn said(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed ({}): {}", output.status, complaint.trim()).into())
}
