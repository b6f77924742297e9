//! Checks of a hypervisor against the model, reported before anything is made.

mod around;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use fmc_core::checked::{Checked, Forward, Host, Network, Source};
use fmc_core::graph::{About, Note, NoteKind};
use fmc_core::host::Acceleration;
use fmc_core::name::PoolName;
use fmc_core::path::AbsPath;
use ipnet::IpNet;

use self::around::{compare_filters, compare_routes};
use super::{Libvirt, run};
use crate::files::Files;
use crate::image::ImageError;
use crate::image::content::ImageFile;
use crate::image::header::Stated;
use crate::link::{CallError, Filter, HostFacts, Link, NetworkRecord, PoolRecord};
use crate::mark::Mark;
use crate::volume::{self, Ours};
use crate::xml::Outline;

impl<L: Link> Libvirt<L> {
    /// Prerequisites that the hosts lack or that differ from the cloud. Call it after
    /// [`observe`](fmc_core::graph::Provider::observe), whose data it uses; it makes one more call for each
    /// host (two if the model has a bridge of the host).
    ///
    /// Notes about things that libvirt would refuse are [`NoteKind::Refused`]; mere differences in size are
    /// [`NoteKind::Notice`].
    pub async fn preflight(&self, checked: &Checked) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut known: BTreeMap<(String, String), &Host> = BTreeMap::new();
        let places = places(checked);
        for (host, place) in checked.hosts().iter().zip(&places) {
            let Some(link) = self.hosts.get(&host.name).map(Arc::clone) else { continue };
            let Some(read) = self.remembered(&host.name) else { continue };
            let is_routed = |network: &&Network| matches!(network.forward, Forward::Routed | Forward::Open);
            let asks = !place.bridges.is_empty() || place.networks.iter().any(is_routed);
            let ask = move || -> Result<_, CallError> {
                let interfaces = if asks { link.interfaces()? } else { None };
                Ok((link.facts()?, interfaces, link.surroundings()))
            };
            let instant = self.hosts.get(&host.name).is_some_and(|link| link.is_instant());
            let about = About::Host(host.name.as_str().into());
            match run::off_thread(instant, ask).await {
                Some(Ok((facts, interfaces, around))) => {
                    let here =
                        facts.uuid.clone().zip(self.hosts.get(&host.name).map(|link| driver(link.uri())));
                    let twice = here.and_then(|here| known.insert(here, host));
                    let mut tell = |kind, text| notes.push(Note { about: about.clone(), kind, text });
                    if let Some(other) = twice {
                        let text = format!(
                            "it is the same hypervisor as the host {}: name one of them, or each would take away what the other makes",
                            other.name
                        );
                        tell(NoteKind::Refused, text);
                    }
                    compare_facts(place, host, &facts, &mut tell);
                    let session =
                        self.hosts.get(&host.name).is_some_and(|link| driver(link.uri()) == "/session");
                    if let Some(network) = place.networks.first().filter(|_| session) {
                        tell(NoteKind::Refused, session_words(network));
                    }
                    compare_bridges(&place.bridges, interfaces.as_deref(), &mut tell);
                    compare_pools(place, host, &read.pools, &mut tell);
                    let docker =
                        interfaces.iter().flatten().any(|name| name == "docker0").then_some(Filter::Docker);
                    let around = around.unwrap_or_default();
                    let filters: BTreeSet<Filter> = around.filters.iter().copied().chain(docker).collect();
                    compare_routes(&place.networks, &read.networks, &around, &mut tell);
                    compare_filters(&place.networks, &place.bridges, &filters, &mut tell);
                    compare_networks(checked.owner().as_str(), place, &read.networks, &mut tell);
                }
                Some(Err(error)) => {
                    let text = error.to_string();
                    notes.push(Note { about, kind: NoteKind::Notice, text });
                }
                None => {}
            }
        }
        notes.extend(self.judge_images(checked).await);
        notes
    }

    /// Checks the images that are still to be sent, if they exist locally, so that an unusable image is known
    /// before anything is made.
    async fn judge_images(&self, checked: &Checked) -> Vec<Note> {
        let mut to_send: BTreeMap<AbsPath, Vec<Stated>> = BTreeMap::new();
        for machine in checked.machines() {
            let image = &machine.image;
            let (Source::File(path), Some(digest), Some(root)) = (&image.source, image.digest, machine.root)
            else {
                continue;
            };
            let name = Ours::Base { digest: volume::hex(digest.bytes(), 6) }.to_string();
            let host = checked.at(machine.host).and_then(|host| self.remembered(&host.name));
            if host.is_none_or(|host| host.images.contains(&volume::commit_name(&name))) {
                continue;
            }
            let (format, minimum) = (image.format, image.minimum);
            let all = to_send.entry(path.clone()).or_default();
            match all.iter_mut().find(|stated| stated.format == format && stated.minimum == minimum) {
                // Machines come sorted by name: among equal roots, the first one is recorded.
                Some(Stated { root: Some((_, smallest)), .. }) if *smallest <= root.size => {}
                Some(stated) => stated.root = Some((machine.name.to_string(), root.size)),
                None => {
                    all.push(Stated { format, minimum, root: Some((machine.name.to_string(), root.size)) });
                }
            }
        }
        let instant = self.hosts.values().all(|link| link.is_instant());
        let files = self.images.files.clone();
        run::off_thread(instant, move || judge(&files, &to_send)).await.unwrap_or_default()
    }
}

