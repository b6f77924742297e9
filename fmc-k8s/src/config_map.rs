//! Texts that containers read.

use std::collections::BTreeMap;

use fmc_core::given::Given;
use serde::{Deserialize, Serialize};

use crate::name::ObjectName;

/// Texts under one name. A container that [mounts](crate::container::Container::config) them has each as a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfigMap {
    pub(crate) name: Given<ObjectName>,
    /// The texts, by file name.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
}

impl ConfigMap {
    /// No text yet.
    pub fn new(name: impl Into<Given<ObjectName>>) -> Self {
        Self { name: name.into(), files: BTreeMap::new() }
    }

    /// A text, by its file name.
    #[must_use]
    pub fn file(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.insert(name.into(), text.into());
        self
    }
}
