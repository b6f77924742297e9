//! Requests over HTTP: the login, and one command in a session.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use fmc_core::secret::SecretBytes;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use reqwest::header::{
    CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, REFERER, SET_COOKIE,
};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::error::IpaError;
use super::rejection::Rejection;
use super::tls;

/// The media type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// The largest answer that is read: a zone of 500,000 names has some 200 MiB.
const LARGEST: usize = 256 << 20;

/// The right to run commands.
#[derive(Clone)]
pub(super) struct Session {
    /// The cookie, which `Debug` does not show.
    pub(super) cookie: HeaderValue,
    /// Which login it is of.
    pub(super) number: u64,
}

/// By what a client logs in.
pub(super) enum Credentials {
    /// A user and the password.
    Password(String, Arc<SecretBytes>),
    /// The ticket of Kerberos in the environment of this process.
    #[cfg(feature = "kerberos")]
    Ticket,
}

impl Credentials {
    /// Who logs in, in words.
    pub(super) fn user(&self) -> &str {
        match self {
            Self::Password(user, _) => user,
            #[cfg(feature = "kerberos")]
            Self::Ticket => "the owner of the Kerberos ticket",
        }
    }
}

/// One server.
pub(super) struct Http {
    client: reqwest::Client,
    fqdn: String,
    port: u16,
    credentials: Credentials,
    timeout: Duration,
}

impl Http {
    pub(super) fn new(
        client: reqwest::Client,
        fqdn: String,
        port: u16,
        credentials: Credentials,
        timeout: Duration,
    ) -> Self {
        Self { client, fqdn, port, credentials, timeout }
    }

    pub(super) fn fqdn(&self) -> &str {
        &self.fqdn
    }

    pub(super) fn user(&self) -> &str {
        self.credentials.user()
    }

    /// Logs in, and gives the cookie of the new session.
    pub(super) async fn login(&self) -> Result<HeaderValue, IpaError> {
        match &self.credentials {
            Credentials::Password(user, password) => self.login_by_form(user, password).await,
            #[cfg(feature = "kerberos")]
            Credentials::Ticket => super::kerberos::login(self).await,
        }
    }

    async fn login_by_form(&self, user: &str, password: &SecretBytes) -> Result<HeaderValue, IpaError> {
        let mut form = format!("user={}&password=", percent_encode(user.as_bytes(), NON_ALPHANUMERIC));
        form.extend(percent_encode(password.expose(), NON_ALPHANUMERIC));
        let response = self.post("session/login_password", FORM, form.into_bytes(), None).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err(IpaError::Login(Rejection::read(user, response.headers())));
        }
        self.session_of(&response)
    }

    /// The cookie of the session that a login has begun.
    pub(super) fn session_of(&self, response: &Response) -> Result<HeaderValue, IpaError> {
        if response.status() != StatusCode::OK {
            return Err(self.unexpected(response));
        }
        session_cookie(response.headers()).ok_or_else(|| IpaError::Broken {
            cause: "the login has no cookie ipa_session: this may not be a FreeIPA server".to_owned(),
        })
    }

    /// Runs a command. `None` says that the server has ended the session, and did not run it.
    pub(super) async fn rpc(&self, session: &Session, body: &[u8]) -> Result<Option<Value>, IpaError> {
        let cookie = Some((COOKIE, session.cookie.clone()));
        let response = self.post("session/json", "application/json", body.to_vec(), cookie).await?;
        match response.status() {
            StatusCode::UNAUTHORIZED => return Ok(None),
            StatusCode::OK => {}
            _ => return Err(self.unexpected(&response)),
        }
        let kind = content_type(response.headers());
        if kind != "application/json" {
            return Err(IpaError::NoJson { status: 200, kind });
        }
        let body = self.body(response).await?;
        let value = serde_json::from_slice(&body)
            .map_err(|error| IpaError::Broken { cause: format!("it is not JSON: {error}") })?;
        Ok(Some(value))
    }

    /// Sends a request, with the header that says who sends it.
    pub(super) async fn post(
        &self,
        path: &str,
        kind: &'static str,
        body: Vec<u8>,
        who: Option<(HeaderName, HeaderValue)>,
    ) -> Result<Response, IpaError> {
        // The port is in the URL alone: a Referer with a port is refused.
        let url = match self.port {
            443 => format!("https://{}/ipa/{path}", self.fqdn),
            port => format!("https://{}:{port}/ipa/{path}", self.fqdn),
        };
        let mut request = self
            .client
            .post(url)
            .header(REFERER, format!("https://{}/ipa", self.fqdn))
            .header(CONTENT_TYPE, kind)
            .body(body);
        if let Some((name, value)) = who {
            request = request.header(name, value);
        }
        request.send().await.map_err(|error| self.failure(error))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, IpaError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(error))? {
            if body.len() + chunk.len() > LARGEST {
                return Err(IpaError::Broken { cause: format!("it is larger than {} MiB", LARGEST >> 20) });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// What an answer means that is neither a success nor the end of a session.
    fn unexpected(&self, response: &Response) -> IpaError {
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            return IpaError::Redirected { to: to.unwrap_or("nowhere").to_owned() };
        }
        match status {
            StatusCode::BAD_REQUEST => IpaError::Referer { fqdn: self.fqdn.clone() },
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                IpaError::Unavailable { status: status.as_u16() }
            }
            _ => IpaError::NoJson { status: status.as_u16(), kind: content_type(response.headers()) },
        }
    }

    /// Why there is no answer, or only the beginning of one.
    fn failure(&self, error: reqwest::Error) -> IpaError {
        let error = error.without_url();
        if let Some(cause) = tls::failure(&error) {
            return IpaError::Tls { cause };
        }
        if error.is_connect() {
            return IpaError::Connect {
                cause: format!("{}:{}: {}", self.fqdn, self.port, innermost(&error)),
            };
        }
        if error.is_timeout() {
            return IpaError::Timeout { after: self.timeout };
        }
        IpaError::Interrupted { cause: innermost(&error) }
    }
}

/// The cookie of the session, as it is sent back: `ipa_session=…`.
fn session_cookie(headers: &HeaderMap) -> Option<HeaderValue> {
    let cookie = headers.get_all(SET_COOKIE).iter().find_map(|value| {
        let pair = value.as_bytes().split(|byte| *byte == b';').next()?;
        // A cookie without a value ends a session.
        (pair.starts_with(b"ipa_session=") && pair.len() > b"ipa_session=".len()).then_some(pair)
    })?;
    let mut cookie = HeaderValue::from_bytes(cookie).ok()?;
    cookie.set_sensitive(true);
    Some(cookie)
}

/// The media type of an answer, without its parameters.
fn content_type(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The first cause of an error, which says more than the layers above it.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
