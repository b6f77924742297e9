//! Names of registries.

use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};
use crate::path::HttpUrl;

/// A registry by its host, maybe with a port, as in the names of images; or `*`, every one that is not listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryName(Box<str>);

impl RegistryName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_host(text: &str) -> bool {
        HttpUrl::parse(&format!("https://{text}")).is_ok_and(|url| url.authority() == text)
    }

    /// Whether it is every registry that is not listed.
    pub fn is_wildcard(&self) -> bool {
        &*self.0 == "*"
    }
}

impl fmt::Display for RegistryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Leaf for RegistryName {
    const WHAT: &'static str = "registry";
    const EXAMPLE: &'static str = "registry.example:5000";

    fn parse(text: &str) -> Result<Self, LeafError> {
        if text == "*" {
            return Ok(Self(text.into()));
        }
        let (why, hint) = match text.split_once("://") {
            Some((_, rest)) => {
                let host = rest.split('/').next().unwrap_or_default();
                ("it is a web address, and images name their registry without a scheme", host)
            }
            None => match HttpUrl::parse(&format!("https://{text}")) {
                Ok(url) if url.authority() == text => return Ok(Self(text.into())),
                Ok(_) => {
                    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
                    ("a registry is a host, maybe with a port, and has no path", host)
                }
                Err(_) => ("it is a host, maybe with a port, or * for every registry that is not listed", ""),
            },
        };
        let example = if Self::is_host(hint) { hint } else { Self::EXAMPLE };
        let why = format!("{why}: write, for example, {example}");
        // The text before an '@' may be a password.
        let error = LeafError::mending(why);
        Err(if text.contains('@') { error.hiding("(a registry with credentials)") } else { error })
    }
}

leaf_traits!(RegistryName);
