//! Programs of Python's registry that read manifests of Kubernetes without a cluster.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::Refused;
use crate::program::{python, run};
use crate::tree::{scratch, write};

/// The version of kubernetes-validate, which has the schemas up to its own version.
const VALIDATE: &str = "kubernetes-validate==1.36.0";

const CHECKOV: &str = "checkov==3.3.30";

/// Reads objects by the schemas of a version of Kubernetes, as `1.36`, and refuses what these do not know: types, names of fields,
/// values of enumerations. What is missing, deprecated or unknown to it is a refusal too.
///
/// # Errors
///
/// Its complaints, with the object's place in the list.
///
/// # Panics
///
/// When it cannot be installed, which takes ten seconds once and needs Python's registry.
pub fn validate(objects: &[Value], version: &str) -> Result<(), Refused> {
    let folder = scratch();
    let file = write_list(folder.path(), objects);
    let main = "import sys; from kubernetes_validate.__main__ import main; sys.exit(main())";
    let mut command = program("kubernetes-validate", VALIDATE, main);
    let verdict = run(command.args(["--strict", "--quiet", "--kubernetes-version", version]).arg(file));
    if verdict.stdout.trim().is_empty() { verdict.silent_success().map(drop) } else { Err(verdict.refused()) }
}

/// The rules of Checkov that objects break: each with the object, as `CKV_K8S_43 Deployment.shop.web`, sorted.
///
/// # Panics
///
/// When it cannot be installed, which takes two minutes once and needs Python's registry, and when its answer cannot be read.
#[must_use]
#[expect(clippy::panic, reason = "a test that could not run is never green")]
pub fn checkov(objects: &[Value]) -> Vec<String> {
    let folder = scratch();
    let file = write_list(folder.path(), objects);
    let main = "import sys; from checkov.main import Checkov; sys.exit(Checkov().run())";
    let mut command = program("checkov", CHECKOV, main);
    command.args([
        "--framework",
        "kubernetes",
        "--output",
        "json",
        "--soft-fail",
        "--quiet",
        "--compact",
        "--file",
    ]);
    let verdict = run(command.arg(file));
    let said = verdict.success().unwrap_or_else(|refused| panic!("{refused}"));
    let answer: Value =
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("checkov: {error}: {said}"));
    let count = |what: &str| answer.pointer(&format!("/summary/{what}")).and_then(Value::as_u64);
    assert!(count("passed") > Some(0) && count("parsing_errors") == Some(0), "checkov read nothing: {said}");
    let failed = answer.pointer("/results/failed_checks").and_then(Value::as_array);
    let text =
        |check: &Value, key: &str| check.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let failed = failed.into_iter().flatten();
    let mut broken: Vec<String> =
        failed.map(|check| format!("{} {}", text(check, "check_id"), text(check, "resource"))).collect();
    broken.sort_unstable();
    broken
}

/// A program of a package, started by some lines of Python, which alone sees the package's folder.
#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn program(name: &str, package: &str, main: &str) -> Command {
    let folder = xtask::python::packages(name, &[package]).unwrap_or_else(|failure| panic!("{failure}"));
    let mut command = Command::new(python());
    command.env("PYTHONPATH", folder).env("PYTHONDONTWRITEBYTECODE", "1").args(["-c", main]);
    command
}

/// Writes objects into one file. JSON is YAML.
fn write_list(folder: &Path, objects: &[Value]) -> std::path::PathBuf {
    let texts: Vec<String> = objects.iter().map(|object| format!("{object:#}")).collect();
    let path = folder.join("objects.yaml");
    write(&path, format!("---\n{}\n", texts.join("\n---\n")).as_bytes());
    path
}
