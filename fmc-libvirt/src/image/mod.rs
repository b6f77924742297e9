//! Images: their headers, their packing, and their way to a hypervisor.
//!
//! An image is read once, as a stream. It is unpacked, hashed as published and (if that digest is given too)
//! as unpacked, checked against its header, and sent. Threads of their own compute the hashes while other
//! pieces are read and sent. Only a few chunks are in memory at a time, plus the decoder's memory: 64 MiB for
//! a dictionary of `xz -9`, 8 MiB for the window of `zstd -19`, less for gzip and bzip2. A file that needs
//! more is refused, and so is one that unpacks to more than its header and the root disk allow.
//!
//! # What a digest covers
//!
//! An image's digest is that of the file as distributions publish it, packed or not; `unpacked_digest` gives
//! the digest of the unpacked content. Both are checked while the image is sent, before its commit. The
//! volume needs no size in advance because libvirt's file grows with the stream, so a packed image is
//! unpacked only once, on its way.

pub mod cache;
pub mod content;
#[cfg(feature = "fetch")]
pub mod fetch;
mod hash;
pub mod header;
mod plain;
#[cfg(test)]
mod tests;
pub mod unpack;

use std::io;

use fmc_core::digest::Digest;
use fmc_core::unit::Size;

pub use self::cache::Images;
#[cfg(feature = "virt")]
pub(crate) use self::hash::Hash;
use self::header::HeaderError;
use self::unpack::Packing;

/// Why an image cannot be used; fragments that follow the name of its file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// It does not exist, or is not readable.
    #[error("{0}; put the file there on the computer that applies, or correct its path")]
    Open(#[source] io::Error),
    /// The cloud names a file that it may not use.
    #[error("{0}: see `Images::files`")]
    Refused(#[source] io::Error),
    /// It is a folder or a device.
    #[error("it is not a regular file")]
    NoFile,
    /// It cannot be read to its end.
    #[error("it cannot be read: {0}")]
    Read(#[source] io::Error),
    /// It cannot be unpacked.
    #[error("it is packed by {packing} and cannot be unpacked: {}; {}", cause, help(*.packing, .cause))]
    Unpack {
        /// The packing.
        packing: Packing,
        /// Why.
        cause: io::Error,
    },
    /// It unpacks to more than it may.
    #[error(
        "it unpacks to more than {most}, the limit by its header and the root disk: it is not the declared image"
    )]
    Bomb {
        /// The greatest allowed unpacked size.
        most: Size,
    },
    /// Its header is wrong.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It is not the required content.
    #[error("{what} is {found}, not {expected}: get the right file, or correct the digest")]
    Digest {
        /// The packed or the unpacked content.
        what: &'static str,
        /// The actual digest.
        found: Box<Digest>,
        /// The required digest.
        expected: Box<Digest>,
    },
}

impl ImageError {
    fn of_opening(error: io::Error) -> Self {
        match error.kind() {
            // A refusal of the operating system has an error number.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Self::Refused(error),
            io::ErrorKind::InvalidInput if error.raw_os_error().is_none() => Self::NoFile,
            _ => Self::Open(error),
        }
    }
}

fn help(packing: Packing, cause: &io::Error) -> String {
    let program = packing.program();
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => "it was cut: get it again".to_owned(),
        io::ErrorKind::Unsupported | io::ErrorKind::OutOfMemory => {
            format!("unpack it by hand (`{program}`), and give the file that comes out with its own digest")
        }
        _ => format!("get it again, or unpack it by hand (`{program}`) to find the fault"),
    }
}
