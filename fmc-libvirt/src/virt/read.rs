//! Reading the existing objects: lists with documents.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use virt::domain::{
    Domain, DomainPausedReason, DomainPausedReasonEnum, DomainState, DomainStateReason, DomainStateReasonEnum,
};
use virt::domain_snapshot::DomainSnapshot;
use virt::error::Error;
use virt::network::Network;
use virt::storage_pool::StoragePool;
use virt::sys;

use super::call::{Call, Kind};
use super::session::{Client, Pending, Session};
use crate::link::{CallError, DomainRecord, HostFacts, NetworkRecord, PoolRecord, SnapshotRecord, Suspended};
use crate::xml::Outline;
use crate::xml::outline::Node;

/// How many documents share one call and one deadline. Several such calls run at a time.
const BATCH: usize = 32;

/// How long a guest may be starting before it counts as paused. A start takes a second. A libvirtd that
/// comes back seldom leaves such a guest as it is: then the plan starts it again.
const STARTING: Duration = Duration::from_secs(10);

pub(super) fn domains(client: &Client) -> Result<Vec<DomainRecord>, CallError> {
    let call = Call::read("list the domains".to_owned(), Kind::Host, client.deadlines().read);
    let (all, listed) = client.call(call, |session| {
        let named = |flags| -> Result<BTreeSet<String>, Error> {
            session.connection.list_all_domains(flags)?.iter().map(Domain::name).collect()
        };
        // Listed first, so that a guest which fails to start between the two lists does not count as running.
        let paused = named(sys::VIR_CONNECT_LIST_DOMAINS_PAUSED)?;
        let all = session.connection.list_all_domains(0)?;
        for domain in &all {
            session.domains.keep(domain.name()?, domain.clone());
        }
        let autostart = named(sys::VIR_CONNECT_LIST_DOMAINS_AUTOSTART)?;
        // A guest that starts with its host is defined, and only one that is off can be saved: most hosts need none of these calls.
        let (mut may_be_transient, mut may_be_saved) = (false, false);
        for domain in &all {
            let runs = domain.id().is_some();
            may_be_transient |= runs && !autostart.contains(&domain.name()?);
            may_be_saved |= !runs;
        }
        let asked = |may_be, flags| if may_be { named(flags) } else { Ok(BTreeSet::new()) };
        let transient = asked(may_be_transient, sys::VIR_CONNECT_LIST_DOMAINS_TRANSIENT)?;
        let saved = asked(may_be_saved, sys::VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)?;
        // One list for all domains, and a call for each of the few that have any.
        let snapshots = asked(!all.is_empty(), sys::VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT)?;
        Ok((all, Arc::new(Listed { paused, autostart, transient, saved, snapshots })))
    })?;
    documents(client, "domains", Kind::Domain, all, move |domain| {
        let name = domain.name()?;
        // A domain has an identifier only while it runs, and the identifier comes with the handle: most
        // states cost no call.
        let (active, suspended) = if listed.paused.contains(&name) {
            looked_at(domain)?
        } else {
            (domain.id().is_some(), listed.saved.contains(&name).then_some(Suspended::Saved))
        };
        let (autostart, persistent) = (listed.autostart.contains(&name), !listed.transient.contains(&name));
        let snapshots = if listed.snapshots.contains(&name) { snapshots(domain)? } else { Vec::new() };
        Ok(DomainRecord {
            autostart,
            persistent,
            suspended,
            snapshots,
            ..domain_record(name, domain, active)?
        })
    })
}

/// The names of the domains for which a list of libvirt's was asked.
struct Listed {
    paused: BTreeSet<String>,
    autostart: BTreeSet<String>,
    transient: BTreeSet<String>,
    saved: BTreeSet<String>,
    snapshots: BTreeSet<String>,
}

/// The snapshots of a domain, in the order of their names.
fn snapshots(domain: &Domain) -> Result<Vec<SnapshotRecord>, Error> {
    let named = |flags| -> Result<BTreeSet<String>, Error> {
        domain.list_all_snapshots(flags)?.iter().map(DomainSnapshot::name).collect()
    };
    let all = named(0)?;
    let internal =
        if all.is_empty() { BTreeSet::new() } else { named(sys::VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL)? };
    let record = |name: String| SnapshotRecord { internal: internal.contains(&name), name };
    Ok(all.into_iter().map(record).collect())
}

