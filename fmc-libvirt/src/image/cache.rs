//! The local sources of images.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::files::Files;

/// The local sources of images: the folder for downloads, and the files on this computer that a cloud may
/// name. By default there is neither.
#[derive(Clone, Debug, Default)]
pub struct Images {
    pub(crate) place: Place,
    pub(crate) files: Files,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Place {
    #[default]
    Nowhere,
    Folder {
        folder: Arc<PathBuf>,
        patience: Patience,
    },
    StandIns,
}

/// Timeouts for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// To resolve its name and connect.
    pub connect: Duration,
    /// To begin its answer, and between two parts of it.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), stall: Duration::from_secs(30) }
    }
}

impl Images {
    /// Downloads each image once into a folder, where it stays under its digest: `sha256-…`. The folder is
    /// made when it is needed. It needs the feature `fetch`.
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        let place = Place::Folder { folder: Arc::new(folder.into()), patience: Patience::default() };
        Self { place, files: Files::nowhere() }
    }

    /// Downloads nothing: a simulation gets a few words in place of the bytes.
    pub fn stand_ins() -> Self {
        Self { place: Place::StandIns, files: Files::nowhere() }
    }

    /// The files on this computer that an image may be (`Image::file`). By default there are none: a cloud
    /// from another person could name any file that this process can read.
    #[must_use]
    pub fn files(self, files: Files) -> Self {
        Self { files, ..self }
    }

    /// Timeouts for servers; by default 15 s to connect, and 30 s without a byte.
    #[must_use]
    pub fn patience(mut self, of: Patience) -> Self {
        if let Place::Folder { patience, .. } = &mut self.place {
            *patience = of;
        }
        self
    }
}
