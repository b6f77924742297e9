//! Reading an image's file: once, from its beginning to its end, hashed as published and as unpacked.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;
use std::rc::Rc;

use fmc_core::digest::Digest;
use fmc_core::unit::Size;

use super::ImageError;
use super::hash::Beside;
use super::header::{HEAD, Header, Stated};
use super::plain::{Buffers, Plain};
use super::unpack::{Packing, READ};
use crate::files::Files;
use crate::link::{CHUNK, Piece, Pieces};

/// An image file whose first bytes were checked.
#[derive(Debug)]
#[non_exhaustive]
pub struct ImageFile {
    file: File,
    /// The length of the file in bytes.
    pub packed_length: u64,
    /// The packing, if it is packed.
    pub packing: Option<Packing>,
    /// The unpacked length in bytes, if it is known in advance; for an unpacked file, its length.
    pub length: Option<u64>,
    /// The image's header.
    pub header: Header,
}

impl ImageFile {
    /// Opens a file that may be read, and reads enough of it to identify it: at most a few mebibytes, however
    /// large the file is.
    ///
    /// # Errors
    ///
    /// It cannot be read or unpacked, contradicts its statements, or does not fit.
    pub fn open(files: &Files, path: &Path, stated: &Stated) -> Result<Self, ImageError> {
        let mut file = files.open(path).map_err(ImageError::of_opening)?;
        let about = file.metadata().map_err(ImageError::Open)?;
        if !about.is_file() {
            return Err(ImageError::NoFile);
        }
        let packed_length = about.len();
        let head = beginning(&mut file).map_err(ImageError::Read)?;
        file.rewind().map_err(ImageError::Read)?;
        let packing = Packing::of(&head);
        let (head, length) = match packing {
            None => (head, Some(packed_length)),
            Some(packing) => {
                let broken = |cause| ImageError::Unpack { packing, cause };
                let length = packing.length(&mut file).map_err(broken)?;
                file.rewind().map_err(ImageError::Read)?;
                let mut unpacked = packing.unpack(&file).map_err(broken)?;
                (beginning(&mut unpacked).map_err(broken)?, length)
            }
        };
        let header = Header::read(&head, length, stated.format)?;
        header.fits(stated)?;
        if packing.is_none() {
            header.walk(&mut file, packed_length).map_err(ImageError::Read)??;
        }
        let image = Self { file, packed_length, packing, length, header };
        image.refuse_more(image.length.unwrap_or(0), stated)?;
        Ok(image)
    }

    /// The least space in bytes that it takes on the hypervisor. Zeros take no space: they are sent as holes.
    pub fn takes(&self) -> u64 {
        if self.packing.is_some() {
            return self.packed_length;
        }
        allocated(&self.file).unwrap_or(self.packed_length).min(self.packed_length)
    }

    fn refuse_more(&self, length: u64, stated: &Stated) -> Result<(), ImageError> {
        let most = self.header.most(stated);
        if self.packing.is_some() && length > most {
            return Err(ImageError::Bomb { most: Size::bytes(most) });
        }
        Ok(())
    }

    /// Its unpacked bytes, to be read once. [`Content::finish`] checks them at their end.
    ///
    /// # Errors
    ///
    /// It cannot be read or unpacked.
    pub fn content(
        self,
        stated: Stated,
        digest: Digest,
        unpacked: Option<Digest>,
    ) -> Result<Content, ImageError> {
        let mut file = self.file;
        file.rewind().map_err(ImageError::Read)?;
        let tally =
            Rc::new(Tally { position: Cell::new(0), hash: RefCell::new(Some(Beside::like(&digest))) });
        let bytes = match self.packing {
            None => Bytes::Plain(Plain::new(file)),
            Some(packing) => {
                let packed = Tallied { file, tally: Rc::clone(&tally), copies: Buffers::of(READ) };
                let bytes = packing.unpack(packed);
                Bytes::Packed(packing, bytes.map_err(|cause| ImageError::Unpack { packing, cause })?)
            }
        };
        Ok(Content {
            most: if self.packing.is_some() { self.header.most(&stated) } else { u64::MAX },
            bytes,
            buffers: Buffers::of(CHUNK),
            stated,
            head: Vec::with_capacity(HEAD),
            length: 0,
            digest,
            unpacked: unpacked.map(|digest| (Beside::like(&digest), digest)),
            tally,
            failure: None,
        })
    }
}

/// An image's bytes as the guest will find them.
pub struct Content {
    bytes: Bytes,
    buffers: Buffers,
    most: u64,
    stated: Stated,
    head: Vec<u8>,
    length: u64,
    digest: Digest,
    unpacked: Option<(Beside, Digest)>,
    tally: Rc<Tally>,
    failure: Option<ImageError>,
}

