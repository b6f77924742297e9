//! Programs that go on, in a host of a lab.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Lab, into_host};
use crate::Refused;
use crate::program::run;
use crate::tree::or_panic;

/// A program that runs in a host of a lab, and is killed with all that it started when this value goes.
pub struct Daemon<'lab> {
    lab: &'lab Lab,
    name: String,
    number: u32,
    outside: Child,
    log: PathBuf,
}

impl<'lab> Daemon<'lab> {
    pub(super) fn start(lab: &'lab Lab, host: &str, number: u32, words: &[&str]) -> Self {
        // A session of its own, whose number is written where only the lab's first process and its like see it.
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

    /// Whether it lives.
    pub fn is_running(&mut self) -> bool {
        matches!(self.outside.try_wait(), Ok(None))
    }

    /// What it has said so far, on both outputs.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Waits until it has said something.
    ///
    /// # Errors
    ///
    /// All it said, when it ended before, or did not say it in time.
    pub fn says(&mut self, words: &str, most: Duration) -> Result<(), Refused> {
        self.until(most, |daemon| daemon.log().contains(words))
    }

    /// Waits until a question has the answer yes.
    ///
    /// # Errors
    ///
    /// All it said, when it ended before, or the answer was not yes in time.
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

    /// Kills it and all that it started, as a crash would.
    pub fn kill(&mut self) {
        self.signal("KILL");
        let asked = Instant::now();
        while self.is_running() && asked.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(2));
        }
        // What is left inside, if anything, ends with the lab.
        let _ = self.outside.kill();
        let _ = self.outside.wait();
    }

    /// Asks it to end, and waits for that; kills it after five seconds.
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

    /// Sends a signal to it and all that it started: `HUP`.
    pub fn signal(&mut self, signal: &str) {
        // The number may not be written yet, right after the start. When it is gone already, that is what was wanted.
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
