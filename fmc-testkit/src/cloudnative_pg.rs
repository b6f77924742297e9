//! CloudNativePG, built from Go modules, with the file that its project publishes. Its admission webhooks are asked at an address of this
//! machine, since a control plane without nodes reaches no pods.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::go::{go, kept};
use crate::kube::ControlPlane;
use crate::openssl::Authority;
use crate::tree::{or_panic, scratch, write};

const VERSION: &str = "v1.30.0";
const MODULE: &str = "github.com/cloudnative-pg/cloudnative-pg";

/// The file that the project publishes for a version, below its source.
const FILE: &str = "releases/cnpg-1.30.0.yaml";

/// The way to its webhooks in that file, up to the path of each.
const SERVICE: &str =
    "    service:\n      name: cnpg-webhook-service\n      namespace: cnpg-system\n      path: ";

/// The operator: where its webhooks are, and the program once it runs beside a control plane. It ends with the value.
pub struct CloudNativePg {
    folder: TempDir,
    authority: Authority,
    port: u16,
    running: Option<Child>,
}

impl CloudNativePg {
    /// An operator that does not run yet.
    ///
    /// # Panics
    ///
    /// When it cannot be built. The first build takes some 20 minutes, and needs Go 1.26 and the Go module registry. It is kept in
    /// `FMC_CLOUDNATIVE_PG_CACHE`, or `fmc-cloudnative_pg` in the user's cache folder.
    #[must_use]
    pub fn new() -> Self {
        let (folder, authority) = (scratch(), Authority::new("webhooks"));
        let certificate = authority.server("apiserver", &["IP:127.0.0.1"]);
        // The names are those of its setting `WEBHOOK_CERT_DIR`.
        for (from, name) in [(&certificate.certificate, "apiserver.crt"), (&certificate.key, "apiserver.key")]
        {
            write(&folder.path().join(name), &or_panic(fs::read(from), from));
        }
        // It looks for the program of each architecture below the folder that it runs in, to give it to instances.
        let programs = folder.path().join("operator");
        or_panic(fs::create_dir(&programs), &programs);
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let program = programs.join(format!("manager_{architecture}"));
        or_panic(symlink(binary(), &program), &program);
        Self { folder, authority, port: free_port(), running: None }
    }

    /// The file that its project publishes: definitions, rights, its pods and its webhooks, which are asked at this machine.
    ///
    /// # Panics
    ///
    /// When the file names its webhooks in another way.
    #[must_use]
    pub fn manifests(&self) -> String {
        let path = binary().with_file_name("cnpg.yaml");
        let text = or_panic(fs::read_to_string(&path), &path);
        assert!(text.contains(SERVICE), "{} has no webhooks at the known service", path.display());
        let authority = self.authority.own().certificate;
        let bundle = STANDARD.encode(or_panic(fs::read(&authority), &authority));
        let there = format!("    caBundle: {bundle}\n    url: https://127.0.0.1:{}", self.port);
        text.replace(SERVICE, &there)
    }

    /// Starts it, as the administrator of a control plane. The definitions of its kinds must be there.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn start(&mut self, plane: &ControlPlane) {
        let (path, kubeconfig) = (self.log_file(), self.folder.path().join("kubeconfig"));
        write(&kubeconfig, plane.kubeconfig().as_bytes());
        let log = or_panic(OpenOptions::new().create(true).append(true).open(&path), &path);
        let errors: File = or_panic(log.try_clone(), &path);
        let mut command = Command::new(binary());
        command
            .arg("controller")
            .arg(format!("--webhook-port={}", self.port))
            .arg(format!("--metrics-bind-address=127.0.0.1:{}", free_port()))
            .current_dir(self.folder.path())
            .env("KUBECONFIG", kubeconfig)
            .env("OPERATOR_NAMESPACE", "cnpg-system")
            .env("OPERATOR_IMAGE_NAME", "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0")
            .env("MONITORING_QUERIES_CONFIGMAP", "cnpg-default-monitoring")
            .env("WEBHOOK_CERT_DIR", self.folder.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        self.running = Some(or_panic(command.spawn(), binary()));
    }

    /// Ends it: its webhooks do not answer any more.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The log of all its runs.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("operator.log")
    }
}

impl Default for CloudNativePg {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for CloudNativePg {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port of this machine that nothing listens at.
fn free_port() -> u16 {
    let here = Path::new("127.0.0.1");
    let listener = or_panic(TcpListener::bind("127.0.0.1:0"), here);
    or_panic(listener.local_addr(), here).port()
}

fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| kept("cloudnative_pg", &[VERSION.to_owned()], build))
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
    for (from, to) in [("go.mod", "go.mod"), ("go.sum", "go.sum"), (FILE, "cnpg.yaml")] {
        let path = source.join(from);
        write(&folder.join(to), or_panic(fs::read_to_string(&path), &path).as_bytes());
    }
    go(folder, &["mod", "edit", "-module=operator", &format!("-require={module}")]);
    let command = format!("{MODULE}/cmd/manager");
    go(folder, &["build", "-mod=mod", "-trimpath", "-o", "cloudnative_pg", "-ldflags", "-s -w", &command]);
}
