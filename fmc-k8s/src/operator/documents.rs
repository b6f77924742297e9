//! Texts of YAML with several documents, and their mistakes in words.

use serde_json::Value;
use serde_saphyr::Error;

/// The documents of a text. A list of objects is the objects in it. A mistake has the number of its document and its line in the text.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let mut all = Vec::new();
    let (mut document, mut begins, mut number) = (String::new(), 1, 1);
    let lines = text.lines().zip(1..).map(|(line, number)| (Some(line), number));
    // A line of dashes or dots cannot be in a text of YAML: such a text is indented.
    for (line, at) in lines.chain([(None, 0)]) {
        match line {
            Some(line) if !is_mark(line) => {
                document += line;
                document.push('\n');
            }
            mark => {
                if !says_nothing(&document) {
                    let found = parsed(&document).map_err(|mistake| mistake.told(number, begins))?;
                    all.extend(found);
                    number += 1;
                }
                document.clear();
                // A value may stand behind the dashes.
                document += mark.and_then(|mark| mark.strip_prefix("---")).unwrap_or_default();
                document.push('\n');
                begins = at;
            }
        }
    }
    Ok(all)
}

/// Whether a line begins a document, or ends one.
fn is_mark(line: &str) -> bool {
    let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r']))
}

fn says_nothing(document: &str) -> bool {
    document.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with(['#', '%']))
}

/// A mistake in a document.
struct Mistake {
    /// Its line in the document, from 1 on, if it has one.
    line: Option<u64>,
    words: String,
}

impl Mistake {
    /// The mistake with its place in the text: the number of its document, and the line in which that begins.
    fn told(self, document: usize, begins: u64) -> String {
        let line = begins + self.line.unwrap_or(1).saturating_sub(1);
        format!("document {document}, line {line}: {}", self.words)
    }
}

fn parsed(document: &str) -> Result<Vec<Value>, Mistake> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let value: Value = serde_saphyr::from_str_with_options(document, options).map_err(|error| {
        let line = error.location().map(|location| location.line()).filter(|line| *line > 0);
        Mistake { line, words: words(error.without_snippet()) }
    })?;
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Object(mut map) if is_list && map.contains_key("items") => match map.remove("items") {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Mistake { line: None, words: "its `items` are not a list".to_owned() }),
        },
        value => Ok(vec![value]),
    }
}

/// The words of a mistake: those of the format, not of the library that reads it.
fn words(error: &Error) -> String {
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` stands twice in one map: leave one of them out")
        }
        Error::DuplicateMappingKey { key: None, .. } => {
            "a key stands twice in one map: leave one of them out".to_owned()
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            "it is larger, deeper or has more aliases than a file of objects has (at most 250 000 values, 64 levels): split it, or write the \
             aliases out"
                .to_owned()
        }
        Error::UnknownAnchor { .. } => {
            "an alias names no anchor above it: an alias `*name` follows its `&name`, and a text that begins with `*` needs quotes"
                .to_owned()
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "an alias stands within its own anchor: write the value out".to_owned()
        }
        Error::Eof { .. } => "it ends in the middle of a value".to_owned(),
        Error::AliasError { error, .. } => words(error),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => "behind `<<:` stands neither a map nor a list of maps".to_owned(),
        Error::ContainerEndMismatch { .. }
        | Error::UnexpectedSequenceEnd { .. }
        | Error::UnexpectedMappingEnd { .. } => "a bracket closes what none opened".to_owned(),
        Error::UnsupportedTag { tag, .. } => {
            format!("the tag {tag} has no meaning here: leave it out, or put a text that begins with `!` in quotes")
        }
        Error::NonFiniteFloat { value, .. } => format!("{value} is not a number that an object can have"),
        Error::Message { msg, .. } | Error::ExternalMessage { msg, .. } => format!("it is not YAML: {}", msg.lines().next().unwrap_or_default()),
        _ => "it is not YAML that an object can be made from".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, String> {
        let of = |value: &Value| value.pointer("/metadata/name").map(ToString::to_string).unwrap_or_default();
        documents(text).map(|all| all.iter().map(of).collect())
    }

    #[test]
    fn a_text_has_documents_and_lists() {
        let text = "# a comment\n---\nkind: A\nmetadata: {name: a}\n--- # next\nkind: B\nmetadata: {name: b}\ndata: |\n  ---\n  x\n---\n\n\
                    ---\nkind: AList\nitems:\n- metadata: {name: c}\n- metadata: {name: d}\n...\n";
        assert_eq!(names(text).unwrap(), ["\"a\"", "\"b\"", "\"c\"", "\"d\""]);
        assert_eq!(names("").unwrap(), [""; 0]);
        // None is lost behind the line that ends the one before it.
        let ended = "metadata: {name: a}\n...\nmetadata: {name: b}\n...\n---\nmetadata: {name: c}\n";
        assert_eq!(names(ended).unwrap(), ["\"a\"", "\"b\"", "\"c\""]);
        assert!(names("kind: AList\nitems: 3\n").is_err());
    }

    #[test]
    fn a_mistake_has_its_document_its_line_and_words_of_the_format() {
        let told = |text: &str| names(text).unwrap_err();
        assert_eq!(
            told("kind: A\n---\n# second\nkind: B\nmetadata:\n  name: b\n  name: c\n"),
            "document 2, line 7: the key `name` stands twice in one map: leave one of them out"
        );
        let deep = format!("kind: A\nspec: {}{}\n", "[".repeat(70), "]".repeat(70));
        assert!(told(&deep).starts_with("document 1, line 2: it is larger, deeper"), "{}", told(&deep));
        for wrong in [
            "kind: A\n---\nkind: [\n",
            "kind: A\n---\nkind: B\n b: 3\n",
            "a: b\n--- \n- a\nb: c\n",
            "a: *b\n",
            "a: &a [*a]\n",
            "a: }\n",
            "a: 'b\n",
            "a: b: c\n",
        ] {
            let told = told(wrong);
            assert!(told.contains(": it is not YAML: ") || told.contains("alias"), "{wrong}: {told}");
            assert!(told.starts_with("document "), "{wrong}: {told}");
            for word in ["Policy", "Options", "budget", "breach", "deserialize", "serde", "Location"] {
                assert!(!told.contains(word), "{wrong}: {told}");
            }
        }
    }
}
