//! The commands of a program whose cloud has a platform, each as a process.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Its exit code, standard output and standard error.
fn run(folder: &TempDir, arguments: &str) -> (i32, String, String) {
    run_of(env!("CARGO_BIN_EXE_fmc-platform"), folder, arguments)
}

/// The same of the program whose cloud is in a file.
fn run_file(folder: &TempDir, arguments: &str) -> (i32, String, String) {
    run_of(env!("CARGO_BIN_EXE_fmc-platform-file"), folder, arguments)
}

fn run_of(program: &str, folder: &TempDir, arguments: &str) -> (i32, String, String) {
    let mut command = Command::new(program);
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

#[test]
fn a_destroyed_cloud_has_no_cluster_in_its_simulation() {
    let folder = TempDir::new().unwrap();
    done(&folder, "apply");
    // A part goes by its name, and the rest stays.
    let part = done(&folder, "destroy --yes --only deployment/web");
    assert!(part.contains("- deployment shop/web") && part.contains("1 step done"), "{part}");
    assert_eq!(run(&folder, "plan --detailed-exitcode").0, 2);
    let plan = done(&folder, "plan --only deployment/web");
    assert!(plan.contains("+ deployment shop/web") && !plan.contains("service shop/web"), "{plan}");
    let gone = done(&folder, "destroy --yes");
    let said = "the cluster goes with its machines, and with it the namespace shop with";
    assert!(gone.contains("- api prod") && gone.contains(said), "{gone}");
    assert!(!folder.path().join("shop.kubernetes.sim.json").exists());
    let again = done(&folder, "plan");
    assert!(again.contains("+ api prod") && again.contains("the API of prod answers"), "{again}");
}

#[test]
fn what_was_waited_for_is_called_by_its_name() {
    let folder = TempDir::new().unwrap();
    let (_, out, err) = run(&folder, "apply");
    assert!(out.contains("1 deployment up."), "{out}");
    let waits = "kubernetes/prod/deployment/shop/web: waits up to 300 s until its pods are ready";
    assert!(err.contains(waits), "{err}");
}

#[test]
fn a_saved_plan_that_meets_a_strangers_object_says_it_in_plain_words() {
    let folder = TempDir::new().unwrap();
    done(&folder, "apply");
    done(&folder, "destroy --yes --only namespace/shop");
    done(&folder, "plan --out saved.json");
    // Somebody makes the namespace.
    let file = folder.path().join("shop.kubernetes.sim.json");
    let mut state: serde_json::Value = match fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text).unwrap(),
        Err(_) => serde_json::json!({}),
    };
    let mut objects: Vec<serde_json::Value> =
        serde_json::from_str(state["prod"].as_str().unwrap_or("[]")).unwrap();
    objects.push(
        serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop", "uid": "theirs" } }),
    );
    state["prod"] = serde_json::to_string(&objects).unwrap().into();
    fs::write(&file, state.to_string()).unwrap();
    let (code, out, err) = run(&folder, "apply saved.json");
    assert_eq!(code, 1, "{out}{err}");
    let said = "namespace shop: fmc did not make it: give shop another name, or delete that one";
    assert!(err.contains(said) && err.contains("plan again") && err.contains("nothing was done"), "{err}");
}

#[test]
fn the_cloud_that_init_writes_has_a_platform_and_is_right() {
    let folder = TempDir::new().unwrap();
    for name in ["cloud.yaml", "cloud.toml", "cloud.json"] {
        let said = done(&folder, &format!("init {name}"));
        assert!(said.contains("reads no file") && !said.contains("-f "), "{said}");
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text.contains("platform"), "{text}");
        let (code, out, err) = run_file(&folder, &format!("-f {name} check"));
        assert_eq!(code, 0, "{out}{err}");
        let (code, out, err) = run_file(&folder, &format!("-f {name} plan"));
        assert!(code == 0 && out.contains("1 deployment"), "{out}{err}");
    }
}

