//! Blocking work behind a future, on any runtime.

use std::thread;

use futures_channel::oneshot;

/// Does work that blocks on a thread of its own, or, where it returns at once, in place. Dropping the future does not
/// stop the work: whoever needs that gives it a flag to look at. `None` if the thread could not start or panicked.
pub(super) async fn off_thread<T: Send + 'static>(
    instant: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    if instant {
        return Some(work());
    }
    let (sender, receiver) = oneshot::channel();
    let send = move || {
        // Nobody waits for the answer once the future is dropped.
        drop(sender.send(work()));
    };
    thread::Builder::new().name("fmc-libvirt".to_owned()).spawn(send).ok()?;
    receiver.await.ok()
}
