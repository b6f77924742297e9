//! The grammars of names, as constant functions, so that the compiler checks literals.

use crate::given::LeafError;

/// The fault of an invalid name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Empty,
    Long,
    /// The byte at this index is not allowed; all bytes before it are ASCII.
    Byte(usize),
    /// The byte at this index is allowed inside a name, but not at this place.
    Place(usize),
    /// A label has more than 63 characters.
    Label,
    /// The parts are valid, the whole is not.
    Shape(&'static str),
    /// The required suffix is missing; if several are allowed, this is the usual one.
    Ending(&'static str),
}

/// A set of ASCII characters.
#[derive(Clone, Copy)]
enum Set {
    LowerDigit,
    Alphanumeric,
    LowerAnd(&'static [u8]),
    LowerDigitAnd(&'static [u8]),
    AlphanumericAnd(&'static [u8]),
    VisibleBut(&'static [u8]),
}

impl Set {
    const fn has(self, byte: u8) -> bool {
        match self {
            Self::LowerDigit => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::LowerAnd(more) => byte.is_ascii_lowercase() || contains(more, byte),
            Self::LowerDigitAnd(more) => Self::LowerDigit.has(byte) || contains(more, byte),
            Self::AlphanumericAnd(more) => byte.is_ascii_alphanumeric() || contains(more, byte),
            Self::VisibleBut(less) => byte.is_ascii_graphic() && !contains(less, byte),
        }
    }
}

const SUFFIXES: &[&str] = &[
    ".service",
    ".socket",
    ".device",
    ".mount",
    ".automount",
    ".swap",
    ".target",
    ".path",
    ".timer",
    ".snapshot",
    ".slice",
    ".scope",
];

/// One label of a domain name; its length is not checked.
pub(super) const fn label(text: &str) -> Result<(), Fault> {
    scan(text, Set::LowerDigit, Set::LowerDigitAnd(b"-"), Set::LowerDigit)
}

pub(super) const fn pool(text: &str) -> Result<(), Fault> {
    token(text, b"._-")
}

pub(super) const fn volume(text: &str) -> Result<(), Fault> {
    token(text, b"._+:@~-")
}

/// A name, and a version after `=`: Debian Policy §5.6.12, and RPM's `^`.
pub(super) const fn package(text: &str) -> Result<(), Fault> {
    let mut bytes = text.as_bytes();
    if bytes.is_empty() {
        return Err(Fault::Empty);
    }
    let mut inside = Set::AlphanumericAnd(b"._+-");
    let (mut at, mut is_first, mut has_version) = (0, true, false);
    while let [byte, rest @ ..] = bytes {
        if *byte == b'=' && !is_first && !has_version {
            inside = Set::AlphanumericAnd(b"._+~:^-");
            (is_first, has_version) = (true, true);
        } else if !inside.has(*byte) {
            return Err(Fault::Byte(at));
        } else if is_first && !byte.is_ascii_alphanumeric() {
            return Err(Fault::Place(at));
        } else {
            is_first = false;
        }
        at += 1;
        bytes = rest;
    }
    if is_first { Err(Fault::Place(at - 1)) } else { Ok(()) }
}

/// One argument of the kernel: whatever has no space, and no quotation mark, in which a boot loader would see one.
pub(super) const fn argument(text: &str) -> Result<(), Fault> {
    let mut bytes = text.as_bytes();
    if bytes.is_empty() {
        return Err(Fault::Empty);
    }
    let mut at = 0;
    while let [byte, rest @ ..] = bytes {
        if !byte.is_ascii_graphic() || matches!(*byte, b'"' | b'\'' | b'\\') {
            return Err(Fault::Byte(at));
        }
        at += 1;
        bytes = rest;
    }
    Ok(())
}

pub(super) const fn serial(text: &str) -> Result<(), Fault> {
    let set = Set::AlphanumericAnd(b"._+-");
    scan(text, set, set, set)
}

pub(super) const fn account(text: &str) -> Result<(), Fault> {
    let inside = Set::LowerDigitAnd(b"_-");
    scan(text, Set::LowerAnd(b"_"), inside, inside)
}

pub(super) const fn ipa_user(text: &str) -> Result<(), Fault> {
    let inside = Set::LowerDigitAnd(b"_.-");
    scan(text, Set::LowerDigitAnd(b"_."), inside, inside)
}

/// As FreeIPA's users and groups, which are no numbers.
pub(super) const fn ipa_account(text: &str) -> Result<(), Fault> {
    let inside = Set::LowerDigitAnd(b"_.-");
    if let Err(fault) = scan(text, Set::LowerDigitAnd(b"_"), inside, inside) {
        return Err(fault);
    }
    let mut bytes = text.as_bytes();
    while let [byte, rest @ ..] = bytes {
        if !byte.is_ascii_digit() {
            return Ok(());
        }
        bytes = rest;
    }
    Err(Fault::Shape("is a number"))
}

pub(super) const fn bridge(text: &str) -> Result<(), Fault> {
    if matches!(text.as_bytes(), b"." | b"..") {
        return Err(Fault::Shape("is a folder's name"));
    }
    if matches!(text.as_bytes(), b"lo") {
        return Err(Fault::Shape("is the loopback interface, which every host has"));
    }
    // systemd refuses these as names of interfaces: the kernel's settings have folders of these names.
    if matches!(text.as_bytes(), b"all" | b"default") {
        return Err(Fault::Shape("is a folder of the kernel's settings for interfaces"));
    }
    let set = Set::VisibleBut(b"/:");
    scan(text, set, set, set)
}

pub(super) const fn interface(text: &str) -> Result<(), Fault> {
    match bridge(text) {
        Ok(()) => serial(text),
        fault => fault,
    }
}

pub(super) const fn unit(text: &str) -> Result<(), Fault> {
    let inside = Set::AlphanumericAnd(b":_.\\@-");
    if let Err(fault) = scan(text, Set::AlphanumericAnd(b":_.\\-"), inside, inside) {
        return Err(fault);
    }
    let mut suffixes = SUFFIXES;
    while let [suffix, rest @ ..] = suffixes {
        if ends_with(text, suffix) {
            return Ok(());
        }
        suffixes = rest;
    }
    Err(Fault::Ending(".service"))
}

pub(super) const fn dropin(text: &str) -> Result<(), Fault> {
    match token(text, b"._-") {
        Ok(()) if !ends_with(text, ".conf") => Err(Fault::Ending(".conf")),
        result => result,
    }
}

pub(super) const fn fqdn(text: &str) -> Result<(), Fault> {
    match domain(text) {
        Ok(()) if !contains(text.as_bytes(), b'.') => Err(Fault::Shape("has only one label")),
        result => result,
    }
}

/// Labels with dots between them.
pub(super) const fn domain(text: &str) -> Result<(), Fault> {
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    let mut bytes = text.as_bytes();
    let mut at = 0;
    let mut before = b'.';
    let mut length = 0;
    while let [byte, rest @ ..] = bytes {
        match *byte {
            b'.' if before == b'.' => return Err(Fault::Place(at)),
            b'.' if before == b'-' => return Err(Fault::Place(at - 1)),
            b'-' if before == b'.' => return Err(Fault::Place(at)),
            b'.' => length = 0,
            byte if Set::LowerDigitAnd(b"-").has(byte) => length += 1,
            _ => return Err(Fault::Byte(at)),
        }
        if length > 63 {
            return Err(Fault::Label);
        }
        before = *byte;
        at += 1;
        bytes = rest;
    }
    if before == b'.' || before == b'-' { Err(Fault::Place(at - 1)) } else { Ok(()) }
}

/// Checks a rule and a greatest length.
pub(super) fn within(text: &str, rule: fn(&str) -> Result<(), Fault>, max: usize) -> Result<(), Fault> {
    rule(text)?;
    if text.len() > max { Err(Fault::Long) } else { Ok(()) }
}

/// Explains the fault of a text, what a valid text looks like, and the nearest valid name.
pub(super) fn why(
    text: &str,
    fault: Fault,
    rule: fn(&str) -> Result<(), Fault>,
    must: &str,
    max: usize,
    near: Near,
) -> LeafError {
    let wrong = match fault {
        Fault::Empty => "it is empty".to_owned(),
        Fault::Long => {
            let count = text.chars().count();
            return LeafError::new(format!("it has {count} characters, but at most {max} are allowed"));
        }
        Fault::Byte(at) => format!("{} is not allowed", character(text, at)),
        Fault::Place(at) => format!("{} is not allowed there", character(text, at)),
        Fault::Label => "a label has more than 63 characters".to_owned(),
        Fault::Shape(shape) => format!("it {shape}"),
        Fault::Ending(_) => "the required suffix is missing".to_owned(),
    };
    let ending = if let Fault::Ending(ending) = fault { ending } else { "" };
    match near(text, ending, rule, max) {
        Some(name) => LeafError::mending(format!("{wrong}: it has {must}; try {name}")),
        None => LeafError::new(format!("{wrong}: it has {must}")),
    }
}

const fn token(text: &str, more: &'static [u8]) -> Result<(), Fault> {
    let inside = Set::AlphanumericAnd(more);
    scan(text, Set::Alphanumeric, inside, inside)
}

const fn scan(text: &str, first: Set, inside: Set, last: Set) -> Result<(), Fault> {
    let mut bytes = text.as_bytes();
    if bytes.is_empty() {
        return Err(Fault::Empty);
    }
    let mut at = 0;
    while let [byte, rest @ ..] = bytes {
        if !inside.has(*byte) {
            return Err(Fault::Byte(at));
        }
        if (at == 0 && !first.has(*byte)) || (rest.is_empty() && !last.has(*byte)) {
            return Err(Fault::Place(at));
        }
        at += 1;
        bytes = rest;
    }
    Ok(())
}

const fn contains(set: &[u8], byte: u8) -> bool {
    let mut set = set;
    while let [first, rest @ ..] = set {
        if *first == byte {
            return true;
        }
        set = rest;
    }
    false
}

/// Whether the text ends with the suffix and is longer than it.
const fn ends_with(text: &str, suffix: &str) -> bool {
    let (mut text, mut suffix) = (text.as_bytes(), suffix.as_bytes());
    while let [suffix_rest @ .., expected] = suffix {
        match text {
            [text_rest @ .., byte] if *byte == *expected => text = text_rest,
            _ => return false,
        }
        suffix = suffix_rest;
    }
    !text.is_empty()
}

fn character(text: &str, at: usize) -> String {
    let found = text.get(at..).and_then(|rest| rest.chars().next());
    found.map_or_else(|| "the end".to_owned(), |found| format!("{found:?} (character {})", at + 1))
}

/// Finds a valid name that may be meant.
pub(super) type Near = fn(&str, &str, fn(&str) -> Result<(), Fault>, usize) -> Option<String>;

/// The text without the characters that are not allowed.
pub(super) fn nearest(
    text: &str,
    ending: &str,
    rule: fn(&str) -> Result<(), Fault>,
    max: usize,
) -> Option<String> {
    let replaced = |keep: &str| {
        let text: String = text
            .trim()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || keep.contains(c) { c } else { '-' })
            .collect();
        text.trim_matches(['-', '.']).to_owned()
    };
    let (dotted, label) = (replaced("._-"), replaced("-"));
    let candidates = [
        format!("{dotted}{ending}"),
        dotted.replace('_', "-"),
        dotted.to_ascii_lowercase(),
        dotted.to_ascii_lowercase().replace('_', "-"),
        label.to_ascii_lowercase(),
    ];
    candidates.into_iter().find(|name| within(name, rule, max).is_ok())
}

/// The text without the space around it. A changed name would name something else, or nothing.
pub(super) fn trimmed(
    text: &str,
    _: &str,
    rule: fn(&str) -> Result<(), Fault>,
    max: usize,
) -> Option<String> {
    Some(text.trim().to_owned()).filter(|name| within(name, rule, max).is_ok())
}
