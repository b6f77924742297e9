//! Runs a container of a compiled pod by `crun`, as a kubelet would, in a host of a [`Lab`].
//!
//! The container has what the compiled objects say and nothing else: its user and groups, a read-only root, its
//! capabilities, the runtime's seccomp filter, its mounts with the owners and modes that a kubelet gives them, its
//! variables, secrets and arguments. So a missing writable folder, or a user who cannot write to a volume, makes
//! the program fail here as it does in a cluster. The readiness and liveness probes of the pod are asked from the
//! node, at the pod's address.
//!
//! What it does not prove: no registry of images is there, so the program is Debian's, of another version than the
//! image's. The root holds this machine's `/usr`, read-only, and an [`Image`] says what is the image's own: its
//! entry point and its users. One container runs, without its siblings, and without limits of CPU and memory,
//! because not every machine that runs tests hands out control groups. Network policies are judged elsewhere.

mod bundle;
mod seccomp;
mod volumes;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::Refused;
use crate::netns::{Daemon, Lab, Nic, Port};
use crate::program::{as_root, run};
use crate::tree::{give_back, scratch};

/// The time for a container to become ready, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(90);

/// The pod's address and the node's.
const ADDRESS: &str = "10.42.0.7";
const NODE: &str = "10.42.0.1/24";

/// The name of the lab's host that is the pod.
const HOST: &str = "pod";

/// What an image has beside its program, as far as it decides how the container runs.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// The words before the container's arguments. A container's own command replaces them.
    entry_point: &'static [&'static str],
    /// The image's command, if the container has no arguments.
    command: &'static [&'static str],
    /// The text of `/entrypoint.sh`.
    script: &'static str,
    /// Its users, with their groups' numbers: they are the lines of `/etc/passwd`.
    users: &'static [(&'static str, u32, u32)],
}

impl Image {
    /// Redis or Valkey, whose images start their server with arguments that begin with `--`. Debian's is Redis.
    pub const REDIS: Self = Self {
        entry_point: &["/usr/bin/redis-server"],
        command: &[],
        script: "",
        users: &[("redis", 999, 999)],
    };

    /// Prometheus.
    pub const PROMETHEUS: Self = Self {
        entry_point: &["/usr/bin/prometheus"],
        command: &[],
        script: "",
        users: &[("nobody", 65534, 65534)],
    };

    /// PostgreSQL. A script does what the image's entry point does for an empty volume: it makes a cluster with the
    /// password of the variable or file, and then starts the server.
    pub const POSTGRES: Self = Self {
        entry_point: &["/bin/sh", "/entrypoint.sh"],
        command: &["postgres"],
        script: include_str!("pod/postgres.sh"),
        users: &[("postgres", 999, 999)],
    };
}

/// A container that runs.
pub struct Pod<'lab> {
    daemon: Daemon<'lab>,
    lab: &'lab Lab,
    folder: TempDir,
}

impl<'lab> Pod<'lab> {
    /// Starts a container of a workload in a lab that has nothing yet, and returns once its readiness probe succeeds
    /// and its liveness probe too. `objects` are all objects in the form of the API that the pod may name, its
    /// workload among them; `workload` is its kind, namespace and name, as `["StatefulSet", "shop", "db"]`.
    ///
    /// # Errors
    ///
    /// The pod names something that is not among the objects, its user is root although it must not be, or the program
    /// ends or does not become ready in time: its output.
    ///
    /// # Panics
    ///
    /// When the pod has something that this judge does not know, and when `crun` is not installed.
    pub fn start(
        lab: &'lab Lab,
        objects: &[Value],
        workload: [&str; 3],
        container: &str,
        image: &Image,
    ) -> Result<Self, Refused> {
        lab.network("pods", NODE);
        lab.host(HOST, &[Nic::new("pods", format!("{ADDRESS}/24"))]);
        let folder = scratch();
        let bundle = bundle::write(folder.path(), objects, workload, container, image)?;
        // The layers of a lab's host have no control groups, and crun wants to see which version they are of.
        let script = "mount -t tmpfs tmpfs /sys/fs/cgroup && exec \"$@\"";
        let path = folder.path().display().to_string();
        let mut words = vec!["sh", "-c", script, "pod.sh"];
        words.extend(CRUN);
        words.extend(["run", "--bundle", &path, HOST]);
        let daemon = lab.daemon(HOST, &words);
        let mut pod = Self { daemon, lab, folder };
        pod.ready(&bundle)?;
        Ok(pod)
    }

