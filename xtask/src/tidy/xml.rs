//! XML of libvirt is read by its reader: no text search finds, cuts or changes an element of it.

use super::{files, is};
use crate::Failure;
use crate::workspace::root;

/// Where documents are read, compared and changed.
const READERS: &str = "fmc-libvirt/src";

/// The reader and writer themselves, and the simulation, which plays libvirt and edits its documents as libvirt would.
const OTHERS: [&str; 4] =
    ["fmc-libvirt/src/xml/", "fmc-libvirt/src/sim/", "fmc-libvirt/src/sim.rs", "/tests"];

/// The methods of a text that search it.
const SEARCHES: [&str; 16] = [
    "find",
    "rfind",
    "contains",
    "replace",
    "replacen",
    "split",
    "rsplit",
    "split_once",
    "rsplit_once",
    "starts_with",
    "ends_with",
    "strip_prefix",
    "strip_suffix",
    "matches",
    "match_indices",
    "splitn",
];

/// The lines that search XML by text.
pub(crate) fn violations() -> Result<Vec<String>, Failure> {
    let mut wrong = Vec::new();
    for path in files(&root().join(READERS))? {
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        if !is(&path, "rs") || OTHERS.iter().any(|other| shown.contains(other)) {
            continue;
        }
        for line in searching(&std::fs::read_to_string(&path)?) {
            wrong.push(format!("{shown}:{line}: searches XML by text; read it with `Outline` or `Element`"));
        }
    }
    Ok(wrong)
}

/// The numbers of the lines that search for a part of a tag. Tests, at the end of a file, may.
fn searching(text: &str) -> Vec<usize> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = (1..).zip(code.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"));
    lines.filter(|(_, line)| searches_a_tag(line)).map(|(number, _)| number).collect()
}

fn searches_a_tag(line: &str) -> bool {
    SEARCHES.iter().any(|search| {
        let call = format!(".{search}(");
        line.match_indices(&call).any(|(at, _)| {
            let given = line.get(at + call.len()..).unwrap_or_default();
            let Some(quote) = given.chars().next().filter(|first| ['"', '\''].contains(first)) else {
                return false;
            };
            let literal = given.get(1..).and_then(|rest| rest.split(quote).next()).unwrap_or_default();
            literal.contains(['<', '>'])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_for_a_tag_is_refused() {
        let text = "let start = xml.find(\"<metadata>\")?;\nlet rest = xml.split('<');\n// xml.find(\"<metadata>\")\n\
                    let name = path.split('/');\nlet is = a.starts_with(\"pc-\") && b < c;\n#[cfg(test)]\nxml.contains(\"<a/>\");\n";
        assert_eq!(searching(text), [1, 2]);
    }
}
