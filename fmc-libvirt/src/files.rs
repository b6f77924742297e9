//! The local files that may be read: a cloud from another person could name any path.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

/// The local files that a cloud may name: none by default, those below a folder, or any.
///
/// A program that plans other people's clouds gives a folder that holds only files which they may read. The
/// real location of a file counts: neither `..` nor a symbolic link leads out of the folder. A path that
/// leads out is refused with the same message whether the file exists or not.
///
/// ```
/// use fmc_libvirt::files::Files;
///
/// let files = Files::below(std::env::temp_dir());
/// let refused = files.open("/etc/passwd".as_ref()).unwrap_err();
/// assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(Reach);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Reach {
    #[default]
    Nowhere,
    Below(PathBuf),
    Anywhere(PathBuf),
}

impl Files {
    /// Reads no files.
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// Files that really are below a folder; relative paths start there.
    pub fn below(folder: impl Into<PathBuf>) -> Self {
        Self(Reach::Below(folder.into()))
    }

    /// Any file that this process can read: for clouds that its own user writes. Relative paths start at a
    /// folder.
    pub fn anywhere(folder: impl Into<PathBuf>) -> Self {
        Self(Reach::Anywhere(folder.into()))
    }

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// The file may not be read ([`io::ErrorKind::PermissionDenied`]), or does not exist. Below a folder,
    /// anything that is not a regular file is refused too ([`io::ErrorKind::InvalidInput`]).
    pub fn open(&self, path: &Path) -> io::Result<File> {
        match &self.0 {
            Reach::Nowhere => Err(refused("no folder is given for local files")),
            Reach::Anywhere(folder) => File::open(folder.join(path)),
            Reach::Below(folder) => below(folder, path),
        }
    }
}

/// The most bytes of a text: the definitions of a large operator have 5 MB.
const MOST_TEXT: u64 = 16 << 20;

impl Files {
    /// The text of a file.
    ///
    /// # Errors
    ///
    /// The file may not be read, does not exist, is not a regular file ([`io::ErrorKind::InvalidInput`]), has more than 16 MiB, or is not UTF-8
    /// ([`io::ErrorKind::InvalidData`]).
    pub fn text(&self, path: &Path) -> io::Result<String> {
        // Opening a pipe would wait for its other end.
        let is_other = match &self.0 {
            Reach::Anywhere(folder) => !fs::metadata(folder.join(path))?.is_file(),
            Reach::Nowhere | Reach::Below(_) => false,
        };
        if is_other {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let file = self.open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let mut text = String::new();
        file.take(MOST_TEXT + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MOST_TEXT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it has more than 16 MiB"));
        }
        Ok(text)
    }
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

fn outside() -> io::Error {
    refused("it is outside the folder for local files")
}

fn below(folder: &Path, path: &Path) -> io::Result<File> {
    let folder = folder.canonicalize()?;
    // Checked before any access to the disk: a path outside is not even looked up.
    let said = inside(&folder, path).ok_or_else(outside)?;
    let real = said.canonicalize()?;
    if !real.starts_with(&folder) {
        return Err(outside());
    }
    // Opening a pipe would wait for its other end.
    if !fs::metadata(&real)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let file = File::open(&real)?;
    // Someone who can write in the folder could have replaced the file by a link in between.
    let is_same = real.canonicalize()? == real && same(&file.metadata()?, &fs::symlink_metadata(&real)?);
    is_same.then_some(file).ok_or_else(outside)
}

/// A path below a folder, judged by its text alone.
fn inside(folder: &Path, path: &Path) -> Option<PathBuf> {
    let joined = folder.join(path);
    let mut clean = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
                if !clean.starts_with(folder) {
                    return None;
                }
            }
            other => clean.push(other),
        }
    }
    clean.starts_with(folder).then_some(clean)
}

#[cfg(unix)]
fn same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same(one: &Metadata, other: &Metadata) -> bool {
    other.is_file() && one.len() == other.len()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder `open` with a file, a folder and links, beside a file `closed`.
    fn stage() -> tempfile::TempDir {
        let stage = tempfile::tempdir().unwrap();
        let open = stage.path().join("open");
        fs::create_dir_all(open.join("deep")).unwrap();
        fs::write(stage.path().join("closed"), "hunter2").unwrap();
        fs::create_dir(stage.path().join("opened")).unwrap();
        fs::write(stage.path().join("opened/file"), "hunter2").unwrap();
        fs::write(open.join("file"), "fine").unwrap();
        symlink("../closed", open.join("link")).unwrap();
        symlink("..", open.join("up")).unwrap();
        symlink("../file", open.join("deep/link")).unwrap();
        stage
    }

    fn read(files: &Files, path: impl AsRef<Path>) -> Result<String, io::ErrorKind> {
        let mut text = String::new();
        files.open(path.as_ref()).and_then(|mut file| file.read_to_string(&mut text)).map_err(|why| {
            assert!(!why.to_string().contains("hunter2"));
            why.kind()
        })?;
        Ok(text)
    }

    #[test]
    fn what_lies_below_the_folder_is_read() {
        let stage = stage();
        let open = stage.path().join("open");
        let files = Files::below(&open);
        for path in ["file", "./file", "deep/../file", "deep/link"] {
            assert_eq!(read(&files, path).as_deref(), Ok("fine"), "{path}");
        }
        assert_eq!(read(&files, open.join("file")).as_deref(), Ok("fine"));
        assert_eq!(read(&files, "nothing"), Err(io::ErrorKind::NotFound));
        assert_eq!(read(&files, "deep"), Err(io::ErrorKind::InvalidInput));
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let stage = stage();
        let files = Files::below(stage.path().join("open"));
        let out = [
            "../closed",
            "../open/../closed",
            "deep/../../closed",
            "link",
            "up/closed",
            "up/open/../closed",
            "/etc/passwd",
            "/etc/there-is-no-such-file",
            "../opened/file",
        ];
        for path in out {
            assert_eq!(read(&files, path), Err(io::ErrorKind::PermissionDenied), "{path}");
        }
        let absolute = stage.path().join("closed");
        assert_eq!(read(&files, &absolute), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(read(&Files::default(), &absolute), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(read(&Files::anywhere(stage.path()), "closed").as_deref(), Ok("hunter2"));
    }
}
