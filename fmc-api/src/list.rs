//! Walks a crate from its root and writes one line for every item that a user can name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::render::{self, of};

/// A line for each public item of a crate, sorted.
pub(crate) fn list(json: &Value) -> Option<String> {
    let root = json.get("root")?.to_string();
    let mut walk = Walk { index: json.get("index")?, lines: BTreeSet::new(), named: BTreeMap::new() };
    let name = walk.item(&root)?.get("name")?.as_str()?.to_owned();
    walk.module(&root, &name);
    let mut text: String = walk.lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    text.push('\n');
    Some(text)
}

struct Walk<'a> {
    index: &'a Value,
    /// Each line after the path that it is sorted by.
    lines: BTreeSet<(String, String)>,
    /// The items that have a line already: their paths, by id.
    named: BTreeMap<String, String>,
}

impl<'a> Walk<'a> {
    fn line(&mut self, path: &str, line: String) {
        self.lines.insert((path.to_owned(), line));
    }

    fn item(&self, id: &str) -> Option<&'a Value> {
        self.index.get(id)
    }

    /// A module: its own items first, then its re-exports.
    fn module(&mut self, id: &str, path: &str) {
        let Some(inner) = self.item(id).and_then(|item| item.get("inner")?.get("module")) else { return };
        self.named.insert(id.to_owned(), path.to_owned());
        self.line(path, format!("mod {path}"));
        let ids = render::ids(inner.get("items"));
        let (uses, own): (Vec<String>, Vec<String>) = ids
            .into_iter()
            .filter(|id| self.item(id).is_some_and(is_public))
            .partition(|id| self.item(id).is_some_and(|item| kind(item) == "use"));
        for id in own {
            self.named_item(&id, path, None);
        }
        for id in uses {
            self.again(&id, path);
        }
    }

    /// A re-export. An item without a line, such as one from a private module, gets its line under this path.
    fn again(&mut self, id: &str, path: &str) {
        let Some(inner) = self.item(id).and_then(|item| item.get("inner")?.get("use")) else { return };
        let source = of(inner, "source").as_str().unwrap_or("?");
        if of(inner, "is_glob").as_bool() == Some(true) {
            return self.line(path, format!("use {path}::* = {source}::*"));
        }
        let name = of(inner, "name").as_str().unwrap_or("?");
        let target = of(inner, "id").to_string();
        match (self.item(&target), self.named.get(&target)) {
            (Some(_), None) => self.named_item(&target, path, Some(name)),
            (_, known) => {
                let line = format!("use {path}::{name} = {}", known.map_or(source, String::as_str));
                self.line(&format!("{path}::{name}"), line);
            }
        }
    }

    fn named_item(&mut self, id: &str, within: &str, name: Option<&str>) {
        let Some(item) = self.item(id) else { return };
        let Some(name) = name.or_else(|| of(item, "name").as_str()) else { return };
        let path = format!("{within}::{name}");
        let inner = of(of(item, "inner"), kind(item));
        if kind(item) == "module" {
            return self.module(id, &path);
        }
        self.named.insert(id.to_owned(), path.clone());
        let (before, generics) = (marks(item), render::generics(of(inner, "generics")));
        match kind(item) {
            "struct" | "enum" | "union" => {
                let traits = self.impls(inner, &path);
                let what = kind(item);
                self.line(&path, format!("{before}{what} {path}{generics}{traits}"));
                self.parts(inner, &path);
            }
            "trait" => {
                let bounds = render::bounds(of(inner, "bounds"));
                let bounds = if bounds.is_empty() { bounds } else { format!(": {bounds}") };
                self.line(&path, format!("{before}trait {path}{generics}{bounds}"));
                for id in render::ids(inner.get("items")) {
                    self.member(&id, &path);
                }
            }
            "function" => self.line(&path, format!("{before}{}", render::function(inner, &path))),
            "constant" | "static" => {
                let of_type = render::ty(of(inner, "type"));
                self.line(&path, format!("{before}{} {path}: {of_type}", kind(item)));
            }
            "type_alias" => {
                let of_type = render::ty(of(inner, "type"));
                self.line(&path, format!("{before}type {path}{generics} = {of_type}"));
            }
            "macro" => self.line(&path, format!("{before}macro {path}!")),
            other => self.line(&path, format!("{before}{other} {path}")),
        }
    }

    /// The fields or variants of a type.
    fn parts(&mut self, inner: &Value, path: &str) {
        for id in render::ids(inner.get("variants")) {
            let Some(item) = self.item(&id) else { continue };
            let path = format!("{path}::{}", of(item, "name").as_str().unwrap_or("?"));
            self.line(&path, format!("{}variant {path}", marks(item)));
            self.fields(of(of(of(item, "inner"), "variant"), "kind"), &path, |_| true);
        }
        self.fields(of(inner, "kind"), path, is_public);
    }

    fn fields(&mut self, kind: &Value, path: &str, shown: impl Fn(&Value) -> bool) {
        let tuple = render::ids(kind.get("tuple"));
        let named = ["plain", "struct"].iter().flat_map(|form| render::ids(of(kind, form).get("fields")));
        for id in tuple.into_iter().chain(named) {
            let Some(item) = self.item(&id).filter(|item| shown(item)) else { continue };
            let name = of(item, "name").as_str().unwrap_or("?");
            let of_type = render::ty(of(of(item, "inner"), "struct_field"));
            self.line(&format!("{path}::{name}"), format!("field {path}::{name}: {of_type}"));
        }
    }

    /// The traits of a type, written on the type's own line. The type's own methods get lines of their own.
    fn impls(&mut self, inner: &Value, path: &str) -> String {
        let mut traits = BTreeSet::new();
        for id in render::ids(inner.get("impls")) {
            let Some(found) = self.item(&id).and_then(|item| item.get("inner")?.get("impl")) else {
                continue;
            };
            let by_compiler = of(found, "is_synthetic").as_bool() == Some(true);
            if by_compiler || !of(found, "blanket_impl").is_null() {
                continue;
            }
            match found.get("trait").filter(|of_trait| !of_trait.is_null()) {
                Some(of_trait) => _ = traits.insert(render::path(of_trait)),
                None => render::ids(found.get("items")).iter().for_each(|id| self.member(id, path)),
            }
        }
        // Derives make `StructuralPartialEq` beside their own trait; `Freeze` differs between compiler
        // versions.
        traits.retain(|of_trait| !["StructuralPartialEq", "Freeze"].contains(&of_trait.as_str()));
        if traits.is_empty() {
            return String::new();
        }
        format!(": {}", traits.into_iter().collect::<Vec<_>>().join(" + "))
    }

    /// A method, constant or type of a trait, or of a type.
    fn member(&mut self, id: &str, within: &str) {
        let Some(item) = self.item(id) else { return };
        let path = format!("{within}::{}", of(item, "name").as_str().unwrap_or("?"));
        let inner = of(of(item, "inner"), kind(item));
        let before = marks(item);
        let in_trait = of(item, "visibility") == "default";
        if !in_trait && !is_public(item) {
            return;
        }
        let line = match kind(item) {
            "function" => {
                let provided = in_trait && of(inner, "has_body").as_bool() == Some(true);
                let end = if provided { " { … }" } else { "" };
                format!("{before}{}{end}", render::function(inner, &path))
            }
            "assoc_const" => format!("{before}const {path}: {}", render::ty(of(inner, "type"))),
            "assoc_type" => format!("{before}type {path}: {}", render::bounds(of(inner, "bounds"))),
            other => format!("{before}{other} {path}"),
        };
        self.line(&path, line);
    }
}

fn kind(item: &Value) -> &str {
    of(item, "inner").as_object().and_then(|inner| inner.keys().next()).map_or("?", String::as_str)
}

fn is_public(item: &Value) -> bool {
    of(item, "visibility") == "public"
}

/// The marks of an item: deprecated, `#[must_use]` and the like.
fn marks(item: &Value) -> String {
    let attributes = of(item, "attrs").to_string().to_lowercase();
    let deprecated = !of(item, "deprecation").is_null();
    let marks = [
        (attributes.contains("non_exhaustive") || attributes.contains("nonexhaustive"), "#[non_exhaustive] "),
        (attributes.contains("must_use") || attributes.contains("mustuse"), "#[must_use] "),
        (deprecated, "#[deprecated] "),
    ];
    marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect()
}
