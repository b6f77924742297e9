//! Sending bytes into a volume: a blocking stream, a chunk at a time. The next chunk is read (and hashed, by whom the bytes come from) while
//! the last one is sent, so two chunks are all the memory it takes. Zeros are sent as holes: the volume is new, and reads as zeros where
//! nothing was written.

use std::io::{ErrorKind, Read};
use std::sync::{Arc, Mutex, PoisonError};

use virt::error::Error;
use virt::stream::Stream;
use virt::sys;

use super::call::{Call, Kind};
use super::raw::send_hole;
use super::session::{Client, Pending, Session};
use crate::link::{CallError, CallErrorKind};

/// libvirt's own tools send a mebibyte at a time; on the wire it is cut into packets of a quarter of that.
const CHUNK: usize = 1 << 20;

/// Zeros are looked for in blocks of this size, which is that of qcow2's clusters and of a multiple of file systems' blocks.
const BLOCK: usize = 64 << 10;

static ZEROS: [u8; BLOCK] = [0; BLOCK];

pub(super) fn upload(
    client: &Client,
    pool: &str,
    name: &str,
    bytes: &mut dyn Read,
    length: Option<u64>,
    each: &mut dyn FnMut(u64) -> bool,
) -> Result<(), CallError> {
    let deadlines = client.deadlines();
    let words = format!("upload to volume {pool}/{name}");
    let opening = Call::change(words.clone(), Kind::Volume, deadlines.change);
    let (at, volume) = (pool.to_owned(), name.to_owned());
    // Opened through `call`, so that a connection which was lost before it is opened anew.
    let (session, stream) = client.call_in_session(opening, move |session| {
        let stream = Stream::new(&session.connection, 0)?;
        session.on_volume(&at, &volume, |volume| {
            // No length is no limit.
            volume.upload(&stream, 0, length.unwrap_or(0), sys::VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
        })?;
        Ok(stream)
    })?;
    let sending = Sending {
        client,
        session,
        stream: Arc::new(Mutex::new(Some(stream))),
        chunk: Call::change(words.clone(), Kind::Volume, deadlines.chunk),
        end: Call::change(words, Kind::Volume, deadlines.change),
    };
    match sending.send(bytes, length, each) {
        Ok(()) => sending.finish(),
        Err(error) => {
            sending.abort();
            Err(error)
        }
    }
}

/// An upload under way.
struct Sending<'a> {
    client: &'a Client,
    session: Arc<Session>,
    /// Taken by what ends it.
    stream: Arc<Mutex<Option<Stream>>>,
    chunk: Call,
    end: Call,
}

impl Sending<'_> {
    fn send(
        &self,
        bytes: &mut dyn Read,
        length: Option<u64>,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), CallError> {
        let (mut read, mut sent) = (0_u64, 0_u64);
        let mut under_way: Option<(u64, Pending<()>)> = None;
        loop {
            let chunk = self.next_chunk(bytes, length.map(|length| length - read))?;
            read += chunk.len() as u64;
            if let Some((size, pending)) = under_way.take() {
                self.client.judge(&self.chunk, pending.wait())?;
                sent += size;
                if !each(sent) {
                    let of = length.map(|length| format!(" of {length}")).unwrap_or_default();
                    let message = format!("stopped after {sent}{of} bytes");
                    return Err(CallError::new(&self.chunk.words, CallErrorKind::Cancelled, message));
                }
            }
            if chunk.is_empty() {
                return Ok(());
            }
            let (size, stream) = (chunk.len() as u64, Arc::clone(&self.stream));
            let work = Arc::new(move |_: &Session| send_all(&stream, &chunk));
            let pending = self.client.start(&self.session, self.chunk.clone(), &work);
            under_way = Some((size, self.client.judge(&self.chunk, pending)?));
        }
    }

    /// The next bytes, up to a chunk; none at the end.
    fn next_chunk(&self, bytes: &mut dyn Read, left: Option<u64>) -> Result<Vec<u8>, CallError> {
        let size = left.and_then(|left| usize::try_from(left).ok()).map_or(CHUNK, |left| left.min(CHUNK));
        // `read_to_end` would ask for less at a time, and hash it in as many pieces.
        let (mut chunk, mut filled) = (vec![0; size], 0);
        while let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match bytes.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unread(&error.to_string())),
            }
        }
        chunk.truncate(filled);
        match left {
            Some(left) if chunk.len() < size => {
                let missing = left - chunk.len() as u64;
                Err(self.unread(&format!("they end early, {missing} before their end")))
            }
            _ => Ok(chunk),
        }
    }

    fn unread(&self, why: &str) -> CallError {
        let message = format!("the bytes cannot be read: {why}");
        CallError::new(&self.chunk.words, CallErrorKind::Failed, message)
    }

    /// The other side has written everything when this returns; an error of its own, as a full disk, may be told only here.
    fn finish(&self) -> Result<(), CallError> {
        let stream = Arc::clone(&self.stream);
        let work = Arc::new(move |_: &Session| take(&stream).map_or(Ok(()), Stream::finish));
        let pending = self.client.start(&self.session, self.end.clone(), &work);
        self.client.judge(&self.end, pending.and_then(Pending::wait))
    }

    /// As good as it goes: the error that led here is the one to tell.
    fn abort(&self) {
        let stream = Arc::clone(&self.stream);
        let work = Arc::new(move |_: &Session| take(&stream).map_or(Ok(()), Stream::abort));
        let pending = self.client.start(&self.session, self.end.clone(), &work);
        let _ = pending.and_then(Pending::wait);
    }
}

fn send_all(stream: &Mutex<Option<Stream>>, chunk: &[u8]) -> Result<(), Error> {
    let stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(stream) = stream.as_ref() else { return Ok(()) };
    let mut left = chunk;
    while !left.is_empty() {
        let hole = left.chunks(BLOCK).take_while(|block| is_zero(block)).map(<[u8]>::len).sum();
        let (_, rest) = left.split_at(hole);
        let data = rest.chunks(BLOCK).take_while(|block| !is_zero(block)).map(<[u8]>::len).sum();
        let (data, rest) = rest.split_at(data);
        if hole > 0 {
            send_hole(stream, hole)?;
        }
        send_data(stream, data)?;
        left = rest;
    }
    Ok(())
}

fn send_data(stream: &Stream, mut left: &[u8]) -> Result<(), Error> {
    while !left.is_empty() {
        let sent = stream.send(left)?;
        left = left.get(usize::try_from(sent).unwrap_or(0)..).unwrap_or_default();
    }
    Ok(())
}

fn is_zero(block: &[u8]) -> bool {
    ZEROS.get(..block.len()).is_some_and(|zeros| zeros == block)
}

fn take(stream: &Mutex<Option<Stream>>) -> Option<Stream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner).take()
}
