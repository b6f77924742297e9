//! The syntax tree of a text, in which every key and value knows its place.
//!
//! YAML, TOML and JSON are read into this tree, and one reader makes a cloud of it: every mistake and every finding has a
//! line in each format, and no format has rules of its own. A plain scalar of YAML is kept as text until a
//! setting needs a type: `no` is a name where a name belongs. The text is read again only if a finding needs its place.

use std::borrow::Cow;
use std::ops::Range;

use super::mistake::{MOST_MISTAKES, Mistake};

/// The greatest depth of a text.
pub(crate) const DEEPEST: usize = 64;
/// The greatest number of values in a text, with the expansions of its aliases.
pub(crate) const MOST_VALUES: usize = 2_000_000;

/// A range of bytes of a text, which has less than 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(range: Range<usize>) -> Self {
        let at = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        Self { start: at(range.start), end: at(range.end) }
    }

    pub(crate) fn moved(self, offset: usize) -> Self {
        let Range { start, end } = self.range();
        Self::new(start + offset..end + offset)
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) span: Span,
    pub(crate) value: Value<'a>,
    /// Where it is repeated from, if it is there by an alias of YAML.
    pub(crate) alias: Option<Alias>,
}

/// The places of an alias and of its anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    pub(crate) alias: Span,
    pub(crate) anchor: Span,
}

/// A value as it is written.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    /// Nothing: `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, as it is written.
    Number(Cow<'a, str>),
    /// A text without quotes, whose type is not known yet: YAML's plain scalar.
    #[cfg_attr(not(feature = "yaml"), expect(dead_code, reason = "only YAML has it"))]
    Plain(Cow<'a, str>),
    /// A text.
    Text(Cow<'a, str>),
    /// Values in order.
    List(Vec<Node<'a>>),
    /// Values by key.
    Map(Members<'a>),
}

/// The members of a map, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members<'a> {
    members: Vec<Member<'a>>,
    /// Their indices, sorted by key.
    sorted: Vec<u32>,
}

/// A member of a map.
#[derive(Clone, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(crate) span: Span,
    pub(crate) node: Node<'a>,
}

impl<'a> Members<'a> {
    /// The members of a map. Of duplicate keys the first is kept, and each other one is a mistake.
    pub(crate) fn new(mut members: Vec<Member<'a>>, mistakes: &mut Vec<Mistake>) -> Self {
        let mut sorted = by_key(&members);
        let mut twice: Vec<usize> = Vec::new();
        for pair in sorted.windows(2) {
            let [first, second] = pair else { continue };
            let (Some(first), Some(again)) = (members.get(*first as usize), members.get(*second as usize))
            else {
                continue;
            };
            if first.key == again.key {
                if mistakes.len() < MOST_MISTAKES {
                    let message = format!("the key `{}` occurs twice", again.key);
                    let mistake = Mistake::at(again.span, message).also(first.span);
                    mistakes.push(mistake.help("keep one of the two"));
                }
                twice.push(*second as usize);
            }
        }
        if !twice.is_empty() {
            twice.sort_unstable();
            let mut place = 0;
            members.retain(|_| {
                place += 1;
                twice.binary_search(&(place - 1)).is_err()
            });
            sorted = by_key(&members);
        }
        Self { members, sorted }
    }

    /// The member of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Member<'a>> {
        let member = |place: &u32| self.members.get(*place as usize);
        let found = self.sorted.binary_search_by(|place| {
            member(place).map_or(std::cmp::Ordering::Less, |member| member.key.as_ref().cmp(key))
        });
        self.sorted.get(found.ok()?).and_then(member)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Member<'a>> {
        self.members.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Member<'a>> {
        self.members.iter_mut()
    }
}

impl<'a> IntoIterator for Members<'a> {
    type Item = Member<'a>;
    type IntoIter = std::vec::IntoIter<Member<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

fn by_key(members: &[Member<'_>]) -> Vec<u32> {
    let key = |place: &u32| members.get(*place as usize).map(|member| &member.key);
    let mut sorted: Vec<u32> = (0..members.len()).filter_map(|place| u32::try_from(place).ok()).collect();
    sorted.sort_by(|a, b| key(a).cmp(&key(b)).then(a.cmp(b)));
    sorted
}

impl<'a> Node<'a> {
    pub(crate) fn new(range: Range<usize>, value: Value<'a>) -> Self {
        Self { span: Span::new(range), value, alias: None }
    }

    /// The value of a key, to be changed in place.
    pub(crate) fn member_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Value::Map(members) = &mut self.value else { return None };
        members.iter_mut().find(|member| member.key == key).map(|member| &mut member.node)
    }

    /// The type of the value in a person's words.
    pub(crate) fn what(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::Plain(_) | Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// A value without a place, because it does not come from the text.
impl<'a> From<&'a serde_json::Value> for Node<'a> {
    fn from(value: &'a serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let value = match value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(Cow::Owned(number.to_string())),
            Json::String(text) => Value::Text(Cow::Borrowed(text)),
            Json::Array(values) => Value::List(values.iter().map(Self::from).collect()),
            Json::Object(map) => {
                let member = |(key, value): (&'a String, &'a Json)| Member {
                    key: Cow::Borrowed(key.as_str()),
                    span: Span::default(),
                    node: Self::from(value),
                };
                Value::Map(Members::new(map.iter().map(member).collect(), &mut Vec::new()))
            }
        };
        Node { span: Span::default(), value, alias: None }
    }
}
