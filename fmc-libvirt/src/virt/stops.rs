//! Stopping guests. libvirt answers only when the guest's process is gone, which takes from a fifth of a
//! second to some seconds. Many guests are stopped at a time, over connections of their own, so that other
//! calls need not wait.

use std::sync::{Mutex, PoisonError};

use virt::error::Error;

use super::Deadlines;
use super::call::Call;
use super::session::{Client, IN_FLIGHT, Session};
use crate::link::{CallError, CallErrorKind};
use crate::provider::STOPS;

/// How many stops use the first connection. One or two machines need no other one.
const ON_THE_FIRST: usize = 2;

/// The number of other connections. Together with the other calls, they leave four of libvirtd's twenty
/// workers (`max_workers`) to other clients.
const OTHERS: usize = 3;

const _: () = assert!(ON_THE_FIRST + OTHERS * IN_FLIGHT == STOPS, "each stop has its place");

/// The running stops and their connections, which are opened when they are needed.
#[derive(Debug)]
pub(super) struct Stops {
    others: [Client; OTHERS],
    taken: Mutex<[bool; STOPS]>,
}

/// A place among the stops; dropping it frees it.
struct Place<'a> {
    stops: &'a Stops,
    number: usize,
}

impl Stops {
    pub(super) fn new(uri: &str, deadlines: Deadlines) -> Self {
        Self {
            others: std::array::from_fn(|_| Client::new(uri, deadlines)),
            taken: Mutex::new([false; STOPS]),
        }
    }

    /// Makes a call that stops a guest.
    pub(super) fn call<W>(&self, first: &Client, call: Call, work: W) -> Result<(), CallError>
    where
        W: Fn(&Session) -> Result<(), Error> + Clone + Send + Sync + 'static,
    {
        let place = self.take();
        // Each connection to libvirt's own simulation may have other guests.
        let other = place.as_ref().filter(|_| !first.is_test()).and_then(|place| {
            let behind = place.number.checked_sub(ON_THE_FIRST)?;
            self.others.get(behind / IN_FLIGHT)
        });
        match other.map(|client| client.call(call.clone(), work.clone())) {
            // A host that refuses a second connection still has its first, and a repeated stop does no harm.
            Some(Err(error)) if error.kind == CallErrorKind::Unreachable => first.call(call, work),
            Some(answer) => answer,
            None => first.call(call, work),
        }
    }

    /// The first free place, so that a connection is opened only if the earlier ones are full.
    fn take(&self) -> Option<Place<'_>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, place) = taken.iter_mut().enumerate().find(|(_, taken)| !**taken)?;
        *place = true;
        Some(Place { stops: self, number })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.stops.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = taken.get_mut(self.number) {
            *place = false;
        }
        if !taken.contains(&true) {
            self.stops.others.iter().for_each(Client::hang_up);
        }
    }
}
