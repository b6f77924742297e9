//! Builds programs that no distribution packages from Go modules, and keeps them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::command;
use crate::tree::{make_folder, or_panic};

/// A program that is kept in `FMC_NAME_CACHE`, or in `fmc-NAME` in the user's cache folder. A missing one is
/// built in an empty folder, once for each state of its sources; if several processes ask at once, one builds
/// and the others wait.
pub(crate) fn kept(name: &str, built_of: &[String], build: impl FnOnce(&Path)) -> PathBuf {
    let base = base(name);
    let folder = base.join(format!("{:016x}", key(built_of)));
    let program = folder.join(name);
    if program.is_file() {
        return program;
    }
    make_folder(&base);
    let path = base.join("lock");
    let lock = or_panic(File::create(&path), &path);
    or_panic(lock.lock(), &path);
    if program.is_file() {
        return program;
    }
    let beside = base.join("being-built");
    let _ = fs::remove_dir_all(&beside);
    make_folder(&beside);
    build(&beside);
    or_panic(fs::rename(&beside, &folder), &folder);
    program
}

/// Runs Go in a folder and gives its standard output. Go is found in the path or in the folder that its own
/// archive unpacks to.
///
/// # Panics
///
/// When Go fails, with its output.
#[expect(clippy::panic, reason = "a test that could not run is never green")]
pub(crate) fn go(folder: &Path, words: &[&str]) -> String {
    let usual = Path::new("/usr/local/go/bin/go");
    let is_in_path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("go").is_file());
    let mut go = if !is_in_path && usual.is_file() { Command::new(usual) } else { command("go") };
    go.current_dir(folder).env("CGO_ENABLED", "0").env("GOFLAGS", "-buildvcs=false");
    let output = or_panic(go.args(words).output(), Path::new("go"));
    if !output.status.success() {
        panic!("go {}: {}", words.first().unwrap_or(&""), String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn base(name: &str) -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let told = format!("FMC_{}_CACHE", name.to_ascii_uppercase());
    folder(&told)
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join(format!("fmc-{name}"))))
        .or_else(|| Some(folder("HOME")?.join(format!(".cache/fmc-{name}"))))
        .unwrap_or_else(|| panic!("no HOME: {told} says where it is kept"))
}

/// FNV-1a over the sources.
fn key(built_of: &[String]) -> u64 {
    let bytes = built_of.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_from_each_text() {
        let key = |texts: &[&str]| key(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
        assert_ne!(key(&["a", "b"]), key(&["ab", ""]));
    }
}
