//! What a step does to what runs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a step does to what runs, from nothing to the loss of the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Impact {
    /// Nothing changes.
    #[default]
    None,
    /// Something new appears; what is there stays as it is.
    Create,
    /// Changed while it runs; nobody notices.
    Live,
    /// Changed now, in force after the object's next boot.
    NextBoot,
    /// The object stops and starts again.
    Restart,
    /// The object is made anew; what it had inside is lost, its data disks stay.
    Replace,
    /// The object is gone.
    Delete,
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no change",
            Self::Create => "create",
            Self::Live => "in place",
            Self::NextBoot => "at next boot",
            Self::Restart => "restart",
            Self::Replace => "replace",
            Self::Delete => "delete",
        })
    }
}
