//! A libvirtd of the tests' own, in namespaces. The machine's libvirtd is not asked, stopped or reconfigured.
//!
//! It has its own network (bridges, dnsmasq, firewall rules), state folders and processes. When the test ends
//! in any way, the first process of the namespace ends, and the kernel ends every QEMU and dnsmasq with it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Refused;
use crate::program::{as_root, command, is_root, python, require_root, run};
use crate::tree::{make_folder, or_panic, scratch};

const SCRIPT: &str = include_str!("libvirtd.sh");

/// A script that asks a name server.
const ASK: &str = include_str!("dns.py");

/// Marks the end of a command's output; no program prints it.
const MARK: &str = "fmc-testkit-status";

/// A running libvirtd with its QEMU driver. It ends when this value is dropped. Several of them act as
/// several hosts.
///
/// ```
/// let host = fmc_testkit::libvirtd::Own::start();
/// assert_eq!(host.virsh(&["list", "--all", "--name"]).trim(), "");
/// ```
pub struct Own {
    init: Child,
    shell: Mutex<Option<Shell>>,
    folder: TempDir,
}

/// The first process of the namespace, which executes commands line by line.
struct Shell {
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Own {
    /// Starts one without domains, networks, pools or bridges. This takes a fraction of a second. The first
    /// start that probes QEMU's capabilities takes two seconds more; later ones read them from a cache beside
    /// the test's executable.
    ///
    /// # Panics
    ///
    /// When libvirt is not installed, when this process is not root and `sudo -n` does not help, and when
    /// libvirtd does not start.
    #[must_use]
    pub fn start() -> Self {
        for needed in ["libvirtd", "virtlogd", "qemu-system-x86_64", "qemu-img", "dnsmasq", "ip", "virsh"] {
            let _ = command(needed);
        }
        require_root("a libvirtd of the tests' own needs root");
        let folder = scratch();
        let mut unshare = as_root("unshare");
        unshare.args(["--mount", "--net", "--pid", "--fork", "--mount-proc", "env"]);
        unshare.arg(format!("MARK={MARK}")).args(["sh", "-c", SCRIPT, "libvirtd.sh"]);
        unshare.arg(folder.path()).arg(cache().unwrap_or_default());
        let spawned = unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut init = or_panic(spawned, Path::new("unshare"));
        let shell = init
            .stdin
            .take()
            .zip(init.stdout.take())
            .map(|(commands, answers)| Shell { commands, answers: BufReader::new(answers) });
        let own = Self { init, shell: Mutex::new(shell), folder };
        own.restart_daemon();
        own
    }

    /// Its URI, inside and outside of the namespace.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("qemu+unix:///system?socket={}", self.path().join("libvirt-sock").display())
    }

    /// A folder that this process and the daemon both see, for pools and images. It is removed with this
    /// value.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The standard output of a `virsh` command.
    ///
    /// # Panics
    ///
    /// When the command fails, with its output.
    #[expect(clippy::panic, reason = "a command that a test takes for granted")]
    pub fn virsh(&self, arguments: &[&str]) -> String {
        self.try_virsh(arguments).unwrap_or_else(|refused| panic!("virsh {}: {refused}", arguments.join(" ")))
    }

    /// Like [`virsh`](Self::virsh), for a command that may be refused.
    ///
    /// # Errors
    ///
    /// The error of virsh.
    pub fn try_virsh(&self, arguments: &[&str]) -> Result<String, Refused> {
        run(command("virsh").args(["--quiet", "--connect", &self.uri()]).args(arguments)).success()
    }

    /// Runs a shell command inside, as root: `ip -brief link`, `nft list ruleset`. Commands run one at a
    /// time.
    ///
    /// # Errors
    ///
    /// The output of a failed command.
    pub fn inside(&self, command: &str) -> Result<String, Refused> {
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = shell.as_mut().ok_or(None).and_then(|shell| shell.obey(command).map_err(Some));
        match answer {
            Ok((0, said)) => Ok(said),
            Ok((status, said)) => Err(Refused::new(command, format!("{said}(exit {status})"))),
            Err(error) => Err(Refused::new(command, format!("the namespace is gone: {error:?}"))),
        }
    }

