//! The zones that were looked at, by the server that has them: a name that is deleted has no document.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use fmc_core::dns::DnsName;
use fmc_core::graph::{Address, Place};

/// Zones by the place of their server and their name, each with the way to it.
pub(crate) struct Homes<A>(Mutex<BTreeMap<(Place, String), Arc<A>>>);

impl<A> Default for Homes<A> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A> Homes<A> {
    pub(crate) fn know(&self, place: &Place, zone: &DnsName, access: &Arc<A>) {
        let mut homes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        homes.insert((place.clone(), zone.to_string()), Arc::clone(access));
    }

    /// The way to the server of a name's address, and the zone that it is in.
    pub(crate) fn of_name(&self, at: &Address) -> Option<(Arc<A>, DnsName)> {
        let (bare, said) =
            at.name().split_once('@').map_or((at.name(), None), |(bare, zone)| (bare, Some(zone)));
        let owner = DnsName::parse(bare).ok()?;
        let zones = self.at(at.place()).into_iter().filter(|(_, zone)| match said {
            Some(said) => zone.bare() == said,
            None => owner.is_within(zone),
        });
        zones.max_by_key(|(_, zone)| zone.labels().count())
    }

    /// The way to the server of a zone's address.
    #[cfg(feature = "client")]
    pub(crate) fn of_zone(&self, at: &Address) -> Option<(Arc<A>, DnsName)> {
        self.at(at.place()).into_iter().find(|(_, zone)| zone.bare() == at.name())
    }

    /// The zones of a server that were looked at.
    fn at(&self, place: &Place) -> Vec<(Arc<A>, DnsName)> {
        let homes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let zones = homes.iter().filter(|((at, _), _)| at == place);
        zones
            .filter_map(|((_, zone), access)| Some((Arc::clone(access), DnsName::parse(zone).ok()?)))
            .collect()
    }
}