fn judge(files: &Files, to_send: &BTreeMap<AbsPath, Vec<Stated>>) -> Vec<Note> {
    let each = to_send.iter().flat_map(|(path, all)| all.iter().map(move |stated| (path, stated)));
    each.filter_map(|(path, stated)| match ImageFile::open(files, Path::new(path.as_str()), stated) {
        // An image that does not exist locally yet is checked when it is sent.
        Ok(_) | Err(ImageError::Open(_)) => None,
        Err(error) => {
            let about = About::Image(path.as_str().into());
            Some(Note { about, kind: NoteKind::Refused, text: error.to_string() })
        }
    })
    .collect()
}

/// Why a session has no networks.
fn session_words(network: &Network) -> String {
    format!(
        "its URI names a session, which runs without privileges: libvirt makes no bridge there, so that the network {} would \
         not start; name the system's libvirt, as `qemu:///system`",
        network.name
    )
}

/// The path of a URI, which tells the system's hypervisor from a session's on the same host.
fn driver(uri: &str) -> String {
    let path = uri.split_once("://").map_or(uri, |(_, rest)| rest.trim_start_matches(|letter| letter != '/'));
    path.split('?').next().unwrap_or_default().to_owned()
}

fn compare_facts(place: &Place<'_>, host: &Host, facts: &HostFacts, tell: &mut impl FnMut(NoteKind, String)) {
    let domain_type = match host.acceleration {
        Acceleration::Kvm => "kvm",
        Acceleration::Emulated => "qemu",
    };
    if place.has_machines
        && !facts.domain_types.is_empty()
        && !facts.domain_types.iter().any(|known| known == domain_type)
    {
        let known = facts.domain_types.join(", ");
        tell(
            NoteKind::Refused,
            format!(
                "it cannot run guests of type {domain_type} (supported: {known}): enable virtualisation in its firmware, or set the host's acceleration to emulated"
            ),
        );
    }
    if let Some(memory) = host.memory
        && facts.memory_kib > 0
        && facts.memory_kib < memory.as_kib() - memory.as_kib() / 16
    {
        let has = fmc_core::unit::Size::bytes(facts.memory_kib << 10);
        tell(NoteKind::Notice, format!("the cloud gives it {memory} of memory, but it has {has}"));
    }
    if let Some(topology) = &host.topology {
        let said = topology.total();
        if facts.threads > 0 && u64::from(facts.threads) < said {
            tell(
                NoteKind::Notice,
                format!("the cloud gives it {said} threads, but it has {}", facts.threads),
            );
        }
    }
}

/// The requirements of a cloud on a host.
#[derive(Default)]
struct Place<'a> {
    has_machines: bool,
    /// The host's own pools that its machines use.
    pools: BTreeSet<&'a str>,
    /// The networks that libvirt makes there.
    networks: Vec<&'a Network>,
    /// The bridges that the host must have.
    bridges: BTreeSet<&'a str>,
}

/// The requirements of a cloud on each of its hosts, in one pass.
fn places(checked: &Checked) -> Vec<Place<'_>> {
    let mut places: Vec<Place<'_>> = checked.hosts().iter().map(|_| Place::default()).collect();
    for machine in checked.machines() {
        let Some(place) = places.get_mut(machine.host.position()) else { continue };
        place.has_machines = true;
        place.pools.extend(machine.disks.iter().filter_map(|disk| disk.pool.as_ref()).map(PoolName::as_str));
        if let Source::Volume { pool, .. } = &machine.image.source {
            place.pools.insert(pool.as_str());
        }
    }
    for network in checked.networks() {
        for host in &network.hosts {
            let Some(place) = places.get_mut(host.position()) else { continue };
            if network.forward == Forward::Bridge {
                place.bridges.insert(network.bridge.as_str());
            } else {
                place.networks.push(network);
            }
        }
    }
    places
}

