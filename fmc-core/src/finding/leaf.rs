//! Checks one leaf of a draft.

use super::{At, Finding, Kind};
use crate::given::{Given, Leaf, LeafGroup};

/// The value of a leaf; a wrong one is a finding.
pub(crate) fn leaf<'a, T: Leaf>(
    given: &'a Given<T>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Option<&'a T> {
    match given {
        Given::Right(value) => Some(value),
        Given::Wrong { text, why } => {
            let kind = match T::GROUP {
                LeafGroup::Name => Kind::NameInvalid,
                LeafGroup::Size => Kind::SizeInvalid,
                LeafGroup::Address => Kind::AddressInvalid,
                LeafGroup::Other => Kind::ValueInvalid,
            };
            let message = if text.is_empty() {
                format!("the {} is empty", T::WHAT)
            } else {
                format!("{text:?} is not a valid {}", T::WHAT)
            };
            let says_what =
                ["write ", "for example", "try ", "did you mean"].iter().any(|hint| why.contains(hint));
            let help = if says_what { why.clone() } else { format!("{why}; for example {}", T::EXAMPLE) };
            findings.push(Finding::new(kind, at, message, help));
            None
        }
    }
}
