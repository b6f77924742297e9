//! When operating systems that update themselves may restart the machines of a cluster.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::draft::{Look, Setting};
use crate::finding::At;
use crate::given::{Given, Leaf, LeafError, leaf_traits};
use crate::rust::{Expr, Names, Unsaid};

/// When the operating systems' own updates may restart machines. Fedora CoreOS and Flatcar update themselves and
/// restart for it; two servers that restart at once take away the majority of three.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Updates {
    /// For an hour once a week: each server on a day of its own, agents on days that follow from their names.
    Weekly(Given<Clock>),
    /// Never: updates are managed elsewhere.
    Off,
}

impl Updates {
    /// For an hour once a week from this time on, in the machine's time zone: each server on a day of its own.
    pub fn weekly(from: impl Into<Given<Clock>>) -> Self {
        Self::Weekly(from.into())
    }

    /// Never: updates are managed elsewhere.
    pub const fn off() -> Self {
        Self::Off
    }
}

impl Default for Updates {
    fn default() -> Self {
        Self::Weekly(Given::value(Clock { hour: 4, minute: 0 }))
    }
}

impl Setting for Updates {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        if let Self::Weekly(from) = self {
            from.look(&at.key("weekly"), look);
        }
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        Ok(match self {
            Self::Weekly(from) => Expr::of("k3s::Updates::weekly", vec![from.rust(names)?]),
            Self::Off => Expr::new("k3s::Updates::off()"),
        })
    }
}

/// A time of day: `04:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clock {
    hour: u8,
    minute: u8,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:02}:{:02}", self.hour, self.minute))
    }
}

impl Leaf for Clock {
    const WHAT: &'static str = "time of day";
    const EXAMPLE: &'static str = "04:00";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let two = |text: &str, most: u8| {
            let digits = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
            text.parse().ok().filter(|number| digits && *number <= most)
        };
        text.split_once(':')
            .and_then(|(hour, minute)| Some(Self { hour: two(hour, 23)?, minute: two(minute, 59)? }))
            .ok_or_else(|| {
                LeafError::mending("it has the form HH:MM, from 00:00 to 23:59: write, for example, 04:00")
            })
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some("^([01][0-9]|2[0-3]):[0-5][0-9]$"), None)
    }
}

leaf_traits!(Clock);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::tests::reads_back;

    #[test]
    fn times_of_a_day() {
        reads_back(&Clock { hour: 4, minute: 0 });
        reads_back(&Clock { hour: 23, minute: 59 });
        for wrong in ["4:00", "24:00", "04:60", "04", "0404", "+4:00"] {
            assert!(Clock::parse(wrong).is_err(), "{wrong}");
        }
    }
}
