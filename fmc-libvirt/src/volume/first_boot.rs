//! Hashes of the image and the configuration that a machine reads on its first boot and never again: the names of its root and boot
//! volumes end in them.

use fmc_core::checked::{Image, Source};
use fmc_core::image::{Format, Os};
use sha2::{Digest as _, Sha256};

use super::hex;

/// Hashes of everything that a machine reads on its first boot and never again: the image and the boot
/// configuration, each alone and both together. The size of the root is not included: a root grows in place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FirstBoot {
    /// 8 hexadecimal digits over both: the end of the names of root and boot volumes.
    pub hash: String,
    /// 16 hexadecimal digits over the image.
    pub image: String,
    /// 16 hexadecimal digits over the boot configuration, if there is one.
    pub config: Option<String>,
}

impl FirstBoot {
    /// From an image and the digest of a boot configuration.
    pub fn of(image: &Image, config: Option<[u8; 32]>) -> Self {
        let image = identity(image);
        let both = config.map(|config| {
            let mut hash = Sha256::new();
            hash.update(image);
            hash.update(config);
            <[u8; 32]>::from(hash.finalize())
        });
        Self {
            hash: hex(&both.unwrap_or(image), 4),
            image: hex(&image, 8),
            config: config.map(|config| hex(&config, 8)),
        }
    }

    /// Whether a hash is that of a machine without an image and a boot configuration: all such have the same.
    pub(crate) fn is_of_nothing(hash: &str) -> bool {
        let mut nothing = Sha256::new();
        for part in [Os::None.label(), "", Format::default().as_str(), "blank", ""] {
            nothing.update(part);
            nothing.update([0]);
        }
        hex(&nothing.finalize(), 4) == hash
    }
}

/// The identity of an image: its digest, if it has one; otherwise its source and its statements.
fn identity(image: &Image) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update(text);
        hash.update([0]);
    };
    if let Some(digest) = &image.digest {
        part("digest");
        part(&digest.to_string());
        return hash.finalize().into();
    }
    part(image.os.label());
    part(&image.version);
    part(image.format.as_str());
    match &image.source {
        Source::Path(path) => ["path", path.as_str()].map(part),
        Source::File(path) => ["file", path.as_str()].map(part),
        Source::Url(url) => ["url", url.as_str()].map(part),
        Source::Volume { path, .. } => ["volume", path.as_str()].map(part),
        Source::Blank => ["blank", ""].map(part),
    };
    hash.finalize().into()
}
