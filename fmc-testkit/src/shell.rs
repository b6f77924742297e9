//! The shell: checks that it reads a script, and that a script waits for its conditions.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Refused;
use crate::program::{command, run as finish};
use crate::tree::{self, scratch};

/// Checks a script by `sh -n`.
///
/// # Errors
///
/// The shell's complaint.
pub fn syntax(script: &str) -> Result<(), Refused> {
    let folder = scratch();
    let path = folder.path().join("script.sh");
    tree::write(&path, script.as_bytes());
    finish(command("sh").arg("-n").arg(path)).silent_success().map(drop)
}

/// Judges a script by `shellcheck`, which knows the mistakes that a shell runs without a word.
///
/// # Errors
///
/// What it found, a matter of style too.
pub fn lint(script: &str) -> Result<(), Refused> {
    let folder = scratch();
    let path = folder.path().join("script.sh");
    tree::write(&path, script.as_bytes());
    finish(command("shellcheck").arg(path)).silent_success().map(drop)
}

/// A server that answers every request with a status. The status can be changed at any time.
#[derive(Debug)]
pub struct Answers {
    url: String,
    status: Arc<AtomicU16>,
}

impl Answers {
    /// A server on a free port of this machine.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "a test cannot go on without a port")]
    pub fn with(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(AtomicU16::new(status));
        let status = Arc::clone(&shared);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request);
                let status = status.load(Ordering::SeqCst);
                let _ =
                    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Self { url, status: shared }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers with this status from now on.
    pub fn say(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

/// Runs a script to its end. Each step runs after a pause, and the script must still be waiting then.
///
/// # Panics
///
/// When the script ends before the last step, fails, or never ends after it.
#[expect(clippy::panic, reason = "a script that does not do as it should must fail the test")]
pub fn run(script: &str, steps: &[&dyn Fn()]) {
    const WHILE: Duration = Duration::from_millis(400);
    const EVER: Duration = Duration::from_secs(20);
    let folder = scratch();
    let path = folder.path().join("script.sh");
    tree::write(&path, script.as_bytes());
    let child = command("sh").arg(path).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("sh: {error}"));
    let mut ended = || child.try_wait().unwrap_or_else(|error| panic!("sh: {error}"));
    for step in steps {
        thread::sleep(WHILE);
        assert!(ended().is_none(), "it waits for nobody:\n{script}");
        step();
    }
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = ended() {
            break status;
        }
        if begin.elapsed() > EVER {
            let _ = child.kill();
            panic!("it waits for ever:\n{script}");
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "it fails:\n{script}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_its_own_and_refuses_the_rest() {
        syntax("until true; do sleep 1; done\n").unwrap();
        syntax("until true; do sleep 1\n").unwrap_err();
    }

    #[test]
    fn a_script_that_waits_ends_when_it_is_answered() {
        let server = Answers::with(503);
        let script = format!("until curl -fs {}; do sleep 0.05; done\n", server.url());
        run(&script, &[&|| server.say(200)]);
    }

    #[test]
    #[should_panic(expected = "it waits for nobody")]
    fn a_script_that_does_not_wait_is_refused() {
        run("true\n", &[&|| {}]);
    }
}