pub(super) fn domain(session: &Session, name: &str) -> Result<DomainRecord, Error> {
    // Looked up again, because a stored handle has the state from when it was made.
    let domain = session.connection.lookup_domain_by_name(name)?;
    session.domains.keep(name.to_owned(), domain.clone());
    let (active, paused) = if domain.id().is_some() { looked_at(&domain)? } else { (false, None) };
    let persistent = domain.is_persistent()?;
    let is_saved = !active && persistent && domain.has_managed_save(0)?;
    Ok(DomainRecord {
        autostart: persistent && domain.autostart()?,
        persistent,
        suspended: paused.or(is_saved.then_some(Suspended::Saved)),
        snapshots: snapshots(&domain)?,
        ..domain_record(name.to_owned(), &domain, active)?
    })
}

/// A defined domain that is not suspended and does not start with its host.
fn domain_record(name: String, domain: &Domain, active: bool) -> Result<DomainRecord, Error> {
    Ok(DomainRecord {
        name,
        xml: domain.xml_desc(sys::VIR_DOMAIN_XML_INACTIVE)?,
        live_xml: active.then(|| domain.xml_desc(0)).transpose()?,
        active,
        autostart: false,
        persistent: true,
        suspended: None,
        snapshots: Vec::new(),
    })
}

