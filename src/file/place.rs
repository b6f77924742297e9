//! Finds the value of a path in a tree.

use super::tree::{Member, Node, Span, Value};

/// The range of a finding's path, such as `machines.web.interfaces[0].address`, or of the nearest value around it if it
/// does not exist. A name in a path may have dots, so every way to split it is tried.
pub(crate) fn place(tree: &Node<'_>, path: &str) -> Span {
    let (_, span) = deepest(tree, tree.span, path);
    // The place of the whole cloud is its beginning.
    if span == tree.span { Span::new(span.range().start..span.range().start) } else { span }
}

/// The rest of the path after a step, and where it leads.
fn deepest(node: &Node<'_>, here: Span, path: &str) -> (usize, Span) {
    let mut best = (path.len(), here);
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
            let here = if scalar(node) { node.span } else { first(node) };
            deepest(node, here, rest.strip_prefix('.').unwrap_or(rest))
        }
        Value::Map(members) => {
            let ends = path.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at);
            for end in ends.chain([path.len()]) {
                let (key, rest) = path.split_at(end);
                let Some(member) = members.get(key) else { continue };
                let rest = rest.strip_prefix('.').unwrap_or(rest);
                let found = deepest(&member.node, pointed(member), rest);
                if found.0 < best.0 {
                    best = found;
                }
            }
            best
        }
        _ => best,
    }
}

/// The place of a scalar is its own range; that of a map or list is its key, because its own range is many lines.
fn pointed(member: &Member<'_>) -> Span {
    if scalar(&member.node) && !member.node.span.range().is_empty() { member.node.span } else { member.span }
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
