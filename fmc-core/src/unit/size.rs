use std::fmt;
use std::ops::{Add, Mul, Sub};

use crate::given::{Leaf, LeafError, LeafGroup, leaf_traits};

const UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A size of memory or storage: from 1 byte to 2^63 − 1, the greatest that a file can have.
///
/// Its text is a whole number and a binary unit: `2 GiB`, `1536 MiB`. Decimal units and bare numbers are
/// refused, since `GB`, `G` and a missing unit mean 1000 to some programs and 1024 to others.
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
    /// Zero, the start of a sum. The check refuses it as a leaf.
    pub const ZERO: Self = Self(0);

    /// A number of bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// A number of KiB (1024 bytes).
    pub const fn kib(count: u32) -> Self {
        Self((count as u64) << 10)
    }

    /// A number of MiB (1024 KiB).
    pub const fn mib(count: u32) -> Self {
        Self((count as u64) << 20)
    }

    /// A number of GiB (1024 MiB).
    pub const fn gib(count: u32) -> Self {
        Self((count as u64) << 30)
    }

    /// A number of TiB (1024 GiB); from 2^24 on the size is too great for a leaf, and the check refuses it.
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

    /// The sum, or `None` if it is too great.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The sum, or the greatest size if the sum is too great.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or zero if `other` is greater.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// The sum. If it is too great, the check refuses the result as a leaf.
impl Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

/// The difference; zero if `other` is greater, which the check refuses as a leaf.
impl Sub for Size {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

/// A multiple of the size. If it is too great, the check refuses the result as a leaf.
impl Mul<u64> for Size {
    type Output = Self;

    fn mul(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

impl std::iter::Sum for Size {
    /// The sum, or the greatest size if the sum is too great.
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
    const GROUP: LeafGroup = LeafGroup::Size;

    fn to_rust(&self) -> Option<String> {
        let text = self.to_string();
        let (count, unit) = text.split_once(' ')?;
        let method = match unit {
            "KiB" => "kib",
            "MiB" => "mib",
            "GiB" => "gib",
            "TiB" => "tib",
            _ => return None,
        };
        // A longer count would not be a valid integer literal in Rust.
        (count.len() < 10).then(|| format!("{count}.{method}()"))
    }

    fn parse(text: &str) -> Result<Self, LeafError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let count: u64 = match number {
            "" => {
                return Err(LeafError::mending(
                    "it is not a whole number with a unit: write, for example, 2 GiB",
                ));
            }
            _ => number.parse().map_err(|_| too_great())?,
        };
        if let Some(whole) = whole(count, unit) {
            return Err(LeafError::mending(format!("a size is a whole number: write {whole}")));
        }
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let bytes = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| *bytes);
        let bytes = bytes.ok_or_else(|| LeafError::mending(unclear_unit(count, unit)))?;
        let size = Self(count.checked_mul(bytes).ok_or_else(too_great)?);
        size.check()?;
        Ok(size)
    }

    fn check(&self) -> Result<(), LeafError> {
        match self.0 {
            0 => Err(LeafError::mending("it is zero: write at least 1 B, usually some MiB or GiB")),
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

/// Sizes from numbers: `2.gib()`. The check refuses the result for a number that is too great or negative.
///
/// `u64` and `u32` are for computed numbers; `i32` is the type of a literal without a suffix.
///
/// ```
/// use fmc_core::unit::{Size, SizeExt};
///
/// let nodes: u64 = 3;
/// assert_eq!(nodes.gib() + 512.mib(), Size::mib(3584));
/// assert_eq!(2.gib() * nodes - 1.gib(), Size::gib(5));
/// ```
pub trait SizeExt: Sized {
    /// A number of a unit.
    fn times(self, unit: Size) -> Size;

    /// A number of KiB (1024 bytes).
    fn kib(self) -> Size {
        self.times(Size::kib(1))
    }

    /// A number of MiB (1024 KiB).
    fn mib(self) -> Size {
        self.times(Size::mib(1))
    }

    /// A number of GiB (1024 MiB).
    fn gib(self) -> Size {
        self.times(Size::gib(1))
    }

    /// A number of TiB (1024 GiB).
    fn tib(self) -> Size {
        self.times(Size::tib(1))
    }
}

impl SizeExt for u32 {
    fn times(self, unit: Size) -> Size {
        unit * u64::from(self)
    }
}

impl SizeExt for u64 {
    fn times(self, unit: Size) -> Size {
        unit * self
    }
}

impl SizeExt for i32 {
    fn times(self, unit: Size) -> Size {
        // A negative number is as invalid as zero, and has no size of its own.
        u64::try_from(self).map_or(Size::ZERO, |count| unit * count)
    }
}

fn too_great() -> LeafError {
    LeafError::new("it is too large: the maximum is 8388607 TiB")
}

/// A size with a fraction, in the greatest unit in which it is whole: 512 MiB for the rest `.5 GiB` after 0.
fn whole(count: u64, rest: &str) -> Option<Size> {
    let rest = rest.strip_prefix('.')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, unit) = rest.split_at_checked(digits)?;
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let (parts, of) = (fraction.parse::<u64>().ok()?, 10_u64.checked_pow(u32::try_from(digits).ok()?)?);
    let part = bytes.checked_mul(parts)? / of;
    let size = Size(count.checked_mul(*bytes)?.checked_add(part)?);
    size.check().ok().map(|()| size)
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
    // Kubernetes writes binary units without their last letter.
    if unit.len() == 2 && right.starts_with(unit) {
        return format!("the unit is written {right} here: write {count} {right}");
    }
    if unit.eq_ignore_ascii_case(right) {
        return format!("the unit is written {right}: write {count} {right}");
    }
    let meant = count.checked_mul(decimal).map(|bytes| format!(" (or {bytes} B if decimal was meant)"));
    format!(
        "{unit} means 1000 to some programs and 1024 to others: write {count} {right}{}",
        meant.unwrap_or_default()
    )
}
