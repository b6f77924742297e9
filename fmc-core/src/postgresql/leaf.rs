//! The leaves of PostgreSQL's settings: its major version, and the time of a backup.

use std::fmt;

use crate::given::{Given, Leaf, LeafError, leaf_traits};

/// A major version of PostgreSQL, which is the whole number before the dot: `15` (postgresql.org, *Versioning Policy*). Minor versions
/// follow from the packages of the distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Major(u8);

impl Major {
    /// The first one that this room knows.
    const FIRST: u8 = 13;
    /// The last one.
    const LAST: u8 = 18;

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Major {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for Major {
    const WHAT: &'static str = "major version of PostgreSQL";
    const EXAMPLE: &'static str = "15";

    fn parse(text: &str) -> Result<Self, LeafError> {
        if text.contains('.') {
            return Err(LeafError::new(
                "it is a major version alone: minor versions follow from the packages",
            ));
        }
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        let number: Option<u8> = digits.then(|| text.parse().ok()).flatten();
        let known = number.filter(|number| (Self::FIRST..=Self::LAST).contains(number));
        known.map(Self).ok_or_else(|| {
            LeafError::new(format!("it is a whole number from {} to {}", Self::FIRST, Self::LAST))
        })
    }

    fn is_number() -> bool {
        true
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::number_schema::<Self>(Self::FIRST.into(), Self::LAST.into())
    }
}

leaf_traits!(Major);

impl From<u32> for Given<Major> {
    fn from(number: u32) -> Self {
        Self::text(&number.to_string())
    }
}

/// A time of the day, as `02:30`, in the machine's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    hour: u8,
    minute: u8,
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl Leaf for TimeOfDay {
    const WHAT: &'static str = "time of the day";
    const EXAMPLE: &'static str = "02:30";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let wrong = || LeafError::new("it has an hour from 00 to 23 and a minute from 00 to 59");
        let two = |text: &str| {
            let is_right = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
            is_right.then(|| text.parse::<u8>().ok()).flatten()
        };
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        match (two(hour), two(minute)) {
            (Some(hour @ 0..=23), Some(minute @ 0..=59)) => Ok(Self { hour, minute }),
            _ => Err(wrong()),
        }
    }
}

leaf_traits!(TimeOfDay);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::tests::reads_back;

    #[test]
    fn leaves_are_read_as_they_are_written() {
        reads_back(&Major::parse("15").unwrap());
        reads_back(&TimeOfDay::parse("02:30").unwrap());
        for wrong in ["", "12", "19", "15.4", "+15", "256"] {
            Major::parse(wrong).unwrap_err();
        }
        for wrong in ["", "2:30", "24:00", "02:60", "02-30", "02:30:00"] {
            TimeOfDay::parse(wrong).unwrap_err();
        }
    }
}
