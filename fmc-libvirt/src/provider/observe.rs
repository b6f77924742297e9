//! Reading hypervisors: one pass over each, several at a time.

mod known;
mod names;
mod overlays;
mod read;
pub(in crate::provider) mod records;
mod see;
mod shared;
mod strangers;
mod wants;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::graph::{Address, ObserveError, Place, Seen, Wanted};
use fmc_core::name::HostName;
use futures_util::future::join_all;

use self::read::HostRead;
use self::see::See;
use self::wants::Wants;
use super::object::Object;
use super::{Libvirt, run};
use crate::document::{self, Document, PROVIDER, kind};
use crate::link::{CallError, CallErrorKind, Link, NetworkRecord, PoolRecord};

/// Reads every host. If a host does not answer, it is unknown; if it is the only one, that is an error.
pub(super) async fn observe<L: Link>(
    provider: &Libvirt<L>,
    wanted: &Wanted<Document>,
) -> Result<Seen<Object>, ObserveError> {
    let wants = Arc::new(Wants::of(wanted));
    // The wanted objects' own place, if there is one: addresses that share a place are compared faster.
    let place_of = |host: &HostName| {
        let place = document::place(host);
        wanted.places.get(&place).cloned().unwrap_or(place)
    };
    let reads = provider.hosts.iter().map(|(host, link)| {
        let (wants, link, place) = (Arc::clone(&wants), Arc::clone(link), place_of(host));
        let (instant, promises) = (link.is_instant(), provider.promises.clone());
        async move {
            let read =
                run::off_thread(instant, move || HostRead::read(&*link, &place, &wants, &promises)).await;
            let lost = || CallError::new("read the host", CallErrorKind::Failed, "its thread ended early");
            (host, read.unwrap_or_else(|| Err(lost())))
        }
    });
    let reads = join_all(reads).await;
    let single = reads.len() + provider.unreachable.len() == 1;
    let mut seen = Seen::default();
    // A map that is made of sorted objects at once is cheaper than one that grows by each object.
    let mut objects = Vec::new();
    for (host, cause) in &provider.unreachable {
        if single {
            return Err(ObserveError::Unreachable { what: host.to_string(), cause: cause.clone() });
        }
        seen.unknown.insert(document::place(host), cause.clone());
    }
    for (host, read) in reads {
        match read {
            Ok(read) => {
                let place = place_of(host);
                provider.remember(
                    host,
                    Remembered {
                        owner: wants.owner.as_str().into(),
                        networks: read.networks.clone(),
                        pools: read.pools.clone(),
                        images: images(&read),
                        called: called(&place, &read, &wants),
                    },
                );
                let mut here = BTreeMap::new();
                See { place, read, wants: &wants }.objects(&mut here);
                objects.extend(here);
            }
            Err(error) => {
                let uri = provider.hosts.get(host).map(|link| link.uri().to_owned()).unwrap_or_default();
                let cause = error.message;
                let unreachable =
                    matches!(error.kind, CallErrorKind::Unreachable | CallErrorKind::Deadline { .. });
                if single && unreachable {
                    return Err(ObserveError::Unreachable { what: uri, cause });
                }
                if single || !unreachable {
                    return Err(ObserveError::Read { what: uri, cause });
                }
                seen.unknown.insert(document::place(host), cause);
            }
        }
    }
    shared::note(&mut objects, &wants);
    seen.objects = objects.into_iter().collect();
    let is_given = |place: &Place| place.name().is_some_and(|host| provider.hosts.contains_key(host));
    for place in wanted.nodes.keys().map(Address::place).chain(&wanted.places) {
        if place.provider() == PROVIDER && !is_given(place) && !seen.unknown.contains_key(place) {
            seen.unknown.insert(place.clone(), "it has no connection".into());
        }
    }
    Ok(seen)
}

/// The part of an observation that the preflight uses.
#[derive(Debug)]
pub(super) struct Remembered {
    /// The owner of the cloud that was observed.
    pub(super) owner: Arc<str>,
    pub(super) networks: Vec<NetworkRecord>,
    pub(super) pools: Vec<PoolRecord>,
    /// The names of volumes that commit an uploaded image.
    pub(super) images: BTreeSet<String>,
    /// The names of domains and networks on the host, where they differ.
    pub(super) called: BTreeMap<Address, Arc<str>>,
}

/// The names of our domains and networks on their host, where they differ.
fn called(place: &Place, read: &HostRead, wants: &Wants) -> BTreeMap<Address, Arc<str>> {
    let domains = read.domains.iter().zip(&read.domain_marks).zip(&read.known);
    let domains = domains.filter_map(|((domain, mark), known)| {
        mark.as_ref().filter(|mark| mark.owner == wants.owner)?;
        let name = known.as_ref().map(|known| &known.name).filter(|name| **name != domain.name)?;
        Some((Address::new(place.clone(), kind::DOMAIN, name.as_str()), Arc::from(domain.name.as_str())))
    });
    let networks = read.networks.iter().zip(&read.network_marks).filter_map(|(network, mark)| {
        let mark = mark.as_ref().filter(|mark| mark.owner == wants.owner)?;
        let name = mark.name_of(&network.name).filter(|name| *name != network.name)?;
        Some((Address::new(place.clone(), kind::NETWORK, name), Arc::from(network.name.as_str())))
    });
    domains.chain(networks).collect()
}

fn images(read: &HostRead) -> BTreeSet<String> {
    let volumes = read.volumes.values().flatten();
    volumes.map(|volume| &volume.name).filter(|name| name.starts_with("base.")).cloned().collect()
}
