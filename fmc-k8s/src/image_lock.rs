//! Image locks: the digests of container images, which stand beside a cloud and not in it.
//!
//! A line has an image's registry, repository and tag, and the digest that the registry gave for them. Comments begin with `#`.
//!
//! ```
//! use fmc_core::digest::Digest;
//! use fmc_k8s::image_lock::ImageLock;
//!
//! let digest = Digest::sha256(b"a manifest");
//! let lock = ImageLock::read(&format!("docker.io/library/nginx:1.29.4 {digest}\n"))?;
//! assert_eq!(lock.digest(&"docker.io/nginx:1.29.4".parse()?), Some(&digest));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::str::FromStr;

use fmc_core::digest::Digest;
use fmc_core::given::{Leaf, LeafError};

use crate::name::ImageName;

/// The first lines of every lock.
const HEAD: &str =
    "# The digests of container images. `images pin` writes this file; keep it beside the cloud.\n";

/// Docker Hub by another name (`distribution/reference`).
const OLD_HUB: &str = "index.docker.io";
/// Docker Hub.
pub(crate) const HUB: &str = "docker.io";

/// An image by its registry, repository and tag, with Docker Hub's short forms written out: `docker.io/nginx:1` is
/// `docker.io/library/nginx:1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    registry: String,
    repository: String,
    tag: String,
}

/// The digests of images, by registry, repository and tag. Equal locks have the same text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageLock {
    digests: BTreeMap<ImageReference, Digest>,
}

/// The mistake in a text that should be an image lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
#[non_exhaustive]
pub struct ImageLockError {
    /// The line, from 1 on.
    pub line: usize,
    /// The mistake, and the right form.
    pub why: String,
}

impl ImageReference {
    pub(crate) fn new(registry: &str, repository: &str, tag: &str) -> Self {
        let registry = registry.to_ascii_lowercase();
        let registry = if registry == OLD_HUB { HUB.to_owned() } else { registry };
        let is_short = registry == HUB && !repository.contains('/');
        let repository = if is_short { format!("library/{repository}") } else { repository.to_owned() };
        Self { registry, repository, tag: tag.to_owned() }
    }

    /// The registry, as `registry.example.org:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository, as `library/nginx`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, as `1.29.4`.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl FromStr for ImageReference {
    type Err = LeafError;

    /// Reads an image with a tag and without a digest.
    fn from_str(text: &str) -> Result<Self, LeafError> {
        let image = ImageName::parse(text)?;
        if image.is_pinned() {
            return Err(LeafError::new(
                "its digest does not belong to it: name registry, repository and tag",
            ));
        }
        image.reference().ok_or_else(|| LeafError::new("it has no tag"))
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registry, repository, tag } = self;
        f.pad(&format!("{registry}/{repository}:{tag}"))
    }
}

impl ImageLock {
    /// A lock without images.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the text of a lock.
    ///
    /// # Errors
    ///
    /// A line that is not an image with its digest, and one that names an image a second time.
    pub fn read(text: &str) -> Result<Self, ImageLockError> {
        let mut digests = BTreeMap::new();
        for (index, text) in text.lines().enumerate() {
            let line = index + 1;
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (image, digest) = entry(text).map_err(|why| ImageLockError { line, why })?;
            match digests.entry(image) {
                Entry::Vacant(place) => {
                    place.insert(digest);
                }
                Entry::Occupied(place) => {
                    let why = format!("{} is there a second time: delete one of the lines", place.key());
                    return Err(ImageLockError { line, why });
                }
            }
        }
        Ok(Self { digests })
    }

    /// The digest of an image.
    pub fn digest(&self, image: &ImageReference) -> Option<&Digest> {
        self.digests.get(image)
    }

    /// Sets the digest of an image. Gives the one that it had.
    pub fn pin(&mut self, image: ImageReference, digest: Digest) -> Option<Digest> {
        self.digests.insert(image, digest)
    }

    /// Takes an image out. Gives its digest.
    pub fn remove(&mut self, image: &ImageReference) -> Option<Digest> {
        self.digests.remove(image)
    }

    /// The images with their digests, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&ImageReference, &Digest)> {
        self.digests.iter()
    }

    /// Whether it has no image.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// The digest of an image that has none of its own.
    pub(crate) fn digest_for(&self, image: &ImageName) -> Option<&Digest> {
        if image.is_pinned() {
            return None;
        }
        self.digest(&image.reference()?)
    }
}

