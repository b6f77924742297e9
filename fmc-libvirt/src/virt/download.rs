//! Reading the bytes of a volume.

use virt::error::Error;
use virt::storage_vol::StorageVol;
use virt::stream::Stream;

use super::session::Session;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// The last bytes of a volume's file. It asks for the size first, because a console's file grows without
/// libvirt.
pub(super) fn tail(session: &Session, pool: &str, name: &str, bytes: u64) -> Result<Vec<u8>, Error> {
    session.on_volume(pool, name, |volume| {
        let size = volume.info()?.capacity;
        part(session, volume, size.saturating_sub(bytes), bytes.min(size))
    })
}

/// A part of a volume's file.
pub(super) fn part(session: &Session, volume: &StorageVol, from: u64, length: u64) -> Result<Vec<u8>, Error> {
    let stream = Stream::new(&session.connection, 0)?;
    volume.download(&stream, from, length, 0)?;
    let mut part = Vec::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = usize::try_from(stream.recv(&mut chunk)?).unwrap_or(0);
        match chunk.get(..read).filter(|read| !read.is_empty()) {
            Some(read) => part.extend_from_slice(read),
            None => break,
        }
    }
    stream.finish()?;
    Ok(part)
}
