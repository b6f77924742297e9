//! Steps of networks.
//!
//! # A restart unplugs guests
//!
//! libvirt does not plug guests in again when a network restarts. Their restarts are steps of the same plan; if the apply
//! is cut before them, the next plan finds that the network lost their ports and restarts them.
//!
//! # Known limit
//!
//! If libvirtd is killed while it starts a network, a bridge and a dnsmasq remain, and no libvirt call
//! removes them. The next apply fails at that network and names the two commands that remove them. Two
//! networks that swap their subnets or bridges are refused with instructions, because no order of steps can
//! do it.

use fmc_core::graph::{Acting, Action, StepError};

use super::Job;
use crate::document::NetworkDocument;
use crate::drift::{DEFINITION, is_updated};
use crate::link::{Edit, Link, NetworkRecord, Section};
use crate::mark::is_stale;
use crate::network::updates;
use crate::provider::model::DNSMASQ;
use crate::provider::object::network_fingerprint;

impl<L: Link, A: Acting> Job<L, A> {
    pub(super) fn network(&self, wanted: &NetworkDocument) -> Result<(), StepError> {
        let name = &*wanted.on_host;
        let seen = self.made(self.link.network(name))?;
        self.expect(seen.as_ref().map(network_fingerprint))?;
        let active = seen.as_ref().is_some_and(|seen| seen.active);
        let stops = active && matches!(self.action, Action::Restart | Action::Replace);
        if stops {
            self.made(self.link.stop_network(name))?;
        }
        let defined = self.define_network(wanted, seen.as_ref(), stops);
        if stops || !active {
            // It starts even if the new definition failed: the old one goes on.
            let started = if defined.is_ok() || stops { self.link.start_network(name) } else { Ok(()) };
            defined?;
            return self.made(started);
        }
        defined
    }

    fn define_network(
        &self,
        wanted: &NetworkDocument,
        seen: Option<&NetworkRecord>,
        stopped: bool,
    ) -> Result<(), StepError> {
        let name = &*wanted.on_host;
        let is_update = self.changes.iter().all(|change| is_beside(&change.path) || is_updated(&change.path));
        match seen {
            Some(seen) if seen.active && !stopped && is_update => {
                let live = seen.live_xml.as_deref().unwrap_or(&seen.xml);
                let updates = updates(&wanted.xml, live);
                // An update changes what is in force and the definition, and needs the same hosts in both.
                let is_apart = !seen.persistent || !self::updates(&seen.xml, live).is_empty();
                if is_apart && !updates.is_empty() {
                    self.made(self.link.define_network(live))?;
                }
                for update in updates {
                    let (section, edit) = (update.section, update.edit);
                    self.made(self.link.update_network(name, section, edit, &update.xml, true))?;
                }
                // Updates leave the old mark in place, so the network is defined with the new one.
                if is_apart || is_stale(&seen.xml, &wanted.xml) {
                    self.made(self.link.define_network(&wanted.xml))?;
                }
            }
            _ if self.redefines(&["autostart", "active", DNSMASQ]) => {
                self.made(self.link.define_network(&wanted.xml))?
            }
            _ => {}
        }
        let is_unserved = self.changes.iter().any(|change| change.path == DNSMASQ);
        if is_unserved && !stopped && seen.is_some_and(|seen| seen.active) {
            // libvirt looks after its dnsmasq when a name changes, and starts one that has ended.
            for edit in [Edit::Add, Edit::Delete] {
                self.made(self.link.update_network(name, Section::DnsHost, edit, NO_HOST, true))?;
            }
        }
        if seen.is_some_and(|seen| seen.autostart) != wanted.autostart {
            self.made(self.link.set_network_autostart(name, wanted.autostart))?;
        }
        Ok(())
    }

    pub(super) fn delete_network(&self, name: &str) -> Result<(), StepError> {
        let seen = self.made(self.link.network(name))?;
        self.expect(seen.as_ref().map(network_fingerprint))?;
        let Some(seen) = seen else { return Ok(()) };
        if seen.active {
            self.made(self.link.stop_network(name))?;
        }
        self.made(self.link.undefine_network(name))
    }
}

/// A name that no guest asks for, of an address that is in no network.
const NO_HOST: &str = "<host ip='192.0.2.1'><hostname>dnsmasq-ended.invalid</hostname></host>";

fn is_beside(path: &str) -> bool {
    matches!(path, "autostart" | "active" | DEFINITION | DNSMASQ)
}
