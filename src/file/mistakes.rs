//! All mistakes in a text, and the part of it that they hide.

use std::fmt;

use super::{Lines, Mistake};

/// The mistakes in a text, in its order; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    mistakes: Vec<Mistake>,
    unread: Unread,
}

/// The part of a text that its mistakes hide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// Nothing: the whole text was read.
    #[default]
    Nothing,
    /// The last mistake is one of syntax, and the text behind it could not be read.
    Behind,
    /// The reader stopped after so many mistakes; there may be more.
    More,
}

impl Mistakes {
    /// All mistakes.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.mistakes.iter()
    }

    /// The part of the text that was not read, where more mistakes may be.
    pub fn unread(&self) -> Unread {
        self.unread
    }

    pub(super) fn of(mut mistakes: Vec<Mistake>, unread: Unread, text: &str, offset: usize) -> Self {
        let lines = Lines::of(text);
        for mistake in &mut mistakes {
            mistake.shift(offset);
            mistake.set_place(lines.place(mistake.span().start));
            if let Some(first) = mistake.also_at() {
                mistake.help.push_str(&format!(" (the first is in line {})", lines.place(first.start).0));
            }
            if let Some(alias) = mistake.alias_at() {
                let line = lines.place(alias.start).0;
                mistake.message.push_str(&format!(" (this is the anchor of the alias in line {line})"));
            }
        }
        mistakes.sort_by_key(|mistake| mistake.span().start);
        Self { mistakes, unread }
    }
}

/// A list of its mistakes.
impl serde::Serialize for Mistakes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.mistakes.serialize(serializer)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.iter().enumerate() {
            let between = if index == 0 { "" } else { "\n" };
            write!(f, "{between}{mistake}")?;
        }
        Ok(())
    }
}
