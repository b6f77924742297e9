//! The judge of logins by tickets: Apache with `mod_auth_gssapi`, configured as FreeIPA configures it, before a program that answers
//! in FreeIPA's place.

use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::kdc::Kdc;
use crate::named::port;
use crate::openssl::Authority;
use crate::tree::{or_panic, scratch, write};

/// The time for the server to start. It takes a tenth of a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who answers behind the web server: a command with its version, by whom it was run.
const ANSWER: &str = "#!/bin/sh\ncat >/dev/null\ncase $SCRIPT_NAME in\n*/json) printf 'Content-Type: application/json\\n\\n'\n\
    printf '{\"result\":{\"summary\":\"%s\"},\"error\":null,\"id\":0,\"principal\":\"%s\",\"version\":\"4.12.2\"}' \
    \"$GSS_NAME\" \"$GSS_NAME\" ;;\n*) printf 'Content-Type: text/plain\\n\\n' ;;\nesac\n";

/// An Apache on a port of this machine. It ends with the value.
pub struct Apache {
    folder: TempDir,
    port: u16,
    authority: String,
    child: Child,
}

impl Apache {
    /// Starts it with the keytab of a realm, and returns once it answers.
    ///
    /// # Panics
    ///
    /// When it does not start, with its log.
    #[must_use]
    pub fn start(kdc: &Kdc, fqdn: &str) -> Self {
        let (folder, port) = (scratch(), port());
        let path = folder.path().display().to_string();
        let authority = Authority::new("ca");
        let pair = authority.server("server", &[&format!("DNS:{fqdn}")]);
        // Its workers are of another user.
        or_panic(fs::set_permissions(folder.path(), Permissions::from_mode(0o755)), folder.path());
        let give = |name: &str, bytes: &[u8], mode: u32| {
            let file = folder.path().join(name);
            write(&file, bytes);
            or_panic(fs::set_permissions(&file, Permissions::from_mode(mode)), &file);
        };
        let read = |path: &Path| or_panic(fs::read(path), path);
        give("server.crt", &read(&pair.certificate), 0o644);
        give("server.key", &read(&pair.key), 0o600);
        give("http.keytab", &read(&kdc.web_keytab()), 0o644);
        give("answer", ANSWER.as_bytes(), 0o755);
        let modules = [
            "mpm_event",
            "authn_core",
            "authz_core",
            "authz_user",
            "auth_gssapi",
            "session",
            "session_cookie",
            "ssl",
            "cgid",
            "alias",
            "env",
        ];
        let modules: Vec<String> = modules
            .iter()
            .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
            .collect();
        let config = format!(
            "ServerRoot {path}\nServerName {fqdn}\nPidFile {path}/pid\nDefaultRuntimeDir {path}\nErrorLog {path}/log\nUser www-data\n\
             Group www-data\n{}ScriptSock {path}/cgi\nListen 127.0.0.1:{port}\nSSLEngine on\nSSLCertificateFile {path}/server.crt\n\
             SSLCertificateKeyFile {path}/server.key\nScriptAlias /ipa/session/json {path}/answer\n\
             ScriptAlias /ipa/session/login_kerberos {path}/answer\n<Location \"/ipa\">\nAuthType GSSAPI\n\
             AuthName \"Kerberos Login\"\nGssapiUseSessions On\nSession On\nSessionCookieName ipa_session path=/ipa;httponly;secure;\n\
             SessionHeader IPASESSION\nGssapiCredStore keytab:{path}/http.keytab\nRequire valid-user\n</Location>\n",
            modules.concat()
        );
        give("apache.conf", config.as_bytes(), 0o644);
        let mut server = kdc.command("apache2");
        server.args(["-DFOREGROUND", "-f", &format!("{path}/apache.conf")]);
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = or_panic(server.spawn(), Path::new("apache2"));
        let text = String::from_utf8_lossy(&read(&authority.own().certificate)).into_owned();
        let apache = Self { folder, port, authority: text, child };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "apache2 does not answer: {}", apache.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        apache
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file of its authority's certificate.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Apache {
    fn drop(&mut self) {
        // By SIGTERM it ends its workers too.
        let pid = self.child.id().to_string();
        crate::program::command("kill").arg(pid).status().ok();
        self.child.wait().ok();
    }
}
