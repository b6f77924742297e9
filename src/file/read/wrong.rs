//! Why a value was refused, in a person's words.

use std::borrow::Cow;
use std::fmt;

use fmc_core::finding::At;
use fmc_core::nearest::nearest;
use serde::de::{self, Expected, Unexpected};

use super::super::mistake::{Mistake, Wants};
use super::super::tree::{Alias, Node, Span, Value};
use super::Notes;

/// The help for an unknown key: the nearest known key, or all of them.
pub(crate) fn known_instead<'a>(key: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some((_, way)) = OTHER_WAYS.iter().find(|(word, _)| *word == key) {
        return (*way).to_owned();
    }
    match meant(key, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let known: Vec<&str> = known.take(24).collect();
            format!("known keys: {}", known.join(", "))
        }
    }
}

/// The known key that an unknown one stands for.
fn meant<'a>(key: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let other_word = OTHER_WORDS.iter().find(|(word, _)| *word == key).map(|(_, ours)| *ours);
    let ours = other_word.and_then(|ours| known.clone().find(|known| *known == ours));
    ours.or_else(|| nearest(key, known))
}

/// Other tools' words for which there is no key, each with what does it here.
const OTHER_WAYS: &[(&str, &str)] =
    &[("init_containers", INIT_CONTAINERS), ("initContainers", INIT_CONTAINERS)];

const INIT_CONTAINERS: &str = "there are none here: a job that the workload `needs` runs before it, or write the whole workload below `objects` in the \
     form of the API";

/// Other tools' words, each with the key that means the same here.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("nodes", "machines"),
    ("vms", "machines"),
    ("instances", "machines"),
    ("domains", "machines"),
    ("servers", "machines"),
    ("hypervisors", "hosts"),
    ("nics", "interfaces"),
    ("volumes", "disks"),
    ("ram", "memory"),
    ("vcpus", "cpus"),
];

/// Words that other tools and YAML 1.1 use for one of several values: the word, the right value, and the help. The help may
/// repeat the word, because it is no secret.
const OTHER_VALUES: &[(&str, &str, &str)] = &[
    ("off", "stopped", "`off` is a text in YAML 1.2; did you mean `stopped`?"),
    ("false", "stopped", "did you mean `stopped`?"),
    ("shutoff", "stopped", "did you mean `stopped`?"),
    ("on", "running", "`on` is a text in YAML 1.2; did you mean `running`?"),
    ("true", "running", "did you mean `running`?"),
    ("started", "running", "did you mean `running`?"),
    ("ubuntu", "debian", "fmc does not know Ubuntu; the nearest system is `debian`"),
    ("centos", "rocky", "fmc does not know CentOS; the nearest systems are `rocky` and `almalinux`"),
    ("rhel", "rocky", "fmc does not know RHEL; the nearest systems are `rocky` and `almalinux`"),
    ("coreos", "fedora-coreos", "did you mean `fedora-coreos`?"),
    ("dhcp", "nat", "a network with DHCP is `nat`, `routed`, `open` or `isolated`"),
];

fn other_value(word: &str, known: &[&str]) -> Option<String> {
    let word = word.to_lowercase();
    let is_meant = |(other, ours, _): &&(&str, &str, &str)| *other == word && known.contains(ours);
    OTHER_VALUES.iter().find(is_meant).map(|(_, _, help)| (*help).to_owned())
}

/// The form in which a value of a wrong type would be right.
pub(super) fn form_of(expected: &str, found: &str) -> String {
    let form = match (expected, found) {
        ("a list", "a map") => "put each member in brackets, as [{…}]",
        ("a list", "nothing") => "write a list in brackets, as [a, b], or leave the key out",
        ("a list", _) => "put it in brackets, as [a]; several as [a, b]",
        (map, "a list") if map.starts_with("a map by ") => "write each by its name, as {NAME: …}",
        (map, _) if map.starts_with("a map by ") => "write {NAME: …}, with the name that it has",
        _ => "",
    };
    form.to_owned()
}

/// The reason why serde stopped.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) mistake: Box<Mistake>,
    /// The identity of the value that is wrong; `None` until the innermost place has added it.
    pub(super) at: Option<usize>,
    /// The required key that a map does not have.
    missing: Option<&'static str>,
    /// Whether it only follows from a mistake inside the value.
    pub(super) follows: bool,
    /// The range of the value that is wrong.
    pub(super) value: Span,
}

impl Wrong {
    pub(super) fn new(message: String, help: String) -> Self {
        let mistake = Mistake::at(Span::default(), message).help(help);
        Self { mistake: Box::new(mistake), at: None, missing: None, follows: false, value: Span::default() }
    }

