//! Who is told of alerts, and how.

use std::net::IpAddr;

use fmc_core::given::Given;
use fmc_core::secret::Secret;
use http::Uri;
use serde::{Deserialize, Serialize};

use crate::name::ObjectName;

/// The port of an URL that is a secret. Slack takes no other.
const SECRET_PORT: u16 = 443;

/// Somebody who is told of alerts, in every way that is said here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    pub(crate) name: Given<ObjectName>,
    /// Addresses that take alerts as JSON, by POST.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) webhooks: Vec<Webhook>,
    /// Mailboxes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) emails: Vec<Email>,
    /// Channels of Slack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) slack: Vec<Slack>,
}

/// An address that takes alerts as JSON, by POST: an URL outside of the cluster, one that is a secret, or a workload of the same namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The URL, as `https://chat.example.org/hooks/alerts`. Everybody who may read the configuration reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// An URL that is a secret by itself, because whoever knows it can write there. Its port must be 443.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret_url: Option<Secret>,
    /// A workload of the same namespace, in place of an URL. The connection follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workload: Option<WebhookWorkload>,
    /// The bearer token that it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Secret>,
}

/// A workload that takes alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WebhookWorkload {
    pub(crate) name: Given<ObjectName>,
    /// A port that it exposes.
    pub(crate) port: u16,
    /// The path: `/` if not said.
    #[serde(default = "root")]
    pub(crate) path: String,
}

fn root() -> String {
    "/".to_owned()
}

/// Mailboxes, and the server that takes mail for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The mail server with its port, as `smtp.example.org:587`. At port 465 the connection begins with TLS; at any other it must
    /// turn to TLS by STARTTLS.
    pub(crate) smarthost: String,
    /// The sender's address.
    pub(crate) from: String,
    /// The addresses that the mail goes to.
    pub(crate) to: Vec<String>,
    /// The user and the password at the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) login: Option<SmtpLogin>,
    /// Whether it sends the mail even if the server has no TLS: everybody on the way can read it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) without_tls: bool,
}

/// A user at a mail server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SmtpLogin {
    pub(crate) user: String,
    pub(crate) password: Secret,
}

/// A channel of Slack, or of a server that takes Slack's incoming webhooks at port 443.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The URL of the incoming webhook. Whoever knows it can write to the channel, so it is a secret.
    pub(crate) url: Secret,
    /// Another channel than the webhook's own, as `#ops`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<String>,
}

impl Receiver {
    /// One who is told in no way yet.
    pub fn new(name: impl Into<Given<ObjectName>>) -> Self {
        Self { name: name.into(), webhooks: Vec::new(), emails: Vec::new(), slack: Vec::new() }
    }

    /// An address that takes alerts as JSON.
    #[must_use]
    pub fn webhook(mut self, webhook: Webhook) -> Self {
        self.webhooks.push(webhook);
        self
    }

    /// Mailboxes.
    #[must_use]
    pub fn email(mut self, email: Email) -> Self {
        self.emails.push(email);
        self
    }

    /// A channel of Slack.
    #[must_use]
    pub fn slack(mut self, slack: Slack) -> Self {
        self.slack.push(slack);
        self
    }

    /// Its secrets, each with the name of its file.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (String, Secret)> {
        let webhooks = self.webhooks.iter().enumerate();
        let tokens = webhooks.filter_map(|(at, one)| Some((self.file("webhook", at), one.token.clone()?)));
        let webhooks = self.webhooks.iter().enumerate();
        let addresses =
            webhooks.filter_map(|(at, one)| Some((self.file("webhook-url", at), one.secret_url.clone()?)));
        let emails = self.emails.iter().enumerate();
        let passwords = emails
            .filter_map(|(at, one)| Some((self.file("email", at), one.login.as_ref()?.password.clone())));
        let slack = self.slack.iter().enumerate();
        let urls = slack.map(|(at, one)| (self.file("slack", at), one.url.clone()));
        tokens.chain(addresses).chain(passwords).chain(urls)
    }

    /// The name of the file with a secret.
    pub(super) fn file(&self, way: &str, at: usize) -> String {
        format!("{}.{way}.{at}", self.name)
    }

    /// The ports that it is called at outside of the cluster, each with its address if that is not left to a name.
    pub(super) fn calls(&self) -> impl Iterator<Item = (Option<IpAddr>, u16)> {
        let webhooks = self.webhooks.iter().filter_map(|one| Endpoint::of_url(one.url.as_deref()?).ok());
        let emails = self.emails.iter().filter_map(|one| Endpoint::of_smarthost(&one.smarthost));
        let named = webhooks.chain(emails).map(|one| (one.address(), one.port));
        let secret = self.webhooks.iter().filter(|one| one.secret_url.is_some()).count() + self.slack.len();
        named.chain(std::iter::repeat_n((None, SECRET_PORT), secret))
    }
}

