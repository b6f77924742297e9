//! Values of K3s's keys that have a grammar of their own: durations, schedules, ranges of ports, addresses.

use std::fmt;
use std::net::IpAddr;

use crate::given::{Given, Leaf, LeafError, LeafGroup, leaf_traits};
use crate::path::HttpUrl;
use crate::unit::Seconds;

pub use super::number::{Count, Port};

/// A duration as Go writes it: `10m0s`, `1h30m`, `500ms`. Hours, minutes, seconds and milliseconds are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Duration {
    /// So many milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// The milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, milliseconds) = (self.0 / 1000, self.0 % 1000);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let parts = [(hours, "h"), (minutes, "m"), (seconds, "s"), (milliseconds, "ms")];
        let text: String =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
        f.pad(if text.is_empty() { "0s" } else { &text })
    }
}

impl Leaf for Duration {
    const WHAT: &'static str = "duration";
    const EXAMPLE: &'static str = "10m";

    fn parse(text: &str) -> Result<Self, LeafError> {
        milliseconds(text).map(Self).ok_or_else(|| {
            LeafError::mending(
                "it has whole numbers with the units h, m, s and ms: write, for example, 10m or 1h30m",
            )
        })
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some("^([0-9]+(h|ms|m|s))+$"), None)
    }
}

leaf_traits!(Duration);

impl From<Seconds> for Given<Duration> {
    fn from(seconds: Seconds) -> Self {
        Self::value(Duration(u64::from(seconds.get()) * 1000))
    }
}

fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() || total == 0 {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let units = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at_checked(units)?;
        let factor = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    Some(total)
}

/// A schedule: five fields as in a crontab, of which the day of the week goes from 0, Sunday, to 6 or has a name (robfig/cron, which
/// Kubernetes and K3s have), or a word as `@daily` or `@every 6h`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Schedule(Box<str>);

impl Schedule {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The fields of a schedule: its name, its least and its greatest number, and the names that stand for numbers.
const FIELDS: [(&str, u8, u8, &[&str]); 5] = [
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("day of the month", 1, 31, &[]),
    ("month", 1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    ("day of the week", 0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

impl Leaf for Schedule {
    const WHAT: &'static str = "schedule";
    const EXAMPLE: &'static str = "0 */12 * * *";

    fn parse(text: &str) -> Result<Self, LeafError> {
        if let Some(word) = text.strip_prefix('@') {
            let known = ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"];
            let every = word.strip_prefix("every ").and_then(milliseconds).is_some_and(|time| time >= 1000);
            return if every || known.contains(&word) {
                Ok(Self(text.into()))
            } else {
                Err(LeafError::new(format!(
                    "@{word} is not known: it is one of @{}, or @every 6h",
                    known.join(", @")
                )))
            };
        }
        let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
        if fields.len() != FIELDS.len() || text.contains(|c: char| c.is_control()) {
            return Err(LeafError::mending(format!(
                "it has {} fields, and a schedule has five (minute, hour, day of the month, month, day of the week): \
                 write, for example, {}",
                fields.len(),
                Self::EXAMPLE
            )));
        }
        for (field, (name, least, most, words)) in fields.iter().zip(FIELDS) {
            let right = field.split(',').all(|part| span(part, least, most, words).is_some());
            if !right {
                let sunday = if name == "day of the week" { ", and Sunday is 0" } else { "" };
                return Err(LeafError::mending(format!(
                    "its {name} {field:?} must be from {least} to {most}{sunday}: write *, */2, 1-5 or 1,3"
                )));
            }
        }
        if let [_, _, day, month, week] = fields.as_slice()
            && is_every(week)
            && !comes(day, month)
        {
            return Err(LeafError::mending(format!(
                "it never comes: no month {month} has a day {day}: write a day that it has, as 28"
            )));
        }
        Ok(Self(fields.join(" ").into()))
    }
}

leaf_traits!(Schedule);

/// The most days of each month, from January on.
const LENGTHS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Whether a field leaves its number open.
fn is_every(field: &str) -> bool {
    field.starts_with(['*', '?'])
}

/// Whether one of these months has one of these days. The day of the week, if a schedule states one, is another way for it to come.
fn comes(days: &str, months: &str) -> bool {
    let [_, _, (_, first, last, _), (_, january, december, names), _] = FIELDS;
    let spans = |field: &str, least, most, words| -> Vec<Span> {
        field.split(',').filter_map(|part| span(part, least, most, words)).collect()
    };
    let (days, months) = (spans(days, first, last, &[]), spans(months, january, december, names));
    let earliest = days.iter().map(|span| span.first).min().unwrap_or(first);
    let lengths = (january..=december).zip(LENGTHS);
    lengths.into_iter().any(|(month, length)| months.iter().any(|span| span.has(month)) && earliest <= length)
}

/// The numbers of a part of a field.
struct Span {
    first: u8,
    last: u8,
    step: u8,
}

impl Span {
    fn has(&self, number: u8) -> bool {
        (self.first..=self.last).contains(&number) && number.abs_diff(self.first).is_multiple_of(self.step)
    }
}

/// `*`, `5`, `1-5`, each maybe with a step behind it: `5/2` goes on to the greatest number (`getRange` of robfig/cron).
fn span(part: &str, least: u8, most: u8, words: &[&str]) -> Option<Span> {
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| -> Option<u8> {
        let word = words.iter().position(|word| text.eq_ignore_ascii_case(word));
        let value = match word {
            Some(index) => u8::try_from(index).ok()?.checked_add(least)?,
            None if plain(text) => text.parse().ok()?,
            None => return None,
        };
        (least..=most).contains(&value).then_some(value)
    };
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    let every = match step {
        Some(step) if plain(step) => step.parse::<u8>().ok().filter(|step| *step > 0 && *step <= most)?,
        Some(_) => return None,
        None => 1,
    };
    let (first, last) = match range.split_once('-') {
        _ if matches!(range, "*" | "?") => (least, most),
        Some((first, last)) => (number(first)?, number(last)?),
        None => {
            let first = number(range)?;
            (first, if step.is_some() { most } else { first })
        }
    };
    (first <= last).then_some(Span { first, last, step: every })
}

/// Ports from the first to the last: `30000-32767`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// The first port.
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The last port.
    pub const fn last(self) -> u16 {
        self.last
    }

    /// Whether a port is one of them.
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.first, self.last))
    }
}

