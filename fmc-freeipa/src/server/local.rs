//! A server that is asked within this program, without a connection: the provider's simulation.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;

use super::account::Rights;
use super::directory::IpaDirectory;
use super::rpc;
use super::state::{Caller, IpaFault, State};

/// A server without a connection, whose one caller may do everything.
#[derive(Debug)]
pub(crate) struct LocalServer(State);

impl LocalServer {
    pub(crate) fn new(directory: IpaDirectory) -> Self {
        Self(State::instant(directory))
    }

    /// The answer to the body of a request. `Null` is no answer.
    pub(crate) fn answer(&self, body: &Value) -> Value {
        let caller = Caller { name: "admin".to_owned(), rights: Rights::Write };
        let body = body.to_string();
        let answer = pin!(rpc::answer(&self.0, &caller, "", body.as_bytes(), IpaFault::Nothing));
        // Nothing in it waits.
        match answer.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(text) => serde_json::from_str(&text).unwrap_or_default(),
            Poll::Pending => Value::Null,
        }
    }

    /// What it has now.
    pub(crate) fn directory(&self) -> IpaDirectory {
        self.0.directory().clone()
    }
}
