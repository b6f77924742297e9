//! A hypervisor in memory, which refuses what libvirt refuses, in its words.
//!
//! It implements [`Link`], so that the whole provider runs over it. Documents are parsed and kept as libvirt keeps
//! them, with defaults that nobody asked for; of an upload only the length and the digest are kept. Its time is its
//! own: a guest shuts down when the provider has waited long enough. Tests plant foreign objects, script faults and
//! count calls; the command line keeps one in a file (see [`mod@file`]).
//!
//! ```
//! use fmc_libvirt::link::Link;
//! use fmc_libvirt::sim::{Fault, Sim, When};
//!
//! let sim = Sim::new();
//! sim.on(When::call("start-network").of("lab"), Fault::Fail("no dnsmasq here".into()));
//! sim.define_network("<network><name>lab</name><bridge name='br-lab'/></network>")?;
//! assert!(sim.start_network("lab").is_err());
//! sim.start_network("lab")?;
//! # Ok::<(), fmc_libvirt::link::CallError>(())
//! ```

mod calls;
mod domain;
pub mod file;
mod network;
mod state;
mod storage;
mod trouble;
mod up;
mod xml;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fmc_core::world::World;
pub use fmc_core::world::{Call, Fault, When};
use sha2::Digest as _;

pub use self::calls::CALLS;
use self::state::State;
use self::trouble::Trouble;
use crate::link::{CallError, CallErrorKind, LeaseRecord};

#[cfg(doc)]
use crate::link::Link;

/// A simulated hypervisor. A clone is another handle of the same one.
#[derive(Clone, Debug)]
pub struct Sim {
    world: Arc<Mutex<World<State>>>,
    uri: Arc<str>,
    blocks: bool,
    /// How long each call takes, in real time.
    delay: Duration,
}

impl Default for Sim {
    fn default() -> Self {
        Self::new()
    }
}

impl Sim {
    /// An empty hypervisor with much memory, all files that anyone names and no other networks.
    pub fn new() -> Self {
        Self::holding(State::default(), "sim:")
    }

