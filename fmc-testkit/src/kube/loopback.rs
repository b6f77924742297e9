//! A control plane for one test, on the loopback interface: etcd, an API server, the controllers, and the scheduler if it is asked for.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::{PATIENCE, binary};
use crate::Refused;
use crate::openssl::{Authority, Pair};
use crate::program::run;
use crate::tree::{or_panic, scratch, write};

/// The controllers that a test needs: none that speaks to nodes.
const CONTROLLERS: &str = "namespace-controller,serviceaccount-controller,root-ca-certificate-publisher-controller,\
    garbage-collector-controller,clusterrole-aggregation-controller,deployment-controller,replicaset-controller,\
    statefulset-controller,daemonset-controller,job-controller,cronjob-controller,resourcequota-controller,\
    disruption-controller,endpointslice-controller,persistentvolumeclaim-protection-controller,\
    persistentvolume-protection-controller,persistentvolume-binder-controller";

/// A control plane without nodes. It ends with the value.
pub struct ControlPlane {
    folder: TempDir,
    port: u16,
    authority: Authority,
    admin: Pair,
    etcd: Option<Child>,
    server: Option<Child>,
    controllers: Option<Child>,
    scheduler: Option<Child>,
}

impl ControlPlane {
    /// Starts one, and returns once it is ready and namespaces get their service accounts.
    ///
    /// # Panics
    ///
    /// When it does not start, with its logs.
    #[must_use]
    pub fn start() -> Self {
        let authority = Authority::new("kube-test");
        let admin = authority.client("admin", "system:masters");
        let port = free_port();
        let mut plane = Self {
            folder: scratch(),
            port,
            authority,
            admin,
            etcd: None,
            server: None,
            controllers: None,
            scheduler: None,
        };
        write(&plane.kubeconfig_path(), plane.kubeconfig().as_bytes());
        plane.start_etcd();
        plane.start_api_server();
        plane.until("/readyz");
        plane.start_controllers();
        plane.until("/api/v1/namespaces/default/serviceaccounts/default");
        plane
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The certificate and the key, in PEM, of the authority of its certificate and of its clients.
    #[must_use]
    pub fn authority(&self) -> (String, String) {
        let own = self.authority.own();
        (own.certificate_text(), own.key_text())
    }

    /// The files of its administrator: the certificate of its authority, and the certificate and the key of the administrator.
    #[must_use]
    pub fn administrator(&self) -> (PathBuf, PathBuf, PathBuf) {
        (self.authority.own().certificate, self.admin.certificate.clone(), self.admin.key.clone())
    }

    /// The kubeconfig of its administrator, with the certificates in it.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        let encoded = |text: String| STANDARD.encode(text);
        let authority = encoded(self.authority.own().certificate_text());
        let (certificate, key) = (encoded(self.admin.certificate_text()), encoded(self.admin.key_text()));
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters:\n- name: test\n  cluster:\n    server: https://127.0.0.1:{}\n    certificate-authority-data: {authority}\n\
             users:\n- name: admin\n  user:\n    client-certificate-data: {certificate}\n    client-key-data: {key}\n\
             contexts:\n- name: test\n  context: {{cluster: test, user: admin}}\n",
            self.port
        )
    }

    /// The output of the real kubectl.
    ///
    /// # Errors
    ///
    /// The output of kubectl when it is not admitted or fails.
    pub fn kubectl(&self, words: &[&str]) -> Result<String, Refused> {
        let mut command = Command::new(binary());
        let cache = self.folder.path().join("cache");
        command.arg("kubectl").arg("--kubeconfig").arg(self.kubeconfig_path()).arg("--cache-dir").arg(cache);
        run(command.args(words)).success()
    }

    /// Starts the scheduler, with its default plugins.
    pub fn start_scheduler(&mut self) {
        let settings = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
                        leaderElection: {leaderElect: false}\n\
                        clientConnection: {kubeconfig: kubeconfig, qps: 500, burst: 1000}\n";
        write(&self.folder.path().join("scheduler.yaml"), settings.as_bytes());
        let arguments = ["--config=scheduler.yaml", "--secure-port=0"].map(str::to_owned).to_vec();
        self.scheduler = Some(self.program("scheduler", arguments));
    }

    /// The log of one of its programs, as `scheduler`.
    #[must_use]
    pub fn log(&self, word: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{word}.log"))).unwrap_or_default()
    }

    /// Ends the API server, as a crash does. [`ControlPlane::revive`] starts it again.
    pub fn kill_api_server(&mut self) {
        end(&mut self.server);
    }

    /// Starts the API server again on its data, and returns once it is ready.
    pub fn revive(&mut self) {
        self.server = Some(self.api_server());
        self.until("/readyz");
    }

    fn kubeconfig_path(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn start_etcd(&mut self) {
        // Sockets relative to its folder: no port, and no limit of a path. etcd wants the `:0`.
        let etcd = self.program(
            "etcd",
            [
                "--name=t",
                "--data-dir=etcd",
                "--unsafe-no-fsync",
                "--log-level=warn",
                "--enable-grpc-gateway=false",
                "--listen-client-urls=unix://etcd.sock:0",
                "--advertise-client-urls=unix://etcd.sock:0",
                "--listen-peer-urls=unix://peer.sock:0",
                "--initial-advertise-peer-urls=unix://peer.sock:0",
                "--initial-cluster=t=unix://peer.sock:0",
            ]
            .map(str::to_owned)
            .to_vec(),
        );
        self.etcd = Some(etcd);
        let socket = self.folder.path().join("etcd.sock:0");
        let until = Instant::now() + PATIENCE;
        while !socket.exists() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn start_api_server(&mut self) {
        write(
            &self.folder.path().join("sa.key"),
            &or_panic(std::fs::read(self.authority.token_key()), Path::new("token.key")),
        );
        let names = ["127.0.0.1", "10.43.0.1"].map(|address| format!("IP:{address}"));
        let dns = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
            .map(|name| format!("DNS:{name}"));
        let names: Vec<&str> = names.iter().chain(&dns).map(String::as_str).collect();
        let serving = self.authority.server("kube-apiserver", &names);
        for (name, text) in [("server.crt", serving.certificate_text()), ("server.key", serving.key_text())] {
            write(&self.folder.path().join(name), text.as_bytes());
        }
        self.server = Some(self.api_server());
    }

    fn api_server(&self) -> Child {
        let authority = self.authority.own().certificate;
        self.program(
            "apiserver",
            vec![
                "--etcd-servers=unix://etcd.sock:0".to_owned(),
                "--bind-address=127.0.0.1".to_owned(),
                "--advertise-address=127.0.0.1".to_owned(),
                format!("--secure-port={}", self.port),
                "--endpoint-reconciler-type=none".to_owned(),
                "--service-cluster-ip-range=10.43.0.0/16".to_owned(),
                "--tls-cert-file=server.crt".to_owned(),
                "--tls-private-key-file=server.key".to_owned(),
                format!("--client-ca-file={}", authority.display()),
                "--authorization-mode=Node,RBAC".to_owned(),
                "--allow-privileged=true".to_owned(),
                "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
                "--service-account-key-file=sa.key".to_owned(),
                "--service-account-signing-key-file=sa.key".to_owned(),
                "--profiling=false".to_owned(),
                "--shutdown-delay-duration=0s".to_owned(),
            ],
        )
    }

    fn start_controllers(&mut self) {
        let controllers = self.program(
            "controller-manager",
            vec![
                "--kubeconfig=kubeconfig".to_owned(),
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
                "--service-account-private-key-file=sa.key".to_owned(),
                "--kube-api-qps=500".to_owned(),
                "--kube-api-burst=1000".to_owned(),
                "--profiling=false".to_owned(),
                format!("--controllers={CONTROLLERS}"),
            ],
        );
        self.controllers = Some(controllers);
    }

    fn program(&self, word: &str, arguments: Vec<String>) -> Child {
        let path = self.folder.path().join(format!("{word}.log"));
        let log = or_panic(File::options().create(true).append(true).open(&path), &path);
        let mut command = Command::new(binary());
        command.arg(word).args(arguments).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        or_panic(command.spawn(), binary())
    }

    /// Waits until the administrator gets an answer at a path.
    #[expect(clippy::panic, reason = "a test that could not run is never green")]
    fn until(&self, path: &str) {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if self.kubectl(&["get", "--raw", path]).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let logs = ["etcd", "apiserver", "controller-manager"].map(|word| self.log(word)).join("\n");
        panic!("{path} did not answer\n{logs}");
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        [&mut self.scheduler, &mut self.controllers, &mut self.server, &mut self.etcd]
            .into_iter()
            .for_each(end);
    }
}

/// Ends a process, if it was started.
fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A port that nobody has now.
fn free_port() -> u16 {
    let listener = or_panic(TcpListener::bind("127.0.0.1:0"), Path::new("127.0.0.1"));
    or_panic(listener.local_addr(), Path::new("127.0.0.1")).port()
}
