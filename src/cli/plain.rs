//! Text of a cloud's author, made safe for a terminal: it cannot move the cursor or forge a line.

use std::borrow::Cow;

/// The text with control characters and bidirectional marks escaped.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

/// As [`plain`], for a text of several lines.
pub(super) fn plain_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character != '\n' && acts(character))
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if acts(character) { out.extend(character.escape_default()) } else { out.push(character) }
    }
    Cow::Owned(out)
}

/// Whether a terminal acts on this character instead of showing it.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_acts_on_a_terminal_is_escaped() {
        assert!(matches!(plain("machines.wéb"), Cow::Borrowed(_)));
        assert_eq!(plain("a\u{1b}[2J\nb\u{202e}"), "a\\u{1b}[2J\\nb\\u{202e}");
        assert_eq!(plain_lines("a\nb\r"), "a\nb\\r");
    }
}
