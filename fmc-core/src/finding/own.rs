//! Kinds of findings that a role adds, on equal terms with the built-in ones.

use super::Severity;

/// A kind of finding of a user's role: its name, its severity, and its page.
///
/// A cloud accepts it by its name as it accepts a built-in kind, and `explain NAME` shows its page.
///
/// ```
/// use fmc_core::finding::OwnKind;
///
/// const NO_BACKUP: OwnKind = OwnKind::warning("postgres-no-backup", "Nothing copies the database elsewhere.");
/// const VERSION: OwnKind = OwnKind::error("postgres-version", "PostgreSQL has no such release.").never_accepted();
/// assert!(NO_BACKUP.is_acceptable() && !VERSION.is_acceptable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnKind {
    name: &'static str,
    severity: Severity,
    is_acceptable: bool,
    page: &'static str,
}

impl OwnKind {
    /// A kind that refuses the cloud, unless the cloud accepts it. The name is lower case words with hyphens that begin with the
    /// role's kind, as `postgres-version`; the page is Markdown.
    pub const fn error(name: &'static str, page: &'static str) -> Self {
        Self { name, severity: Severity::Error, is_acceptable: true, page }
    }

    /// A kind that is worth knowing and refuses nothing.
    pub const fn warning(name: &'static str, page: &'static str) -> Self {
        Self { name, severity: Severity::Warning, is_acceptable: true, page }
    }

    /// The kind, which no cloud can accept.
    #[must_use]
    pub const fn never_accepted(self) -> Self {
        Self { is_acceptable: false, ..self }
    }

    /// Its name.
    pub const fn as_str(&self) -> &'static str {
        self.name
    }

    /// The severity of a finding of this kind.
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// Whether a cloud can accept findings of this kind.
    pub const fn is_acceptable(&self) -> bool {
        self.is_acceptable
    }

    /// Its page, in Markdown: what it means, an example, how to mend it.
    pub const fn page(&self) -> &'static str {
        self.page
    }
}
