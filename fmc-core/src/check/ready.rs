//! Readiness: a signal that cannot come is never waited for in earnest.

use super::view::{Net, Placed, Plugged, View, text};
use crate::finding::{Finding, Kind};
use crate::image::Source;
use crate::ready::{Ready, Signal};

/// Looks at every machine that says when it is up.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    for placed in &view.machines {
        let Some(ready) = &placed.draft.ready else { continue };
        let Some((why, help)) = impossible(view, placed, ready) else { continue };
        let name = text(&placed.draft.name);
        findings.push(Finding::new(
            Kind::ReadyImpossible,
            format_args!("machines.{name}.ready"),
            format!("{name} is never up: {why}"),
            help,
        ));
    }
}

/// Why a signal cannot come, and what would.
fn impossible(view: &View<'_>, placed: &Placed<'_>, ready: &Ready) -> Option<(&'static str, &'static str)> {
    let draft = placed.draft;
    if draft.image.source == Source::Blank && draft.image.kernel.is_none() && draft.disks.is_empty() {
        return Some(("its image is blank, and nothing boots", "give it an image, or leave `ready` out"));
    }
    let networks = placed.links.iter().map(|link| Some((link, view.network(link.network?)?)));
    // An interface on a network that is not known has a finding of its own.
    let links: Vec<(&Plugged<'_>, &Net<'_>)> = networks.collect::<Option<_>>()?;
    match ready.signal {
        Signal::Agent => None,
        Signal::Lease | Signal::Arp | Signal::Tcp(_) if links.is_empty() => Some((
            "it has no interface by which a signal could come",
            "give it an interface, or wait for its guest agent: `Ready::agent()`",
        )),
        Signal::Arp | Signal::Tcp(_) => None,
        Signal::Lease if links.iter().any(|(link, net)| leases(link, net)) => None,
        Signal::Lease if links.iter().all(|(_, net)| !net.is_own()) => Some((
            "its lease would come from the LAN's DHCP server, and libvirt does not know that one",
            "wait until the host hears from it, or for a port: `Ready::arp()`, `Ready::tcp(22)`",
        )),
        Signal::Lease => Some((
            "its addresses are static, or its networks have no dynamic range: it asks for no lease",
            "wait for a port, as `Ready::tcp(22)`; or reserve an address instead of writing it inside",
        )),
    }
}

/// Whether libvirt gives an interface a lease.
fn leases(link: &Plugged<'_>, net: &Net<'_>) -> bool {
    let draft = link.draft;
    let v4 = net
        .ipv4
        .as_ref()
        .is_some_and(|family| draft.address.is_none() && (draft.reserved.is_some() || family.dhcp.is_some()));
    let v6 = net.ipv6.as_ref().is_some_and(|family| {
        draft.address6.is_none() && (draft.reserved6.is_some() || family.dhcp.is_some())
    });
    net.is_own() && (v4 || v6)
}
