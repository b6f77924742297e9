//! Finds the value of a path in a tree.

use super::tree::{Member, Node, Span, Value};

/// Where a path leads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// The value, its key, or its anchor.
    pub(crate) span: Span,
    /// The alias on the way, if the value stands at an anchor: the first of several.
    pub(crate) alias: Option<Span>,
}

/// The range of a finding's path, such as `machines.web.interfaces[0].address`, or of the nearest value around it if it
/// does not exist. A name in a path may have dots, so every way to split it is tried.
pub(crate) fn place(tree: &Node<'_>, path: &str) -> Found {
    let (_, found) = deepest(tree, Found { span: tree.span, alias: None }, path);
    // The place of the whole cloud is its beginning.
    let start = found.span.range().start;
    if found.span == tree.span { Found { span: Span::new(start..start), ..found } } else { found }
}

/// The rest of the path after a step, and where it leads.
fn deepest(node: &Node<'_>, here: Found, path: &str) -> (usize, Found) {
    let mut best = (path.len(), here);
    let by =
        |node: &Node<'_>, span: Span| Found { span, alias: here.alias.or(node.alias.map(|by| by.alias)) };
    if path.is_empty() {
        return best;
    }
    match &node.value {
        Value::List(values) => {
            let index = path.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let Some((index, rest)) = index else { return best };
            let Some(node) = index.parse().ok().and_then(|index: usize| values.get(index)) else {
                return best;
            };
            let span = if scalar(node) { node.span } else { first(node) };
            deepest(node, by(node, span), rest.strip_prefix('.').unwrap_or(rest))
        }
        Value::Map(members) => {
            let ends = path.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at);
            for end in ends.chain([path.len()]) {
                let (key, rest) = path.split_at(end);
                let Some(member) = members.get(key) else { continue };
                let rest = rest.strip_prefix('.').unwrap_or(rest);
                let found = deepest(&member.node, by(&member.node, pointed(member)), rest);
                if found.0 < best.0 {
                    best = found;
                }
            }
            best
        }
        _ => best,
    }
}

/// The place of a scalar is its own range; that of a map or list is its key, because its own range is many lines, or the
/// anchor of one behind an alias.
fn pointed(member: &Member<'_>) -> Span {
    match member.node.alias {
        _ if scalar(&member.node) && !member.node.span.range().is_empty() => member.node.span,
        Some(by) => by.anchor,
        None => member.span,
    }
}

fn scalar(node: &Node<'_>) -> bool {
    !matches!(node.value, Value::Map(_) | Value::List(_))
}

/// The beginning of a map or list that has no key.
fn first(node: &Node<'_>) -> Span {
    match &node.value {
        Value::Map(members) => members.iter().next().map_or(node.span, |member| member.span),
        _ => Span::new(node.span.range().start..node.span.range().start + 1),
    }
}
