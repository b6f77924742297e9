//! Unpacking: it detects a file's packing by its first bytes, and unpacks the content as a stream with
//! limited memory.

use std::fmt;
use std::io::{self, Read, Seek};

/// The packing of a file.
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

/// How many bytes of a packed file are read at a time.
pub(super) const READ: usize = 128 << 10;

/// The memory limit of the xz decoder, in KiB. A stream may ask for a dictionary of 4 GiB; `xz -9`, which
/// packs Fedora CoreOS, asks for 64 MiB, and its decoder needs this much with it.
#[cfg(feature = "unpack")]
const XZ_KIB: u32 = (64 << 10) + 1024;

/// The largest accepted Zstandard window. A frame may ask for terabytes; RFC 8878 requires 8 MiB of a
/// decoder, and `zstd -19` uses that.
#[cfg(feature = "unpack")]
const ZSTD_WINDOW: u64 = 8 << 20;

impl Packing {
    /// Detects the packing by a file's first bytes.
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

    /// The unpacked length in bytes, if the file stores it in a place that can be found: only xz has an
    /// index. The last four bytes of gzip wrap at 4 GiB and cover only its last member; a Zstandard frame may
    /// omit its size, and another frame may follow.
    ///
    /// # Errors
    ///
    /// The index does not fit the file, because the file was cut.
    #[cfg(feature = "unpack")]
    pub fn length(self, file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
        match self {
            Self::Xz => lzma_rust2::xz_uncompressed_size(file).map(Some),
            _ => Ok(None),
        }
    }

    /// The version without unpacking.
    #[cfg(not(feature = "unpack"))]
    pub fn length(self, _: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
        Err(self.missing())
    }

    /// The content of a packed file, from the position of `packed` on. Several concatenated streams count as
    /// one.
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

    /// The version without unpacking.
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

/// The frames of a Zstandard file, one after another.
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
