//! The client that asks registries for the digests of images (*OCI Distribution Specification* 1.1, *Pulling manifests*).
//!
//! It asks for headers alone, so that an image costs one short answer. An image of several architectures has the digest of its index, from
//! which each node takes its own. Connections are encrypted, except to this machine and to registries that a person names.

mod error;
mod login;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fmc_core::digest::Digest;
use fmc_core::given::Leaf as _;
use http_auth::{ChallengeParser, ChallengeRef};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use ureq::config::RedirectAuthHeaders;
use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, WWW_AUTHENTICATE};
use ureq::http::uri::Authority;
use ureq::http::{HeaderValue, Response, StatusCode, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, ResponseExt as _};

pub use error::RegistryError;
use error::harmless;
use login::{Found, Login};
pub use login::{LoginError, Logins};

use crate::image_lock::{HUB, ImageReference};

/// Where Docker Hub has its API.
const HUB_SERVER: &str = "registry-1.docker.io";

/// The forms of manifests whose digests Kubernetes pulls: indices first, so that a registry does not choose an architecture.
const FORMS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The greatest manifest that a registry must take (*Pushing manifests*).
const MOST_MANIFEST: u64 = 4 << 20;

/// The greatest answer of a server of tokens.
const MOST_TOKEN: u64 = 1 << 20;

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);

/// A client of registries. It keeps what it is given to enter a repository for the next image.
#[derive(Debug, Default)]
pub struct RegistryClient {
    logins: Logins,
    plain: BTreeSet<String>,
    entries: BTreeMap<(String, String), SecretString>,
    asked: BTreeSet<String>,
}

/// A registry, as it is connected to.
struct Server<'a> {
    image: &'a ImageReference,
    host: &'a str,
    is_plain: bool,
}

impl RegistryClient {
    /// Without a login.
    pub fn new() -> Self {
        Self::default()
    }

    /// With these logins.
    #[must_use]
    pub fn logins(self, logins: Logins) -> Self {
        Self { logins, ..self }
    }

    /// Speaks HTTP without encryption to a registry, as `10.17.3.2:5000`, as it does to this machine itself.
    #[must_use]
    pub fn plain_http(mut self, registry: impl Into<String>) -> Self {
        self.plain.insert(registry.into().to_ascii_lowercase());
        self
    }

    /// Asks the image's registry for its digest. `asks` is told each server before it is asked for the first time.
    ///
    /// # Errors
    ///
    /// The registry does not answer, does not admit the login, or has no such image.
    pub fn digest(
        &mut self,
        image: &ImageReference,
        asks: &mut dyn FnMut(&str),
    ) -> Result<Digest, RegistryError> {
        self.answer(image, asks).map_err(|error| match (&error, self.logins.of(image)) {
            // Public repositories need no login, so that is asked for only where they are closed.
            (
                RegistryError::NoLogin { .. } | RegistryError::Closed { .. },
                Some(Found::Unusable { path, why }),
            ) => RegistryError::Unusable { path, why },
            _ => error,
        })
    }

