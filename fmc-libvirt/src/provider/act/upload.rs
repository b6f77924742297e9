//! Uploads: the bytes are checked on their way, and a second volume commits them once all have arrived.
//!
//! Each host reads an image separately: the second reading comes from the page cache, and with one shared
//! reader the slowest host would slow down the others.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, PoisonError};

use fmc_core::graph::{Acting, Event, StepError};
use fmc_core::path::HttpUrl;
use fmc_core::secret::{SecretBytes, SecretError};
use fmc_core::unit::Size;

use super::Job;
use super::lease::Text;
use crate::document::{BaseImage, Content, ImageSource, VolumeDocument};
use crate::files::Files;
use crate::image::ImageError;
use crate::image::cache::{Patience, Place};
use crate::image::content::{self, ImageFile, Tally};
use crate::link::{CallErrorKind, Link, Piece, Pieces};
use crate::provider::object::pool_room;
use crate::volume::{commit_name, upload_xml};

/// A download reports its progress after each so many bytes, as an upload does.
#[cfg(feature = "fetch")]
const EACH: u64 = 1 << 20;

impl<L: Link, A: Acting + Clone + 'static> Job<L, A> {
    /// Makes a volume and sends its bytes. After any failure it stays uncommitted.
    pub(super) fn upload(&self, wanted: &VolumeDocument) -> Result<(), StepError> {
        let mut source = self.source(&wanted.content)?;
        let lane = self.pools.lane(self.address.place(), &wanted.pool);
        let _turn = lane.lock().unwrap_or_else(PoisonError::into_inner);
        self.unless_cancelled()?;
        let (pool, name) = (&*wanted.pool, &*wanted.name);
        self.has_room(pool, &source)?;
        // The commit of a volume that another apply has made since the plan stays.
        if self.made(self.link.volume(pool, name))?.is_some() {
            return Err(self.changed());
        }
        // An old commit from an interrupted deletion would commit an incomplete volume.
        let commit = commit_name(name);
        self.patiently(|| self.link.delete_volume(pool, &commit))?;
        self.make_volume(pool, name, &upload_xml(name, source.length.unwrap_or(0)))?;
        let sent = self.send(pool, name, &mut source).and_then(|()| source.finish());
        if let Err(error) = sent {
            // If this fails too, the rest blocks nothing, and the next plan finds it.
            if self.unless_taken_over().is_ok() {
                drop(self.link.delete_volume(pool, name));
            }
            return Err(error);
        }
        self.unless_taken_over()?;
        let check = self.root_key_of(&wanted.content);
        let length = u64::try_from(check.as_deref().unwrap_or_default().len()).unwrap_or(0);
        self.patiently(|| self.link.create_volume(pool, &upload_xml(&commit, length)))?;
        // Between the question and the commit another apply may have begun to send the volume again.
        if let Some(error) = self.taken_over()? {
            drop(self.link.delete_volume(pool, &commit));
            return Err(error);
        }
        if let Some(check) = check {
            // The volume is committed. Without the text its root key is not known, as after an earlier version, and nothing else.
            drop(self.link.upload(pool, &commit, &mut Text(Some(check)), Some(length), &mut |_| true));
        }
        Ok(())
    }

    /// The check of the root key from which the secrets of a boot configuration are made, for its commit: without the machine's domain
    /// nothing else says it.
    fn root_key_of(&self, content: &Content) -> Option<String> {
        let Content::Boot(boot) = content else { return None };
        let check = self.secrets.root_key_check().filter(|_| boot.needs_root_key())?;
        Some(check.to_string())
    }

    fn source(&self, content: &Content) -> Result<Source, StepError> {
        match content {
            Content::Empty => Ok(Source::secret(SecretBytes::new(Vec::new()))),
            Content::Boot(boot) => {
                let failed = |error: SecretError| StepError::Input {
                    what: format!("boot configuration of {}", self.address.short()),
                    cause: error.to_string(),
                };
                Ok(Source::secret(boot.render_volume(&*self.secrets).map_err(failed)?))
            }
            Content::Image(image) => self.image(image),
        }
    }

    fn image(&self, image: &BaseImage) -> Result<Source, StepError> {
        let (path, what, fetched) = match (&image.source, &self.images.place) {
            (ImageSource::File(path), _) => (PathBuf::from(path.as_str()), format!("image {path}"), false),
            (ImageSource::Url(url), Place::Folder { folder, patience }) => {
                (self.fetch(folder, url, image, *patience)?, format!("image {url}"), true)
            }
            // A simulation never boots it, so a download would be a waste of time.
            (ImageSource::Url(url), Place::StandIns) => {
                return Ok(Source::secret(SecretBytes::new(format!("stand-in of {url}\n").into_bytes())));
            }
            (ImageSource::Url(url), Place::Nowhere) => {
                return Err(StepError::Input {
                    what: format!("image {url}"),
                    cause:
                        "there is no folder for downloads: give the providers one (`images`), or give the \
                            image as a file"
                            .to_owned(),
                });
            }
        };
        let from = From { what, fetched: fetched.then(|| path.clone()) };
        // A download is in a folder of our own.
        let own = Files::anywhere("");
        Source::image(if fetched { &own } else { &self.images.files }, &path, image)
            .map_err(|error| from.refuse(&error))
            .map(|source| Source { from, ..source })
    }

    #[cfg(feature = "fetch")]
    fn fetch(
        &self,
        folder: &Path,
        url: &HttpUrl,
        image: &BaseImage,
        patience: Patience,
    ) -> Result<PathBuf, StepError> {
        use crate::image::fetch::{FetchError, FetchStep, fetch};

        let address = self.address.to_string();
        let (mut waits, mut told) = (false, 0);
        let mut on = |step| {
            match step {
                FetchStep::Waits if !waits => {
                    waits = true;
                    self.say("waits for another download of its image");
                }
                FetchStep::Waits | FetchStep::Bytes { total: None, .. } => {}
                FetchStep::Bytes { done, total: Some(total) } if done < told + EACH && done < total => {}
                FetchStep::Bytes { done, total: Some(total) } => {
                    told = done;
                    self.acting.say(Event::Progress { address: address.clone(), done, total });
                }
            }
            !self.acting.cancelled()
        };
        self.say(format!("fetches {url}"));
        let path = fetch(folder, url, &image.digest, patience, &mut on).map_err(|error| match error {
            FetchError::Cancelled => StepError::Cancelled,
            error => StepError::Input { what: format!("image {url}"), cause: error.to_string() },
        })?;
        self.say("sends its image");
        Ok(path)
    }

    #[cfg(not(feature = "fetch"))]
    fn fetch(&self, _: &Path, url: &HttpUrl, _: &BaseImage, _: Patience) -> Result<PathBuf, StepError> {
        Err(StepError::Input {
            what: format!("image {url}"),
            cause: "this program is built without the feature `fetch` of fmc: fetch it by hand, and give it as a file"
                .to_owned(),
        })
    }

    /// Refuses an upload that is too large for its pool. libvirt's numbers may be old, so a pool that seems
    /// too small is refreshed and read again.
    fn has_room(&self, pool: &str, source: &Source) -> Result<(), StepError> {
        let Bytes::Image(_) = &source.bytes else { return Ok(()) };
        let room = || -> Result<Option<u64>, StepError> {
            Ok(self.made(self.link.pool(pool))?.and_then(|record| pool_room(&record.xml)))
        };
        let is_short = |room: Option<u64>| room.filter(|room| *room < source.takes);
        if is_short(room()?).is_none() {
            return Ok(());
        }
        self.patiently(|| self.link.refresh_pool(pool))?;
        let Some(room) = is_short(room()?) else { return Ok(()) };
        let [takes, has, lacks] = [source.takes, room, source.takes - room].map(Size::bytes);
        Err(StepError::Input {
            what: source.from.what.clone(),
            cause: format!(
                "it needs at least {takes}, but the pool {pool} has {has} free: free {lacks} on the hypervisor"
            ),
        })
    }

    fn send(&self, pool: &str, name: &str, source: &mut Source) -> Result<(), StepError> {
        let length = source.length;
        let progress = source.progress();
        let address = self.address.to_string();
        let mut last = None;
        let mut each = |sent: u64| {
            let (done, total) = progress.after(sent);
            // Not every unpacked chunk advances the position in a packed file.
            if last.replace(done) != Some(done) {
                self.acting.say(Event::Progress { address: address.clone(), done, total });
            }
            !self.acting.cancelled()
        };
        let sent = self.link.upload(pool, name, &mut source.bytes, length, &mut each);
        let sent = match sent {
            // A pool that was busy before the first byte has consumed nothing of the source.
            Err(error) if error.kind == CallErrorKind::Busy && !source.bytes.is_begun() => {
                self.patiently(|| self.link.upload(pool, name, &mut source.bytes, length, &mut each))
            }
            sent => self.made(sent),
        };
        // The link only knows that it got no more bytes; the source knows the reason.
        sent.map_err(|error| source.failure().unwrap_or(error))
    }
}

