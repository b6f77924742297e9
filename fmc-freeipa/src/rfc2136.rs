//! The provider of zones in servers that take dynamic updates (RFC 2136) and give zones away by transfer (RFC 5936), both signed
//! by a key (TSIG, RFC 8945).
//!
//! - *What is ours is marked.* Beside each name that it makes, the provider writes a TXT record, of `www` at `www._fmc` in the same
//!   zone: `fmc/OWNER` and a hash of the records. A name without the mark is a stranger's. It is left alone, whatever it has.
//! - *A name is changed by one message.* Its conditions are the records that the plan saw, so the server refuses the change if
//!   anybody was faster, and never does half of it.
//! - *A server that gives no transfers is asked name by name*, if the cloud says so. An index in the zone then says which names are ours.
//! - *A transfer that is refused, cut or unsigned is an error*, and never an empty zone.
//! - *The server's own records stay its own*: the SOA with its serial, the NS records of the zone itself, and those of DNSSEC.
//! - *A plan that changes much of a zone asks.* More than a third of a zone's names need the person's word.

mod act;
mod client;
mod document;
mod error;
mod index;
mod link;
mod model;
mod observe;
mod queries;
mod room;
mod rr;
#[cfg(feature = "sim")]
mod sim;
mod update;
mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::homes::Homes;
use crate::records::Names;
use crate::thread;
use document::Access;
use fmc_core::graph::Place;
use fmc_core::secret::Secrets;
use link::DnsLink;

pub use crate::object::DnsObject;
pub use document::Document;
pub use error::DnsError;
pub use verify::{Verified, Wrong, verify};

/// The provider's name in addresses.
pub const NAME: &str = "dns";

/// The kind of a name with its records.
pub const NAME_KIND: &str = crate::wanted::NAME_KIND;

/// The kind of a zone: its names exist once it is served.
pub const ZONE_KIND: &str = crate::wanted::ZONE_KIND;

/// The servers of a cloud's zones. Their addresses and keys are in the cloud; the bytes of the keys are secrets.
#[derive(Clone, Default)]
pub struct Rfc2136 {
    secrets: Option<Arc<dyn Secrets + Send + Sync>>,
    links: Arc<Mutex<BTreeMap<String, Arc<dyn DnsLink>>>>,
    /// What was read of each zone: the conditions of the next changes.
    seen: Arc<Mutex<BTreeMap<(Place, String), Names>>>,
    homes: Arc<Homes<Access>>,
    #[cfg(feature = "sim")]
    simulated: Option<sim::Simulated>,
}

impl Rfc2136 {
    /// The provider. It connects when it first looks.
    pub fn new() -> Self {
        Self::default()
    }

    /// The connection to a server.
    fn link(&self, access: &Access) -> Result<Arc<dyn DnsLink>, DnsError> {
        #[cfg(feature = "sim")]
        if let Some(simulated) = &self.simulated {
            return Ok(simulated.server(access));
        }
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = links.get(&access.name) {
            return Ok(Arc::clone(link));
        }
        let link: Arc<dyn DnsLink> = Arc::new(client::Client::new(access, self.secrets.as_deref())?);
        links.insert(access.name.clone(), Arc::clone(&link));
        Ok(link)
    }

    /// The records that were last read of a name and its mark.
    fn last_seen<T>(&self, place: &Place, zone: &str, look: impl FnOnce(&mut Names) -> T) -> T {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        look(seen.entry((place.clone(), zone.to_owned())).or_default())
    }
}

impl fmt::Debug for Rfc2136 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(links.keys()).finish()
    }
}

/// Runs blocking work on a thread of its own, or in place if the link answers at once.
async fn off_thread<T: Send + 'static>(
    link: Arc<dyn DnsLink>,
    work: impl FnOnce(&dyn DnsLink) -> Result<T, DnsError> + Send + 'static,
) -> Result<T, DnsError> {
    let ended = || DnsError::Broken("the thread that asks the server ended".to_owned());
    let is_instant = link.is_instant();
    thread::off_thread(is_instant, move || work(&*link)).await.ok_or_else(ended)?
}
