//! A link to an API server: requests as values, so that the same provider runs on a real server and on the simulation.

use std::pin::Pin;

use serde_json::Value;

/// The future of an answer, for any executor.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The verb of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// Reads.
    Get,
    /// Applies a manifest by server-side apply.
    Apply(Value),
    /// Changes an object by a JSON patch (RFC 6902).
    Patch(Value),
    /// Deletes, with these options (`meta/v1` `DeleteOptions`).
    Delete(Value),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The verb.
    pub verb: Verb,
    /// The path with its query, percent-encoded, as `/api/v1/namespaces?limit=500`.
    pub path: String,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status of HTTP.
    pub status: u16,
    /// The object, the list, or the server's `Status`.
    pub body: Value,
    /// The server's warnings (RFC 7234, 299).
    pub warnings: Vec<String>,
}

/// The reason why a server did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct NoAnswer {
    /// The reason, and what to do.
    pub cause: String,
    /// Whether a server that is still starting gives no answer in the same way: the connection is refused, or nobody is at the address.
    pub is_absent: bool,
}

/// A connection to one API server, without an opinion. A real server and the simulation implement it.
pub trait ApiLink: Send + Sync + 'static {
    /// The answer to a request.
    fn send(&self, request: Request) -> Answering<'_, Result<Response, NoAnswer>>;

    /// Waits so many milliseconds of the link's own time: in the simulation none pass.
    fn pause(&self, milliseconds: u64) -> Answering<'_, ()>;
}
