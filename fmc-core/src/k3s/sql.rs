//! Names in PostgreSQL that stand in an address.

use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};

/// The greatest length of a name (postgresql.org, *Identifiers and Key Words*).
const MAX: usize = 63;

/// The name of a database or a user of PostgreSQL: letters, digits, `_` and `-`, so that it stands in an address as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SqlName(Box<str>);

impl SqlName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SqlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Leaf for SqlName {
    const WHAT: &'static str = "name in PostgreSQL";
    const EXAMPLE: &'static str = "k3s";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let is_right = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if text.is_empty() || text.len() > MAX || !text.bytes().all(is_right) {
            return Err(LeafError::new(format!("it has 1 to {MAX} letters, digits, '_' and '-'")));
        }
        Ok(Self(text.into()))
    }
}

leaf_traits!(SqlName);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::tests::reads_back;

    #[test]
    fn a_name_stands_in_an_address_as_it_is() {
        reads_back(&SqlName::parse("k3s_prod-1").unwrap());
        for wrong in ["", "a b", "a/b", "a@b", "a?b", "ä", &"a".repeat(64)] {
            SqlName::parse(wrong).unwrap_err();
        }
    }
}