#[test]
fn mistakes_in_a_file_are_told_as_those_of_machines_are() {
    let folder = TempDir::new().unwrap();
    done(&folder, "init cloud.yaml");
    let right = fs::read_to_string(folder.path().join("cloud.yaml")).unwrap();
    for (from, to, said) in [
        ("- platform:", "- platfrom:", "the role `platfrom` is not known here"),
        ("- platform:", "- platfrom:", "did you mean `platform`?"),
        ("replicas: 2", "replcas: 2", "roles[0].platform.namespaces[0].deployments[0]"),
        ("replicas: 2", "replcas: 2", "did you mean `replicas`?"),
        ("replicas: 2", "replicas: -1", "roles[0].platform.namespaces[0].deployments[0].replicas"),
        ("scratch: 16", "scrach: 16", "did you mean `scratch`?"),
        ("cpu: 100m", "cpu: lots", "it is a number of CPUs (2, 0.5) or of thousandths (250m)"),
        ("path: /tmp", "path: tmp", "it does not begin with '/'"),
        ("path: /healthz", "path: healthz", "write /healthz"),
        ("number: 8080", "number: 0", "say a number from 1 to 65535"),
        ("http:\n              path", "htp:\n              path", "did you mean `http`?"),
    ] {
        assert!(right.contains(from), "{from}: {right}");
        fs::write(folder.path().join("wrong.yaml"), right.replacen(from, to, 1)).unwrap();
        let (code, out, err) = run_file(&folder, "-f wrong.yaml check");
        assert!(code == 1 || code == 64, "{to}: {code}: {out}{err}");
        assert!(format!("{out}{err}").contains(said), "{to}: {said}: {out}{err}");
    }
}

#[test]
fn what_a_platform_left_is_told_and_goes_when_a_person_asks() {
    let folder = TempDir::new().unwrap();
    done(&folder, "init cloud.yaml");
    let right = fs::read_to_string(folder.path().join("cloud.yaml")).unwrap();
    assert_eq!(run_file(&folder, "-f cloud.yaml apply --yes").0, 0);
    let (without, _) = right.split_once("roles:").unwrap();
    fs::write(folder.path().join("cloud.yaml"), without).unwrap();
    let (code, out, err) = run_file(&folder, "-f cloud.yaml plan --detailed-exitcode");
    let said = "it stays with the 6 objects in it";
    assert!(
        code == 2 && out.contains(said) && out.contains("--delete-data cluster/prod"),
        "{code}: {out}{err}"
    );
    let (code, out, err) = run_file(&folder, "-f cloud.yaml apply --yes --delete-data cluster/prod");
    assert!(code == 0 && out.contains("- deployment shop/web"), "{code}: {out}{err}");
    assert_eq!(run_file(&folder, "-f cloud.yaml plan --detailed-exitcode").0, 0);
}

#[test]
fn pods_that_are_not_ready_are_told_by_plan_and_status() {
    let folder = TempDir::new().unwrap();
    done(&folder, "apply");
    // The pods of the simulation's deployment stop.
    let file = folder.path().join("shop.kubernetes.sim.json");
    let state = fs::read_to_string(&file).unwrap();
    let was = r#"\"availableReplicas\": 2"#;
    assert!(state.contains(was), "{state}");
    fs::write(&file, state.replace(was, r#"\"availableReplicas\": 0"#)).unwrap();
    let (code, out, err) = run(&folder, "plan --detailed-exitcode");
    assert!(code == 2 && out.contains("pods not ready -> ready (0 of 2 pods are available"), "{out}{err}");
    let (code, out, err) = run(&folder, "status");
    assert!(code == 2 && out.contains("deployment/shop/web: there, its pods are not ready"), "{out}{err}");
    let (code, out, err) = run(&folder, "apply");
    assert!(code == 1 && out.contains("1 deployment not up"), "{out}{err}");
    assert!(err.contains("its pods were not ready within 300 s: 0 of 2 pods are available"), "{err}");
}
