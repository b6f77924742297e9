//! Relative paths in a file: paths of local images start from the file's own folder.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use super::tree::{Node, Value};

/// The place of the path of an image's file in a machine.
const FILE: [&str; 4] = ["image", "source", "file", "path"];

/// Makes relative paths of image files absolute.
pub(super) fn resolve(cloud: &mut Node<'_>, folder: &Path) {
    let Some(Value::Map(machines)) = cloud.member_mut("machines").map(|machines| &mut machines.value) else {
        return;
    };
    for machine in machines.iter_mut() {
        let path = FILE.iter().try_fold(&mut machine.node, |node, key| node.member_mut(key));
        if let Some(Value::Text(path) | Value::Plain(path)) = path.map(|node| &mut node.value)
            && !path.is_empty()
            && !path.starts_with('/')
            && let Some(absolute) = clean(&folder.join(path.as_ref()))
        {
            *path = Cow::Owned(absolute);
        }
    }
}

/// A path without `.` and `..`, as far as that is possible without reading folders.
fn clean(path: &Path) -> Option<String> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean.into_os_string().into_string().ok()
}

#[cfg(test)]
mod tests {
    use crate::file::{Source, Syntax, to_json};

    #[test]
    fn a_relative_path_is_below_the_folder() {
        let path = |path: &str| {
            let file = format!(
                "\"image\": {{\"os\": \"none\", \"source\": {{\"file\": {{\"path\": \"{path}\", \"digest\": \"\"}}}}}}"
            );
            let text = format!("{{\"name\": \"a\", \"machines\": {{\"w\": {{{file}}}}}}}");
            let source = Source::new(text.as_bytes(), Syntax::Json).unwrap().below("/clouds/a");
            let json = to_json(&source.cloud().unwrap()).unwrap();
            json.split("\"path\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
        };
        assert_eq!(path("debian.qcow2"), "/clouds/a/debian.qcow2");
        assert_eq!(path("./x/../../debian.qcow2"), "/clouds/debian.qcow2");
        assert_eq!(path("/images/debian.qcow2"), "/images/debian.qcow2");
        assert_eq!(path(""), "");
    }
}