    fn holding(state: State, uri: &str) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(state))),
            uri: Arc::from(uri),
            blocks: false,
            delay: Duration::ZERO,
        }
    }

    /// The same hypervisor, whose calls are taken to block: the provider makes them on threads, as those of a real one.
    #[must_use]
    pub fn blocking(self) -> Self {
        Self { blocks: true, ..self }
    }

    /// The same hypervisor, each call of which takes this long in real time and [blocks](Sim::blocking).
    #[must_use]
    pub fn slow(self, delay: Duration) -> Self {
        Self { blocks: true, delay, ..self }
    }

    /// What it holds, as JSON.
    ///
    /// # Errors
    /// None that its own state can cause.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self.lock().state())?;
        text.push('\n');
        Ok(text)
    }

    /// A hypervisor that holds what [`Sim::to_json`] wrote; `uri` is what it calls itself.
    ///
    /// # Errors
    /// The text is no such JSON.
    pub fn from_json(uri: &str, text: &str) -> Result<Self, serde_json::Error> {
        let state: State = serde_json::from_str(text)?;
        Ok(Self::holding(state.restored(), uri))
    }

    /// Lets a fault wait for a call. Calls are named as the methods of [`Link`], with hyphens.
    pub fn on(&self, when: When, fault: Fault) {
        self.lock().on(when, fault);
    }

    /// The calls that faults still wait for: with one that never comes, a test of a failure tests nothing.
    pub fn waiting(&self) -> Vec<When> {
        self.lock().waiting().map(|(when, _)| when.clone()).collect()
    }

    /// Forgets every fault that still waits, and connects again after a cut.
    pub fn recover(&self) {
        let mut world = self.lock();
        world.forgive();
        world.reconnect();
    }

    /// Whether the connection was lost by a fault.
    pub fn is_cut(&self) -> bool {
        self.lock().is_cut()
    }

    /// The calls so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls().to_vec()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.lock().forget_calls();
    }

    /// Somebody else defines a domain.
    ///
    /// # Errors
    /// What libvirt would refuse, as with the other planted objects.
    pub fn plant_domain(&self, xml: &str) -> Result<(), CallError> {
        self.change(|state| state.define_domain(xml))
    }

    /// Somebody else defines a network and starts it.
    ///
    /// # Errors
    /// What libvirt would refuse.
    pub fn plant_network(&self, xml: &str) -> Result<(), CallError> {
        self.change(|state| {
            state.define_network(xml)?;
            let document = xml::parse(xml, "network")?;
            state.start_network(xml::required(document.root_element(), &["name"])?)
        })
    }

    /// Somebody else makes a pool.
    ///
    /// # Errors
    /// What libvirt would refuse.
    pub fn plant_pool(&self, xml: &str) -> Result<(), CallError> {
        self.change(|state| state.create_pool(xml))
    }

    /// Somebody else makes a volume in an active pool.
    ///
    /// # Errors
    /// What libvirt would refuse.
    pub fn plant_volume(&self, pool: &str, xml: &str) -> Result<(), CallError> {
        self.change(|state| state.create_volume(pool, xml))
    }

    /// Somebody stops a pool, which stays defined.
    ///
    /// # Errors
    /// There is no such pool.
    pub fn stop_pool(&self, name: &str) -> Result<(), CallError> {
        self.change(|state| match state.pools.get_mut(name) {
            Some(pool) => {
                pool.active = false;
                Ok(())
            }
            None => Err(Trouble::absent(format!("no storage pool with matching name '{name}'"))),
        })
    }

    /// A file outside the pools is not there; any other is.
    pub fn missing(&self, path: &str) {
        self.lock().state_mut().host.missing.insert(path.to_owned());
    }

    /// A pool's folder has room for so many bytes in all.
    pub fn room(&self, path: &str, bytes: u64) {
        self.lock().state_mut().host.room.insert(path.to_owned(), bytes);
    }

    /// The host's bridges that are no network's of libvirt; before this is called, whichever is named is there.
    pub fn bridges<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        self.lock().state_mut().host.bridges = Some(names.into_iter().map(str::to_owned).collect());
    }

    /// The host's memory in KiB, its threads, and the domain types that it runs.
    pub fn hardware<'a>(
        &self,
        memory_kib: u64,
        threads: u32,
        domain_types: impl IntoIterator<Item = &'a str>,
    ) {
        let mut world = self.lock();
        let host = &mut world.state_mut().host;
        (host.memory_kib, host.threads) = (memory_kib, threads);
        host.domain_types = domain_types.into_iter().map(str::to_owned).collect();
    }

    /// How many seconds a guest with an operating system takes to shut down.
    pub fn shutdown_takes(&self, seconds: u64) {
        self.lock().state_mut().host.shutdown_seconds = seconds;
    }

    /// A guest is up so many seconds after each start from now on: its interfaces have their leases, the host knows them
    /// as neighbours, its agent and its ports answer. A guest with an operating system is up at once until this is
    /// said, and one without is never.
    pub fn boots_in(&self, domain: &str, seconds: u64) {
        self.lock().state_mut().host.boots.insert(domain.to_owned(), Some(seconds));
    }

    /// A guest is never up, from its next start on.
    pub fn never_boots(&self, domain: &str) {
        self.lock().state_mut().host.boots.insert(domain.to_owned(), None);
    }

    /// A guest goes off by itself so many seconds after each start from now on.
    pub fn goes_off_after(&self, domain: &str, seconds: u64) {
        self.lock().state_mut().host.dies.insert(domain.to_owned(), seconds);
    }

    /// What a guest writes to its serial console at each start from now on.
    pub fn says(&self, domain: &str, text: &str) {
        self.lock().state_mut().host.says.insert(domain.to_owned(), text.to_owned());
    }

    /// A network goes on telling of a lease whose guest is gone, as dnsmasq does until it ends.
    pub fn keeps_lease(&self, network: &str, lease: LeaseRecord) {
        let LeaseRecord { mac, address, expires } = lease;
        let mut world = self.lock();
        let kept = world.state_mut().host.old_leases.entry(network.to_owned()).or_default();
        kept.push((mac, address, expires));
    }

    /// No guest answers at this TCP port.
    pub fn closes_port(&self, port: u16) {
        self.lock().state_mut().host.closed.insert(port);
    }

    /// A guest writes to its serial console.
    ///
    /// # Errors
    /// There is no such domain, or nothing keeps what it writes.
    pub fn print(&self, domain: &str, text: &str) -> Result<(), CallError> {
        self.change(|state| {
            let xml = state.domains.get(domain).map(|domain| domain.xml.clone());
            let xml =
                xml.ok_or_else(|| Trouble::absent(format!("no domain with matching name '{domain}'")))?;
            let document = xml::parse(&xml, "domain")?;
            let path = domain::log_of(document.root_element());
            let path = path.ok_or_else(|| Trouble::failed("its serial console has no log"))?;
            state.write_console(path, text);
            Ok(())
        })
    }

    /// How many bytes were sent to a volume, and what they hash to (SHA-256, in hexadecimal).
    pub fn sent(&self, pool: &str, volume: &str) -> Option<(u64, String)> {
        self.lock().state().pools.get(pool)?.volumes.get(volume)?.sent.clone()
    }

    /// Its own time since it was made.
    pub fn now(&self) -> Duration {
        Duration::from_millis(self.lock().state().host.now)
    }

    fn lock(&self) -> MutexGuard<'_, World<State>> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, act: impl FnOnce(&mut State) -> Result<(), Trouble>) -> Result<(), CallError> {
        act(self.lock().state_mut()).map_err(|trouble| trouble.during("plant an object"))
    }

    /// Makes a call, with the fault that waits for it.
    fn call<T>(
        &self,
        name: &'static str,
        object: &str,
        act: impl FnOnce(&mut State) -> Result<T, Trouble>,
    ) -> Result<T, CallError> {
        if !self.delay.is_zero() {
            std::thread::sleep(self.delay);
        }
        let mut world = self.lock();
        let fault = world.begin(name, object);
        let outcome = match fault {
            None => act(world.state_mut()),
            Some(Fault::Fail(words)) => Err(Trouble::failed(words)),
            Some(Fault::Hang) => {
                Err(Trouble::of(CallErrorKind::Deadline { seconds: 30 }, "no answer in time"))
            }
            Some(Fault::Cut | Fault::CutAt(_)) => Err(lost()),
            Some(Fault::CutAfter) => act(world.state_mut()).and_then(|_| Err(lost())),
        };
        outcome.map_err(|trouble| trouble.during(said(name, object)))
    }
}

fn lost() -> Trouble {
    Trouble::of(CallErrorKind::Unreachable, "the connection to the hypervisor was lost")
}

/// A call in words, as `define domain web`.
fn said(name: &str, object: &str) -> String {
    let mut words = name.replace('-', " ");
    if !object.is_empty() {
        words.push(' ');
        words.push_str(object);
    }
    words
}

fn hex(hash: &sha2::Sha256) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in hash.clone().finalize() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
