//! Decisions of the API review that a compiler does not know: which foreign crates a signature may name, and which enums are
//! complete. Both are tables in `docs/api.md`, each row with its reason; an item without a row is wrong, and so is a row without
//! an item.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::list;
use crate::render::of;

/// The headings of the two tables.
const FOREIGN: &str = "## Crates of others in signatures";
const COMPLETE: &str = "## Enums that are complete";

/// Crates that are Rust's own.
const RUST: [&str; 3] = ["alloc", "core", "std"];

/// The differences between the items of all crates and the tables of a document.
pub(crate) fn review(document: &str, crates: &[Value]) -> Option<Vec<String>> {
    let mut wrong = Vec::new();
    let mut foreign = BTreeMap::new();
    let mut complete = BTreeSet::new();
    for json in crates {
        foreign.append(&mut foreign_crates(json)?);
        complete.append(&mut complete_enums(&list::list(json)?));
    }
    let rows: BTreeSet<(String, String)> = rows(document, FOREIGN)
        .into_iter()
        .flat_map(|row| {
            let [name, users, ..] = row.as_slice() else { return Vec::new() };
            quoted(users)
                .into_iter()
                .flat_map(|user| quoted(name).into_iter().map(move |name| (user.clone(), name)))
                .collect()
        })
        .collect();
    for ((user, name), item) in foreign.iter().filter(|(at, _)| !rows.contains(*at)) {
        wrong.push(format!(
            "{user}: {item} shows the crate {name} to users: hide it, or give it a row under `{FOREIGN}`"
        ));
    }
    for (user, name) in rows.iter().filter(|at| !foreign.contains_key(*at)) {
        wrong.push(format!("{user}: no signature has the crate {name} any more: take it out of `{FOREIGN}`"));
    }
    let rows: BTreeSet<String> = rows_of_first_column(document, COMPLETE);
    for path in complete.difference(&rows) {
        wrong.push(format!(
            "{path}: make it `#[non_exhaustive]`, or give the reason why it is complete under `{COMPLETE}`"
        ));
    }
    for path in rows.difference(&complete) {
        wrong.push(format!("{path}: is not a complete public enum: take it out of `{COMPLETE}`"));
    }
    Some(wrong)
}

/// Each foreign crate that a public item names, with such an item, by the crate that has the item.
fn foreign_crates(json: &Value) -> Option<BTreeMap<(String, String), String>> {
    let (index, paths, crates) = (json.get("index")?, json.get("paths")?, json.get("external_crates")?);
    let user = index.get(json.get("root")?.to_string())?.get("name")?.as_str()?.to_owned();
    let mut found = BTreeMap::new();
    for item in index.as_object()?.values() {
        let Some((kind, inner)) = of(item, "inner").as_object().and_then(|inner| inner.iter().next()) else {
            continue;
        };
        let is_shown = of(item, "crate_id") == 0
            && matches!(of(item, "visibility").as_str(), Some("public" | "default"));
        let by_compiler = of(inner, "is_synthetic") == true || !of(inner, "blanket_impl").is_null();
        if !is_shown || matches!(kind.as_str(), "module" | "use") || kind == "impl" && by_compiler {
            continue;
        }
        let mut named = Vec::new();
        ids(inner, &mut named);
        for id in named {
            let of_crate = of(of(paths, &id), "crate_id").to_string();
            let Some(name) = of(of(crates, &of_crate), "name").as_str() else { continue };
            if !RUST.contains(&name) && !name.starts_with("fmc") {
                let what = of(item, "name")
                    .as_str()
                    .map_or_else(|| "an impl".to_owned(), |name| format!("{kind} {name}"));
                found.insert((user.clone(), name.to_owned()), what);
            }
        }
    }
    Some(found)
}

/// The ids of all types and traits that a part of an item names.
fn ids(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let (Some(Value::String(_)), Some(id @ Value::Number(_))) = (map.get("path"), map.get("id")) {
                found.push(id.to_string());
            }
            map.values().for_each(|value| ids(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| ids(value, found)),
        _ => {}
    }
}

/// The enums of a list of items that may not grow.
fn complete_enums(list: &str) -> BTreeSet<String> {
    let path = |line: &str| {
        let rest = line.replace("#[must_use] ", "").replace("#[deprecated] ", "");
        let rest = rest.strip_prefix("enum ")?.to_owned();
        let end = rest.find('<').into_iter().chain(rest.find(": ")).min();
        Some(end.map_or(rest.as_str(), |end| rest.get(..end).unwrap_or_default()).to_owned())
    };
    list.lines().filter_map(path).collect()
}

/// The rows of the table under a heading, without its head.
fn rows(document: &str, heading: &str) -> Vec<Vec<String>> {
    let lines = document.lines().skip_while(|line| *line != heading).skip(1);
    let table = lines.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    table.skip(2).map(cells).collect()
}

fn rows_of_first_column(document: &str, heading: &str) -> BTreeSet<String> {
    rows(document, heading).iter().filter_map(|row| row.first()).flat_map(|cell| quoted(cell)).collect()
}

/// The words of a cell that stand in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DOCUMENT: &str = "## Crates of others in signatures\n\n| crate | of | why |\n| --- | --- | --- |\n\
        | `serde_core` | `a` | files |\n\n## Enums that are complete\n\n| enum | why |\n| --- | --- |\n| `a::Edge` | two ends |\n";

    fn krate() -> Value {
        let field = |id: u64| json!({"resolved_path": {"path": "X", "id": id, "args": null}});
        json!({
            "root": 0,
            "index": {
                "0": {"name": "a", "crate_id": 0, "visibility": "public", "inner": {"module": {"items": [1, 2]}}},
                "1": {"name": "Edge", "crate_id": 0, "visibility": "public", "attrs": [],
                      "inner": {"enum": {"variants": [], "impls": [], "generics": {"params": []}}}},
                "2": {"name": "end", "crate_id": 0, "visibility": "public", "attrs": [],
                      "inner": {"function": {"sig": {"inputs": [["x", field(7)], ["y", field(8)]], "output": null},
                                             "generics": {"params": []}, "header": {}}}},
            },
            "paths": {"7": {"crate_id": 3}, "8": {"crate_id": 4}},
            "external_crates": {"3": {"name": "serde_core"}, "4": {"name": "std"}},
        })
    }

    #[test]
    fn what_the_tables_say_is_right() {
        assert_eq!(review(DOCUMENT, &[krate()]), Some(Vec::new()));
    }

    #[test]
    fn what_has_no_row_is_wrong_and_so_is_a_row_without_an_item() {
        let document = DOCUMENT.replace("serde_core", "http").replace("a::Edge", "a::Other");
        let wrong = review(&document, &[krate()]).unwrap();
        assert_eq!(wrong.len(), 4, "{wrong:?}");
        assert!(wrong[0].starts_with("a: function end shows the crate serde_core"), "{wrong:?}");
        assert!(wrong[1].starts_with("a: no signature has the crate http"), "{wrong:?}");
        assert!(wrong[2].starts_with("a::Edge: make it"), "{wrong:?}");
        assert!(wrong[3].starts_with("a::Other: is not a complete public enum"), "{wrong:?}");
    }

    #[test]
    fn an_enum_that_may_grow_needs_no_row() {
        let list = "#[non_exhaustive] enum a::B: Clone\nenum a::C<T>: Clone + From<x: y>\n#[must_use] enum a::D: Clone\nenum a::E\n";
        let found: Vec<String> = complete_enums(list).into_iter().collect();
        assert_eq!(found, ["a::C", "a::D", "a::E"]);
    }
}
