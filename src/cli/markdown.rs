//! A page of Markdown as plain text for a terminal.

use super::style::{Paint, STRONG};

/// The text without fences, marks of headings, link targets and backslashes; code is indented.
pub(super) fn rendered(page: &str, colour: bool) -> String {
    let mut text = String::new();
    let mut is_code = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            text += format!("    {line}").trim_end();
            text.push('\n');
        } else if let Some(heading) =
            line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
        {
            text += &format!("{}\n", Paint(inline(heading), STRONG, colour));
        } else {
            text += &inline(line);
            text.push('\n');
        }
    }
    text
}

/// A line without the marks inside it; what is in backquotes stays.
fn inline(line: &str) -> String {
    let pieces = line.split('`').enumerate();
    let pieces = pieces.map(|(at, piece)| if at % 2 == 1 { format!("`{piece}`") } else { unmarked(piece) });
    linked(&pieces.collect::<String>())
}

/// Without emphasis and backslashes.
fn unmarked(piece: &str) -> String {
    let mut text = String::new();
    let mut characters = piece.replace("**", "").chars().collect::<Vec<_>>().into_iter().peekable();
    while let Some(character) = characters.next() {
        match characters.next_if(|next| character == '\\' && next.is_ascii_punctuation()) {
            Some(escaped) => text.push(escaped),
            None => text.push(character),
        }
    }
    text
}

/// Links as their text, followed by the address if it leads somewhere outside.
fn linked(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, link, after)) = next_link(rest) {
        let (name, to) = link;
        text += before;
        text += name;
        if to.starts_with("http") && to != name {
            text += &format!(" ({to})");
        }
        rest = after;
    }
    text + rest
}

/// The text before a link, its name and its target, and the text after it.
fn next_link(line: &str) -> Option<(&str, (&str, &str), &str)> {
    let middle = line.find("](")?;
    let (start, end) = (line.get(..middle)?.rfind('[')?, line.get(middle..)?.find(')')? + middle);
    Some((
        line.get(..start)?,
        (line.get(start + 1..middle)?, line.get(middle + 2..end)?),
        line.get(end + 1..)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_plain_text() {
        let page = "## What it means\n\nA `a\\[0]` of [K3s](https://k3s.io/docs) and [this](#here), **now** \\<b\\>.\n\n```yaml\nname: a\n\nb: [c](d)\n```\n";
        let plain = "What it means\n\nA `a\\[0]` of K3s (https://k3s.io/docs) and this, now <b>.\n\n    name: a\n\n    b: [c](d)\n";
        assert_eq!(rendered(page, false), plain);
    }
}
