//! Names that occur twice, references that fit no other value, and networks that contradict themselves.
//!
//! Unknown names are found setting by setting, in `leaves`.

use std::collections::BTreeMap;

use super::view::{Net, Placed, View, text};
use crate::finding::{Finding, KnownNames, NameList, Remedy, problems};
use crate::given::{Given, Leaf};
use crate::name::PoolName;
use crate::named::{Keyed, Named};
use crate::sort;

pub(super) mod bridge;
pub(super) mod interface;
pub(super) mod network;
pub(super) mod uplink;
pub(super) mod vlan;

/// Looks at names, references and networks.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    names(view, findings);
    hosts(view, findings);
    let which = Which::of(view);
    for net in &view.networks {
        if net.is_own() && net.draft.host.is_none() {
            findings.extend(which.host("network", format_args!("networks.{}.host", net.draft.name)));
        }
        network::check(net, findings);
    }
    for placed in &view.machines {
        if placed.draft.host.is_none() {
            findings.extend(which.host("machine", format_args!("machines.{}.host", placed.draft.name)));
        }
        machine(view, placed, findings);
        interface::check(view, placed, findings);
    }
    bridge::check(view, findings);
    vlan::check(view, findings);
    uplink::check(view, findings);
}

fn names(view: &View<'_>, findings: &mut Vec<Finding>) {
    unique(&view.cloud.hosts, "hosts", findings);
    unique(&view.cloud.networks, "networks", findings);
    unique(&view.cloud.machines, "machines", findings);
    unique(&view.cloud.clusters, "clusters", findings);
    if let Some(people) = &view.cloud.people {
        unique(&people.users, "people.users", findings);
        unique(&people.groups, "people.groups", findings);
        unique(&people.host_groups, "people.host_groups", findings);
        unique(&people.sudo_rules, "people.sudo_rules", findings);
        unique(&people.hbac_rules, "people.hbac_rules", findings);
    }
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
            let (what, name) = (T::Name::WHAT, (*name).to_owned());
            let problem = ReferenceProblem::NameTwice { what, name, count: same.len() };
            findings.push(problem.at(format_args!("{at}.{}", same.first().unwrap_or(&""))));
        }
    }
}

