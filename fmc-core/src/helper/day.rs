//! A day of the calendar.

use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};

/// A day, as `2027-06-30` (ISO 8601), from 2024 to 2053: the years in which derived authorities are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// The last second of the day in UTC, in seconds since 1970-01-01.
    pub fn last_second(self) -> i64 {
        // Days from civil, with March as the first month of a year.
        let (year, month, day) = (i64::from(self.year), i64::from(self.month), i64::from(self.day));
        let year = if month <= 2 { year - 1 } else { year };
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = 365 * year + year / 4 - year / 100 + year / 400 + of_year - 719_468;
        (days + 1) * 86_400 - 1
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Leaf for Day {
    const WHAT: &'static str = "day";
    const EXAMPLE: &'static str = "2027-06-30";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let wrong = || LeafError::new("it has a year from 2024 to 2053, a month and a day, as 2027-06-30");
        let number = |text: &str, digits: usize| {
            let is_right = text.len() == digits && text.bytes().all(|digit| digit.is_ascii_digit());
            is_right.then(|| text.parse::<u16>().ok()).flatten()
        };
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next(), parts.next(), parts.next());
        let (Some(year), Some(month), Some(day), None) = (year, month, day, parts.next()) else {
            return Err(wrong());
        };
        let numbers = (number(year, 4), number(month, 2), number(day, 2));
        let (Some(year @ 2024..=2053), Some(month @ 1..=12), Some(day)) = numbers else {
            return Err(wrong());
        };
        let is_leap = year.is_multiple_of(4);
        let days = match month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let parts = (u8::try_from(month), u8::try_from(day));
        match parts {
            (Ok(month), Ok(day)) if (1..=days).contains(&day) => Ok(Self { year, month, day }),
            _ => Err(LeafError::new("the calendar has no such day")),
        }
    }
}

leaf_traits!(Day);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::tests::reads_back;

    #[test]
    fn days_are_read_as_they_are_written() {
        reads_back(&Day::parse("2027-06-30").unwrap());
        for wrong in
            ["", "2027", "2027-6-30", "2027-06-31", "2027-02-29", "2023-12-31", "2054-01-01", "2027-06-30-1"]
        {
            Day::parse(wrong).unwrap_err();
        }
    }

    /// By `date -u -d '2027-06-30 23:59:59' +%s`.
    #[test]
    fn a_day_ends_at_midnight_utc() {
        for (day, seconds) in
            [("2027-06-30", 1_814_399_999), ("2024-02-29", 1_709_251_199), ("2053-12-31", 2_650_838_399)]
        {
            assert_eq!(Day::parse(day).unwrap().last_second(), seconds, "{day}");
        }
    }
}
