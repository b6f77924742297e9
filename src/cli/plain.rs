//! Text of a cloud's author and of hypervisors, made safe for a terminal: it cannot move the cursor or forge a line.

use std::borrow::Cow;

/// The text with control characters and bidirectional marks escaped.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

/// As [`plain`], for a text of several lines.
pub(super) fn plain_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character != '\n' && acts(character))
}

/// A whole text for a person, whatever it is made of. It keeps line breaks and tabs, and colours if it is `coloured`.
pub(super) fn shown(text: &str, coloured: bool) -> Cow<'_, str> {
    let passes = |character: char| matches!(character, '\n' | '\t');
    if !coloured {
        return escaped(text, |character| acts(character) && !passes(character));
    }
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let kept = colour(rest);
        let (first, others) = rest.split_at(kept.unwrap_or(character.len_utf8()));
        if kept.is_none() && acts(character) && !passes(character) {
            out.extend(character.escape_default());
        } else {
            out.push_str(first);
        }
        rest = others;
    }
    Cow::Owned(out)
}

/// The length of the colour (ECMA-48, SGR) that a text begins with. The one that hides text is none.
fn colour(text: &str) -> Option<usize> {
    let (parameters, _) = text.strip_prefix("\x1b[")?.split_once('m')?;
    let is_harmless = |number: &str| {
        matches!(number.parse(), Ok(0..=4 | 9 | 22..=24 | 30..=37 | 39 | 90..=97)) || number.is_empty()
    };
    parameters.split(';').all(is_harmless).then_some(parameters.len() + 3)
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

    #[test]
    fn a_text_for_a_person_keeps_its_lines_and_its_colours() {
        let text = "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: a\tb\n";
        assert_eq!(shown(text, true), text);
        assert_eq!(shown("\u{1b}[31mx", false), "\\u{1b}[31mx");
        for (text, is) in [
            ("\u{1b}[8mhidden", "\\u{1b}[8mhidden"),
            ("\u{1b}[2Jm", "\\u{1b}[2Jm"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{9b}31m \u{0} \u{202e} é", "\\u{9b}31m \\u{0} \\u{202e} é"),
            ("\r\u{1b}[31;1mé", "\\r\u{1b}[31;1mé"),
        ] {
            assert_eq!(shown(text, true), is);
        }
    }
}
