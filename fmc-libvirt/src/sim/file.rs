//! A simulated hypervisor in a file, with a lock that names its holder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Sim, StateError};

/// Why a file could not be opened or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimFileError {
    /// Another process uses it.
    #[error(
        "lock {path}: held by {holder}; wait until it is done, or use another simulation (`--connect sim:FILE`)"
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// The holder, as it described itself.
        holder: String,
    },
    /// The file system refused.
    #[error("{what} {path}: {cause}")]
    Io {
        /// The attempted action.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The file does not contain a simulated hypervisor.
    #[error(
        "read {path}: it is not a simulated hypervisor ({cause}); move it away to begin with an empty one"
    )]
    NotAWorld {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: StateError,
    },
}

/// A simulated hypervisor that is stored in a file, and locked while this value lives.
///
/// The lock belongs to the operating system, on a file beside it: it ends with the process, however the
/// process ends.
#[derive(Debug)]
pub struct SimFile {
    saver: Saver,
    lock: File,
}

/// Saves a simulated hypervisor into its file, from any thread.
#[derive(Clone, Debug)]
pub struct Saver {
    path: PathBuf,
    sim: Sim,
    /// Two saves at once would write into the same new file.
    alone: Arc<Mutex<()>>,
}

impl SimFile {
    /// Opens a file, or an empty hypervisor if the file does not exist. Other processes are told `holder`
    /// meanwhile, as `process 4711, apply`.
    ///
    /// # Errors
    /// Another process holds it, the file cannot be read, or it does not contain a hypervisor.
    pub fn open(path: impl Into<PathBuf>, holder: &str) -> Result<Self, SimFileError> {
        let path = path.into();
        let lock = lock(&path, holder)?;
        let uri = format!("sim:{}", path.display());
        let sim = read(&path, &uri)?.unwrap_or_else(|| Sim::holding(Default::default(), &uri));
        Ok(Self { saver: Saver { path, sim, alone: Arc::default() }, lock })
    }

    /// Reads a file without a lock, to look at it; an empty hypervisor if the file does not exist.
    ///
    /// # Errors
    /// The file cannot be read, or it does not contain a hypervisor.
    pub fn look(path: impl Into<PathBuf>) -> Result<Sim, SimFileError> {
        let path = path.into();
        let uri = format!("sim:{}", path.display());
        Ok(read(&path, &uri)?.unwrap_or_else(|| Sim::holding(Default::default(), &uri)))
    }

    /// The hypervisor.
    pub fn sim(&self) -> &Sim {
        &self.saver.sim
    }

    /// Saves it from another thread: one that ends the process while this one works.
    pub fn saver(&self) -> Saver {
        self.saver.clone()
    }

    /// Saves the hypervisor atomically: the file has either the old or the complete new content.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self) -> Result<(), SimFileError> {
        let _alone = self.saver.alone.lock().unwrap_or_else(PoisonError::into_inner);
        self.saver.write(true)
    }

    /// Saves the hypervisor as [`save`](Self::save) does, without waiting for the disk: the file outlives this process, though
    /// it may get lost with the power.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_unsynced(&self) -> Result<(), SimFileError> {
        let _alone = self.saver.alone.lock().unwrap_or_else(PoisonError::into_inner);
        self.saver.write(false)
    }
}

impl Saver {
    /// Saves the hypervisor for the last time, before the process ends: any other save waits from now on, so that none is
    /// cut.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_last(&self) -> Result<(), SimFileError> {
        std::mem::forget(self.alone.lock().unwrap_or_else(PoisonError::into_inner));
        self.write(true)
    }

    fn write(&self, is_synced: bool) -> Result<(), SimFileError> {
        let text = self.sim.to_json().map_err(|cause| self.failed("write", io::Error::other(cause)))?;
        let new = beside(&self.path, ".new");
        let write = || -> io::Result<()> {
            // Removes the file of an earlier process; a link is removed and not followed.
            match fs::remove_file(&new) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                _ => {}
            }
            let mut file = File::options().write(true).create_new(true).open(&new)?;
            file.write_all(text.as_bytes())?;
            if is_synced {
                file.sync_all()?;
            }
            fs::rename(&new, &self.path)
        };
        write().map_err(|cause| self.failed("write", cause))
    }

    fn failed(&self, what: &'static str, cause: io::Error) -> SimFileError {
        SimFileError::Io { what, path: self.path.clone(), cause }
    }
}

/// The lock ends here, and not when the last copy of its file is closed: a process that another thread is
/// starting has such a copy for a moment.
impl Drop for SimFile {
    fn drop(&mut self) {
        // Should unlocking fail, the end of this process unlocks it.
        let _ = self.lock.unlock();
    }
}

fn read(path: &Path, uri: &str) -> Result<Option<Sim>, SimFileError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(SimFileError::Io { what: "read", path: path.to_owned(), cause }),
    };
    match Sim::from_json(uri, &text) {
        Ok(sim) => Ok(Some(sim)),
        Err(cause) => Err(SimFileError::NotAWorld { path: path.to_owned(), cause }),
    }
}

fn lock(path: &Path, holder: &str) -> Result<File, SimFileError> {
    let at = beside(path, ".lock");
    let failed = |cause| SimFileError::Io { what: "lock", path: at.clone(), cause };
    let mut file = open_lock(&at).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The holder's description is optional: an empty lock file works too.
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.trim().is_empty() {
                "another process".to_owned()
            } else {
                holder.trim().to_owned()
            };
            return Err(SimFileError::Locked { path: path.to_owned(), holder });
        }
        Err(TryLockError::Error(cause)) => return Err(failed(cause)),
    }
    let mut write = || -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(holder.as_bytes())
    };
    write().map_err(failed)?;
    Ok(file)
}

/// Opens the file of a lock, or makes it. Its content is replaced, so that it must not be a link to another file.
fn open_lock(at: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).read(true).write(true).truncate(false);
    #[cfg(unix)]
    {
        let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    }
    options.open(at).map_err(|cause| {
        let is_link = fs::symlink_metadata(at).is_ok_and(|found| found.is_symlink());
        if is_link { io::Error::other("it is a symbolic link: remove it") } else { cause }
    })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
