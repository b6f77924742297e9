//! Unpacking: which packing a file has, by its first bytes, and its content as a stream of bounded memory.

use std::fmt;
use std::io::{self, Read, Seek};

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// The .xz format 1.2.
    Xz,
    /// bzip2 1.0.
    Bzip2,
    /// RFC 8878.
    Zstd,
}

/// The bytes of a packed file that are read at a time.
pub(super) const READ: usize = 128 << 10;

/// An xz stream may ask for a dictionary of 4 GiB. `xz -9`, by which Fedora CoreOS is packed, asks for 64 MiB; so many KiB
/// its decoder takes with that.
#[cfg(feature = "unpack")]
const XZ_KIB: u32 = (64 << 10) + 1024;

/// A Zstandard frame may ask for a window of terabytes. 8 MiB is what RFC 8878 asks of a decoder, and what `zstd -19` takes.
#[cfg(feature = "unpack")]
const ZSTD_WINDOW: u64 = 8 << 20;

impl Packing {
    /// What a file's first bytes say.
    pub fn of(head: &[u8]) -> Option<Self> {
        let marks: [(&[u8], Self); 4] = [
            (b"\x1f\x8b\x08", Self::Gzip),
            (b"\xfd7zXZ\0", Self::Xz),
            (b"BZh", Self::Bzip2),
            (b"\x28\xb5\x2f\xfd", Self::Zstd),
        ];
        marks.into_iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, packing)| packing)
    }

    /// The program that unpacks such a file.
    pub fn program(self) -> &'static str {
        match self {
            Self::Gzip => "gunzip",
            Self::Xz => "xz -d",
            Self::Bzip2 => "bunzip2",
            Self::Zstd => "zstd -d",
        }
    }

    /// What a file unpacks to in bytes, where it says so at a place that can be found: only xz has an index. The last
    /// four bytes of gzip count to 4 GiB, and of its last member only; a frame of Zstandard may leave its size out, and
    /// another may follow.
    ///
    /// # Errors
    ///
    /// The index does not fit the file, which was cut.
    #[cfg(feature = "unpack")]
    pub fn length(self, file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
        match self {
            Self::Xz => lzma_rust2::xz_uncompressed_size(file).map(Some),
            _ => Ok(None),
        }
    }

    /// See the other one.
    #[cfg(not(feature = "unpack"))]
    pub fn length(self, _: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
        Err(self.missing())
    }

    /// The content of a packed file, which begins where `packed` stands. Several streams one behind another are one.
    ///
    /// # Errors
    ///
    /// This program cannot unpack.
    #[cfg(feature = "unpack")]
    pub fn unpack<'a>(self, packed: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        let packed = io::BufReader::with_capacity(READ, packed);
        Ok(match self {
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(packed, true, XZ_KIB)),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
            Self::Zstd => Box::new(Frames::new(packed)),
        })
    }

    /// See the other one.
    #[cfg(not(feature = "unpack"))]
    pub fn unpack<'a>(self, _: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Err(self.missing())
    }

    #[cfg(not(feature = "unpack"))]
    fn missing(self) -> io::Error {
        io::Error::new(
            io::ErrorKind::Unsupported,
            "this program is built without the feature `unpack` of fmc, which unpacks on the way",
        )
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "Zstandard",
        })
    }
}

/// The frames of a Zstandard file, one behind another.
#[cfg(feature = "unpack")]
struct Frames<R> {
    packed: R,
    decoder: Box<ruzstd::decoding::FrameDecoder>,
    in_frame: bool,
}

#[cfg(feature = "unpack")]
impl<R: io::BufRead> Frames<R> {
    fn new(packed: R) -> Self {
        let mut decoder = Box::new(ruzstd::decoding::FrameDecoder::new());
        decoder.set_max_window_size(ZSTD_WINDOW);
        Self { packed, decoder, in_frame: false }
    }

    /// Begins the next frame; `false` at the end of the file.
    fn begin(&mut self) -> io::Result<bool> {
        use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

        loop {
            if self.packed.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.packed) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = io::copy(&mut (&mut self.packed).take(length.into()), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
    }
}

#[cfg(feature = "unpack")]
impl<R: io::BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use ruzstd::decoding::BlockDecodingStrategy;

        loop {
            if !self.in_frame {
                if !self.begin()? {
                    return Ok(0);
                }
                self.in_frame = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.packed, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.in_frame = false;
        }
    }
}
