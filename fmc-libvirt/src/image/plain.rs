//! Reading a file that is not packed. The file system reports its holes, which are not read.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use crate::link::Piece;

/// A shorter hole is read like other bytes: a call to find it would take longer.
const LEAST: u64 = 64 << 10;

/// A longer hole becomes several pieces, so that the progress stays visible.
const MOST: u64 = 16 << 20;

/// Buffers that are reused once all their readers are gone.
pub(super) struct Buffers {
    size: usize,
    all: Vec<Arc<Buffer>>,
}

/// A buffer, and how much of it is filled.
struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

impl Buffers {
    /// An empty set; each buffer will have this size.
    pub(super) fn of(size: usize) -> Self {
        Self { size, all: Vec::new() }
    }

    /// Fills a buffer with `read` and returns it as a piece; `None` if `read` gives nothing.
    pub(super) fn fill(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Option<Piece>> {
        let free = self.all.iter_mut().position(|buffer| Arc::get_mut(buffer).is_some());
        let mut buffer = match free {
            Some(free) => self.all.swap_remove(free),
            None => Arc::new(Buffer { bytes: vec![0; self.size], filled: 0 }),
        };
        // Unreachable: no other reader has this buffer.
        let Some(own) = Arc::get_mut(&mut buffer) else { return Err(ErrorKind::ResourceBusy.into()) };
        own.filled = read(&mut own.bytes)?;
        let is_empty = own.filled == 0;
        self.all.push(Arc::clone(&buffer));
        Ok((!is_empty).then_some(Piece::Bytes(buffer)))
    }
}

/// A file that is read from its beginning to its end.
pub(super) struct Plain {
    file: File,
    position: u64,
    /// The end of the current stretch: bytes, or a hole.
    until: u64,
    is_hole: bool,
}

impl Plain {
    /// A file, from its beginning.
    pub(super) fn new(file: File) -> Self {
        Self { file, position: 0, until: 0, is_hole: false }
    }

    /// The number of bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn next(&mut self, buffers: &mut Buffers) -> io::Result<Option<Piece>> {
        self.look()?;
        if self.is_hole {
            let length = (self.until - self.position).min(MOST);
            self.position += length;
            return Ok(Some(Piece::Zeros(length)));
        }
        buffers.fill(|buffer| self.read(buffer))
    }

    /// Reads up to the next hole.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0_usize;
        loop {
            let left = usize::try_from(self.until - self.position).unwrap_or(usize::MAX);
            let end = buffer.len().min(filled.saturating_add(left));
            let Some(rest) = buffer.get_mut(filled..end).filter(|rest| !rest.is_empty()) else {
                return Ok(filled);
            };
            match self.file.read(rest) {
                Ok(0) => return Ok(filled),
                Ok(count) => {
                    filled += count;
                    self.position += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            self.look()?;
            if self.is_hole {
                return Ok(filled);
            }
        }
    }

    /// Finds the stretch at the position, once the last one is over.
    fn look(&mut self) -> io::Result<()> {
        if self.position < self.until {
            return Ok(());
        }
        let (data, hole) = stretch(&self.file, self.position);
        (self.is_hole, self.until) =
            if data.saturating_sub(self.position) >= LEAST { (true, data) } else { (false, hole) };
        self.file.seek(SeekFrom::Start(self.position)).map(drop)
    }
}

/// The start of the next bytes from a position of a file, and of the hole after them. If the file system does
/// not report holes, everything counts as bytes without end; so does everything after the end of the file,
/// where reading gives nothing.
#[cfg(all(feature = "virt", target_os = "linux"))]
fn stretch(file: &File, from: u64) -> (u64, u64) {
    use rustix::fs::{SeekFrom, seek};
    use rustix::io::Errno;

    let data = match seek(file, SeekFrom::Data(from)) {
        Ok(data) => data,
        // There are no more bytes: a hole up to the end.
        Err(Errno::NXIO) => match file.metadata() {
            Ok(about) if about.len() > from => return (about.len(), about.len()),
            _ => return (from, u64::MAX),
        },
        Err(_) => return (from, u64::MAX),
    };
    let hole = seek(file, SeekFrom::Hole(data)).ok().filter(|hole| *hole > data);
    (data, hole.unwrap_or(u64::MAX))
}

/// The version for other systems.
#[cfg(not(all(feature = "virt", target_os = "linux")))]
fn stretch(_: &File, from: u64) -> (u64, u64) {
    (from, u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;
    use crate::link::CHUNK;

    /// The bytes of a file, and how many of them were taken as zeros without reading.
    fn read(file: File) -> (Vec<u8>, u64) {
        let (mut plain, mut buffers) = (Plain::new(file), Buffers::of(CHUNK));
        let (mut bytes, mut zeros) = (Vec::new(), 0);
        while let Some(piece) = plain.next(&mut buffers).unwrap() {
            assert!(piece.length() > 0);
            if let Piece::Zeros(count) = piece {
                zeros += count;
            }
            piece.for_each(|some| bytes.extend_from_slice(some));
        }
        (bytes, zeros)
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]
        #[test]
        fn what_is_read_is_what_is_there(
            length in 0_u64..6 << 20,
            writes in proptest::collection::vec((0_u64..6 << 20, 1_usize..200_000), 0..6),
        ) {
            let file = tempfile::tempfile().unwrap();
            file.set_len(length).unwrap();
            for (at, count) in writes {
                file.write_all_at(&vec![7; count], at).unwrap();
            }
            let mut expected = Vec::new();
            (&file).read_to_end(&mut expected).unwrap();
            proptest::prop_assert!(read(file).0 == expected);
        }
    }

    #[cfg(all(feature = "virt", target_os = "linux"))]
    #[test]
    fn a_hole_is_not_read_and_a_short_one_is() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(40 << 20).unwrap();
        for at in [8 << 20, (8 << 20) + (96 << 10)] {
            file.write_all_at(&[7; 64 << 10], at).unwrap();
        }
        let (bytes, zeros) = read(file);
        assert_eq!(bytes.iter().filter(|byte| **byte == 7).count(), 128 << 10);
        assert_eq!(bytes.len(), 40 << 20);
        assert!(zeros >= 39 << 20 && zeros < bytes.len() as u64 - (128 << 10), "{zeros}");
    }

    #[test]
    fn buffers_are_used_again() {
        let mut buffers = Buffers::of(CHUNK);
        let mut at = Vec::new();
        for count in [CHUNK, 5, CHUNK] {
            let piece = buffers.fill(|buffer| Ok(buffer.len().min(count))).unwrap().unwrap();
            assert_eq!(piece.length(), count as u64);
            let Piece::Bytes(bytes) = &piece else { panic!("bytes") };
            at.push((**bytes).as_ref().as_ptr());
        }
        assert!(at.iter().all(|one| *one == at[0]), "{at:?}");
    }
}
