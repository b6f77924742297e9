//! Readiness: a cloud with a signal that cannot come is refused, because an apply would wait in vain.

use super::view::{Net, Placed, Plugged, View, text};
use crate::finding::{Finding, Remedy, problems};
use crate::image::Source;
use crate::ready::{Ready, Signal};

/// Looks at every machine that says when it is up.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    for placed in &view.machines {
        let Some(ready) = &placed.draft.ready else { continue };
        let name = text(&placed.draft.name);
        if ready.seconds().is_some_and(|within| within.get() == 0) {
            findings.push(ReadyProblem::NoTime.at(format_args!("machines.{name}.ready.within")));
        }
        let Some(problem) = impossible(view, placed, ready) else { continue };
        findings.push(problem.at(format_args!("machines.{name}.ready")));
    }
}

/// Why a signal cannot come.
fn impossible(view: &View<'_>, placed: &Placed<'_>, ready: &Ready) -> Option<ReadyProblem> {
    let draft = placed.draft;
    if draft.image.source == Source::Blank && draft.image.kernel.is_none() && draft.disks.is_empty() {
        return Some(ReadyProblem::NothingBoots);
    }
    let networks = placed.links.iter().map(|link| Some((link, view.network(link.network?)?)));
    // An interface on a network that is not known has a finding of its own.
    let links: Vec<(&Plugged<'_>, &Net<'_>)> = networks.collect::<Option<_>>()?;
    match ready.signal {
        Signal::Agent => None,
        Signal::Lease | Signal::Arp | Signal::Tcp(_) if links.is_empty() => Some(ReadyProblem::NoInterface),
        Signal::Arp | Signal::Tcp(_) => None,
        Signal::Lease if links.iter().any(|(link, net)| leases(link, net)) => None,
        Signal::Lease if links.iter().all(|(_, net)| !net.is_own()) => Some(ReadyProblem::LeaseOfLan),
        Signal::Lease => Some(ReadyProblem::NoLease),
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

fn tcp() -> Remedy {
    Remedy::either("ready: {signal: {tcp: 22}}", "Ready::tcp(22)")
}

problems! {
    /// Why the signal that a machine is up cannot come.
    pub enum ReadyProblem {
        NothingBoots is ReadyImpossible:
            "this signal cannot come: the image is blank, so nothing boots",
            "give it an image, or leave `ready` out";
        NoInterface is ReadyImpossible:
            "this signal cannot come: the machine has no interface",
            "give it an interface, or wait for its guest agent: {agent}",
            agent = Remedy::either("ready: {signal: agent}", "Ready::agent()");
        LeaseOfLan is ReadyImpossible:
            "this signal cannot come: libvirt does not see the leases of the LAN's DHCP server",
            "wait until the host's neighbour table lists the machine, with {arp}, or for a port, with {tcp}",
            arp = Remedy::either("ready: {signal: arp}", "Ready::arp()"),
            tcp = tcp();
        NoLease is ReadyImpossible:
            "this signal cannot come: the machine asks for no lease, since its addresses are static or its networks have no dynamic range",
            "wait for a port, with {tcp}, or reserve the address instead of setting it inside the guest",
            tcp = tcp();
        NoTime is ReadyImpossible:
            "this signal cannot come: its timeout is 0 s",
            "write how long it may take, as {within}; to wait for nothing, leave `ready` out",
            within = Remedy::either("within: 5min", ".within(5.minutes())");
        Unasked { port: u16 } is ReadyImpossible:
            "this signal cannot come: the machine's firewall refuses port {port}, and fmc does not know the address that an apply calls from",
            "accept the port from the address of the computer that applies, for example {accept}",
            accept = Remedy::either(
                format!("accept: [{{service: tcp {port}, from: {{subnet: 192.168.0.7/32}}}}]"),
                format!(".accept(tcp({port}), Peer::subnet(\"192.168.0.7/32\"))"),
            );
    }
}
