//! Names in a message: all of them are data, and the text shows a few.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::nearest::nearest;

/// How many names a message says before it counts the rest.
pub(crate) const LISTED: usize = 8;

/// Names of things, sorted, each once. In a message they are `core, kube and lan`, and of many `m00, m01, … and 12 more`.
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
        match said.split_last() {
            None => f.write_str("none"),
            Some((last, [])) => f.write_str(last),
            Some(_) if rest > 0 => write!(f, "{} and {rest} more", said.join(", ")),
            Some((last, before)) => write!(f, "{} and {last}", before.join(", ")),
        }
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
    fn the_name_that_was_meant() {
        let networks = NameList::new(["core", "kube"]);
        assert_eq!(networks.nearest("kub").as_deref(), Some("kube"));
        assert_eq!(networks.nearest("lan"), None);
    }
}
