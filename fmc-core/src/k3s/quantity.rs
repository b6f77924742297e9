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

    /// The amount in thousandths, rounded down; the greatest number if it is more.
    pub(crate) fn thousandths(&self) -> u64 {
        let end = self.0.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.0.len());
        let (number, unit) = self.0.split_at_checked(end).unwrap_or_default();
        let factor: u128 = match unit {
            "m" => 1,
            "k" => 1_000_000,
            "M" => 1_000_000_000,
            "G" => 1_000_000_000_000,
            "T" => 1_000_000_000_000_000,
            "Ki" => 1000 << 10,
            "Mi" => 1000 << 20,
            "Gi" => 1000 << 30,
            "Ti" => 1000 << 40,
            _ => 1000,
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let parse = |digits: &str| digits.parse().unwrap_or(u128::MAX);
        // More digits than nine change nothing that a kubelet keeps.
        let part = part.get(..part.len().min(9)).unwrap_or_default();
        let scale = 10_u128.pow(u32::try_from(part.len()).unwrap_or_default());
        let small = if part.is_empty() { 0 } else { parse(part) };
        let all = parse(whole).saturating_mul(factor).saturating_add(small.saturating_mul(factor) / scale);
        u64::try_from(all).unwrap_or(u64::MAX)
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
    fn thousandths_of_amounts() {
        let cases =
            [("2", 2000), ("500m", 500), ("0.5", 500), ("1Ki", 1_024_000), ("1.5Gi", 1536 * 1_048_576_000)];
        for (text, thousandths) in cases {
            assert_eq!(Quantity::parse(text).unwrap().thousandths(), thousandths, "{text}");
        }
        let great = Quantity::parse(&"9".repeat(60)).unwrap();
        assert_eq!(great.thousandths(), u64::MAX);
    }

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