impl Leaf for PortRange {
    const WHAT: &'static str = "range of ports";
    const EXAMPLE: &'static str = "30000-32767";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let refused = |why: &str| LeafError::mending(format!("{why}: write, for example, {}", Self::EXAMPLE));
        let port = |text: &str| {
            let plain = text.bytes().all(|digit| digit.is_ascii_digit());
            plain.then(|| text.parse().ok()).flatten().filter(|port| *port > 0)
        };
        let (first, last) = text.split_once('-').ok_or_else(|| refused("it has no `-`"))?;
        let (first, last) =
            port(first).zip(port(last)).ok_or_else(|| refused("it has a port that is not 1 to 65535"))?;
        if first > last {
            return Err(LeafError::mending(format!("it ends before it begins: write {last}-{first}")));
        }
        Ok(Self { first, last })
    }
}

leaf_traits!(PortRange);

/// An address to listen on: that of one interface, or `0.0.0.0` or `::` for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bind(IpAddr);

impl Bind {
    /// The address.
    pub const fn get(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for Bind {
    const WHAT: &'static str = "address to listen on";
    const EXAMPLE: &'static str = "0.0.0.0";
    const GROUP: LeafGroup = LeafGroup::Address;

    fn parse(text: &str) -> Result<Self, LeafError> {
        match text.parse::<IpAddr>() {
            Ok(address) if address.is_multicast() => Err(LeafError::mending(
                "it is a multicast address: write the address of an interface, or 0.0.0.0 for all",
            )),
            Ok(address) => Ok(Self(address)),
            Err(_) => Err(LeafError::mending(
                "it is not an IP address: write the address of an interface, or 0.0.0.0 for all",
            )),
        }
    }
}

leaf_traits!(Bind);

/// The address of a K3s server: `https://HOST:PORT` and nothing after it. K3s takes no other scheme.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerUrl(HttpUrl);

impl ServerUrl {
    /// The whole as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host: a name or an address, in brackets if it is IPv6.
    pub fn host(&self) -> &str {
        self.0.host()
    }

    /// The port, 443 by default.
    pub fn port(&self) -> u16 {
        self.0.port()
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for ServerUrl {
    const WHAT: &'static str = "address of a K3s server";
    const EXAMPLE: &'static str = "https://10.17.4.20:6443";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let url = HttpUrl::parse(text)?;
        if !url.is_https() {
            let rest = text.trim_start_matches("http://");
            return Err(LeafError::mending(format!("K3s joins by https:// only: write https://{rest}")));
        }
        let path = text.strip_prefix("https://").and_then(|rest| rest.strip_prefix(url.authority()));
        if path.is_some_and(|path| !matches!(path, "" | "/")) {
            let bare = url.authority();
            return Err(LeafError::mending(format!("nothing stands behind the port: write https://{bare}")));
        }
        Ok(Self(url))
    }
}

leaf_traits!(ServerUrl);

/// Text on one line: no line break or other control character, and not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line(Box<str>);

impl Line {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Leaf for Line {
    const WHAT: &'static str = "text";
    const EXAMPLE: &'static str = "a text on one line";

    fn parse(text: &str) -> Result<Self, LeafError> {
        if text.is_empty() {
            return Err(LeafError::new("K3s would take its default: leave the key out to say so"));
        }
        if text.contains(char::is_control) {
            return Err(LeafError::mending(
                "it has a line break or another control character in it: write it on one line",
            ));
        }
        Ok(Self(text.into()))
    }
}

leaf_traits!(Line);

/// An argument of a program of Kubernetes' without its dashes: `audit-log-maxage=30`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Argument(Box<str>);

impl Argument {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the program's flag.
    pub fn flag(&self) -> &str {
        self.0.split_once('=').map_or(&*self.0, |(flag, _)| flag)
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Leaf for Argument {
    const WHAT: &'static str = "argument of a component";
    const EXAMPLE: &'static str = "audit-log-maxage=30";

    fn parse(text: &str) -> Result<Self, LeafError> {
        if let Some(bare) = text.strip_prefix('-') {
            return Err(LeafError::mending(format!(
                "K3s adds the dashes itself: write {}",
                bare.trim_start_matches('-')
            )));
        }
        let flag = text.split_once('=').map_or(text, |(flag, _)| flag);
        // `FLAG-=VALUE` puts a value before K3s's own default, `FLAG+=VALUE` behind it.
        let name = flag.strip_suffix(['-', '+']).unwrap_or(flag);
        let right = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if !right || text.contains(char::is_control) {
            return Err(LeafError::mending(format!(
                "it has the form FLAG=VALUE on one line: write, for example, {}",
                Self::EXAMPLE
            )));
        }
        Ok(Self(text.into()))
    }
}

leaf_traits!(Argument);

#[cfg(test)]
mod tests;
