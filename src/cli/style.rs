//! Colours: few, and only where someone sees them.

use std::fmt;

use anstyle::{AnsiColor, Style};

/// What is wrong, or is lost.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What deserves a look.
pub(super) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// What appears, or would be right.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// What changes.
pub(super) const CHANGE: Style = AnsiColor::Yellow.on_default();
/// What is made anew.
pub(super) const ANEW: Style = AnsiColor::Magenta.on_default();
/// What stands out.
pub(super) const STRONG: Style = Style::new().bold();
/// What stays in the background.
pub(super) const DIM: Style = Style::new().dimmed();

/// A text in a style, or as it is.
pub(super) struct Paint<T>(pub(super) T, pub(super) Style, pub(super) bool);

impl<T: fmt::Display> fmt::Display for Paint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, style, coloured) = self;
        if *coloured { write!(f, "{style}{text}{style:#}") } else { text.fmt(f) }
    }
}
