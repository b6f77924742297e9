//! A hypervisor in memory that refuses the same things as libvirt, with the same messages.
//!
//! It implements [`Link`], so the whole provider runs over it. It parses documents and stores them like
//! libvirt, with added defaults; of an upload it stores only the length and the digest. It has its own time:
//! a guest shuts down when the provider has waited long enough. Tests plant foreign objects, script faults
//! and count calls; the command line keeps one in a file (see [`mod@file`]).
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
mod contents;
mod domain;
pub mod file;
mod hand;
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
use self::hand::Meanwhile;
use self::state::State;
use self::trouble::Trouble;
use crate::link::{CallError, CallErrorKind, Filter, LeaseRecord};

#[cfg(doc)]
use crate::link::Link;

/// A simulated hypervisor. A clone is another handle of the same one.
#[derive(Clone, Debug)]
pub struct Sim {
    world: Arc<Mutex<World<State>>>,
    uri: Arc<str>,
    blocks: bool,
    /// The real duration of each call.
    delay: Duration,
    meanwhile: Meanwhile,
}

impl Default for Sim {
    fn default() -> Self {
        Self::new()
    }
}

impl Sim {
    /// An empty hypervisor with much memory, without foreign networks. Every file outside of the pools
    /// exists.
    pub fn new() -> Self {
        Self::holding(State::default(), "sim:")
    }