    fn answer(
        &mut self,
        image: &ImageReference,
        asks: &mut dyn FnMut(&str),
    ) -> Result<Digest, RegistryError> {
        let host = if image.registry() == HUB { HUB_SERVER } else { image.registry() };
        let server = Server { image, host, is_plain: self.is_plain(image.registry()) };
        self.tell(host, asks);
        let place = (image.registry().to_owned(), image.repository().to_owned());
        let mut entry = self.entries.get(&place).cloned();
        let mut response = self.ask(&server, Method::Head, entry.as_ref(), asks)?;
        // Whoever the registry redirects to has no say about its login.
        if response.status() == StatusCode::UNAUTHORIZED && answering(&response) == Some(host) {
            let given = self.enter(&server, response.headers(), asks)?;
            response = self.ask(&server, Method::Head, Some(&given.header), asks)?;
            if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Err(given.refused(image));
            }
            entry = Some(given.header.clone());
            self.entries.insert(place, given.header);
        }
        let is_whole = response.status() == StatusCode::OK && response.headers().contains_key(DIGEST);
        let is_no_head = matches!(response.status(), StatusCode::OK | StatusCode::METHOD_NOT_ALLOWED);
        if is_whole || !is_no_head {
            return server.stated(&response)?.ok_or(RegistryError::NoDigest);
        }
        server.hashed(self.ask(&server, Method::Get, entry.as_ref(), asks)?)
    }

    /// Asks for a manifest. The servers that the registry redirects to are told too.
    fn ask(
        &mut self,
        server: &Server<'_>,
        method: Method,
        entry: Option<&SecretString>,
        asks: &mut dyn FnMut(&str),
    ) -> Result<Response<Body>, RegistryError> {
        let response = server.ask(method, entry)?;
        let passed = response.get_redirect_history().unwrap_or_default();
        passed.iter().filter_map(Uri::authority).for_each(|host| self.tell(host.as_str(), asks));
        Ok(response)
    }

    fn tell(&mut self, host: &str, asks: &mut dyn FnMut(&str)) {
        if self.asked.insert(host.to_owned()) {
            asks(host);
        }
    }

    fn is_plain(&self, registry: &str) -> bool {
        is_this_machine(registry) || self.plain.contains(&registry.to_ascii_lowercase())
    }

    /// Gives what a challenge asks for: a token, or the login itself (RFC 6750, RFC 7617, *Docker Registry v2 authentication*).
    fn enter(
        &mut self,
        server: &Server<'_>,
        headers: &HeaderMap,
        asks: &mut dyn FnMut(&str),
    ) -> Result<Entered, RegistryError> {
        let image = server.image;
        let login = match self.logins.of(image) {
            Some(Found::Login(login)) => Some(login),
            Some(Found::Unusable { .. }) | None => None,
        };
        let texts: Vec<&str> =
            headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
        let challenges = || texts.iter().flat_map(|text| ChallengeParser::new(text)).flatten();
        let of = |scheme: &str| challenges().find(|one| one.scheme.eq_ignore_ascii_case(scheme));
        if let Some(bearer) = of("bearer") {
            return self.token(server, &bearer, login, asks);
        }
        if of("basic").is_some() {
            let Some(login) = login else {
                return Err(RegistryError::NoLogin { registry: image.registry().to_owned() });
            };
            return Ok(Entered { header: login.basic(), by: Some(login) });
        }
        let schemes: Vec<&str> = challenges().map(|one| one.scheme).collect();
        Err(RegistryError::Challenge { schemes: harmless(&schemes.join(", ")) })
    }

    /// Asks the server of tokens that a registry names for one that may pull from the image's repository.
    fn token(
        &mut self,
        server: &Server<'_>,
        challenge: &ChallengeRef<'_>,
        login: Option<Login>,
        asks: &mut dyn FnMut(&str),
    ) -> Result<Entered, RegistryError> {
        let value = |name: &str| {
            let mut values = challenge.params.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            values.next().map(|(_, value)| value.to_unescaped())
        };
        let realm = value("realm").unwrap_or_default();
        let wrong = || RegistryError::Realm { realm: harmless(&realm) };
        let uri: Uri = realm.parse().map_err(|_| wrong())?;
        let host = uri.authority().filter(|one| !one.as_str().contains('@')).ok_or_else(wrong)?.as_str();
        // A registry that is asked over TLS must not send the login over an open connection.
        let is_plain = match uri.scheme_str() {
            Some("https") => false,
            Some("http") if server.is_plain && (host == server.host || self.is_plain(host)) => true,
            _ => return Err(wrong()),
        };
        self.tell(host, asks);
        let scope = format!("repository:{}:pull", server.image.repository());
        let mut url =
            format!("{realm}{}scope={}", if uri.query().is_some() { '&' } else { '?' }, encoded(&scope));
        if let Some(service) = value("service") {
            url = format!("{url}&service={}", encoded(&service));
        }
        let mut request = agent(is_plain, RedirectAuthHeaders::Never).get(&url);
        if let Some(login) = &login {
            request = request.header(AUTHORIZATION, sensitive(&login.basic())?);
        }
        let mut response = request.call().map_err(|error| RegistryError::connect(host, &error))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(RegistryError::refused(login.as_ref(), server.image));
            }
            status => return Err(RegistryError::status(host, status)),
        }
        let text = response.body_mut().with_config().limit(MOST_TOKEN).read_to_string();
        let text = text.map_err(|error| RegistryError::connect(host, &error))?;
        let token =
            serde_json::from_str::<Token>(&text).ok().and_then(|answer| answer.token.or(answer.access_token));
        let Some(token) = token else { return Err(RegistryError::NoToken { host: host.to_owned() }) };
        Ok(Entered { header: SecretString::from(format!("Bearer {token}")), by: login })
    }
}

