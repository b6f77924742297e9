//! A source of time outside of the cloud, and the distance of a clock from a reference clock.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU8;

use crate::addr::Ip;
use crate::given::{Given, Leaf, LeafError, leaf_traits};
use crate::name::Fqdn;

/// A server of time, by its address or by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeSource {
    /// By its address.
    Address(IpAddr),
    /// By its name, which its machine looks up again when the server no longer answers.
    Name(Fqdn),
}

impl fmt::Display for TimeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Leaf for TimeSource {
    const WHAT: &'static str = "time server";
    const EXAMPLE: &'static str = "ntp.example.org";

    fn parse(text: &str) -> Result<Self, LeafError> {
        match text.parse::<IpAddr>() {
            // The addresses of clocks in the older ntpd, as 127.127.1.0, are loopback addresses too.
            Ok(address) if address.is_loopback() => Err(LeafError::mending(
                "a machine is not a source of its own time: for a cloud without other sources set `local_stratum: 10`",
            )),
            Ok(_) => Ip::parse(text).map(|ip| Self::Address(ip.get())),
            Err(_) => Fqdn::parse(text).map(Self::Name),
        }
    }
}

leaf_traits!(TimeSource);

/// The distance of a clock from a reference clock: 1 to 15. A clock at 16 is not synchronised (RFC 5905 §7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stratum(NonZeroU8);

impl Stratum {
    /// The number.
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for Stratum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for Stratum {
    const WHAT: &'static str = "stratum";
    const EXAMPLE: &'static str = "10";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        let number: Option<NonZeroU8> = digits.then(|| text.parse().ok()).flatten();
        let stratum = number.filter(|number| number.get() <= 15).map(Self);
        stratum.ok_or_else(|| LeafError::new("it must be a whole number from 1 to 15"))
    }

    fn is_number() -> bool {
        true
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::number_schema::<Self>(1, 15)
    }
}

leaf_traits!(Stratum);

impl From<u32> for Given<Stratum> {
    fn from(number: u32) -> Self {
        Self::text(&number.to_string())
    }
}
