//! systemd units and their drop-ins.

mod file;

use serde::{Deserialize, Serialize};

use crate::field::is_default;
use crate::finding::{At, Finding, leaf};
use crate::given::Given;
use crate::name::{DropinName, UnitName};
use crate::named::{Keyed, Named, unnamed};

pub use file::{UnitContents, UnitFile, UnitLineError, UnitSection};

/// What is wanted of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum State {
    /// As the image has it.
    #[default]
    Unchanged,
    /// Started at every boot, the first included.
    Enabled,
    /// Not started at boot.
    Disabled,
    /// Impossible to start.
    Masked,
}

/// A systemd unit: one of the image's, or a new one with contents of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Unit {
    #[serde(skip, default = "unnamed")]
    name: Given<UnitName>,
    /// What is wanted of it.
    #[serde(default, skip_serializing_if = "is_default")]
    state: State,
    /// Its contents; those of the image if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    contents: Option<UnitContents>,
    /// Settings added to its own, by name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    dropins: Named<Dropin>,
}

impl Unit {
    /// A unit by its whole name: `node-exporter.service`.
    pub fn new(name: impl Into<Given<UnitName>>) -> Self {
        Self { name: name.into(), state: State::Unchanged, contents: None, dropins: Named::default() }
    }

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

    /// Its contents, as a [`UnitFile`] or a text; those of the image if not said.
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
        dropins.sort_by(|a, b| a.name.cmp(&b.name));
        Some(CheckedUnit { name: name?, state: self.state, contents: self.contents.clone(), dropins })
    }
}

impl Keyed for Unit {
    type Name = UnitName;

    fn name(&self) -> &Given<UnitName> {
        &self.name
    }

    fn with_name(mut self, name: Given<UnitName>) -> Self {
        self.name = name;
        self
    }
}

/// A drop-in of a [`Unit`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Dropin {
    #[serde(skip, default = "unnamed")]
    name: Given<DropinName>,
    /// Its settings.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    contents: UnitContents,
}

impl Keyed for Dropin {
    type Name = DropinName;

    fn name(&self) -> &Given<DropinName> {
        &self.name
    }

    fn with_name(mut self, name: Given<DropinName>) -> Self {
        self.name = name;
        self
    }
}

/// A [`Unit`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedUnit {
    /// Its name.
    pub name: UnitName,
    /// What is wanted of it.
    pub state: State,
    /// Its contents, unless they are the image's.
    pub contents: Option<UnitContents>,
    /// Its drop-ins.
    pub dropins: Vec<CheckedDropin>,
}

/// A [`Dropin`] with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedDropin {
    /// Its name.
    pub name: DropinName,
    /// Its settings.
    pub contents: UnitContents,
}
