//! Digests computed on a thread of their own: an image is hashed while it is sent.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use fmc_core::digest::Digest;
use sha2::Digest as _;

use crate::link::Piece;

/// How many pieces may wait for the thread; it limits how far reading gets ahead.
const WAITING: usize = 2;

/// An unfinished digest.
#[derive(Clone)]
pub(crate) enum Hash {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Hash {
    /// Uses the algorithm of a given digest.
    pub(crate) fn like(digest: &Digest) -> Self {
        match digest {
            Digest::Sha256(_) => Self::Sha256(sha2::Sha256::new()),
            Digest::Sha512(_) => Self::Sha512(sha2::Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Digest {
        match self {
            Self::Sha256(hash) => Digest::Sha256(hash.finalize().into()),
            Self::Sha512(hash) => Digest::Sha512(hash.finalize().into()),
        }
    }
}

/// A digest that a thread computes.
pub(super) enum Beside {
    Thread {
        pieces: SyncSender<Piece>,
        thread: JoinHandle<Hash>,
    },
    /// The thread could not be started.
    Here(Hash),
}

impl Beside {
    /// Uses the algorithm of a given digest.
    pub(super) fn like(digest: &Digest) -> Self {
        let (pieces, received) = sync_channel::<Piece>(WAITING);
        let mut hash = Hash::like(digest);
        let thread = std::thread::Builder::new().name("fmc hash".to_owned()).spawn(move || {
            for piece in received {
                piece.for_each(|bytes| hash.update(bytes));
            }
            hash
        });
        match thread {
            Ok(thread) => Self::Thread { pieces, thread },
            Err(_) => Self::Here(Hash::like(digest)),
        }
    }

    /// Adds a piece; it waits if too many pieces are queued.
    pub(super) fn update(&mut self, piece: Piece) {
        match self {
            // The thread ends only after this value is gone.
            Self::Thread { pieces, .. } => drop(pieces.send(piece)),
            Self::Here(hash) => piece.for_each(|bytes| hash.update(bytes)),
        }
    }

    /// The digest of all pieces; `None` if the thread failed.
    pub(super) fn finish(self) -> Option<Digest> {
        match self {
            Self::Thread { pieces, thread } => {
                drop(pieces);
                thread.join().ok().map(Hash::finish)
            }
            Self::Here(hash) => Some(hash.finish()),
        }
    }
}
