//! Names and references in a platform.

use std::fmt;

use fmc_core::digest::Digest;
use fmc_core::given::{Leaf, LeafError, LeafGroup};

use crate::image_lock::ImageReference;
use crate::kind::Kind;

/// The name of an object, as `web`: a label of DNS (RFC 1123), so that it suits every kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(String);

/// The name of a port, as `http`: at most 15 lower-case letters, digits and single hyphens, with at least one letter (RFC 6335).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortName(String);

/// An object of the same namespace that a workload needs, by its kind's word in addresses and its name, as `cluster.postgresql.cnpg.io/db`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NeededObject(String);

/// A workload with its namespace, as `shop/web`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespacedName(String);

/// An image with its tag, its digest, or both, as `docker.io/library/nginx:1.29.4@sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName {
    text: String,
    is_pinned: bool,
}

impl Leaf for ObjectName {
    const WHAT: &'static str = "object name";
    const EXAMPLE: &'static str = "web";
    const GROUP: LeafGroup = LeafGroup::Name;

    fn parse(text: &str) -> Result<Self, LeafError> {
        if text.len() > 63 {
            return Err(LeafError::new(format!("it has {} characters, at most 63 are right", text.len())));
        }
        let ends = |one: Option<u8>| one.is_some_and(|one| one.is_ascii_lowercase() || one.is_ascii_digit());
        let all = text.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-');
        if all && ends(text.bytes().next()) && ends(text.bytes().last()) {
            return Ok(Self(text.to_owned()));
        }
        Err(LeafError::new(
            "it is of lower-case letters, digits and '-', beginning and ending with a letter or digit",
        ))
    }
}

impl Leaf for PortName {
    const WHAT: &'static str = "port name";
    const EXAMPLE: &'static str = "http";
    const GROUP: LeafGroup = LeafGroup::Name;

    fn parse(text: &str) -> Result<Self, LeafError> {
        let is_label = ObjectName::parse(text).is_ok() && !text.contains("--");
        if is_label && text.len() <= 15 && text.bytes().any(|one| one.is_ascii_lowercase()) {
            return Ok(Self(text.to_owned()));
        }
        let must = "it is of at most 15 lower-case letters, digits and single '-', with a letter among them";
        Err(LeafError::new(must))
    }
}

impl NeededObject {
    /// Its kind's word, as `cluster.postgresql.cnpg.io`.
    pub fn kind(&self) -> &str {
        self.0.split_once('/').unwrap_or_default().0
    }

    /// Its namespace, if it is said: that of the workload otherwise.
    pub fn namespace(&self) -> Option<&str> {
        let (namespace, _) = self.0.split_once('/')?.1.split_once('/')?;
        Some(namespace)
    }

