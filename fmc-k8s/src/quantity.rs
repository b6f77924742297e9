//! Quantities of the API: shares of a CPU, and bytes.

use std::fmt;

use fmc_core::given::{Leaf, LeafError};
use fmc_core::unit::Size;

/// A share of CPUs, in thousandths of one: from 1m to 4096.
///
/// ```
/// use fmc_k8s::quantity::{Cpu, CpuExt as _};
///
/// assert_eq!(250.millicores().to_string(), "250m");
/// assert_eq!(Cpu::cores(2).to_string(), "2");
/// assert_eq!("0.5".parse(), Ok(500.millicores()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpu(u32);

/// Shares of CPUs from numbers.
pub trait CpuExt {
    /// So many thousandths of a CPU.
    fn millicores(self) -> Cpu;
}

impl CpuExt for u32 {
    fn millicores(self) -> Cpu {
        Cpu(self)
    }
}

impl Cpu {
    const MOST: u32 = 4_096_000;

    /// Whole CPUs.
    pub const fn cores(count: u32) -> Self {
        Self(count.saturating_mul(1000))
    }

    /// In thousandths of a CPU.
    pub const fn as_millicores(self) -> u32 {
        self.0
    }
}

/// The canonical form, as the server writes it: `250m`, `2`.
impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) { write!(f, "{}", self.0 / 1000) } else { write!(f, "{}m", self.0) }
    }
}

impl Leaf for Cpu {
    const WHAT: &'static str = "share of CPUs";
    const EXAMPLE: &'static str = "250m";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let wrong = || LeafError::new("it is a number of CPUs (2, 0.5) or of thousandths (250m)");
        let thousandths = match text.strip_suffix('m') {
            Some(digits) => digits.parse().map_err(|_| wrong())?,
            None => {
                let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
                if part.is_empty() || part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(wrong());
                }
                let part: u32 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
                let whole: u32 = whole.parse().map_err(|_| wrong())?;
                whole.checked_mul(1000).and_then(|whole| whole.checked_add(part)).ok_or_else(wrong)?
            }
        };
        let cpu = Self(thousandths);
        cpu.check().map(|()| cpu)
    }

    fn check(&self) -> Result<(), LeafError> {
        if (1..=Self::MOST).contains(&self.0) {
            return Ok(());
        }
        Err(LeafError::new("it is from 1m to 4096"))
    }
}

impl std::str::FromStr for Cpu {
    type Err = LeafError;

    fn from_str(text: &str) -> Result<Self, LeafError> {
        Self::parse(text)
    }
}

/// A part of what a container is sure of, in hundredths: from 1% to 1000%.
///
/// ```
/// use fmc_k8s::quantity::Percent;
///
/// assert_eq!("80%".parse(), Ok(Percent::of(80)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

impl Percent {
    const MOST: u16 = 1000;

    /// So many hundredths.
    pub const fn of(hundredths: u16) -> Self {
        Self(hundredths)
    }

    /// In hundredths.
    pub const fn as_percent(self) -> u16 {
        self.0
    }
}

/// As it is written: `80%`.
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl Leaf for Percent {
    const WHAT: &'static str = "percentage";
    const EXAMPLE: &'static str = "80%";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let digits = text.strip_suffix('%').filter(|text| text.bytes().all(|one| one.is_ascii_digit()));
        let percent = digits.and_then(|digits| digits.parse().ok()).map(Self);
        let percent = percent.ok_or_else(|| LeafError::new("it is a number with a percent sign, as 80%"))?;
        percent.check().map(|()| percent)
    }

    fn check(&self) -> Result<(), LeafError> {
        if (1..=Self::MOST).contains(&self.0) {
            return Ok(());
        }
        Err(LeafError::new("it is from 1% to 1000%"))
    }
}

impl std::str::FromStr for Percent {
    type Err = LeafError;

    fn from_str(text: &str) -> Result<Self, LeafError> {
        Self::parse(text)
    }
}

/// A size in the canonical form of the API: `128Mi`, `2Gi`, `1500` bytes.
pub(crate) fn bytes(size: Size) -> String {
    const UNITS: [(&str, u32); 4] = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
    let bytes = size.as_bytes();
    let unit = UNITS.iter().find(|(_, bits)| bytes > 0 && bytes.is_multiple_of(1 << bits));
    unit.map_or_else(|| bytes.to_string(), |(unit, bits)| format!("{}{unit}", bytes >> bits))
}

/// A quantity as a number of thousandths, if the text is one (`api/resource` `Quantity`).
pub(crate) fn canonical(text: &str) -> Option<i128> {
    const SUFFIXES: [(&str, i128, i128); 13] = [
        ("Ki", 1 << 10, 1),
        ("Mi", 1 << 20, 1),
        ("Gi", 1 << 30, 1),
        ("Ti", 1 << 40, 1),
        ("Pi", 1 << 50, 1),
        ("Ei", 1 << 60, 1),
        ("m", 1, 1000),
        ("k", 1_000, 1),
        ("M", 1_000_000, 1),
        ("G", 1_000_000_000, 1),
        ("T", 1_000_000_000_000, 1),
        ("P", 1_000_000_000_000_000, 1),
        ("E", 1_000_000_000_000_000_000, 1),
    ];
    let found = SUFFIXES.iter().find_map(|(suffix, up, down)| Some((text.strip_suffix(suffix)?, *up, *down)));
    let (number, up, down) = found.unwrap_or((text, 1, 1));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if part.len() > 9 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i128.pow(u32::try_from(part.len()).ok()?);
    let value: i128 = format!("{whole}{part}").parse().ok()?;
    value.checked_mul(up)?.checked_mul(1000)?.checked_div(scale.checked_mul(down)?)
}

#[cfg(test)]
mod tests {
    use fmc_core::unit::SizeExt as _;

    use super::*;

    #[test]
    fn a_cpu_is_read_in_each_form_and_written_in_one() {
        for (text, written) in
            [("250m", "250m"), ("0.25", "250m"), ("1", "1"), ("1000m", "1"), ("1.5", "1500m")]
        {
            assert_eq!(text.parse::<Cpu>().unwrap().to_string(), written);
        }
        for wrong in ["", "0", "m", "1.", "1.2345", "-1", "4097", "1k"] {
            assert!(wrong.parse::<Cpu>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_canonical() {
        assert_eq!(
            (bytes(128.mib()), bytes(2048.mib()), bytes(Size::bytes(1500))),
            ("128Mi".into(), "2Gi".into(), "1500".into())
        );
    }

    #[test]
    fn quantities_mean_numbers() {
        assert_eq!(canonical("1"), canonical("1000m"));
        assert_eq!(canonical("1Gi"), canonical("1024Mi"));
        assert_eq!(canonical("1.5"), canonical("1500m"));
        assert_ne!(canonical("1M"), canonical("1Mi"));
        assert_eq!(canonical("web"), None);
    }
}
