//! The bytes of a file that is not packed. Its holes are asked of the file system, and not read.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use crate::link::Piece;

/// A shorter hole is read like any other bytes: a call to find it would take longer.
const LEAST: u64 = 64 << 10;

/// A longer hole is several pieces, so that whoever waits sees that it goes on.
const MOST: u64 = 16 << 20;

/// Buffers that are used again once nobody reads them any more.
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
    /// None yet; each will have so many bytes.
    pub(super) fn of(size: usize) -> Self {
        Self { size, all: Vec::new() }
    }

    /// A piece of what `read` fills a buffer with; `None` where that is nothing.
    pub(super) fn fill(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Option<Piece>> {
        let free = self.all.iter_mut().position(|buffer| Arc::get_mut(buffer).is_some());
        let mut buffer = match free {
            Some(free) => self.all.swap_remove(free),
            None => Arc::new(Buffer { bytes: vec![0; self.size], filled: 0 }),
        };
        // Nobody else has it.
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
    /// Where the stretch ends that the position is in: bytes, or a hole.
    until: u64,
    is_hole: bool,
}

impl Plain {
    /// A file, from where it begins.
    pub(super) fn new(file: File) -> Self {
        Self { file, position: 0, until: 0, is_hole: false }
    }

    /// Bytes of the file so far.
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

    /// Finds the stretch that begins at the position, once the last one is over.
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

/// Where the next bytes are from a place of a file, and where the hole behind them is. Where a file system knows no holes,
/// all is bytes, without end; so is what comes behind the end of the file, where there is nothing to read.
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

/// See the other one.
#[cfg(not(all(feature = "virt", target_os = "linux")))]
fn stretch(_: &File, from: u64) -> (u64, u64) {
    (from, u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;
    use crate::link::CHUNK;

    /// What is read of a file: its bytes, and how many of them were taken for zeros without a look.
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