    /// Its name in plans, as `stateful-set/shop/db`, for a workload of a namespace.
    pub(crate) fn within(&self, namespace: &str) -> String {
        format!("{}/{}/{}", self.kind(), self.namespace().unwrap_or(namespace), self.name())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl Leaf for NeededObject {
    const WHAT: &'static str = "needed object";
    const EXAMPLE: &'static str = "cluster.postgresql.cnpg.io/db";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let form = "it is a kind and a name, as stateful-set/db, with the namespace between them if that is another one, as \
                    cluster.postgresql.cnpg.io/data/db";
        let Some((kind, name)) = text.split_once('/') else { return Err(LeafError::new(form)) };
        let (namespace, name) = name.split_once('/').map_or((None, name), |(one, name)| (Some(one), name));
        if let Some(namespace) = namespace {
            ObjectName::parse(namespace)?;
        }
        let are_labels =
            |text: &str| text.len() <= 253 && text.split('.').all(|label| ObjectName::parse(label).is_ok());
        let is_known = Kind::by_word(kind).is_some_and(|kind| kind.is_namespaced);
        let is_custom = kind.contains('.') && are_labels(kind);
        if !is_known && !is_custom {
            return Err(LeafError::new(form));
        }
        if !are_labels(name) {
            return Err(LeafError::new("its name is of lower-case letters, digits, '-' and '.'"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl NamespacedName {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.0.split_once('/').unwrap_or_default().0
    }

    /// Its name in the namespace.
    pub fn name(&self) -> &str {
        self.0.split_once('/').unwrap_or_default().1
    }
}

impl Leaf for NamespacedName {
    const WHAT: &'static str = "name with its namespace";
    const EXAMPLE: &'static str = "shop/web";
    const GROUP: LeafGroup = LeafGroup::Name;

    fn parse(text: &str) -> Result<Self, LeafError> {
        let Some((namespace, name)) = text.split_once('/') else {
            return Err(LeafError::new("it is a namespace and a workload, as shop/web"));
        };
        ObjectName::parse(namespace)?;
        ObjectName::parse(name)?;
        Ok(Self(text.to_owned()))
    }
}

impl ImageName {
    /// Whether its digest is known, so that it is the same image at every start.
    pub fn is_pinned(&self) -> bool {
        self.is_pinned
    }

    /// The image as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its digest, if it is known.
    pub fn digest(&self) -> Option<Digest> {
        Digest::parse(self.text.split_once('@')?.1).ok()
    }

    /// Its registry, repository and tag, by which an image lock knows it; `None` without a tag.
    pub fn reference(&self) -> Option<ImageReference> {
        let named = self.text.split_once('@').map_or(&*self.text, |(named, _)| named);
        let (registry, rest) = named.split_once('/')?;
        let (repository, tag) = rest.rsplit_once(':')?;
        Some(ImageReference::new(registry, repository, tag))
    }

    /// The same image with a digest, if it has none yet.
    pub(crate) fn pinned(&self, digest: &Digest) -> Self {
        if self.is_pinned {
            return self.clone();
        }
        Self { text: format!("{}@{digest}", self.text), is_pinned: true }
    }
}

impl Leaf for ImageName {
    const WHAT: &'static str = "container image";
    const EXAMPLE: &'static str = "docker.io/library/nginx:1.29.4";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (text, None),
        };
        if let Some(digest) = digest {
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            if hex.len() != 64 || !hex.bytes().all(|one| matches!(one, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(LeafError::new("its digest is `sha256:` and 64 lower-case hexadecimal digits"));
            }
        }
        let last = named.rfind('/').map_or(0, |slash| slash + 1);
        let tag = named.get(last..).and_then(|name| name.split_once(':'));
        let path = tag.map_or(named, |(_, tag)| named.get(..named.len() - tag.len() - 1).unwrap_or_default());
        let (host, repository) = path.split_once('/').unwrap_or_default();
        let is_named = host.contains('.') || host.contains(':') || host == "localhost";
        if is_named && !is_registry(host) {
            return Err(LeafError::new(
                "its registry is a name or an address with or without a port, as registry.example.org:5000",
            ));
        }
        if !is_named {
            return Err(LeafError::mending(format!(
                "it does not name its registry, and nodes may ask different ones: write docker.io/library/{text} or the registry's name"
            )));
        }
        let is_plain = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit();
        let is_part = |part: &str| {
            let ends = [part.bytes().next(), part.bytes().last()];
            ends.into_iter().all(|one| one.is_some_and(is_plain))
                && part.bytes().all(|one| is_plain(one) || b"._-".contains(&one))
        };
        if !repository.split('/').all(is_part) {
            return Err(LeafError::new(
                "each part of its repository is of lower-case letters, digits, '.', '_' and '-', beginning and ending with a letter \
                 or digit",
            ));
        }
        if path.len() > 255 {
            return Err(LeafError::new("its registry and repository have more than 255 characters"));
        }
        match (tag, digest) {
            (None, None) => Err(LeafError::new("it has neither tag nor digest")),
            (Some((_, "latest")), None) => {
                Err(LeafError::new("`latest` is another image every day: name a version"))
            }
            (Some((_, tag)), _)
                if tag.is_empty()
                    || tag.len() > 128
                    || !tag.bytes().all(|one| one.is_ascii_alphanumeric() || b"._-".contains(&one)) =>
            {
                Err(LeafError::new("its tag is of letters, digits, '.', '_' and '-', at most 128"))
            }
            _ => Ok(Self { text: text.to_owned(), is_pinned: digest.is_some() }),
        }
    }
}

/// Whether a text is the registry of an image: a name of DNS or an address, with or without a port (`distribution/reference`).
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let is_v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|one| one.is_ascii_alphanumeric() || one == b'-')
    };
    is_port
        && match is_v6 {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => host.split('.').all(is_label),
        }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for NeededObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_its_registry_and_a_version() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (right, is_pinned) in [
            ("docker.io/library/nginx:1.29.4".to_owned(), false),
            (format!("quay.io/a/b@{digest}"), true),
            (format!("localhost:5000/web:1@{digest}"), true),
            ("[fd00::1]:5000/web:1".to_owned(), false),
            ("10.17.3.2:5000/shop/web__a:1".to_owned(), false),
        ] {
            assert_eq!(ImageName::parse(&right).map(|image| image.is_pinned()), Ok(is_pinned), "{right}");
        }
        for wrong in [
            "nginx",
            "nginx:1",
            "library/nginx:1",
            "docker.io/library/nginx",
            "docker.io/library/nginx:latest",
            "docker.io/Library/nginx:1",
            "docker.io/nginx:1@sha256:ab",
            "docker.io/nginx:",
            "docker.io/:1",
            "docker.io/library/nginx.:1",
            "docker.io/library/-nginx:1",
            "exa mple.org/web:1",
            " docker.io/library/nginx:1",
            "docker.io:http/nginx:1",
            "docker..io/nginx:1",
            "[::1/web:1",
            "",
        ] {
            assert!(ImageName::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_needed_object_has_a_kind_and_a_name() {
        let right = NeededObject::parse("cluster.postgresql.cnpg.io/db").unwrap();
        assert_eq!((right.kind(), right.name()), ("cluster.postgresql.cnpg.io", "db"));
        assert_eq!(
            (right.namespace(), right.within("shop")),
            (None, "cluster.postgresql.cnpg.io/shop/db".to_owned())
        );
        assert!(NeededObject::parse("stateful-set/db").is_ok());
        let other = NeededObject::parse("stateful-set/data/db").unwrap();
        assert_eq!((other.kind(), other.namespace(), other.name()), ("stateful-set", Some("data"), "db"));
        assert_eq!(other.within("shop"), "stateful-set/data/db");
        for wrong in [
            "db",
            "statefulset/db",
            "stateful-set/",
            "namespace/shop",
            "a.b/c/d/e",
            "a.b/C/d",
            "a.b//d",
            "A.b/c",
            "",
        ] {
            assert!(NeededObject::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_port_has_a_short_name() {
        assert!(PortName::parse("http").is_ok() && PortName::parse("h2").is_ok());
        for wrong in ["80", "a--b", "-a", "abcdefghijklmnop", "Http", ""] {
            assert!(PortName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
