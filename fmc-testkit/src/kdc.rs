//! A realm of Kerberos on this machine: MIT's KDC, with its tickets and keytabs.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::named::port;
use crate::program::{command, run, run_with_input};
use crate::tree::{or_panic, scratch, write};

/// The time for the KDC to start. It takes a tenth of a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The realm.
pub const REALM: &str = "LAB.TEST";

/// Its user, whose password is `secret`.
pub const USER: &str = "admin";

/// Where the fields of a cache's header are: how far the KDC's clock is ahead of this machine's, in seconds.
const OFFSET: std::ops::Range<usize> = 8..12;

/// A KDC on a port of this machine, with a user and the keytab of a web server. It ends with the value.
#[derive(Debug)]
pub struct Kdc {
    folder: TempDir,
    child: Option<Child>,
}

impl Kdc {
    /// Makes the realm with the service `HTTP/FQDN`, and returns once the KDC answers. Names of the realm's domain and of no other
    /// domain are of the realm: those of `other.test` are of a realm that the KDC does not trust.
    ///
    /// # Panics
    ///
    /// When it does not start, with what it says.
    #[must_use]
    pub fn start(fqdn: &str) -> Self {
        let kdc = Self { folder: scratch(), child: None };
        let (path, port) = (kdc.folder.path().display(), port());
        let clients = format!(
            "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n \
             dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n[realms]\n {REALM} = {{\n  \
             kdc = 127.0.0.1:{port}\n }}\n[domain_realm]\n .lab.test = {REALM}\n .other.test = OTHER.TEST\n\
             [logging]\n kdc = FILE:{path}/kdc.log\n"
        );
        write(&kdc.file("krb5.conf"), clients.as_bytes());
        let server = format!(
            "[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n[realms]\n {REALM} = {{\n  \
             database_name = {path}/principal\n  key_stash_file = {path}/stash\n  acl_file = {path}/acl\n }}\n"
        );
        write(&kdc.file("kdc.conf"), server.as_bytes());
        kdc.run("kdb5_util", &["create", "-s", "-r", REALM, "-P", "master"]);
        for query in [
            format!("addprinc -pw secret {USER}"),
            format!("addprinc -randkey HTTP/{fqdn}"),
            format!("ktadd -k {path}/http.keytab HTTP/{fqdn}"),
            format!("ktadd -norandkey -k {path}/user.keytab {USER}"),
        ] {
            kdc.run("kadmin.local", &["-q", &query]);
        }
        kdc.started(port)
    }

    fn started(mut self, port: u16) -> Self {
        let mut server = self.command("krb5kdc");
        server.arg("-n").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(or_panic(server.spawn(), Path::new("krb5kdc")));
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                begun.elapsed() < PATIENCE,
                "krb5kdc does not answer: {}",
                fs::read_to_string(self.file("kdc.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self
    }

    /// A command in the realm: its caches, its keytab of the web server, and its configuration are those of the environment.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = command(program);
        self.environment(&mut command);
        command
    }

    /// Puts a program into the realm, as [`command`](Self::command) does.
    pub fn environment(&self, command: &mut Command) {
        let file = |name: &str| format!("FILE:{}", self.file(name).display());
        command
            .env("KRB5_CONFIG", self.file("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.file("kdc.conf"))
            .env("KRB5CCNAME", file("tickets"))
            .env("KRB5_KTNAME", file("http.keytab"))
            .env_remove("KRB5_CLIENT_KTNAME");
    }

    /// Gets a ticket of the user, as a person does.
    ///
    /// # Panics
    ///
    /// When `kinit` fails.
    pub fn kinit(&self) {
        let mut kinit = self.command("kinit");
        let told = run_with_input(kinit.arg(USER), "secret\n");
        assert!(told.stderr.is_empty(), "{}{}", told.stdout, told.stderr);
        assert!(self.cache().is_file(), "{}", told.stdout);
    }

    /// The file of the tickets.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.file("tickets")
    }

    /// The keytab of the web server.
    #[must_use]
    pub fn web_keytab(&self) -> PathBuf {
        self.file("http.keytab")
    }

    /// The keytab of the user.
    #[must_use]
    pub fn user_keytab(&self) -> PathBuf {
        self.file("user.keytab")
    }

    /// Makes the programs that read the tickets believe that the KDC's clock is ahead by so many seconds: later, tickets have
    /// expired, and what they sign is of the wrong time.
    ///
    /// # Panics
    ///
    /// When there is no ticket, or its file is not as MIT's library writes it.
    pub fn set_clock_ahead(&self, seconds: u32) {
        let mut cache = or_panic(fs::read(self.cache()), &self.cache());
        assert!(cache.starts_with(&[5, 4, 0, 12, 0, 1, 0, 8]), "a cache of another form");
        if let Some(field) = cache.get_mut(OFFSET) {
            field.copy_from_slice(&seconds.to_be_bytes());
        }
        if let Some(field) = cache.get_mut(OFFSET.end..OFFSET.end + 4) {
            field.fill(0);
        }
        write(&self.cache(), &cache);
    }

    /// Stops the KDC.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[expect(clippy::panic, reason = "a realm that cannot be made must fail the test")]
    fn run(&self, program: &str, arguments: &[&str]) {
        if let Err(refused) = run(self.command(program).args(arguments)).success() {
            panic!("{refused}");
        }
    }
}

impl Drop for Kdc {
    fn drop(&mut self) {
        self.stop();
    }
}
