//! Our words for each kind of the parser's mistakes, and the help, where the lines around tell nothing more.

use granit_parser::ErrorKind;

const HEXADECIMAL: &str = "write two hexadecimal digits behind `\\x`, four behind `\\u`, eight behind `\\U`; for a backslash write `\\\\`";
const TAG: &str = "leave the `!…` out; a text that begins with `!` needs quotes";
const DIRECTIVE: &str = "leave the line that begins with `%` out";

/// The words of a mistake and the help. `None` is a kind that people do not make; the parser's words serve.
pub(super) fn words(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::MappingValueNotAllowed => (
            "a `:` stands where no value may begin",
            "put a text with `: ` in it in quotes, and the keys of a map in one column",
        ),
        ErrorKind::UnknownAnchor => (
            "this alias names no anchor above it",
            "an alias `*name` follows its anchor `&name`; a text that begins with `*` needs quotes",
        ),
        ErrorKind::BlockSequenceEntryNotAllowed => {
            ("a list begins behind its key", "begin a list in a line of its own, or write [a, b]")
        }
        ErrorKind::BlockEntryInFlowCollection => (
            "a dash stands between brackets",
            "write the list as [a, b], or without brackets, one `- …` in each line",
        ),
        ErrorKind::InvalidBlockEntryWhitespace => {
            ("a dash is followed by a tab, and a list or map", "write one space behind the dash")
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidSimpleKey => (
            "a key with its colon is expected here",
            "write `key: value`, with a space after the colon, and the keys of a map in one column",
        ),
        ErrorKind::ExpectedBlockSequenceEntry => {
            ("an item of the list is expected here", "begin each item with `- `, all in one column")
        }
        ErrorKind::ExpectedNodeContent => {
            ("a value is expected here", "write it, or leave the sign before it out")
        }
        ErrorKind::InvalidIndentation | ErrorKind::InvalidFlowScalarIndent => (
            "this line is not indented deeper than the key that it belongs to",
            "indent each line of a value deeper than its key",
        ),
        ErrorKind::MappingKeyNotAllowed | ErrorKind::InvalidMappingValueWhitespace => {
            ("a `?` or `:` stands where no key may begin", "put a text that begins with it in quotes")
        }
        ErrorKind::InvalidColonPlacement => ("a `:` stands where no value may begin", "write `key: value`"),
        ErrorKind::PlainScalarStartsWithDashFlowIndicator => {
            ("a text begins with a dash before a bracket or comma", "put the text in quotes")
        }
        ErrorKind::UnexpectedEndOfPlainScalar => ("a text ends where it begins", "put the text in quotes"),
        ErrorKind::ZeroBlockScalarIndent => (
            "the number behind `|` or `>` is 0",
            "write 1 to 9, or leave it out, and indent the text's lines",
        ),
        ErrorKind::InvalidBlockScalarHeader => (
            "something stands behind `|` or `>` in its line",
            "begin the text in the next line, indented deeper than its key",
        ),
        ErrorKind::InvalidBlockScalarIndent => (
            "the first lines of a text after `|` or `>` are blank and indented deeper than the text",
            "indent the text's lines as deep as its first one, and leave blank lines empty",
        ),
        ErrorKind::CommentInterceptedScalar | ErrorKind::CommentNotSeparated => {
            ("a comment stands within a value", "put a space before `#`, and a text with `#` in it in quotes")
        }
        ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate => ("an escape names no character", HEXADECIMAL),
        ErrorKind::MissingAnchorOrAliasName => {
            ("a `&` or `*` without a name behind it", "put a text that begins with it in quotes")
        }
        ErrorKind::UndeclaredTagHandle
        | ErrorKind::ExpectedTagBang
        | ErrorKind::InvalidTagTerminator
        | ErrorKind::MissingTagUri
        | ErrorKind::UnclosedVerbatimTag
        | ErrorKind::InvalidTagEscape => ("a tag has no meaning here", TAG),
        ErrorKind::DuplicateVersionDirective
        | ErrorKind::UnsupportedYamlMajorVersion
        | ErrorKind::DuplicateTagDirective
        | ErrorKind::InvalidDirectiveTerminator
        | ErrorKind::MissingYamlVersionSeparator
        | ErrorKind::MissingDirectiveName
        | ErrorKind::InvalidDirectiveName
        | ErrorKind::YamlVersionTooLong
        | ErrorKind::MissingYamlVersion
        | ErrorKind::InvalidTagDirectiveTerminator
        | ErrorKind::MissingDocumentEndBeforeDirective => ("a directive is not right", DIRECTIVE),
        ErrorKind::ExpectedDocumentStart | ErrorKind::InvalidDocumentEnd => (
            "something follows behind the end of the document",
            "a file is one cloud: put all keys in one map, each in the same column",
        ),
        ErrorKind::BomInsideDocument => (
            "a byte-order mark stands within the text",
            "leave it out; it comes from another file that was put in",
        ),
        _ => return None,
    })
}
