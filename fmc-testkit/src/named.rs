//! BIND: the strict judge of zone files, and a server of zones that takes updates with a key.

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Refused;
use crate::program::{command, run, run_with_input};
use crate::tree::{or_panic, scratch, write};

/// The time for a server to start. It takes a tenth of a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The name of the key that a server's zones may be changed and read with.
pub const KEY: &str = "fmc-key";

/// Judges a zone file: names of hosts, targets and addresses of servers must be right.
///
/// # Errors
///
/// `named-checkzone` refuses it, or warns.
pub fn check_zone(name: &str, text: &str) -> Result<(), Refused> {
    let folder = scratch();
    let file = folder.path().join("zone");
    write(&file, text.as_bytes());
    let mut check = command("named-checkzone");
    check.args([
        "-q", "-k", "fail", "-n", "fail", "-m", "fail", "-M", "fail", "-S", "fail", "-r", "fail", "-i",
        "full", name,
    ]);
    run(check.arg(&file)).silent_success().map(drop)
}

/// A server on a port of this machine. It ends with the value.
pub struct Named {
    folder: TempDir,
    port: u16,
    secret: String,
    child: Option<Child>,
}

impl Named {
    /// Starts a server that has these zones, each with its text, and returns once it answers.
    ///
    /// # Panics
    ///
    /// When it does not start, with its log.
    #[must_use]
    pub fn start(zones: &[(&str, String)]) -> Self {
        let folder = scratch();
        let keys = run(command("tsig-keygen").args(["-a", "hmac-sha256", KEY])).success();
        let keys = keys.unwrap_or_default();
        let secret = keys.split('"').nth(3).unwrap_or_default().to_owned();
        let mut named = Self { folder, port: port(), secret, child: None };
        let path = named.folder.path().display().to_string();
        write(&named.file("key.conf"), keys.as_bytes());
        let port = named.port;
        let mut config = format!(
            "include \"{path}/key.conf\";\noptions {{ directory \"{path}\"; pid-file none; session-keyfile none; \
             listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; notify no; \
             dnssec-validation no; allow-transfer {{ none; }}; max-journal-size 4m; }};\ncontrols {{ }};\n"
        );
        for (name, text) in zones {
            write(&named.file(&format!("{name}.zone")), text.as_bytes());
            let _ = writeln!(
                config,
                "zone \"{name}\" {{ type primary; file \"{name}.zone\"; update-policy {{ grant {KEY} zonesub ANY; }}; \
                 allow-transfer {{ key {KEY}; }}; }};"
            );
        }
        write(&named.file("named.conf"), config.as_bytes());
        named.restart();
        named
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it again with what it has on its disk.
    ///
    /// # Panics
    ///
    /// When it does not start, with its log.
    #[expect(clippy::panic, reason = "a server that does not start must fail the test")]
    pub fn restart(&mut self) {
        self.kill();
        let log = self.file("log");
        let output = or_panic(std::fs::File::create(&log), &log);
        let mut serve = command("named");
        serve.args(["-g", "-n", "1", "-c"]).arg(self.file("named.conf"));
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        self.child = Some(or_panic(serve.spawn(), Path::new("named")));
        let began = Instant::now();
        // It listens before its zones are loaded.
        while !self.log().contains("all zones loaded")
            || TcpStream::connect(("127.0.0.1", self.port)).is_err()
        {
            assert!(began.elapsed() < PATIENCE, "named does not answer:\n{}", self.log());
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                panic!("named ended with {status}:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once, as a power failure does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// The port that it answers on, at 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The bytes of its key, in base64.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// The data of the records of a name and type, sorted, as `dig +short` prints them, asked by UDP and by TCP.
    ///
    /// # Panics
    ///
    /// When both ways give different answers.
    #[must_use]
    pub fn dig(&self, name: &str, kind: &str) -> Vec<String> {
        let ask = |how: &str| {
            let port = self.port.to_string();
            let answer =
                run(command("dig").args(["@127.0.0.1", "-p", &port, "+short", "+tries=1", how, name, kind]));
            let mut lines: Vec<String> =
                answer.success().unwrap_or_default().lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let (udp, tcp) = (ask("+notcp"), ask("+tcp"));
        assert_eq!(udp, tcp);
        udp
    }

    /// Changes its zones by `nsupdate` with the key, as a person does: lines as `update add www.lab.example 60 A 192.0.2.1`.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub fn nsupdate(&self, lines: &str) -> Result<(), Refused> {
        let mut update = command("nsupdate");
        update.arg("-k").arg(self.file("key.conf"));
        let input = format!("server 127.0.0.1 {}\n{lines}\nsend\n", self.port);
        run_with_input(&mut update, &input).success().map(drop)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that is free for TCP and for UDP.
fn port() -> u16 {
    loop {
        let tcp = or_panic(TcpListener::bind("127.0.0.1:0"), Path::new("127.0.0.1"));
        let port = or_panic(tcp.local_addr(), Path::new("127.0.0.1")).port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_zone_is_refused() {
        let zone = |records: &str| {
            format!(
                "$TTL 60\n@ IN SOA ns.example.org. a.example.org. 1 1 1 1 1\n@ IN NS ns.example.org.\n{records}"
            )
        };
        assert!(check_zone("lab.example", &zone("www A 192.0.2.1\n")).is_ok());
        for wrong in [
            "w_w A 192.0.2.1\n",
            "@ MX 10 mail\n",
            "www CNAME web\nwww A 192.0.2.1\n",
            "a SRV 0 0 1 nobody\n",
        ] {
            assert!(check_zone("lab.example", &zone(wrong)).is_err(), "{wrong}");
        }
    }
}
