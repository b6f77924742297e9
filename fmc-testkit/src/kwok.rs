//! kwok, built from Go modules: the kubelets of nodes that have no machines. Pods that a scheduler binds to them get ready.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::go::{go, kept};
use crate::kube::ControlPlane;
use crate::tree::{or_panic, scratch, write};

const VERSION: &str = "v0.7.0";
const MODULE: &str = "sigs.k8s.io/kwok";

/// The nodes of a control plane: kwok says that they and their pods are ready. It ends with the value.
pub struct Kwok {
    child: Child,
    folder: TempDir,
}

impl Kwok {
    /// Starts it beside a control plane, with these nodes, each of which takes any pod.
    ///
    /// # Panics
    ///
    /// When it cannot be built or started. The first build takes some ten minutes, and needs Go 1.26 and the Go module registry. It is kept
    /// in `FMC_KWOK_CACHE`, or `fmc-kwok` in the user's cache folder.
    #[must_use]
    #[expect(clippy::panic, reason = "what the test stands on")]
    pub fn start(plane: &ControlPlane, nodes: &[&str]) -> Self {
        let folder = scratch();
        let (kubeconfig, log) = (folder.path().join("kubeconfig"), folder.path().join("kwok.log"));
        write(&kubeconfig, plane.kubeconfig().as_bytes());
        let out = or_panic(File::create(&log), &log);
        let mut command = Command::new(binary());
        command
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .arg("--manage-all-nodes=true")
            .current_dir(folder.path())
            // It reads and writes its own settings below.
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(or_panic(out.try_clone(), &log))
            .stderr(out);
        let child = or_panic(command.spawn(), binary());
        let items: Vec<_> = nodes
            .iter()
            .map(|name| {
                serde_json::json!({
                    "apiVersion": "v1",
                    "kind": "Node",
                    "metadata": { "name": name, "labels": { "kubernetes.io/hostname": name } },
                })
            })
            .collect();
        let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": items });
        let file = folder.path().join("nodes.json");
        write(&file, list.to_string().as_bytes());
        let words = ["create", "--filename", &file.display().to_string()];
        plane.kubectl(&words).unwrap_or_else(|refused| panic!("{refused}"));
        // The server adds it to each new node, and the controller that takes it away is not among those of a test.
        let words = ["taint", "nodes", "--all", "node.kubernetes.io/not-ready:NoSchedule-"];
        plane.kubectl(&words).unwrap_or_else(|refused| panic!("{refused}"));
        Self { child, folder }
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("kwok.log")).unwrap_or_default()
    }
}

impl Drop for Kwok {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| kept("kwok", &[VERSION.to_owned()], build))
}

#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn build(folder: &Path) {
    let module = format!("{MODULE}@{VERSION}");
    let said = go(folder, &["mod", "download", "-json", &module]);
    let downloaded: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let Some(source) = downloaded.get("Dir").and_then(serde_json::Value::as_str).map(Path::new) else {
        panic!("go mod download: {said}")
    };
    // Its own requirements: Go uses them only for the main module.
    for name in ["go.mod", "go.sum"] {
        let path = source.join(name);
        write(&folder.join(name), or_panic(fs::read_to_string(&path), &path).as_bytes());
    }
    go(folder, &["mod", "edit", "-module=nodes", &format!("-require={module}")]);
    let command = format!("{MODULE}/cmd/kwok");
    go(folder, &["build", "-mod=mod", "-trimpath", "-o", "kwok", "-ldflags", "-s -w", &command]);
}