    fn holding(state: State, uri: &str) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(state))),
            uri: Arc::from(uri),
            blocks: false,
            delay: Duration::ZERO,
            meanwhile: Meanwhile::default(),
        }
    }

    /// The same hypervisor, but its calls count as blocking: the provider makes them on threads, as with a
    /// real one.
    #[must_use]
    pub fn blocking(self) -> Self {
        Self { blocks: true, ..self }
    }

    /// The same hypervisor, but each call takes this long in real time and [blocks](Sim::blocking).
    #[must_use]
    pub fn slow(self, delay: Duration) -> Self {
        Self { blocks: true, delay, ..self }
    }

    /// The state, as JSON.
    ///
    /// # Errors
    /// None that the state of a simulation can cause.
    pub fn to_json(&self) -> Result<String, StateError> {
        let mut text = serde_json::to_string_pretty(self.lock().state()).map_err(StateError::of)?;
        text.push('\n');
        Ok(text)
    }

    /// A hypervisor with the state that [`Sim::to_json`] wrote; `uri` is its URI.
    ///
    /// # Errors
    /// The text is not such JSON, a section is missing, or another version of fmc wrote it in a form that this one does
    /// not know.
    pub fn from_json(uri: &str, text: &str) -> Result<Self, StateError> {
        state::is_known(text).map_err(StateError)?;
        let state: State = serde_json::from_str(text).map_err(StateError::of)?;
        Ok(Self::holding(state.restored(), uri))
    }

    /// Makes a fault wait for a call. Calls are named like the methods of [`Link`], with hyphens.
    pub fn on(&self, when: When, fault: Fault) {
        self.lock().on(when, fault);
    }

    /// The calls that faults still wait for. Check it at the end: if the awaited call never comes, a test of
    /// a failure tests nothing.
    pub fn waiting(&self) -> Vec<When> {
        self.lock().waiting().map(|(when, _)| when.clone()).collect()
    }

    /// Removes every fault that still waits, and connects again after a cut.
    pub fn recover(&self) {
        let mut world = self.lock();
        world.forgive();
        world.reconnect();
    }

    /// Whether a fault has cut the connection.
    pub fn is_cut(&self) -> bool {
        self.lock().is_cut()
    }

    /// The calls so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls().to_vec()
    }

    /// Clears the list of calls.
    pub fn forget_calls(&self) {
        self.lock().forget_calls();
    }

    /// Defines a domain as somebody else.
    ///
    /// # Errors
    /// Whatever libvirt would refuse, as with the other planted objects.
    pub fn plant_domain(&self, xml: &str) -> Result<(), CallError> {
        self.change(|state| state.define_domain(xml))
    }

    /// Defines and starts a network as somebody else.
    ///
    /// # Errors
    /// Whatever libvirt would refuse.
    pub fn plant_network(&self, xml: &str) -> Result<(), CallError> {
        self.change(|state| {
            state.define_network(xml)?;
            let document = xml::parse(xml, "network")?;
            state.start_network(xml::required(document.root_element(), &["name"])?)
        })
    }

    /// Makes a pool as somebody else.
    ///
    /// # Errors
    /// Whatever libvirt would refuse.
    pub fn plant_pool(&self, xml: &str) -> Result<(), CallError> {
        self.change(|state| state.create_pool(xml, true))
    }

    /// Makes a volume in an active pool as somebody else.
    ///
    /// # Errors
    /// Whatever libvirt would refuse.
    pub fn plant_volume(&self, pool: &str, xml: &str) -> Result<(), CallError> {
        self.change(|state| state.create_volume(pool, xml))
    }

    /// Stops a pool by hand; it stays defined.
    ///
    /// # Errors
    /// There is no such pool.
    pub fn stop_pool(&self, name: &str) -> Result<(), CallError> {
        self.change(|state| {
            let absent = || Trouble::absent(format!("no storage pool with matching name '{name}'"));
            let pool = state.pools.get_mut(name).ok_or_else(absent)?;
            pool.active = false;
            if pool.transient { state.forget_pool(name) } else { Ok(()) }
        })
    }

    /// Makes a file outside the pools missing; all others exist.
    pub fn missing(&self, path: &str) {
        self.lock().state_mut().host.missing.insert(path.to_owned());
    }

    /// Limits the total space of a pool's folder.
    pub fn room(&self, path: &str, bytes: u64) {
        self.lock().state_mut().host.room.insert(path.to_owned(), bytes);
    }

    /// Sets the host's bridges that libvirt does not manage; before this call, every named bridge exists.
    pub fn bridges<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        self.lock().state_mut().host.bridges = Some(names.into_iter().map(str::to_owned).collect());
    }

    /// Deletes the bridge of an active network, as `ip link delete` does.
    pub fn delete_bridge(&self, bridge: &str) {
        self.lock().state_mut().host.lost_bridges.insert(bridge.to_owned());
    }

    /// Lets it count as another computer, as a hypervisor behind SSH: what only the kernel knows is not known then.
    pub fn place_elsewhere(&self) {
        self.lock().state_mut().host.elsewhere = true;
    }

    /// Ends the dnsmasq of an active network, as `kill` does.
    pub fn end_dnsmasq(&self, network: &str) {
        self.lock().state_mut().host.unserved.insert(network.to_owned());
    }

    /// Gives the host a route of its own, as to the subnet of an address of its interface.
    pub fn route(&self, to: &str, device: &str) {
        self.lock().state_mut().host.routes.push((to.to_owned(), device.to_owned()));
    }

    /// Gives the host something that filters forwarded packets.
    pub fn filters(&self, filters: impl IntoIterator<Item = Filter>) {
        self.lock().state_mut().host.filters.extend(filters);
    }

    /// Sets the host's memory in KiB, its threads, and its domain types.
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

    /// Sets the host's UUID.
    pub fn identity(&self, uuid: &str) {
        self.lock().state_mut().host.uuid = Some(uuid.to_owned());
    }

    /// Sets how many seconds a guest with an operating system takes to shut down.
    pub fn shutdown_takes(&self, seconds: u64) {
        self.lock().state_mut().host.shutdown_seconds = seconds;
    }

    /// Sets how many seconds after each start a guest is up: its interfaces have their leases, the host knows
    /// them as neighbours, its agent and its ports answer. Without this call a guest with an operating system
    /// is up at once, and a guest without one never.
    pub fn boots_in(&self, domain: &str, seconds: u64) {
        self.lock().state_mut().host.boots.insert(domain.to_owned(), Some(seconds));
    }

    /// Makes a guest never come up, from its next start on.
    pub fn never_boots(&self, domain: &str) {
        self.lock().state_mut().host.boots.insert(domain.to_owned(), None);
    }

    /// Makes a guest go off by itself so many seconds after each start.
    pub fn goes_off_after(&self, domain: &str, seconds: u64) {
        self.lock().state_mut().host.dies.insert(domain.to_owned(), seconds);
    }

    /// Sets what a guest writes to its serial console at each start.
    pub fn says(&self, domain: &str, text: &str) {
        self.lock().state_mut().host.says.insert(domain.to_owned(), text.to_owned());
    }

    /// Makes a network keep the lease of a guest that is gone, as dnsmasq does until the lease ends.
    pub fn keeps_lease(&self, network: &str, lease: LeaseRecord) {
        let LeaseRecord { mac, address, expires } = lease;
        let mut world = self.lock();
        let kept = world.state_mut().host.old_leases.entry(network.to_owned()).or_default();
        kept.push((mac, address, expires));
    }

    /// Makes all guests ignore this TCP port.
    pub fn closes_port(&self, port: u16) {
        self.lock().state_mut().host.closed.insert(port);
    }

    /// Writes to a guest's serial console.
    ///
    /// # Errors
    /// The domain does not exist, or its console is not recorded.
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

    /// How many bytes were sent to a volume, and their SHA-256 in hexadecimal.
    pub fn sent(&self, pool: &str, volume: &str) -> Option<(u64, String)> {
        self.lock().state().pools.get(pool)?.volumes.get(volume)?.sent.clone()
    }

    /// The simulated time since the hypervisor was made.
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
        self.meanwhile_act();
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

/// Why the state of a simulation cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StateError(String);

impl StateError {
    fn of(error: serde_json::Error) -> Self {
        Self(error.to_string())
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
