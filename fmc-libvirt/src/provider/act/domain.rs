//! Steps of domains.
//!
//! # The order of a restart
//!
//! A restart stops, then defines, then starts. An apply that is cut in between leaves a machine that is off, which the
//! next plan sees, instead of one that runs on its old definition. If the definition fails, the old one is started again.

use std::borrow::Cow;
use std::time::Duration;

use fmc_core::boot::BornSecrets;
use fmc_core::checked::Signal;
use fmc_core::graph::{Acting, Action, StepError};
use fmc_core::machine::{Power, Shutdown};

use super::{Job, step_error};
use crate::document::DomainDocument;
use crate::link::{CallErrorKind, Link, Suspended};
use crate::mark::{self, Mark, is_stale};
use crate::provider::object::domain_fingerprint;
use crate::provider::observe::records::root_key;
use crate::provider::up::leases;
use crate::volume::{commit_name, own_pool};
use crate::xml::outline::{Node, Outline};

/// The pause between two looks at a guest that shuts down.
const POLL: Duration = Duration::from_millis(500);

impl<L: Link, A: Acting + Clone + 'static> Job<L, A> {
    pub(super) fn domain(&self, wanted: &DomainDocument) -> Result<(), StepError> {
        let name = &*wanted.on_host;
        // It may be called otherwise until now.
        let there = if self.expects.is_some() { &*self.on_host } else { name };
        let is_renamed = there != name;
        let seen = self.made(self.link.domain(there))?;
        self.expect(seen.as_ref().map(domain_fingerprint))?;
        let (active, autostart) = seen.as_ref().map_or((false, false), |seen| (seen.active, seen.autostart));
        let is_persistent = seen.as_ref().is_none_or(|seen| seen.persistent);
        let has_snapshots = seen.as_ref().is_some_and(|seen| !seen.snapshots.is_empty());
        let never_ran =
            seen.as_ref().and_then(|seen| seen.suspended.as_ref()).is_some_and(Suspended::never_ran);
        let own = seen.as_ref().map(|seen| seen.xml.clone()).unwrap_or_default();
        let stale = seen.is_some_and(|seen| is_stale(&seen.xml, &wanted.xml));
        let runs = match wanted.power {
            Power::Running => true,
            Power::Stopped => false,
            Power::Unmanaged => active,
        };
        // Stopped before it is defined: wherever the apply is cut, no guest runs on an old definition.
        let stops = active
            && (!runs
                || is_renamed
                || matches!(self.action, Action::Restart | Action::Stop | Action::Replace));
        if stops {
            if !is_persistent {
                // Without a definition it would be gone once it is off. libvirt takes one of another name only when it is off.
                let own = if is_renamed { &*own } else { &*wanted.xml };
                self.patiently(|| self.link.define_domain(own))?;
            }
            if never_ran { self.end_start(there)? } else { self.stop(there, wanted.shutdown)? }
        }
        // Their disks are deleted, and libvirt would offer them for the new machine.
        if has_snapshots && self.action == Action::Replace {
            self.made(self.link.forget_snapshots(there))?;
        }
        if is_renamed {
            self.rename(there, name, stops && runs)?;
        }
        let defined = self.define(wanted, &own, autostart, stale);
        if runs && (stops || !active) {
            self.note_leases(wanted);
            // It starts even if the new definition failed: the old one goes on.
            let started = if defined.is_ok() || stops { self.link.start_domain(name) } else { Ok(()) };
            defined?;
            return self.made(started);
        }
        defined
    }

    /// Gives the domain, which is off now, its new name. If libvirt refuses (a domain with snapshots keeps its name), the
    /// guest goes on as it was.
    fn rename(&self, there: &str, name: &str, ran: bool) -> Result<(), StepError> {
        let renamed = self.patiently(|| self.link.rename_domain(there, name));
        if renamed.is_err() && ran {
            self.made(self.link.start_domain(there))?;
        }
        renamed
    }

    /// Records the leases of its interfaces before it starts: they do not show that it is up.
    fn note_leases(&self, wanted: &DomainDocument) {
        if let Some(readiness) = wanted.ready.as_ref().filter(|it| it.ready.signal == Signal::Lease) {
            self.before.note(&self.address, leases(&*self.link, readiness).unwrap_or_default());
        }
    }

    fn define(
        &self,
        wanted: &DomainDocument,
        own: &str,
        autostart: bool,
        stale: bool,
    ) -> Result<(), StepError> {
        if stale || self.redefines(&["autostart", "power"]) {
            self.record_those_left(own, &wanted.xml)?;
            let xml = self.with_root_key(wanted, own)?;
            let xml = mark::with_sizes(&xml, &wanted.sizes);
            self.patiently(|| self.link.define_domain(&xml))?;
        }
        if autostart != wanted.autostart {
            self.made(self.link.set_domain_autostart(&wanted.on_host, wanted.autostart))?;
        }
        Ok(())
    }

    /// The document with what tells the root key from which the secrets of the machine were made: the one of this apply, if it
    /// makes them, and for a machine that returns on its root the one that its boot configuration says.
    fn with_root_key<'d>(&self, wanted: &'d DomainDocument, own: &str) -> Result<Cow<'d, str>, StepError> {
        let is_made = matches!(self.action, Action::Create | Action::Replace) && !wanted.returns;
        let has_secrets =
            wanted.born.as_ref().is_some_and(|born| matches!(born.secrets, BornSecrets::Derived(_)));
        let check = match is_made {
            true => self.secrets.root_key_check().filter(|_| has_secrets),
            false => match (Mark::read(own).and_then(|mark| mark.root_key), &wanted.boot) {
                (None, Some((pool, boot))) if wanted.returns => {
                    self.made(root_key(&*self.link, pool, &commit_name(boot)))?
                }
                (said, _) => said,
            },
        };
        let xml = &*wanted.xml;
        Ok(check.map_or(Cow::Borrowed(xml), |check| mark::with_root_key(xml, &check).into()))
    }

    pub(super) fn delete_domain(&self, name: &str) -> Result<(), StepError> {
        let seen = self.made(self.link.domain(name))?;
        self.expect(seen.as_ref().map(domain_fingerprint))?;
        let Some(seen) = seen else { return Ok(()) };
        if seen.active {
            let shutdown = Mark::read(&seen.xml).and_then(|mark| mark.shutdown()).unwrap_or_default();
            self.stop(name, shutdown)?;
        }
        if let Some(mark) = Mark::read(&seen.xml) {
            self.pools.note_removed(self.address.place(), &own_pool(&mark.owner), mark.first());
        }
        // While the domain is defined, an apply that is cut here deletes it again. The console's file alone would be in no list.
        self.forget_console(&seen.xml)?;
        if !seen.persistent {
            return Ok(());
        }
        self.record_those_left(&seen.xml, "")?;
        self.made(self.link.undefine_domain(name))
    }

    /// Deletes the files of its serial console.
    fn forget_console(&self, xml: &str) -> Result<(), StepError> {
        let Some(mark) = Mark::read(xml).filter(|_| keeps_console(xml)) else { return Ok(()) };
        let pool = own_pool(&mark.owner);
        let deleted = self.consoles(&pool).and_then(|consoles| {
            self.delete_volumes(&pool, consoles.get(mark.first()).map_or(&[], Vec::as_slice))
        });
        match deleted {
            // The pool is deleted or stopped: then the files are gone too, or unreachable until it is back.
            Err(StepError::Call { .. } | StepError::Changed { .. }) => Ok(()),
            done => done,
        }
    }

    /// Ends a guest whose start libvirt did not finish. A libvirtd that still waits for the guest's QEMU refuses it, and so does one
    /// that was killed before it ran that QEMU: it reads from its file about the guest that a start goes on (libvirt 9.0).
    fn end_start(&self, name: &str) -> Result<(), StepError> {
        let ended = self.made(self.link.destroy_domain(name));
        ended.map_err(|error| match error {
            StepError::Call { call, cause } => StepError::Call {
                call,
                cause: format!(
                    "{cause}: the guest never ran, so that nothing is lost with its QEMU. On the host, end that QEMU if it still runs \
                     (`pkill -f guest={name},`). If none runs, libvirtd waits for one that it never started: make it forget the start \
                     (`rm -f /run/libvirt/qemu/{name}.xml`), and restart it, which leaves other guests as they are. Then apply again"
                ),
            },
            error => error,
        })
    }

    /// Stops a guest: asks it, waits, and then uses force if that is allowed.
    fn stop(&self, name: &str, shutdown: Shutdown) -> Result<(), StepError> {
        let grace = Duration::from_secs(shutdown.seconds().into());
        if !grace.is_zero() {
            let seconds = shutdown.seconds();
            let then = if shutdown.forces() { ", then stops it by force" } else { "" };
            self.say(format!("waits up to {seconds} s for the guest to shut down{then}"));
            self.made(self.link.shutdown_domain(name))?;
            let mut waited = Duration::ZERO;
            while waited < grace {
                self.link.wait(POLL);
                waited += POLL;
                match self.link.domain_is_active(name) {
                    Ok(true) => {}
                    Ok(false) => return Ok(()),
                    // One without a definition is gone once it is off.
                    Err(error) if error.kind == CallErrorKind::Absent => return Ok(()),
                    Err(error) => return Err(step_error(error)),
                }
                self.unless_cancelled()?;
            }
            if !shutdown.forces() {
                return Err(StepError::Call {
                    call: format!("shut down domain {name}"),
                    cause: format!(
                        "the guest still runs after {seconds} s, and it is never to be stopped by force: shut it down inside, or allow force"
                    ),
                });
            }
            self.say("stops the guest by force");
        }
        self.made(self.link.destroy_domain(name))
    }
}

/// Whether a domain's document records the serial console in a file.
fn keeps_console(xml: &str) -> bool {
    let Some(outline) = Outline::read(xml) else { return false };
    let devices = outline.root().at("devices");
    devices.into_iter().flat_map(Node::children).any(|device| {
        device.name() == "serial" && device.at("log").is_some_and(|log| log.attribute("file").is_some())
    })
}
