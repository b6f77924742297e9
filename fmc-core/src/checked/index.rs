//! An index that knows what it indexes.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// One of a checked cloud's hosts, networks or machines: [`Checked::at`](super::Checked::at) looks it up.
///
/// Only the check makes one. The place of a value in a draft is a different number: a draft is in the order of its
/// declarations, and a checked cloud is sorted by name.
pub struct Idx<T> {
    at: usize,
    of: PhantomData<fn() -> T>,
}

impl<T> Idx<T> {
    pub(super) const fn new(at: usize) -> Self {
        Self { at, of: PhantomData }
    }

    /// Its place in the order of its cloud, for a parallel list with one entry for each.
    pub const fn position(self) -> usize {
        self.at
    }
}

impl<T> Clone for Idx<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Idx<T> {}

impl<T> PartialEq for Idx<T> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<T> Eq for Idx<T> {}

impl<T> PartialOrd for Idx<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Idx<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl<T> Hash for Idx<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.at.hash(state);
    }
}

impl<T> fmt::Debug for Idx<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.at)
    }
}
