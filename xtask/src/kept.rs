//! Things that are built once and kept outside of `target/`, so that `cargo clean` does not delete them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::Failure;

/// The folder of something that is kept in `FMC_NAME_CACHE`, or in `fmc-NAME` in the user's cache folder. A missing one is
/// built in an empty folder, once for each state of `built_of`; if several processes ask at once, one builds and the
/// others wait. An interrupted build leaves nothing that a later one would take for a whole one.
///
/// # Errors
///
/// Those of the build, and of the file system.
pub fn kept(
    name: &str,
    built_of: &[String],
    build: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    let base = base(name)?;
    let folder = folder(&base, built_of);
    if folder.is_dir() {
        return Ok(folder);
    }
    let at = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(&base).map_err(|error| at(&base, error))?;
    let lock = base.join("lock");
    let lock = File::create(&lock).map_err(|error| at(&lock, error))?;
    lock.lock()?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let beside = base.join("being-built");
    let _ = fs::remove_dir_all(&beside);
    fs::create_dir(&beside).map_err(|error| at(&beside, error))?;
    build(&beside)?;
    fs::rename(&beside, &folder).map_err(|error| at(&folder, error))?;
    Ok(folder)
}

/// Whether it need not be built.
pub(crate) fn is_kept(name: &str, built_of: &[String]) -> bool {
    base(name).is_ok_and(|base| folder(&base, built_of).is_dir())
}

fn folder(base: &Path, built_of: &[String]) -> PathBuf {
    base.join(format!("{:016x}", key(built_of.iter().map(String::as_str))))
}

/// The folder with all states of something that is kept.
pub(crate) fn base(name: &str) -> Result<PathBuf, Failure> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let told = format!("FMC_{}_CACHE", name.to_ascii_uppercase().replace('-', "_"));
    folder(&told)
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join(format!("fmc-{name}"))))
        .or_else(|| Some(folder("HOME")?.join(format!(".cache/fmc-{name}"))))
        .ok_or_else(|| format!("there is no HOME: set {told} to a folder to keep it in").into())
}

/// FNV-1a over texts.
pub(crate) fn key<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let bytes = texts.into_iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_from_each_text() {
        assert_eq!(key(["a", "b"]), key(["a", "b"]));
        assert_ne!(key(["a", "b"]), key(["ab", ""]));
    }
}
