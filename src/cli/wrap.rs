//! Wraps lines to the terminal's width: they break between words, and continuations are aligned below their text.

use std::borrow::Cow;

use textwrap::{Options, WordSeparator, WordSplitter, core::display_width};

/// The smallest width at which lines are broken: below it they would be a column of words.
const NARROWEST: usize = 30;

/// Wraps a text to a width. A wider word, such as a path or a command, stays whole so that it can be copied.
pub(super) fn wrapped(text: &str, width: Option<usize>) -> Cow<'_, str> {
    let Some(width) = width.filter(|width| *width >= NARROWEST) else { return text.into() };
    if text.lines().all(|line| display_width(line) <= width) {
        return text.into();
    }
    let lines = text.split('\n').map(|line| {
        if display_width(line) <= width {
            return line.to_owned();
        }
        let indent = " ".repeat(hang(line, width));
        let options = Options::new(width)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .subsequent_indent(&indent);
        textwrap::fill(line, options)
    });
    lines.collect::<Vec<_>>().join("\n").into()
}

/// The column of a continuation: that of the last cell if the line has cells, or slightly right of its beginning.
fn hang(line: &str, width: usize) -> usize {
    let leading = line.len() - line.trim_start().len();
    let cells = line.match_indices("  ").map(|(at, gap)| at + gap.len()).filter(|at| *at > leading);
    let column = |at: usize| line.get(..at).map(display_width);
    let last = cells.filter_map(column).filter(|column| *column <= width / 2).last();
    last.unwrap_or(leading + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_breaks_between_words_and_goes_on_below_its_last_cell() {
        let line = "  + machine web     create    2 vCPU, 2 GiB, root 20 GiB, data 100 GiB and some more";
        assert_eq!(
            wrapped(line, Some(60)),
            "  + machine web     create    2 vCPU, 2 GiB, root 20 GiB,\n\
             \x20                             data 100 GiB and some more"
        );
        assert_eq!(
            wrapped("  help: one two three four five six seven", Some(30)),
            "  help: one two three four\n    five six seven"
        );
    }

    #[test]
    fn what_fits_is_as_it_was_and_a_long_word_stays_whole() {
        let text = "a line\n\n  and another  one\n";
        assert_eq!(wrapped(text, Some(40)), text);
        assert_eq!(wrapped(&"word ".repeat(40), None), "word ".repeat(40));
        let path = format!("/{}", "folder/".repeat(12));
        let text = format!("failed to read {path}: it is not there");
        assert!(wrapped(&text, Some(40)).lines().any(|line| line.trim().trim_end_matches(':') == path));
        assert_eq!(wrapped(&text, Some(10)), text);
    }

    #[test]
    fn colours_take_no_room() {
        let line = "\x1b[1m\x1b[31merror\x1b[0m: some words that fit";
        assert_eq!(wrapped(line, Some(30)), line);
    }
}
