//! Images that lie on a host, and the digests that the cloud says of them.
//!
//! fmc does not send such an image, so that nothing would look at its bytes. They are read once, through libvirt, before
//! the first root is made of the file; on a hypervisor on this computer already for the plan. An empty volume in the
//! cloud's pool then records the path, the length and the time of change of the file, and the digest: see
//! [`Seal`]. It stays there as long as the pool, because the machines' marks are made from the cloud alone, and do not
//! know the host.
//!
//! A file whose length or time differs from every record of its path was changed under the roots that lie over it. If it
//! has the digest all the same, it was only touched; otherwise the disks of those machines are garbage.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fmc_core::digest::Digest;
use fmc_core::graph::{Address, Place};

use super::object::DomainObject;
use crate::document::{HostImage, kind};
use crate::link::{CallError, CallErrorKind, Link};
use crate::volume::Seal;

/// The files whose digests were found right by this process, by place.
#[derive(Clone, Debug, Default)]
pub(super) struct Promises(Arc<Mutex<BTreeSet<(Place, Seal)>>>);

impl Promises {
    pub(super) fn read(&self) -> MutexGuard<'_, BTreeSet<(Place, Seal)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An image that lies on the host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImageObject {
    /// The image, as the cloud says it.
    pub image: HostImage,
    /// Its bytes against its digest.
    pub bytes: ImageBytes,
    /// Whether the file is another one than the one that roots were made from, or gone.
    pub is_swapped: bool,
    /// The capacity of the disk in it, in bytes; `None` if it is not known.
    pub capacity: Option<u64>,
}

/// The bytes of an image against the digest that the cloud says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageBytes {
    /// They have it, or the cloud says none.
    Right,
    /// They were not read: an apply does before it makes a root of them.
    Unread,
    /// They have another one.
    Wrong(Digest),
    /// libvirt does not show the file.
    Unseen,
}

/// The facts that were read of a file. One that libvirt cannot read, as a broken disk of somebody else's, does not stand against the
/// rest of the host.
pub(super) fn seen<T>(answer: Result<Option<T>, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Err(error)
            if matches!(error.kind, CallErrorKind::Failed | CallErrorKind::Absent | CallErrorKind::Busy) =>
        {
            Ok(None)
        }
        answer => answer,
    }
}

/// Why an image with a digest is refused when libvirt does not show its file.
pub(super) const UNSEEN: &str = "its digest is a promise that nobody can keep: libvirt does not show the file, so that its \
    bytes cannot be read. Correct the path; or define a pool of its folder and start it; or leave the digest out";

/// Why an image is refused whose bytes are others.
pub(super) fn not_the_image(wanted: &Digest, found: &Digest) -> String {
    format!(
        "it is not the image that the digest says: its {} is {}, not {}",
        wanted.algorithm(),
        found.hex(),
        wanted.hex()
    )
}

impl ImageObject {
    /// The address of an image at a place.
    pub(super) fn address(place: &Place, image: &HostImage) -> Address {
        let digest = image.digest.map(|digest| digest.to_string()).unwrap_or_default();
        Address::new(place.clone(), kind::IMAGE, format!("{} {digest}", image.path))
    }

    /// Looks at an image. `seals` are the records in the cloud's pool; `is_awaited` is whether a root is still to be made
    /// of it.
    pub(super) fn look(
        link: &impl Link,
        place: &Place,
        image: HostImage,
        seals: &[Seal],
        is_awaited: bool,
        promises: &Promises,
    ) -> Result<Self, CallError> {
        let path = image.path.as_str();
        let Some(facts) = seen(link.file(path))? else {
            let is_swapped = seals.iter().any(|seal| seal.is_of(path));
            return Ok(Self { image, bytes: ImageBytes::Unseen, is_swapped, capacity: None });
        };
        let seal = Seal::of(path, image.digest.as_ref(), &facts);
        let of_path = || seals.iter().filter(|one| one.path == seal.path);
        let is_other = of_path().next().is_some() && of_path().all(|one| one.file != seal.file);
        let bytes = match &image.digest {
            None => ImageBytes::Right,
            Some(_) if seals.contains(&seal) => ImageBytes::Right,
            // The bytes of a file on another computer come over the network: that waits for an apply.
            Some(wanted) if is_other || (is_awaited && link.is_local()) => {
                let mut read = promises.read();
                if read.contains(&(place.clone(), seal.clone())) {
                    ImageBytes::Right
                } else {
                    match seen(link.file_digest(path, wanted))? {
                        Some(found) if found == *wanted => {
                            read.insert((place.clone(), seal.clone()));
                            ImageBytes::Right
                        }
                        Some(found) => ImageBytes::Wrong(found),
                        None => ImageBytes::Unseen,
                    }
                }
            }
            Some(_) => ImageBytes::Unread,
        };
        let was_this = of_path().any(|one| one.digest == seal.digest);
        let is_same = image.digest.is_some() && bytes == ImageBytes::Right && was_this;
        let capacity = Some(facts.capacity).filter(|capacity| *capacity > 0);
        Ok(Self { bytes, is_swapped: is_other && !is_same, capacity, image })
    }

    /// The fault of a machine whose root lies over the file, if the file was swapped. The root of an outdated machine may lie
    /// over another one, which only the document of a running guest says.
    pub(super) fn swapped(&self, under: &DomainObject) -> Option<String> {
        let lies_elsewhere =
            !under.below.is_empty() && !under.below.iter().any(|file| *file == *self.image.path.as_str());
        if lies_elsewhere {
            return None;
        }
        let was_replaced = "It was replaced under the machine's root, which is an overlay of the file as it was, and reads \
                            garbage: put the former file back, and give another one another name";
        let what = match (&self.bytes, &self.image.digest) {
            (ImageBytes::Wrong(found), Some(wanted)) => {
                format!("{}. {was_replaced}", not_the_image(wanted, found))
            }
            (ImageBytes::Unseen, _) => {
                "libvirt does not show the file any more, and the machine's root is an overlay of it: is \
                                        its file system mounted? Put the file back"
                    .to_owned()
            }
            _ => format!("it is not the file that it was. {was_replaced}"),
        };
        self.is_swapped.then_some(what)
    }
}
