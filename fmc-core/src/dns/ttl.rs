//! How long resolvers keep a record.

use std::fmt;

use crate::given::{Given, Leaf, LeafError, leaf_traits};

/// How long resolvers may keep a record, in seconds: 0 to 2,147,483,647 (RFC 2181 §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(u32);

impl Ttl {
    /// The default: one hour.
    pub const HOUR: Self = Self(3600);
    /// The greatest.
    pub const MAX: Self = Self(i32::MAX.unsigned_abs());

    /// A number of seconds, if it is 2,147,483,647 at most.
    pub const fn new(seconds: u32) -> Option<Self> {
        if seconds <= Self::MAX.0 { Some(Self(seconds)) } else { None }
    }

    /// The number of seconds.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Leaf for Ttl {
    const WHAT: &'static str = "time to live";
    const EXAMPLE: &'static str = "3600";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let number = if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None };
        number
            .and_then(Self::new)
            .ok_or_else(|| LeafError::new("it is a whole number of seconds from 0 to 2147483647"))
    }

    fn is_number() -> bool {
        true
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::number_schema::<Self>(0, u64::from(Self::MAX.0))
    }
}

leaf_traits!(Ttl);

impl From<u32> for Given<Ttl> {
    fn from(seconds: u32) -> Self {
        Self::text(&seconds.to_string())
    }
}
