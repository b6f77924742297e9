//! The settings of a client.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use fmc_core::secret::SecretBytes;
use tokio::sync::Mutex;

use super::error::IpaError;
use super::http::{Credentials, Http};
use super::{API_VERSION, Client, tls};

/// How long a connection may take, with its TLS.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a connection waits for the next request. Apache closes it after 5 s, and a change that is sent just then would be lost.
const IDLE: Duration = Duration::from_secs(3);

/// The settings of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    fqdn: String,
    user: String,
    password: Option<SecretBytes>,
    by_ticket: bool,
    authority: Vec<u8>,
    address: Option<IpAddr>,
    port: u16,
    timeout: Duration,
    api_version: String,
}

impl ClientBuilder {
    pub(super) fn new(fqdn: String) -> Self {
        Self {
            fqdn,
            user: "admin".to_owned(),
            password: None,
            by_ticket: false,
            authority: Vec::new(),
            address: None,
            port: 443,
            timeout: Duration::from_secs(120),
            api_version: API_VERSION.to_owned(),
        }
    }

    /// The name of the user, `admin` or `admin@REALM`, and the password.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>, password: SecretBytes) -> Self {
        self.user = name.into();
        self.password = Some(password);
        self.by_ticket = false;
        self
    }

    /// Logs in by a ticket of Kerberos, in place of a user and a password. It needs the feature `kerberos`.
    ///
    /// The ticket is that of `kinit`, in the cache that `KRB5CCNAME` names; or one that the library gets by itself by the keytab
    /// that `KRB5_CLIENT_KTNAME` names. The environment is read when the client logs in.
    #[must_use]
    pub fn kerberos(mut self) -> Self {
        self.by_ticket = true;
        self.password = None;
        self
    }

    /// The certificate authority of FreeIPA in PEM (`/etc/ipa/ca.crt` on the server), which is the only one that is trusted.
    #[must_use]
    pub fn authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authority = pem.into();
        self
    }

    /// Where to connect, so that the server is reached before DNS has its name. Without it the resolver of this machine is asked.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// The port to connect to, where it is not 443: a tunnel, or a server of tests. It is not in the `Referer`.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How long one request may take, from its first byte to the last one of the answer: 120 s unless it is set. A zone takes up to
    /// 45 s where the server's resolver does not answer, and a batch some 40 ms for each command.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The version of the API in every request: [`API_VERSION`] unless it is set.
    #[must_use]
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = version.into();
        self
    }

    /// Makes the client. It connects at its first request.
    ///
    /// # Errors
    ///
    /// [`IpaError::Settings`]: the name is not an FQDN in lower case, the password or the authority is missing, the authority
    /// is not a certificate in PEM, or the login is by a ticket and this program is built without the feature `kerberos`.
    pub fn build(self) -> Result<Client, IpaError> {
        check_fqdn(&self.fqdn)?;
        let credentials = credentials(self.by_ticket, self.user, self.password)?;
        let tls = tls::config(&self.authority)?;
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .timeout(self.timeout);
        if let Some(address) = self.address {
            http = http.resolve(&self.fqdn, SocketAddr::new(address, self.port));
        }
        let client = http.build().map_err(|error| settings(&format!("set up TLS: {error}")))?;
        let http = Http::new(client, self.fqdn, self.port, credentials, self.timeout);
        Ok(Client { http, api_version: self.api_version, session: Mutex::default() })
    }
}

/// By what the client logs in.
fn credentials(
    by_ticket: bool,
    user: String,
    password: Option<SecretBytes>,
) -> Result<Credentials, IpaError> {
    #[cfg(feature = "kerberos")]
    if by_ticket {
        return Ok(Credentials::Ticket);
    }
    match password {
        Some(password) => Ok(Credentials::Password(user, Arc::new(password))),
        None if by_ticket => Err(settings(
            "it logs in by a ticket of Kerberos, and this program is built without the feature `kerberos`: build it with \
             `--features kerberos`, or give a user and a password",
        )),
        None => Err(settings("the password is missing: give it by `user`")),
    }
}

/// FreeIPA's own names are FQDNs in lower case, and its certificate has no address.
fn check_fqdn(fqdn: &str) -> Result<(), IpaError> {
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        (1..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
            && bytes.first() != Some(&b'-')
            && bytes.last() != Some(&b'-')
    };
    let is_address = fqdn.parse::<IpAddr>().is_ok();
    if !is_address && fqdn.contains('.') && fqdn.len() <= 253 && fqdn.split('.').all(is_label) {
        return Ok(());
    }
    let hint = if is_address { "give the address by `address`" } else { "as ipa.lab.example" };
    Err(settings(&format!(
        "{fqdn:?} is not the FQDN of a server, in lower case and without scheme, port or dot at its end: {hint}"
    )))
}

fn settings(cause: &str) -> IpaError {
    IpaError::Settings { cause: cause.to_owned() }
}

#[cfg(all(test, not(feature = "kerberos")))]
mod tests {
    use crate::client::Client;

    #[test]
    fn a_program_without_kerberos_names_the_feature() {
        let error = Client::to("ipa.lab.example").kerberos().build().unwrap_err().to_string();
        assert!(error.contains("without the feature `kerberos`"), "{error}");
    }
}