fn hosts(view: &View<'_>, findings: &mut Vec<Finding>) {
    let needed = view.networks.iter().any(Net::is_own) || !view.machines.is_empty();
    if view.hosts.is_empty() && needed {
        findings.push(ReferenceProblem::NoHost.at("hosts"));
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
        let problem =
            ReferenceProblem::SameUri { hosts: NameList::new(names.iter().copied()), uri: uri.to_owned() };
        let mut finding = problem.at(format_args!("hosts.{last}.uri"));
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
    sort::by_key(&mut pools, |pool| text(&pool.name));
    for pool in pools {
        let (host, name) = (&host.name, &pool.name);
        if text(name) == own {
            let problem = ReferenceProblem::OwnPool { pool: own.clone() };
            findings.push(problem.at(format_args!("hosts.{host}.pools.{name}")));
        }
        let Some(path) = pool.path.ok().map(|path| path.as_str()) else { continue };
        let other =
            if own_path.as_deref() == Some(path) { Some(own.as_str()) } else { paths.get(path).copied() };
        match other {
            Some(other) => {
                let (pool, other) = (text(name).to_owned(), other.to_owned());
                let problem = ReferenceProblem::SameFolder { pool, other, path: path.to_owned() };
                findings.push(problem.at(format_args!("hosts.{host}.pools.{name}.path")));
            }
            None => {
                paths.insert(path, text(name));
            }
        }
    }
}

/// Finds values that do not say which of several hosts they are on.
struct Which {
    hosts: NameList,
}

impl Which {
    fn of(view: &View<'_>) -> Self {
        Self { hosts: NameList::new(view.hosts.iter().map(|host| text(&host.name))) }
    }

    fn host(&self, what: &'static str, at: std::fmt::Arguments<'_>) -> Option<Finding> {
        let (hosts, example) = (self.hosts.clone(), self.hosts.first().to_owned());
        (hosts.len() > 1).then(|| ReferenceProblem::WhichHost { what, hosts, example }.at(at))
    }
}

fn machine(view: &View<'_>, placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    let draft = placed.draft;
    let name = &draft.name;
    for (index, link) in placed.links.iter().enumerate() {
        let Given::Right(wanted) = &link.draft.network else { continue };
        let at = format_args!("machines.{name}.interfaces[{index}].network");
        let Some(net) = link.network.and_then(|at| view.network(at)) else { continue };
        if let Some((here, there)) = placed.host.zip(net.host)
            && here != there
            && let Some((here, there)) = view.hosts.get(here).zip(view.hosts.get(there))
        {
            let problem = ReferenceProblem::Elsewhere {
                machine: text(name).to_owned(),
                host: text(&here.name).to_owned(),
                network: wanted.to_string(),
                other: text(&there.name).to_owned(),
            };
            findings.push(problem.at(at));
        }
    }
    let Some(host) = placed.host.and_then(|at| view.hosts.get(at)) else { return };
    for (index, other) in draft.apart_from.iter().enumerate() {
        let there = view.machine_index.get(text(other)).and_then(|at| view.machine(*at)?.host);
        // A lab may have fewer hosts than its cloud.
        if there == placed.host && !view.cloud.lab {
            let (machine, host) = (text(name).to_owned(), text(&host.name).to_owned());
            let problem = ReferenceProblem::Together { machine, other: text(other).to_owned(), host };
            findings.push(problem.at(format_args!("machines.{name}.apart_from[{index}]")));
        }
    }
    let mut pool = |given: &Given<PoolName>, at: std::fmt::Arguments<'_>| {
        let Given::Right(wanted) = given else { return };
        if host.pools.iter().all(|pool| text(&pool.name) != wanted.as_str()) {
            let pools = NameList::new(host.pools.iter().map(|pool| text(&pool.name)));
            let (pool, near) = (wanted.to_string(), pools.nearest(wanted.as_str()));
            let host = text(&host.name).to_owned();
            findings.push(ReferenceProblem::NoPool { pool, host, near, known: pools }.at(at));
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

impl ReferenceProblem {
    /// The help for an unknown name: the nearest one, and the known ones.
    pub(crate) fn unknown(what: &'static str, name: &str, known: &KnownNames) -> Self {
        let (near, known) = known.instead_of(name);
        Self::Unknown { what, name: name.to_owned(), near, known }
    }
}

/// The help for a name that nothing has.
pub(super) fn instead(
    what: &str,
    near: Option<&str>,
    known: &NameList,
    otherwise: impl std::fmt::Display,
) -> String {
    match near {
        _ if known.is_empty() => format!("there is no {what} yet: {otherwise}"),
        Some(near) => format!("did you mean {near}? known here: {known}"),
        None => format!("{otherwise}; known here: {known}"),
    }
}

problems! {
    /// Problems with names and references.
    pub enum ReferenceProblem {
        NameTwice { what: &'static str, name: String, count: usize } is NameDuplicate:
            "{count} values have the {what} {name}",
            "give each a name of its own";
        NoHost is HostMissing:
            "the cloud has no host to run on",
            "add one, for example {host}",
            host = Remedy::either("hosts: {local: {}}", ".host(Host::local())");
        SameUri { hosts: NameList, uri: String } is HostDuplicate:
            "{hosts} have the same URI {uri}: one hypervisor is counted more than once",
            "give each host the URI of its own libvirt, for example {own}",
            own = Remedy::set("uri", "qemu+ssh://hv2/system");
        WhichHost { what: &'static str, hosts: NameList, example: String } is HostAmbiguous with (count = hosts.len()):
            "the cloud has {count} hosts, and the {what} does not say which one it is on",
            "name one, for example {host}; the hosts are {hosts}",
            host = Remedy::set("host", example);
        Elsewhere { machine: String, host: String, network: String, other: String } is HostMismatch:
            "{machine} is on the host {host}, but the network {network} is on {other}",
            "move {machine} to {other}, or use a network of {host} or a host bridge";
        Together { machine: String, other: String, host: String } is HostMismatch:
            "{machine} must be apart from {other}, and both are on the host {host}",
            "move one of them to another host, or leave {other} out of `apart_from`";
        OwnPool { pool: String } is PoolConflict:
            "{pool} is the name of the cloud's own pool",
            "leave it out: a disk without a pool is in the cloud's own";
        SameFolder { pool: String, other: String, path: String } is PoolConflict:
            "the pools {pool} and {other} are both in {path}, which libvirt refuses",
            "give each pool a folder of its own";
        Unknown { what: &'static str, name: String, near: Option<String>, known: NameList } is ReferenceUnknown
            with (help = instead(what, near.as_deref(), known, format_args!("add the {what} to the cloud"))):
            "there is no {what} {name}",
            "{help}";
        NoPool { pool: String, host: String, near: Option<String>, known: NameList } is ReferenceUnknown
            with (help = near.as_ref().map(|near| format!("did you mean {near}? or ")).unwrap_or_default()):
            "the host {host} has no pool {pool}",
            "{help}list it on the host, for example {listed}; known here: {known}",
            listed = Remedy::either(
                format!("pools: {{{pool}: {{path: /its/folder}}}}"),
                format!(".pool(Pool::new({pool:?}, \"/its/folder\"))"),
            );
    }
}
