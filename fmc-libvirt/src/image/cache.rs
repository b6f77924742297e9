//! Where images that are given by URL are kept on this side.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What becomes of images that are given by URL.
#[derive(Clone, Debug, Default)]
pub struct Images(pub(crate) Place);

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
        Self(Place::Folder { folder: Arc::new(folder.into()), patience: Patience::default() })
    }

    /// Nothing is fetched: a simulation gets a few words in place of the bytes.
    pub fn stand_ins() -> Self {
        Self(Place::StandIns)
    }

    /// How long servers may take, if not as long as by default: 15 s to connect, 30 s without a byte.
    #[must_use]
    pub fn patience(mut self, of: Patience) -> Self {
        if let Place::Folder { patience, .. } = &mut self.0 {
            *patience = of;
        }
        self
    }
}
