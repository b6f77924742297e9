//! Amounts of Kubernetes: quantities, percentages, thresholds of eviction, versions of TLS.

use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};

pub use super::number::Percent;

/// An amount as Kubernetes writes it: `500m`, `2`, `200Mi`, `10G` (Kubernetes, *Resource Management for Pods and
/// Containers*).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(Box<str>);

impl Quantity {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Leaf for Quantity {
    const WHAT: &'static str = "quantity";
    const EXAMPLE: &'static str = "200Mi";

    fn parse(text: &str) -> Result<Self, LeafError> {
        if is_quantity(text) {
            return Ok(Self(text.into()));
        }
        let near = text.replace(' ', "").replace("iB", "i").trim_end_matches('B').to_owned();
        let hint = if is_quantity(&near) { near } else { Self::EXAMPLE.to_owned() };
        Err(LeafError::mending(format!(
            "it is a number with a unit of Kubernetes' (m, k, M, G, T, Ki, Mi, Gi, Ti) or none: try {hint}"
        )))
    }
}

leaf_traits!(Quantity);

fn is_quantity(text: &str) -> bool {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let Some((number, unit)) = text.split_at_checked(end) else { return false };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(part)
        && matches!(unit, "" | "m" | "k" | "M" | "G" | "T" | "Ki" | "Mi" | "Gi" | "Ti")
}

/// The threshold below which a kubelet evicts pods: a quantity, or a share of the whole as `10%`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Threshold(Box<str>);

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Leaf for Threshold {
    const WHAT: &'static str = "threshold of eviction";
    const EXAMPLE: &'static str = "10%";

    fn parse(text: &str) -> Result<Self, LeafError> {
        match text.strip_suffix('%') {
            Some(share) => Percent::parse(share).map(drop),
            None => Quantity::parse(text).map(drop),
        }
        .map_err(|error| LeafError::mending(format!("{}; a share of the whole is 10%", error.why())))?;
        Ok(Self(text.into()))
    }
}

leaf_traits!(Threshold);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::tests::{reads_back, refused_or_reads_back};

    #[test]
    fn amounts() {
        for text in ["0", "2", "500m", "200Mi", "1.5Gi", "10G"] {
            reads_back(&Quantity::parse(text).unwrap());
            reads_back(&Threshold::parse(text).unwrap());
        }
        for text in ["0%", "10%", "100%"] {
            reads_back(&Threshold::parse(text).unwrap());
        }
        let cases = [
            ("200 MiB", "try 200Mi"),
            ("1GB", "try 1G"),
            ("-1", "try 200Mi"),
            ("", "try 200Mi"),
            (".5", "try 200Mi"),
        ];
        for (text, hint) in cases {
            assert!(Quantity::parse(text).unwrap_err().why().ends_with(hint), "{text:?}");
        }
        for text in ["101%", "%", "1.5%", "10 %", "é"] {
            assert!(Threshold::parse(text).is_err(), "{text:?}");
            refused_or_reads_back::<Quantity>(text);
        }
    }
}
