//! YAML 1.2 as a tree.
//!
//! A plain scalar is kept as text: the setting that takes it knows whether it is a number, a truth value or a text.
//! So `no` is a name, `9.10` a version and `52:54:00:12:34:56` a MAC, although other readers of YAML convert them.

mod brackets;
mod refused;
mod words;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::mistake::Mistake;
use super::tree::{Alias, DEEPEST, MOST_VALUES, Member, Members, Node, Span, Value};
use refused::{refused, too_deep};

/// Reads a text. Duplicate keys are mistakes, and the first is kept.
pub(super) fn read<'a>(text: &'a str, mistakes: &mut Vec<Mistake>) -> Result<Node<'a>, Mistake> {
    let mut options = granit_parser::options! { flow_nesting_limit: DEEPEST, block_nesting_limit: DEEPEST };
    options.set_emit_comments(false);
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader =
        Reader { text, parser, anchors: BTreeMap::new(), values: 0, other_space: None, mistakes };
    // A text that is refused behind such a character is most likely refused for it.
    reader.document().map_err(|mistake| reader.other_space.take().unwrap_or(mistake))
}

/// Tells the mistakes of a tree that come from a character that looks like a space.
pub(super) fn explain_spaces(text: &str, mistakes: &mut [Mistake]) {
    for mistake in mistakes {
        if let Some(space) = other_space(text, mistake.span) {
            let path = std::mem::take(&mut mistake.path);
            *mistake = space;
            mistake.path = path;
        }
    }
}

/// A value of YAML in which every plain scalar is a text, as it is written.
pub(crate) fn scalars_as_texts(text: &str) -> Option<serde_json::Value> {
    read(text, &mut Vec::new()).ok().map(|tree| texts(&tree))
}

/// A tree as JSON in which every plain scalar is a text.
pub(super) fn texts(node: &Node<'_>) -> serde_json::Value {
    use serde_json::Value as Json;

    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(text) | Value::Plain(text) | Value::Text(text) => Json::String(text.to_string()),
        Value::List(values) => Json::Array(values.iter().map(texts).collect()),
        Value::Map(members) => {
            let members = members.iter().map(|member| (member.key.to_string(), texts(&member.node)));
            Json::Object(members.collect())
        }
    }
}

/// The mistake of a text that begins a line and has another character in the place of a space of YAML: as its indentation,
/// or behind its colon. Elsewhere such a character is a part of a text.
fn other_space(all: &str, span: Span) -> Option<Mistake> {
    let start = span.range().start;
    let text = all.get(span.range())?;
    let sign = text.chars().find(|sign| (sign.is_whitespace() || *sign == '\u{feff}') && !sign.is_ascii())?;
    let is_meant =
        text.starts_with(sign) || text.split_once(':').is_some_and(|(_, rest)| rest.starts_with(sign));
    let line = all.get(..start).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    if !is_meant || text.starts_with(['"', '\'']) || !line.trim_matches(' ').is_empty() {
        return None;
    }
    let at = text.find(sign).map_or(start, |offset| start + offset);
    let code = u32::from(sign);
    let message = format!("the character U+{code:04X} stands here, which looks like a space and is none");
    let help =
        "write a space; such characters come with text that is copied from a page, and belong in quotes";
    Some(Mistake::at(Span::new(at..at + sign.len_utf8()), message).help(help))
}

struct Reader<'a, 'm> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    /// The value of an anchor, the place of the anchor, and how many values it has.
    anchors: BTreeMap<usize, (Node<'a>, Span, usize)>,
    values: usize,
    /// The first character that looks like a space where one is likely meant.
    other_space: Option<Mistake>,
    mistakes: &'m mut Vec<Mistake>,
}

