//! Names that occur twice, references that lead nowhere, and networks that contradict themselves.

use std::collections::BTreeMap;

use super::view::{Net, Placed, View, text};
use crate::finding::{Finding, Kind};
use crate::flow::Peer;
use crate::given::{Given, Leaf};
use crate::name::{HostName, NetworkName, PoolName};
use crate::named::{Keyed, Named};

use super::say::{first_of, known, list};

mod bridge;
mod interface;
mod network;
mod span;

/// Looks at names, references and networks.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    names(view, findings);
    hosts(view, findings);
    let mut unknown = Unknown { view, helps: BTreeMap::new() };
    for net in &view.networks {
        if net.is_own() {
            let (name, host) = (&net.draft.name, net.draft.host.as_ref());
            findings.extend(unknown.host(host, "network", format_args!("networks.{name}.host")));
        }
        network::check(net, findings);
    }
    for placed in &view.machines {
        machine(&mut unknown, placed, findings);
        interface::check(view, placed, findings);
        openings(&mut unknown, placed, findings);
    }
    bridge::check(view, findings);
    span::check(view, findings);
    admins(&mut unknown, findings);
}

/// From where people log in.
fn admins(unknown: &mut Unknown<'_, '_>, findings: &mut Vec<Finding>) {
    for (index, from) in unknown.view.cloud.ssh_from.iter().flatten().enumerate() {
        findings.extend(unknown.peer(from, format_args!("ssh_from[{index}]")));
    }
}

/// Whom a machine lets in by itself.
fn openings<'a>(unknown: &mut Unknown<'_, 'a>, placed: &Placed<'a>, findings: &mut Vec<Finding>) {
    for (index, opening) in placed.draft.accept.iter().enumerate() {
        let at = format_args!("machines.{}.accept[{index}].from", placed.draft.name);
        findings.extend(unknown.peer(&opening.from, at));
    }
}

fn names(view: &View<'_>, findings: &mut Vec<Finding>) {
    unique(&view.cloud.hosts, "hosts", findings);
    unique(&view.cloud.networks, "networks", findings);
    unique(&view.cloud.machines, "machines", findings);
    unique(&view.cloud.clusters, "clusters", findings);
    for host in &view.cloud.hosts {
        unique(&host.pools, format_args!("hosts.{}.pools", host.name), findings);
    }
    for machine in &view.cloud.machines {
        unique(&machine.disks, format_args!("machines.{}.disks", machine.name), findings);
    }
}

/// A file refuses a name that occurs twice; in Rust it is a finding.
fn unique<T: Keyed>(values: &Named<T>, at: impl std::fmt::Display, findings: &mut Vec<Finding>)
where
    T::Name: AsRef<str>,
{
    if values.len() < 2 {
        return;
    }
    let mut names: Vec<&str> = values.iter().map(|value| text(value.name())).collect();
    names.sort_unstable();
    for same in names.chunk_by(|a, b| a == b) {
        if let [name, _, ..] = same {
            findings.push(Finding::new(
                Kind::NameDuplicate,
                format_args!("{at}.{name}"),
                format!("{} values have the {} {name}", same.len(), T::Name::WHAT),
                "give each a name of its own".to_owned(),
            ));
        }
    }
}

fn hosts(view: &View<'_>, findings: &mut Vec<Finding>) {
    let needed = view.networks.iter().any(Net::is_own) || !view.machines.is_empty();
    if view.hosts.is_empty() && needed {
        findings.push(Finding::new(
            Kind::HostMissing,
            "hosts",
            "the cloud has no host to run on",
            "add one: `.host(Host::local())`, or in a file `hosts: {local: {}}`",
        ));
    }
    let mut by_uri: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for host in &view.hosts {
        let uri = host.uri.as_ref().map_or(Some("qemu:///system"), |uri| uri.ok().map(|uri| uri.as_str()));
        if let Some(uri) = uri {
            by_uri.entry(uri).or_default().push(text(&host.name));
        }
    }
    for (uri, mut names) in by_uri {
        names.sort_unstable();
        let Some((last, others @ [_, ..])) = names.split_last() else { continue };
        let mut finding = Finding::new(
            Kind::HostDuplicate,
            format_args!("hosts.{last}.uri"),
            format!(
                "{} have the URI {uri}: one hypervisor, counted more than once",
                list(names.iter().copied())
            ),
            "give each host the URI of its own libvirt, for example qemu+ssh://hv2/system",
        );
        for other in others {
            finding = finding.also(format_args!("hosts.{other}.uri"));
        }
        findings.push(finding);
    }
    for host in &view.hosts {
        pools(view, host, findings);
    }
}

/// libvirt refuses two pools on one folder, and two of one name.
fn pools(view: &View<'_>, host: &crate::host::Host, findings: &mut Vec<Finding>) {
    let Some(owner) = &view.owner else { return };
    let own = format!("fmc-{owner}");
    let base = match &host.base {
        Some(base) => base.ok().map(|base| base.as_str()),
        None => Some("/var/lib/libvirt/images"),
    };
    let own_path = base.map(|base| format!("{}/{own}", base.trim_end_matches('/')));
    let mut paths: BTreeMap<&str, &str> = BTreeMap::new();
    let mut pools: Vec<_> = host.pools.iter().collect();
    pools.sort_by_key(|pool| text(&pool.name));
    for pool in pools {
        let (host, name) = (&host.name, &pool.name);
        if text(name) == own {
            findings.push(Finding::new(
                Kind::PoolConflict,
                format_args!("hosts.{host}.pools.{name}"),
                format!("{own} is the name of the cloud's own pool"),
                "leave it out: a disk without a pool is in the cloud's own",
            ));
        }
        let Some(path) = pool.path.ok().map(|path| path.as_str()) else { continue };
        let other =
            if own_path.as_deref() == Some(path) { Some(own.as_str()) } else { paths.get(path).copied() };
        match other {
            Some(other) => findings.push(Finding::new(
                Kind::PoolConflict,
                format_args!("hosts.{host}.pools.{name}.path"),
                format!("the pools {name} and {other} are both in {path}, which libvirt refuses"),
                "give each pool a folder of its own",
            )),
            None => {
                paths.insert(path, text(name));
            }
        }
    }
}

