//! Why the simulated hypervisor refuses something.

use crate::link::{CallError, CallErrorKind};

/// A refusal, in libvirt's words.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    kind: CallErrorKind,
    words: String,
}

impl Trouble {
    /// The object is not there.
    pub(super) fn absent(words: impl Into<String>) -> Self {
        Self { kind: CallErrorKind::Absent, words: words.into() }
    }

    /// It cannot be done.
    pub(super) fn failed(words: impl Into<String>) -> Self {
        Self { kind: CallErrorKind::Failed, words: words.into() }
    }

    /// Of this kind.
    pub(super) fn of(kind: CallErrorKind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into() }
    }

    /// The error of the call that met it.
    pub(super) fn during(self, call: impl std::fmt::Display) -> CallError {
        CallError::new(call, self.kind, self.words)
    }
}
