//! The strict judge of zone files, and servers of zones that take updates with a key: BIND, Knot and PowerDNS.

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
        "-k", "fail", "-n", "fail", "-m", "fail", "-M", "fail", "-S", "fail", "-r", "fail", "-i", "full",
        name,
    ]);
    let said = run(check.arg(&file)).silent_success()?;
    // A target without an address is a warning alone, on standard output. Names of other zones are asked for in the network, which says
    // nothing about this zone.
    let is_said = |line: &&str| {
        *line != "OK" && ![": loaded serial ", " (out of zone) "].iter().any(|words| line.contains(words))
    };
    let told: Vec<&str> = said.lines().filter(is_said).collect();
    if told.is_empty() { Ok(()) } else { Err(Refused::new("named-checkzone", told.join("\n"))) }
}

/// The program that a server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// BIND's `named`.
    Bind,
    /// `knotd`.
    Knot,
    /// `pdns_server` with a database of SQLite.
    PowerDns,
}

impl Software {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bind, Self::Knot, Self::PowerDns];
}

/// A server on a port of this machine. It ends with the value.
pub struct Named {
    software: Software,
    folder: TempDir,
    port: u16,
    secret: String,
    has_transfers: bool,
    child: Option<Child>,
}

impl Named {
    /// Starts BIND with these zones, each with its text, and returns once it answers.
    ///
    /// # Panics
    ///
    /// When it does not start, with its log.
    #[must_use]
    pub fn start(zones: &[(&str, String)]) -> Self {
        Self::start_as(Software::Bind, zones)
    }

    /// Starts a server with these zones, each with its text, and returns once it answers.
    ///
    /// # Panics
    ///
    /// When it does not start, with its log.
    #[must_use]
    pub fn start_as(software: Software, zones: &[(&str, String)]) -> Self {
        Self::start_with(software, zones, true)
    }

    /// The same, of a server that gives no transfers.
    ///
    /// # Panics
    ///
    /// When it does not start, with its log.
    #[must_use]
    pub fn start_without_transfers(software: Software, zones: &[(&str, String)]) -> Self {
        Self::start_with(software, zones, false)
    }

    fn start_with(software: Software, zones: &[(&str, String)], has_transfers: bool) -> Self {
        let folder = scratch();
        let keys = run(command("tsig-keygen").args(["-a", "hmac-sha256", KEY])).success();
        let keys = keys.unwrap_or_default();
        let secret = keys.split('"').nth(3).unwrap_or_default().to_owned();
        let mut named = Self { software, folder, port: port(), secret, has_transfers, child: None };
        write(&named.file("key.conf"), keys.as_bytes());
        for (name, text) in zones {
            write(&named.file(&format!("{name}.zone")), text.as_bytes());
        }
        let names: Vec<&str> = zones.iter().map(|(name, _)| *name).collect();
        match software {
            Software::Bind => named.configure_bind(&names),
            Software::Knot => named.configure_knot(&names),
            Software::PowerDns => named.configure_power_dns(&names),
        }
        named.restart();
        named
    }

    fn configure_bind(&self, zones: &[&str]) {
        let (path, port) = (self.folder.path().display(), self.port);
        let mut config = format!(
            "include \"{path}/key.conf\";\noptions {{ directory \"{path}\"; pid-file none; session-keyfile none; \
             listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; notify no; \
             dnssec-validation no; allow-transfer {{ none; }}; max-journal-size 4m; }};\ncontrols {{ }};\n"
        );
        let transfers = if self.has_transfers { format!("key {KEY};") } else { "none;".to_owned() };
        for name in zones {
            let _ = writeln!(
                config,
                "zone \"{name}\" {{ type primary; file \"{name}.zone\"; update-policy {{ grant {KEY} zonesub ANY; }}; \
                 allow-transfer {{ {transfers} }}; }};"
            );
        }
        write(&self.file("server.conf"), config.as_bytes());
    }