    /// Starts a shell command inside, as root, that runs until this value is dropped, such as a server for
    /// the guests. [`said`](Self::said) gives its output.
    ///
    /// # Panics
    ///
    /// When the namespace is gone.
    pub fn start_inside(&self, name: &str, command: &str) {
        let log = self.log_of(name);
        self.expect_inside(&format!("({command}) </dev/null >'{}' 2>&1 &", log.display()));
    }

    /// The output so far of a program that was [started inside](Self::start_inside).
    #[must_use]
    pub fn said(&self, name: &str) -> String {
        self.inside(&format!("cat '{}'", self.log_of(name).display())).unwrap_or_default()
    }

    /// Asks a name server over UDP from inside until it gives this answer, in any order: the addresses of a
    /// name (`A`), or the name of an address (`PTR`); an empty list if it should not know one. A dnsmasq
    /// needs a moment to read its files again.
    ///
    /// # Panics
    ///
    /// When the answer is still another after 10 s, when the server does not answer, or when the answer does
    /// not fit into 1,232 bytes.
    pub fn expect_names(&self, server: &str, name: &str, kind: &str, expected: &[&str]) {
        let script = self.path().join("dns.py");
        or_panic(std::fs::write(&script, ASK), &script);
        let ask = format!("{} {} {server} {name} {kind}", python(), script.display());
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        let start = Instant::now();
        loop {
            let answer = self.expect_inside(&ask);
            if answer.lines().collect::<BTreeSet<_>>() == expected {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{name}: {answer:?}, and not {expected:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.path().join(format!("{name}.log"))
    }

    /// Makes a Linux bridge, as a host's administrator would.
    ///
    /// # Panics
    ///
    /// When the kernel refuses.
    pub fn bridge(&self, name: &str) {
        self.expect_inside(&format!("ip link add name '{name}' type bridge && ip link set dev '{name}' up"));
    }

    /// Kills libvirtd, as a crash would: it saves nothing, and its QEMUs keep running.
    ///
    /// # Panics
    ///
    /// When it is not running.
    pub fn kill(&self) {
        self.expect_inside("kill_daemon");
    }

    /// Starts libvirtd again after [`kill`](Self::kill), and returns once it answers.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn restart_daemon(&self) {
        self.expect_inside("start_daemon");
    }

    /// The log of libvirtd: warnings and errors.
    #[must_use]
    pub fn log(&self) -> String {
        self.inside(&format!("cat '{}'", self.path().join("libvirtd.log").display())).unwrap_or_default()
    }

    #[expect(clippy::panic, reason = "what every test stands on")]
    fn expect_inside(&self, command: &str) -> String {
        self.inside(command).unwrap_or_else(|refused| panic!("{refused}\n{}", self.log()))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // Closing its standard input ends the script, which kills everything inside and removes the folder.
        drop(self.shell.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.init.wait();
    }
}

impl Shell {
    /// The command's exit status and output.
    fn obey(&mut self, command: &str) -> std::io::Result<(i32, String)> {
        writeln!(self.commands, "{}", command.replace('\n', " "))?;
        self.commands.flush()?;
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                return Err(std::io::Error::other(said));
            }
            // A command's output need not end with a line break.
            match line.split_once(MARK) {
                Some((last, status)) => {
                    said.push_str(last);
                    return Ok((status.trim().parse().unwrap_or(-1), said));
                }
                None => said.push_str(&line),
            }
        }
    }
}

/// The cache of QEMU's capabilities that the daemons share. Only root uses it, because another user could not
/// remove root's files from it.
fn cache() -> Option<PathBuf> {
    let executable = std::env::current_exe().ok().filter(|_| is_root())?;
    let folder = executable.parent()?.join("fmc-testkit-libvirt-cache");
    make_folder(&folder);
    Some(folder)
}
