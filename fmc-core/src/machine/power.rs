//! Whether a machine runs, and how it is stopped.

use serde::{Deserialize, Serialize};

use crate::draft::{Look, Setting, choice};
use crate::field::{is_yes, yes};
use crate::finding::At;
use crate::rust::{Expr, Names, Unsaid};
use crate::unit::Seconds;

/// Whether a machine should run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// It runs; a stopped machine is started.
    #[default]
    Running,
    /// It is off; a running machine is stopped.
    Stopped,
    /// Either: it is defined, and neither started nor stopped.
    Unmanaged,
}

choice!(Power);

/// How a machine is stopped: asked first, then by force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// How long the guest has to shut down, as `60s`.
    pub(crate) grace: Seconds,
    /// Whether it is stopped by force after that; it is by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) force: bool,
}

impl Shutdown {
    /// Ask the guest to shut down, wait for that time, then stop it by force.
    pub const fn grace(seconds: u32) -> Self {
        Self { grace: Seconds::new(seconds), force: true }
    }

    /// Stop it by force at once.
    pub const fn force_now() -> Self {
        Self::grace(0)
    }

    /// Ask, wait for that time, and fail the step if it still runs.
    pub const fn never_force(seconds: u32) -> Self {
        Self { grace: Seconds::new(seconds), force: false }
    }

    /// How long the guest has to shut down, in seconds.
    pub const fn seconds(self) -> u32 {
        self.grace.get()
    }

    /// Whether it is stopped by force after that.
    pub const fn forces(self) -> bool {
        self.force
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::grace(60)
    }
}

impl Setting for Shutdown {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        let constructor = if self.force { "grace" } else { "never_force" };
        Ok(Expr::leaf(format!("Shutdown::{constructor}({})", self.seconds())))
    }
}
