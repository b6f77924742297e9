//! Readiness: a cloud with a signal that cannot come is refused, because an apply would wait in vain.

use super::address::missing::gets_none;
use super::view::{Net, Placed, Plugged, View, text};
use crate::finding::{Finding, Remedy, problems};
use crate::image::{Provisioner, Source};
use crate::machine::Machine;
use crate::network::NetworkMode;
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
        Signal::Agent => no_agent(draft),
        Signal::Lease | Signal::Arp | Signal::Tcp(_) if links.is_empty() => Some(ReadyProblem::NoInterface),
        Signal::Arp | Signal::Tcp(_) if has_no_address(draft, &links) => Some(ReadyProblem::NoAddress),
        Signal::Tcp(_) if is_behind_nat(view, placed, &links) => Some(ReadyProblem::BehindNat),
        Signal::Arp | Signal::Tcp(_) => None,
        Signal::Lease if links.iter().any(|(link, net)| leases(link, net)) => None,
        Signal::Lease if links.iter().all(|(_, net)| !net.is_own()) => Some(ReadyProblem::LeaseOfLan),
        Signal::Lease => Some(ReadyProblem::NoLease),
    }
}

/// Why no guest agent answers: its image has none, and nothing brings one.
fn no_agent(draft: &Machine) -> Option<ReadyProblem> {
    let os = draft.image.os;
    let guest = &draft.guest;
    match os.provisioner()? {
        Provisioner::Ignition => {
            let is_agent = |name: &str| name.contains("guest-agent") || name.contains("qemu-ga");
            (!guest.has_unit(is_agent)).then(|| ReadyProblem::NoAgent { os: os.label() })
        }
        // Enterprise Linux has it in its cloud images.
        Provisioner::CloudInit if os.is_enterprise_linux() => None,
        Provisioner::CloudInit => {
            (!guest.has_package(AGENT)).then(|| ReadyProblem::AgentPackage { os: os.label() })
        }
    }
}

/// The package of QEMU's guest agent.
const AGENT: &str = "qemu-guest-agent";

/// Whether the computer that applies is another one than the host, and every address of the machine is in a network that only
/// the host reaches.
fn is_behind_nat(view: &View<'_>, placed: &Placed<'_>, links: &[(&Plugged<'_>, &Net<'_>)]) -> bool {
    let uri = placed.host.and_then(|host| view.hosts.get(host)?.uri.as_ref()?.ok());
    let is_hidden = |net: &Net<'_>| matches!(net.draft.mode, NetworkMode::Nat | NetworkMode::Isolated);
    uri.is_some_and(|uri| !uri.is_local()) && links.iter().all(|(_, net)| net.is_own() && is_hidden(net))
}

/// Whether no interface of a machine gets an address, so that nothing reaches it.
fn has_no_address(draft: &Machine, links: &[(&Plugged<'_>, &Net<'_>)]) -> bool {
    draft.image.os.provisioner().is_some() && links.iter().all(|(link, net)| gets_none(link, net))
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
        NoAddress is ReadyImpossible:
            "this signal cannot come: no interface of the machine gets an address, since its networks have no DHCP",
            "write an address on an interface, or wait for its guest agent: {agent}",
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
        NoAgent { os: &'static str } is ReadyImpossible:
            "this signal cannot come: {os} has no guest agent",
            "wait for a port, with {tcp}, or run the agent by a unit of the machine whose name has qemu-guest-agent",
            tcp = tcp();
        AgentPackage { os: &'static str } is ReadyImpossible:
            "this signal cannot come: the images of {os} have no guest agent",
            "add its package, with {package}, or wait for a port, with {tcp}",
            package = Remedy::either("packages: [qemu-guest-agent]", ".package(\"qemu-guest-agent\")"),
            tcp = tcp();
        BehindNat is ReadyImpossible:
            "this signal cannot come: fmc calls the port from here, and only the machine's host, another computer, reaches its network",
            "wait for what libvirt tells of the host, with {lease}, {arp} or {agent}, or give the machine an interface on a routed network or a bridge",
            lease = Remedy::either("ready: {signal: lease}", "Ready::lease()"),
            arp = Remedy::either("ready: {signal: arp}", "Ready::arp()"),
            agent = Remedy::either("ready: {signal: agent}", "Ready::agent()");
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
