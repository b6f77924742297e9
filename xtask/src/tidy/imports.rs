//! Finds which files of a crate import which others. Tests are left out.
//!
//! Every path counts, whether it is in a `use`, an expression, a signature or a macro's arguments. It counts
//! for the file that defines the named item: re-exports are followed. A file does not import a submodule that
//! it only declares, or whose items it only re-exports.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::Failure;

/// The modules of a crate.
pub(crate) struct Crate {
    modules: Vec<Module>,
    by_path: BTreeMap<Vec<String>, usize>,
}

/// A module, in a file of its own or inline.
struct Module {
    path: Vec<String>,
    file: PathBuf,
    /// The names that the module defines itself.
    items: BTreeSet<String>,
    uses: Vec<Use>,
    /// Every path as it is written.
    paths: BTreeSet<Vec<String>>,
}

/// One name that a `use` imports.
struct Use {
    path: Vec<String>,
    /// The local name; `None` if the `use` imports everything.
    name: Option<String>,
    /// Whether other modules see the name too.
    is_shown: bool,
}

/// The number of re-exports that are followed before a path is given up. No crate has as many.
const DEEPEST: usize = 16;

impl Crate {
    /// Reads a crate from its `lib.rs`.
    pub(crate) fn read(lib: &Path) -> Result<Self, Failure> {
        let mut read = Self { modules: Vec::new(), by_path: BTreeMap::new() };
        let folder = lib.parent().ok_or("a crate lies in a folder")?.to_owned();
        read.file(Vec::new(), lib.to_owned(), &folder)?;
        Ok(read)
    }

    /// All imports of one file by another, as (from, to).
    pub(crate) fn imports(&self) -> BTreeSet<(PathBuf, PathBuf)> {
        let mut imports = BTreeSet::new();
        for (at, module) in self.modules.iter().enumerate() {
            let used = module.uses.iter().map(|one| (&one.path, Some(one)));
            let named = module.paths.iter().filter(|path| path.len() > 1).map(|path| (path, None));
            for (path, brought) in used.chain(named) {
                let Some(path) = self.absolute(at, path, 0) else { continue };
                let Some((to, is_module)) = self.resolve(&path, 0) else { continue };
                let Some(to) = self.modules.get(to) else { continue };
                let is_glob = brought.is_some_and(|one| one.name.is_none());
                // An import of a module itself is counted where a path goes through the module.
                let counts = !is_module || is_glob;
                let only_shows = brought.is_some_and(|one| module.only_shows(one, to));
                if counts && !only_shows && to.file != module.file {
                    imports.insert((module.file.clone(), to.file.clone()));
                }
            }
        }
        imports
    }

    /// All files of the crate.
    pub(crate) fn files(&self) -> BTreeSet<&Path> {
        self.modules.iter().map(|module| module.file.as_path()).collect()
    }

    fn file(&mut self, path: Vec<String>, file: PathBuf, folder: &Path) -> Result<(), Failure> {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let tokens: TokenStream =
            text.parse().map_err(|error| format!("{}: not Rust: {error}", file.display()))?;
        self.module(path, &file, folder, tokens)
    }

    fn module(
        &mut self,
        path: Vec<String>,
        file: &Path,
        folder: &Path,
        tokens: TokenStream,
    ) -> Result<(), Failure> {
        let mut scan = Scan::default();
        scan.stream(tokens, true);
        let Scan { items, uses, paths, children } = scan;
        self.by_path.insert(path.clone(), self.modules.len());
        self.modules.push(Module { path: path.clone(), file: file.to_owned(), items, uses, paths });
        for (name, body) in children {
            let child = path.iter().cloned().chain([name.clone()]).collect();
            let below = folder.join(&name);
            match body {
                Some(body) => self.module(child, file, &below, body)?,
                None => {
                    let flat = folder.join(format!("{name}.rs"));
                    let own = if flat.exists() { flat } else { below.join("mod.rs") };
                    self.file(child, own, &below)?;
                }
            }
        }
        Ok(())
    }

