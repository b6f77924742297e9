//! The subject of a note: a machine, an object, a place, or a name that a person gave.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::address::{Address, Place};

/// The subject of a [`Note`](super::Note) or of [work that is left](super::Left).
///
/// Its text is what a person writes: `machine/web`, `libvirt/local/domain/web`, `host/local`. Subjects sort by their texts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum About {
    /// The machine of this name.
    Machine(Arc<str>),
    /// Another noun that objects [belong to](super::Step::part_of), as `site/eu`.
    Noun(Arc<str>),
    /// An object that belongs to no noun, or that is told of by itself.
    Object(Address),
    /// A place that does not answer.
    Place(Place),
    /// The cloud's host of this name.
    Host(Arc<str>),
    /// An image, by its path.
    Image(Arc<str>),
    /// A name that a person chose and that nothing has, as it was written.
    Name(Arc<str>),
}

/// The kind of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AboutKind {
    /// A machine: `machine/NAME`.
    Machine,
    /// Another noun that objects belong to.
    Noun,
    /// An object: its address.
    Object,
    /// A place that does not answer.
    Place,
    /// A host of the cloud: `host/NAME`.
    Host,
    /// An image: `image/PATH`.
    Image,
    /// A name that a person chose and that nothing has.
    Name,
}

impl About {
    /// The machine of this name.
    pub fn machine(name: impl Into<Arc<str>>) -> Self {
        Self::Machine(name.into())
    }

    /// The noun that an object belongs to, as [`Step::part_of`](super::Step::part_of) names it.
    pub fn noun(noun: &str) -> Self {
        match noun.strip_prefix("machine/") {
            Some(machine) => Self::machine(machine),
            None => Self::Noun(noun.into()),
        }
    }

    /// The noun that an object belongs to, or else the object itself.
    pub fn object(address: &Address, part_of: Option<&str>) -> Self {
        part_of.map_or_else(|| Self::Object(address.clone()), Self::noun)
    }

    /// The kind of the subject.
    pub fn kind(&self) -> AboutKind {
        match self {
            Self::Machine(_) => AboutKind::Machine,
            Self::Noun(_) => AboutKind::Noun,
            Self::Object(_) => AboutKind::Object,
            Self::Place(_) => AboutKind::Place,
            Self::Host(_) => AboutKind::Host,
            Self::Image(_) => AboutKind::Image,
            Self::Name(_) => AboutKind::Name,
        }
    }

    /// Whether a person who writes this name means it: a machine as `machine/web`, an object as `domain/web` or by its
    /// address.
    pub fn is_named(&self, name: &str) -> bool {
        match self {
            Self::Object(address) => address.is_named(name),
            other => other.to_string() == name,
        }
    }

    /// The subject in a person's words, as `machine web` or `image /srv/web.qcow2`.
    pub fn spoken(&self) -> String {
        match self {
            Self::Machine(name) => format!("machine {name}"),
            Self::Object(address) => format!("{} {}", address.kind(), address.name()),
            Self::Host(name) => format!("host {name}"),
            // The path stays whole so that it can be copied.
            Self::Image(path) => format!("image {path}"),
            Self::Noun(name) | Self::Name(name) => name.replacen('/', " ", 1),
            Self::Place(place) => place.to_string().replacen('/', " ", 1),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(name) => write!(f, "machine/{name}"),
            Self::Object(address) => address.fmt(f),
            Self::Place(place) => place.fmt(f),
            Self::Host(name) => write!(f, "host/{name}"),
            Self::Image(path) => write!(f, "image/{path}"),
            Self::Noun(name) | Self::Name(name) => f.write_str(name),
        }
    }
}

impl Serialize for About {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Ord for About {
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_string().cmp(&other.to_string()).then_with(|| self.kind().cmp(&other.kind()))
    }
}

impl PartialOrd for About {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_written_as_before_and_said_as_a_person_says_it() {
        let local = Place::new("libvirt", "local");
        let object = |kind, name: &str| About::Object(Address::new(local.clone(), kind, name));
        let placeless = About::Object(Address::new(Place::all_of("names"), "dns", "www/a"));
        for (about, written, spoken) in [
            (About::machine("web"), "machine/web", "machine web"),
            (About::noun("machine/web"), "machine/web", "machine web"),
            (About::noun("site/eu"), "site/eu", "site eu"),
            (object("domain", "web"), "libvirt/local/domain/web", "domain web"),
            (object("volume", "pool/web.root"), "libvirt/local/volume/pool/web.root", "volume pool/web.root"),
            (placeless, "names/dns/www/a", "dns www/a"),
            (About::Place(local.clone()), "libvirt/local", "libvirt local"),
            (About::Host("local".into()), "host/local", "host local"),
            (
                About::Image("/srv/images/web.qcow2".into()),
                "image//srv/images/web.qcow2",
                "image /srv/images/web.qcow2",
            ),
            (About::Name("machine/wbe".into()), "machine/wbe", "machine wbe"),
            (About::Name("cloud".into()), "cloud", "cloud"),
        ] {
            assert_eq!((about.to_string().as_str(), about.spoken().as_str()), (written, spoken));
        }
    }

    #[test]
    fn an_object_is_told_of_by_its_noun_if_it_has_one() {
        let domain = Address::new(Place::new("libvirt", "local"), "domain", "web");
        assert_eq!(About::object(&domain, Some("machine/web")), About::machine("web"));
        let alone = About::object(&domain, None);
        assert_eq!((alone.kind(), alone.is_named("domain/web")), (AboutKind::Object, true));
        assert!(About::machine("web").is_named("machine/web") && !About::machine("web").is_named("web"));
        assert_ne!(About::machine("web"), About::Name("machine/web".into()));
    }
}
