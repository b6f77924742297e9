//! A relay between a libvirt client and its daemon. It counts the calls, and can stop passing them on.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::tree::{or_panic, scratch};

/// The number of the program "remote" (`REMOTE_PROGRAM` in libvirt's `remote_protocol.x`). Only its calls
/// count; keepalives have another number.
const REMOTE: u32 = 0x2000_8086;

/// Far longer than the longest message of libvirt (`VIR_NET_MESSAGE_MAX`).
const LONGEST: usize = 64 << 20;

/// A relay in front of a libvirtd's socket.
pub struct Relay {
    folder: TempDir,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    calls: Mutex<Vec<u32>>,
    packets: Mutex<usize>,
    holds: AtomicBool,
}

impl Relay {
    /// Listens in a folder of its own, in front of a socket.
    ///
    /// # Panics
    ///
    /// When the relay cannot listen.
    #[must_use]
    pub fn start(socket: &Path) -> Self {
        let folder = scratch();
        let listener = or_panic(UnixListener::bind(folder.path().join("relay")), folder.path());
        let seen = Arc::<Seen>::default();
        let (socket, shared) = (socket.to_owned(), Arc::clone(&seen));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // If the daemon is dead, the connection closes, as it would without a relay.
                let _ = connect(client, socket.clone(), &shared);
            }
        });
        Self { folder, seen }
    }

    /// The URI of the daemon through the relay.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("qemu+unix:///system?socket={}", self.folder.path().join("relay").display())
    }

    /// The calls since the last time this was asked, in order, by the number of their procedure in
    /// `remote_protocol.x`.
    #[must_use]
    pub fn take_calls(&self) -> Vec<u32> {
        std::mem::take(&mut self.seen.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of stream packets (uploads) that went to the daemon.
    #[must_use]
    pub fn packets(&self) -> usize {
        *self.seen.packets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds back the clients' messages, as a hanging daemon would, or passes them on again.
    pub fn hold(&self, on: bool) {
        self.seen.holds.store(on, Ordering::SeqCst);
    }
}

fn connect(client: UnixStream, socket: PathBuf, seen: &Arc<Seen>) -> io::Result<()> {
    let daemon = UnixStream::connect(socket)?;
    let (mut from_daemon, mut to_client) = (daemon.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_daemon, &mut to_client);
        let _ = to_client.shutdown(std::net::Shutdown::Both);
    });
    let seen = Arc::clone(seen);
    thread::spawn(move || {
        let _ = pass_on(&client, &daemon, &seen);
        let _ = daemon.shutdown(std::net::Shutdown::Both);
        let _ = client.shutdown(std::net::Shutdown::Both);
    });
    Ok(())
}

/// Passes on messages. A message is its length, and a header of program, version, procedure, type, serial and
/// status, each of four bytes.
fn pass_on(mut client: &UnixStream, mut daemon: &UnixStream, seen: &Seen) -> io::Result<()> {
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        let rest = (u32::from_be_bytes(length) as usize).saturating_sub(length.len());
        if rest > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut message = vec![0; rest];
        client.read_exact(&mut message)?;
        while seen.holds.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
        match (word(&message, 0), word(&message, 3)) {
            (Some(REMOTE), Some(0)) => {
                let procedure = word(&message, 2).unwrap_or(0);
                seen.calls.lock().unwrap_or_else(PoisonError::into_inner).push(procedure);
            }
            (Some(REMOTE), Some(3)) => *seen.packets.lock().unwrap_or_else(PoisonError::into_inner) += 1,
            _ => {}
        }
        daemon.write_all(&length)?;
        daemon.write_all(&message)?;
    }
}

fn word(message: &[u8], index: usize) -> Option<u32> {
    let bytes = message.get(index * 4..index * 4 + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}
