//! Waiting until a machine is up: asking its signal from outside, until the deadline.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fmc_core::checked::Signal;
use fmc_core::graph::{Acting, Action, Address, Awaited, Event, Node, NotUp, NotUpCause, Step};
use fmc_core::machine::Power;

use super::Libvirt;
use crate::console;
use crate::document::{Document, DomainDocument, Readiness};
use crate::link::{AddressRecord, AddressSource, CallError, LeaseRecord, Link};

/// The pause between two questions, at first and after [`SOON`].
const POLL: Duration = Duration::from_millis(500);
const POLL_LATER: Duration = Duration::from_secs(2);

/// How long the shorter pause is used.
const SOON: Duration = Duration::from_secs(60);

/// The time until a stop takes effect.
const NOTICE: Duration = Duration::from_millis(100);

/// The timeout for a connection to a port.
const CONNECT: Duration = Duration::from_millis(500);

/// How many console lines a failure shows.
const LINES: usize = 20;

/// The leases that interfaces had before their machines were started, by the domain's address.
#[derive(Clone, Debug, Default)]
pub(super) struct Before(Arc<Mutex<BTreeMap<Address, Vec<LeaseRecord>>>>);

impl Before {
    pub(super) fn note(&self, at: &Address, leases: Vec<LeaseRecord>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(at.clone(), leases);
    }

    fn take(&self, at: &Address) -> Vec<LeaseRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(at).unwrap_or_default()
    }
}

/// One question to an agent at a time: libvirt waits 5 s for an agent that hangs, and a connection has only
/// four calls.
#[derive(Clone, Debug, Default)]
pub(super) struct AgentLane(Arc<Mutex<()>>);

/// The signal to wait for once a step is done, if the step started a machine with one.
pub(super) fn awaited(step: &Step<Document>) -> Option<Awaited> {
    let (_, readiness) = started(step)?;
    Some(expected(readiness))
}

/// The signal of a machine that no step has started, if it should run and has one.
pub(super) fn standing(document: &Document) -> Option<Awaited> {
    let (_, readiness) = running(document)?;
    Some(expected(readiness))
}

fn expected(readiness: &Readiness) -> Awaited {
    Awaited { signal: said(&readiness.ready.signal), seconds: readiness.ready.within.get().into() }
}

/// The machine that a step has started, if it has a signal.
fn started(step: &Step<Document>) -> Option<(&DomainDocument, &Readiness)> {
    let is_switched =
        || step.action == Action::Update && step.changes.iter().any(|change| change.path == "power");
    let starts = step.action.begins() || is_switched();
    running(step.document.as_deref()?).filter(|_| starts)
}

/// A machine that should run, if it has a signal.
fn running(document: &Document) -> Option<(&DomainDocument, &Readiness)> {
    let Document::Domain(domain) = document else { return None };
    let readiness = domain.ready.as_deref()?;
    (domain.power == Power::Running).then_some((domain, readiness))
}

fn said(signal: &Signal) -> String {
    match signal {
        Signal::Lease => "a DHCP lease".to_owned(),
        Signal::Arp => "an entry in the host's neighbour table".to_owned(),
        Signal::Agent => "an answer of its guest agent".to_owned(),
        Signal::Tcp(port) => format!("an answer at TCP port {port}"),
    }
}

/// The leases of a machine's interfaces.
pub(crate) fn leases(link: &impl Link, readiness: &Readiness) -> Result<Vec<LeaseRecord>, CallError> {
    let mut found = Vec::new();
    let mut networks: Vec<&Arc<str>> = readiness.interfaces.iter().map(|(network, _)| network).collect();
    networks.sort();
    networks.dedup();
    for network in networks {
        let own = |lease: &LeaseRecord| {
            let mut interfaces = readiness.interfaces.iter();
            interfaces.any(|(on, mac)| on == network && mac.to_string().eq_ignore_ascii_case(&lease.mac))
        };
        found.extend(link.leases(network)?.into_iter().filter(own));
    }
    Ok(found)
}

/// A machine to wait for, with everything that this needs, so that it can move to a thread.
pub(super) struct Watch<L, A> {
    link: Arc<L>,
    acting: A,
    agents: AgentLane,
    name: Arc<str>,
    readiness: Readiness,
    console: Option<(Arc<str>, Arc<str>)>,
    before: Vec<LeaseRecord>,
    /// The event to send once the first answer was no.
    late: Option<Event>,
}

impl<L: Link, A: Acting> Watch<L, A> {
    pub(super) fn of(provider: &Libvirt<L>, step: &Step<Document>, acting: A) -> Option<(Self, Arc<L>)> {
        let (watch, link) = Self::on(provider, &step.address, started(step)?, acting)?;
        Some((Self { before: provider.before.take(&step.address), ..watch }, link))
    }

    /// A machine that no step has started. A lease that its network still holds counts, because libvirt does
    /// not say when a machine was started.
    pub(super) fn of_standing(
        provider: &Libvirt<L>,
        at: &Address,
        node: &Node<Document>,
        acting: A,
    ) -> Option<(Self, Arc<L>)> {
        let (domain, readiness) = running(&node.document)?;
        let Awaited { signal, seconds } = expected(readiness);
        let late = Event::Waiting { address: at.to_string(), signal, seconds };
        let (watch, link) = Self::on(provider, at, (domain, readiness), acting)?;
        Some((Self { late: Some(late), ..watch }, link))
    }

