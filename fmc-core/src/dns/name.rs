//! Names in DNS: absolute ones, and names of records as a zone's author writes them.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::given::{Leaf, LeafError, leaf_traits};
use crate::name::{DomainName, Fqdn};

/// The most bytes of a name in a message, with the length of each label and the root (RFC 1035 §2.3.4).
const MOST: usize = 255;

/// The most bytes of a label (RFC 1035 §2.3.4).
const MOST_IN_LABEL: usize = 63;

/// An absolute name, in lower case, with its final dot: `www.lab.example.`; the root is `.`.
///
/// Its labels have letters, digits and hyphens. An underscore begins a label that is not of a host, as in
/// `_ldap._tcp.lab.example.`, and `*` stands alone as the first label.
///
/// Names sort in the canonical order of RFC 4034 §6.1: a zone's apex comes before the names below it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsName(Arc<str>);

impl DnsName {
    /// Reads an absolute name; the final dot may be left out.
    ///
    /// # Errors
    ///
    /// Explains which label is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self, LeafError> {
        if text == "." {
            return Ok(Self(Arc::from(".")));
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        labels(text)?;
        // Each dot stands for the length of a label; the first length and the root are two bytes more.
        if text.len() + 2 > MOST {
            let most = MOST - 2;
            return Err(LeafError::new(format!("it has {} characters, and {most} is the most", text.len())));
        }
        Ok(Self(Arc::from(format!("{text}."))))
    }

    /// The name with its final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its final dot, as in the name of a file; empty for the root.
    pub fn bare(&self) -> &str {
        self.0.strip_suffix('.').unwrap_or(&self.0)
    }

    /// Its labels, the first one first; none for the root.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.bare().split('.').filter(|label| !label.is_empty())
    }

    /// Whether it is another name or stands below it.
    pub fn is_within(&self, other: &Self) -> bool {
        match self.0.strip_suffix(&*other.0) {
            Some(rest) => rest.is_empty() || rest.ends_with('.') || other.0.len() == 1,
            None => false,
        }
    }

    /// The name relative to a zone that it is in: `www`, or `@` for the zone itself. Outside of it, the whole name.
    pub fn relative_to(&self, zone: &Self) -> &str {
        if self == zone {
            return "@";
        }
        let inside = self.is_within(zone).then(|| self.0.strip_suffix(&*zone.0)).flatten();
        inside.map_or(&*self.0, |rest| rest.strip_suffix('.').unwrap_or(rest))
    }

    /// The name of this label below it.
    ///
    /// # Errors
    ///
    /// The label is wrong, or the whole is too long.
    pub fn below(&self, labels: &str) -> Result<Self, LeafError> {
        if self.0.len() == 1 { Self::parse(labels) } else { Self::parse(&format!("{labels}.{self}")) }
    }

    /// Whether a host may be called so (RFC 1123 §2.1): no label begins with an underscore. A wildcard may have addresses.
    pub fn is_of_host(&self) -> bool {
        !self.labels().any(|label| label.starts_with('_'))
    }

    /// Whether it stands for every name below another one: its first label is `*`.
    pub fn is_wildcard(&self) -> bool {
        self.labels().next() == Some("*")
    }

    /// The name as bytes of a message, uncompressed (RFC 1035 §3.1).
    pub fn wire(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() + 1);
        for label in self.labels() {
            bytes.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.push(0);
        bytes
    }
}

impl From<&DomainName> for DnsName {
    fn from(name: &DomainName) -> Self {
        Self(Arc::from(format!("{name}.")))
    }
}

impl From<&Fqdn> for DnsName {
    fn from(name: &Fqdn) -> Self {
        Self(Arc::from(format!("{name}.")))
    }
}

impl Ord for DnsName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.labels().rev().cmp(other.labels().rev())
    }
}

impl PartialOrd for DnsName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A name as the author of a zone writes it: relative to the zone (`www`, `_ldap._tcp`, `*`), `@` for the zone itself, or
/// absolute with a final dot (`www.example.org.`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(Arc<str>);

impl RecordName {
    /// The absolute name in a zone.
    ///
    /// # Errors
    ///
    /// The whole is longer than a name may be.
    pub fn absolute(&self, zone: &DnsName) -> Result<DnsName, LeafError> {
        match &*self.0 {
            "@" => Ok(zone.clone()),
            text if text.ends_with('.') => DnsName::parse(text),
            text => zone.below(text),
        }
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it ends in a dot, so that it stands by itself.
    pub fn is_absolute(&self) -> bool {
        self.0.ends_with('.')
    }
}

impl Leaf for RecordName {
    const WHAT: &'static str = "name in a zone";
    const EXAMPLE: &'static str = "www";

    fn parse(text: &str) -> Result<Self, LeafError> {
        if text != "@" {
            DnsName::parse(text)?;
        }
        Ok(Self(Arc::from(text)))
    }
}

leaf_traits!(RecordName);

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Checks the labels of a name without its final dot.
fn labels(text: &str) -> Result<(), LeafError> {
    if text.is_empty() {
        return Err(LeafError::new("it is empty"));
    }
    if !text.is_ascii() {
        return Err(LeafError::mending(
            "DNS takes names in ASCII alone: write the form that begins with xn--, which `idn2` prints",
        ));
    }
    text.split('.').enumerate().try_for_each(|(place, label)| self::label(label, place == 0))
}

fn label(label: &str, is_first: bool) -> Result<(), LeafError> {
    if label == "*" {
        return if is_first {
            Ok(())
        } else {
            Err(LeafError::new("'*' stands alone as the first label: *.lab"))
        };
    }
    if label.is_empty() {
        return Err(LeafError::new("two dots follow each other, or one comes first"));
    }
    if label.len() > MOST_IN_LABEL {
        let length = label.len();
        return Err(LeafError::new(format!(
            "a label has {length} characters, and {MOST_IN_LABEL} is the most"
        )));
    }
    let bare = label.strip_prefix('_').unwrap_or(label);
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_right =
        !bare.is_empty() && bare.bytes().all(is_inner) && !bare.starts_with('-') && !bare.ends_with('-');
    if is_right {
        return Ok(());
    }
    if label.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(LeafError::mending(format!("write names in lower case: {}", label.to_ascii_lowercase())));
    }
    if bare.contains('_') {
        let near = label.replacen('_', "-", label.len());
        let near = near.trim_matches('-');
        return Err(LeafError::mending(format!(
            "an underscore may only begin a label, as in _ldap._tcp: try {near}"
        )));
    }
    Err(LeafError::new(format!(
        "the label {label:?} is not of letters, digits and '-', beginning and ending with a letter or digit"
    )))
}
