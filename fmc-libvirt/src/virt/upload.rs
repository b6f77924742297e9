//! Sending bytes into a volume: a blocking stream, one piece at a time, on a thread of its own. The next
//! piece is read while the last one is sent, and another thread hashes it, so only a few pieces are in
//! memory. Zeros are sent as holes: the volume is new, and reads as zeros where nothing was written.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use virt::error::Error;
use virt::stream::Stream;
use virt::sys;

use super::call::{Call, Kind};
use super::failure;
use super::raw::send_hole;
use super::session::{Client, Session};
use crate::link::{CallError, CallErrorKind, Piece, Pieces};

/// The bytes of a packet. libvirtd copies each packet into newly allocated memory. Up to the allocator's
/// limit (128 KiB in glibc) the allocator reuses memory; packets of 256 KiB, as libvirt's own tools send
/// them, cost a fifth more CPU time.
const PACKET: usize = 120 << 10;

/// Zeros are searched in blocks of this size: that of qcow2's clusters, and a multiple of file systems'
/// blocks.
const BLOCK: usize = 64 << 10;

static ZEROS: [u8; BLOCK] = [0; BLOCK];

pub(super) fn upload(
    client: &Client,
    pool: &str,
    name: &str,
    bytes: &mut dyn Pieces,
    length: Option<u64>,
    each: &mut dyn FnMut(u64) -> bool,
) -> Result<(), CallError> {
    let deadlines = client.deadlines();
    let words = format!("upload to volume {pool}/{name}");
    let opening = Call::change(words.clone(), Kind::Volume, deadlines.change);
    let (at, volume) = (pool.to_owned(), name.to_owned());
    // Opened through `call`, so that a lost connection is opened again.
    let (session, stream) = client.call_in_session(opening, move |session| {
        let stream = Stream::new(&session.connection, 0)?;
        session.on_volume(&at, &volume, |volume| {
            // 0 means no limit.
            volume.upload(&stream, 0, length.unwrap_or(0), sys::VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
        })?;
        Ok(stream)
    })?;
    let chunk = Call::change(words.clone(), Kind::Volume, deadlines.chunk);
    let end = Call::change(words, Kind::Volume, deadlines.change);
    let (orders, obeyed) = sync_channel(1);
    let (done, sent) = channel();
    let worker = Mutex::new(Some(Worker { stream, orders: obeyed, done }));
    let work = Arc::new(move |_: &Session| {
        let worker = worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        worker.map_or(Ok(()), Worker::run)
    });
    let pending = client.judge(&end, client.start(&session, end.clone(), &work))?;
    match (Sending { call: &chunk, orders: &orders, sent: &sent }).send(bytes, length, each) {
        Ok(()) => {
            // A worker that ended early has an error to report.
            drop(orders.send(Order::Finish));
            client.judge(&end, pending.wait_for(end.deadline))
        }
        Err(Failure::Ended) => {
            let ended = client.judge(&end, pending.wait_for(end.deadline));
            ended.and_then(|()| Err(failure::broken(&end, "it ended early")))
        }
        Err(Failure::Late) => client.judge(&chunk, Err(pending.give_up(&chunk))),
        Err(Failure::Here(error)) => {
            // The earlier error matters more than the result of this wait.
            drop(orders);
            let _ = pending.wait_for(end.deadline);
            Err(error)
        }
    }
}

/// An order to the sending thread; it aborts the stream if the orders stop before the end.
enum Order {
    Send(Piece),
    Finish,
}

/// Why an upload ended early.
enum Failure {
    /// The sending thread ended, and reports the reason.
    Ended,
    /// A piece took too long.
    Late,
    /// The source failed on this side.
    Here(CallError),
}

/// The reading side.
struct Sending<'a> {
    call: &'a Call,
    orders: &'a SyncSender<Order>,
    sent: &'a Receiver<()>,
}

