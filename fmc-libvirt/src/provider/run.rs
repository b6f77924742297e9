//! Blocking work behind a future, on any runtime.

use std::thread;

use futures_channel::oneshot;

/// Runs blocking work on a thread of its own, or in place if it returns at once. Dropping the future does not
/// stop the work; give it a flag if it must stop. `None` if the thread could not start or panicked.
pub(super) async fn off_thread<T: Send + 'static>(
    instant: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    if instant {
        return Some(work());
    }
    let (sender, receiver) = oneshot::channel();
    let send = move || {
        // The receiver is gone if the future was dropped.
        drop(sender.send(work()));
    };
    thread::Builder::new().name("fmc-libvirt".to_owned()).spawn(send).ok()?;
    receiver.await.ok()
}
