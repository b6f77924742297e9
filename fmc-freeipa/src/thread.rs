//! Calls that block, on threads of their own.

use std::thread;

use futures_channel::oneshot;

/// Runs blocking work on a thread of its own, so that any executor serves; or in place, if it is done at once. `None` if the
/// thread ended.
pub(crate) async fn off_thread<T: Send + 'static>(
    is_instant: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    if is_instant {
        return Some(work());
    }
    let (sender, receiver) = oneshot::channel();
    // The receiver is gone if the future was dropped.
    let send = move || drop(sender.send(work()));
    thread::Builder::new().name("fmc-dns".to_owned()).spawn(send).ok()?;
    receiver.await.ok()
}
