//! Quantities: sizes, CPU counts, MTUs, file modes and durations.

mod size;
#[cfg(test)]
mod tests;

use std::fmt;
use std::num::NonZeroU16;

use crate::given::{Given, Leaf, LeafError, leaf_traits};

pub use size::{Size, SizeExt};

/// A number of virtual CPUs: 1 to 4096, the most that KVM gives a guest (`KVM_MAX_VCPUS` on x86-64).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpus(NonZeroU16);

impl Cpus {
    /// One CPU.
    pub const ONE: Self = Self(NonZeroU16::MIN);
    /// The greatest number.
    pub const MAX: Self = Self(NonZeroU16::MIN.saturating_add(4095));

    /// A number of CPUs, if it is 1 to 4096.
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

/// The MTU of a network, in bytes: 68 (RFC 791, the minimum of IPv4) to 65535. IPv6 needs at least 1280 (RFC
/// 8200 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mtu(u16);

impl Mtu {
    /// The MTU of Ethernet, 1500.
    pub const ETHERNET: Self = Self(1500);
    /// The smallest MTU for IPv6, 1280.
    pub const IPV6_MIN: Self = Self(1280);

    /// A number of bytes, if it is 68 to 65535.
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

/// The tag of a VLAN, 1 to 4094: IEEE 802.1Q reserves 0 for frames of no VLAN and 4095 for implementations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

impl VlanId {
    /// A tag, if it is 1 to 4094.
    pub const fn new(id: u32) -> Option<Self> {
        if id < 1 || id > 4094 { None } else { Some(Self(id as u16)) }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Leaf for VlanId {
    const WHAT: &'static str = "VLAN";
    const EXAMPLE: &'static str = "30";

    fn parse(text: &str) -> Result<Self, LeafError> {
        number(text)
            .and_then(Self::new)
            .ok_or_else(|| LeafError::new("it is a whole number from 1 to 4094 (IEEE 802.1Q)"))
    }

    fn is_number() -> bool {
        true
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::number_schema::<Self>(1, 4094)
    }
}

leaf_traits!(VlanId);

impl From<u32> for Given<VlanId> {
    fn from(id: u32) -> Self {
        Self::text(&id.to_string())
    }
}

/// The permissions of a file with its setuid, setgid and sticky bits, `0000` to `7777` in octal.
///
/// Its text has four octal digits. Fewer are refused: some readers take an unquoted `0644` in a file as octal
/// and others as decimal, which is another mode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileMode(u16);

impl FileMode {
    /// A mode from its bits: `FileMode::new(0o644)`.
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

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04o}", self.0))
    }
}

impl fmt::Debug for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileMode({:#06o})", self.0)
    }
}

impl Leaf for FileMode {
    const WHAT: &'static str = "file mode";
    const EXAMPLE: &'static str = "0644";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let octal = text.len() == 4 && text.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        let bits = octal.then(|| u16::from_str_radix(text, 8).ok()).flatten();
        bits.map(Self).ok_or_else(|| {
            LeafError::mending(
                "it is four octal digits in quotes, 0000 to 7777: write, for example, \"0644\"",
            )
        })
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some("^[0-7]{4}$"), None)
    }
}

leaf_traits!(FileMode);

impl From<u16> for Given<FileMode> {
    fn from(bits: u16) -> Self {
        Self::text(&format!("{bits:04o}"))
    }
}

/// A duration in whole seconds: `60s`. It also reads minutes: `5min`, `5m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u32);

impl Seconds {
    /// A number of seconds.
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The duration as a standard type.
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

/// Durations as a person writes them.
///
/// ```
/// use fmc_core::unit::{Seconds, SecondsExt as _};
///
/// assert_eq!(5.minutes(), Seconds::new(300));
/// assert_eq!(90.seconds().to_string(), "90s");
/// ```
pub trait SecondsExt {
    /// A number of seconds.
    fn seconds(self) -> Seconds;
    /// A number of minutes, limited to the greatest number of seconds.
    fn minutes(self) -> Seconds;
}

impl SecondsExt for u32 {
    fn seconds(self) -> Seconds {
        Seconds::new(self)
    }

    fn minutes(self) -> Seconds {
        Seconds::new(self.saturating_mul(60))
    }
}

/// A number in plain decimal digits: `str::parse` would accept a plus sign too.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