impl Sending<'_> {
    fn send(
        &self,
        bytes: &mut dyn Pieces,
        length: Option<u64>,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), Failure> {
        let (mut read, mut sent) = (0, 0);
        let mut under_way = None;
        loop {
            let piece = self.next(bytes, length.map(|length| length - read)).map_err(Failure::Here)?;
            if let Some(size) = under_way.take() {
                self.sent.recv_timeout(self.call.deadline).map_err(|error| match error {
                    RecvTimeoutError::Timeout => Failure::Late,
                    RecvTimeoutError::Disconnected => Failure::Ended,
                })?;
                sent += size;
                if !each(sent) {
                    let of = length.map(|length| format!(" of {length}")).unwrap_or_default();
                    let message = format!("stopped after {sent}{of} bytes");
                    let error = CallError::new(&self.call.words, CallErrorKind::Cancelled, message);
                    return Err(Failure::Here(error));
                }
            }
            let Some(piece) = piece else { return Ok(()) };
            read += piece.length();
            under_way = Some(piece.length());
            self.orders.send(Order::Send(piece)).map_err(|_| Failure::Ended)?;
        }
    }

    /// The next piece to send; `None` at the end.
    fn next(&self, bytes: &mut dyn Pieces, left: Option<u64>) -> Result<Option<Piece>, CallError> {
        if left == Some(0) {
            return Ok(None);
        }
        let piece = bytes.next().map_err(|error| self.unread(&error.to_string()))?;
        match (piece, left) {
            (None, Some(left)) => Err(self.unread(&format!("they end {left} bytes too early"))),
            (Some(piece), Some(left)) => Ok(Some(up_to(piece, left))),
            (piece, None) => Ok(piece),
        }
    }

    fn unread(&self, why: &str) -> CallError {
        let message = format!("the bytes cannot be read: {why}");
        CallError::new(&self.call.words, CallErrorKind::Failed, message)
    }
}

/// Limits a piece to the announced length, in case the source grew.
fn up_to(piece: Piece, left: u64) -> Piece {
    match piece {
        Piece::Zeros(count) => Piece::Zeros(count.min(left)),
        Piece::Bytes(bytes) => {
            match usize::try_from(left).ok().and_then(|left| (*bytes).as_ref().get(..left)) {
                Some(first) => Piece::Bytes(Arc::new(first.to_vec())),
                None => Piece::Bytes(bytes),
            }
        }
    }
}

/// The sending side.
struct Worker {
    stream: Stream,
    orders: Receiver<Order>,
    done: Sender<()>,
}

impl Worker {
    fn run(self) -> Result<(), Error> {
        let Self { stream, orders, done } = self;
        for order in orders {
            let Order::Send(piece) = order else { return stream.finish() };
            if let Err(error) = send(&stream, &piece) {
                // The first error matters more.
                let _ = stream.abort();
                return Err(error);
            }
            // Dropped before the report, so that its buffer is free for the piece after the next.
            drop(piece);
            let _ = done.send(());
        }
        stream.abort()
    }
}

fn send(stream: &Stream, piece: &Piece) -> Result<(), Error> {
    match piece {
        Piece::Zeros(count) => send_hole(stream, *count),
        Piece::Bytes(bytes) => send_bytes(stream, (**bytes).as_ref()),
    }
}

fn send_bytes(stream: &Stream, mut left: &[u8]) -> Result<(), Error> {
    while !left.is_empty() {
        let hole = left.chunks(BLOCK).take_while(|block| is_zero(block)).map(<[u8]>::len).sum();
        let (_, rest) = left.split_at(hole);
        let data = rest.chunks(BLOCK).take_while(|block| !is_zero(block)).map(<[u8]>::len).sum();
        let (data, rest) = rest.split_at(data);
        if hole > 0 {
            send_hole(stream, hole as u64)?;
        }
        data.chunks(PACKET).try_for_each(|packet| send_packet(stream, packet))?;
        left = rest;
    }
    Ok(())
}

fn send_packet(stream: &Stream, mut left: &[u8]) -> Result<(), Error> {
    while !left.is_empty() {
        let sent = stream.send(left)?;
        left = left.get(usize::try_from(sent).unwrap_or(0)..).unwrap_or_default();
    }
    Ok(())
}

fn is_zero(block: &[u8]) -> bool {
    ZEROS.get(..block.len()).is_some_and(|zeros| zeros == block)
}
