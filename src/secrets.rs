//! The bytes of secrets, from the files and the environment of the program that applies.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fmc_core::secret::{SecretBytes, SecretError, SecretRef, SecretSource, Secrets};

/// A secret's file above this size is a mistake.
const MOST: u64 = 1 << 20;

/// An environment: the value of a variable, if it is set.
pub type Environment = Arc<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Reads a secret when it is asked for one, and keeps nothing.
#[derive(Clone)]
pub struct Local {
    folder: PathBuf,
    environment: Environment,
}

impl Local {
    /// The files and the environment of this process.
    pub fn new() -> Self {
        Self::of("", Arc::new(|name: &str| std::env::var_os(name)))
    }

    /// Files below a folder, unless their paths are absolute, and another environment.
    pub fn of(folder: impl Into<PathBuf>, environment: Environment) -> Self {
        Self { folder: folder.into(), environment }
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Secrets for Local {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        let unavailable = |why: String| SecretError::unavailable(secret, why);
        match &secret.source {
            SecretSource::File(path) => file(&self.folder.join(path)).map_err(unavailable),
            SecretSource::Environment(name) => match (self.environment)(name) {
                Some(value) if !value.is_empty() => Ok(SecretBytes::new(value.into_encoded_bytes())),
                Some(_) => Err(unavailable("it is empty".to_owned())),
                None => Err(unavailable("it is not set".to_owned())),
            },
            SecretSource::Generated(_) => {
                Err(unavailable("there is none here: `fmc::keys::Keyring` has one".to_owned()))
            }
        }
    }
}

fn file(path: &Path) -> Result<SecretBytes, String> {
    let why = |error: std::io::Error| error.to_string();
    let file = File::open(path).map_err(why)?;
    // One allocation: growing would leave copies of the secret behind in freed memory.
    let length = file.metadata().map_err(why)?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(MOST)).unwrap_or_default() + 1);
    let read = file.take(MOST + 1).read_to_end(&mut bytes);
    let bytes = SecretBytes::new(bytes);
    read.map_err(why)?;
    match bytes.expose().len() {
        0 => Err("it is empty".to_owned()),
        length if length as u64 > MOST => Err("it has more than 1 MiB".to_owned()),
        _ => Ok(bytes),
    }
}
