//! A FreeIPA server for tests, on the loopback address and with TLS. It refuses what FreeIPA refuses, so that a wrong client cannot
//! pass.
//!
//! It has the login by password, sessions, `ping`, `batch`, and the commands of zones, forward zones and records. What is measured on FreeIPA's own
//! code and differs from what a client may expect is here too: the `Referer` without a port, a page of HTML for a session that has
//! ended, 100 entries unless the request says otherwise, emptiness for a user without rights, parallel additions that lose values,
//! and the record `_kerberos` in each new forward zone. Of hosts it has
//! what an enrolment by a one-time password needs, without certificates; it gives no tickets of Kerberos. With the feature `kerberos` it takes them:
//! `login_kerberos` answers as Apache's `mod_auth_gssapi` does, with the keytab that `KRB5_KTNAME` names. Of people it has users, groups, host
//! groups, rules of sudo and of access, with FreeIPA's own entries; a member that cannot be added stands under `failed`, as there.
//!
//! ```
//! use fmc_freeipa::server::{IpaAccount, IpaDirectory, IpaServer};
//!
//! let directory = IpaDirectory::new("ipa.lab.test", "lab.test").account("admin", IpaAccount::administrator("secret"));
//! let server = IpaServer::start(directory)?;
//! assert!(server.authority().starts_with("-----BEGIN CERTIFICATE-----"));
//! assert_ne!(server.port(), 0);
//! # Ok::<(), std::io::Error>(())
//! ```

mod account;
mod command;
mod directory;
mod encoding;
mod forward;
mod host;
#[cfg(feature = "kerberos")]
mod kerberos;
mod listen;
#[cfg(feature = "client")]
mod local;
mod options;
mod page;
mod people;
mod record;
mod record_data;
mod refusal;
mod rpc;
mod state;
mod tls;
mod zone;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use account::{IpaAccount, Rights};
pub use directory::IpaDirectory;
pub use state::IpaFault;

#[cfg(feature = "client")]
pub(crate) use local::LocalServer;
use state::State;

/// A server that runs until it is dropped, in a thread of its own.
#[derive(Debug)]
pub struct IpaServer {
    state: Arc<State>,
    authority: String,
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl IpaServer {
    /// Starts a server on a free port of 127.0.0.1, with a certificate of an authority of its own, for its
    /// FQDN and for `ipa-ca` in its domain.
    ///
    /// # Errors
    ///
    /// The port or the thread cannot be had, or the name fits no certificate.
    pub fn start(directory: IpaDirectory) -> io::Result<Self> {
        let identity = tls::Identity::new([directory.fqdn(), &directory.alias()])?;
        let state = Arc::new(State::new(directory));
        let (port, stop, thread) = listen::start(Arc::clone(&state), identity.acceptor)?;
        Ok(Self { state, authority: identity.authority, port, stop: Some(stop), thread: Some(thread) })
    }

    /// The certificate of its authority in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many requests came, with those that were refused.
    pub fn requests(&self) -> usize {
        self.state.requests()
    }

    /// Ends all sessions, as a restart does.
    pub fn end_sessions(&self) {
        self.state.end_sessions();
    }

    /// Enrols a host as its machine does, by the one-time password of its entry, which is used up. Whether it is enrolled by it.
    pub fn enrol(&self, fqdn: &str, password: &str) -> bool {
        self.state.directory().hosts.get_mut(fqdn).is_some_and(|host| host.enrol(password))
    }

    /// Gives the next commands a fault each, in the order in which they are stated.
    pub fn fail(&self, faults: impl IntoIterator<Item = IpaFault>) {
        self.state.fail(faults);
    }
}

impl Drop for IpaServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A thread that has ended already does not listen.
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
