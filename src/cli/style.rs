//! The colours of the output.

use std::fmt;

use anstyle::{AnsiColor, Style};

/// Errors and losses.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Warnings.
pub(super) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// Creations and help.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Changes.
pub(super) const CHANGE: Style = AnsiColor::Yellow.on_default();
/// Replacements.
pub(super) const ANEW: Style = AnsiColor::Magenta.on_default();
/// Emphasis.
pub(super) const STRONG: Style = Style::new().bold();
/// Background.
pub(super) const DIM: Style = Style::new().dimmed();

/// A text in a style, or as it is.
pub(super) struct Paint<T>(pub(super) T, pub(super) Style, pub(super) bool);

impl<T: fmt::Display> fmt::Display for Paint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, style, coloured) = self;
        if *coloured { write!(f, "{style}{text}{style:#}") } else { text.fmt(f) }
    }
}
