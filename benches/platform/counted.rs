//! A connection that counts its requests, and repeats its lists.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use fmc::k8s::client::Server;
use fmc::k8s::link::{Answering, ApiLink, NoAnswer, Request, Response, Verb};
use futures_util::future::try_join_all;

/// A connection to a real API server. A clone is the same one.
#[derive(Clone)]
pub(crate) struct Counted(Arc<Inner>);

struct Inner {
    server: Server,
    seen: Mutex<Seen>,
}

/// The requests since the last question.
#[derive(Default)]
pub(crate) struct Seen {
    /// By verb, as `GET`.
    pub(crate) by_verb: BTreeMap<&'static str, usize>,
    /// The paths that were read.
    pub(crate) read: Vec<String>,
}

impl Seen {
    /// The number of all requests.
    pub(crate) fn all(&self) -> usize {
        self.by_verb.values().sum()
    }
}

impl Counted {
    pub(crate) fn new(kubeconfig: &str) -> Self {
        let server = Server::of_kubeconfig(kubeconfig).expect("the kubeconfig is right");
        Self(Arc::new(Inner { server, seen: Mutex::default() }))
    }

    /// The requests since the last question.
    pub(crate) fn seen(&self) -> Seen {
        std::mem::take(&mut self.0.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads these paths at once, and gives the number of objects.
    pub(crate) fn read(&self, paths: &[String]) -> usize {
        let all =
            paths.iter().map(|path| self.0.server.send(Request { verb: Verb::Get, path: path.clone() }));
        let answers = pollster::block_on(try_join_all(all)).expect("the server answers");
        let items = answers.iter().filter_map(|answer| answer.body.get("items")?.as_array());
        items.map(Vec::len).sum()
    }
}

impl ApiLink for Counted {
    fn send(&self, request: Request) -> Answering<'_, Result<Response, NoAnswer>> {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let verb = match &request.verb {
            Verb::Get => "GET",
            Verb::Apply(_) | Verb::Patch(_) => "PATCH",
            Verb::Delete(_) => "DELETE",
            _ => "another",
        };
        *seen.by_verb.entry(verb).or_default() += 1;
        if verb == "GET" {
            seen.read.push(request.path.clone());
        }
        drop(seen);
        self.0.server.send(request)
    }

    fn pause(&self, milliseconds: u64) -> Answering<'_, ()> {
        self.0.server.pause(milliseconds)
    }
}
