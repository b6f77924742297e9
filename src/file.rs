//! Clouds as text: JSON, and with the feature `yaml` YAML, in and out.
//!
//! A file says what Rust says, by the same rules: an unknown key, a key that occurs twice and a second document are
//! refused here; a wrong name, size or address waits for [`Cloud::check`], beside every other finding. What is written
//! is read as an equal value.
//!
//! ```
//! use fmc::prelude::*;
//!
//! let cloud = fmc::file::from_json(r#"{ "name": "first", "hosts": { "local": {} } }"#)?;
//! assert_eq!(cloud, Cloud::new("first").host(Host::local()));
//! assert_eq!(fmc::file::from_json(&fmc::file::to_json(&cloud)?)?, cloud);
//! # Ok::<(), fmc::file::FileError>(())
//! ```

use fmc_core::cloud::Cloud;

#[cfg(test)]
mod tests;

/// Why a text is no cloud, or a cloud no text.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The text is not a cloud; the cause says where.
    #[error("read the cloud: {0}")]
    Read(String),
    /// The cloud cannot be written: two of its values have one name.
    #[error("write the cloud: {0}")]
    Write(String),
}

/// Reads a cloud from JSON. Nesting is limited to 128 levels.
///
/// # Errors
///
/// The text is not JSON, or not a cloud: line, column, and what was expected.
pub fn from_json(text: &str) -> Result<Cloud, FileError> {
    serde_json::from_str(text).map_err(|error| FileError::Read(error.to_string()))
}

/// Writes a cloud as JSON, with a line break at the end.
///
/// # Errors
///
/// Two values have one name, which [`Cloud::check`] reports with their places.
pub fn to_json(cloud: &Cloud) -> Result<String, FileError> {
    let mut text =
        serde_json::to_string_pretty(cloud).map_err(|error| FileError::Write(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// Reads a cloud from YAML 1.2. Size, nesting (64 levels) and what aliases expand to are limited.
///
/// ```
/// let cloud = fmc::file::from_yaml(
///     "
///     name: first
///     hosts: { local: {} }
///     networks:
///       lab: { mode: nat, subnet: 10.17.3.0/24 }
///     machines:
///       web:
///         image: { os: none }
///         memory: 2 GiB
///         interfaces: [{ network: lab, address: 10.17.3.10 }]
///     ",
/// )?;
/// assert!(cloud.check().is_ok());
/// # Ok::<(), fmc::file::FileError>(())
/// ```
///
/// # Errors
///
/// The text is not YAML, or not a cloud: line, column, and what was expected.
#[cfg(feature = "yaml")]
pub fn from_yaml(text: &str) -> Result<Cloud, FileError> {
    // A value of a cloud can be a secret's neighbour: an error names the place, and quotes nothing around it.
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| FileError::Read(error.to_string()))
}

/// Writes a cloud as YAML.
///
/// # Errors
///
/// Two values have one name, which [`Cloud::check`] reports with their places.
#[cfg(feature = "yaml")]
pub fn to_yaml(cloud: &Cloud) -> Result<String, FileError> {
    serde_saphyr::to_string(cloud).map_err(|error| FileError::Write(error.to_string()))
}
