//! The image lock: a file beside the cloud's, `cloud.images.lock` beside `cloud.yaml`.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use fmc_core::cloud::Cloud;

use super::super::args::{Args, Command};
use super::super::check::count;
use super::super::cloud_file::CloudFile;
use super::super::failure::Failure;
use super::super::io::Io;
use super::super::plain::plain;
use super::super::saved;
use super::super::style::{Paint, WARN};
use crate::container_images::{self, ImageLock};

/// The greatest length of a lock: some ten thousand images.
const LONGEST: u64 = 4 << 20;

/// What the file is called after the cloud's own, in place of `yaml`.
const ENDING: &str = "images.lock";

/// The file of a lock.
pub(super) struct LockFile {
    path: PathBuf,
    /// As it is named to a person.
    name: String,
}

impl LockFile {
    /// The file beside the cloud's; `None` if the cloud is from standard input or from a program.
    pub(super) fn beside(args: &Args, io: &Io<'_>) -> Option<Self> {
        Some(Self::at(&args.file.as_ref().and_then(CloudFile::path)?.with_extension(ENDING), io))
    }

    /// The file of this name.
    pub(super) fn at(path: &Path, io: &Io<'_>) -> Self {
        Self { path: io.folder.join(path), name: path.display().to_string() }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its lock; an empty one if there is no such file.
    pub(super) fn read(&self) -> Result<ImageLock, Failure> {
        let text = match text(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(ImageLock::new()),
            Err(error) => return Err(Failure::to(format!("read {}: {error}", self.name))),
        };
        ImageLock::read(&text).map_err(|error| {
            Failure::new(plain(&format!("{}:{}: {}", self.name, error.line, error.why)))
                .help("mend the line, or delete the file and write it anew with `images pin`")
        })
    }

    /// Writes a lock, as a whole or not at all.
    pub(super) fn write(&self, lock: &ImageLock) -> Result<(), Failure> {
        saved::replace_as(&self.path, lock.to_string().as_bytes(), 0o666)
            .map_err(|error| Failure::to(format!("write {}: {error}", self.name)))
    }
}

/// The cloud with the digests of the lock beside its file, for the commands that compile it.
pub(in super::super) fn locked(cloud: Cloud, args: &Args, io: &mut Io<'_>) -> Result<Cloud, Failure> {
    let compiles = matches!(
        args.command,
        Command::Check
            | Command::Compile { .. }
            | Command::Plan { .. }
            | Command::Apply { .. }
            | Command::Destroy
            | Command::Status
            | Command::Drift
            | Command::Images { command: super::Command::List }
    );
    let Some(file) = LockFile::beside(args, io).filter(|_| compiles) else { return Ok(cloud) };
    let lock = file.read()?;
    if !lock.is_empty() && container_images::used(&cloud).is_empty() && matches!(args.command, Command::Check)
    {
        // Without a platform there is no role that could find it.
        let head = Paint("warning", WARN, io.colour_err);
        io.err(format_args!(
            "{head}: {} has {}, and the cloud has no containers\n",
            file.name,
            count(lock.iter().count(), "image")
        ));
    }
    Ok(if lock.is_empty() { cloud } else { container_images::locked(cloud, &lock) })
}

/// The text of a file that has a sound length.
pub(super) fn text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("it is too long"));
    }
    Ok(text)
}
