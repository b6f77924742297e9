//! Refusals of the simulated hypervisor.

use crate::link::{CallError, CallErrorKind};

/// A refusal, with libvirt's message.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    kind: CallErrorKind,
    words: String,
}

impl Trouble {
    /// The object does not exist.
    pub(super) fn absent(words: impl Into<String>) -> Self {
        Self { kind: CallErrorKind::Absent, words: words.into() }
    }

    /// The call is not possible.
    pub(super) fn failed(words: impl Into<String>) -> Self {
        Self { kind: CallErrorKind::Failed, words: words.into() }
    }

    /// A refusal of this kind.
    pub(super) fn of(kind: CallErrorKind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into() }
    }

    /// The error of the refused call.
    pub(super) fn during(self, call: impl std::fmt::Display) -> CallError {
        CallError::new(call, self.kind, self.words)
    }
}
