//! A client of FreeIPA: JSON-RPC over TLS, with a session that is renewed when it ends.
//!
//! [`Client::call`] runs any command of the server's API; [`Client::batch`] runs many in one request. What DNS needs has typed
//! requests and answers: [`Client::zones`], [`Client::records`], [`ZoneSettings`], [`RecordChange`].
//!
//! Three rules of FreeIPA shape the client:
//!
//! - A server refuses requests whose `Referer` is not its own FQDN without a port. So the client is always made by the FQDN, and
//!   [`ClientBuilder::address`] says where to connect while DNS does not know the name yet.
//! - Without a version of the API in a request the server answers in an older form. So every request states [`API_VERSION`].
//! - A command that changes several things may fail in the middle. [`IpaError::effect`] says what may have happened.
//!
//! ```no_run
//! use fmc_core::secret::SecretBytes;
//! use fmc_freeipa::client::{Client, OrUnchanged as _, RecordChange};
//!
//! # async fn records(authority: &[u8], password: Vec<u8>) -> Result<(), fmc_freeipa::client::IpaError> {
//! let client = Client::to("ipa.lab.example")
//!     .user("admin", SecretBytes::new(password))
//!     .authority(authority)
//!     .address("192.168.122.10".parse().unwrap())
//!     .build()?;
//! client.preflight("lab.example").await?;
//! let change = RecordChange::new().set("A", ["192.168.122.11"]).ttl(300);
//! client.record_add("lab.example.", "vm1", &change).await.or_unchanged()?;
//! for record in client.records("lab.example.").await? {
//!     println!("{} {:?}", record.name(), record.values());
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
pub(crate) mod batch;
mod builder;
mod code;
pub(crate) mod dns;
mod entry;
mod error;
mod http;
mod kerberos;
mod record;
mod rejection;
mod tls;
mod zone;

use std::fmt;

use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

pub use answer::{Answer, Message};
pub use batch::IpaCall;
pub use builder::ClientBuilder;
pub use code::{Code, Effect};
pub use dns::Preflight;
pub use entry::IpaEntry;
pub use error::{IpaError, OrUnchanged, Refusal};
pub use kerberos::{KerberosError, KerberosReason};
pub use record::{IpaRecord, RecordChange};
pub use rejection::{Rejection, RejectionReason};
pub use zone::{IpaZone, ZoneSettings};

use http::{Http, Session};

/// The version of the API that every request states, unless [`ClientBuilder::api_version`] says another one: FreeIPA 4.11 and later
/// have it. From 2.88 on, a server sends DNS names as objects.
pub const API_VERSION: &str = "2.254";

/// A FreeIPA server, and the session of one user in it. It logs in at its first request, and once more when the server has ended
/// the session. Its calls run in a runtime of tokio that has I/O and time.
///
/// It may be shared between tasks. Two calls that change one DNS name must not run at the same time: the server reads, merges and
/// writes, and loses values without an error.
pub struct Client {
    http: Http,
    api_version: String,
    session: Mutex<Option<Session>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.http.fqdn())
            .field("user", &self.http.user())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Starts the settings of a client, by the server's own FQDN.
    pub fn to(fqdn: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(fqdn.into())
    }

    /// Runs a command of the API once: its positional arguments and its options. The client adds the version of the API, unless
    /// the options have one.
    ///
    /// # Errors
    ///
    /// [`IpaError`]. An answer that is [truncated](Answer::is_truncated) is not an error here, since the caller may have asked for
    /// a limit.
    pub async fn call(
        &self,
        command: &str,
        arguments: &[Value],
        options: Map<String, Value>,
    ) -> Result<Answer, IpaError> {
        let mut options = options;
        options.entry("version").or_insert_with(|| Value::String(self.api_version.clone()));
        let body = json!({"method": command, "params": [arguments, options], "id": 0}).to_string();
        let reply = self.send(body.as_bytes()).await?;
        Answer::read(command, reply)
    }

    /// Runs a command that changes nothing, and repeats it when the server did not answer.
    pub(crate) async fn read(
        &self,
        command: &str,
        arguments: &[Value],
        options: Map<String, Value>,
    ) -> Result<Answer, IpaError> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match self.call(command, arguments, options.clone()).await {
                Err(error) if tries > 0 && error.is_absent() => tokio::time::sleep(PAUSE).await,
                done => return done?.whole(command),
            }
        }
    }

    /// Runs a change of one name, and repeats it when the server says that another change came between (4201).
    async fn change(
        &self,
        command: &str,
        arguments: &[Value],
        options: Map<String, Value>,
    ) -> Result<Answer, IpaError> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match self.call(command, arguments, options.clone()).await {
                Err(error) if tries > 0 && error.code() == Some(Code::MidairCollision) => {
                    tokio::time::sleep(PAUSE).await;
                }
                done => return done,
            }
        }
    }

    /// Ends the session at the server. The next request logs in again.
    ///
    /// # Errors
    ///
    /// [`IpaError`].
    pub async fn logout(&self) -> Result<(), IpaError> {
        if self.session.lock().await.is_none() {
            return Ok(());
        }
        let done = self.call("session_logout", &[], Map::new()).await;
        *self.session.lock().await = None;
        done.map(|_| ())
    }

    /// Sends a body in the session. When the server has ended the session it did not run the command, so that it may be sent again.
    async fn send(&self, body: &[u8]) -> Result<Value, IpaError> {
        let session = self.session(None).await?;
        if let Some(reply) = self.http.rpc(&session, body).await? {
            return Ok(reply);
        }
        let session = self.session(Some(session.number)).await?;
        self.http.rpc(&session, body).await?.ok_or(IpaError::NoSession)
    }

    /// The session, which is a new one if there is none, or if the present one is the one that has ended.
    async fn session(&self, ended: Option<u64>) -> Result<Session, IpaError> {
        let mut present = self.session.lock().await;
        if let Some(session) = present.as_ref().filter(|session| ended != Some(session.number)) {
            return Ok(session.clone());
        }
        *present = None;
        let session = Session { cookie: self.http.login().await?, number: ended.map_or(0, |last| last + 1) };
        *present = Some(session.clone());
        Ok(session)
    }
}

/// How often a call that may be repeated is sent.
const TRIES: u32 = 4;

/// How long to wait between.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);
