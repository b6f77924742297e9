//! Rules.
use super::view::View;
use crate::finding::Finding;
pub(crate) fn check(_: &View<'_>, _: &mut Vec<Finding>) {}
