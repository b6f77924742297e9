//! Runs a program and reads its verdict.

use std::ffi::OsStr;
use std::fmt;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A consumer's refusal, with the consumer's own output.
///
/// `Debug` prints that output as it is, so that `unwrap` and a test that returns it show it readably.
pub struct Refused {
    program: String,
    words: String,
}

impl Refused {
    pub(crate) fn new(program: impl Into<String>, words: impl Into<String>) -> Self {
        Self { program: program.into(), words: words.into() }
    }

    /// The program's output.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refuses it:\n{}", self.program, self.words.trim_end())
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Refused {}

/// A finished program: its exit status and all its output.
pub(crate) struct Verdict {
    program: String,
    success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Verdict {
    /// The standard output of a program that succeeded.
    pub(crate) fn success(self) -> Result<String, Refused> {
        if self.success { Ok(self.stdout) } else { Err(self.refused()) }
    }

    /// The standard output of a program that succeeded and printed nothing on standard error.
    pub(crate) fn silent_success(self) -> Result<String, Refused> {
        if self.success && self.stderr.trim().is_empty() { Ok(self.stdout) } else { Err(self.refused()) }
    }

    pub(crate) fn refused(self) -> Refused {
        Refused::new(self.program, format!("{}{}", self.stdout, self.stderr))
    }
}

/// Runs a program to its end.
///
/// # Panics
///
/// When the program is not installed. This is not a [`Refused`], because a test that expects a refusal would
/// then pass.
pub(crate) fn run(command: &mut Command) -> Verdict {
    let output = command.stdin(Stdio::null()).output();
    verdict(command, output)
}

/// Like [`run`], with `input` on standard input.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> Verdict {
    let output =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().and_then(
            |mut child| {
                if let Some(mut stdin) = child.stdin.take() {
                    match stdin.write_all(input.as_bytes()) {
                        // A program that refuses early may not read its whole input; its exit status tells.
                        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
                        _ => {}
                    }
                }
                child.wait_with_output()
            },
        );
    verdict(command, output)
}

/// A command that runs as root: the program itself if this process is root, and otherwise the program by
/// `sudo -n`.
pub(crate) fn as_root(program: impl AsRef<OsStr>) -> Command {
    let program = find(program.as_ref());
    if is_root() {
        Command::new(program)
    } else {
        let mut command = Command::new("sudo");
        command.arg("-n").arg(program);
        command
    }
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    uid() == 0
}

/// Checks that this process can act as root; `what` names the action that needs it.
///
/// # Panics
///
/// When this is not root and `sudo -n` does not help.
#[expect(clippy::panic, reason = "a consumer that cannot run must fail the test")]
pub(crate) fn require_root(what: &str) {
    if !is_root() && run(as_root("true").env("LC_ALL", "C")).success().is_err() {
        panic!("{what}: run the tests as root, or allow `sudo -n` without a password");
    }
}

/// The system's Python, which has Debian's modules. The path may contain another Python first.
pub(crate) fn python() -> String {
    let system = Path::new("/usr/bin/python3");
    let found = if system.is_file() { system.to_owned() } else { find(OsStr::new("python3")) };
    found.display().to_string()
}

/// The user of this process.
#[expect(clippy::panic, reason = "no test runs where the kernel does not say who it is")]
pub(crate) fn uid() -> u32 {
    match std::fs::metadata("/proc/self") {
        Ok(process) => process.uid(),
        Err(error) => panic!("/proc/self: {error}"),
    }
}

/// A command by name. Folders that only root has in its path are searched too.
pub(crate) fn command(program: &str) -> Command {
    Command::new(find(OsStr::new(program)))
}

#[expect(clippy::panic, reason = "a missing consumer must fail the test, also one that expects a refusal")]
fn find(program: &OsStr) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{} is not installed: run `cargo xtask setup`", program.display()))
}

#[expect(
    clippy::panic,
    reason = "a consumer that cannot run must fail the test, also one that expects a refusal"
)]
fn verdict(command: &Command, output: std::io::Result<Output>) -> Verdict {
    let program = command.get_program().to_string_lossy().into_owned();
    match output {
        Ok(output) => Verdict {
            program,
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("{program} is not installed: run `cargo xtask setup`")
        }
        Err(error) => panic!("failed to run {program}: {error}"),
    }
}