enum Bytes {
    Plain(Plain),
    Packed(Packing, Box<dyn Read>),
}

impl Content {
    /// How much of the file as published was read; it can be asked while the bytes are read.
    pub fn position(&self) -> Rc<Tally> {
        Rc::clone(&self.tally)
    }

    /// Checks that the bytes were the required image: by its digests, and again by its header, now against
    /// the bytes that were really read.
    ///
    /// # Errors
    ///
    /// They were not.
    pub fn finish(mut self) -> Result<(), ImageError> {
        // An index may come after the last byte of the content; it belongs to the file's digest.
        while self.next().map_err(|cause| self.failure.take().unwrap_or(ImageError::Read(cause)))?.is_some() {
        }
        drop(self.bytes);
        let hash = self.tally.hash.borrow_mut().take();
        let of_file = hash.map(|hash| ("its content", hash, self.digest));
        let of_content = self.unpacked.map(|(hash, expected)| ("its content, unpacked,", hash, expected));
        for (what, hash, expected) in of_file.into_iter().chain(of_content) {
            let broken = || ImageError::Read(io::Error::other("the thread that hashes it broke off"));
            let found = hash.finish().ok_or_else(broken)?;
            if found != expected {
                return Err(ImageError::Digest { what, found: found.into(), expected: expected.into() });
            }
        }
        Header::read(&self.head, Some(self.length), self.stated.format)?.fits(&self.stated)?;
        Ok(())
    }

    /// The reason of a failed read.
    pub fn failure(&mut self) -> Option<ImageError> {
        self.failure.take()
    }

    fn fail(&mut self, error: ImageError) -> io::Error {
        let text = error.to_string();
        self.failure.get_or_insert(error);
        io::Error::other(text)
    }

    /// The next piece, before it is counted.
    fn piece(&mut self) -> Result<Option<Piece>, ImageError> {
        match &mut self.bytes {
            Bytes::Plain(plain) => {
                let piece = plain.next(&mut self.buffers).map_err(ImageError::Read)?;
                if let Some(piece) = &piece {
                    self.tally.add(piece.clone());
                }
                self.tally.position.set(plain.position());
                Ok(piece)
            }
            Bytes::Packed(packing, bytes) => {
                let failed = |cause| ImageError::Unpack { packing: *packing, cause };
                self.buffers.fill(|buffer| fill(bytes, buffer)).map_err(failed)
            }
        }
    }
}

impl Pieces for Content {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        let Some(piece) = self.piece().map_err(|error| self.fail(error))? else { return Ok(None) };
        self.length += piece.length();
        if self.length > self.most {
            return Err(self.fail(ImageError::Bomb { most: Size::bytes(self.most) }));
        }
        if self.head.len() < HEAD {
            piece.for_each(|bytes| {
                let missing = HEAD.saturating_sub(self.head.len()).min(bytes.len());
                self.head.extend_from_slice(bytes.get(..missing).unwrap_or_default());
            });
        }
        if let Some((hash, _)) = &mut self.unpacked {
            hash.update(piece.clone());
        }
        Ok(Some(piece))
    }
}

/// Reads until a buffer is full or the bytes end, because a decoder returns few bytes at a time.
fn fill(bytes: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match bytes.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The position in a file, and the hash of the bytes before it.
pub struct Tally {
    position: Cell<u64>,
    hash: RefCell<Option<Beside>>,
}

impl Tally {
    /// Bytes of the file so far.
    pub fn position(&self) -> u64 {
        self.position.get()
    }

    fn add(&self, piece: Piece) {
        if let Some(hash) = &mut *self.hash.borrow_mut() {
            hash.update(piece);
        }
    }
}

/// A packed file, hashed as it is read.
struct Tallied {
    file: File,
    tally: Rc<Tally>,
    copies: Buffers,
}

impl Read for Tallied {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        // The decoder overwrites its buffer, so the hashing thread gets copies.
        for some in bytes.chunks(READ) {
            let copy = self.copies.fill(|copy| {
                copy.get_mut(..some.len()).unwrap_or_default().copy_from_slice(some);
                Ok(some.len())
            })?;
            copy.into_iter().for_each(|piece| self.tally.add(piece));
        }
        self.tally.position.set(self.tally.position.get() + count as u64);
        Ok(count)
    }
}

/// The first bytes: [`HEAD`] of them, or all.
fn beginning(bytes: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    bytes.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(unix)]
fn allocated(file: &File) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Some(file.metadata().ok()?.blocks() * 512)
}

#[cfg(not(unix))]
fn allocated(_: &File) -> Option<u64> {
    None
}
