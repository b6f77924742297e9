//! Names in a message: all of them are data, and the text shows a few.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::nearest::nearest;

/// How many names a message says before it counts the rest.
pub(crate) const LISTED: usize = 8;
/// Up to how many names each is compared with a wrong one.
const COMPARED: usize = 512;

/// The most names that a finding lists as known: with thousands of machines, each of thousands of wrong names would list them all.
const KNOWN: usize = 100;
/// It stands for the rest of the known names.
const MORE: &str = "…";

/// Names of things, sorted, each once. In a message they are `core, kube and lan`, and of many `m00, m01, … and 12 more`.
///
/// Known names beside a wrong one are at most a hundred, and then `…` for the rest.
///
/// A clone shares the names: ten thousand findings that list the same names hold them once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct NameList(Arc<[String]>);

impl From<Vec<String>> for NameList {
    fn from(names: Vec<String>) -> Self {
        Self(names.into())
    }
}

impl From<NameList> for Vec<String> {
    fn from(names: NameList) -> Self {
        names.0.to_vec()
    }
}

impl NameList {
    /// Sorted, each once.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
        names.sort_unstable();
        names.dedup();
        Self(names.into())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(String::as_str)
    }

    /// The name nearest to a wrong one, if one is near.
    pub(crate) fn nearest(&self, wrong: &str) -> Option<String> {
        nearest(wrong, self.iter()).map(str::to_owned)
    }

    /// `worker1`, `worker1 and 1 other machine`, `worker1 and 5 other machines`.
    pub(crate) fn first_of(&self, noun: &str) -> String {
        match self.len() {
            0 | 1 => self.first().to_owned(),
            2 => format!("{} and 1 other {noun}", self.first()),
            count => format!("{} and {} other {noun}s", self.first(), count - 1),
        }
    }

    /// The first by name; an empty text if there is none.
    pub(crate) fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// `is` of one, `are` of several, or another pair.
    pub(crate) fn verb(&self, one: &'static str, several: &'static str) -> &'static str {
        if self.len() > 1 { several } else { one }
    }
}

impl fmt::Display for NameList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.0.get(..LISTED).unwrap_or(&self.0);
        let rest = self.len() - said.len();
        if rest > 0 && self.0.last().is_some_and(|last| last == MORE) {
            return write!(f, "{} and more", said.join(", "));
        }
        match said.split_last() {
            None => f.write_str("none"),
            Some((last, [])) => f.write_str(last),
            Some(_) if rest > 0 => write!(f, "{} and {rest} more", said.join(", ")),
            Some((last, before)) => write!(f, "{} and {last}", before.join(", ")),
        }
    }
}

/// The names that a cloud has of one kind, for messages about those that it does not have.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownNames {
    all: NameList,
    shown: NameList,
    /// Of many names: the places of those that one edit makes of a text. Thousands of wrong names, each compared with thousands
    /// of right ones, would take minutes.
    edited: BTreeMap<String, Vec<usize>>,
}

impl KnownNames {
    /// All names, in any order.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let all = NameList::new(names);
        let shown = match all.0.get(..KNOWN) {
            Some(first) if all.len() > KNOWN => {
                NameList(first.iter().cloned().chain([MORE.to_owned()]).collect())
            }
            _ => all.clone(),
        };
        let mut edited: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        if all.len() > COMPARED {
            for (place, name) in all.iter().enumerate() {
                shortened(name).for_each(|text| edited.entry(text).or_default().push(place));
            }
        }
        Self { all, shown, edited }
    }

    /// The name nearest to a wrong one, and the known ones: of more than a hundred, the first hundred and `…`.
    pub(crate) fn instead_of(&self, wrong: &str) -> (Option<String>, NameList) {
        let near = if self.edited.is_empty() {
            self.all.nearest(wrong)
        } else {
            let places = shortened(wrong).filter_map(|text| self.edited.get(&text)).flatten();
            let names = places.filter_map(|place| self.all.0.get(*place)).map(String::as_str);
            nearest(wrong, names).map(str::to_owned)
        };
        (near, self.shown.clone())
    }
}

/// A text, and it without one of its letters: two texts that are one edit apart have one of these in common.
fn shortened(text: &str) -> impl Iterator<Item = String> {
    let without = text.char_indices().map(|(at, letter)| {
        let rest = text.get(at + letter.len_utf8()..).unwrap_or_default();
        text.get(..at).unwrap_or_default().to_owned() + rest
    });
    std::iter::once(text.to_owned()).chain(without)
}

/// Known names that are listed when the first message needs them.
#[derive(Debug, Default)]
pub(crate) struct Listed(OnceLock<KnownNames>);

impl Listed {
    /// The names, which are the same at each call.
    pub(crate) fn of<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> &KnownNames {
        self.0.get_or_init(|| KnownNames::new(names))
    }
}

/// Two clouds are equal whether or not a message has listed their names.
impl PartialEq for Listed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stay_short() {
        assert_eq!(NameList::default().to_string(), "none");
        assert_eq!(NameList::new(["kube"]).to_string(), "kube");
        assert_eq!(NameList::new(["lan", "core", "kube", "lan"]).to_string(), "core, kube and lan");
        let many = NameList::new((0..20).map(|n| format!("n{n:02}")));
        assert_eq!(many.to_string(), "n00, n01, n02, n03, n04, n05, n06, n07 and 12 more");
        assert_eq!(many.first_of("node"), "n00 and 19 other nodes");
        assert_eq!(NameList::new(["a", "b"]).first_of("node"), "a and 1 other node");
    }

    #[test]
    fn known_names_are_few() {
        let names: Vec<String> = (0..300).map(|n| format!("n{n:03}")).collect();
        let (near, known) = KnownNames::new(names.iter().map(String::as_str)).instead_of("n2x9");
        assert_eq!((near.as_deref(), known.len()), (Some("n209"), 101));
        assert_eq!(known.to_string(), "n000, n001, n002, n003, n004, n005, n006, n007 and more");
        let (_, all) = KnownNames::new(names.iter().take(100).map(String::as_str)).instead_of("x");
        assert_eq!((all.len(), all.to_string().ends_with("n007 and 92 more")), (100, true));
    }

    #[test]
    fn the_name_that_was_meant() {
        let networks = NameList::new(["core", "kube"]);
        assert_eq!(networks.nearest("kub").as_deref(), Some("kube"));
        assert_eq!(networks.nearest("lan"), None);
        let many: Vec<String> = (0..5_000).map(|n| format!("worker{n:04}")).collect();
        let many = KnownNames::new(many.iter().map(String::as_str));
        for wrong in ["worke4711", "wokrer4711", "worker4711x", "-worker4711", "worker-4711", "vorker4711"] {
            assert_eq!(many.instead_of(wrong).0.as_deref(), Some("worker4711"), "{wrong}");
        }
        assert_eq!(many.instead_of("database").0, None);
    }
}