/// A source of bytes.
struct Source {
    from: From,
    /// The number of bytes, if it is known.
    length: Option<u64>,
    /// The least space that they take on the hypervisor.
    takes: u64,
    /// The length of the packed file that they come from, if any.
    packed: Option<u64>,
    bytes: Bytes,
}

/// The origin of bytes.
#[derive(Default)]
struct From {
    /// The name for an error.
    what: String,
    /// The path of the download, if there is one.
    fetched: Option<PathBuf>,
}

impl From {
    /// Why an image cannot be used. A download was correct when it arrived; if it is not correct now, it is
    /// deleted so that the next apply downloads it again.
    fn refuse(&self, error: &ImageError) -> StepError {
        let mut cause = error.to_string();
        if let Some(kept) = &self.fetched
            && matches!(error, ImageError::Digest { .. } | ImageError::Unpack { .. })
        {
            drop(std::fs::remove_file(kept));
            cause = format!(
                "{} was downloaded before, but {cause}; it is deleted, and the next apply downloads it again",
                kept.display()
            );
        }
        StepError::Input { what: self.what.clone(), cause }
    }
}

enum Bytes {
    /// Contains secrets, until it is taken.
    Secret(Option<Exposed>),
    Image(Box<content::Content>),
}

/// Bytes with secrets, which are overwritten when the last reader drops them.
struct Exposed(SecretBytes);

