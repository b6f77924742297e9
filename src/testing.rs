#![doc = include_str!("testing/page.md")]

mod artifact;
mod finding;
mod plan;
mod say;
mod script;
#[cfg(test)]
mod tests;

pub use artifact::{
    Artifacts, BootDocument, Document, FileArtifact, MachineArtifacts, UnitArtifact, UserArtifact,
};
pub use finding::{Judged, assert_accepted, assert_finding, assert_no_finding, assert_no_findings, checked};
#[doc(no_inline)]
pub use fmc_core::graph::{Impact, NoteKind};
pub use plan::{
    assert_empty, assert_impact, assert_impact_at_most, assert_keeps, assert_note, assert_touches_only,
};
pub use script::{Script, Scripted};

#[doc(no_inline)]
pub use crate::sim::{CALLS, Sim, SimError, StandIns};
