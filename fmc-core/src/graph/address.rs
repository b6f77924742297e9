//! Where an object is: `provider/host/kind/name`.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::name::HostName;

/// The address of an object, as `libvirt/local/domain/web`. It sorts by provider, host, kind and name.
///
/// A clone shares it: every edge to an object holds its address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Arc<Parts>);

#[derive(PartialEq, Eq, Hash)]
struct Parts {
    provider: &'static str,
    host: HostName,
    kind: &'static str,
    name: Arc<str>,
}

impl Address {
    /// An address.
    pub fn new(
        provider: &'static str,
        host: HostName,
        kind: &'static str,
        name: impl Into<Arc<str>>,
    ) -> Self {
        Self(Arc::new(Parts { provider, host, kind, name: name.into() }))
    }

    /// Whose object it is, as `libvirt`.
    pub fn provider(&self) -> &'static str {
        self.0.provider
    }

    /// The host that it is on.
    pub fn host(&self) -> &HostName {
        &self.0.host
    }

    /// What it is, as `domain`.
    pub fn kind(&self) -> &'static str {
        self.0.kind
    }

    /// Its name, unique among those of its provider, host and kind.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The address without provider and host, as `domain/web`.
    pub fn short(&self) -> impl fmt::Display + '_ {
        Short(self)
    }

    /// Whether a text names it: `domain/web`, or the whole address.
    pub fn is_named(&self, text: &str) -> bool {
        let short = |text: &str| {
            text.strip_prefix(self.kind()).and_then(|rest| rest.strip_prefix('/')) == Some(self.name())
        };
        let whole = |text: &str| -> Option<bool> {
            let rest = text.strip_prefix(self.provider())?.strip_prefix('/')?;
            Some(short(rest.strip_prefix(self.host().as_str())?.strip_prefix('/')?))
        };
        short(text) || whole(text) == Some(true)
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        text(self.provider(), other.provider())
            .then_with(|| text(self.host().as_str(), other.host().as_str()))
            .then_with(|| text(self.kind(), other.kind()))
            .then_with(|| text(self.name(), other.name()))
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As texts compare; one that two addresses share is not read, and most of each address is shared with its neighbours.
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
        write!(f, "{}/{}/{}/{}", self.provider(), self.host(), self.kind(), self.name())
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
