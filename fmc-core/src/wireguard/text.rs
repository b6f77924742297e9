//! A text with secrets in it, as it is written.

use std::fmt;

use crate::guest::TextPart;
use crate::secret::Secret;

/// A text with secrets in it.
#[derive(Default)]
pub(super) struct Text {
    parts: Vec<TextPart>,
    last: String,
}

impl Text {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A line.
    pub(super) fn line(&mut self, text: impl fmt::Display) -> &mut Self {
        use fmt::Write as _;
        // Writing to a text cannot fail.
        let _ = writeln!(self.last, "{text}");
        self
    }

    /// A secret between two texts.
    pub(super) fn secret(&mut self, before: &str, secret: Secret, after: &str) -> &mut Self {
        self.last.push_str(before);
        self.parts.push(TextPart::from(std::mem::take(&mut self.last)));
        self.parts.push(secret.into());
        self.last.push_str(after);
        self
    }

    pub(super) fn parts(mut self) -> Vec<TextPart> {
        if !self.last.is_empty() {
            self.parts.push(self.last.into());
        }
        self.parts
    }
}
