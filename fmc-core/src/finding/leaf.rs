//! Checks one leaf of a draft.

use super::{At, Data, Finding, Kind, Problem, Words};
use crate::given::{Given, Leaf, LeafGroup};

/// A wrong leaf: the author's text, and why it is not a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeafProblem {
    /// The kind of leaf, as `machine name`.
    pub what: &'static str,
    /// Which kind of finding it is.
    pub group: LeafGroup,
    /// The text as it may be shown.
    pub text: String,
    /// The reason why it is wrong.
    pub why: String,
    /// Whether `why` says what would be right.
    pub mends: bool,
    /// A text that is right.
    pub example: &'static str,
}

impl Problem for LeafProblem {
    fn kind(&self) -> Kind {
        match self.group {
            LeafGroup::Name => Kind::NameInvalid,
            LeafGroup::Size => Kind::SizeInvalid,
            LeafGroup::Address => Kind::AddressInvalid,
            LeafGroup::Other => Kind::ValueInvalid,
        }
    }

    fn case(&self) -> &'static str {
        if self.text.is_empty() { "Empty" } else { "Invalid" }
    }

    fn message(&self) -> String {
        if self.text.is_empty() {
            format!("the {} is empty", self.what)
        } else {
            format!("{:?} is not a valid {}", self.text, self.what)
        }
    }

    fn help(&self, _: Words) -> String {
        if self.mends { self.why.clone() } else { format!("{}; for example {}", self.why, self.example) }
    }

    fn data(&self) -> Data {
        let data = Data::new().with("what", &self.what).with("text", &self.text);
        data.with("why", &self.why).with("example", &self.example)
    }
}

/// The value of a leaf; a wrong one is a finding.
pub(crate) fn leaf<'a, T: Leaf>(
    given: &'a Given<T>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Option<&'a T> {
    match given {
        Given::Right(value) => Some(value),
        Given::Wrong { text, why, mends } => {
            let problem = LeafProblem {
                what: T::WHAT,
                group: T::GROUP,
                text: text.clone(),
                why: why.clone(),
                mends: *mends,
                example: T::EXAMPLE,
            };
            findings.push(Finding::about(at, problem));
            None
        }
    }
}