    fn on(
        provider: &Libvirt<L>,
        at: &Address,
        (domain, readiness): (&DomainDocument, &Readiness),
        acting: A,
    ) -> Option<(Self, Arc<L>)> {
        let link = Arc::clone(provider.link(at)?);
        let watch = Self {
            link: Arc::clone(&link),
            acting,
            agents: provider.agents.clone(),
            name: Arc::clone(&domain.on_host),
            readiness: readiness.clone(),
            console: domain.console.clone(),
            before: Vec::new(),
            late: None,
        };
        Some((watch, link))
    }

    /// Waits, and returns the seconds that it took.
    pub(super) fn run(mut self) -> Result<u64, NotUp> {
        let began = self.link.now();
        let within = self.readiness.ready.within.as_duration();
        loop {
            if self.acting.stopping() {
                return Err(NotUp::new(NotUpCause::Stopped));
            }
            let looked = self.is_up();
            let waited = self.link.now().saturating_sub(began);
            match looked {
                Ok(true) => return Ok(waited.as_secs()),
                _ if matches!(self.link.domain_is_active(&self.name), Ok(false)) => {
                    return Err(self.not_up(NotUpCause::Off { seconds: waited.as_secs() }));
                }
                Ok(false) if waited >= within => return Err(self.late(None)),
                // libvirtd may come back: an error ends the wait only at the deadline.
                Err(error) if waited >= within => return Err(self.late(Some(error.to_string()))),
                _ => {}
            }
            if let Some(event) = self.late.take() {
                self.acting.say(event);
            }
            let poll = if waited < SOON { POLL } else { POLL_LATER };
            self.rest(poll.min(within.saturating_sub(waited)));
        }
    }

    /// Pauses, and looks whether it should stop.
    fn rest(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() && !self.acting.stopping() {
            let piece = left.min(NOTICE);
            self.link.wait(piece);
            left = left.saturating_sub(piece);
        }
    }

    fn is_up(&self) -> Result<bool, CallError> {
        match self.readiness.ready.signal {
            Signal::Lease => {
                // A lease without an end is never renewed.
                let is_new = |lease: &LeaseRecord| lease.expires == 0 || !self.before.contains(lease);
                Ok(leases(&*self.link, &self.readiness)?.iter().any(is_new))
            }
            Signal::Arp => Ok(!self.neighbours()?.is_empty()),
            Signal::Agent => {
                let Ok(_alone) = self.agents.0.try_lock() else { return Ok(false) };
                Ok(self.link.guest_addresses(&self.name, AddressSource::Agent)?.is_some())
            }
            Signal::Tcp(port) => {
                let answers = |address| self.link.connects(SocketAddr::new(address, port.get()), CONNECT);
                Ok(self.addresses()?.into_iter().any(answers))
            }
        }
    }

    fn neighbours(&self) -> Result<Vec<AddressRecord>, CallError> {
        let found = self.link.guest_addresses(&self.name, AddressSource::Arp)?.unwrap_or_default();
        let own = |record: &AddressRecord| {
            let mut interfaces = self.readiness.interfaces.iter();
            interfaces.any(|(_, mac)| mac.to_string().eq_ignore_ascii_case(&record.mac))
        };
        Ok(found.into_iter().filter(own).collect())
    }

    /// The addresses to ask: those of the cloud; otherwise those of a lease; otherwise those of the neighbour
    /// table.
    fn addresses(&self) -> Result<Vec<IpAddr>, CallError> {
        if !self.readiness.addresses.is_empty() {
            return Ok(self.readiness.addresses.clone());
        }
        let leases = leases(&*self.link, &self.readiness)?;
        if !leases.is_empty() {
            return Ok(leases.into_iter().map(|lease| lease.address).collect());
        }
        Ok(self.neighbours()?.into_iter().map(|record| record.address).collect())
    }

    fn late(&self, error: Option<String>) -> NotUp {
        let seconds = self.readiness.ready.within.get().into();
        self.not_up(NotUpCause::Deadline { signal: said(&self.readiness.ready.signal), seconds, error })
    }

    /// With the last lines of the console, and help.
    fn not_up(&self, cause: NotUpCause) -> NotUp {
        let mut help = Vec::new();
        let console = match &self.console {
            None => {
                help.push("its serial console is not kept: turn on `console_log` of the host".to_owned());
                Vec::new()
            }
            Some((pool, volume)) => match console::tail(&*self.link, pool, volume, LINES) {
                Ok(lines) => {
                    if lines.is_empty() {
                        help.push("it wrote nothing to its serial console (`console=ttyS0` on the kernel's command line makes it)".to_owned());
                    }
                    lines
                }
                Err(error) => {
                    help.push(format!("its serial console cannot be read: {error}"));
                    Vec::new()
                }
            },
        };
        help.push(self.look_at());
        NotUp { cause, console, help }
    }

    fn look_at(&self) -> String {
        let addresses: Vec<String> = self.readiness.addresses.iter().map(ToString::to_string).collect();
        match self.readiness.ready.signal {
            Signal::Lease => {
                "check whether the guest asks for an address by DHCP on the interface with its MAC".to_owned()
            }
            Signal::Arp => {
                "check whether the guest's interface is up, and whether it talks to its host".to_owned()
            }
            Signal::Agent => "check whether qemu-guest-agent is installed and runs inside".to_owned(),
            Signal::Tcp(port) if addresses.is_empty() => {
                format!(
                    "check whether it has an address, and whether something listens at port {port} inside"
                )
            }
            Signal::Tcp(port) => format!(
                "check whether something listens at port {port} inside, and whether {} can be reached from here",
                addresses.join(" or ")
            ),
        }
    }
}