/// References that lead nowhere. What would be right is worked out once for each wrong text, and not for each machine.
struct Unknown<'v, 'a> {
    view: &'v View<'a>,
    helps: BTreeMap<(&'static str, &'a str), String>,
}

impl<'a> Unknown<'_, 'a> {
    /// A host that a value should say and does not, or says wrongly.
    fn host(
        &mut self,
        given: Option<&'a Given<HostName>>,
        what: &str,
        at: std::fmt::Arguments<'_>,
    ) -> Option<Finding> {
        let view = self.view;
        let names = view.hosts.iter().map(|host| text(&host.name));
        match given {
            Some(Given::Right(name)) => {
                if view.host_index.contains_key(name.as_str()) || view.hosts.is_empty() {
                    return None;
                }
                let help = || known(name.as_str(), "host", names, "add the host to the cloud");
                let help = self.helps.entry(("host", name.as_str())).or_insert_with(help);
                Some(Finding::new(Kind::ReferenceUnknown, at, format!("there is no host {name}"), &**help))
            }
            None if view.hosts.len() > 1 => {
                let help = || format!("say `.host(…)` with one of {}", list(names));
                let help = self.helps.entry(("which", "")).or_insert_with(help);
                let message = format!("the {what} does not say which of {} hosts it is on", view.hosts.len());
                Some(Finding::new(Kind::HostAmbiguous, at, message, &**help))
            }
            Some(Given::Wrong { .. }) | None => None,
        }
    }

    fn network(&mut self, name: &'a NetworkName, at: std::fmt::Arguments<'_>) -> Finding {
        let names = self.view.networks.iter().map(|net| text(&net.draft.name));
        let help = || known(name.as_str(), "network", names, "add the network to the cloud");
        let help = self.helps.entry(("network", name.as_str())).or_insert_with(help);
        Finding::new(Kind::ReferenceUnknown, at, format!("there is no network {name}"), &**help)
    }

    /// A peer that is a network or a machine of the cloud's, and is not there.
    fn peer(&mut self, peer: &'a Peer, at: std::fmt::Arguments<'_>) -> Option<Finding> {
        let view = self.view;
        match peer {
            Peer::Network(Given::Right(name)) if !view.network_index.contains_key(name.as_str()) => {
                Some(self.network(name, format_args!("{at}.network")))
            }
            Peer::Machine(Given::Right(name)) if !view.machine_index.contains_key(name.as_str()) => {
                let names = view.machines.iter().map(|placed| text(&placed.draft.name));
                let help = || known(name.as_str(), "machine", names, "add the machine to the cloud");
                let help = self.helps.entry(("machine", name.as_str())).or_insert_with(help);
                let at = format_args!("{at}.machine");
                Some(Finding::new(Kind::ReferenceUnknown, at, format!("there is no machine {name}"), &**help))
            }
            _ => None,
        }
    }
}

fn machine<'a>(unknown: &mut Unknown<'_, 'a>, placed: &Placed<'a>, findings: &mut Vec<Finding>) {
    let view = unknown.view;
    let draft = placed.draft;
    let name = &draft.name;
    findings.extend(unknown.host(draft.host.as_ref(), "machine", format_args!("machines.{name}.host")));
    for (index, link) in placed.links.iter().enumerate() {
        let Given::Right(wanted) = &link.draft.network else { continue };
        let at = format_args!("machines.{name}.interfaces[{index}].network");
        let Some(net) = link.network.and_then(|at| view.network(at)) else {
            findings.push(unknown.network(wanted, at));
            continue;
        };
        if let Some((here, there)) = placed.host.zip(net.host)
            && here != there
            && let Some((here, there)) = view.hosts.get(here).zip(view.hosts.get(there))
        {
            findings.push(Finding::new(
                Kind::HostMismatch,
                at,
                format!("{name} is on the host {}, and the network {wanted} on {}", here.name, there.name),
                format!("move {name} to {}, or use a network of {} or a host bridge", there.name, here.name),
            ));
        }
    }
    let Some(host) = placed.host.and_then(|at| view.hosts.get(at)) else { return };
    let mut pool = |given: &Given<PoolName>, at: std::fmt::Arguments<'_>| {
        let Given::Right(wanted) = given else { return };
        if host.pools.iter().all(|pool| text(&pool.name) != wanted.as_str()) {
            let names = host.pools.iter().map(|pool| text(&pool.name));
            let otherwise = format!("list it on the host: `.pool(Pool::new(\"{wanted}\", \"/its/folder\"))`");
            findings.push(Finding::new(
                Kind::ReferenceUnknown,
                at,
                format!("the host {} has no pool {wanted}", host.name),
                known(wanted.as_str(), "pool on it", names, &otherwise),
            ));
        }
    };
    for disk in &draft.disks {
        if let Some(wanted) = &disk.pool {
            pool(wanted, format_args!("machines.{name}.disks.{}.pool", disk.name));
        }
    }
    if let crate::image::Source::Volume { pool: wanted, .. } = &draft.image.source {
        pool(wanted, format_args!("machines.{name}.image.source.volume.pool"));
    }
}
