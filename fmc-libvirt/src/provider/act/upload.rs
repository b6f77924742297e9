//! Uploads: bytes that are checked on their way, and committed by a second volume once all of them are there.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::sync::PoisonError;

use fmc_core::digest::Digest;
use fmc_core::graph::{Acting, Event, StepError};
use fmc_core::secret::{SecretBytes, SecretError};
use sha2::Digest as _;

use super::Job;
use crate::document::{Content, VolumeDocument};
use crate::link::{CallErrorKind, Link};
use crate::volume::{commit_name, commit_xml, upload_xml};

impl<L: Link, A: Acting> Job<L, A> {
    /// Makes a volume and sends its bytes. Whatever goes wrong, it is not committed.
    pub(super) fn upload(&self, wanted: &VolumeDocument) -> Result<(), StepError> {
        let mut source = self.source(&wanted.content)?;
        let lane = self.pools.of(self.address.host(), &wanted.pool);
        let _turn = lane.lock().unwrap_or_else(PoisonError::into_inner);
        self.unless_cancelled()?;
        let (pool, name) = (&*wanted.pool, &*wanted.name);
        // What is left of a deletion would commit what is not there yet.
        let commit = commit_name(name);
        self.patiently(|| self.link.delete_volume(pool, &commit))?;
        self.make_volume(pool, name, &upload_xml(name, source.length))?;
        let sent = self.send(pool, name, &mut source).and_then(|()| source.check());
        if let Err(error) = sent {
            // The rest of it is in the way of nobody; the next plan finds it if this fails too.
            drop(self.link.delete_volume(pool, name));
            return Err(error);
        }
        self.patiently(|| self.link.create_volume(pool, &commit_xml(name)))
    }

    fn source(&self, content: &Content) -> Result<Source, StepError> {
        match content {
            Content::Empty => Ok(Source::secret(SecretBytes::new(Vec::new()))),
            Content::Url { url, .. } => Err(StepError::Input {
                what: format!("image {url}"),
                cause: "downloads are not made yet: fetch it by hand, and give it as a file".to_owned(),
            }),
            Content::Boot(boot) => {
                let failed = |error: SecretError| StepError::Input {
                    what: format!("boot configuration of {}", self.address.short()),
                    cause: error.to_string(),
                };
                Ok(Source::secret(boot.render_volume(&*self.secrets).map_err(failed)?))
            }
            Content::File { path, digest } => Source::file(path.as_str(), *digest),
        }
    }

    fn send(&self, pool: &str, name: &str, source: &mut Source) -> Result<(), StepError> {
        let length = source.length;
        let address = self.address.to_string();
        let mut each = |done: u64| {
            self.acting.say(Event::Progress { address: address.clone(), done, total: length });
            !self.acting.cancelled()
        };
        let sent = self.link.upload(pool, name, &mut source.reader, length, &mut each);
        match sent {
            // Nothing of the source is used up by a pool that was at work before the first byte.
            Err(error) if error.kind == CallErrorKind::Busy && source.reader.read == 0 => {
                self.patiently(|| self.link.upload(pool, name, &mut source.reader, length, &mut each))
            }
            sent => self.made(sent),
        }
    }
}

/// Bytes to be sent, and what they must hash to.
struct Source {
    what: String,
    length: u64,
    expected: Option<Digest>,
    reader: Hashing,
}

struct Exposed(SecretBytes);

impl AsRef<[u8]> for Exposed {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

struct Hashing {
    inner: Box<dyn Read>,
    hash: Hash,
    read: u64,
}

enum Hash {
    None,
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Source {
    /// Bytes with secrets in them, which are overwritten once they are sent.
    fn secret(bytes: SecretBytes) -> Self {
        let length = u64::try_from(bytes.expose().len()).unwrap_or(u64::MAX);
        let reader = Hashing { inner: Box::new(Cursor::new(Exposed(bytes))), hash: Hash::None, read: 0 };
        Self { what: String::new(), length, expected: None, reader }
    }

    fn file(path: &str, expected: Digest) -> Result<Self, StepError> {
        let what = format!("image {path}");
        let failed = |cause: io::Error| StepError::Input {
            what: what.clone(),
            cause: format!("{cause}; put it there on the machine that applies, or correct its path"),
        };
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(StepError::Input { what, cause: "it is no regular file".to_owned() });
        }
        let hash = match expected {
            Digest::Sha256(_) => Hash::Sha256(sha2::Sha256::new()),
            Digest::Sha512(_) => Hash::Sha512(sha2::Sha512::new()),
        };
        let reader = Hashing { inner: Box::new(file), hash, read: 0 };
        Ok(Self { what, length: about.len(), expected: Some(expected), reader })
    }

    /// Whether all that was sent is what was promised.
    fn check(self) -> Result<(), StepError> {
        let found = match self.reader.hash {
            Hash::None => None,
            Hash::Sha256(hash) => Some(Digest::Sha256(hash.finalize().into())),
            Hash::Sha512(hash) => Some(Digest::Sha512(hash.finalize().into())),
        };
        if found == self.expected {
            return Ok(());
        }
        let [found, expected] =
            [found, self.expected].map(|digest| digest.map(|it| it.to_string()).unwrap_or_default());
        Err(StepError::Input {
            what: self.what,
            cause: format!(
                "its content is {found}, not {expected}: get the right file, or correct the digest"
            ),
        })
    }
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(bytes) = buffer.get(..count) {
            match &mut self.hash {
                Hash::None => {}
                Hash::Sha256(hash) => hash.update(bytes),
                Hash::Sha512(hash) => hash.update(bytes),
            }
        }
        self.read += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}
