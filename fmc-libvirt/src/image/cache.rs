//! Where images come from on this side.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::files::Files;

/// Where images come from on this side: into which folder those are fetched that are given by URL, and which files of this
/// machine a cloud may name. Neither by default.
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

/// How long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// To be found and to take the connection.
    pub connect: Duration,
    /// To begin its answer, and to go on with it.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), stall: Duration::from_secs(30) }
    }
}

impl Images {
    /// They are fetched into a folder, each once, and stay there under their digests: `sha256-…`. The folder is made when
    /// it is needed. It needs the feature `fetch`.
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        let place = Place::Folder { folder: Arc::new(folder.into()), patience: Patience::default() };
        Self { place, files: Files::nowhere() }
    }

    /// Nothing is fetched: a simulation gets a few words in place of the bytes.
    pub fn stand_ins() -> Self {
        Self { place: Place::StandIns, files: Files::nowhere() }
    }

    /// Which files of this machine an image may be (`Image::file`). Without it there is none: a cloud that comes from
    /// somebody else could name any file that this process can read.
    #[must_use]
    pub fn files(self, files: Files) -> Self {
        Self { files, ..self }
    }

    /// How long servers may take, if not as long as by default: 15 s to connect, 30 s without a byte.
    #[must_use]
    pub fn patience(mut self, of: Patience) -> Self {
        if let Place::Folder { patience, .. } = &mut self.place {
            *patience = of;
        }
        self
    }
}
