//! Commands that need root.

use std::ffi::OsStr;
use std::fs;
use std::io::{IsTerminal as _, stdin};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// A command that runs as root: the program itself if this process is root, and otherwise the program by
/// `sudo`.
pub fn as_root(program: impl AsRef<OsStr>) -> Command {
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    if !stdin().is_terminal() || !Path::new("/dev/tty").exists() {
        // No person is there to type a password: sudo fails at once instead of waiting for one.
        command.arg("-n");
    }
    command.arg(program);
    command
}
