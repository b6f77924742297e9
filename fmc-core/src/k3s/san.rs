//! Names and addresses in the certificate of an API server.

use std::fmt;

use crate::addr::Ip;
use crate::given::{Leaf, LeafError, leaf_traits};
use crate::name::DomainName;

/// A name or an address by which clients call the API: `api.example.com`, `*.example.com`, `203.0.113.7`. The
/// certificate of the API server contains it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertName(Box<str>);

impl CertName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Leaf for CertName {
    const WHAT: &'static str = "name or address of the API";
    const EXAMPLE: &'static str = "api.example.com";

    fn parse(text: &str) -> Result<Self, LeafError> {
        if let Ok(address) = Ip::parse(text) {
            return Ok(Self(address.to_string().into()));
        }
        // Text that looks like an address is no name: a client would compare it with the certificate's addresses.
        let is_like_address =
            text.contains(':') || text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if let Some((_, rest)) = text.split_once("://") {
            let host = rest.split(['/', ':']).next().unwrap_or(rest);
            return Err(LeafError::mending(format!("it has a scheme: write {host}")));
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        if is_like_address || DomainName::parse(name).is_err() {
            return Err(LeafError::mending(format!(
                "write a name or an address without a port, for example {} or 203.0.113.7",
                Self::EXAMPLE
            )));
        }
        Ok(Self(text.into()))
    }
}

leaf_traits!(CertName);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::given::tests::{reads_back, refused_or_reads_back};

    #[test]
    fn names_and_addresses_that_a_certificate_can_have() {
        for text in ["api.example.com", "api", "*.example.com", "203.0.113.7", "2001:db8::7"] {
            reads_back(&CertName::parse(text).unwrap());
        }
        let form = "write a name or an address without a port, for example api.example.com or 203.0.113.7";
        for text in
            ["", "*", "a.*.com", "api.example.com:6443", "203.0.113.7:6443", "203.0.113", "a b", "0.0.0.0"]
        {
            assert_eq!(CertName::parse(text).unwrap_err().why(), form, "{text:?}");
        }
        let error = CertName::parse("https://api.example.com:6443/").unwrap_err();
        assert_eq!(error.why(), "it has a scheme: write api.example.com");
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*") {
            refused_or_reads_back::<CertName>(&text);
        }
    }
}