/// Reads a line with an image and its digest.
fn entry(text: &str) -> Result<(ImageReference, Digest), String> {
    const FORM: &str = "a line is IMAGE:TAG sha256:…";
    // A merge leaves both sides, and either of them may be right.
    if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| text.starts_with(mark)) {
        return Err(
            "a merge left its mark here: keep the right lines, or delete the file and pin again".to_owned()
        );
    }
    let mut words = text.split_ascii_whitespace();
    let (Some(image), Some(digest), None) = (words.next(), words.next(), words.next()) else {
        return Err(FORM.to_owned());
    };
    let reference = image.parse().map_err(|error| format!("{image:?} is no image with a tag: {error}"))?;
    match Digest::parse(digest) {
        Ok(known @ Digest::Sha256(_)) if known.to_string() == digest => Ok((reference, known)),
        _ => Err(format!("{digest:?} is no digest: it is `sha256:` and 64 lower-case hexadecimal digits")),
    }
}

/// The text of the file.
impl fmt::Display for ImageLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        self.digests.iter().try_for_each(|(image, digest)| writeln!(f, "{image} {digest}"))
    }
}

impl FromStr for ImageLock {
    type Err = ImageLockError;

    fn from_str(text: &str) -> Result<Self, ImageLockError> {
        Self::read(text)
    }
}

impl Leaf for ImageLock {
    const WHAT: &'static str = "image lock";
    const EXAMPLE: &'static str = "docker.io/library/nginx:1.29.4 sha256:0000000000000000000000000000000000000000000000000000000000000000";

    fn parse(text: &str) -> Result<Self, LeafError> {
        Self::read(text).map_err(|error| LeafError::new(error.to_string()).hiding("its text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: char) -> String {
        format!("sha256:{}", letter.to_string().repeat(64))
    }

    #[test]
    fn a_lock_is_read_and_written_sorted() {
        let (a, b) = (digest('a'), digest('b'));
        let text = format!("# mine\n\nquay.io/b/b:2   {b}\r\nindex.docker.io/nginx:1\t{a}\n");
        let lock = ImageLock::read(&text).unwrap();
        let written = format!("{HEAD}docker.io/library/nginx:1 {a}\nquay.io/b/b:2 {b}\n");
        assert_eq!(lock.to_string(), written);
        assert_eq!(ImageLock::read(&written), Ok(lock.clone()));
        assert_eq!(ImageLock::parse(ImageLock::EXAMPLE).unwrap().iter().count(), 1);
        let image = |text| ImageName::parse(text).unwrap();
        assert_eq!(lock.digest_for(&image("docker.io/nginx:1")).map(ToString::to_string), Some(a.clone()));
        assert_eq!(lock.digest_for(&image("quay.io/b/b:3")), None);
        assert_eq!(lock.digest_for(&image(&format!("quay.io/b/b:2@{a}"))), None, "its own digest wins");
    }

    #[test]
    fn a_malformed_lock_is_refused_with_its_line() {
        let (a, good) = (digest('a'), format!("quay.io/a/a:1 {}\n", digest('a')));
        for (line, words) in [
            ("quay.io/a/b:1".to_owned(), "a line is IMAGE:TAG sha256:"),
            (format!("quay.io/a/b:1 {a} more"), "a line is IMAGE:TAG sha256:"),
            (format!("nginx:1 {a}"), "does not name its registry"),
            (format!("quay.io/a/b {a}"), "is no image with a tag"),
            (format!("quay.io/a/b:1@{a} {a}"), "its digest does not belong to it"),
            (format!("quay.io/a/b:1 {}", a.to_uppercase()), "is no digest"),
            (format!("quay.io/a/b:1 sha512:{}", "a".repeat(128)), "is no digest"),
            (format!("quay.io/a/a:1 {a}"), "there a second time"),
            ("<<<<<<< HEAD".to_owned(), "a merge left its mark"),
        ] {
            let error = ImageLock::read(&format!("{good}{line}\n")).unwrap_err();
            assert!(error.line == 2 && error.why.contains(words), "{line}: {error}");
        }
    }
}
