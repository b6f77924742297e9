//! Builds programs that no distribution packages from Go modules, and keeps them.

use std::path::{Path, PathBuf};

/// A program that is kept where [`xtask::kept::kept`] says. A missing one is built in an empty folder.
///
/// # Panics
///
/// When it cannot be built, with the output of the build.
#[expect(clippy::panic, reason = "a test that could not run is never green")]
pub(crate) fn kept(name: &str, built_of: &[String], build: impl FnOnce(&Path)) -> PathBuf {
    let folder = xtask::kept::kept(name, built_of, |folder| {
        build(folder);
        Ok(())
    });
    folder.unwrap_or_else(|failure| panic!("{name}: {failure}")).join(name)
}

/// Runs Go in a folder and gives its standard output.
///
/// # Panics
///
/// When Go fails, with its output.
#[expect(clippy::panic, reason = "a test that could not run is never green")]
pub(crate) fn go(folder: &Path, words: &[&str]) -> String {
    xtask::go::go(folder, words).unwrap_or_else(|failure| panic!("{failure}"))
}
