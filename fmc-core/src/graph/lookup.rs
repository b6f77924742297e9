//! Fast searches in many objects by address.
//!
//! Most objects need objects at their own place, which has a small part of all objects. So an address is searched first
//! by its place, beginning with the place of the search before, and then among the addresses there. A search among
//! all addresses would compare it with many that are far apart in memory.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use super::address::{Address, Place};

/// A map by address, prepared for many searches.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use fmc_core::graph::{Address, Lookup, Place};
///
/// let of = |place: &str| Address::new(Place::new("dns", place), "record", "web");
/// let objects = BTreeMap::from([(of("ns1"), 1), (of("ns2"), 2)]);
/// let lookup = Lookup::of(&objects);
/// assert_eq!(lookup.get(&of("ns2")), Some(&2));
/// assert_eq!(lookup.get(&of("ns3")), None);
/// ```
#[derive(Debug)]
pub struct Lookup<'a, T> {
    /// In the order of the addresses.
    entries: Vec<(&'a Address, &'a T)>,
    /// The places, each with the numbers of its entries.
    places: Vec<(&'a Place, Range<usize>)>,
    /// Which of the places was searched last.
    last: Cell<usize>,
}

impl<'a, T> Lookup<'a, T> {
    /// Prepares a map.
    pub fn of(map: &'a BTreeMap<Address, T>) -> Self {
        let entries: Vec<(&Address, &T)> = map.iter().collect();
        let mut places = Vec::new();
        let mut start = 0;
        for here in entries.chunk_by(|(one, _), (other, _)| one.place() == other.place()) {
            let end = start + here.len();
            places.extend(here.first().map(|(first, _)| (first.place(), start..end)));
            start = end;
        }
        Self { entries, places, last: Cell::new(0) }
    }

    /// The entries, in the order of the addresses.
    pub(super) fn entries(&self) -> &[(&'a Address, &'a T)] {
        &self.entries
    }

    /// The value at an address.
    pub fn get(&self, address: &Address) -> Option<&'a T> {
        self.entries.get(self.number(address)?).map(|(_, value)| *value)
    }

    /// The number of an address in the order of all.
    pub(super) fn number(&self, address: &Address) -> Option<usize> {
        let range = self.range(address.place())?;
        let here = self.entries.get(range.clone())?;
        let at = here.binary_search_by(|(other, _)| other.cmp_there(address)).ok()?;
        Some(range.start + at)
    }

    fn range(&self, place: &Place) -> Option<&Range<usize>> {
        if let Some((last, range)) = self.places.get(self.last.get())
            && *last == place
        {
            return Some(range);
        }
        let at = self.places.binary_search_by(|(other, _)| (*other).cmp(place)).ok()?;
        self.last.set(at);
        self.places.get(at).map(|(_, range)| range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_number_and_others_have_none() {
        let of = |place: &str, name: &str| Address::new(Place::new("test", place), "thing", name);
        let sorted = [of("a", "a"), of("a", "c"), of("b", "a"), of("d", "a"), of("d", "b"), of("d", "d")];
        let map: BTreeMap<Address, usize> = sorted.iter().cloned().zip(0..).collect();
        let lookup = Lookup::of(&map);
        for (number, address) in sorted.iter().enumerate().chain(sorted.iter().enumerate().rev()) {
            assert_eq!(lookup.number(address), Some(number));
            assert_eq!(lookup.get(address), Some(&number));
        }
        let kind = Address::new(Place::new("test", "a"), "other", "a");
        for other in [of("a", "b"), of("c", "a"), of("d", "e"), of("e", "a"), of("0", "a"), kind] {
            assert_eq!(lookup.get(&other), None);
        }
        assert_eq!(Lookup::<()>::of(&BTreeMap::new()).get(&of("a", "a")), None);
    }
}
