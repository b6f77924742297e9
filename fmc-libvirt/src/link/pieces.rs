//! The bytes of an upload, piece by piece. A chunk is shared and not copied, so it can be hashed while it is
//! sent.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

/// The size of most pieces: one mebibyte, as libvirt's own tools use.
pub const CHUNK: usize = 1 << 20;

/// Bytes that several threads may read at the same time.
pub type Chunk = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A part of an upload.
#[derive(Clone)]
pub enum Piece {
    /// Bytes.
    Bytes(Chunk),
    /// A number of zeros, which need not be sent.
    Zeros(u64),
}

/// A source of bytes that is read once, from its beginning to its end.
pub trait Pieces {
    /// The next piece, which is not empty; `None` at the end.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn next(&mut self) -> io::Result<Option<Piece>>;
}

impl Piece {
    /// The number of its bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => u64::try_from((**bytes).as_ref().len()).unwrap_or(u64::MAX),
            Self::Zeros(count) => *count,
        }
    }

    /// Calls `each` with its bytes in order; for zeros with blocks of zeros.
    pub fn for_each(&self, mut each: impl FnMut(&[u8])) {
        let Ok(()) = self.try_for_each(|bytes| {
            each(bytes);
            Ok::<(), Infallible>(())
        });
    }

    /// Like [`for_each`](Self::for_each), up to the first error.
    ///
    /// # Errors
    ///
    /// The error of `each`.
    pub fn try_for_each<E>(&self, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        match self {
            Self::Bytes(bytes) => each((**bytes).as_ref()),
            Self::Zeros(count) => {
                let mut left = *count;
                while left > 0 {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
                    let zeros = ZEROS.get(..length).unwrap_or_default();
                    each(zeros)?;
                    left -= zeros.len() as u64;
                }
                Ok(())
            }
        }
    }
}

/// Bytes in memory, which are copied.
impl Pieces for &[u8] {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        let (first, rest) = self.split_at(self.len().min(CHUNK));
        *self = rest;
        Ok((!first.is_empty()).then(|| Piece::Bytes(Arc::new(first.to_vec()))))
    }
}
