//! Images: what a file's header says, how it is unpacked, and what becomes of it on its way to a hypervisor.
//!
//! An image is read once, as a stream: unpacked, hashed as it lies there and (where that digest is stated too) as it is
//! unpacked, held against its header and sent. It is hashed on threads of their own, while other pieces are read and sent. No more of it than some chunks is in memory at a time; what a decoder needs
//! comes to that: 64 MiB for a dictionary of `xz -9`, 8 MiB for what `zstd -19` makes, less for gzip and bzip2. What asks
//! for more is refused, and so is what unpacks to more than its header and the root disk allow.
//!
//! # What a digest covers
//!
//! An image's digest is of the file as distributions publish it, packed or not; `unpacked_digest` states the digest of
//! what it unpacks to. Both are checked while the image is sent, before its commit. The volume needs no size beforehand
//! because libvirt's file grows with the stream, so a packed image is unpacked once, on its way.

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
use self::header::HeaderError;
use self::unpack::Packing;

/// Why an image cannot be used; fragments that follow the name of its file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// It is not there, or not ours to read.
    #[error("{0}; put it there on the machine that applies, or correct its path")]
    Open(#[source] io::Error),
    /// The cloud names a file that its images may not be.
    #[error("{0}: see `Images::files`")]
    Refused(#[source] io::Error),
    /// It is a folder or a device.
    #[error("it is no regular file")]
    NoFile,
    /// It cannot be read to its end.
    #[error("it cannot be read: {0}")]
    Read(#[source] io::Error),
    /// It cannot be unpacked.
    #[error("it is packed by {packing} and cannot be unpacked: {}; {}", cause, help(*.packing, .cause))]
    Unpack {
        /// How it is packed.
        packing: Packing,
        /// Why.
        cause: io::Error,
    },
    /// It unpacks to more than it may.
    #[error(
        "it unpacks to more than {most}, which is all that its header and the root disk allow: it is not what it is said to be"
    )]
    Bomb {
        /// What it may unpack to.
        most: Size,
    },
    /// Its header is not right.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It is not what was promised.
    #[error("{what} is {found}, not {expected}: get the right file, or correct the digest")]
    Digest {
        /// Its content, packed or unpacked.
        what: &'static str,
        /// What it hashes to.
        found: Box<Digest>,
        /// What was promised.
        expected: Box<Digest>,
    },
}

impl ImageError {
    fn of_opening(error: io::Error) -> Self {
        match error.kind() {
            // The system's own refusal has a number.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Self::Refused(error),
            io::ErrorKind::InvalidInput if error.raw_os_error().is_none() => Self::NoFile,
            _ => Self::Open(error),
        }
    }
}

fn help(packing: Packing, cause: &io::Error) -> String {
    let program = packing.program();
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => "it was cut: get it anew".to_owned(),
        io::ErrorKind::Unsupported | io::ErrorKind::OutOfMemory => {
            format!("unpack it by hand (`{program}`), and give the file that comes out with its own digest")
        }
        _ => format!("get it anew, or unpack it by hand (`{program}`) to see what is wrong"),
    }
}
