//! TOML 1.0 as a tree.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::mistake::Mistake;
use super::tree::{DEEPEST, MOST_VALUES, Member, Members, Node, Span, Value};

/// Reads a text.
pub(super) fn read<'a>(text: &'a str) -> Result<Node<'a>, Mistake> {
    let table = DeTable::parse(text).map_err(|error| refused(text, &error))?;
    let (span, mut values) = (table.span(), 0);
    self::table(table.into_inner(), span, 0, &mut values)
}

fn refused(text: &str, error: &Error) -> Mistake {
    let span = error.span().unwrap_or(text.len()..text.len());
    let message = error.message();
    if message.starts_with("duplicate key") {
        let key = text.get(span.clone()).unwrap_or_default();
        return Mistake::at(Span::new(span), format!("the key `{key}` occurs twice"))
            .help("keep one of the two");
    }
    let line = text.get(..span.start).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
    let rest = text.get(span.start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let (words, help) = in_words(message, line, rest);
    let mistake = Mistake::at(Span::new(span), format!("this is not TOML: {words}"));
    if help.is_empty() { mistake } else { mistake.help(help) }
}

/// The parser's message in other words, with what would be right. `line` is the line up to the place, and `rest` what follows.
fn in_words<'m>(message: &'m str, line: &str, rest: &str) -> (&'m str, &'static str) {
    let is_value = line.contains('=');
    let says = |words: &str| message.contains(words);
    if is_value
        && (says("must be quoted")
            || says("invalid float")
            || says("invalid integer")
            || says("invalid boolean"))
    {
        return (
            "a text has no quotes",
            "put the text in quotes, as `name = \"first\"`; a number has no unit",
        );
    }
    if says("key with no value") {
        let help = if line.contains(':') || rest.starts_with(':') {
            "write `key = value`: a colon is YAML's"
        } else {
            "write `key = value`"
        };
        return ("a key has no value", help);
    }
    if says("escape") {
        return (
            "a backslash begins no escape of TOML",
            "write `\\\\` for a backslash, or put the text in single quotes, which have no escapes",
        );
    }
    if says("invalid basic string") || says("invalid literal string") || says("unclosed string") {
        return ("a text in quotes is not closed in its line", "close it with the quote that it begins with");
    }
    let closed = [
        ("unclosed table", "the `[` of a table's name is not closed", "close it with `]`"),
        ("unclosed array", "a list is not closed", "close it with `]`"),
        (
            "unclosed inline table",
            "a `{` is not closed",
            "close it with `}`; all of it may be in several lines",
        ),
    ];
    let found =
        closed.into_iter().find(|(kind, ..)| says(kind) && !(says("inline") && *kind == "unclosed table"));
    found.map_or((message, ""), |(_, words, help)| (words, help))
}

fn table<'a>(
    table: DeTable<'a>,
    span: Range<usize>,
    depth: usize,
    values: &mut usize,
) -> Result<Node<'a>, Mistake> {
    let mut members = Vec::new();
    for (key, value) in table {
        let span = Span::new(key.span());
        members.push(Member { key: key.into_inner(), span, node: node(value, depth + 1, values)? });
    }
    // The table is sorted by key, but the tree keeps the order of the text.
    members.sort_by_key(|member| member.span.range().start);
    Ok(Node::new(span, Value::Map(Members::new(members, &mut Vec::new()))))
}

fn node<'a>(value: Spanned<DeValue<'a>>, depth: usize, values: &mut usize) -> Result<Node<'a>, Mistake> {
    let span = value.span();
    *values += 1;
    if depth > DEEPEST {
        return Err(Mistake::at(Span::new(span), format!("values nest deeper than {DEEPEST} levels")));
    }
    if *values > MOST_VALUES {
        return Err(Mistake::at(Span::new(span), format!("the text has more than {MOST_VALUES} values")));
    }
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text),
        DeValue::Integer(number) => Value::Number(Cow::Owned(number.to_string())),
        DeValue::Float(number) => Value::Number(Cow::Owned(number.as_str().to_owned())),
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Datetime(time) => Value::Number(Cow::Owned(time.to_string())),
        DeValue::Array(array) => {
            let members = array.into_iter().map(|value| node(value, depth + 1, values));
            Value::List(members.collect::<Result<_, _>>()?)
        }
        DeValue::Table(members) => return table(members, span, depth, values),
    };
    Ok(Node::new(span, value))
}
