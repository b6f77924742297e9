//! Scratch folders, and the content of a folder as a value to compare.

#![expect(clippy::panic, reason = "a file system that fails is the fault of no artifact: the test must fail")]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::program::{as_root, is_root, run, uid};

/// One file, folder or link in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The kind, with the content.
    pub kind: EntryKind,
    /// Permissions with set-id and sticky bits, without the file type: `0o644`.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// The kind of an [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Directory,
    /// A file with its bytes.
    File(Vec<u8>),
    /// A symbolic link with its target as written.
    Link(PathBuf),
    /// A socket, a device or a pipe.
    Other,
}

impl Entry {
    /// The text of a file; `None` for other kinds and for bytes that are not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            EntryKind::File(bytes) => std::str::from_utf8(bytes).ok(),
            EntryKind::Directory | EntryKind::Link(_) | EntryKind::Other => None,
        }
    }
}

/// Everything below `root`, by its absolute path seen from `root`: `/etc/hostname`. Links are not followed.
///
/// # Panics
///
/// When an entry cannot be read.
#[must_use]
pub fn read(root: &Path) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in children(&folder) {
            let entry = or_panic(entry(&path), &path);
            let relative = path.strip_prefix(root).unwrap_or(&path);
            if entry.kind == EntryKind::Directory {
                folders.push(path.clone());
            }
            entries.insert(format!("/{}", relative.display()), entry);
        }
    }
    entries
}

/// Like [`read`], for a tree whose files belong to several users: a process that is not root reads a copy
/// that `sudo` makes.
pub(crate) fn read_as_root(root: &Path) -> BTreeMap<String, Entry> {
    if is_root() {
        return read(root);
    }
    let copy = scratch();
    let folder = copy.path();
    sudo(as_root("cp").args(["--archive", "--no-target-directory"]).arg(root).arg(folder));
    let listed = sudo(as_root("find").arg(folder).args(["-mindepth", "1", "-printf", "%m %U %G /%P\\n"]));
    give_back(folder);
    let mut entries = read(folder);
    for line in listed.lines() {
        let mut words = line.splitn(4, ' ');
        let (mode, uid, gid, path) = (words.next(), words.next(), words.next(), words.next());
        if let Some(entry) = path.and_then(|path| entries.get_mut(path)) {
            entry.mode = mode.and_then(|mode| u32::from_str_radix(mode, 8).ok()).unwrap_or(entry.mode);
            entry.uid = uid.and_then(|uid| uid.parse().ok()).unwrap_or(entry.uid);
            entry.gid = gid.and_then(|gid| gid.parse().ok()).unwrap_or(entry.gid);
        }
    }
    entries
}

/// Makes everything below a folder this user's, so that this user can read and remove it; root always can.
pub(crate) fn give_back(folder: &Path) {
    if !is_root() {
        sudo(as_root("chown").args(["--recursive", "--no-dereference", &uid().to_string()]).arg(folder));
        sudo(as_root("chmod").args(["--recursive", "u+rwX"]).arg(folder));
    }
}

fn sudo(command: &mut Command) -> String {
    run(command).success().unwrap_or_else(|refused| panic!("{refused}"))
}

/// A folder that is removed when it is dropped.
///
/// # Panics
///
/// When the folder cannot be made.
#[must_use]
pub fn scratch() -> TempDir {
    // A short name, because the path of a Unix socket has room for 107 bytes only.
    let made = tempfile::Builder::new().prefix("fmc-").tempdir();
    or_panic(made, &std::env::temp_dir())
}

/// Writes a file and the folders above it.
///
/// # Panics
///
/// When the file cannot be written.
pub fn write(path: &Path, contents: &[u8]) {
    if let Some(folder) = path.parent() {
        make_folder(folder);
    }
    or_panic(fs::write(path, contents), path);
}

/// Writes an executable file and the folders above it.
pub(crate) fn write_program(path: &Path, contents: &[u8]) {
    write(path, contents);
    or_panic(fs::set_permissions(path, fs::Permissions::from_mode(0o755)), path);
}

/// Makes a folder and those above it.
///
/// # Panics
///
/// When the folder cannot be made.
pub fn make_folder(path: &Path) {
    or_panic(fs::create_dir_all(path), path);
}

/// Copies the files and folders below `from`; links are copied as links.
pub(crate) fn copy(from: &Path, to: &Path) {
    make_folder(to);
    for (path, entry) in read(from) {
        let target = to.join(path.trim_start_matches('/'));
        match entry.kind {
            EntryKind::Directory => make_folder(&target),
            EntryKind::File(bytes) => write(&target, &bytes),
            EntryKind::Link(link) => {
                if let Some(folder) = target.parent() {
                    make_folder(folder);
                }
                or_panic(std::os::unix::fs::symlink(link, &target), &target);
            }
            EntryKind::Other => {}
        }
    }
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
    });
    or_panic(listed, folder)
}

fn entry(path: &Path) -> io::Result<Entry> {
    let found = fs::symlink_metadata(path)?;
    let kind = if found.is_dir() {
        EntryKind::Directory
    } else if found.is_symlink() {
        EntryKind::Link(fs::read_link(path)?)
    } else if found.is_file() {
        EntryKind::File(fs::read(path)?)
    } else {
        EntryKind::Other
    };
    Ok(Entry { kind, mode: found.mode() & 0o7777, uid: found.uid(), gid: found.gid() })
}

pub(crate) fn or_panic<T>(result: io::Result<T>, path: &Path) -> T {
    result.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