fn compare_bridges(
    wanted: &BTreeSet<&str>,
    interfaces: Option<&[String]>,
    tell: &mut impl FnMut(NoteKind, String),
) {
    let Some(interfaces) = interfaces else { return };
    for bridge in wanted.iter().filter(|bridge| !interfaces.iter().any(|found| found == *bridge)) {
        tell(
            NoteKind::Refused,
            format!("it has no bridge {bridge}: make it there, or name the one that it has"),
        );
    }
}

fn compare_pools(
    place: &Place<'_>,
    host: &Host,
    records: &[PoolRecord],
    tell: &mut impl FnMut(NoteKind, String),
) {
    for name in &place.pools {
        let Some(record) = records.iter().find(|record| record.name == *name) else {
            tell(
                NoteKind::Refused,
                format!("it has no pool {name}: define it there, or name one that it has"),
            );
            continue;
        };
        let path = super::object::pool_identity(&record.xml).1;
        let wanted =
            host.pools.iter().find(|pool| pool.name.as_str() == *name).map(|pool| pool.path.as_str());
        if let (Some(found), Some(wanted)) = (path, wanted)
            && found != wanted.trim_end_matches('/')
        {
            tell(
                NoteKind::Refused,
                format!("its pool {name} is at {found}, not at {wanted}: correct the path"),
            );
        }
    }
}

/// Foreign networks with our bridges or, if they are active or start with the host, on our subnets.
fn compare_networks(
    owner: &str,
    place: &Place<'_>,
    records: &[NetworkRecord],
    tell: &mut impl FnMut(NoteKind, String),
) {
    let ours = |record: &NetworkRecord| Mark::read(&record.xml).is_some_and(|mark| mark.owner == owner);
    let foreign: Vec<(&str, IpNet)> = records
        .iter()
        .filter(|record| (record.active || record.autostart) && !ours(record))
        .flat_map(|record| subnets(&record.xml).into_iter().map(|subnet| (record.name.as_str(), subnet)))
        .collect();
    let bridges: BTreeMap<String, &str> = records
        .iter()
        .filter(|record| !ours(record))
        .filter_map(|record| Some((own_bridge(&record.xml)?, record.name.as_str())))
        .collect();
    for network in &place.networks {
        if let Some(name) = bridges.get(network.bridge.as_str()) {
            let text = format!(
                "its network {name}, not ours, has the bridge {} of network {}: give ours another `bridge`",
                network.bridge, network.name
            );
            tell(NoteKind::Refused, text);
        }
        for family in [&network.ipv4, &network.ipv6].into_iter().flatten() {
            let Ok(wanted) = family.subnet.to_string().parse::<IpNet>() else { continue };
            for (name, found) in &foreign {
                if wanted.trunc() == *found {
                    let text = format!(
                        "its network {name}, not ours, has the subnet {found} of network {}: give ours another, or stop that one",
                        network.name
                    );
                    tell(NoteKind::Refused, text);
                } else if wanted.contains(found) || found.contains(&wanted) {
                    let text = format!(
                        "its network {name}, not ours, has {found}, which overlaps {wanted} of network {}: what is in both is reached through one of them only",
                        network.name
                    );
                    tell(NoteKind::Notice, text);
                }
            }
        }
    }
}

/// The bridge that a network makes; `None` if it uses a bridge of the host.
pub(super) fn own_bridge(xml: &str) -> Option<String> {
    let outline = Outline::read(xml)?;
    let root = outline.root();
    let is_hosts = root.at("forward").and_then(|forward| forward.attribute("mode")) == Some("bridge");
    if is_hosts { None } else { root.at("bridge")?.attribute("name").map(str::to_owned) }
}

fn subnets(xml: &str) -> Vec<IpNet> {
    let Some(outline) = Outline::read(xml) else { return Vec::new() };
    let root = outline.root();
    if root.at("forward").and_then(|forward| forward.attribute("mode")) == Some("bridge") {
        return Vec::new();
    }
    root.children()
        .filter(|child| child.name() == "ip")
        .filter_map(|ip| {
            let address: std::net::IpAddr = ip.attribute("address")?.parse().ok()?;
            let net = match (ip.attribute("prefix"), ip.attribute("netmask")) {
                (Some(prefix), _) => IpNet::new(address, prefix.parse().ok()?).ok()?,
                (None, Some(mask)) => IpNet::with_netmask(address, mask.parse().ok()?).ok()?,
                (None, None) => return None,
            };
            Some(net.trunc())
        })
        .collect()
}