    /// A path that is written in a module, as a path from the root of the crate; `None` for a path into
    /// another crate.
    fn absolute(&self, module: usize, path: &[String], depth: usize) -> Option<Vec<String>> {
        let here = self.modules.get(module)?;
        let (first, rest) = path.split_first()?;
        let join = |start: &[String], rest: &[String]| start.iter().chain(rest).cloned().collect();
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some(join(&here.path, rest)),
            "super" => {
                let (_, parent) = here.path.split_last()?;
                let above = *self.by_path.get(parent)?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.absolute(above, rest, depth),
                    _ => Some(join(parent, rest)),
                }
            }
            name => {
                let child: Vec<String> = join(&here.path, std::slice::from_ref(first));
                if self.by_path.contains_key(&child) {
                    return Some(join(&child, rest));
                }
                let brought = here.uses.iter().find(|one| one.name.as_deref() == Some(name))?;
                if depth > DEEPEST || brought.path == *path {
                    return None;
                }
                Some(join(&self.absolute(module, &brought.path, depth + 1)?, rest))
            }
        }
    }

    /// The module that defines the target of a path from the root, and whether the target is a module.
    fn resolve(&self, path: &[String], depth: usize) -> Option<(usize, bool)> {
        let mut at = *self.by_path.get(&[] as &[String])?;
        for (index, name) in path.iter().enumerate() {
            let module = self.modules.get(at)?;
            let child: Vec<String> = module.path.iter().chain([name]).cloned().collect();
            if let Some(&child) = self.by_path.get(&child) {
                at = child;
                continue;
            }
            if module.items.contains(name) || depth > DEEPEST {
                return Some((at, false));
            }
            let named = module.uses.iter().filter(|one| one.name.as_ref() == Some(name));
            let globs = module.uses.iter().filter(|one| one.name.is_none());
            for one in named.chain(globs) {
                let Some(mut target) = self.absolute(at, &one.path, depth + 1) else { continue };
                let passed = if one.name.is_some() { index + 1 } else { index };
                target.extend(path.iter().skip(passed).cloned());
                if target != path
                    && let Some(found) = self.resolve(&target, depth + 1)
                {
                    return Some(found);
                }
            }
            // Items that the module's macros make are not seen: the module itself counts.
            return Some((at, false));
        }
        Some((at, true))
    }
}

impl Module {
    /// Whether a name from a submodule is imported only to re-export it.
    fn only_shows(&self, brought: &Use, from: &Self) -> bool {
        let is_used =
            brought.name.as_ref().is_none_or(|name| self.paths.iter().any(|path| path.first() == Some(name)));
        brought.is_shown && from.path.starts_with(&self.path) && !is_used
    }
}

/// The content of one module, read from its tokens.
#[derive(Default)]
struct Scan {
    items: BTreeSet<String>,
    uses: Vec<Use>,
    paths: BTreeSet<Vec<String>>,
    /// Submodules, with their bodies where they are inline.
    children: Vec<(String, Option<TokenStream>)>,
}

impl Scan {
    fn stream(&mut self, tokens: TokenStream, is_module: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = self.one(&tokens, at, token, is_module);
        }
    }

    /// Reads the item or token at this place and gives the place of the next.
    fn one(&mut self, tokens: &[TokenTree], at: usize, token: &TokenTree, is_module: bool) -> usize {
        if let Some((end, said)) = attribute(tokens, at) {
            return if is_for_tests(said) { after_item(tokens, end) } else { end };
        }
        match token {
            TokenTree::Group(group) => {
                self.stream(group.stream(), false);
                at + 1
            }
            TokenTree::Ident(word) => {
                let word = word.to_string();
                let next = tokens.get(at + 1).and_then(ident);
                match (word.as_str(), next) {
                    ("use", _) if !is_punct(tokens.get(at + 1), '<') => {
                        let end = position(tokens, at, ';');
                        let mut brought = Vec::new();
                        use_tree(tokens.get(at + 1..end).unwrap_or_default(), &[], &mut brought);
                        let is_shown = is_shown(tokens, at);
                        self.uses.extend(brought.into_iter().map(|(path, name)| Use {
                            path,
                            name,
                            is_shown,
                        }));
                        end + 1
                    }
                    ("mod", Some(name)) if is_module => {
                        let body = match tokens.get(at + 2) {
                            Some(TokenTree::Group(group)) => Some(group.stream()),
                            _ => None,
                        };
                        self.children.push((name, body));
                        at + 3
                    }
                    (
                        "struct" | "enum" | "trait" | "fn" | "const" | "static" | "type" | "union",
                        Some(name),
                    ) if is_module && !matches!(name.as_str(), "fn" | "unsafe" | "extern" | "mut") => {
                        self.items.insert(name);
                        at + 2
                    }
                    ("macro_rules", None) if is_module => {
                        self.items.extend(tokens.get(at + 2).and_then(ident));
                        at + 3
                    }
                    _ => self.path(tokens, at),
                }
            }
            _ => at + 1,
        }
    }

    fn path(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let mut path = Vec::new();
        let mut end = at;
        while let Some(name) = tokens.get(end).and_then(ident) {
            path.push(name);
            end += 1;
            if is_double_colon(tokens, end) && tokens.get(end + 2).and_then(ident).is_some() {
                end += 2;
            } else {
                break;
            }
        }
        let is_field = at > 0 && (is_punct(tokens.get(at - 1), '.') || is_double_colon_before(tokens, at));
        if !is_field {
            self.paths.insert(path);
        }
        end
    }
}

