//! Programs that keep running in a host of a lab.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Lab, into_host};
use crate::Refused;
use crate::program::run;
use crate::tree::or_panic;

/// A program in a host of a lab. Dropping this value kills it and everything that it started.
pub struct Daemon<'lab> {
    lab: &'lab Lab,
    name: String,
    number: u32,
    outside: Child,
    log: PathBuf,
}

impl<'lab> Daemon<'lab> {
    pub(super) fn start(lab: &'lab Lab, host: &str, number: u32, words: &[&str]) -> Self {
        // A session of its own. Its id is written to a place that only the lab's processes see.
        const SCRIPT: &str = "echo $$ >/run/daemon.$1; shift; exec \"$@\"";
        let (stdout, stderr, log) = lab.log(number);
        let mut command = lab.enter(None);
        command.args(["setsid", "sh", "-c", SCRIPT, "daemon.sh", &number.to_string()]);
        if host != Lab::ROUTER {
            command.args(into_host(&lab.holder(host)));
        }
        command.args(words).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let outside = or_panic(command.spawn(), Path::new("nsenter"));
        let name = format!("{host}: {}", words.first().unwrap_or(&"nothing"));
        Self { lab, name, number, outside, log }
    }

    /// Whether it is running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.outside.try_wait(), Ok(None))
    }

    /// Its output so far, of both streams.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Waits until its output contains these words.
    ///
    /// # Errors
    ///
    /// All its output, when it ended before or did not print the words in time.
    pub fn says(&mut self, words: &str, most: Duration) -> Result<(), Refused> {
        self.until(most, |daemon| daemon.log().contains(words))
    }

    /// Waits until a condition holds.
    ///
    /// # Errors
    ///
    /// All its output, when it ended before or the condition did not hold in time.
    pub fn until(&mut self, most: Duration, is_so: impl Fn(&Self) -> bool) -> Result<(), Refused> {
        let started = Instant::now();
        loop {
            let lives = self.is_running();
            if is_so(self) {
                return Ok(());
            }
            if !lives {
                return Err(Refused::new(&self.name, format!("{}(it ended)", self.log())));
            }
            if started.elapsed() > most {
                return Err(Refused::new(&self.name, format!("{}(not within {most:?})", self.log())));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it and everything that it started, as a crash would.
    pub fn kill(&mut self) {
        self.signal("KILL");
        let asked = Instant::now();
        while self.is_running() && asked.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(2));
        }
        // A process that is left inside ends with the lab.
        let _ = self.outside.kill();
        let _ = self.outside.wait();
    }

    /// Asks it to end, and waits; kills it after five seconds.
    pub fn stop(&mut self) {
        self.signal("TERM");
        let asked = Instant::now();
        while self.is_running() {
            if asked.elapsed() > Duration::from_secs(5) {
                return self.kill();
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends a signal, such as `HUP`, to it and everything that it started.
    pub fn signal(&mut self, signal: &str) {
        // Right after the start its id may not be written yet. If the process is already gone, the signal has
        // no purpose.
        let script = "for i in 1 2 3 4 5 6 7 8 9 10; do [ -s /run/daemon.$1 ] && break; sleep 0.01; done; \
                      kill -s $2 -- -$(cat /run/daemon.$1)";
        if self.is_running() {
            let number = self.number.to_string();
            let _ =
                run(self.lab.enter(None).args(["sh", "-c", script, "signal.sh", &number, signal])).success();
        }
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}
