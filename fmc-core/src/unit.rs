//! Quantities: sizes, CPU counts, MTUs, file modes and durations.

#[cfg(test)]
mod tests;

use std::fmt;
use std::num::NonZeroU16;

use crate::given::{Given, Leaf, LeafError, leaf_traits};

const UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A size of memory or storage: from 1 byte to 2^63 − 1, the greatest that a file can have.
///
/// Its text is a whole number and a binary unit: `2 GiB`, `1536 MiB`. Decimal units and bare numbers are refused, since
/// `GB`, `G` and no unit at all each mean 1000 to some programs and 1024 to others.
///
/// ```
/// use fmc_core::unit::{Size, SizeExt};
///
/// assert_eq!(2.gib().as_bytes(), 2_147_483_648);
/// assert_eq!("1536 MiB".parse(), Ok(Size::mib(1536)));
/// let error = "51200 MB".parse::<Size>().unwrap_err();
/// assert!(error.why().ends_with("write 51200 MiB (or 51200000000 B if decimal was meant)"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

impl Size {
    /// Nothing: where a sum starts. As a leaf it is refused.
    pub const ZERO: Self = Self(0);

    /// So many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many KiB (1024 bytes).
    pub const fn kib(count: u32) -> Self {
        Self((count as u64) << 10)
    }

    /// So many MiB (1024 KiB).
    pub const fn mib(count: u32) -> Self {
        Self((count as u64) << 20)
    }

    /// So many GiB (1024 MiB).
    pub const fn gib(count: u32) -> Self {
        Self((count as u64) << 30)
    }

    /// So many TiB (1024 GiB); from 2^24 on a size that no leaf can have, and that is refused as one.
    pub const fn tib(count: u32) -> Self {
        Self((count as u64).saturating_mul(1 << 40))
    }

    /// The size in bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// The size in KiB, rounded down.
    pub const fn as_kib(self) -> u64 {
        self.0 >> 10
    }

    /// The size in MiB, rounded down.
    pub const fn as_mib_floor(self) -> u64 {
        self.0 >> 20
    }

    /// The sum, unless it is too great to be written.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The sum, or the greatest size where the sum is too great.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or zero where `other` is the greater.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for Size {
    /// The sum, or the greatest size where the sum is too great.
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::ZERO, Self::saturating_add)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS.into_iter().find(|(_, bytes)| self.0 != 0 && self.0.is_multiple_of(*bytes));
        let (unit, bytes) = exact.unwrap_or(("B", 1));
        f.pad(&format!("{} {unit}", self.0 / bytes))
    }
}

impl Leaf for Size {
    const WHAT: &'static str = "size";
    const EXAMPLE: &'static str = "2 GiB";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let count: u64 = match number {
            "" => {
                return Err(LeafError::new(
                    "it is not a whole number with a unit: write, for example, 2 GiB",
                ));
            }
            _ => number.parse().map_err(|_| too_great())?,
        };
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let bytes = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| *bytes);
        let bytes = bytes.ok_or_else(|| LeafError::new(unclear_unit(count, unit)))?;
        let size = Self(count.checked_mul(bytes).ok_or_else(too_great)?);
        size.check()?;
        Ok(size)
    }

    fn check(&self) -> Result<(), LeafError> {
        match self.0 {
            0 => Err(LeafError::new("it is nothing: write at least 1 B, usually some MiB or GiB")),
            1..=0x7fff_ffff_ffff_ffff => Ok(()),
            _ => Err(too_great()),
        }
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some("^[0-9]+ ?([KMGT]i)?B$"), None)
    }
}

leaf_traits!(Size);

/// Sizes from numbers: `2.gib()`. Implemented for `u32` alone, so that a literal needs no suffix.
pub trait SizeExt {
    /// So many KiB (1024 bytes).
    fn kib(self) -> Size;
    /// So many MiB (1024 KiB).
    fn mib(self) -> Size;
    /// So many GiB (1024 MiB).
    fn gib(self) -> Size;
    /// So many TiB (1024 GiB).
    fn tib(self) -> Size;
}

impl SizeExt for u32 {
    fn kib(self) -> Size {
        Size::kib(self)
    }

    fn mib(self) -> Size {
        Size::mib(self)
    }

    fn gib(self) -> Size {
        Size::gib(self)
    }

    fn tib(self) -> Size {
        Size::tib(self)
    }
}

/// A number of virtual CPUs: 1 to 4096, the most that KVM gives a guest (`KVM_MAX_VCPUS` on x86-64).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpus(NonZeroU16);

impl Cpus {
    /// One CPU.
    pub const ONE: Self = Self(NonZeroU16::MIN);
    /// The greatest number.
    pub const MAX: Self = Self(NonZeroU16::MIN.saturating_add(4095));