/// Whether a domain with an identifier runs, and why it is paused. A libvirtd that was killed during a start finds the
/// guest when it comes back, lists it as paused and starting up, and kills it a moment later. A guest that is being
/// started right now looks the same. So this waits until that state is over; otherwise the guest would
/// wrongly count as running.
fn looked_at(domain: &Domain) -> Result<(bool, Option<Suspended>), Error> {
    let until = Instant::now() + STARTING;
    loop {
        let (state, reason) = domain.state()?;
        let DomainStateReasonEnum::Known(DomainStateReason::Paused(why)) = reason else {
            return Ok((!state.is(DomainState::Shutoff) && !state.is(DomainState::Crashed), None));
        };
        if !why.is(DomainPausedReason::StartingUp) || Instant::now() >= until {
            return Ok((true, Some(Suspended::Paused(paused_by(why)))));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
/// libvirt's reason in the words of `virsh domstate --reason`.
fn paused_by(why: DomainPausedReasonEnum) -> String {
    let DomainPausedReasonEnum::Known(why) = why else { return "unknown".to_owned() };
    match why {
        DomainPausedReason::User => "user",
        DomainPausedReason::Migration => "migrating",
        DomainPausedReason::Save => "saving",
        DomainPausedReason::Dump => "dumping",
        DomainPausedReason::IOError => "I/O error",
        DomainPausedReason::Watchdog => "watchdog",
        DomainPausedReason::FromSnapshot => "from snapshot",
        DomainPausedReason::ShuttingDown => "shutting down",
        DomainPausedReason::Snapshot => "creating snapshot",
        DomainPausedReason::Crashed => "crashed",
        DomainPausedReason::StartingUp => Suspended::STARTING,
        DomainPausedReason::PostCopy | DomainPausedReason::PostCopyFailed => "post-copy",
        DomainPausedReason::APIError => "API error",
        DomainPausedReason::Unknown => "unknown",
    }
    .to_owned()
}

pub(super) fn networks(client: &Client) -> Result<Vec<NetworkRecord>, CallError> {
    let call = Call::read("list the networks".to_owned(), Kind::Host, client.deadlines().read);
    let (all, switches) = client.call(call, |session| {
        let all = session.connection.list_all_networks(0)?;
        for network in &all {
            session.networks.keep(network.name()?, network.clone());
        }
        let named = |flags| match all.is_empty() {
            true => Ok(BTreeSet::new()),
            false => session.connection.list_all_networks(flags)?.iter().map(Network::name).collect(),
        };
        let active: BTreeSet<String> = named(sys::VIR_CONNECT_LIST_NETWORKS_ACTIVE)?;
        let autostart = named(sys::VIR_CONNECT_LIST_NETWORKS_AUTOSTART)?;
        let transient = match active.is_subset(&autostart) {
            true => BTreeSet::new(),
            false => named(sys::VIR_CONNECT_LIST_NETWORKS_TRANSIENT)?,
        };
        Ok((all, Arc::new(Switched { active, autostart, transient })))
    })?;
    let is_test = client.is_test();
    documents(client, "networks", Kind::Network, all, move |network| {
        let name = network.name()?;
        let switches = switches.of(&name);
        network_record(name, network, switches, is_test)
    })
}

/// The names of the networks or pools for which a list of libvirt's was asked.
struct Switched {
    active: BTreeSet<String>,
    autostart: BTreeSet<String>,
    transient: BTreeSet<String>,
}

/// Whether a network or pool is active, starts with its host, and is defined.
struct Switches {
    active: bool,
    autostart: bool,
    persistent: bool,
}

impl Switched {
    fn of(&self, name: &str) -> Switches {
        Switches {
            active: self.active.contains(name),
            autostart: self.autostart.contains(name),
            persistent: !self.transient.contains(name),
        }
    }
}

pub(super) fn network(session: &Session, name: &str, is_test: bool) -> Result<NetworkRecord, Error> {
    let network = session.connection.lookup_network_by_name(name)?;
    session.networks.keep(name.to_owned(), network.clone());
    let (active, persistent) = (network.is_active()?, network.is_persistent()?);
    let switches = Switches { active, autostart: persistent && network.autostart()?, persistent };
    network_record(name.to_owned(), &network, switches, is_test)
}

/// The test driver has one document for each network, and refuses the flag that asks for the persistent one.
fn network_record(
    name: String,
    network: &Network,
    Switches { active, autostart, persistent }: Switches,
    is_test: bool,
) -> Result<NetworkRecord, Error> {
    let of_definition = if is_test { 0 } else { sys::VIR_NETWORK_XML_INACTIVE };
    Ok(NetworkRecord {
        name,
        xml: network.xml_desc(of_definition)?,
        live_xml: active.then(|| network.xml_desc(0)).transpose()?,
        active,
        autostart,
        persistent,
    })
}

pub(super) fn pools(client: &Client) -> Result<Vec<PoolRecord>, CallError> {
    let call = Call::read("list the pools".to_owned(), Kind::Host, client.deadlines().read);
    let (all, switches) = client.call(call, |session| {
        let all = session.connection.list_all_storage_pools(0)?;
        for pool in &all {
            session.pools.keep(pool.name()?, pool.clone());
        }
        let named = |flags| match all.is_empty() {
            true => Ok(BTreeSet::new()),
            false => {
                session.connection.list_all_storage_pools(flags)?.iter().map(StoragePool::name).collect()
            }
        };
        let active: BTreeSet<String> = named(sys::VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE)?;
        let autostart = named(sys::VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART)?;
        let transient = match active.is_subset(&autostart) {
            true => BTreeSet::new(),
            false => named(sys::VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT)?,
        };
        Ok((all, Arc::new(Switched { active, autostart, transient })))
    })?;
    documents(client, "pools", Kind::Pool, all, move |pool| {
        let name = pool.name()?;
        let Switches { active, autostart, persistent } = switches.of(&name);
        Ok(PoolRecord { xml: pool.xml_desc(0)?, name, active, autostart, persistent })
    })
}

pub(super) fn pool(session: &Session, name: &str) -> Result<PoolRecord, Error> {
    let pool = session.connection.lookup_storage_pool_by_name(name)?;
    session.pools.keep(name.to_owned(), pool.clone());
    Ok(PoolRecord {
        name: name.to_owned(),
        xml: pool.xml_desc(0)?,
        active: pool.is_active()?,
        autostart: pool.autostart()?,
        persistent: pool.is_persistent()?,
    })
}

/// Reads the document of each object, several at a time; an object that disappeared since the list was made
/// is skipped.
fn documents<H, R>(
    client: &Client,
    what: &'static str,
    kind: Kind,
    all: Vec<H>,
    record: impl Fn(&H) -> Result<R, Error> + Send + Sync + 'static,
) -> Result<Vec<R>, CallError>
where
    H: Send + Sync + 'static,
    R: Send + 'static,
{
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let call = Call::read(format!("read the documents of the {what}"), kind, client.deadlines().read);
    let session = client.session()?;
    let (all, record) = (Arc::new(all), Arc::new(record));
    let mut pending: Vec<Pending<Vec<R>>> = Vec::new();
    // Even a few objects are spread: four concurrent calls are faster than one after the other.
    let batch = all.len().div_ceil(4).min(BATCH);
    for first in (0..all.len()).step_by(batch) {
        let (all, record) = (Arc::clone(&all), Arc::clone(&record));
        let work = Arc::new(move |_: &Session| {
            let mut records = Vec::with_capacity(batch);
            for handle in all.iter().skip(first).take(batch) {
                match record(handle) {
                    Err(error) if kind.is_absence(&error) => {}
                    other => records.push(other?),
                }
            }
            Ok(records)
        });
        pending.push(client.judge(&call, client.start(&session, call.clone(), &work))?);
    }
    let mut records = Vec::with_capacity(all.len());
    for batch in pending {
        records.append(&mut client.judge(&call, batch.wait())?);
    }
    Ok(records)
}

/// The name that a document gives its object, for a message; the document may be anything.
pub(super) fn name_in(xml: &str) -> String {
    let outline = Outline::read(xml);
    let name = outline.as_ref().and_then(|outline| outline.root().text_at("name"));
    name.unwrap_or("without a name").to_owned()
}

/// The preflight's part of `virConnectGetCapabilities`: one document, so one call.
pub(super) fn host_facts(xml: &str) -> Option<HostFacts> {
    let outline = Outline::read(xml)?;
    let root = outline.root();
    let uuid = root.text_at("host/uuid").map(|uuid| uuid.trim().to_owned());
    let mut facts = HostFacts { uuid, ..HostFacts::default() };
    for cell in root.at("host/topology/cells").into_iter().flat_map(|cells| cells.children_named("cell")) {
        facts.memory_kib += number(cell.text_at("memory"));
        let cpus = cell.at("cpus").and_then(|cpus| cpus.attribute("num"));
        facts.threads = facts.threads.saturating_add(u32::try_from(number(cpus)).unwrap_or(u32::MAX));
    }
    for guest in root.children_named("guest") {
        let Some(arch) = guest.at("arch") else { continue };
        if arch.attribute("name") == Some("x86_64") && guest.text_at("os_type") == Some("hvm") {
            let types = arch.children_named("domain").filter_map(|domain| domain.attribute("type"));
            facts.domain_types.extend(types.map(str::to_owned));
        }
    }
    Some(facts)
}

/// The `<ip>` of a network that a DHCP host belongs to, for `virNetworkUpdate`. By default (-1) libvirt takes
/// the IPv4 one with DHCP, so only an IPv6 host needs the index of its `<ip>`.
pub(super) fn subnet_of_host(network: &Network, host: &str) -> Result<i32, Error> {
    let is_v6 = Outline::read(host)
        .is_some_and(|host| host.root().attribute("ip").is_some_and(|ip| ip.contains(':')));
    if !is_v6 {
        return Ok(-1);
    }
    let xml = network.xml_desc(0)?;
    Ok(Outline::read(&xml).map_or(-1, |outline| index_of_v6_dhcp(outline.root())))
}

fn index_of_v6_dhcp(network: Node<'_>) -> i32 {
    network
        .children_named("ip")
        .position(|ip| ip.attribute("family") == Some("ipv6") && ip.at("dhcp").is_some())
        .and_then(|index| i32::try_from(index).ok())
        .unwrap_or(-1)
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read() {
        let facts = host_facts(
            "<capabilities><host><uuid>4c4c4544-0031-3010-8031-b9c04f474432</uuid><topology><cells num='2'>\
             <cell id='0'><memory unit='KiB'>1000</memory><cpus num='4'/></cell>\
             <cell id='1'><memory unit='KiB'>2000</memory><cpus num='4'/></cell>\
             </cells></topology></host>\
             <guest><os_type>hvm</os_type><arch name='i686'><domain type='xen'/></arch></guest>\
             <guest><os_type>hvm</os_type><arch name='x86_64'><domain type='qemu'/><domain type='kvm'/></arch></guest>\
             </capabilities>",
        )
        .unwrap();
        assert_eq!(facts.uuid.as_deref(), Some("4c4c4544-0031-3010-8031-b9c04f474432"));
        assert_eq!(facts.memory_kib, 3000);
        assert_eq!(facts.threads, 8);
        assert_eq!(facts.domain_types, ["qemu", "kvm"]);
    }

    #[test]
    fn an_ipv6_host_goes_to_the_ipv6_subnet() {
        let outline = Outline::read(
            "<network><ip address='10.0.0.1'/><ip address='10.1.0.1'><dhcp/></ip>\
             <ip family='ipv6' address='fd00::1'/><ip family='ipv6' address='fd01::1'><dhcp/></ip></network>",
        )
        .unwrap();
        assert_eq!(index_of_v6_dhcp(outline.root()), 3);
    }
}
