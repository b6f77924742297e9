//! Where an object is: `provider/place/kind/name`, or `provider/kind/name` where a provider has no places.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A location of a provider's objects: a host, a zone server, a cluster; or the whole provider, if it has no
/// places.
///
/// The objects of one place become unknown together ([`Seen::unknown`](super::Seen::unknown)) and share their
/// lanes ([`Provider::lanes`](super::Provider::lanes)). A clone shares the name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Place {
    provider: &'static str,
    name: Option<Arc<str>>,
}

impl Place {
    /// A place of a provider, as the host `local` of `libvirt`.
    pub fn new(provider: &'static str, name: impl Into<Arc<str>>) -> Self {
        Self { provider, name: Some(name.into()) }
    }

    /// A whole provider: the location of its objects if it has no places, and unknown if the provider does
    /// not answer at all.
    pub const fn all_of(provider: &'static str) -> Self {
        Self { provider, name: None }
    }

    /// The provider that has the place, as `libvirt`.
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    /// The name of the place; `None` if it is the whole provider.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        text(self.provider, other.provider).then_with(|| match (&self.name, &other.name) {
            (Some(one), Some(other)) => text(one, other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        })
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.provider)?;
        self.name.iter().try_for_each(|name| write!(f, "/{name}"))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

/// The address of an object, as `libvirt/local/domain/web`, or `dns/record/web` where the provider has no
/// places. Addresses sort by provider, place, kind and name.
///
/// A clone shares it: every edge to an object holds its address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Arc<Parts>);

#[derive(PartialEq, Eq, Hash)]
struct Parts {
    place: Place,
    kind: &'static str,
    name: Arc<str>,
}

impl Address {
    /// An address.
    pub fn new(place: Place, kind: &'static str, name: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Parts { place, kind, name: name.into() }))
    }

    /// The address of another object at the same place.
    pub fn beside(&self, kind: &'static str, name: impl Into<Arc<str>>) -> Self {
        Self::new(self.place().clone(), kind, name)
    }

    /// The provider of the object, as `libvirt`.
    pub fn provider(&self) -> &'static str {
        self.0.place.provider
    }

    /// The object's place.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// The object's kind, as `domain`.
    pub fn kind(&self) -> &'static str {
        self.0.kind
    }

    /// The object's name, unique among the objects of its place and kind.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The address without provider and place, as `domain/web`.
    pub fn short(&self) -> impl fmt::Display + '_ {
        Short(self)
    }

    /// Whether a text names this object: `domain/web`, or the whole address.
    pub fn is_named(&self, text: &str) -> bool {
        let short = |text: &str| {
            text.strip_prefix(self.kind()).and_then(|rest| rest.strip_prefix('/')) == Some(self.name())
        };
        let whole = |text: &str| -> Option<bool> {
            let rest = text.strip_prefix(self.provider())?.strip_prefix('/')?;
            let rest = match self.place().name() {
                Some(place) => rest.strip_prefix(place)?.strip_prefix('/')?,
                None => rest,
            };
            Some(short(rest))
        };
        short(text) || whole(text) == Some(true)
    }
}

impl Address {
    /// Compares addresses of one place.
    pub(super) fn cmp_there(&self, other: &Self) -> Ordering {
        text(self.kind(), other.kind()).then_with(|| text(self.name(), other.name()))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        self.place().cmp(other.place()).then_with(|| self.cmp_there(other))
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares two texts. It skips reading a text that both addresses share, because neighbours share most of an
/// address.
fn text(one: &str, other: &str) -> Ordering {
    if std::ptr::eq(one, other) { Ordering::Equal } else { one.cmp(other) }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.place(), self.kind(), self.name())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

struct Short<'a>(&'a Address);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.kind(), self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_place_or_none() {
        let record = Address::new(Place::all_of("dns"), "record", "a/b");
        let zoned = Address::new(Place::new("dns", "ns1"), "record", "web");
        assert_eq!(
            (record.to_string(), zoned.to_string()),
            ("dns/record/a/b".into(), "dns/ns1/record/web".into())
        );
        for text in ["record/a/b", "dns/record/a/b"] {
            assert!(record.is_named(text), "{text}");
        }
        for text in ["record/web", "dns/ns1/record/web"] {
            assert!(zoned.is_named(text), "{text}");
        }
        assert!(!zoned.is_named("dns/record/web") && !record.is_named("dns/ns1/record/a/b"));
        assert_eq!(zoned.beside("zone", "lab").to_string(), "dns/ns1/zone/lab");
        assert_eq!((record.place().name(), zoned.place().name()), (None, Some("ns1")));
    }

    #[test]
    fn addresses_sort_by_provider_place_kind_and_name() {
        let of = |place: Place, kind, name: &str| Address::new(place, kind, name);
        let sorted = [
            of(Place::all_of("dns"), "zone", "z"),
            of(Place::new("dns", "a"), "record", "b"),
            of(Place::new("dns", "a"), "zone", "a"),
            of(Place::new("dns", "b"), "record", "a"),
            of(Place::all_of("libvirt"), "domain", "a"),
        ];
        assert!(sorted.is_sorted(), "{sorted:?}");
    }
}
