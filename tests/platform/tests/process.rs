//! The commands of a program whose cloud has a platform, each as a process.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Its exit code, standard output and standard error.
fn run(folder: &TempDir, arguments: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmc-platform"));
    command.args(arguments.split_whitespace()).current_dir(folder.path()).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or_else(|| panic!("{arguments}: {status}")), text(stdout), text(stderr))
}

#[track_caller]
fn done(folder: &TempDir, arguments: &str) -> String {
    let (code, out, err) = run(folder, arguments);
    assert_eq!(code, 0, "{arguments}: {out}{err}");
    out
}

#[test]
fn machines_and_what_runs_in_them_are_one_apply() {
    let folder = TempDir::new().unwrap();
    let plan = done(&folder, "plan");
    assert!(plan.contains("+ api prod") && plan.contains("the API of prod answers"), "{plan}");
    let events = done(&folder, "apply --json");
    let at = |address: &str| {
        let is_it =
            |line: &str| line.contains("\"event\":\"done\"") && line.contains(&format!("\"{address}\""));
        events.lines().position(is_it).unwrap_or_else(|| panic!("{address} is not done: {events}"))
    };
    assert!(at("libvirt/local/domain/node") < at("kubernetes/prod/api/prod"), "{events}");
    assert!(at("kubernetes/prod/namespace/shop") < at("kubernetes/prod/deployment/shop/web"), "{events}");
    assert_eq!(run(&folder, "plan --detailed-exitcode").0, 0);
    let status = done(&folder, "status");
    assert!(status.contains("deployment/shop/web: there"), "{status}");
}

#[test]
fn a_change_is_one_step_and_a_destroy_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    done(&folder, "apply");
    let plan = done(&folder, "--pods 3 plan");
    assert!(plan.contains("spec.replicas 2 -> 3"), "{plan}");
    done(&folder, "--pods 3 apply");
    assert_eq!(run(&folder, "--pods 3 plan --detailed-exitcode").0, 0);
    let drift = done(&folder, "--pods 3 drift");
    assert!(!drift.contains("deployment"), "{drift}");
    done(&folder, "destroy --yes");
    assert_eq!(run(&folder, "destroy --yes").0, 0);
}

#[test]
fn manifests_are_files() {
    let folder = TempDir::new().unwrap();
    done(&folder, "root-key new --out root.key");
    done(&folder, "compile --out files --root-key root.key");
    let text =
        fs::read_to_string(folder.path().join("files/kubernetes/prod/shop/web.deployment.yaml")).unwrap();
    assert!(text.contains("readOnlyRootFilesystem: true"), "{text}");
}
