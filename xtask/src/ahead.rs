//! A build that begins at the start of a test run and goes on beside it, because the tests that need it come late.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use xtask::{Failure, kube};

use crate::workspace::target_folder;

/// The build of the control plane, at a low priority. It ends with this value if nothing waits for it.
pub(crate) struct Ahead {
    child: Option<Child>,
    log: PathBuf,
}

impl Ahead {
    /// Begins it, unless the control plane is there. Its output goes to `kube.log` in cargo's target folder. A test that asks for the
    /// control plane meanwhile waits until it is built.
    pub(crate) fn begin() -> Result<Self, Failure> {
        let log = Path::new(&target_folder()?).join("kube.log");
        if kube::is_prepared() {
            println!("    the control plane is there");
            return Ok(Self { child: None, log });
        }
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)?;
        }
        let out = File::create(&log)?;
        let mut command = Command::new("nice");
        command.args(["-n", "10"]).arg(std::env::current_exe()?).arg("kube");
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).process_group(0);
        let child = command.spawn()?;
        println!("    the control plane is built beside the next stages; its log: {}", log.display());
        Ok(Self { child: Some(child), log })
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// Its log, if it failed.
    pub(crate) fn join(mut self) -> Result<(), Failure> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if child.wait()?.success() {
            return Ok(());
        }
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        Err(format!("the control plane could not be built:\n{}", log.trim()).into())
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // The group, because Go's compilers are its children's children.
        let _ = Command::new("kill").args(["-s", "TERM", "--", &format!("-{}", child.id())]).status();
        let _ = child.wait();
    }
}
