//! The Prometheus operator, built from Go modules, with the file that its project publishes.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::go::{go, kept};
use crate::kube::ControlPlane;
use crate::tree::{or_panic, scratch, write};

const VERSION: &str = "v0.93.0";
const MODULE: &str = "github.com/prometheus-operator/prometheus-operator";

/// The file that the project publishes for a version.
const BUNDLE: &str = "bundle.yaml";

/// An operator that runs beside a control plane, as its administrator. It ends with the value.
pub struct PrometheusOperator {
    child: Child,
    folder: TempDir,
}

impl PrometheusOperator {
    /// Starts it. The definitions of its kinds must be there.
    ///
    /// # Panics
    ///
    /// When it cannot be built or started. The first build takes some ten minutes, and needs Go 1.26 and the Go module registry. It is kept in
    /// `FMC_PROMETHEUS_OPERATOR_CACHE`, or `fmc-prometheus_operator` in the user's cache folder.
    #[must_use]
    pub fn start(plane: &ControlPlane) -> Self {
        let folder = scratch();
        let path = folder.path().join("operator.log");
        let log = or_panic(File::create(&path), &path);
        let (authority, certificate, key) = plane.administrator();
        let port = or_panic(TcpListener::bind("127.0.0.1:0"), Path::new("127.0.0.1"));
        let address = or_panic(port.local_addr(), Path::new("127.0.0.1"));
        drop(port);
        let mut command = Command::new(binary());
        command
            .arg(format!("-apiserver={}", plane.url()))
            .arg(format!("-ca-file={}", authority.display()))
            .arg(format!("-cert-file={}", certificate.display()))
            .arg(format!("-key-file={}", key.display()))
            .arg(format!("-web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(or_panic(log.try_clone(), &path))
            .stderr(log);
        Self { child: or_panic(command.spawn(), binary()), folder }
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("operator.log")).unwrap_or_default()
    }

    /// The file that its project publishes: definitions, rights, and its pods.
    ///
    /// # Panics
    ///
    /// As [`PrometheusOperator::start`].
    #[must_use]
    pub fn bundle() -> String {
        let path = binary().with_file_name(BUNDLE);
        or_panic(fs::read_to_string(&path), &path)
    }
}

impl Drop for PrometheusOperator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| kept("prometheus_operator", &[VERSION.to_owned()], build))
}

#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn build(folder: &Path) {
    let module = format!("{MODULE}@{VERSION}");
    let said = go(folder, &["mod", "download", "-json", &module]);
    let downloaded: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let Some(source) = downloaded.get("Dir").and_then(serde_json::Value::as_str).map(Path::new) else {
        panic!("go mod download: {said}")
    };
    // Its own requirements: Go uses them only for the main module. It replaces two modules by folders, which are published too.
    for name in ["go.mod", "go.sum", BUNDLE] {
        let path = source.join(name);
        write(&folder.join(name), or_panic(fs::read_to_string(&path), &path).as_bytes());
    }
    let drops = ["pkg/apis/monitoring", "pkg/client"].map(|name| format!("-dropreplace={MODULE}/{name}"));
    let require = format!("-require={module}");
    go(folder, &["mod", "edit", "-module=operator", &require, &drops[0], &drops[1]]);
    let command = format!("{MODULE}/cmd/operator");
    go(
        folder,
        &["build", "-mod=mod", "-trimpath", "-o", "prometheus_operator", "-ldflags", "-s -w", &command],
    );
}
