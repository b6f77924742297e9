//! A server with its users, clients of it, and requests by hand.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use fmc_core::secret::SecretBytes;
use fmc_freeipa::client::{Client, ClientBuilder};
use fmc_freeipa::server::{IpaAccount, IpaDirectory, IpaServer, Rights};
use serde_json::{Value, json};

pub(crate) const FQDN: &str = "ipa.lab.test";

/// Runs a test.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}

pub(crate) fn server() -> IpaServer {
    IpaServer::start(directory()).unwrap()
}

pub(crate) fn directory() -> IpaDirectory {
    IpaDirectory::new(FQDN, "lab.test")
        .account("admin", IpaAccount::administrator("Secret&123=+ü"))
        .account("dns", IpaAccount::new("dns", Rights::WriteDns))
        .account("reader", IpaAccount::new("read", Rights::Read))
        .account("stranger", IpaAccount::new("none", Rights::Nothing))
        .account("old", IpaAccount::administrator("old").rejected("password-expired"))
        .account("locked", IpaAccount::administrator("locked").rejected("user-locked"))
        .account("gone", IpaAccount::administrator("gone").rejected("krbprincipal-expired"))
        .account("off", IpaAccount::administrator("off").rejected("account disabled"))
        .account("clock", IpaAccount::administrator("clock").rejected("Authentication failed"))
        .zone_elsewhere("ext.test")
}

/// The settings of a client of a server, as its administrator.
pub(crate) fn settings(server: &IpaServer) -> ClientBuilder {
    Client::to(FQDN)
        .user("admin", SecretBytes::new("Secret&123=+ü".as_bytes().to_vec()))
        .authority(server.authority())
        .address(IpAddr::V4(Ipv4Addr::LOCALHOST))
        .port(server.port())
        .timeout(Duration::from_secs(20))
}

pub(crate) fn client(server: &IpaServer) -> Client {
    settings(server).build().unwrap()
}

pub(crate) fn client_of(server: &IpaServer, user: &str, password: &str) -> Client {
    settings(server).user(user, SecretBytes::new(password.as_bytes().to_vec())).build().unwrap()
}

/// Requests that no client of ours sends.
pub(crate) struct Hand {
    http: reqwest::Client,
    port: u16,
    pub(crate) referer: Option<String>,
    pub(crate) cookie: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) reason: Option<String>,
    pub(crate) cookie: Option<String>,
}

impl Hand {
    pub(crate) fn new(server: &IpaServer) -> Self {
        // Another test may have done it.
        rustls::crypto::ring::default_provider().install_default().ok();
        let authority = reqwest::Certificate::from_pem(server.authority().as_bytes()).unwrap();
        let http = reqwest::Client::builder()
            .tls_certs_only([authority])
            .resolve(FQDN, SocketAddr::from((Ipv4Addr::LOCALHOST, server.port())))
            .build()
            .unwrap();
        Self { http, port: server.port(), referer: Some(format!("https://{FQDN}/ipa")), cookie: None }
    }

    pub(crate) async fn logged_in(server: &IpaServer, form: &'static str) -> Self {
        let mut hand = Self::new(server);
        let reply = hand.post("session/login_password", "application/x-www-form-urlencoded", form).await;
        assert_eq!(reply.status, 200);
        hand.cookie = reply.cookie.map(|cookie| cookie.split(';').next().unwrap().to_owned());
        hand
    }

    pub(crate) async fn post(&self, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> Reply {
        let url = format!("https://{FQDN}:{}/ipa/{path}", self.port);
        let mut request = self.http.post(url).header("content-type", kind).body(body);
        if let Some(referer) = &self.referer {
            request = request.header("referer", referer);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let response = request.send().await.unwrap();
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (kind, reason, cookie) =
            (header("content-type"), header("x-ipa-rejection-reason"), header("set-cookie"));
        let status = response.status().as_u16();
        Reply { status, kind: kind.unwrap_or_default(), text: response.text().await.unwrap(), reason, cookie }
    }

    /// Runs a command with a version, and gives the whole answer.
    pub(crate) async fn rpc(&self, command: &str, arguments: Value, mut options: Value) -> Value {
        options.as_object_mut().unwrap().entry("version").or_insert(json!("2.254"));
        self.rpc_as_it_is(json!({"method": command, "params": [arguments, options], "id": 7})).await
    }

    pub(crate) async fn rpc_as_it_is(&self, body: Value) -> Value {
        let reply = self.post("session/json", "application/json", body.to_string()).await;
        assert_eq!(
            (reply.status, reply.kind.as_str()),
            (200, "application/json; charset=utf-8"),
            "{}",
            reply.text
        );
        serde_json::from_str(&reply.text).unwrap()
    }

    /// The code of a command that is refused.
    pub(crate) async fn code(&self, command: &str, arguments: Value, options: Value) -> i64 {
        let answer = self.rpc(command, arguments, options).await;
        assert_eq!(answer["result"], Value::Null, "{answer}");
        answer["error"]["code"].as_i64().unwrap()
    }
}