/// Whether `pub` or `pub(…)` precedes this place.
fn is_shown(tokens: &[TokenTree], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
    let is_pub = |token: Option<&TokenTree>| token.and_then(ident).is_some_and(|word| word == "pub");
    is_pub(before(1)) || (matches!(before(1), Some(TokenTree::Group(_))) && is_pub(before(2)))
}

/// The end of the attribute that begins here, and its content.
fn attribute(tokens: &[TokenTree], at: usize) -> Option<(usize, &TokenTree)> {
    if !is_punct(tokens.get(at), '#') {
        return None;
    }
    let group = if is_punct(tokens.get(at + 1), '!') { at + 2 } else { at + 1 };
    match tokens.get(group)? {
        said @ TokenTree::Group(found) if found.delimiter() == Delimiter::Bracket => Some((group + 1, said)),
        _ => None,
    }
}

/// Whether an attribute is `cfg(test)`, alone or with more.
fn is_for_tests(attribute: &TokenTree) -> bool {
    let text: String = attribute.to_string().split_whitespace().collect();
    text == "[cfg(test)]" || text.starts_with("[cfg(all(test,")
}

/// The end of the item that begins here: after its body or its semicolon.
fn after_item(tokens: &[TokenTree], mut at: usize) -> usize {
    while let Some((end, _)) = attribute(tokens, at) {
        at = end;
    }
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    // The braces of `use a::{b, c};` do not end the item.
    if tokens.get(at).and_then(ident).as_deref() == Some("use") {
        return position(tokens, at, ';') + 1;
    }
    tokens.iter().skip(at).position(ends).map_or(tokens.len(), |found| at + found + 1)
}

/// Collects the names that a `use` imports.
fn use_tree(tokens: &[TokenTree], start: &[String], uses: &mut Vec<(Vec<String>, Option<String>)>) {
    for branch in tokens.split(|token| is_punct(Some(token), ',')) {
        let mut path = start.to_vec();
        let mut name = None;
        let mut at = 0;
        while let Some(token) = branch.get(at) {
            match token {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    use_tree(&inner, &path, uses);
                    path.clear();
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    uses.push((std::mem::take(&mut path), None));
                }
                TokenTree::Ident(word) if *word == "as" => {
                    name = branch.get(at + 1).and_then(ident);
                    at += 1;
                }
                TokenTree::Ident(word) => path.push(word.to_string()),
                _ => {}
            }
            at += 1;
        }
        // `use a::{self}` imports `a`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(last) = path.last().cloned() {
            uses.push((path, Some(name.unwrap_or(last))));
        }
    }
}

fn position(tokens: &[TokenTree], from: usize, sign: char) -> usize {
    let found = tokens.iter().skip(from).position(|token| is_punct(Some(token), sign));
    found.map_or(tokens.len(), |found| from + found)
}

fn ident(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(word) => Some(word.to_string()),
        _ => None,
    }
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn is_double_colon(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn is_double_colon_before(tokens: &[TokenTree], at: usize) -> bool {
    at > 1 && is_double_colon(tokens, at - 2)
}
