//! Rewrites of image names: a regular expression of Go's and its replacement.
//!
//! K3s hands both to containerd, whose expressions are RE2's (Go, *regexp/syntax*). A pattern that does not compile ends
//! K3s. [`regex_syntax`] reads nearly the same language; what it reads and Go does not is refused here, and what Go reads
//! and it does not is passed over.

use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{
    self, Ast, ErrorKind, Flag, FlagsItemKind, GroupKind, HexLiteralKind, LiteralKind, RepetitionKind,
    RepetitionRange, Visitor,
};

/// The most repetitions that RE2 counts.
const MOST: u32 = 1000;

/// The groups of a pattern: how many there are, and their names.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) count: u32,
    names: Vec<String>,
}

/// The groups of a pattern, or why Go refuses it. `None` if that is not known.
pub(super) fn read(pattern: &str) -> Option<Result<Groups, String>> {
    match ParserBuilder::new().nest_limit(200).build().parse(pattern) {
        Ok(tree) => match ast::visit(&tree, Reader::default()) {
            Ok(groups) => Some(Ok(groups)),
            Err(why) => Some(Err(why.to_owned())),
        },
        Err(error) => is_go_s(&error).then(|| Err(why(error.kind()))),
    }
}

/// Whether Go refuses too what the parser refuses.
fn is_go_s(error: &ast::Error) -> bool {
    let span = error.span();
    let text = error.pattern().get(span.start.offset..span.end.offset).unwrap_or_default();
    match error.kind() {
        // `a{` and `a{,5}` are literal braces, and `[[]` is a class with a bracket.
        ErrorKind::RepetitionCountUnclosed | ErrorKind::RepetitionCountDecimalEmpty => false,
        ErrorKind::ClassUnclosed => !error.pattern().contains("[["),
        // `\Q…\E` is a literal text.
        ErrorKind::EscapeUnrecognized => !matches!(text, r"\Q" | r"\E"),
        // `\12` and `\0` are octal numbers.
        ErrorKind::UnsupportedBackreference => {
            let after = error.pattern().get(span.end.offset..).unwrap_or_default();
            !text.starts_with(r"\0") && !after.starts_with(|next: char| next.is_digit(8))
        }
        // Go takes two groups of one name, a name that begins with a digit, a flag twice, `[\d-z]`, and `\b{x}` as text.
        ErrorKind::GroupNameDuplicate { .. }
        | ErrorKind::GroupNameInvalid
        | ErrorKind::FlagDuplicate { .. }
        | ErrorKind::ClassRangeLiteral
        | ErrorKind::SpecialWordBoundaryUnclosed
        | ErrorKind::SpecialWordBoundaryUnrecognized
        | ErrorKind::SpecialWordOrRepetitionUnexpectedEof
        | ErrorKind::NestLimitExceeded(_)
        | ErrorKind::CaptureLimitExceeded => false,
        _ => true,
    }
}

/// The reason without the picture that the parser draws.
fn why(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::UnsupportedLookAround => "it looks ahead or behind, which RE2 cannot".to_owned(),
        ErrorKind::UnsupportedBackreference => "it refers back to a group, which RE2 cannot".to_owned(),
        other => other.to_string(),
    }
}

#[derive(Default)]
struct Reader(Groups);

impl Visitor for Reader {
    type Output = Groups;
    type Err = &'static str;

    fn finish(self) -> Result<Groups, &'static str> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), &'static str> {
        match ast {
            Ast::Flags(flags) => flags_of_go(&flags.flags),
            Ast::Literal(literal) => literal_of_go(&literal.kind),
            Ast::ClassUnicode(class) => class_of_go(class),
            Ast::Repetition(repetition) => {
                if matches!(*repetition.ast, Ast::Repetition(_)) {
                    return Err("two signs of repetition stand behind each other");
                }
                let most = match &repetition.op.kind {
                    RepetitionKind::Range(RepetitionRange::Exactly(count)) => *count,
                    RepetitionKind::Range(RepetitionRange::AtLeast(least)) => *least,
                    RepetitionKind::Range(RepetitionRange::Bounded(_, most)) => *most,
                    _ => 0,
                };
                if most > MOST { Err("it repeats something more than 1000 times") } else { Ok(()) }
            }
            Ast::Group(group) => match &group.kind {
                GroupKind::CaptureIndex(index) => {
                    self.0.count = self.0.count.max(*index);
                    Ok(())
                }
                GroupKind::CaptureName { name, .. } => {
                    self.0.count = self.0.count.max(name.index);
                    self.0.names.push(name.name.clone());
                    Ok(())
                }
                GroupKind::NonCapturing(flags) => flags_of_go(flags),
            },
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), &'static str> {
        match item {
            ast::ClassSetItem::Literal(literal) => literal_of_go(&literal.kind),
            ast::ClassSetItem::Unicode(class) => class_of_go(class),
            _ => Ok(()),
        }
    }
}

