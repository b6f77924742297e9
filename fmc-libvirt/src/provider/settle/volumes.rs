//! The root and boot volumes of machines, whose names tell what they were made from.

use crate::document::DomainDocument;
use crate::provider::object::DomainObject;
use crate::volume::{Ours, VolumeName};

/// The root or boot volume of a domain.
pub(super) struct Has {
    pub(super) name: String,
    pub(super) hash: String,
}

/// Another name for a root of the same content: each digit's complement, so that the twin of a twin is the
/// original.
pub(in crate::provider) fn twin(hash: &str) -> String {
    hash.chars()
        .map(|digit| digit.to_digit(16).and_then(|value| char::from_digit(15 - value, 16)).unwrap_or(digit))
        .collect()
}

/// Whether a root with this hash was made with another boot configuration that serves the machine as well.
pub(super) fn is_equal(wanted: &DomainDocument, hash: &str) -> bool {
    wanted.equal_roots.iter().any(|equal| equal == hash || twin(equal) == hash)
}

pub(super) fn hash_of(root: &str) -> String {
    match VolumeName::parse(root).map(|name| name.ours) {
        Some(Ours::Root { hash, .. }) => hash,
        _ => String::new(),
    }
}

/// The volume of a kind in a domain.
fn has(seen: &DomainObject, is: impl Fn(&Ours) -> Option<&String>) -> Option<Has> {
    seen.files.iter().find_map(|file| {
        let (_, name) = file.rsplit_once('/')?;
        let parsed = VolumeName::parse(name).filter(|parsed| !parsed.is_commit)?;
        let hash = is(&parsed.ours)?.clone();
        Some(Has { name: name.to_owned(), hash })
    })
}

/// The root and boot volumes of a machine's domain.
pub(super) fn volumes_of(wanted: &DomainDocument, seen: &DomainObject) -> [Option<Has>; 2] {
    let root = has(seen, |ours| match ours {
        Ours::Root { machine, hash } if *machine == *wanted.first => Some(hash),
        _ => None,
    });
    let boot = has(seen, |ours| match ours {
        Ours::Boot { machine, hash } if *machine == *wanted.first => Some(hash),
        _ => None,
    });
    [root, boot]
}
