//! Starts a program for each connection, as systemd's `Accept=yes` does, by `systemd-socket-activate`. The
//! connection is the program's input and output.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::program::command;
use crate::tree::{or_panic, scratch};

/// A port of this machine that starts a program for each connection, for the time of a test.
pub struct Activated {
    address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Activated {
    /// Listens on a free port.
    ///
    /// # Panics
    ///
    /// When it cannot listen.
    #[must_use]
    #[expect(clippy::panic, clippy::expect_used, reason = "what the test stands on")]
    pub fn start(program: &[&str]) -> Self {
        let folder = scratch();
        let free = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
        let address = free.local_addr().expect("the port it listens on");
        drop(free);
        let log = or_panic(File::create(folder.path().join("log")), folder.path());
        let mut activate = command("systemd-socket-activate");
        activate.args(["--accept", "--inetd", &format!("--listen={address}")]).args(program);
        let child = activate.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut server = Self { address, child: or_panic(child, folder.path()), folder };
        let start = Instant::now();
        // Waits for its message and does not connect, because a connection would already start the program.
        while !server.log().contains("Listening on") {
            if start.elapsed() > Duration::from_secs(20) || !matches!(server.child.try_wait(), Ok(None)) {
                panic!("systemd-socket-activate does not listen: {}", server.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Connects to it.
    ///
    /// # Panics
    ///
    /// When it does not accept the connection.
    #[must_use]
    #[expect(clippy::expect_used, reason = "what the test stands on")]
    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).expect("a connection to the socket")
    }

    /// The address of a path on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its output and that of the programs on standard error.
    #[must_use]
    pub fn log(&self) -> String {
        let path = self.folder.path().join("log");
        String::from_utf8_lossy(&or_panic(std::fs::read(&path), &path)).into_owned()
    }
}

impl Drop for Activated {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn a_program_for_each_connection() {
        let server =
            Activated::start(&["/usr/bin/bash", "-c", "read word; echo \"$word $$\"; echo said >&2"]);
        let ask = |word: &str| {
            let mut connection = server.connect();
            connection.write_all(word.as_bytes()).unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).unwrap();
            answer
        };
        let (one, other) = (ask("a\n"), ask("b\n"));
        assert!(one.starts_with("a ") && other.starts_with("b ") && one[2..] != other[2..], "{one}{other}");
        // `systemd-socket-activate` itself prints the command that it starts; only the program's own lines
        // count.
        let said = server.log().lines().filter(|line| *line == "said").count();
        assert_eq!(said, 2, "{}", server.log());
    }
}