impl Webhook {
    /// An URL outside of the cluster.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), secret_url: None, workload: None, token: None }
    }

    /// An URL that is a secret by itself, because whoever knows it can write there. Its port must be 443.
    pub fn secret(url: Secret) -> Self {
        Self { url: None, secret_url: Some(url), workload: None, token: None }
    }

    /// A workload of the same namespace, with a port that it exposes and a path. The connection follows.
    pub fn to_workload(name: impl Into<Given<ObjectName>>, port: u16, path: impl Into<String>) -> Self {
        let workload = WebhookWorkload { name: name.into(), port, path: path.into() };
        Self { url: None, secret_url: None, workload: Some(workload), token: None }
    }

    /// The bearer token that it shows.
    #[must_use]
    pub fn token(self, token: Secret) -> Self {
        Self { token: Some(token), ..self }
    }

    /// The URL that it calls; `None` if it is a secret.
    pub(super) fn address(&self) -> Option<String> {
        let of_workload =
            |WebhookWorkload { name, port, path }: &WebhookWorkload| format!("http://{name}:{port}{path}");
        self.url.clone().or_else(|| self.workload.as_ref().map(of_workload))
    }
}

impl Email {
    /// A mailbox, with the mail server and its port, as `smtp.example.org:587`, and the sender's address.
    pub fn new(smarthost: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            smarthost: smarthost.into(),
            from: from.into(),
            to: vec![to.into()],
            login: None,
            without_tls: false,
        }
    }

    /// A further mailbox.
    #[must_use]
    pub fn to(mut self, address: impl Into<String>) -> Self {
        self.to.push(address.into());
        self
    }

    /// The user and the password at the server.
    #[must_use]
    pub fn login(self, user: impl Into<String>, password: Secret) -> Self {
        Self { login: Some(SmtpLogin { user: user.into(), password }), ..self }
    }

    /// It sends the mail even if the server has no TLS: everybody on the way can read it.
    #[must_use]
    pub fn without_tls(self) -> Self {
        Self { without_tls: true, ..self }
    }
}

impl Slack {
    /// The channel of an incoming webhook, by its URL.
    pub fn new(url: Secret) -> Self {
        Self { url, channel: None }
    }

    /// Another channel than the webhook's own, as `#ops`.
    #[must_use]
    pub fn channel(self, channel: impl Into<String>) -> Self {
        Self { channel: Some(channel.into()), ..self }
    }
}

/// A host outside of the cluster, with a port.
#[derive(Debug, PartialEq)]
pub(crate) struct Endpoint {
    /// Its name or its address; an address of IPv6 without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Endpoint {
    /// The host of an URL of HTTP.
    ///
    /// # Errors
    ///
    /// Says why the text is not such an URL.
    pub(crate) fn of_url(url: &str) -> Result<Self, &'static str> {
        let scheme = ["http://", "https://"].iter().position(|scheme| url.starts_with(scheme));
        let usual = match scheme {
            Some(0) => 80,
            Some(_) => 443,
            None => return Err("it does not begin with https:// or http://"),
        };
        let uri: Uri = url.parse().map_err(|_| "it is not an URL")?;
        let authority = uri.authority().ok_or("it has no host")?;
        if authority.as_str().contains('@') {
            return Err("it has a user or a password, which everybody who reads the configuration would see");
        }
        let host = authority.host();
        // `http::Uri` takes a port that is not a number for a part of the host.
        let has_port = authority.as_str().len() > host.len();
        let port = if has_port { authority.port_u16().ok_or("its port is not a number")? } else { usual };
        Self::of(host, port).ok_or("its port or its host is empty")
    }

    /// A mail server with its port, as `smtp.example.org:587`.
    pub(crate) fn of_smarthost(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let is_host = |one: u8| one.is_ascii_alphanumeric() || b"-._:[]".contains(&one);
        Self::of(host, port.parse().ok()?).filter(|_| host.bytes().all(is_host))
    }

    fn of(host: &str, port: u16) -> Option<Self> {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        (!host.is_empty() && port > 0).then(|| Self { host: host.to_owned(), port })
    }

    /// Its address, if it is not left to a name.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether its name is one that the cluster alone knows (*DNS for Services and Pods* of Kubernetes), or is its own pod.
    pub(crate) fn is_in_cluster(&self) -> bool {
        let host = self.host.trim_end_matches('.');
        self.address().map_or_else(
            || {
                let ends = [".svc", ".cluster.local"];
                !host.contains('.') || ends.iter().any(|end| host.ends_with(end))
            },
            |address| address.is_loopback() || address.is_unspecified(),
        )
    }
}
