//! A link to a server: a zone as a whole, and changes of one name. A real server and the simulation implement it.

use super::error::DnsError;
use super::rr::Rr;
use super::update::Update;

/// A connection to one server, without an opinion. Its calls block.
pub(super) trait DnsLink: Send + Sync + 'static {
    /// All records of a zone, by name.
    ///
    /// # Errors
    ///
    /// The server does not give it whole.
    fn transfer(&self, zone: &str) -> Result<Vec<Rr>, DnsError>;

    /// The records of names of a zone, of the types in [`ASKED`](super::queries::ASKED), by a question for each.
    ///
    /// # Errors
    ///
    /// The server does not answer a question, or does not have the zone.
    fn ask(&self, zone: &str, questions: &[(String, u16)]) -> Result<Vec<Rr>, DnsError>;

    /// Changes a zone, if all conditions hold.
    ///
    /// # Errors
    ///
    /// The server changed nothing.
    fn update(&self, update: &Update) -> Result<(), DnsError>;

    /// Whether it answers at once, so that no thread is needed.
    fn is_instant(&self) -> bool {
        false
    }

    /// Waits so many milliseconds of the link's own time: in the simulation none pass.
    fn pause(&self, milliseconds: u64);
}
