//! A link to a server: searches, and commands of which many go in one request. A real server and the simulation implement it.

use serde_json::{Map, Value, json};

use crate::client::dns::find;
use crate::client::{Answer, IpaCall, IpaError, IpaRecord, IpaZone, Refusal};

/// A connection to one server, without an opinion. Its calls block.
pub(super) trait IpaLink: Send + Sync + 'static {
    /// Runs a command that changes nothing.
    ///
    /// # Errors
    ///
    /// There is no answer, or not a whole one.
    fn ask(
        &self,
        command: &str,
        arguments: &[Value],
        options: Map<String, Value>,
    ) -> Result<Answer, IpaError>;

    /// Runs commands one after another, in one request.
    ///
    /// # Errors
    ///
    /// The request as a whole failed: see [`IpaError::effect`].
    fn batch(&self, calls: &[IpaCall]) -> Result<Vec<Result<Answer, Refusal>>, IpaError>;

    /// Whether it answers at once, so that no thread is needed.
    fn is_instant(&self) -> bool {
        false
    }

    /// Waits so many milliseconds of the link's own time: in the simulation none pass.
    fn pause(&self, milliseconds: u64);
}

/// All zones that the user can see. A server with DNS has the zone of its own domain at least: none is a user without rights.
pub(super) fn zones(link: &dyn IpaLink, user: &str, domain: &str) -> Result<Vec<IpaZone>, IpaError> {
    let zones: Vec<IpaZone> =
        link.ask("dnszone_find", &[], find())?.into_entries().into_iter().map(IpaZone::new).collect();
    if !zones.is_empty() {
        return Ok(zones);
    }
    if link.ask("dns_is_enabled", &[], Map::new())?.result() == &json!(false) {
        return Err(IpaError::NoDns);
    }
    Err(IpaError::NoRights { zone: domain.to_owned(), principal: user.to_owned() })
}

/// All names of a zone with their records.
pub(super) fn records(link: &dyn IpaLink, zone: &str) -> Result<Vec<IpaRecord>, IpaError> {
    let mut options = find();
    options.insert("structured".to_owned(), json!(true));
    let answer = link.ask("dnsrecord_find", &[json!(zone)], options)?;
    Ok(answer.into_entries().into_iter().map(IpaRecord::new).collect())
}