    /// The output of a program in the container, with the container's user and mounts.
    ///
    /// # Errors
    ///
    /// The program's output when it fails.
    pub fn run(&self, words: &[&str]) -> Result<String, Refused> {
        let mut all = CRUN.to_vec();
        all.extend(["exec", HOST]);
        all.extend(words);
        self.lab.run(HOST, &all)
    }

    /// The output of its program so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// The folder of one of its volumes, outside of the container.
    #[must_use]
    pub fn volume(&self, name: &str) -> std::path::PathBuf {
        volumes::folder(self.folder.path(), name)
    }

    /// Waits for the readiness probe, and asks the liveness probe once.
    fn ready(&mut self, container: &bundle::Written) -> Result<(), Refused> {
        let Some(ready) = &container.ready else {
            return Err(Refused::new(
                "pod",
                "the container has no readiness probe: nothing tells whether it works",
            ));
        };
        let started = Instant::now();
        let mut last = String::new();
        loop {
            if !self.daemon.is_running() {
                return Err(Refused::new("pod", format!("{}(it ended)", self.log())));
            }
            match self.answers(ready, container) {
                Ok(()) => break,
                Err(refused) => refused.words().clone_into(&mut last),
            }
            if started.elapsed() > PATIENCE {
                let log = self.log();
                return Err(Refused::new("pod", format!("{log}(not ready within {PATIENCE:?}: {last})")));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        match &container.alive {
            Some(alive) => self.answers(alive, container).map_err(|refused| self.ended(&refused)),
            None => Ok(()),
        }
    }

    /// The refusal of a probe, with what the program said. One that was ready and ended at once tells why when it has ended.
    fn ended(&mut self, refused: &Refused) -> Refused {
        let started = Instant::now();
        while self.daemon.is_running() && started.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(100));
        }
        Refused::new("pod", format!("{}({})", self.log(), refused.words()))
    }

    /// Asks a probe once, from the node.
    #[expect(clippy::panic, reason = "a judge must not pass over what it does not know")]
    fn answers(&self, probe: &Value, container: &bundle::Written) -> Result<(), Refused> {
        let port = |of: &Value| -> Port {
            let number = of.get("port").and_then(|port| container.port(port));
            Port::tcp(number.unwrap_or_else(|| panic!("no port of the container: {of}")))
        };
        if let Some(of) = probe.get("httpGet") {
            let path = of.get("path").and_then(Value::as_str).unwrap_or("/");
            let port = port(of).to_string().replace("tcp:", "");
            let url = format!("http://{ADDRESS}:{port}{path}");
            let curl = [
                "curl",
                "--silent",
                "--show-error",
                "--fail",
                "--max-time",
                "5",
                "--output",
                "/dev/null",
                &url,
            ];
            self.lab.run(Lab::ROUTER, &curl).map(drop)
        } else if let Some(of) = probe.get("tcpSocket") {
            let port = port(of);
            if self.lab.reaches(Lab::ROUTER, ADDRESS, port) {
                Ok(())
            } else {
                Err(Refused::new("pod", format!("{port} of {ADDRESS} is closed")))
            }
        } else if let Some(words) = probe.pointer("/exec/command").and_then(Value::as_array) {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            self.run(&words).map(drop)
        } else {
            panic!("a probe that this judge does not know: {probe}")
        }
    }
}

impl Drop for Pod<'_> {
    fn drop(&mut self) {
        self.daemon.kill();
        give_back(self.folder.path());
    }
}

/// The runtime without control groups, with its state in the lab.
const CRUN: [&str; 3] = ["crun", "--cgroup-manager=disabled", "--root=/run/crun"];

/// Runs a shell script as root.
#[expect(clippy::panic, reason = "what the test stands on")]
fn as_owner(script: &str, at: &Path) {
    if let Err(refused) = run(as_root("sh").args(["-euc", script, "own.sh"]).arg(at)).success() {
        panic!("{refused}");
    }
}
