//! systemd units and their drop-ins.

mod file;

use serde::{Deserialize, Serialize};

use crate::draft::{Look, Setting, draft};
use crate::finding::{At, Finding, leaf};
use crate::given::Given;
use crate::name::{DropinName, UnitName};
use crate::named::Named;
use crate::rust::{Expr, Names, Unsaid};
use crate::sort;

pub use file::{UnitContents, UnitFile, UnitLineError, UnitSection};

/// The wanted state of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum State {
    /// The image's own default.
    #[default]
    Unchanged,
    /// Started at every boot, the first included.
    Enabled,
    /// Not started at boot.
    Disabled,
    /// Impossible to start.
    Masked,
}

draft! {
    /// A systemd unit: one of the image's, or a new one with contents of its own.
    pub struct Unit {
        /// Its name.
        #[key]
        pub(crate) name: Given<UnitName>,
        /// Its wanted state.
        #[by_hand]
        state: State,
        /// Its contents; those of the image by default.
        #[by_hand]
        contents: Option<UnitContents>,
        /// Settings added to its own, by name.
        #[by_hand(dropin)]
        dropins: Named<Dropin>,
    }

    /// A unit by its whole name: `node-exporter.service`.
    pub fn new(..);
}

impl Unit {
    /// The service `NAME.service`.
    pub fn service(name: &str) -> Self {
        Self::new(format!("{name}.service"))
    }

    /// The timer `NAME.timer`.
    pub fn timer(name: &str) -> Self {
        Self::new(format!("{name}.timer"))
    }

    /// The socket `NAME.socket`.
    pub fn socket(name: &str) -> Self {
        Self::new(format!("{name}.socket"))
    }

    /// The mount `NAME.mount`, whose name is the escaped path: `var-lib-data` for `/var/lib/data`.
    pub fn mount(name: &str) -> Self {
        Self::new(format!("{name}.mount"))
    }

    /// The target `NAME.target`.
    pub fn target(name: &str) -> Self {
        Self::new(format!("{name}.target"))
    }

    /// Start it at every boot, the first included.
    #[must_use]
    pub fn enabled(mut self) -> Self {
        self.state = State::Enabled;
        self
    }

    /// Do not start it at boot.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.state = State::Disabled;
        self
    }

    /// Make it impossible to start.
    #[must_use]
    pub fn masked(mut self) -> Self {
        self.state = State::Masked;
        self
    }

    /// Its contents, as a [`UnitFile`] or a text; by default those of the image.
    #[must_use]
    pub fn contents(mut self, contents: impl Into<UnitContents>) -> Self {
        self.contents = Some(contents.into());
        self
    }

    /// A drop-in: settings in a file of this name, which ends in `.conf`, added to the unit's.
    #[must_use]
    pub fn dropin(mut self, name: impl Into<Given<DropinName>>, contents: impl Into<UnitContents>) -> Self {
        self.dropins.push(Dropin { name: name.into(), contents: contents.into() });
        self
    }

    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<CheckedUnit> {
        let name = leaf(&self.name, at, findings).cloned();
        let (all, dropins) = (at.key("dropins"), &self.dropins);
        let dropins: Vec<Option<CheckedDropin>> = dropins
            .iter()
            .map(|dropin| {
                let name = leaf(&dropin.name, &all.name(&dropin.name), findings)?.clone();
                Some(CheckedDropin { name, contents: dropin.contents.clone() })
            })
            .collect();
        let mut dropins: Vec<CheckedDropin> = dropins.into_iter().collect::<Option<_>>()?;
        sort::by(&mut dropins, |a, b| a.name.cmp(&b.name));
        Some(CheckedUnit { name: name?, state: self.state, contents: self.contents.clone(), dropins })
    }
}

draft! {
    /// A drop-in of a [`Unit`].
    #[derive(Eq)]
    pub struct Dropin {
        /// Its name.
        #[key]
        name: Given<DropinName>,
        /// Its settings.
        #[needed]
        contents: UnitContents,
    }

    arguments;
}

impl Setting for State {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Ok(Expr::leaf(format!("State::{self:?}")))
    }

    fn say(&self, _: &str, unit: &mut Expr, _: &Names) -> Result<(), Unsaid> {
        unit.call(
            match self {
                Self::Unchanged => return Ok(()),
                Self::Enabled => "enabled",
                Self::Disabled => "disabled",
                Self::Masked => "masked",
            },
            "",
        );
        Ok(())
    }
}

/// A [`Unit`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedUnit {
    /// Its name.
    pub name: UnitName,
    /// Its wanted state.
    pub state: State,
    /// Its contents, unless they are the image's.
    pub contents: Option<UnitContents>,
    /// Its drop-ins.
    pub dropins: Vec<CheckedDropin>,
}

/// A [`Dropin`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedDropin {
    /// Its name.
    pub name: DropinName,
    /// Its settings.
    pub contents: UnitContents,
}