/// The answer of a server of tokens (*Docker Registry v2 authentication*, *Token response fields*).
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// The header by which a repository is entered, and the login that it follows from.
struct Entered {
    header: SecretString,
    by: Option<Login>,
}

impl Entered {
    fn refused(&self, image: &ImageReference) -> RegistryError {
        // A token without a login is given to anyone, and opens public repositories alone.
        RegistryError::refused(self.by.as_ref(), image)
    }
}

#[derive(Clone, Copy)]
enum Method {
    Head,
    Get,
}

impl Server<'_> {
    fn ask(&self, method: Method, entry: Option<&SecretString>) -> Result<Response<Body>, RegistryError> {
        let scheme = if self.is_plain { "http" } else { "https" };
        let (repository, tag) = (self.image.repository(), self.image.tag());
        let url = format!("{scheme}://{}/v2/{repository}/manifests/{tag}", self.host);
        let agent = agent(self.is_plain, RedirectAuthHeaders::SameHost);
        let mut request = match method {
            Method::Head => agent.head(&url),
            Method::Get => agent.get(&url),
        };
        for form in FORMS {
            request = request.header(ACCEPT, form);
        }
        if let Some(entry) = entry {
            request = request.header(AUTHORIZATION, sensitive(entry)?);
        }
        request.call().map_err(|error| RegistryError::connect(self.host, &error))
    }

    /// The digest that an answer states.
    fn stated(&self, response: &Response<Body>) -> Result<Option<Digest>, RegistryError> {
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                return Err(RegistryError::NotThere {
                    repository: self.image.repository().to_owned(),
                    tag: self.image.tag().to_owned(),
                });
            }
            StatusCode::FORBIDDEN if answering(response) == Some(self.host) => {
                return Err(RegistryError::refused(None, self.image));
            }
            status => return Err(RegistryError::status(answering(response).unwrap_or(self.host), status)),
        }
        let said = |name: &HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
        let form = said(&CONTENT_TYPE).unwrap_or("no content type");
        let form = form.split(';').next().unwrap_or(form).trim();
        if !FORMS.contains(&form) {
            return Err(RegistryError::Form { form: harmless(form) });
        }
        let Some(digest) = said(&DIGEST) else { return Ok(None) };
        match Digest::parse(digest) {
            Ok(known @ Digest::Sha256(_)) => Ok(Some(known)),
            _ => Err(RegistryError::OtherDigest { digest: harmless(digest) }),
        }
    }

    /// The digest of a manifest that is read. It must be the one that the answer states, if it states one.
    fn hashed(&self, mut response: Response<Body>) -> Result<Digest, RegistryError> {
        let stated = self.stated(&response)?;
        let bytes = response.body_mut().with_config().limit(MOST_MANIFEST).read_to_vec();
        let found = Digest::sha256(&bytes.map_err(|error| RegistryError::connect(self.host, &error))?);
        match stated {
            Some(stated) if stated != found => {
                Err(RegistryError::Mismatch { stated: Box::new(stated), found: Box::new(found) })
            }
            _ => Ok(found),
        }
    }
}

/// The server that an answer is from, with its port.
fn answering(response: &Response<Body>) -> Option<&str> {
    response.get_uri().authority().map(Authority::as_str)
}

fn agent(is_plain: bool, redirect_auth: RedirectAuthHeaders) -> Agent {
    let config = Agent::config_builder()
        .https_only(!is_plain)
        .http_status_as_error(false)
        .redirect_auth_headers(redirect_auth)
        .save_redirect_history(true)
        .user_agent(concat!("fmc/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(ANSWER))
        .timeout_recv_body(Some(ANSWER))
        // Certificates are judged as the rest of the system does: a registry behind a company's own authority is one too.
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build());
    // A proxy would be asked in the clear, for a server that it may not know.
    let config = if is_plain { config.proxy(None) } else { config };
    Agent::new_with_config(config.build())
}

fn sensitive(text: &SecretString) -> Result<HeaderValue, RegistryError> {
    let mut value = HeaderValue::from_str(text.expose_secret()).map_err(|_| RegistryError::Header)?;
    value.set_sensitive(true);
    Ok(value)
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Whether a registry, with or without a port, is on this machine.
fn is_this_machine(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => registry,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_in_the_clear() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["localhost.example.org", "10.0.0.1:5000", "docker.io", "[fd00::1]:5000", "127.0.0.1.example.org"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
        assert!(RegistryClient::new().plain_http("10.0.0.1:5000").is_plain("10.0.0.1:5000"));
    }
}
