//! The bytes of secrets, from the files and the environment of the program that applies.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fmc_core::secret::{SecretBytes, SecretError, SecretRef, SecretSource, Secrets};

use crate::files::Files;

/// A secret's file above this size is a mistake.
const MOST: u64 = 1 << 20;

/// An environment: the value of a variable, if it is set.
pub type Environment = Arc<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Reads a secret when it is asked for one, and keeps nothing.
///
/// A cloud from another person could name any file and any variable, and its guests would see their contents. A program
/// that plans such clouds allows a folder, and the variables that they may name:
///
/// ```
/// use fmc::secrets::Local;
///
/// let secrets = Local::below("/srv/tenants/first").variables(["REGISTRY_TOKEN"]);
/// # drop(secrets);
/// ```
#[derive(Clone)]
pub struct Local {
    files: Files,
    environment: Environment,
}

impl Local {
    /// Allows files whose real path is below a folder, and no variables.
    pub fn below(folder: impl Into<PathBuf>) -> Self {
        Self { files: Files::below(folder), environment: Arc::new(|_: &str| None) }
    }

    /// These variables of this process, too.
    #[must_use]
    pub fn variables(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names: BTreeSet<String> = names.into_iter().map(Into::into).collect();
        let known = move |name: &str| names.contains(name).then(|| std::env::var_os(name)).flatten();
        Self { environment: Arc::new(known), ..self }
    }

    /// Any file that this process can read, relative paths below a folder, and all of an environment: for clouds that its own
    /// user writes, as those of the commands are.
    pub fn anywhere(folder: impl Into<PathBuf>, environment: Environment) -> Self {
        Self { files: Files::anywhere(folder), environment }
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Secrets for Local {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        let unavailable = |why: String| SecretError::unavailable(secret, why);
        match &secret.source {
            SecretSource::File(path) => file(&self.files, path.as_ref()).map_err(unavailable),
            SecretSource::Environment(name) => match (self.environment)(name) {
                Some(value) if !value.is_empty() => Ok(SecretBytes::new(value.into_encoded_bytes())),
                Some(_) => Err(unavailable("it is empty".to_owned())),
                None => Err(unavailable("it is not set".to_owned())),
            },
            SecretSource::Generated(_) => {
                Err(unavailable("there is none here: `fmc::keys::Keyring` has one".to_owned()))
            }
            _ => Err(unavailable("only files and variables are read here".to_owned())),
        }
    }
}

fn file(files: &Files, path: &Path) -> Result<SecretBytes, String> {
    let why = |error: std::io::Error| error.to_string();
    let file = files.open(path).map_err(why)?;
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_names_is_read_below_the_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "hunter2").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        let secrets = Local::below(folder.path()).variables(["FMC_NO_SUCH_VARIABLE"]);
        let read = |secret: SecretRef| secrets.bytes(&secret).map(|bytes| bytes.expose().to_vec());
        let file = |path: &str| read(SecretRef { source: SecretSource::File(path.to_owned()), ..named() });
        let variable =
            |name: &str| read(SecretRef { source: SecretSource::Environment(name.to_owned()), ..named() });
        assert_eq!(file("token").unwrap(), b"hunter2");
        for path in ["/etc/passwd", "../../etc/passwd", "link", "/etc/there-is-no-such-file"] {
            let refused = file(path).unwrap_err().to_string();
            assert!(refused.ends_with("it is outside the folder for local files"), "{refused}");
        }
        assert!(variable("PATH").unwrap_err().to_string().ends_with("it is not set"));
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }

    fn named() -> SecretRef {
        let source = SecretSource::File(String::new());
        SecretRef { name: fmc_core::name::SecretName::literal("token"), generation: 1, source }
    }
}
