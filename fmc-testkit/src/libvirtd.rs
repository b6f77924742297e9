//! A libvirtd of the tests' own, in namespaces: the machine's is neither asked, stopped nor reconfigured.
//!
//! It has its own network (bridges, dnsmasq, firewall rules), its own state folders and its own processes. When the test ends, however
//! it ends, the first process of the namespace ends, and the kernel takes every QEMU and dnsmasq with it.

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

/// Asks a name server.
const ASK: &str = include_str!("dns.py");

/// Ends an answer of the script; no program says it.
const MARK: &str = "fmc-testkit-status";

/// A running libvirtd with its QEMU driver, which ends with this value. Several of them are several hosts.
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

/// The first process of the namespace, which obeys line by line.
struct Shell {
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Own {
    /// Starts one, with no domain, network, pool or bridge. Takes a fraction of a second; the first one that looks at QEMU's
    /// capabilities takes two more, which later ones read from a cache beside the test's executable.
    ///
    /// # Panics
    ///
    /// When libvirt is not installed, when this is not root and `sudo -n` does not help, and when it does not start.
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

    /// The URI under which it answers, from inside and outside.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("qemu+unix:///system?socket={}", self.path().join("libvirt-sock").display())
    }

    /// A folder that this process and the daemon both see, for pools and images. It goes with this value.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What `virsh` says on standard output.
    ///
    /// # Panics
    ///
    /// When it fails, with what it says.
    #[expect(clippy::panic, reason = "a command that a test takes for granted")]
    pub fn virsh(&self, arguments: &[&str]) -> String {
        self.try_virsh(arguments).unwrap_or_else(|refused| panic!("virsh {}: {refused}", arguments.join(" ")))
    }

    /// Like [`virsh`](Self::virsh), for a command that may be refused.
    ///
    /// # Errors
    ///
    /// What virsh says when it fails.
    pub fn try_virsh(&self, arguments: &[&str]) -> Result<String, Refused> {
        run(command("virsh").args(["--quiet", "--connect", &self.uri()]).args(arguments)).success()
    }

    /// Runs a shell command inside, as root: `ip -brief link`, `nft list ruleset`. One at a time.
    ///
    /// # Errors
    ///
    /// What it says, when it fails.
    pub fn inside(&self, command: &str) -> Result<String, Refused> {
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = shell.as_mut().ok_or(None).and_then(|shell| shell.obey(command).map_err(Some));
        match answer {
            Ok((0, said)) => Ok(said),
            Ok((status, said)) => Err(Refused::new(command, format!("{said}(exit {status})"))),
            Err(error) => Err(Refused::new(command, format!("the namespace is gone: {error:?}"))),
        }
    }

    /// Starts a shell command inside, as root, that goes on until this value goes: a server for the guests. What it says is in the
    /// answer of [`said`](Self::said).
    ///
    /// # Panics
    ///
    /// When the namespace is gone.
    pub fn start_inside(&self, name: &str, command: &str) {
        let log = self.log_of(name);
        self.expect_inside(&format!("({command}) </dev/null >'{}' 2>&1 &", log.display()));
    }

    /// What a program that was [started inside](Self::start_inside) has said so far.
    #[must_use]
    pub fn said(&self, name: &str) -> String {
        self.inside(&format!("cat '{}'", self.log_of(name).display())).unwrap_or_default()
    }

    /// Asks a name server that is reached from inside over UDP until it answers this, in any order: the addresses of a name (`A`), or
    /// the name of an address (`PTR`); nothing where it knows none. A dnsmasq that is told to read its files anew takes a moment.
    ///
    /// # Panics
    ///
    /// When it does not within 10 s, and when nobody answers or the answer does not fit into 1,232 bytes.
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

    /// Kills libvirtd, as a crash would: nothing is saved, and its QEMUs run on.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn kill(&self) {
        self.expect_inside("kill_daemon");
    }

    /// Starts libvirtd again after [`kill`](Self::kill); it answers when this returns.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn restart_daemon(&self) {
        self.expect_inside("start_daemon");
    }

    /// What libvirtd logged: warnings and errors.
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
        // Closing its standard input ends the script, which kills all that runs inside and removes the folder.
        drop(self.shell.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.init.wait();
    }
}

impl Shell {
    /// The command's exit status and what it said.
    fn obey(&mut self, command: &str) -> std::io::Result<(i32, String)> {
        writeln!(self.commands, "{}", command.replace('\n', " "))?;
        self.commands.flush()?;
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                return Err(std::io::Error::other(said));
            }
            // What a command says need not end with a line break.
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

/// Where daemons share what they learnt about QEMU. As root only: another user could not remove root's files in it.
fn cache() -> Option<PathBuf> {
    let executable = std::env::current_exe().ok().filter(|_| is_root())?;
    let folder = executable.parent()?.join("fmc-testkit-libvirt-cache");
    make_folder(&folder);
    Some(folder)
}
