//! Paths and web addresses.

mod url;

use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};
use crate::text::Text;

pub use url::HttpUrl;

/// An absolute path in its shortest form: no `//`, `.`, `..`, final `/` or control character, at most 4095 bytes
/// (`PATH_MAX` less its NUL) with at most 255 between two slashes (`NAME_MAX`).
///
/// ```
/// use fmc_core::path::AbsPath;
///
/// const IMAGES: AbsPath = AbsPath::literal("/var/lib/libvirt/images");
/// assert_eq!(IMAGES.join("debian-12.qcow2").unwrap().file_name(), Some("debian-12.qcow2"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbsPath(Text);

impl AbsPath {
    /// A path from a literal, for constants: there, an invalid literal is a compile error.
    ///
    /// # Panics
    ///
    /// Outside of a constant, when the literal is invalid; use `parse` for text that is not a literal.
    pub const fn literal(text: &'static str) -> Self {
        assert!(fault(text).is_none(), "the literal is not an absolute path in its shortest form");
        Self(Text::literal(text))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The part after the last slash; `None` for the root.
    pub fn file_name(&self) -> Option<&str> {
        self.as_str().rsplit_once('/').map(|(_, name)| name).filter(|name| !name.is_empty())
    }

    /// The containing directory; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        self.file_name()?;
        let (parent, _) = self.as_str().rsplit_once('/')?;
        Some(Self(if parent.is_empty() { Text::literal("/") } else { Text::shared(parent) }))
    }

    /// A path below this one.
    ///
    /// # Errors
    ///
    /// When the result is not a valid path, as for a `relative` that begins with a slash or contains `..`.
    pub fn join(&self, relative: &str) -> Result<Self, LeafError> {
        Self::parse(&format!("{}/{relative}", self.as_str().trim_end_matches('/')))
    }

    /// Whether it is `directory` or below it.
    pub fn is_within(&self, directory: &Self) -> bool {
        let rest = self.as_str().strip_prefix(directory.as_str().trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl AsRef<str> for AbsPath {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<std::path::Path> for AbsPath {
    fn as_ref(&self) -> &std::path::Path {
        self.as_str().as_ref()
    }
}

impl std::borrow::Borrow<str> for AbsPath {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Leaf for AbsPath {
    const WHAT: &'static str = "absolute path";
    const EXAMPLE: &'static str = "/var/lib/libvirt/images";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let Some(wrong) = fault(text) else { return Ok(Self(Text::shared(text))) };
        let parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
        let clean: String = parts.flat_map(|part| ["/", part]).collect();
        Err(match fault(&clean) {
            None => LeafError::mending(format!("{wrong}: write {clean}")),
            Some(_) => LeafError::new(wrong),
        })
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some("^(/|(/[^/]+)+)$"), Some(4095))
    }
}

leaf_traits!(AbsPath);

const fn fault(text: &str) -> Option<&'static str> {
    let mut bytes = text.as_bytes();
    match bytes {
        [] => return Some("it is empty: write, for example, /var/lib/libvirt/images"),
        [b'/'] => return None,
        [b'/', ..] => {}
        _ => return Some("it does not begin with '/'"),
    }
    if bytes.len() > 4095 {
        return Some("it has more than 4095 bytes");
    }
    let mut length = 0;
    let mut before = b'/';
    while let [byte, rest @ ..] = bytes {
        // UTF-8 encodes the control characters from U+0080 to U+009F as C2 and one more byte.
        if byte.is_ascii_control() || (before == 0xc2 && *byte < 0xa0) {
            return Some("it has a control character");
        }
        if *byte == b'/' {
            length = 0;
            match rest {
                [] => return Some("it ends with '/'"),
                [b'/', ..] => return Some("it has two slashes in a row"),
                [b'.'] | [b'.', b'/', ..] => return Some("it has a part '.'"),
                [b'.', b'.'] | [b'.', b'.', b'/', ..] => return Some("it has a part '..'"),
                _ => {}
            }
        } else {
            length += 1;
            if length > 255 {
                return Some("it has more than 255 bytes between two slashes");
            }
        }
        before = *byte;
        bytes = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::given::tests::reads_back;

    #[test]
    fn paths_that_are_right() {
        for text in ["/", "/a", "/var/lib/fmc-first", "/a/.b", "/a/..b", "/a b/ü", "/..."] {
            assert_eq!(AbsPath::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn paths_that_are_refused_and_why() {
        let long = format!("/{}", "a".repeat(256));
        let deep = "/aaaaaaaaa".repeat(410);
        let cases = [
            ("", "it is empty: write, for example, /var/lib/libvirt/images"),
            ("images/a", "it does not begin with '/': write /images/a"),
            ("/a//b", "it has two slashes in a row: write /a/b"),
            ("/a/", "it ends with '/': write /a"),
            ("/a/./b", "it has a part '.': write /a/b"),
            ("/a/../b", "it has a part '..'"),
            ("/..", "it has a part '..'"),
            ("/a\0b", "it has a control character"),
            ("/a\nb", "it has a control character"),
            ("/a\u{85}b", "it has a control character"),
            (&long, "it has more than 255 bytes between two slashes"),
            (&deep, "it has more than 4095 bytes"),
        ];
        for (text, why) in cases {
            assert_eq!(AbsPath::parse(text).unwrap_err().why(), why, "{text:?}");
        }
    }

    #[test]
    fn paths_know_their_place() {
        const IMAGES: AbsPath = AbsPath::literal("/var/lib/images");
        let root = AbsPath::parse("/").unwrap();
        let file = IMAGES.join("a.qcow2").unwrap();
        assert_eq!((file.file_name(), file.parent()), (Some("a.qcow2"), Some(IMAGES)));
        assert_eq!((root.file_name(), root.parent()), (None, None));
        assert_eq!(root.join("a").unwrap().parent(), Some(root.clone()));
        assert!(file.is_within(&IMAGES) && file.is_within(&root) && IMAGES.is_within(&IMAGES));
        assert!(!AbsPath::literal("/var/lib/images2").is_within(&IMAGES));
        assert!(IMAGES.join("../x").is_err() && IMAGES.join("/x").is_err());
    }

    proptest! {
        #[test]
        fn text_reads_back_and_nothing_panics(path in "(/[a-z.é]{1,4}){0,5}", any in "\\PC*") {
            for text in [&path, &any] {
                if let Ok(path) = AbsPath::parse(text) {
                    reads_back(&path);
                    prop_assert!(path.parent().is_none_or(|parent| path.is_within(&parent)));
                }
            }
        }
    }
}