fn flags_of_go(flags: &ast::Flags) -> Result<(), &'static str> {
    let is_other = |item: &ast::FlagsItem| {
        let FlagsItemKind::Flag(flag) = &item.kind else { return false };
        matches!(flag, Flag::Unicode | Flag::CRLF | Flag::IgnoreWhitespace)
    };
    if flags.items.iter().any(is_other) { Err("Go knows only the flags i, m, s and U") } else { Ok(()) }
}

fn literal_of_go(kind: &LiteralKind) -> Result<(), &'static str> {
    match kind {
        LiteralKind::HexFixed(kind) | LiteralKind::HexBrace(kind) if *kind != HexLiteralKind::X => {
            Err("Go writes a character by its number as \\x{10FFFF}")
        }
        _ => Ok(()),
    }
}

fn class_of_go(class: &ast::ClassUnicode) -> Result<(), &'static str> {
    match class.kind {
        ast::ClassUnicodeKind::NamedValue { .. } => {
            Err("Go writes a class as \\p{Greek}, without a property")
        }
        _ => Ok(()),
    }
}

impl Groups {
    /// The first group that a replacement names and the pattern does not have: Go puts an empty text there (Go,
    /// *regexp*, `Regexp.Expand`). `$1x` is the group `1x`.
    pub(super) fn missing(&self, replacement: &str) -> Option<String> {
        let mut rest = replacement;
        while let Some((_, after)) = rest.split_once('$') {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let (name, after) = if let Some(escaped) = after.strip_prefix('$') {
                ("", escaped)
            } else if let Some((name, after)) =
                after.strip_prefix('{').and_then(|braced| braced.split_once('}'))
            {
                (name, after)
            } else {
                after.split_at(after.find(|c| !is_word(c)).unwrap_or(after.len()))
            };
            let has = match name.parse::<u32>() {
                Ok(number) => number <= self.count,
                Err(_) => name.is_empty() || self.names.iter().any(|own| own == name),
            };
            if !has {
                return Some(name.to_owned());
            }
            rest = after;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_that_go_reads() {
        // Each was compiled by Go's regexp.
        for pattern in [
            "^library/(.*)",
            "^(?P<first>[a-z]+)/(?i:x)$",
            "(?<name>a)",
            r"\Qa.b\E",
            "a{",
            "a{,5}",
            "a{2,1000}",
            "[[]",
            r"\012",
            r"\x{10FFFF}\pN\p{Greek}[[:alpha:]]",
            "a*?|b+?|()",
            "(?:a*)*",
            "(?sU)a",
            "(?P<n>a)(?P<n>b)",
            "(?P<1>a)",
            "(?ii)a",
            r"[\d-z]",
            r"\b{x}",
            r"\<",
            "[a&&b]",
        ] {
            assert!(!matches!(read(pattern), Some(Err(_))), "{pattern}: {:?}", read(pattern));
        }
    }

    #[test]
    fn patterns_that_go_refuses() {
        // Each was refused by Go's regexp.
        for (pattern, why) in [
            ("^library/(?!busybox)(.*)", "it looks ahead or behind, which RE2 cannot"),
            ("(?<=a)b", "it looks ahead or behind, which RE2 cannot"),
            (r"(a)\1", "it refers back to a group, which RE2 cannot"),
            ("(.*", "unclosed group"),
            (".*)", "unopened group"),
            ("*", "repetition operator missing expression"),
            ("[z-a]", "invalid character class range, the start must be <= the end"),
            ("[a", "unclosed character class"),
            ("a**", "two signs of repetition stand behind each other"),
            ("a{1001}", "it repeats something more than 1000 times"),
            ("(?x)a", "Go knows only the flags i, m, s and U"),
            ("(?x:a)", "Go knows only the flags i, m, s and U"),
            (r"\u{61}", "Go writes a character by its number as \\x{10FFFF}"),
            (r"[\u0061]", "Go writes a character by its number as \\x{10FFFF}"),
            (r"\p{scx=Greek}", "Go writes a class as \\p{Greek}, without a property"),
            (r"\y", "unrecognized escape sequence"),
        ] {
            assert_eq!(
                read(pattern).map(|read| read.map(|groups| groups.count)),
                Some(Err(why.to_owned())),
                "{pattern}"
            );
        }
    }

    #[test]
    fn replacements_name_groups_of_their_pattern() {
        let missing = |pattern: &str, replacement: &str| {
            read(pattern).and_then(Result::ok).and_then(|groups| groups.missing(replacement))
        };
        for (replacement, expected) in [
            ("hub/$1", None),
            ("hub/${1}x/$0", None),
            ("$$2/$", None),
            ("${name}", None),
            ("$name/", None),
            ("hub/$2", None),
            ("hub/$3", Some("3")),
            ("hub/$1x", Some("1x")),
            ("$other", Some("other")),
            ("${", None),
        ] {
            assert_eq!(missing("^(.*)/(?P<name>.*)", replacement).as_deref(), expected, "{replacement}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(pattern in "\\PC*", replacement in "[$a-z0-9{}]*") {
            if let Some(Ok(groups)) = read(&pattern) {
                let _ = groups.missing(&replacement);
            }
        }
    }
}
