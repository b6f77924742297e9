//! The provider of zones in a FreeIPA server, by its API.
//!
//! - *What is ours is marked.* The entry of each name that the provider makes has the marks `fmc/OWNER` and `fmc-made/HASH` in its
//!   attribute `cn`, which DNS does not show; a zone that it makes has `fmc-zone/OWNER`. What has no mark is left alone.
//! - *What FreeIPA makes itself is FreeIPA's*: the SOA and the NS records of a zone, `_kerberos`, `_ldap`, `_kpasswd`, `_ntp`,
//!   `ipa-ca`, the addresses of its servers, and the SSHFP records that a host brings when it enrols.
//! - *A host is made, and never taken over.* It has the mark `fmc/OWNER` in `userclass`, and the one-time password of its machine. Once
//!   the machine is enrolled nothing of it is changed, and only a person who names it deletes it.
//! - *People are the cloud's by a mark of their own.* They are disabled before a person deletes them: see the module `people`.
//! - *All values of a name go in one call, and up to 50 names in one request.* The requests of a server follow each other: FreeIPA
//!   loses values when two calls for one name run at once.
//! - *The API has no conditions.* So each zone is read once more when an apply first changes it, and a name that is not as the plan
//!   saw it is not changed.
//! - *A failure in the middle is read again.* What is as wanted then is done; the rest fails by name, and the next plan has it.

mod act;
mod batches;
mod change;
mod document;
mod forward;
mod held;
mod host;
mod hosts;
mod idn;
mod link;
mod model;
mod observe;
mod people;
mod real;
mod room;
#[cfg(feature = "sim")]
mod sim;
mod work;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fmc_core::graph::Place;
use fmc_core::secret::Secrets;

use crate::client::IpaError;
use crate::homes::Homes;
use crate::thread;
use batches::Batches;
use document::Access;
pub(crate) use forward::Forwards;
use held::Held;
pub(crate) use host::HostState;
use link::IpaLink;
pub(crate) use people::EntryState;
use work::Job;

pub use crate::object::DnsObject;
pub use document::Document;

/// The provider's name in addresses.
pub const NAME: &str = "ipa";

/// The kind of a name with its records.
pub const NAME_KIND: &str = crate::wanted::NAME_KIND;

/// The kind of a zone.
pub const ZONE_KIND: &str = crate::wanted::ZONE_KIND;

/// The kind of a domain that the server asks others for.
pub const FORWARD_KIND: &str = "forward-zone";

/// The kind of a host: a machine that is enrolled, or will be.
pub const HOST_KIND: &str = "host";

/// The kind of the server's own forwarders.
pub const CONFIG_KIND: &str = "config";

/// The names of zones as this apply read them, by the place of their server and the zone.
type Fresh = Arc<Mutex<BTreeMap<(Place, String), BTreeMap<String, Held>>>>;

/// The FreeIPA servers of a cloud's zones. Their names and users are in the cloud; passwords are secrets.
#[derive(Clone, Default)]
pub struct Ipa {
    secrets: Option<Arc<dyn Secrets + Send + Sync>>,
    links: Arc<Mutex<BTreeMap<String, Arc<dyn IpaLink>>>>,
    homes: Arc<Homes<Access>>,
    /// The servers that were looked at, by place: a host that is deleted has no document.
    servers: Arc<Mutex<BTreeMap<Place, Arc<Access>>>>,
    /// The entries of people that the cloud no longer has, by the place of their server.
    leaving: Arc<Mutex<BTreeMap<Place, Arc<people::Leaving>>>>,
    batches: Batches<Job, work::Done>,
    fresh: Fresh,
    /// The time to live that names without one have, by the place of their server and the zone.
    ttls: Arc<Mutex<BTreeMap<(Place, String), u32>>>,
    #[cfg(feature = "sim")]
    simulated: Option<sim::Simulated>,
}

impl Ipa {
    /// The provider. It connects when it first looks.
    pub fn new() -> Self {
        Self::default()
    }

    /// The connection to a server.
    fn link(&self, access: &Access) -> Result<Arc<dyn IpaLink>, IpaError> {
        #[cfg(feature = "sim")]
        if let Some(simulated) = &self.simulated {
            return Ok(simulated.server(access));
        }
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = links.get(&access.name) {
            return Ok(Arc::clone(link));
        }
        let link: Arc<dyn IpaLink> = Arc::new(real::Server::new(access, self.secrets.as_deref())?);
        links.insert(access.name.clone(), Arc::clone(&link));
        Ok(link)
    }

    /// Forgets the names that an apply has read.
    fn forget(&self) {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl fmt::Debug for Ipa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(links.keys()).finish()
    }
}

/// Runs blocking work on a thread of its own, or in place if the link answers at once.
async fn off_thread<T: Send + 'static>(
    link: Arc<dyn IpaLink>,
    work: impl FnOnce(&dyn IpaLink) -> Result<T, IpaError> + Send + 'static,
) -> Result<T, IpaError> {
    let ended = || IpaError::Broken { cause: "the thread that asks the server ended".to_owned() };
    let is_instant = link.is_instant();
    thread::off_thread(is_instant, move || work(&*link)).await.ok_or_else(ended)?
}
