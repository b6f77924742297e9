//! The impact of a step on running objects.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The impact of a step on running objects, from nothing to the loss of the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Impact {
    /// Nothing changes.
    #[default]
    None,
    /// Something new appears; existing objects stay as they are.
    Create,
    /// Changed while the object runs, without an interruption.
    Live,
    /// Changed now, in force after the object's next boot.
    NextBoot,
    /// The object stops and starts again.
    Restart,
    /// The object stops, and stays off.
    Stop,
    /// The object is deleted and made again: its content is lost, its data disks stay.
    Replace,
    /// The object is gone.
    Delete,
}

impl Impact {
    /// Every impact, from the least to the greatest.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Create,
        Self::Live,
        Self::NextBoot,
        Self::Restart,
        Self::Stop,
        Self::Replace,
        Self::Delete,
    ];
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no change",
            Self::Create => "create",
            Self::Live => "in place",
            Self::NextBoot => "at next boot",
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Replace => "replace",
            Self::Delete => "delete",
        })
    }
}
