//! A role that a machine has.

use std::sync::Arc;

use super::CustomRole;
use crate::checked::{Idx, Machine};
use crate::name::RoleName;

/// A role on a machine of the resolved cloud.
pub(crate) struct Assigned {
    /// The machine, by index.
    pub(crate) machine: Idx<Machine>,
    /// The role's kind.
    pub(crate) kind: RoleName,
    /// The role itself.
    pub(crate) role: Arc<dyn CustomRole>,
    /// The path of the setting that gives the machine the role, for findings.
    pub(crate) at: String,
    /// Which of the draft's spanning roles gives it, if one does.
    pub(crate) span: Option<usize>,
    /// The machine before it in a list whose machines start one after another.
    pub(crate) follows: Option<Idx<Machine>>,
}
