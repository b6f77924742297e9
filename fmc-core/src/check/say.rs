//! How findings speak: lists that stay short, and the name that was meant.

use crate::nearest::nearest;

/// How many names a message lists before it counts the rest.
const LISTED: usize = 8;

/// Names as a person lists them: `core, kube and lan`.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    let rest = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    match names.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some(_) if rest > 0 => format!("{} and {rest} more", names.join(", ")),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// What would be right in place of a name that nothing has: the nearest one, and all there are.
pub(crate) fn known<'a>(
    wrong: &str,
    what: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
    otherwise: &str,
) -> String {
    let mut all = names.clone().into_iter().peekable();
    if all.peek().is_none() {
        return format!("there is no {what} yet: {otherwise}");
    }
    match nearest(wrong, all) {
        Some(name) => format!("did you mean {name}? known here: {}", list(names)),
        None => format!("{otherwise}; known here: {}", list(names)),
    }
}

/// `worker1`, `worker1 and 1 other machine`, `worker1 and 5 other machines`.
pub(crate) fn first_of(first: &str, count: usize, noun: &str) -> String {
    match count {
        0 | 1 => first.to_owned(),
        2 => format!("{first} and 1 other {noun}"),
        _ => format!("{first} and {} other {noun}s", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stay_short() {
        assert_eq!(list([]), "none");
        assert_eq!(list(["kube"]), "kube");
        assert_eq!(list(["lan", "core", "kube"]), "core, kube and lan");
        let many: Vec<String> = (0..20).map(|n| format!("n{n:02}")).collect();
        let text = list(many.iter().map(String::as_str));
        assert_eq!(text, "n00, n01, n02, n03, n04, n05, n06, n07 and 12 more");
    }

    #[test]
    fn the_name_that_was_meant() {
        let help = known("kub", "network", ["core", "kube"], "add the network");
        assert_eq!(help, "did you mean kube? known here: core and kube");
        let help = known("lan", "network", ["core", "kube"], "add the network");
        assert_eq!(help, "add the network; known here: core and kube");
        assert_eq!(known("lan", "network", [], "add it"), "there is no network yet: add it");
    }
}