impl AsRef<[u8]> for Exposed {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// The progress of an upload: the bytes sent, or for a packed file the bytes read of it, because only their
/// total is known.
enum Progress {
    Sent(u64),
    Read(Rc<Tally>, u64),
}

impl Progress {
    fn after(&self, sent: u64) -> (u64, u64) {
        match self {
            Self::Sent(total) => (sent, *total),
            Self::Read(tally, total) => (tally.position(), *total),
        }
    }
}

impl Source {
    /// Bytes with secrets.
    fn secret(bytes: SecretBytes) -> Self {
        let length = u64::try_from(bytes.expose().len()).unwrap_or(u64::MAX);
        let bytes = Bytes::Secret(Some(Exposed(bytes)));
        Self { from: From::default(), length: Some(length), takes: length, packed: None, bytes }
    }

    fn image(files: &Files, path: &Path, image: &BaseImage) -> Result<Self, ImageError> {
        let file = ImageFile::open(files, path, &image.stated)?;
        let (length, takes) = (file.length, file.takes());
        let packed = file.packing.map(|_| file.packed_length);
        let content = file.content(image.stated.clone(), image.digest, image.unpacked_digest)?;
        Ok(Self { from: From::default(), length, takes, packed, bytes: Bytes::Image(Box::new(content)) })
    }

    fn progress(&self) -> Progress {
        match (&self.bytes, self.packed) {
            (Bytes::Image(content), Some(packed)) => Progress::Read(content.position(), packed),
            _ => Progress::Sent(self.length.unwrap_or(0)),
        }
    }

    fn failure(&mut self) -> Option<StepError> {
        let Bytes::Image(content) = &mut self.bytes else { return None };
        Some(self.from.refuse(&content.failure()?))
    }

    /// Checks that the sent bytes were the required ones.
    fn finish(self) -> Result<(), StepError> {
        match self.bytes {
            Bytes::Secret(_) => Ok(()),
            Bytes::Image(content) => content.finish().map_err(|error| self.from.refuse(&error)),
        }
    }
}

impl Bytes {
    fn is_begun(&self) -> bool {
        match self {
            Self::Secret(bytes) => bytes.is_none(),
            Self::Image(content) => content.position().position() > 0,
        }
    }
}

impl Pieces for Bytes {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        match self {
            // One piece, however long: a copy would have to be overwritten too.
            Self::Secret(bytes) => Ok(bytes
                .take()
                .filter(|bytes| !bytes.0.expose().is_empty())
                .map(|bytes| Piece::Bytes(Arc::new(bytes)))),
            Self::Image(content) => content.next(),
        }
    }
}
