//! Texts that containers read.

use std::collections::BTreeMap;

use fmc_core::given::Given;
use fmc_core::graph::Fingerprint;
use serde::{Deserialize, Serialize};

use crate::name::ObjectName;

/// The annotation with the names and fingerprints of the texts that pods start with. Most programs read their texts once, so other
/// texts start the pods anew.
pub const CONFIGS: &str = "fmc/configs";

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

    /// Its name, and what tells its texts from others.
    pub(crate) fn version(&self) -> String {
        let mut all = String::new();
        for (name, text) in &self.files {
            all.extend([name.as_str(), "\0", text, "\0"]);
        }
        let fingerprint = Fingerprint::of(all.as_bytes()).to_string();
        format!("{}/{}", self.name, fingerprint.get(..16).unwrap_or_default())
    }

    /// A text, by its file name.
    #[must_use]
    pub fn file(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.insert(name.into(), text.into());
        self
    }
}