impl<'a> Reader<'a, '_> {
    fn document(&mut self) -> Result<Node<'a>, Mistake> {
        let mut node = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(..) if node.is_some() => {
                    return Err(
                        Mistake::at(span, "a second document begins here").help("a file is one cloud")
                    );
                }
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => node = Some(self.node(event, span, 0)?),
            }
        }
        Ok(node.unwrap_or_else(|| Node::new(0..0, Value::Null)))
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Mistake> {
        let end = Span::new(self.text.len()..self.text.len());
        match self.parser.next_event() {
            None => Ok((Event::StreamEnd, end)),
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or_default();
                Ok((event, Span::new(range)))
            }
            Some(Err(error)) => Err(refused(self.text, &error)),
        }
    }

    fn count(&mut self, values: usize, span: Span) -> Result<(), Mistake> {
        self.values += values;
        // A value takes at least one byte, so only aliases can make many more values than that.
        let most = MOST_VALUES.min(100_000 + 8 * self.text.len());
        if self.values <= most {
            return Ok(());
        }
        Err(Mistake::at(span, format!("the text has more than {most} values, aliases included")))
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node<'a>, Mistake> {
        if depth > DEEPEST {
            return Err(too_deep(span));
        }
        if let Event::Alias(anchor) = event {
            let (node, anchor, values) = self
                .anchors
                .get(&anchor)
                .cloned()
                .ok_or_else(|| Mistake::at(span, "an alias is inside the value that it names"))?;
            self.count(values, span)?;
            return Ok(Node { alias: Some(Alias { alias: span, anchor }), ..node });
        }
        let before = self.values;
        self.count(1, span)?;
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if style == ScalarStyle::Plain && self.other_space.is_none() {
                    self.other_space = other_space(self.text, span);
                }
                (anchor, Node::new(span.range(), scalar(text, style, tag.as_deref(), span)?))
            }
            Event::SequenceStart(_, anchor, tag) => {
                known(tag.as_deref(), &["seq"], span)?;
                let (values, end) = self.list(depth)?;
                (anchor, Node::new(span.range().start..end.range().end, Value::List(values)))
            }
            Event::MappingStart(_, anchor, tag) => {
                known(tag.as_deref(), &["map"], span)?;
                let (members, end) = self.map(depth)?;
                (anchor, Node::new(span.range().start..end.range().end, Value::Map(members)))
            }
            _ => return Err(Mistake::at(span, "a value is expected here")),
        };
        if anchor > 0 {
            let place = self.anchor(node.span);
            self.anchors.insert(anchor, (node.clone(), place, self.values - before));
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<(Vec<Node<'a>>, Span), Mistake> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => return Ok((values, end)),
                (event, span) => values.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<(Members<'a>, Span), Mistake> {
        let mut members = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = match self.next()? {
                (Event::MappingEnd, end) => {
                    let own = Members::new(members, self.mistakes);
                    return Ok((with_defaults(own, merged), end));
                }
                key => key,
            };
            let (event, merges) = match event {
                Event::Scalar(text, ScalarStyle::Plain, 0, None) if text == "<<" => (None, true),
                event => (Some(event), false),
            };
            let key = match event {
                None => Cow::Borrowed("<<"),
                Some(event) => match self.node(event, span, depth + 1)?.value {
                    Value::Text(text) | Value::Plain(text) => text,
                    Value::Null if self.slice(span).is_empty() => {
                        return Err(Mistake::at(span, "a key is expected before `:`"));
                    }
                    Value::Null => Cow::Borrowed(self.slice(span)),
                    _ => {
                        let mistake = Mistake::at(span, "a key is a text, not a list or map");
                        return Err(
                            mistake.help("put a text that begins with a brace or a bracket in quotes")
                        );
                    }
                },
            };
            let (event, at) = self.next()?;
            let node = self.node(event, at, depth + 1)?;
            if merges {
                merged.extend(defaults(node)?);
            } else {
                members.push(Member { key, span, node });
            }
        }
    }

    /// The place of the anchor before a value, as `&name`; that of the value itself if a comment is between them.
    fn anchor(&self, value: Span) -> Span {
        let start = value.range().start;
        let before = self.text.get(..start).unwrap_or_default().trim_end();
        let word = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let name = before.get(word..).unwrap_or_default();
        // In a list or map between brackets it may follow one of their signs.
        let sign = name
            .find('&')
            .filter(|sign| name.get(..*sign).is_some_and(|signs| signs.chars().all(|c| "[{,".contains(c))));
        sign.map_or(value, |sign| Span::new(word + sign..before.len()))
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or_default()
    }
}

/// The maps that `<<` merges: one map, or several, of which the first with a key wins. Their values are there by an alias.
fn defaults<'a>(node: Node<'a>) -> Result<Vec<Members<'a>>, Mistake> {
    let repeated = |node: Node<'a>| {
        let Value::Map(mut members) = node.value else {
            let (is, place) = (node.what(), node.alias.map_or(node.span, |by| by.alias));
            let mistake = Mistake::at(place, format!("`<<` takes maps, and this is {is}"));
            return Err(mistake.help("write `<<: *name`, where `&name` is before a map above it"));
        };
        for member in members.iter_mut() {
            let by = node.alias.map(|by| Alias { anchor: member.span, ..by });
            member.node.alias = by.or(member.node.alias);
        }
        Ok(members)
    };
    match node.value {
        Value::List(values) => values.into_iter().map(repeated).collect(),
        _ => Ok(vec![repeated(node)?]),
    }
}

/// The members of a map, followed by those of its defaults with other keys.
fn with_defaults<'a>(own: Members<'a>, defaults: Vec<Members<'a>>) -> Members<'a> {
    if defaults.is_empty() {
        return own;
    }
    let mut keys: BTreeSet<Cow<'a, str>> = own.iter().map(|member| member.key.clone()).collect();
    let mut members: Vec<Member<'a>> = own.into_iter().collect();
    let more = defaults.into_iter().flatten().filter(|member| keys.insert(member.key.clone()));
    members.extend(more);
    Members::new(members, &mut Vec::new())
}

fn scalar<'a>(
    text: Cow<'a, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    span: Span,
) -> Result<Value<'a>, Mistake> {
    known(tag, &["str", "int", "float", "bool", "null"], span)?;
    let meant = tag.and_then(Tag::core_suffix);
    Ok(match (meant, style) {
        (Some("str"), _) => Value::Text(text),
        (None, ScalarStyle::Plain) if matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL") => {
            Value::Null
        }
        (Some("null"), _) => Value::Null,
        (Some(_), _) | (None, ScalarStyle::Plain) => Value::Plain(text),
        (None, _) => Value::Text(text),
    })
}

fn known(tag: Option<&Tag>, core: &[&str], span: Span) -> Result<(), Mistake> {
    let unknown = tag.is_some_and(|tag| tag.core_suffix().is_none_or(|suffix| !core.contains(&suffix)));
    if unknown {
        Err(Mistake::at(span, "a tag has no meaning here").help("leave the `!…` out"))
    } else {
        Ok(())
    }
}