    /// So many CPUs, when it is 1 to 4096.
    pub const fn new(count: u32) -> Option<Self> {
        if count > Self::MAX.get() as u32 {
            return None;
        }
        match NonZeroU16::new(count as u16) {
            Some(count) => Some(Self(count)),
            None => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Leaf for Cpus {
    const WHAT: &'static str = "number of CPUs";
    const EXAMPLE: &'static str = "2";

    fn parse(text: &str) -> Result<Self, LeafError> {
        number(text).and_then(Self::new).ok_or_else(|| LeafError::new("it is a whole number from 1 to 4096"))
    }

    fn is_number() -> bool {
        true
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::number_schema::<Self>(1, 4096)
    }
}

leaf_traits!(Cpus);

impl From<u32> for Given<Cpus> {
    fn from(count: u32) -> Self {
        Self::text(&count.to_string())
    }
}

/// The MTU of a network, in bytes: 68 (RFC 791, the least IPv4 takes) to 65535. IPv6 needs 1280 at least (RFC 8200 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mtu(u16);

impl Mtu {
    /// The MTU of Ethernet, 1500.
    pub const ETHERNET: Self = Self(1500);
    /// The least MTU over which IPv6 runs, 1280.
    pub const IPV6_MIN: Self = Self(1280);

    /// So many bytes, when it is 68 to 65535.
    pub const fn new(bytes: u32) -> Option<Self> {
        if bytes < 68 || bytes > 65535 { None } else { Some(Self(bytes as u16)) }
    }

    /// The number of bytes.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Mtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Leaf for Mtu {
    const WHAT: &'static str = "MTU";
    const EXAMPLE: &'static str = "1500";

    fn parse(text: &str) -> Result<Self, LeafError> {
        number(text).and_then(Self::new).ok_or_else(|| {
            LeafError::new(
                "it is a whole number of bytes from 68 to 65535, and at least 1280 where IPv6 runs",
            )
        })
    }

    fn is_number() -> bool {
        true
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::number_schema::<Self>(68, 65535)
    }
}

leaf_traits!(Mtu);

impl From<u32> for Given<Mtu> {
    fn from(bytes: u32) -> Self {
        Self::text(&bytes.to_string())
    }
}

/// The permissions of a file with its setuid, setgid and sticky bits, `0000` to `7777` in octal.
///
/// Its text has four octal digits. Fewer are refused, because a file's `0644` without quotes is a number that some
/// readers take for octal and others for decimal, and either would be another mode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(u16);

impl Mode {
    /// A mode from its bits: `Mode::new(0o644)`.
    ///
    /// # Panics
    ///
    /// When a bit above `0o7777` is set; in a constant that is a compile error.
    pub const fn new(bits: u16) -> Self {
        assert!(bits <= 0o7777, "a file mode is at most 0o7777");
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04o}", self.0))
    }
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mode({:#06o})", self.0)
    }
}

impl Leaf for Mode {
    const WHAT: &'static str = "file mode";
    const EXAMPLE: &'static str = "0644";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let octal = text.len() == 4 && text.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        let bits = octal.then(|| u16::from_str_radix(text, 8).ok()).flatten();
        bits.map(Self).ok_or_else(|| {
            LeafError::new("it is four octal digits in quotes, 0000 to 7777: write, for example, \"0644\"")
        })
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some("^[0-7]{4}$"), None)
    }
}

leaf_traits!(Mode);

impl From<u16> for Given<Mode> {
    fn from(bits: u16) -> Self {
        Self::text(&format!("{bits:04o}"))
    }
}

/// A duration in whole seconds: `60s`. Minutes are read too: `5min`, `5m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u32);

impl Seconds {
    /// So many seconds.
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The same as a standard duration.
    pub const fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0 as u64)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}s", self.0))
    }
}

impl Leaf for Seconds {
    const WHAT: &'static str = "duration";
    const EXAMPLE: &'static str = "60s";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let factor = match unit {
            "s" => Some(1),
            "m" | "min" => Some(60),
            _ => None,
        };
        let seconds = number(count).zip(factor).and_then(|(count, factor)| count.checked_mul(factor));
        seconds.map(Self).ok_or_else(|| {
            LeafError::new(format!(
                "it is a whole number of seconds or minutes, 60s or 5min, at most {}s",
                u32::MAX
            ))
        })
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some("^[0-9]+(s|m|min)$"), None)
    }
}

leaf_traits!(Seconds);

/// A number in plain decimal digits: `str::parse` would take a plus sign too.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn too_great() -> LeafError {
    LeafError::new("it is too great: 8388607 TiB is the most")
}

fn unclear_unit(count: u64, unit: &str) -> String {
    let first = unit.chars().next().map(|letter| letter.to_ascii_uppercase());
    let (right, decimal) = match (first, unit.len()) {
        (None, _) => return format!("it has no unit: write, for example, {count} MiB or {count} GiB"),
        (Some('B'), 1) => return format!("the unit is written B: write {count} B"),
        (Some('K'), ..=3) => ("KiB", 1_000_u64),
        (Some('M'), ..=3) => ("MiB", 1_000_000),
        (Some('G'), ..=3) => ("GiB", 1_000_000_000),
        (Some('T'), ..=3) => ("TiB", 1_000_000_000_000),
        _ => {
            return format!(
                "it has no whole number before one of the units B, KiB, MiB, GiB and TiB: write, for example, {count} GiB"
            );
        }
    };
    if unit.eq_ignore_ascii_case(right) {
        return format!("the unit is written {right}: write {count} {right}");
    }
    let meant = count.checked_mul(decimal).map(|bytes| format!(" (or {bytes} B if decimal was meant)"));
    format!("{unit} is 1000 to some and 1024 to others: write {count} {right}{}", meant.unwrap_or_default())
}