    fn configure_knot(&self, zones: &[&str]) {
        let (path, port, secret) = (self.folder.path().display(), self.port, &self.secret);
        let action = if self.has_transfers { "transfer, update" } else { "update" };
        let mut config = format!(
            "server:\n    listen: 127.0.0.1@{port}\n    rundir: {path}\ndatabase:\n    storage: {path}\nlog:\n  - target: stderr\n    \
             any: info\nkey:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {secret}\nacl:\n  - id: fmc\n    key: {KEY}\n    \
             action: [{action}]\ntemplate:\n  - id: default\n    storage: {path}\n    acl: fmc\nzone:\n"
        );
        for name in zones {
            let _ = writeln!(config, "  - domain: {name}\n    file: {name}.zone");
        }
        write(&self.file("server.conf"), config.as_bytes());
    }

    #[expect(clippy::panic, reason = "a server that cannot be set up must fail the test")]
    fn configure_power_dns(&self, zones: &[&str]) {
        let path = self.folder.path().display().to_string();
        let config = format!(
            "launch=gsqlite3\ngsqlite3-database={path}/pdns.sqlite3\nlocal-address=127.0.0.1\nlocal-port={}\nsocket-dir={path}\n\
             daemon=no\nguardian=no\ndisable-syslog=yes\ndnsupdate=yes\nallow-dnsupdate-from=127.0.0.0/8\nallow-axfr-ips=\n\
             cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nzone-cache-refresh-interval=0\ndname-processing=yes\n\
             receiver-threads=1\nloglevel=5\n",
            self.port
        );
        write(&self.file("pdns.conf"), config.as_bytes());
        let schema = or_panic(
            std::fs::read_to_string("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"),
            Path::new("pdns-backend-sqlite3"),
        );
        let tool = |arguments: &[&str]| {
            let done = run(command("pdnsutil").arg(format!("--config-dir={path}")).args(arguments)).success();
            done.map(drop).unwrap_or_else(|refused| panic!("{refused}"));
        };
        let database = run_with_input(command("sqlite3").arg(self.file("pdns.sqlite3")), &schema).success();
        database.map(drop).unwrap_or_else(|refused| panic!("{refused}"));
        tool(&["import-tsig-key", KEY, "hmac-sha256", &self.secret]);
        for name in zones {
            let file = self.file(&format!("{name}.zone")).display().to_string();
            tool(&["load-zone", name, &file]);
            tool(&["set-kind", name, "master"]);
            if self.has_transfers {
                tool(&["set-meta", name, "TSIG-ALLOW-AXFR", KEY]);
            }
            tool(&["set-meta", name, "TSIG-ALLOW-DNSUPDATE", KEY]);
        }
    }

    /// The program with its configuration, and the words of its log once it has all its zones.
    fn program(&self) -> (std::process::Command, &'static str) {
        let config = self.file("server.conf");
        match self.software {
            Software::Bind => {
                let mut serve = command("named");
                serve.args(["-g", "-n", "1", "-c"]).arg(config);
                (serve, "all zones loaded")
            }
            Software::Knot => {
                let mut serve = command("knotd");
                serve.arg("-c").arg(config);
                (serve, "server started")
            }
            Software::PowerDns => {
                let mut serve = command("pdns_server");
                serve.arg(format!("--config-dir={}", self.folder.path().display()));
                (serve, "Done launching threads")
            }
        }
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
        let (mut serve, ready) = self.program();
        let both = or_panic(output.try_clone(), &log);
        serve.stdin(Stdio::null()).stdout(both).stderr(output);
        self.child = Some(or_panic(serve.spawn(), Path::new("the server")));
        let began = Instant::now();
        // It listens before its zones are loaded.
        while !self.log().contains(ready) || TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "the server does not answer:\n{}", self.log());
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                panic!("the server ended with {status}:\n{}", self.log());
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

    /// Transfers a zone by `dig` with the key, and gives the number of the records.
    ///
    /// # Panics
    ///
    /// When the server refuses it.
    #[must_use]
    #[expect(clippy::panic, reason = "a transfer that is refused must fail the test")]
    pub fn transfer(&self, zone: &str) -> usize {
        let mut dig = command("dig");
        dig.args(["@127.0.0.1", "-p", &self.port.to_string(), "-k"]).arg(self.file("key.conf"));
        dig.args(["+noall", "+answer", zone, "AXFR"]);
        run(&mut dig).success().unwrap_or_else(|refused| panic!("{refused}")).lines().count()
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
pub(crate) fn port() -> u16 {
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
