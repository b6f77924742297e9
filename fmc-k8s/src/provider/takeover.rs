//! Fields that are taken from other programs because a person named the object.

use fmc_core::graph::{Change, Impact};

/// The changes of an object, each with the program from which its field is taken. A field that no line has gets one.
pub(super) fn told(mut changes: Vec<Change>, taken: &[(String, String)]) -> Vec<Change> {
    for (field, manager) in taken {
        let reason = format!("taken from {manager}");
        match changes.iter_mut().find(|change| is_within(&change.path, field)) {
            Some(change) => {
                change.reason = Some(match change.reason.take() {
                    Some(before) if before.contains(&reason) => before,
                    Some(before) => format!("{reason}, {before}"),
                    None => reason,
                });
            }
            None => {
                let (path, impact) = (field.clone(), Impact::Live);
                changes.push(Change { path, from: None, to: None, impact, reason: Some(reason) });
            }
        }
    }
    changes
}

/// Whether one of two paths is the beginning of the other one.
fn is_within(path: &str, field: &str) -> bool {
    let (path, field) = (parts(path), parts(field));
    path.starts_with(&field) || field.starts_with(&path)
}

/// The parts of a path in our notation or in the server's, as `spec.containers[web]` or `spec.containers[name="web"]`.
fn parts(path: &str) -> Vec<String> {
    let split = path.split(['.', '[', ']', '{', '}']).filter(|part| !part.is_empty());
    let last = |part: &str| part.rsplit(['=', ':']).next().unwrap_or_default().trim_matches('"').to_owned();
    split.map(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_paths_are_those_of_a_plan() {
        for (path, field) in [
            ("spec.replicas", "spec.replicas"),
            ("data[web.conf]", "data.web.conf"),
            ("spec.template.spec.containers[web].image", "spec.template.spec.containers[name=\"web\"].image"),
            (
                "spec.template.spec.containers[web].image",
                "spec.template.spec.containers[{\"name\":\"web\"}].image",
            ),
        ] {
            assert!(is_within(path, field), "{path} {field}");
        }
        assert!(!is_within("spec.replicas", "spec.selector"));
    }
}