    /// The schema may add to its help.
    pub(super) fn wants(mut self, wants: Wants) -> Self {
        self.mistake.wants = Some(Box::new(wants));
        self
    }

    /// It is in a value that an alias repeats.
    pub(super) fn repeated(mut self, alias: Option<Alias>) -> Self {
        // The outermost of several is the one that the author of the path sees.
        if let Some(by) = alias {
            self.mistake.alias = Some(by.alias);
        }
        self
    }

    /// The mistake is at the innermost place: at this value, and shown at this range.
    pub(super) fn within(mut self, at: &At<'_>, span: Span, node: &Node<'_>, notes: &Notes) -> Self {
        if self.at.is_none() {
            self.mistake.path = at.to_string();
            self.mistake.span = span;
            self.value = node.span;
            if is_dashed(node) {
                self.mistake.help = "a list's item begins with a dash and a space, as `- a`".to_owned();
            }
            self.at = Some(Notes::id(node));
            self.follows |= self.is_caused_inside(node, notes);
        }
        self
    }

    /// Whether a value lacks only parts that were passed over. A key that is missing may be there with a typo.
    fn is_caused_inside(&self, node: &Node<'_>, notes: &Notes) -> bool {
        match &node.value {
            Value::Map(members) => {
                members.iter().filter(|member| notes.passes_over(&member.node)).any(|member| {
                    self.missing.is_none_or(|missing| {
                        member.key == missing || meant(&member.key, std::iter::once(missing)).is_some()
                    })
                })
            }
            Value::List(values) => values.iter().any(|value| notes.passes_over(value)),
            _ => false,
        }
    }
}

/// Whether a map was meant as a list: each of its keys begins with a dash, without a space behind it.
fn is_dashed(node: &Node<'_>) -> bool {
    let Value::Map(members) = &node.value else { return false };
    let mut members = members.iter().peekable();
    members.peek().is_some() && members.all(|member| member.key.starts_with('-') && member.key.len() > 1)
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mistake.message)
    }
}

impl std::error::Error for Wrong {}

/// No message quotes a value, because it may be a misplaced secret.
impl de::Error for Wrong {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string(), String::new())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "a truth value",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a text",
            Unexpected::Unit | Unexpected::Option => "nothing",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a map",
            _ => "something else",
        };
        let expected = expected.to_string();
        let expected = match expected.as_str() {
            "a sequence" => "a list",
            "a string" => "a text",
            "a boolean" => "true or false",
            other => other.strip_prefix("struct ").map_or(other, |_| "a map"),
        };
        let help = form_of(expected, found);
        Self::new(format!("{} is expected here, and this is {found}", closed(expected)), help)
            .wants(Wants::Example)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        // A similar word is a typo; any other may be a misplaced text.
        let longer = || expected.iter().copied().find(|known| is_begun_by(variant, known));
        match nearest(variant, expected.iter().copied()).or_else(longer) {
            Some(near) => {
                Self::new(format!("`{variant}` is not known here"), format!("did you mean `{near}`?"))
            }
            None => {
                let help = other_value(variant, expected).unwrap_or_default();
                Self::new(format!("{} is expected here", one_of(expected)), help).wants(Wants::Example)
            }
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let help = known_instead(field, expected.iter().copied());
        Self::new(format!("the key `{field}` is not known here"), help).wants(Wants::Key(field.to_owned()))
    }

    fn missing_field(field: &'static str) -> Self {
        let wrong = Self::new(format!("`{field}` is missing"), String::new()).wants(Wants::Missing(field));
        Self { missing: Some(field), ..wrong }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("the key `{field}` occurs twice"), String::new())
    }
}

/// Whether a word is a known one with an ending, as `natted`, or the beginning of one. At least half of the longer one is
/// the same, so that a text that belongs elsewhere is not taken for it.
fn is_begun_by(word: &str, known: &str) -> bool {
    let (short, long) = if word.len() < known.len() { (word, known) } else { (known, word) };
    short.len() >= 3 && short.len() * 2 >= long.len() && long.starts_with(short)
}

/// An expectation as a part of a sentence: one that ends with an example ends with a comma.
pub(super) fn closed(expected: &str) -> Cow<'_, str> {
    let example = expected.rsplit_once(", for example ").map(|(_, example)| example);
    if example.is_some_and(|example| !example.contains(", ")) {
        format!("{expected},").into()
    } else {
        expected.into()
    }
}

pub(super) fn one_of(names: &[&str]) -> String {
    format!("one of {}", names.join(", "))
}
