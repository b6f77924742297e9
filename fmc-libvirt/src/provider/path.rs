//! Paths on a hypervisor, which people write in more than one way.

/// The plain form of a path: without empty parts and `.`, and without `..` and the part before it. What does not begin with a
/// slash is no path of a file, and stays as it is.
pub(super) fn plain(path: &str) -> String {
    if !path.starts_with('/') {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_path_has_one_plain_form() {
        for path in
            ["/srv/a.qcow2", "//srv//a.qcow2", "/srv/./a.qcow2", "/srv/b/../a.qcow2", "/../srv/a.qcow2"]
        {
            assert_eq!(plain(path), "/srv/a.qcow2", "{path}");
        }
        for path in ["", "?", "pool/volume", "a//b"] {
            assert_eq!(plain(path), path);
        }
    }
}
